"""Compiled loops over the orders of parents' alleles, and what embryos say of them.

An order is the pair of alleles of a parent's haplotypes 1 and 2: 00, 01, 10, 11; both
parents' together have the number 4 * mother's + father's. Shapes and names: see
morula.family_chain.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Whole = int | np.int64

# Orders of alleles (ln weight) below the best by more than this add nothing.
NEGLIGIBLE = 25.0


@numba.njit(cache=True, nogil=True)
def carried(order: Whole, haplotype: Whole) -> Whole:
    """Allele of haplotype 0 or 1 when the two have `order` (00, 01, 10, 11)."""
    return (order >> (1 - haplotype)) & 1


@numba.njit(cache=True, nogil=True)
def add_evidence(
    weights: Floats, by_genotype: Floats, vector: Whole, sign: float
) -> None:
    """weights (16,), ln weight of the orders 4 * mother's + father's, += sign * ln of
    the likelihood (G,) of the genotype that an embryo with `vector` then has."""
    ln = np.empty(4)
    for g in range(4):
        ln[g] = sign * np.log(by_genotype[g])
    for mother in range(4):
        m = carried(mother, vector >> 1)
        for father in range(4):
            weights[4 * mother + father] += ln[2 * m + carried(father, vector & 1)]


@numba.njit(cache=True, nogil=True)
def _genotype_priors(weights: Floats, out: Singles) -> None:
    """out (16,): P(genotype g | vector v) at 4 v + g up to a factor, summed over the
    parents' orders with ln weights (16,)."""
    top = weights.max()
    out[:] = 0.0
    for orders in range(16):
        if weights[orders] < top - NEGLIGIBLE:
            continue
        weight = np.exp(weights[orders] - top)
        for v in range(4):
            m = carried(orders >> 2, v >> 1)
            out[4 * v + 2 * m + carried(orders & 3, v & 1)] += weight


@numba.njit(cache=True, nogil=True)
def priors_without(
    weights: Floats,
    has_reads: NDArray[np.bool_],
    evidence: Floats,
    vectors: Bytes,
    out: Singles,
) -> None:
    """Fill out, float32 (L, 16): _genotype_priors of each site, by all that is known
    but the embryo's own reads; evidence (L, G) and vectors (L,) are its own."""
    mine = np.empty(16)
    for s in range(len(has_reads)):
        mine[:] = weights[s]
        if has_reads[s]:
            add_evidence(mine, evidence[s], np.int64(vectors[s]), -1.0)
        _genotype_priors(mine, out[s])


@numba.njit(cache=True, nogil=True)
def draw_orders(weights: Floats, rng: np.random.Generator, out: Bytes) -> None:
    """Draw both parents' orders of each site by their ln weights (L, 16): out (L,)."""
    for s in range(len(weights)):
        top = weights[s].max()
        left = 0.0
        for orders in range(16):
            left += np.exp(weights[s, orders] - top)
        left *= rng.random()
        for orders in range(16):
            part = np.exp(weights[s, orders] - top)
            if part > 0.0:
                out[s] = orders
            left -= part
            if left < 0.0:
                break


@numba.njit(cache=True, nogil=True)
def priors_given(orders: Bytes, out: Singles) -> None:
    """Fill out, float32 (L, 16): 1 at 4 v + g where vector v has genotype g with the
    orders (L,), else 0."""
    out[:] = 0.0
    for s in range(len(orders)):
        mother, father = np.int64(orders[s]) >> 2, np.int64(orders[s]) & 3
        for v in range(4):
            g = 2 * carried(mother, v >> 1) + carried(father, v & 1)
            out[s, 4 * v + g] = 1.0


@numba.njit(cache=True, nogil=True)
def add_members(
    weights: Floats,
    members: NDArray[np.int64],
    has_reads: NDArray[np.bool_],
    evidence: Floats,
    vectors: Bytes,
    sign: float,
) -> None:
    """add_evidence of the embryos `members`: evidence (E, L, G), vectors and has_reads
    (E, L); weights (L, 16) in place."""
    for i in members:
        for s in range(len(weights)):
            if has_reads[i, s]:
                vector = np.int64(vectors[i, s])
                add_evidence(weights[s], evidence[i, s], vector, sign)
