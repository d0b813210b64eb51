"""Standardising scores against samples of the panel that are like the sample.

Shapes: S panel samples, N samples of a family, T scores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from morula.panel_samples import Labels

PARENT_ROLES = ("mother", "father")
TWO_SIDED_95 = float(norm.ppf(0.975))


@dataclass(frozen=True)
class Group:
    """Panel samples that a score is compared with: is_member (S,), how the column
    `reference` names them, and a remark for the reader (empty: none)."""

    is_member: NDArray[np.bool_]
    name: str
    remark: str


def choose_group(labels: Labels, wanted: str | None, min_samples: int) -> Group:
    """The superpopulation `wanted`, or the whole panel where it is unknown (None) or
    has fewer than `min_samples` samples."""
    is_member = labels.superpopulations == wanted
    n_members = int(np.count_nonzero(is_member))
    if wanted is not None and n_members >= min_samples:
        return Group(is_member, f"panel {wanted}, n={n_members}", "")
    if wanted is None:
        remark = "no single superpopulation fits: compared with the whole panel"
    else:
        remark = (
            f"superpopulation {wanted} has only {n_members} panel samples:"
            " compared with the whole panel"
        )
    everyone = np.ones(len(labels.samples), dtype=np.bool_)
    return Group(everyone, f"panel, n={len(everyone)}", remark)


def family_superpopulations(
    roles: Mapping[str, str], superpopulations: Mapping[str, str], failed: set[str]
) -> dict[str, str | None]:
    """The superpopulation to compare each sample with; None: the whole panel.

    METHOD: a parent is compared with its own. Siblings must be comparable with each
    other, so that all get the same: that of both parents if these agree; with one
    parent, that of all embryos that passed. Parents of two superpopulations have
    children like neither, who are compared with the whole panel.
    """
    parents = [name for name, role in roles.items() if role in PARENT_ROLES]
    voters = parents
    if len(parents) < 2:
        voters = [name for name in roles if name not in failed]
    votes = {superpopulations[name] for name in voters}
    shared = votes.pop() if len(votes) == 1 else None
    chosen = {
        name: superpopulations[name] if name in parents else shared for name in roles
    }
    return {name: None if c == "outside" else c for name, c in chosen.items()}


@dataclass(frozen=True)
class Standard:
    """Mean and SD of T scores in a group: float64 (T,); SD is NaN where it is zero or
    the group has one sample."""

    mean: NDArray[np.float64]
    sd: NDArray[np.float64]


def standard_of(panel_scores: NDArray[np.float64], group: Group) -> Standard:
    """Mean and SD (n - 1) of the group's panel scores (S, T)."""
    scores = panel_scores[group.is_member]
    if len(scores) < 2:
        return Standard(scores.mean(axis=0), np.full(scores.shape[1], np.nan))
    spread = scores.std(axis=0, ddof=1)
    # Equal sums of many terms differ by rounding: that is no spread.
    size = np.abs(scores).max(axis=0)
    spread[spread <= 1e-12 * np.maximum(size, 1e-300)] = np.nan
    return Standard(scores.mean(axis=0), spread)


def percentile(z: float) -> float:
    """Percentage of a normal population below z."""
    return float(100.0 * norm.cdf(z))


def interval(z: float, sd: float) -> tuple[float, float]:
    """95 % interval of a z whose standard error is `sd`."""
    return z - TWO_SIDED_95 * sd, z + TWO_SIDED_95 * sd


def join_remarks(remarks: Sequence[str]) -> str:
    """Remarks as one cell, without empty and repeated ones."""
    return "; ".join(dict.fromkeys(remark for remark in remarks if remark))
