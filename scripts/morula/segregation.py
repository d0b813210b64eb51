"""How far the children of one couple differ: sums along what a gamete carries.

Shapes: L sites in order, K sums (scores, coordinates).
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def linkage(distance_cm: Floats) -> Floats:
    """How far a gamete's haplotypes at two sites go together: 1, always; 0, not at all.

    METHOD: without interference (Haldane 1919) two sites d Morgans apart are carried
    from one haplotype with 1/2 + exp(-2 d) / 2.
    """
    return np.exp(-0.02 * distance_cm)


@dataclass(frozen=True)
class PhaseDoubt:
    """flip (L,): P(a het is the other way round by itself); switch (L,): P(the phase
    switches between the site before and this one)."""

    flip: Floats
    switch: Floats


@dataclass(frozen=True)
class Gametes:
    """Of the part of the scores that a gamete carries: variance (K,), and how far the
    best gamete with one crossover at most is from the mean one, `reach` (K,)."""

    variance: Floats
    reach: Floats


def gametes(
    haplotypes: NDArray[np.int8],
    cm: Floats,
    weights: Floats,
    doubt: PhaseDoubt | None = None,
) -> Gametes:
    """What the gametes of this parent can carry of a chromosome.

    haplotypes: int8 (L, 2), -1 where the parent has no copy; cm: (L,), rising;
    weights: (L, K), per copy of ALT; doubt: of the phase, which is sure without.
    """
    # METHOD: exact for crossovers without interference; the simulator's interference
    # moves it by less than a tenth (tests/unit/test_bench_scores.py). A doubtful phase
    # makes the expected product of two hets' effects smaller, by
    # (1 - 2 P) for each flip or switch that may lie between; `reach` takes it as sure.
    is_het = (haplotypes >= 0).all(axis=1) & (haplotypes[:, 0] != haplotypes[:, 1])
    sign = haplotypes[is_het, 1].astype(float) - haplotypes[is_het, 0]
    effects = weights[is_het] * sign[:, None]
    fade = linkage(np.diff(cm[is_het], prepend=cm[:1]))
    sure = np.ones(len(effects))
    if doubt is not None:
        fade *= _unswitched(doubt.switch, is_het)
        sure = 1.0 - 2.0 * doubt.flip[is_het]
    n_scores = weights.shape[1]
    before, total = np.zeros(n_scores), np.zeros(n_scores)
    sums, low, high = np.zeros(n_scores), np.zeros(n_scores), np.zeros(n_scores)
    steps = zip(effects, fade.tolist(), sure.tolist(), strict=True)
    for effect, kept, certain in steps:
        before *= kept
        total += effect * (effect + 2.0 * certain * before)
        before += certain * effect
        sums += effect
        np.minimum(low, sums, out=low)
        np.maximum(high, sums, out=high)
    return Gametes(total / 4.0, np.maximum(high - sums / 2.0, sums / 2.0 - low))


def _unswitched(switch: Floats, is_het: NDArray[np.bool_]) -> Floats:
    """1 - 2 P(the phase differs between a het and the one before), for each het."""
    parts = np.split(1.0 - 2.0 * switch, np.flatnonzero(is_het) + 1)
    return np.array([part.prod() for part in parts[:-1]])


def gamete_variance(
    haplotypes: NDArray[np.int8], cm: Floats, weights: Floats
) -> Floats:
    """Variance (K,) of what a gamete of this parent carries; the phase is sure."""
    return gametes(haplotypes, cm, weights).variance


def sibling_sd(parents: NDArray[np.int8], cm: Floats, weights: Floats) -> Floats:
    """Standard deviation (K,) of the scores among children of a couple.

    parents: int8 (2, L, 2), cm: (2, L), of the mother and the father.
    """
    pairs = zip(parents, cm, strict=True)
    return np.sqrt(sum(gamete_variance(one, at, weights) for one, at in pairs))


@numba.njit(cache=True, nogil=True)
def _add(effects: Floats, stay: Floats, found: Floats) -> None:
    """Add sum over pairs of sites of effects' products times P(no recombination) less
    P(recombination)."""
    n_sites, n_sums = effects.shape
    before = np.zeros(n_sums)
    for s in range(n_sites):
        before *= stay[s]
        for j in range(n_sums):
            for k in range(n_sums):
                found[j, k] += effects[s, j] * (before[k] + 0.5 * effects[s, k])
        before += effects[s]


def gamete_covariance(effects: Floats, place_cm: Floats) -> Floats:
    """Covariance (K, K), over the gametes of a parent, of K sums along one chromosome.

    effects: (L, K), what a copy of the first haplotype adds at each site more than one
    of the second; place_cm: (L,).

    The part of two sites is their `linkage` / 4 times both effects; summed in one pass,
    since that is a product along the chromosome.
    """
    stay = linkage(np.diff(place_cm, prepend=place_cm[:1]))
    found = np.zeros((effects.shape[1], effects.shape[1]))
    _add(np.ascontiguousarray(effects, dtype=np.float64), stay, found)
    return (found + found.T) / 4.0
