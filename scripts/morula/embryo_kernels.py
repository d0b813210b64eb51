"""Compiled loops of one embryo's update within its family.

Names, shapes and the order of states: see morula.family_chain, which is the way in.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from morula.inheritance_kernels import mix
from morula.order_kernels import Bytes, Floats, Singles, add_evidence


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


@numba.njit(cache=True, nogil=True)
def _fill_row(embryo: Embryo, s: int, row: Singles) -> None:
    """row (4 K,): likelihood of the reads at s over its maximum, genotype by genotype,
    within each by grid point."""
    n_shares = len(embryo.share_prior)
    n_ref, n_alt = embryo.reads[s, 0], embryo.reads[s, 1]
    table = embryo.ln_read[embryo.site_class[s]]
    top = -np.inf
    for g in range(4):
        for k in range(n_shares):
            value = n_ref * table[g, k, 0] + n_alt * table[g, k, 1]
            row[g * n_shares + k] = value
            top = max(top, value)
    mean = 0.0
    for index in range(len(row)):
        row[index] = np.exp(row[index] - top)
        mean += 0.25 * embryo.share_prior[index % n_shares] * row[index]
    # METHOD: now and then the reads of a site have nothing to do with the genotype that
    # was inherited (an error of early amplification, mismapped reads): they then come
    # from any genotype. So no site decides against all others.
    for index in range(len(row)):
        row[index] = (1.0 - embryo.outlier) * row[index] + embryo.outlier * mean


@numba.njit(cache=True, nogil=True)
def likelihoods(embryo: Embryo, out: Singles) -> None:
    """Fill out, float32 (L, 4 K), at the sites with reads."""
    for s in range(len(embryo.has_reads)):
        if embryo.has_reads[s]:
            _fill_row(embryo, s, out[s])


@numba.njit(cache=True, nogil=True)
def _emission(prior: Singles, row: Singles, out: Floats) -> None:
    """out[v, k] = sum_g P(g | v) likelihood(g, k)."""
    n_shares = out.shape[1]
    for v in range(4):
        out[v] = 0.0
        for g in range(4):
            weight = prior[4 * v + g]
            if weight > 0.0:
                for k in range(n_shares):
                    out[v, k] += weight * row[g * n_shares + k]


@numba.njit(cache=True, nogil=True)
def forward(
    embryo: Embryo, turns: Turns, priors: Singles, rows: Singles, filtered: Singles
) -> int:
    """Fill filtered, float32 (L, V, K), each site summing to one; returns the first
    site that no state explains, or -1."""
    n_sites, _, n_shares = filtered.shape
    now, emission = np.empty((4, n_shares)), np.empty((4, n_shares))
    for v in range(4):
        now[v] = 0.25 * embryo.share_prior
    for s in range(n_sites):
        if s > 0:
            stay = embryo.stay[s]
            for v in range(4):
                fresh = (1.0 - stay) * now[v].sum()
                for k in range(n_shares):
                    now[v, k] = stay * now[v, k] + fresh * embryo.share_prior[k]
            mix(turns.maternal[s], turns.paternal[s], now)
        if embryo.has_reads[s]:
            _emission(priors[s], rows[s], emission)
            total = 0.0
            for v in range(4):
                for k in range(n_shares):
                    now[v, k] *= emission[v, k]
                    total += now[v, k]
            if not total > 0.0:
                return s
            now /= total
        filtered[s] = now
    return -1


@numba.njit(cache=True, nogil=True)
def _record(
    gamma: Floats,
    prior: Singles,
    row: Singles,
    has_reads: bool,
    vectors: Floats,
    genotypes: Floats,
) -> None:
    """Add the posterior of vector and genotype at one site, from that of (v, k)."""
    n_shares = gamma.shape[1]
    part = np.empty(4)
    for v in range(4):
        total = gamma[v].sum()
        vectors[v] += total
        if not has_reads:
            whole = prior[4 * v : 4 * v + 4].sum()
            for g in range(4):
                genotypes[g] += total * prior[4 * v + g] / whole
            continue
        for k in range(n_shares):
            if gamma[v, k] < 1e-9:
                continue
            whole = 0.0
            for g in range(4):
                part[g] = prior[4 * v + g] * row[g * n_shares + k]
                whole += part[g]
            for g in range(4):
                genotypes[g] += gamma[v, k] * part[g] / whole


@numba.njit(cache=True, nogil=True)
def smooth(
    embryo: Embryo,
    turns: Turns,
    priors: Singles,
    rows: Singles,
    filtered: Singles,
    vectors: Floats,
    genotypes: Floats,
    share: Floats,
) -> None:
    """Add one sweep's posterior to vectors (L, V), genotypes (L, G), share (L,)."""
    n_sites, _, n_shares = filtered.shape
    beta, emission = np.ones((4, n_shares)), np.empty((4, n_shares))
    gamma = np.empty((4, n_shares))
    for s in range(n_sites - 1, -1, -1):
        for v in range(4):
            for k in range(n_shares):
                gamma[v, k] = filtered[s, v, k] * beta[v, k]
        gamma /= gamma.sum()
        for k in range(n_shares):
            share[s] += gamma[:, k].sum() * embryo.shares[k]
        has_reads = embryo.has_reads[s]
        _record(gamma, priors[s], rows[s], has_reads, vectors[s], genotypes[s])
        if s == 0:
            break
        if has_reads:
            _emission(priors[s], rows[s], emission)
            beta *= emission
        mix(turns.maternal[s], turns.paternal[s], beta)
        stay = embryo.stay[s]
        for v in range(4):
            fresh = 0.0
            for k in range(n_shares):
                fresh += (1.0 - stay) * embryo.share_prior[k] * beta[v, k]
            for k in range(n_shares):
                beta[v, k] = stay * beta[v, k] + fresh
        beta /= beta.max()


@numba.njit(cache=True, nogil=True)
def draw(weights: Floats | Singles, left: float) -> int:
    """Index drawn in proportion to weights; left: uniform from 0 to their sum."""
    last = 0
    for index in range(len(weights)):
        if weights[index] > 0.0:
            last = index
            left -= weights[index]
            if left < 0.0:
                return index
    return last


@numba.njit(cache=True, nogil=True)
def _draw_before(
    before: Singles,
    totals: Floats,
    moves: tuple[float, float, float],
    fresh_share: float,
    vector: int,
    k: int,
    rng: np.random.Generator,
) -> tuple[int, int]:
    """State of the site before on a path that is in (vector, k) at a site.

    before: (V, K), its filtered probabilities; totals: (V,), their sums; moves: P(a
    turns), P(b turns), P(x stays); fresh_share: P(a fresh draw of x is k).
    """
    turn_a, turn_b, stay = moves
    fresh = (1.0 - stay) * fresh_share
    left = 0.0
    for v in range(4):
        move = turn_a if (v ^ vector) & 2 else 1.0 - turn_a
        move *= turn_b if (v ^ vector) & 1 else 1.0 - turn_b
        left += move * (stay * before[v, k] + fresh * totals[v])
    left *= rng.random()
    chosen = vector
    for step in range(4):  # the vector itself first: it is nearly always the one
        v = vector ^ step
        move = turn_a if step & 2 else 1.0 - turn_a
        move *= turn_b if step & 1 else 1.0 - turn_b
        part = move * (stay * before[v, k] + fresh * totals[v])
        if part > 0.0:
            chosen = v
        left -= part
        if left < 0.0:
            break
    stayed = stay * before[chosen, k]
    if rng.random() * (stayed + fresh * totals[chosen]) < stayed:
        return chosen, k
    return chosen, draw(before[chosen], rng.random() * totals[chosen])


@numba.njit(cache=True, nogil=True)
def _draw_genotype(
    prior: Singles, row: Singles, has_reads: bool, k: int, n_shares: int, u: float
) -> int:
    """Genotype of a path at a site, given its vector (prior: (G,)) and grid point."""
    left = 0.0
    for g in range(4):
        left += prior[g] * (row[g * n_shares + k] if has_reads else 1.0)
    left *= u
    last = 0
    for g in range(4):
        if prior[g] > 0.0:
            last = g
            left -= prior[g] * (row[g * n_shares + k] if has_reads else 1.0)
            if left < 0.0:
                break
    return last


@numba.njit(cache=True, nogil=True)
def sample(
    embryo: Embryo,
    turns: Turns,
    priors: Singles,
    rows: Singles,
    filtered: Singles,
    rng: np.random.Generator,
    paths: Bytes,
) -> None:
    """Fill paths, uint8 (3, L, J), with vector, grid point and genotype of J draws; all
    paths of a site together (the filtered probabilities are read once)."""
    n_sites, _, n_shares = filtered.shape
    totals = np.empty(4)
    for s in range(n_sites - 1, -1, -1):
        for v in range(4):
            totals[v] = filtered[s, v].sum()
        has_reads = embryo.has_reads[s]
        after = min(s + 1, n_sites - 1)
        moves = (turns.maternal[after], turns.paternal[after], embryo.stay[after])
        for path in range(paths.shape[2]):
            if s == n_sites - 1:
                v = draw(totals, rng.random() * totals.sum())
                k = draw(filtered[s, v], rng.random() * totals[v])
            else:
                k = int(paths[1, after, path])
                share = embryo.share_prior[k]
                v = int(paths[0, after, path])
                v, k = _draw_before(filtered[s], totals, moves, share, v, k, rng)
            own = priors[s, 4 * v : 4 * v + 4]
            g = _draw_genotype(own, rows[s], has_reads, k, n_shares, rng.random())
            paths[0, s, path], paths[1, s, path], paths[2, s, path] = v, k, g


@numba.njit(cache=True, nogil=True)
def settle(
    embryo: Embryo,
    rows: Singles,
    path: Bytes,
    weights: Floats,
    vectors: Bytes,
    evidence: Floats,
) -> None:
    """Make a drawn path (2, L), vector and grid point, the embryo's state: its vectors
    (L,) and evidence (L, G) in place, and what the orders' weights (L, 16) hold of
    it."""
    n_shares = len(embryo.share_prior)
    for s in range(len(vectors)):
        if not embryo.has_reads[s]:
            vectors[s] = path[0, s]
            continue
        add_evidence(weights[s], evidence[s], np.int64(vectors[s]), -1.0)
        vectors[s] = path[0, s]
        top = 0.0
        for g in range(4):
            evidence[s, g] = rows[s, g * n_shares + path[1, s]]
            top = max(top, evidence[s, g])
        evidence[s] /= top
        add_evidence(weights[s], evidence[s], np.int64(vectors[s]), 1.0)
