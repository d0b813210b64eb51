"""Quality of one embryo: is it this couple's, is it clean, is each chromosome whole.

`verdict` turns its measures (morula.embryo_measures) into pass, warn or fail with the
reason in plain words.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from morula.embryo_measures import Estimate, Measures
from morula.embryo_qc import STRANGER
from morula.family_sites import PARENTS

# Spreads a chromosome may be off before it looks abnormal: one false alarm in thousands
# of chromosomes, with spreads that come from 20 blocks.
CHROMOSOME_Z = 4.0
FLIP_Z = 5.0
# ln odds of an embryo as a sibling of the others against a stranger: as surely one as
# one in a thousand is not; morula.siblings leaves a stranger's reads out.
SURE_SIBLING = 7.0
# Standard errors that a parent's value must be off one before the embryo fails for it.
DESCENT_Z = 4.0


@dataclass(frozen=True)
class Thresholds:
    """Limits of `verdict`; config section correct.qc documents each."""

    min_depth: float
    max_error: float
    max_dropout: float
    warn_contamination: float
    fail_contamination: float
    warn_foreign: float
    fail_foreign: float
    max_misfit: float
    relationship_low: float
    relationship_high: float
    max_share_deviation: float
    max_depth_deviation: float
    max_flip_ratio: float


def _is_off(found: Estimate, expected: float, most: float) -> bool:
    """Further from `expected` than `most` and than chance."""
    off = abs(found.value - expected)
    return off > most and off > CHROMOSOME_Z * found.error


def chromosome_flags(
    measures: Measures, limits: Thresholds
) -> dict[str, tuple[str, bool]]:
    """Reason for each chromosome that looks abnormal, and whether it fails the embryo,
    by name.

    # METHOD: a chromosome of another share is aneuploid or uniparental: no genome of
    # two copies describes it, so that the embryo's scores are withheld. So is one that
    # is off in both of the other ways: two homologs of one parent beside the other's
    # copy keep the share at one half. Off in one of these alone is a warning.
    """
    rows = measures.chromosomes
    median = float(np.median([row.depth.value for row in rows]))
    flags = {}
    for row in rows:
        reasons = []
        share, depth = row.maternal_share, row.depth
        if _is_off(share, 0.5, limits.max_share_deviation):
            reasons.append(f"maternal share {share.value:.2f}, expected 0.50")
        # A median of one or two chromosomes cannot tell which of them is off.
        if len(rows) > 2 and _is_off(
            depth, median, limits.max_depth_deviation * median
        ):
            reasons.append(
                f"depth {depth.value / median:.2f} of the other chromosomes'"
            )
        excess = row.flips - limits.max_flip_ratio * row.expected_flips
        if excess > FLIP_Z * math.sqrt(row.expected_flips + 1):
            reasons.append(
                f"{row.flips:.0f} crossovers, {row.expected_flips:.0f} are expected"
            )
        # NaN where a parent is known.
        if row.sibling_ln_odds < STRANGER:
            reasons.append(
                "no sibling of the family's other embryos; its reads left out"
            )
        if reasons:
            fails = len(reasons) > 1 or "share" in reasons[0]
            fails |= row.sibling_ln_odds < STRANGER
            flags[row.chrom] = " and ".join(reasons), fails
    return flags


def _parent_reasons(
    measures: Measures, limits: Thresholds
) -> tuple[list[str], list[str]]:
    """Reasons to fail and to warn that concern descent."""
    fails, warns = [], []
    both = measures.relationship_sum
    # Two parents give 2, a parent and a stranger 1, whatever dropout favours.
    has_both = both.value - 2 * both.error > 1.5
    for parent, is_known in zip(PARENTS, measures.known, strict=True):
        if not is_known:
            continue
        estimate: Estimate = getattr(measures, f"relationship_{parent}")
        value, error = estimate.value, estimate.error
        low, high = limits.relationship_low, limits.relationship_high
        text = f"relationship {value:.2f} (a parent has 1, a stranger 0)"
        is_sure = abs(value - 1.0) > DESCENT_Z * error
        margin = 0.0 if has_both else 2 * error
        if math.isnan(value):
            warns.append(f"too few reads to check that this is the {parent}'s embryo")
        elif value < low and is_sure and not has_both:
            fails.append(
                f"not shown to be an embryo of the {parent}: {text}; check for swapped"
                " samples"
            )
        elif value > high and is_sure:
            fails.append(
                f"too much of the {parent}'s DNA: {text}; contamination, a uniparental"
                " or triploid embryo, or the parent's own sample"
            )
        elif value - margin < low or value + margin > high:
            warns.append(f"descent from the {parent} is not sure: {text}")
    return fails, warns


def _sibling_reasons(measures: Measures) -> tuple[list[str], list[str]]:
    """Reasons to fail and to warn that concern embryos without parents."""
    ln_odds = measures.sibling_ln_odds
    text = (
        f"sibling of the family's other embryos: ln odds {ln_odds:.1f} against a"
        " stranger"
    )
    if ln_odds < STRANGER:
        return [f"not shown to be a {text}; check for swapped samples"], []
    if ln_odds < SURE_SIBLING:
        return [], [f"not sure to be a {text}"]
    return [], []


def _impurities(measures: Measures, limits: Thresholds) -> tuple[list[str], list[str]]:
    """Reasons to fail and to warn that concern other DNA than the embryo's."""
    fails, warns = [], []
    what = "signal is" if measures.record.amplification.is_array else "reads are"
    for found, warn, fail, whose in (
        (
            measures.contamination,
            limits.warn_contamination,
            limits.fail_contamination,
            "the mother's own",
        ),
        (
            measures.foreign,
            limits.warn_foreign,
            limits.fail_foreign,
            "from outside the family",
        ),
    ):
        sure = found.value - 2 * found.error
        text = f"{found.value:.1%} of the {what} {whose}"
        if sure > fail:
            fails.append(text)
        elif sure > warn:
            warns.append(text)
    misfit = measures.misfit
    if misfit.value - 2 * misfit.error > limits.max_misfit:
        warns.append(
            f"{misfit.value:.1%} of the reads contradict the alleles that the father"
            " passed on"
        )
    return fails, warns


def verdict(
    measures: Measures, limits: Thresholds, of_x: Mapping[str, str] | None = None
) -> tuple[str, str, list[str]]:
    """Status (pass, warn, fail), reason, and names of the flagged chromosomes.

    of_x: where X is analysed its name, `chrom`, and why it `fails` the embryo or
    `warns`, empty where it does not (embryo_sex.judge).
    """
    learnt = measures.record.amplification
    if not measures.breadth > 0:
        what = "marker of the array" if learnt.is_array else "reads"
        return "fail", f"no {what} at any site", []
    fails, warns = _parent_reasons(measures, limits)
    error = learnt.worst_error
    if error > limits.max_error:
        what = "share of wrong markers" if learnt.is_array else "read error rate"
        fails.append(f"{what} {error:.3f}, at most {limits.max_error:g}")
    impure_fails, impure_warns = _impurities(measures, limits)
    fails += impure_fails
    warns += impure_warns
    for found, reasons in zip((fails, warns), _sibling_reasons(measures), strict=True):
        found += reasons
    flags = chromosome_flags(measures, limits)
    x = of_x or {}
    for why, is_fatal in ((x.get("fails"), True), (x.get("warns"), False)):
        if why:
            flags[x["chrom"]] = why, is_fatal
    for chrom, (why, is_fatal) in flags.items():
        (fails if is_fatal else warns).append(f"{chrom}: {why}")
    if measures.depth < limits.min_depth:
        warns.append(f"depth {measures.depth:.3g}x, below {limits.min_depth:g}x")
    if measures.record.dropout > limits.max_dropout:
        warns.append(f"allele dropout {measures.record.dropout:.0%}")
    if not measures.record.converged:
        warns.append("the amplification model did not converge")
    status = "fail" if fails else "warn" if warns else "pass"
    return status, "; ".join(fails + warns), list(flags)
