"""Compiled look-up of a scoring file's rows among the panel's sites, and their sums.

Alleles are numbers, see morula.scoring_rows; N rows, L sites, S samples, T scores.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int32]

# How a row can fit a site, best first; the last: as SWAPPED, from the other strand.
WRITTEN, SWAPPED, FLIPPED, FLIPPED_SWAPPED, NO_FIT = range(5)
LAST_BASE = 3


@numba.njit(cache=True, nogil=True)
def _fits(effect: int, other: int, one: int, two: int) -> bool:
    """Whether the alleles are these two; an other allele below 0 is any."""
    return effect == one and (other < 0 or other == two)


@numba.njit(cache=True, nogil=True)
def _turned(allele: int) -> int:
    """The complement of a base; what is none fits nothing.

    METHOD: strand flips are looked for at SNVs only: an indel's alleles start with the
    reference base before it, so that its reverse complement is another record.
    """
    return LAST_BASE - allele if 0 <= allele <= LAST_BASE else -LAST_BASE


@numba.njit(cache=True, nogil=True)
def fit(effect: int, other: int, ref: int, alt: int) -> int:
    """How a row fits a site: one of WRITTEN to FLIPPED_SWAPPED, or NO_FIT."""
    if _fits(effect, other, alt, ref):
        return WRITTEN
    if _fits(effect, other, ref, alt):
        return SWAPPED
    turned = _turned(effect)
    if other >= 0 and _turned(other) < 0:
        return NO_FIT
    other = _turned(other) if other >= 0 else other
    if _fits(turned, other, alt, ref):
        return FLIPPED
    if _fits(turned, other, ref, alt):
        return FLIPPED_SWAPPED
    return NO_FIT


@numba.njit(cache=True, nogil=True)
def _first_site(key: int, site_keys: NDArray[np.int64], near: int) -> int:
    """The first site whose key is not below; quickly where it is soon after `near`."""
    low, step = near, 1
    if near > 0 and site_keys[near - 1] >= key:
        low = 0
    high = low
    while high < len(site_keys) and site_keys[high] < key:
        low = high + 1
        high += step
        step *= 2
    high = min(high, len(site_keys))
    while low < high:
        middle = (low + high) // 2
        if site_keys[middle] < key:
            low = middle + 1
        else:
            high = middle
    return low


@numba.njit(cache=True, nogil=True)
def best_fits(
    keys: NDArray[np.int64],
    alleles: Numbers,
    site_keys: NDArray[np.int64],
    site_alleles: Numbers,
) -> tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.int64]]:
    """The best site of each row, the first among those that fit as well.

    keys (N,): of the rows' places; alleles (N, 2): effect and other, below 0: not
    given; site_keys (L,), in order; site_alleles (L, 2): ref and alt.

    Returns site (-1: none is there), fit, and the number of sites that fit, (N,) each.
    """
    n_rows = len(keys)
    site = np.full(n_rows, -1)
    best = np.full(n_rows, NO_FIT, dtype=np.uint8)
    n_fits = np.zeros(n_rows, dtype=np.int64)
    first = 0
    for row in range(n_rows):
        first = at = _first_site(keys[row], site_keys, first)
        while at < len(site_keys) and site_keys[at] == keys[row]:
            if site[row] < 0:
                site[row] = at
            how = fit(
                alleles[row, 0],
                alleles[row, 1],
                site_alleles[at, 0],
                site_alleles[at, 1],
            )
            if how < NO_FIT:
                n_fits[row] += 1
            if how < best[row]:
                best[row], site[row] = how, at
            at += 1
    return site, best, n_fits


@numba.njit(cache=True, nogil=True)
def add_products(
    data: NDArray[np.float64],
    indices: Numbers,
    starts: Numbers,
    index: NDArray[np.intp],
    copies: NDArray[np.int8],
    out: NDArray[np.float64],
) -> None:
    """Add to out (T, S) the weights of sites times the copies of them.

    data, indices, starts: a CSR matrix (L, T); index (b,): sites; copies (b, S).
    """
    values = np.empty(out.shape[1])
    for row in range(len(index)):
        values[:] = copies[row]
        site = index[row]
        for entry in range(starts[site], starts[site + 1]):
            target, weight = out[indices[entry]], data[entry]
            for sample in range(len(values)):
                target[sample] += weight * values[sample]
