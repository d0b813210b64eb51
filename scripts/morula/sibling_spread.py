"""How far the scores of a couple's children can differ, from the parents' haplotypes.

Shapes: L sites, K scores.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


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
    # METHOD: exact for crossovers without interference (Haldane): which haplotype a
    # gamete has at two hets d Morgans apart correlates by exp(-2 d). The simulator's
    # interference moves it by less than a tenth (tests/unit/test_bench_scores.py). A
    # doubtful phase makes the expected product of two hets' effects smaller, by
    # (1 - 2 P) for each flip or switch that may lie between; `reach` takes it as sure.
    is_het = (haplotypes >= 0).all(axis=1) & (haplotypes[:, 0] != haplotypes[:, 1])
    sign = haplotypes[is_het, 1].astype(float) - haplotypes[is_het, 0]
    effects = weights[is_het] * sign[:, None]
    fade = np.exp(-2.0 * np.diff(cm[is_het], prepend=cm[:1]) / 100.0)
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
