"""Rows of a family's score table: what is given, and what is withheld and why."""

from __future__ import annotations

import math
from dataclasses import dataclass

from morula.risk import liability_risk
from morula.score_weights import Weights
from morula.standardise import (
    Group,
    Standard,
    interval,
    join_remarks,
    percentile,
)

COLUMNS = (
    "sample role trait pgs_id variants_total variants_used weight_used pgs pgs_sd z"
    " z_low z_high percentile reference status reason prevalence risk risk_low"
    " risk_high"
).split()
OK, FLAGGED, WITHHELD = "ok", "flagged", "withheld"


@dataclass(frozen=True)
class TraitRisk:
    """A trait, with what absolute risk needs (None: not given)."""

    name: str
    prevalence: float | None
    liability_r2: float | None


@dataclass(frozen=True)
class SampleScores:
    """A sample's scores (T lists) and how they are to be read.

    group, standard: what its scores are compared with; qc_status, qc_reason: of an
    embryo (`pass` and empty for a parent).
    """

    name: str
    role: str
    pgs: list[float]
    pgs_sd: list[float]
    group: Group
    standard: Standard
    qc_status: str
    qc_reason: str


def why_withheld(weights: Weights, score: int, min_share: float) -> str:
    """Why a score is given for nobody; empty if it is given."""
    share = float(weights.weight_used[score])
    # A share is a sum of rounded numbers: 0.75 of the weight must pass 0.75.
    if share >= min_share - 1e-9 and weights.variants_used[score] > 0:
        return ""
    loss = weights.main_loss(score)
    return (
        f"variants with {share:.3g} of the weight were matched; expected at least"
        f" {min_share:.3g}" + (f" (main loss: {loss})" if loss else "")
    )


def table_row(
    weights: Weights,
    trait: TraitRisk,
    score: int,
    sample: SampleScores,
    min_share: float,
) -> dict[str, object]:
    """The row of one sample and trait."""
    row: dict[str, object] = dict.fromkeys(COLUMNS)
    row |= {
        "sample": sample.name,
        "role": sample.role,
        "trait": trait.name,
        "pgs_id": str(weights.pgs_ids[score]),
        "variants_total": int(weights.variants_total[score]),
        "variants_used": int(weights.variants_used[score]),
        "weight_used": float(weights.weight_used[score]),
        "prevalence": trait.prevalence,
        "status": OK,
    }
    reasons = [why_withheld(weights, score, min_share)]
    if sample.qc_status == "fail":
        reasons.append(f"embryo failed quality control: {sample.qc_reason}")
    if any(reasons):
        return row | {"status": WITHHELD, "reason": join_remarks(reasons)}
    return row | _numbers(trait, score, sample)


def _numbers(trait: TraitRisk, score: int, sample: SampleScores) -> dict[str, object]:
    """The cells of a score that is given."""
    pgs, pgs_sd = sample.pgs[score], sample.pgs_sd[score]
    mean, spread = float(sample.standard.mean[score]), float(sample.standard.sd[score])
    # Ten digits: six, as in other columns, would not do for a check against plink2.
    cells: dict[str, object] = {"pgs": f"{pgs:.10g}", "pgs_sd": f"{pgs_sd:.6g}"}
    remarks = [sample.group.remark]
    if sample.qc_status == "warn":
        remarks.append(f"quality control: {sample.qc_reason}")
    if math.isnan(spread):
        remarks.append(f"no z: the score does not vary in {sample.group.name}")
    else:
        z = (pgs - mean) / spread
        low, high = interval(z, pgs_sd / spread)
        cells |= {"z": z, "z_low": low, "z_high": high, "percentile": percentile(z)}
        cells |= {"reference": sample.group.name} | _risks(trait, (z, low, high))
    reason = join_remarks(remarks)
    return cells | {"status": FLAGGED if reason else OK, "reason": reason}


def _risks(trait: TraitRisk, z: tuple[float, float, float]) -> dict[str, object]:
    """Absolute risk with its interval, where the trait has what it needs."""
    if trait.prevalence is None or trait.liability_r2 is None:
        return {}
    risks = liability_risk(z, trait.liability_r2, trait.prevalence).tolist()
    return dict(zip(("risk", "risk_low", "risk_high"), risks, strict=True))
