"""The standard deviation of a score among the siblings of a family: the unit in which
a score's error matters to those who choose among them.

Shapes: L sites, K scores, as in bench/case.py.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def gamete_variance(
    haplotypes: NDArray[np.int8], cm: Floats, weights: Floats
) -> Floats:
    """Variance (K,) of the part of the scores that a gamete of this parent carries.

    haplotypes: int8 (L, 2), -1 where the parent has no copy; cm: (L,), rising;
    weights: (L, K), per copy of ALT.
    """
    # METHOD: exact for crossovers without interference (Haldane): which haplotype a
    # gamete has at two hets d Morgans apart correlates by exp(-2 d). The simulator's
    # interference moves it by less than a tenth (tests/unit/test_bench_scores.py).
    is_het = (haplotypes >= 0).all(axis=1) & (haplotypes[:, 0] != haplotypes[:, 1])
    sign = haplotypes[is_het, 1].astype(float) - haplotypes[is_het, 0]
    effects = weights[is_het] * sign[:, None]
    fade = np.exp(-2.0 * np.diff(cm[is_het], prepend=cm[0]) / 100.0)
    before = np.zeros(weights.shape[1])
    total = np.zeros(weights.shape[1])
    for effect, kept in zip(effects, fade.tolist(), strict=True):
        before *= kept
        total += effect * (effect + 2.0 * before)
        before += effect
    return total / 4.0


def sibling_sd(parents: NDArray[np.int8], cm: Floats, weights: Floats) -> Floats:
    """Standard deviation (K,) of the scores among children of a couple.

    parents: int8 (2, L, 2), cm: (2, L), of the mother and the father.
    """
    pairs = zip(parents, cm, strict=True)
    return np.sqrt(sum(gamete_variance(one, at, weights) for one, at in pairs))
