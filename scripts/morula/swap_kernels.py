"""Compiled loops that mend the phase of two haplotypes copied from one panel.

Two haplotypes drawn by turns keep a wrong order of heterozygous sites: no update of one
alone can mend it. Here, from left to right, the rest of the two is exchanged at each
heterozygous site with its exact conditional probability, the copied haplotypes summed
out. Names and shapes: see morula.copying_kernels.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from morula.copying_kernels import Integers, Singles, in_lanes


@in_lanes
def _emissions(carried: int, error: float) -> tuple[np.float32, np.float32]:
    """P(the haplotype carries `carried` | z has REF), and what ALT adds to it."""
    same, other = np.float32(1.0 - error), np.float32(error)
    return (other, same - other) if carried == 1 else (same, other - same)


@in_lanes
def back(
    alleles: NDArray[np.uint8],
    rows: Integers,
    rec: NDArray[np.float64],
    carried: NDArray[np.uint8],
    error: float,
    beta: Singles,
) -> None:
    """Fill beta (M, K): P(alleles carried at later sites | z) up to a factor."""
    n_sites, n_states = beta.shape
    beta[n_sites - 1] = np.float32(1.0)
    for m in range(n_sites - 2, -1, -1):
        row = alleles[rows[m + 1]]
        ref, more = _emissions(carried[m + 1], error)
        total = np.float32(0.0)
        for k in range(n_states):
            value = beta[m + 1, k] * (ref + more * np.float32(row[k]))
            beta[m, k] = value
            total += value
        kept = np.float32(1.0 - rec[m + 1]) * np.float32(n_states) / total
        jump = np.float32(rec[m + 1])
        for k in range(n_states):
            beta[m, k] = kept * beta[m, k] + jump


@in_lanes
def predict(here: Singles, rec: float) -> None:
    """Move `here` (K,), which sums to one, over one step."""
    kept, jump = np.float32(1.0 - rec), np.float32(rec / len(here))
    for k in range(len(here)):
        here[k] = kept * here[k] + jump


@in_lanes
def weigh_in(here: Singles, row: NDArray[np.uint8], carried: int, error: float) -> None:
    """Take in the allele carried at a site."""
    ref, more = _emissions(carried, error)
    total = np.float32(0.0)
    for k in range(len(here)):
        here[k] *= ref + more * np.float32(row[k])
        total += here[k]
    scale = np.float32(1.0) / total
    for k in range(len(here)):
        here[k] *= scale


@in_lanes
def joined(
    here: Singles, row: NDArray[np.uint8], carried: int, error: float, beta: Singles
) -> float:
    """P(a beginning goes on with an allele and what follows it), up to a factor."""
    ref, more = _emissions(carried, error)
    total = np.float32(0.0)
    for k in range(len(here)):
        total += here[k] * (ref + more * np.float32(row[k])) * beta[k]
    return float(total)


@numba.njit(cache=True, nogil=True)
def exchange(
    alleles: NDArray[np.uint8],
    rows: Integers,
    rec: NDArray[np.float64],
    carried: NDArray[np.uint8],
    error: float,
    rng: Any,
    room: Singles,
) -> int:
    """Redraw the order of the heterozygous sites of `carried`, uint8 (2, M), in place;
    room: (2, M, K). error: P(the haplotype carries another allele than z). Returns the
    number of exchanges."""
    n_states = room.shape[2]
    for side in range(2):
        back(alleles, rows, rec, carried[side], error, room[side])
    here = np.full((2, n_states), np.float32(1.0 / n_states))
    turned, count = 0, 0
    for m in range(len(rows)):
        row = alleles[rows[m]]
        one, other = carried[turned, m], carried[1 - turned, m]
        if m > 0:
            predict(here[0], rec[m])
            predict(here[1], rec[m])
        if m > 0 and one != other:
            beta, beta_other = room[turned, m], room[1 - turned, m]
            keep = joined(here[0], row, one, error, beta)
            keep *= joined(here[1], row, other, error, beta_other)
            turn = joined(here[0], row, other, error, beta_other)
            turn *= joined(here[1], row, one, error, beta)
            if rng.random() * (keep + turn) >= keep:
                turned, count = 1 - turned, count + 1
                one, other = other, one
        carried[0, m], carried[1, m] = one, other
        weigh_in(here[0], row, one, error)
        weigh_in(here[1], row, other, error)
    return count
