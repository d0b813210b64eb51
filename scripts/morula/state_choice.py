"""Which haplotypes of a large panel two haplotypes may copy: those that match longest.

Positional Burrows-Wheeler transform (Durbin 2014, doi:10.1093/bioinformatics/btu014) of
panel and targets together, once from either end: at every place the neighbours in its
order are those with the longest matches that end there.

Shapes: C common sites, N panel haplotypes, T targets.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

# Sites at which neighbours are looked up, evenly spread; neighbours on either side.
PLACES = 40
DEPTH = 12


@numba.njit(cache=True, nogil=True)
def _count_neighbours(
    alleles: NDArray[np.uint8],
    targets: NDArray[np.uint8],
    every: int,
    depth: int,
    counts: NDArray[np.int64],
) -> None:
    """Add to counts (N,) how often, and how near, each is a neighbour of a target;
    alleles: (C, N), targets: (C, T)."""
    n_sites, n_panel = alleles.shape
    n = n_panel + targets.shape[1]
    order, ones = np.arange(n), np.empty(n, np.int64)
    for s in range(n_sites):
        n_zero = n_one = 0
        for i in range(n):
            h = order[i]
            own = alleles[s, h] if h < n_panel else targets[s, h - n_panel]
            if own:
                ones[n_one] = h
                n_one += 1
            else:
                order[n_zero] = h
                n_zero += 1
        order[n_zero:] = ones[:n_one]
        if s % every == every - 1:
            for i in range(n):
                if order[i] < n_panel:
                    continue
                for step in (-1, 1):
                    j, seen = i + step, 0
                    while 0 <= j < n and seen < depth:
                        if order[j] < n_panel:
                            counts[order[j]] += depth - seen
                            seen += 1
                        j += step


def choose(
    alleles: NDArray[np.uint8], targets: NDArray[np.uint8], n_states: int
) -> NDArray[np.int64]:
    """The n_states panel haplotypes, rising, that `targets` match best.

    alleles: uint8 (L, N); targets: uint8 (L, T). Only sites whose rarer allele 1 % of
    the panel carries are looked at.
    """
    n_panel = alleles.shape[1]
    carriers = alleles.sum(axis=1, dtype=np.int64)
    rarer = np.minimum(carriers, n_panel - carriers)
    common = np.flatnonzero(rarer >= max(2, n_panel // 100))
    counts = np.zeros(n_panel, dtype=np.int64)
    every = max(1, len(common) // PLACES)
    for rows in (common, common[::-1]):
        _count_neighbours(alleles[rows], targets[rows], every, DEPTH, counts)
    # Of equal counts (many are never a neighbour) an even spread over the panel.
    spread = (np.arange(n_panel) * 7919) % n_panel
    best = np.lexsort((spread, -counts))
    return np.sort(best[:n_states])
