"""Exact test of Hardy-Weinberg proportions."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray


@numba.njit(cache=True, nogil=True)
def p_value(n_het: int, n_rare: int, n: int) -> float:
    """Probability, given the alleles, of as few or fewer samples as these with their
    number of hets (Wigginton, Cutler and Abecasis 2005).

    n_het: hets; n_rare: copies of the rarer allele; n: samples.
    """
    weight = np.zeros(n_rare + 1)
    middle = n_rare * (2 * n - n_rare) // (2 * n)
    middle += (middle ^ n_rare) & 1
    weight[middle] = 1.0
    rare, common = (n_rare - middle) // 2, n - middle - (n_rare - middle) // 2
    for het in range(middle, 1, -2):
        factor = het * (het - 1.0) / (4.0 * (rare + 1.0) * (common + 1.0))
        weight[het - 2] = weight[het] * factor
        rare, common = rare + 1, common + 1
    rare, common = (n_rare - middle) // 2, n - middle - (n_rare - middle) // 2
    for het in range(middle, n_rare - 1, 2):
        weight[het + 2] = weight[het] * 4.0 * rare * common
        weight[het + 2] /= (het + 2.0) * (het + 1.0)
        rare, common = rare - 1, common - 1
    total, tail = 0.0, 0.0
    for one in weight:
        total += one
        if one <= weight[n_het] * (1.0 + 1e-9):
            tail += one
    return tail / total


@numba.njit(cache=True, nogil=True)
def _p_values(copies: NDArray[np.int8]) -> NDArray[np.float64]:
    n_sites, n = copies.shape
    found = np.ones(n_sites)
    for s in range(n_sites):
        n_het, n_alt = 0, 0
        for i in range(n):
            n_het += copies[s, i] == 1
            n_alt += copies[s, i]
        found[s] = p_value(n_het, min(n_alt, 2 * n - n_alt), n)
    return found


def fits(
    copies: NDArray[np.int8], labels: NDArray[np.str_], min_p: float
) -> NDArray[np.bool_]:
    """Sites (L,) of copies (L, S) whose genotypes are in proportion within each group
    of `labels` (S,): over all groups together differing frequencies would look like a
    lack of hets."""
    good = np.ones(len(copies), dtype=bool)
    for name in np.unique(labels):
        own = np.ascontiguousarray(copies[:, labels == name])
        good &= _p_values(own) >= min_p
    return good
