"""Compiled loops of the exact chain over one embryo's inheritance.

Names, shapes and order of states: see morula.inheritance, which is the way in.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Chain(NamedTuple):
    """Inputs of the chain of one chromosome (a tuple, so that kernels can take it).

    reads: float64 (L, 2), reads showing REF and ALT (real numbers after a depth cap);
    site_class: int64 (L,); allele_maternal, allele_paternal: (L, 2);
    flip_maternal, flip_paternal, stay: (L,), for the step that ends at the site.
    """

    reads: Floats
    site_class: NDArray[np.int64]
    allele_maternal: Floats
    allele_paternal: Floats
    flip_maternal: Floats
    flip_paternal: Floats
    stay: Floats


@numba.njit(cache=True, nogil=True)
def _likelihood(chain: Chain, s: int, ln_read: Floats, out: Floats) -> float:
    """out[g, k]: likelihood of the reads at site s divided by its maximum over g and k;
    returns ln(maximum).

    ln_read: (C, G, K, 2). The maximum is taken out in log space, so that a site of any
    depth is safe.
    """
    n_ref, n_alt = chain.reads[s, 0], chain.reads[s, 1]
    if n_ref + n_alt == 0.0:
        out[:, :] = 1.0
        return 0.0
    table = ln_read[chain.site_class[s]]
    return scaled_likelihood(n_ref, n_alt, table, out)


@numba.njit(cache=True, nogil=True)
def scaled_likelihood(n_ref: float, n_alt: float, table: Floats, out: Floats) -> float:
    """out[g, k]: likelihood of n_ref and n_alt reads over its maximum; returns
    ln(maximum). table: (G, K, 2), ln P(a read | genotype, share)."""
    n_shares, top = table.shape[1], -np.inf
    for g in range(4):
        for k in range(n_shares):
            out[g, k] = n_ref * table[g, k, 0] + n_alt * table[g, k, 1]
            top = max(top, out[g, k])
    for g in range(4):
        before = np.nan
        for k in range(n_shares):
            # Where both alleles are one, x does not matter: half of all exponentials.
            same = out[g, k] == before
            before = out[g, k]
            out[g, k] = out[g, k - 1] if same else np.exp(before - top)
    return top


@numba.njit(cache=True, nogil=True)
def _prior(chain: Chain, s: int, out: Floats) -> None:
    """out[v, g] = P(m | a) P(f | b) at site s."""
    for v in range(4):
        alt_m = chain.allele_maternal[s, v >> 1]
        alt_f = chain.allele_paternal[s, v & 1]
        out[v, 0] = (1.0 - alt_m) * (1.0 - alt_f)
        out[v, 1] = (1.0 - alt_m) * alt_f
        out[v, 2] = alt_m * (1.0 - alt_f)
        out[v, 3] = alt_m * alt_f


@numba.njit(cache=True, nogil=True)
def _emit(prior: Floats, likelihood: Floats, out: Floats) -> None:
    """out[v, k] = sum_g prior[v, g] likelihood[g, k]."""
    for v in range(4):
        for k in range(out.shape[1]):
            out[v, k] = (
                prior[v, 0] * likelihood[0, k]
                + prior[v, 1] * likelihood[1, k]
                + prior[v, 2] * likelihood[2, k]
                + prior[v, 3] * likelihood[3, k]
            )


@numba.njit(cache=True, nogil=True)
def mix(flip_a: float, flip_b: float, values: Floats) -> None:
    """values[v, k] <- sum_u values[u, k] P(a flips or not) P(b flips or not)."""
    for k in range(values.shape[1]):
        v0, v1, v2, v3 = values[0, k], values[1, k], values[2, k], values[3, k]
        w0 = (1.0 - flip_b) * v0 + flip_b * v1
        w1 = (1.0 - flip_b) * v1 + flip_b * v0
        w2 = (1.0 - flip_b) * v2 + flip_b * v3
        w3 = (1.0 - flip_b) * v3 + flip_b * v2
        values[0, k] = (1.0 - flip_a) * w0 + flip_a * w2
        values[1, k] = (1.0 - flip_a) * w1 + flip_a * w3
        values[2, k] = (1.0 - flip_a) * w2 + flip_a * w0
        values[3, k] = (1.0 - flip_a) * w3 + flip_a * w1


@numba.njit(cache=True, nogil=True)
def _predict(
    chain: Chain, s: int, share_prior: Floats, before: Floats, out: Floats
) -> None:
    """out[v, k]: filtered probabilities of the site before, moved on to site s."""
    stay = chain.stay[s]
    for v in range(4):
        total = 0.0
        for k in range(out.shape[1]):
            total += before[v, k]
        for k in range(out.shape[1]):
            out[v, k] = stay * before[v, k] + (1.0 - stay) * total * share_prior[k]
    mix(chain.flip_maternal[s], chain.flip_paternal[s], out)


@numba.njit(cache=True, nogil=True)
def forward(
    chain: Chain,
    share_prior: Floats,
    ln_read: Floats,
    filtered: Floats,
    likelihoods: Floats,
) -> tuple[Floats, float, int]:
    """Fill filtered (L, V, K) and likelihoods (L, G, K), each over its maximum; return
    scale (L,), ln P(reads), first impossible site (or -1)."""
    n_sites, _, n_shares = filtered.shape
    scale = np.empty(n_sites)
    emission = np.empty((4, n_shares))
    prior = np.empty((4, 4))
    ln_total = 0.0
    for s in range(n_sites):
        here = filtered[s]
        if s == 0:
            for v in range(4):
                here[v] = 0.25 * share_prior
        else:
            _predict(chain, s, share_prior, filtered[s - 1], here)
        ln_total += _likelihood(chain, s, ln_read, likelihoods[s])
        _prior(chain, s, prior)
        _emit(prior, likelihoods[s], emission)
        total = 0.0
        for v in range(4):
            for k in range(n_shares):
                here[v, k] *= emission[v, k]
                total += here[v, k]
        if not total > 0.0:
            return scale, ln_total, s
        for v in range(4):
            for k in range(n_shares):
                here[v, k] /= total
        scale[s] = total
        ln_total += np.log(total)
    return scale, ln_total, -1


@numba.njit(cache=True, nogil=True)
def _site_posterior(
    gamma: Floats, prior: Floats, likelihood: Floats, emission: Floats, out: Floats
) -> None:
    """out[g, k] = P(genotype g, share k | all reads): each state's probability gamma
    shared among the genotypes in proportion to prior times likelihood."""
    for k in range(gamma.shape[1]):
        for g in range(4):
            out[g, k] = 0.0
        for v in range(4):
            if gamma[v, k] > 0.0:
                part = gamma[v, k] / emission[v, k]
                for g in range(4):
                    out[g, k] += part * prior[v, g] * likelihood[g, k]


@numba.njit(cache=True, nogil=True)
def _step_back(
    chain: Chain,
    s: int,
    share_prior: Floats,
    before: Floats,
    scale: float,
    beta: Floats,
    share_draws: Floats,
) -> float:
    """Move beta (V, K), already times the emission of site s, to the site before; add
    the expected fresh draws of x in the step to share_draws; return their sum."""
    mix(chain.flip_maternal[s], chain.flip_paternal[s], beta)
    stay = chain.stay[s]
    n_shares = beta.shape[1]
    redraw = 0.0
    for v in range(4):
        total = 0.0
        for k in range(n_shares):
            total += before[v, k]
        drawn = 0.0
        for k in range(n_shares):
            fresh = (1.0 - stay) * share_prior[k] * beta[v, k] / scale
            drawn += fresh
            share_draws[k] += total * fresh
        redraw += total * drawn
        for k in range(n_shares):
            beta[v, k] = stay * beta[v, k] / scale + drawn
    return redraw


@numba.njit(cache=True, nogil=True)
def _record(
    reads: Floats,
    gamma: Floats,
    weights: Floats,
    shares: Floats,
    vectors: Floats,
    genotypes: Floats,
    counts: Floats,
) -> float:
    """Sum gamma (V, K) and weights (G, K) of a site into its rows and into the read
    counts (G, K, 2) of its class; return the mean of x."""
    mean = 0.0
    for v in range(4):
        vectors[v] = 0.0
        genotypes[v] = 0.0
        for k in range(gamma.shape[1]):
            vectors[v] += gamma[v, k]
            genotypes[v] += weights[v, k]
            mean += gamma[v, k] * shares[k]
            counts[v, k, 0] += weights[v, k] * reads[0]
            counts[v, k, 1] += weights[v, k] * reads[1]
    return mean


@numba.njit(cache=True, nogil=True)
def backward(
    chain: Chain,
    filtered: Floats,
    scale: Floats,
    likelihoods: Floats,
    share_prior: Floats,
    shares: Floats,
    n_classes: int,
) -> tuple[Floats, Floats, Floats, Floats, Floats, Floats, Floats]:
    """See Posterior for what is returned; filtered, scale, likelihoods: of forward."""
    n_sites, _, n_shares = filtered.shape
    vectors, genotypes = np.empty((n_sites, 4)), np.empty((n_sites, 4))
    share, redraw = np.empty(n_sites), np.ones(n_sites)
    share_draws, occupancy = np.zeros(n_shares), np.zeros(n_shares)
    counts = np.zeros((n_classes, 4, n_shares, 2))
    emission = np.empty((4, n_shares))
    weights, prior = np.empty((4, n_shares)), np.empty((4, 4))
    beta = np.ones((4, n_shares))
    for s in range(n_sites - 1, -1, -1):
        likelihood = likelihoods[s]
        _prior(chain, s, prior)
        _emit(prior, likelihood, emission)
        gamma = filtered[s] * beta
        if chain.reads[s].sum() > 0.0:
            occupancy += gamma.sum(axis=0)
        _site_posterior(gamma, prior, likelihood, emission, weights)
        of_class = counts[chain.site_class[s]]
        share[s] = _record(
            chain.reads[s], gamma, weights, shares, vectors[s], genotypes[s], of_class
        )
        if s == 0:
            share_draws += gamma.sum(axis=0)
            break
        beta *= emission
        redraw[s] = _step_back(
            chain, s, share_prior, filtered[s - 1], scale[s], beta, share_draws
        )
    return vectors, genotypes, share, redraw, share_draws, occupancy, counts


@numba.njit(cache=True, nogil=True)
def _draw(weights: Floats, u: float) -> int:
    """Index drawn in proportion to weights, by a uniform u in [0, 1)."""
    left = u * weights.sum()
    last = 0
    for index, value in enumerate(weights):
        if value > 0.0:
            last = index
            left -= value
            if left < 0.0:
                return index
    return last


@numba.njit(cache=True, nogil=True)
def _draw_before(
    chain: Chain,
    s: int,
    share_prior: Floats,
    before: Floats,
    vector: int,
    k: int,
    rng: np.random.Generator,
) -> tuple[int, int]:
    """State of site s - 1 on a path that is in (vector, k) at site s; before: (V, K),
    filtered probabilities of s - 1."""
    flip_a, flip_b, stay = chain.flip_maternal[s], chain.flip_paternal[s], chain.stay[s]
    fresh = (1.0 - stay) * share_prior[k]
    weights = np.empty(4)
    totals = np.empty(4)
    for v in range(4):
        move = flip_a if (v ^ vector) & 2 else 1.0 - flip_a
        move *= flip_b if (v ^ vector) & 1 else 1.0 - flip_b
        totals[v] = before[v].sum()
        weights[v] = move * (stay * before[v, k] + fresh * totals[v])
    chosen = _draw(weights, rng.random())
    stayed = stay * before[chosen, k]
    if rng.random() * (stayed + fresh * totals[chosen]) < stayed:
        return chosen, k
    return chosen, _draw(before[chosen], rng.random())


@numba.njit(cache=True, nogil=True)
def sample(
    chain: Chain,
    filtered: Floats,
    likelihoods: Floats,
    share_prior: Floats,
    rng: np.random.Generator,
    paths: NDArray[np.uint8],
) -> None:
    """Fill paths, uint8 (4, L, S), with a, b, m, f; backward over the sites, all paths
    of a site together (the filtered probabilities are read once)."""
    n_sites = len(filtered)
    n_paths = paths.shape[2]
    vector = np.zeros(n_paths, dtype=np.int64)
    grid = np.zeros(n_paths, dtype=np.int64)
    prior = np.empty((4, 4))
    for s in range(n_sites - 1, -1, -1):
        likelihood = likelihoods[s]
        _prior(chain, s, prior)
        totals = filtered[s].sum(axis=1)
        for path in range(n_paths):
            if s == n_sites - 1:
                v = _draw(totals, rng.random())
                k = _draw(filtered[s, v], rng.random())
            else:
                v, k = _draw_before(
                    chain,
                    s + 1,
                    share_prior,
                    filtered[s],
                    vector[path],
                    grid[path],
                    rng,
                )
            vector[path], grid[path] = v, k
            genotype = _draw(prior[v] * likelihood[:, k], rng.random())
            paths[0, s, path] = v >> 1
            paths[1, s, path] = v & 1
            paths[2, s, path] = genotype >> 1
            paths[3, s, path] = genotype & 1
