"""Compiled loops of one embryo's update within its family.

Names, shapes and the order of states: see morula.family_chain, which is the way in.
Grids are padded to K, a whole number of LANES, by points without weight, so that the
innermost loops run over full vectors. All but random choices are in single precision:
a chain forgets its rounding errors within an amplicon.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from morula.inheritance_kernels import scaled_likelihood
from morula.order_kernels import Floats, Singles

LANES = 8
LEAST_EMISSION = np.float32(1e-37)
# Sums may be taken in any order, so that they run over full vectors; and no check for
# division by zero stands between.
in_lanes = numba.njit(
    cache=True,
    nogil=True,
    fastmath={"reassoc", "contract", "nsz"},
    error_model="numpy",
)

# A call would hand on a dozen arrays, at a cost where the work is little.
inlined = numba.njit(cache=True, nogil=True, inline="always")


class Embryo(NamedTuple):
    """One embryo (a tuple, so that kernels can take it).

    reads: float64 (L, 2), reads showing REF and ALT; has_reads: bool (L,);
    site_class: int64 (L,); ln_read: float64 (C, G, K, 2); share_prior, shares:
    float64 (K,); stay: float64 (L,); outlier: P(a site's reads come from elsewhere).
    """

    reads: Floats
    has_reads: NDArray[np.bool_]
    site_class: NDArray[np.int64]
    ln_read: Floats
    share_prior: Floats
    shares: Floats
    stay: Floats
    outlier: float


class Turns(NamedTuple):
    """P(the maternal and the paternal haplotype that is carried changes) in the step
    that ends at each site, (L,) each, given the switches of the parents' phase."""

    maternal: Floats
    paternal: Floats


class Pass(NamedTuple):
    """What the ways forward and back of one embryo share.

    rows: float32 (L, 4 K), likelihoods, see `likelihoods`, 0 in the padding; priors:
    float32 (L, 16), P(genotype | vector) at 4 v + g up to a factor; share_prior,
    shares: float32 (K,), padded with 0; filtered: float32 (L, V, K), P(state | reads so
    far) up to a factor; totals: float32 (L, V), their sums.
    """

    rows: Singles
    priors: Singles
    share_prior: Singles
    shares: Singles
    filtered: Singles
    totals: Singles


def padded(values: Floats) -> Singles:
    """A grid's values (n,) as float32 (K,), K the next multiple of LANES."""
    missing = -len(values) % LANES
    return np.pad(values, (0, missing)).astype(np.float32)


@numba.njit(cache=True, nogil=True)
def _fill_row(embryo: Embryo, s: int, found: Floats, row: Singles) -> None:
    """row (4 K,): likelihood of the reads at s over its maximum, genotype by genotype,
    within each by grid point; found: (G, points), room."""
    n_shares, width = found.shape[1], len(row) // 4
    table = embryo.ln_read[embryo.site_class[s]]
    scaled_likelihood(embryo.reads[s, 0], embryo.reads[s, 1], table, found)
    mean = 0.0
    for g in range(4):
        for k in range(n_shares):
            mean += 0.25 * embryo.share_prior[k] * found[g, k]
    # METHOD: now and then the reads of a site have nothing to do with the genotype that
    # was inherited (an error of early amplification, mismapped reads): they then come
    # from any genotype. So no site decides against all others.
    for g in range(4):
        for k in range(n_shares):
            own = (1.0 - embryo.outlier) * found[g, k]
            row[g * width + k] = own + embryo.outlier * mean


@numba.njit(cache=True, nogil=True)
def likelihoods(embryo: Embryo, out: Singles) -> None:
    """Fill out, float32 (L, 4 K), at the sites with reads; padding stays as it is."""
    found = np.empty((4, len(embryo.share_prior)))
    for s in range(len(embryo.has_reads)):
        if embryo.has_reads[s]:
            _fill_row(embryo, s, found, out[s])


@numba.njit(cache=True, nogil=True)
def step_moves(turn_a: float, turn_b: float) -> tuple[float, float, float, float]:
    """P(vector changes by the bits of 0, 1, 2, 3) in a step."""
    stay_a, stay_b = 1.0 - turn_a, 1.0 - turn_b
    return stay_a * stay_b, stay_a * turn_b, turn_a * stay_b, turn_a * turn_b


@in_lanes
def _predict(
    chain: Pass, s: int, moves: tuple[float, float, float, float], stay: float
) -> None:
    """Move the filtered probabilities of the site before, normalised, on to s."""
    filtered, prior, sums = chain.filtered, chain.share_prior, chain.totals
    t0, t1, t2, t3 = sums[s - 1, 0], sums[s - 1, 1], sums[s - 1, 2], sums[s - 1, 3]
    scale = 1.0 / (t0 + t1 + t2 + t3)
    p0, p1 = np.float32(moves[0] * scale), np.float32(moves[1] * scale)
    p2, p3 = np.float32(moves[2] * scale), np.float32(moves[3] * scale)
    sums[s, 0] = p0 * t0 + p1 * t1 + p2 * t2 + p3 * t3
    sums[s, 1] = p1 * t0 + p0 * t1 + p3 * t2 + p2 * t3
    sums[s, 2] = p2 * t0 + p3 * t1 + p0 * t2 + p1 * t3
    sums[s, 3] = p3 * t0 + p2 * t1 + p1 * t2 + p0 * t3
    fresh, kept = np.float32(1.0 - stay), np.float32(stay)
    f0, f1, f2, f3 = (
        fresh * sums[s, 0],
        fresh * sums[s, 1],
        fresh * sums[s, 2],
        fresh * sums[s, 3],
    )
    p0, p1, p2, p3 = kept * p0, kept * p1, kept * p2, kept * p3
    for k in range(len(prior)):
        b0, b1 = filtered[s - 1, 0, k], filtered[s - 1, 1, k]
        b2, b3 = filtered[s - 1, 2, k], filtered[s - 1, 3, k]
        filtered[s, 0, k] = p0 * b0 + p1 * b1 + p2 * b2 + p3 * b3 + f0 * prior[k]
        filtered[s, 1, k] = p1 * b0 + p0 * b1 + p3 * b2 + p2 * b3 + f1 * prior[k]
        filtered[s, 2, k] = p2 * b0 + p3 * b1 + p0 * b2 + p1 * b3 + f2 * prior[k]
        filtered[s, 3, k] = p3 * b0 + p2 * b1 + p1 * b2 + p0 * b3 + f3 * prior[k]


@in_lanes
def _emission(
    chain: Pass, s: int, k: int
) -> tuple[np.float32, np.float32, np.float32, np.float32]:
    """sum_g P(g | v) likelihood(g, k) for each vector v."""
    prior, rows, n_shares = chain.priors, chain.rows, len(chain.share_prior)
    r0, r1 = rows[s, k], rows[s, n_shares + k]
    r2, r3 = rows[s, 2 * n_shares + k], rows[s, 3 * n_shares + k]
    return (
        prior[s, 0] * r0 + prior[s, 1] * r1 + prior[s, 2] * r2 + prior[s, 3] * r3,
        prior[s, 4] * r0 + prior[s, 5] * r1 + prior[s, 6] * r2 + prior[s, 7] * r3,
        prior[s, 8] * r0 + prior[s, 9] * r1 + prior[s, 10] * r2 + prior[s, 11] * r3,
        prior[s, 12] * r0 + prior[s, 13] * r1 + prior[s, 14] * r2 + prior[s, 15] * r3,
    )


@in_lanes
def _weigh(chain: Pass, s: int) -> None:
    """Multiply the filtered probabilities of s by its emission."""
    here, totals = chain.filtered, chain.totals
    t0 = t1 = t2 = t3 = np.float32(0.0)
    for k in range(len(chain.share_prior)):
        e0, e1, e2, e3 = _emission(chain, s, k)
        h0, h1 = here[s, 0, k] * e0, here[s, 1, k] * e1
        h2, h3 = here[s, 2, k] * e2, here[s, 3, k] * e3
        here[s, 0, k], here[s, 1, k], here[s, 2, k], here[s, 3, k] = h0, h1, h2, h3
        t0, t1, t2, t3 = t0 + h0, t1 + h1, t2 + h2, t3 + h3
    totals[s, 0], totals[s, 1], totals[s, 2], totals[s, 3] = t0, t1, t2, t3


@numba.njit(cache=True, nogil=True)
def forward(embryo: Embryo, turns: Turns, chain: Pass) -> int:
    """Fill chain.filtered and chain.totals; returns the first site that no state
    explains, or -1."""
    totals = chain.totals
    for v in range(4):
        chain.filtered[0, v] = np.float32(0.25) * chain.share_prior
        totals[0, v] = np.float32(0.25)
    for s in range(len(totals)):
        if s > 0:
            moves = step_moves(turns.maternal[s], turns.paternal[s])
            _predict(chain, s, moves, embryo.stay[s])
        if embryo.has_reads[s]:
            _weigh(chain, s)
            if not totals[s, 0] + totals[s, 1] + totals[s, 2] + totals[s, 3] > 0.0:
                return s
    return -1


@in_lanes
def _vectors(
    chain: Pass, s: int, beta: Singles
) -> tuple[np.float32, np.float32, np.float32, np.float32, np.float32]:
    """Posterior of the vectors at s and the mean of x, up to a common factor."""
    here = chain.filtered
    v0 = v1 = v2 = v3 = mean = np.float32(0.0)
    for k in range(len(chain.share_prior)):
        p0, p1 = here[s, 0, k] * beta[0, k], here[s, 1, k] * beta[1, k]
        p2, p3 = here[s, 2, k] * beta[2, k], here[s, 3, k] * beta[3, k]
        v0, v1, v2, v3 = v0 + p0, v1 + p1, v2 + p2, v3 + p3
        mean += chain.shares[k] * (p0 + p1 + p2 + p3)
    return v0, v1, v2, v3, mean


@in_lanes
def _genotypes(
    chain: Pass, s: int, beta: Singles
) -> tuple[np.float32, np.float32, np.float32, np.float32]:
    """Posterior of the genotypes at s, a site with reads, up to a common factor."""
    prior, rows, here = chain.priors, chain.rows, chain.filtered
    n_shares = len(chain.share_prior)
    g0 = g1 = g2 = g3 = np.float32(0.0)
    for k in range(n_shares):
        e0, e1, e2, e3 = _emission(chain, s, k)
        p0 = here[s, 0, k] * beta[0, k] / max(e0, LEAST_EMISSION)
        p1 = here[s, 1, k] * beta[1, k] / max(e1, LEAST_EMISSION)
        p2 = here[s, 2, k] * beta[2, k] / max(e2, LEAST_EMISSION)
        p3 = here[s, 3, k] * beta[3, k] / max(e3, LEAST_EMISSION)
        q0 = prior[s, 0] * p0 + prior[s, 4] * p1 + prior[s, 8] * p2 + prior[s, 12] * p3
        q1 = prior[s, 1] * p0 + prior[s, 5] * p1 + prior[s, 9] * p2 + prior[s, 13] * p3
        q2 = prior[s, 2] * p0 + prior[s, 6] * p1 + prior[s, 10] * p2 + prior[s, 14] * p3
        q3 = prior[s, 3] * p0 + prior[s, 7] * p1 + prior[s, 11] * p2 + prior[s, 15] * p3
        g0, g1 = g0 + q0 * rows[s, k], g1 + q1 * rows[s, n_shares + k]
        g2 += q2 * rows[s, 2 * n_shares + k]
        g3 += q3 * rows[s, 3 * n_shares + k]
    return g0, g1, g2, g3


@in_lanes
def _step_back(
    chain: Pass,
    s: int,
    moves: tuple[float, float, float, float],
    stay: float,
    has_reads: bool,
    beta: Singles,
) -> None:
    """Move beta (V, K) from site s, whose emission it does not hold yet, to the site
    before; scaled to a mean of about one."""
    p0, p1 = np.float32(moves[0]), np.float32(moves[1])
    p2, p3 = np.float32(moves[2]), np.float32(moves[3])
    if has_reads:
        for k in range(len(chain.share_prior)):
            e0, e1, e2, e3 = _emission(chain, s, k)
            beta[0, k], beta[1, k] = beta[0, k] * e0, beta[1, k] * e1
            beta[2, k], beta[3, k] = beta[2, k] * e2, beta[3, k] * e3
    f0 = f1 = f2 = f3 = np.float32(0.0)
    for k in range(len(chain.share_prior)):
        b0, b1, b2, b3 = beta[0, k], beta[1, k], beta[2, k], beta[3, k]
        c0 = p0 * b0 + p1 * b1 + p2 * b2 + p3 * b3
        c1 = p1 * b0 + p0 * b1 + p3 * b2 + p2 * b3
        c2 = p2 * b0 + p3 * b1 + p0 * b2 + p1 * b3
        c3 = p3 * b0 + p2 * b1 + p1 * b2 + p0 * b3
        beta[0, k], beta[1, k], beta[2, k], beta[3, k] = c0, c1, c2, c3
        fresh = chain.share_prior[k]
        f0, f1 = f0 + fresh * c0, f1 + fresh * c1
        f2, f3 = f2 + fresh * c2, f3 + fresh * c3
    scale = np.float32(1.0) / (f0 + f1 + f2 + f3)
    kept, drawn = np.float32(stay) * scale, np.float32(1.0 - stay) * scale
    f0, f1, f2, f3 = drawn * f0, drawn * f1, drawn * f2, drawn * f3
    for k in range(len(chain.share_prior)):
        beta[0, k], beta[1, k] = kept * beta[0, k] + f0, kept * beta[1, k] + f1
        beta[2, k], beta[3, k] = kept * beta[2, k] + f2, kept * beta[3, k] + f3


@in_lanes
def smooth(
    embryo: Embryo,
    turns: Turns,
    chain: Pass,
    vectors: Singles,
    genotypes: Singles,
    share: Singles,
) -> None:
    """Add one sweep's posterior to vectors (L, V), genotypes (L, G), share (L,)."""
    n_sites, _, n_shares = chain.filtered.shape
    prior, beta = chain.priors, np.ones((4, n_shares), np.float32)
    for s in range(n_sites - 1, -1, -1):
        has_reads = embryo.has_reads[s]
        v0, v1, v2, v3, mean = _vectors(chain, s, beta)
        of_vector = (v0, v1, v2, v3)
        total = v0 + v1 + v2 + v3
        share[s] += mean / total
        for v in range(4):
            vectors[s, v] += of_vector[v] / total
        if has_reads:
            of_genotype = _genotypes(chain, s, beta)
            whole = of_genotype[0] + of_genotype[1] + of_genotype[2] + of_genotype[3]
            for g in range(4):
                genotypes[s, g] += of_genotype[g] / whole
        else:  # those that its vectors have beforehand
            for v in range(4):
                first = 4 * v
                whole = total * (
                    prior[s, first]
                    + prior[s, first + 1]
                    + prior[s, first + 2]
                    + prior[s, first + 3]
                )
                for g in range(4):
                    genotypes[s, g] += of_vector[v] * prior[s, first + g] / whole
        if s > 0:
            moves = step_moves(turns.maternal[s], turns.paternal[s])
            _step_back(chain, s, moves, embryo.stay[s], has_reads, beta)
