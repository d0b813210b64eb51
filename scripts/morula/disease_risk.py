"""Lifetime risk of a disease from a score, age by age, and from the parents' health.

Model: liability with mean 0 and variance 1 in the population. Its threshold falls with
age so that the share of people above it is the cumulative incidence (Pedersen et al.
2022, doi:10.1016/j.ajhg.2022.01.009). Who dies of something else before does not fall
ill (Gail et al. 1989, doi:10.1093/jnci/81.24.1879; Pal Choudhury et al. 2020,
doi:10.1371/journal.pone.0228198). Shapes: A ages, P ways that the parents may be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

Floats = NDArray[np.float64]
# Points of the quadrature over a parent's liability.
NODES = 24


@dataclass(frozen=True)
class Curve:
    """cumulative (A,): P(ill by the end of age a) if nothing else killed, not falling;
    alive (A,): P(not dead of other causes in the middle of age a)."""

    cumulative: Floats
    alive: Floats

    @property
    def lifetime(self) -> float:
        """Lifetime risk of the average person."""
        return float(self.alive @ np.diff(self.cumulative, prepend=0.0))


def flat_curve(prevalence: float) -> Curve:
    """A disease of which only the lifetime risk is known."""
    return Curve(np.array([prevalence]), np.ones(1))


def curve_of(incidence: Floats, mortality: Floats) -> Curve:
    """From yearly rates (A,) at ages 0, 1, ...: of falling ill among the healthy, and
    of dying.

    METHOD: all deaths count as those of other causes, as is usual (Gail et al. 1989);
    deaths by the disease itself come after it and are few among the healthy.
    """
    at_middle = np.cumsum(mortality) - mortality / 2.0
    return Curve(-np.expm1(-np.cumsum(incidence)), np.exp(-at_middle))


@dataclass(frozen=True)
class Rest:
    """What is left of the liability beyond the score: normal around `shift` (P,), one
    for each way that the parents may be, of probability `weight` (P,), with `sd`."""

    shift: Floats
    weight: Floats
    sd: float


def unknown_parents(liability_r2: float) -> Rest:
    """Where nothing is known of the parents' health."""
    return Rest(np.zeros(1), np.ones(1), float(np.sqrt(1.0 - liability_r2)))


@dataclass(frozen=True)
class ParentHealth:
    """A parent's part of the liability that the score explains, in SD of liability,
    and whether he or she has or had the disease."""

    score: float
    is_ill: bool


def after_parents(
    liability_r2: float,
    heritability: float,
    lifetime: float,
    parents: Sequence[ParentHealth],
) -> Rest:
    """Where the health of up to two parents is known.

    METHOD: liability model conditioned on the parents (So et al. 2011,
    doi:10.1016/j.ajhg.2011.04.014; Lencz et al. 2021, doi:10.7554/eLife.64716): the
    genetic part that the score misses has variance h2 - R2, and a child has half of
    each parent's. A parent's liability beyond the score is a normal cut off at the
    threshold; the integral over it is by quadrature, so that nothing is approximated.
    Environment that a family shares is left out, mates are taken as unrelated.

    Raises ValueError where heritability is less than liability_r2 or above 1.
    """
    if not liability_r2 <= heritability <= 1.0:
        raise ValueError(
            f"heritability is {heritability}; expected from R2 ({liability_r2}) to 1"
        )
    missed = heritability - liability_r2
    spread = float(np.sqrt(1.0 - liability_r2))
    threshold = float(-ndtri(lifetime))
    points, weights = np.polynomial.legendre.leggauss(NODES)
    share, weight = (points + 1.0) / 2.0, weights / 2.0
    shift, chance = np.zeros(1), np.ones(1)
    for parent in parents:
        well = float(ndtr((threshold - parent.score) / spread))
        low, high = (well, 1.0) if parent.is_ill else (0.0, well)
        beyond = spread * ndtri(low + (high - low) * share)
        passed = 0.5 * missed / spread**2 * beyond
        shift = (shift[:, None] + passed).ravel()
        chance = (chance[:, None] * weight).ravel()
    left = spread**2 - len(parents) * 0.25 * missed**2 / spread**2
    return Rest(shift, chance, float(np.sqrt(left)))


def lifetime_risk(mean: ArrayLike, curve: Curve, rest: Rest) -> Floats:
    """P(falls ill in life), of any shape, of people whose score explains `mean` SD of
    liability."""
    centre = np.asarray(mean, dtype=np.float64)[..., None] + rest.shift
    risk = np.zeros(centre.shape[:-1])
    before = np.zeros(centre.shape[:-1])
    for cumulative, alive in zip(curve.cumulative, curve.alive, strict=True):
        by_now = ndtr((centre + ndtri(cumulative)) / rest.sd) @ rest.weight
        risk += alive * (by_now - before)
        before = by_now
    return risk
