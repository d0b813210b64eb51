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
# No likelihood is zero.
LEAST = np.float32(1e-37)


def _genotypes() -> NDArray[np.int64]:
    """Genotype 2 m + f of each vector 2 a + b and both parents' orders, (4, 16)."""
    a, b = np.arange(4)[:, None] >> 1, np.arange(4)[:, None] & 1
    mother, father = np.arange(16) >> 2, np.arange(16) & 3
    return np.asarray(2 * (mother >> (1 - a) & 1) + (father >> (1 - b) & 1))


GENOTYPES = _genotypes()


@numba.njit(cache=True, nogil=True)
def carried(order: Whole, haplotype: Whole) -> Whole:
    """Allele of haplotype 0 or 1 when the two have `order` (00, 01, 10, 11)."""
    return (order >> (1 - haplotype)) & 1


@numba.njit(cache=True, nogil=True)
def add_evidence(
    weights: Floats, s: int, ln_evidence: Singles, i: int, vector: Whole, sign: float
) -> None:
    """weights (L, 16) at s, ln weight of the orders 4 * mother's + father's, += sign *
    ln likelihood of the genotype that embryo i with `vector` then has; ln_evidence:
    (E, L, G)."""
    ln = sign * ln_evidence[i, s, 0], sign * ln_evidence[i, s, 1]
    ref = (ln[0], ln[vector & 1], ln[1 - (vector & 1)], ln[1])  # by the father's order
    ln = sign * ln_evidence[i, s, 2], sign * ln_evidence[i, s, 3]
    alt = (ln[0], ln[vector & 1], ln[1 - (vector & 1)], ln[1])
    one, two = (alt, ref) if vector & 2 else (ref, alt)
    for father in range(4):
        weights[s, father] += ref[father]
        weights[s, 4 + father] += one[father]
        weights[s, 8 + father] += two[father]
        weights[s, 12 + father] += alt[father]


@numba.njit(cache=True, nogil=True)
def _set_priors(weights: Floats, s: int, out: Singles) -> None:
    """out (L, 16) at s: P(genotype g | vector v) at 4 v + g up to a factor, summed over
    the parents' orders with ln weights (16,)."""
    top = -np.inf
    for orders in range(16):
        top = max(top, weights[orders])
        out[s, orders] = 0.0
    for orders in range(16):
        if weights[orders] >= top - NEGLIGIBLE:
            weight = np.float32(np.exp(weights[orders] - top))
            for v in range(4):
                out[s, 4 * v + GENOTYPES[v, orders]] += weight


@numba.njit(cache=True, nogil=True)
def priors_without(
    weights: Floats,
    i: int,
    has_reads: NDArray[np.bool_],
    ln_evidence: Singles,
    vectors: Bytes,
    out: Singles,
) -> None:
    """Fill out, float32 (L, 16), by _set_priors with all that is known but the reads of
    embryo i; has_reads and vectors: (E, L), ln_evidence: (E, L, G)."""
    mine = np.empty(16)
    for s in range(len(weights)):
        v = vectors[i, s]
        for orders in range(16):
            mine[orders] = weights[s, orders]
        if has_reads[i, s]:
            for orders in range(16):
                mine[orders] -= ln_evidence[i, s, GENOTYPES[v, orders]]
        _set_priors(mine, s, out)


@numba.njit(cache=True, nogil=True)
def hold(vectors: Bytes, priors: Singles) -> None:
    """Leave in priors, float32 (L, 16), only those of the vectors (L,)."""
    for s in range(len(vectors)):
        for v in range(4):
            if v != vectors[s]:
                priors[s, 4 * v : 4 * v + 4] = np.float32(0.0)


@numba.njit(cache=True, nogil=True)
def settle(
    weights: Floats,
    i: int,
    has_reads: NDArray[np.bool_],
    rows: Singles,
    path: Bytes,
    evidence: Singles,
    ln_evidence: Singles,
    vectors: Bytes,
    grid: Bytes,
) -> None:
    """Make a drawn path (2, L), vector and grid point, the state of embryo i: vectors
    and grid points (E, L), evidence (E, L, G), over its largest, and its ln, in place,
    and what the orders' weights (L, 16) hold of it. rows: (L, 4 K), its likelihoods."""
    n_shares = rows.shape[1] // 4
    for s in range(len(weights)):
        v, k = path[0, s], path[1, s]
        was, vectors[i, s] = vectors[i, s], v
        if not has_reads[i, s] or (v == was and k == grid[i, s]):
            continue
        add_evidence(weights, s, ln_evidence, i, was, -1.0)
        if k != grid[i, s]:
            grid[i, s] = k
            top = LEAST
            for g in range(4):
                top = max(top, rows[s, g * n_shares + k])
            for g in range(4):
                share = max(rows[s, g * n_shares + k] / top, LEAST)
                evidence[i, s, g], ln_evidence[i, s, g] = share, np.log(share)
        add_evidence(weights, s, ln_evidence, i, v, 1.0)


@numba.njit(cache=True, nogil=True)
def add_orders(weights: Floats, out: Floats) -> None:
    """Add P(order) of each parent, by both parents' ln weights (L, 16), to out,
    (2, L, 4)."""
    both = np.empty(16)
    for s in range(len(weights)):
        top, total = weights[s].max(), 0.0
        for orders in range(16):
            both[orders] = np.exp(weights[s, orders] - top)
            total += both[orders]
        for orders in range(16):
            out[0, s, orders >> 2] += both[orders] / total
            out[1, s, orders & 3] += both[orders] / total


def open_sites(weights: Floats) -> NDArray[np.int64]:
    """Sites whose orders are in doubt, by their ln weights (L, 16): the second-best has
    more than a share of e^-12."""
    two = np.partition(weights, -2, axis=1)[:, -2:]
    return np.flatnonzero(two[:, 0] > two[:, 1] - 12.0)


@numba.njit(cache=True, nogil=True)
def draw_orders(
    weights: Floats, rng: np.random.Generator, orders: Bytes, priors: Singles
) -> None:
    """Draw both parents' orders of each site by their ln weights (L, 16): orders (L,);
    priors, float32 (L, 16), is then 1 at 4 v + g where vector v has genotype g, else
    0."""
    priors[:] = 0.0
    for s in range(len(weights)):
        top, left = weights[s].max(), 0.0
        for one in range(16):
            left += np.exp(weights[s, one] - top)
        left *= rng.random()
        for one in range(16):
            part = np.exp(weights[s, one] - top)
            if part > 0.0:
                orders[s] = one
            left -= part
            if left < 0.0:
                break
        for v in range(4):
            priors[s, 4 * v + GENOTYPES[v, orders[s]]] = 1.0
