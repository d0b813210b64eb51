"""Rows of a family's score table: what is given, and what is withheld and why."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from morula.family_risks import RiskModel
from morula.score_weights import Weights
from morula.standardise import (
    OUTSIDE,
    Continuum,
    Group,
    Standard,
    interval,
    join_remarks,
    percentile,
    rank_percentile,
    standard_of,
)

COLUMNS = (
    "sample role trait pgs_id variants_total variants_used weight_used pgs pgs_sd z"
    " z_low z_high percentile reference status reason prevalence risk risk_low"
    " risk_high risk_sex liability_r2 family_mean sibling_sd sibling_percentile"
    " attainable_low attainable_high z_norm1 nearest_percentile nearest_reference"
).split()
OK, FLAGGED, WITHHELD = "ok", "flagged", "withheld"


@dataclass(frozen=True)
class Siblings:
    """Scores (T lists) that full siblings of an embryo have: mean, standard deviation,
    and how far from the mean the attainable ends are."""

    mean: list[float]
    sd: list[float]
    reach: list[float]


@dataclass(frozen=True)
class Reference:
    """What a sample's scores (T lists) are compared with. standard: mean and SD of its
    z, of `name`, with a remark (empty: none); norm1: z with the panel's one SD, None
    without components; nearest, percentiles: samples of the nearest superpopulation,
    and how many of them in a hundred have less."""

    name: str
    remark: str
    standard: Standard
    norm1: list[float] | None
    nearest: str
    percentiles: list[float]


@dataclass(frozen=True)
class SampleScores:
    """A sample's scores (T lists) and how they are to be read.

    reference: what its scores are compared with; qc_status, qc_reason: of an embryo
    (`pass` and empty for a parent); siblings: None for a parent, and where a parent is
    not known.
    """

    name: str
    role: str
    pgs: list[float]
    pgs_sd: list[float]
    reference: Reference
    qc_status: str
    qc_reason: str
    siblings: Siblings | None

    @property
    def standard(self) -> Standard:
        """Mean and SD that its z are relative to."""
        return self.reference.standard

    def z_of(self, score: int, pgs: float) -> float:
        """`pgs` on this sample's scale; NaN where the score does not vary there."""
        return (pgs - float(self.standard.mean[score])) / float(self.standard.sd[score])


def compare(
    pgs: NDArray[np.float64],
    panel_scores: NDArray[np.float64],
    group: Group,
    continuum: Continuum | None,
    place: NDArray[np.float64],
    superpopulation: str,
) -> Reference:
    """What scores (T,) of a sample at `place` are compared with: the panel at that
    place, or, where it is too small for that (None), the samples of `group`."""
    members = panel_scores[group.is_member].T
    percentiles = [rank_percentile(*pair) for pair in zip(members, pgs, strict=True)]
    if continuum is None:
        standard = standard_of(panel_scores, group)
        return Reference(
            group.name, group.remark, standard, None, group.name, percentiles
        )
    standard = continuum.at(place)
    remark = ""
    if superpopulation == OUTSIDE:
        remark = "outside the panel's populations: mean and spread are extrapolated"
    norm1 = ((pgs - standard.mean) / continuum.sd).tolist()
    name = continuum.name
    return Reference(name, remark, standard, norm1, group.name, percentiles)


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
    trait: str,
    score: int,
    sample: SampleScores,
    model: RiskModel | None,
    min_share: float,
) -> dict[str, object]:
    """The row of one sample and trait; model: None where the trait has no risk."""
    row: dict[str, object] = dict.fromkeys(COLUMNS)
    row |= {
        "sample": sample.name,
        "role": sample.role,
        "trait": trait,
        "pgs_id": str(weights.pgs_ids[score]),
        "variants_total": int(weights.variants_total[score]),
        "variants_used": int(weights.variants_used[score]),
        "weight_used": float(weights.weight_used[score]),
        "prevalence": model.curve.lifetime if model else None,
        "status": OK,
    }
    reasons = [why_withheld(weights, score, min_share)]
    if sample.qc_status == "fail":
        reasons.append(f"embryo failed quality control: {sample.qc_reason}")
    if any(reasons):
        return row | {"status": WITHHELD, "reason": join_remarks(reasons)}
    return row | _numbers(score, sample, model)


def _numbers(
    score: int, sample: SampleScores, model: RiskModel | None
) -> dict[str, object]:
    """The cells of a score that is given."""
    pgs, pgs_sd = sample.pgs[score], sample.pgs_sd[score]
    spread = float(sample.standard.sd[score])
    # Ten digits: six, as in other columns, would not do for a check against plink2.
    cells: dict[str, object] = {"pgs": f"{pgs:.10g}", "pgs_sd": f"{pgs_sd:.6g}"}
    remarks = [sample.reference.remark]
    if sample.qc_status == "warn":
        remarks.append(f"quality control: {sample.qc_reason}")
    if math.isnan(spread):
        remarks.append(f"no z: the score does not vary in {sample.reference.name}")
    else:
        z = sample.z_of(score, pgs)
        low, high = interval(z, pgs_sd / spread)
        cells |= {"z": z, "z_low": low, "z_high": high, "percentile": percentile(z)}
        cells |= _compared(score, sample) | _place(score, sample, z)
        if model is not None:
            cells |= _risks(model, (z, low, high))
            remarks.append(model.remark)
    reason = join_remarks(remarks)
    return cells | {"status": FLAGGED if reason else OK, "reason": reason}


def _compared(score: int, sample: SampleScores) -> dict[str, object]:
    """What the z is relative to, and other ways to compare."""
    reference = sample.reference
    return {
        "reference": reference.name,
        "z_norm1": None if reference.norm1 is None else reference.norm1[score],
        "nearest_percentile": reference.percentiles[score],
        "nearest_reference": reference.nearest,
    }


def _place(score: int, sample: SampleScores, z: float) -> dict[str, object]:
    """Where an embryo lies among the siblings that it might have."""
    if sample.siblings is None:
        return {}
    unit = float(sample.standard.sd[score])
    mean = sample.z_of(score, sample.siblings.mean[score])
    sd, reach = sample.siblings.sd[score] / unit, sample.siblings.reach[score] / unit
    return {
        "family_mean": mean,
        "sibling_sd": sd,
        "sibling_percentile": percentile((z - mean) / sd) if sd > 0 else None,
        "attainable_low": mean - reach,
        "attainable_high": mean + reach,
    }


def _risks(model: RiskModel, z: tuple[float, float, float]) -> dict[str, object]:
    """Absolute risk with its interval."""
    names = ("risk", "risk_low", "risk_high")
    cells: dict[str, object] = dict(zip(names, model.risk(z).tolist(), strict=True))
    return cells | {"risk_sex": model.sex, "liability_r2": model.liability_r2}
