"""Standardising scores against samples of the panel that are like the sample.

Shapes: S panel samples, N samples of a family, T scores, C principal components.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from morula.panel_samples import Labels

PARENT_ROLES = ("mother", "father")
OUTSIDE = "outside"
TWO_SIDED_95 = float(norm.ppf(0.975))
# METHOD: four components tell superpopulations apart; further ones would be fitted to
# chance. So many samples of the panel go on each coefficient.
MOST_COMPONENTS = 4
SAMPLES_EACH = 10
FIT_STEPS = 50
# METHOD: a variance is not extrapolated beyond this many times the panel's, up or down.
MOST_SPREAD = 4.0


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
    return {name: None if c == OUTSIDE else c for name, c in chosen.items()}


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
    spread = _or_nan(scores.std(axis=0, ddof=1), scores)
    return Standard(scores.mean(axis=0), spread)


def _or_nan(
    spread: NDArray[np.float64], scores: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The spread of scores (S, T), (T,), NaN where they are all equal: equal sums of
    many terms differ by rounding, and that is no spread."""
    size = np.abs(scores).max(axis=0)
    return np.where(spread <= 1e-12 * np.maximum(size, 1e-300), np.nan, spread)


@dataclass(frozen=True)
class Continuum:
    """How T scores of the panel go with its first C components. mean, ln_variance:
    (C + 1, T), intercept first; sd: (T,), of what the mean leaves, NaN where a score
    does not vary; name: for the column `reference`."""

    mean: NDArray[np.float64]
    ln_variance: NDArray[np.float64]
    sd: NDArray[np.float64]
    name: str

    def at(self, place: NDArray[np.float64]) -> Standard:
        """Mean and SD for people at `place`, coordinates of which the first C count."""
        here = np.append(1.0, place[: len(self.mean) - 1])
        usual = self.sd**2
        variance = np.exp(here @ self.ln_variance)
        variance = np.clip(variance, usual / MOST_SPREAD, usual * MOST_SPREAD)
        return Standard(here @ self.mean, np.sqrt(variance))


def n_components(n_samples: int, available: int) -> int:
    """Components that a panel of so many samples allows; 0: too few samples."""
    return max(0, min(MOST_COMPONENTS, available, n_samples // SAMPLES_EACH - 1))


def continuum_of(
    panel_scores: NDArray[np.float64], components: NDArray[np.float64]
) -> Continuum | None:
    """Fit the panel's scores (S, T) on its components (S, .); None for a panel that is
    too small.

    METHOD: the mean is linear in the components (least squares), and so is the
    logarithm of the variance (gamma regression of the squared residuals): Z_norm1 and
    Z_norm2 of Khera et al. 2019 (doi:10.1161/CIRCULATIONAHA.118.035658) and Khan et al.
    2022 (doi:10.1038/s41591-022-01869-1).
    """
    n_samples = len(panel_scores)
    count = n_components(n_samples, components.shape[1])
    if not count:
        return None
    design = np.column_stack([np.ones(n_samples), components[:, :count]])
    inverse = np.linalg.pinv(design)
    mean = inverse @ panel_scores
    squares = (panel_scores - design @ mean) ** 2
    free = n_samples - count - 1
    sd = _or_nan(np.sqrt(squares.sum(axis=0) / free), panel_scores)
    usual = np.where(np.isnan(sd), 1.0, sd**2)
    ratio = squares / usual * (n_samples / free)
    slopes = np.zeros_like(mean)
    for _ in range(FIT_STEPS):
        expected = np.exp(np.clip(design @ slopes, -4.0, 4.0))
        step = inverse @ (ratio / expected - 1.0)
        slopes += step
        if np.abs(design @ step).max() < 1e-9:
            break
    slopes[0] += np.log(usual)
    words = "PC1" if count == 1 else f"PC1-{count}"
    return Continuum(mean, slopes, sd, f"panel by {words}, n={n_samples}")


def rank_percentile(panel_scores: NDArray[np.float64], score: float) -> float:
    """Percentage of scores (S,) below `score`, of equal ones half."""
    below = np.count_nonzero(panel_scores < score)
    equal = np.count_nonzero(panel_scores == score)
    return float(100.0 * (below + 0.5 * equal) / len(panel_scores))


def percentile(z: float) -> float:
    """Percentage of a normal population below z."""
    return float(100.0 * norm.cdf(z))


def interval(z: float, sd: float) -> tuple[float, float]:
    """95 % interval of a z whose standard error is `sd`."""
    return z - TWO_SIDED_95 * sd, z + TWO_SIDED_95 * sd


def join_remarks(remarks: Sequence[str]) -> str:
    """Remarks as one cell, without empty and repeated ones."""
    return "; ".join(dict.fromkeys(remark for remark in remarks if remark))
