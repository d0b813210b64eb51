"""Exact chain over one embryo's inheritance and local amplification.

Hidden at every site: a and b, the maternal and the paternal haplotype that the embryo
carries (0: first haplotype of the phased parent, 1: second), and x, the maternal share
of the local amplified template, one of K grid points from 0 to 1.

Shapes: L sites, K grid points, V = 4 inheritance vectors, G = 4 ordered genotypes,
S sampled paths. Order of states:
    vector v = 2 * a + b          genotype g = 2 * m + f  (m, f: ALT carried, 0 or 1)
    state (v, k), k the index on the grid of x
All arrays are linear probabilities in float64 unless the name starts with `ln_`.

Transition, from site s - 1 to s: a flips with flip_maternal[s], b flips with
flip_paternal[s], x stays with stay[s], else it is drawn anew from share_prior. The
three are independent, so that a step costs O(4 K). Element 0 of these arrays is unused.

Emission: allele_maternal[s, a] and allele_paternal[s, b] are the probabilities that
the haplotype carries ALT; given the ordered genotype and x, n_ref and n_alt reads have
the likelihood exp(n_ref * ln_read[c, g, k, 0] + n_alt * ln_read[c, g, k, 1]) with c the
site's error class:
    e(v, k) = sum_g P(m | a) P(f | b) likelihood(g, k)
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

N_VECTORS = 4
N_GENOTYPES = 4


@dataclass(frozen=True)
class Chain:
    """Inputs of the chain of one chromosome.

    reads: float64 (L, 2), reads showing REF and ALT (real numbers after a depth cap);
    error_class: int64 (L,); allele_maternal, allele_paternal: (L, 2);
    flip_maternal, flip_paternal, stay: (L,), for the step that ends at the site.
    """

    reads: NDArray[np.float64]
    error_class: NDArray[np.int64]
    allele_maternal: NDArray[np.float64]
    allele_paternal: NDArray[np.float64]
    flip_maternal: NDArray[np.float64]
    flip_paternal: NDArray[np.float64]
    stay: NDArray[np.float64]


@dataclass(frozen=True)
class Forward:
    """Result of `forward`: filtered (L, V, K), every site sums to one; scale: (L,),
    P(reads at s | reads before) up to the factors that `ln_likelihood` includes."""

    filtered: NDArray[np.float64]
    scale: NDArray[np.float64]
    ln_likelihood: float


@dataclass(frozen=True)
class Posterior:
    """Result of `backward`.

    vectors: (L, V) and genotypes: (L, G), rows sum to one; share: (L,), posterior mean
    of x; redraw: (L,), P(x was drawn anew in the step that ends at the site), 1 at the
    first; share_draws: (K,), expected number of draws of each grid point; read_counts:
    (C, G, K, 2), expected reads by class, genotype, share and allele shown.
    """

    vectors: NDArray[np.float64]
    genotypes: NDArray[np.float64]
    share: NDArray[np.float64]
    redraw: NDArray[np.float64]
    share_draws: NDArray[np.float64]
    read_counts: NDArray[np.float64]


@dataclass(frozen=True)
class Paths:
    """Joint draws of paths: uint8 (L, S), 0 or 1. haplotype_*: a and b; allele_*: the
    transmitted alleles m and f."""

    haplotype_maternal: NDArray[np.uint8]
    haplotype_paternal: NDArray[np.uint8]
    allele_maternal: NDArray[np.uint8]
    allele_paternal: NDArray[np.uint8]


@numba.njit(cache=True, nogil=True)
def _likelihood(n_ref, n_alt, ln_read, out):
    """out[g, k]: likelihood of the reads divided by its maximum; returns ln(maximum).

    ln_read: (G, K, 2) of the site's class. The maximum is taken out in log space, so
    that a site of any depth is safe.
    """
    n_shares = out.shape[1]
    top = -np.inf
    for g in range(4):
        for k in range(n_shares):
            value = n_ref * ln_read[g, k, 0] + n_alt * ln_read[g, k, 1]
            out[g, k] = value
            top = max(top, value)
    for g in range(4):
        for k in range(n_shares):
            out[g, k] = np.exp(out[g, k] - top)
    return top


@numba.njit(cache=True, nogil=True)
def _prior(allele_maternal, allele_paternal, out):
    """out[v, g] = P(m | a) P(f | b) of one site."""
    for v in range(4):
        alt_m = allele_maternal[v >> 1]
        alt_f = allele_paternal[v & 1]
        out[v, 0] = (1.0 - alt_m) * (1.0 - alt_f)
        out[v, 1] = (1.0 - alt_m) * alt_f
        out[v, 2] = alt_m * (1.0 - alt_f)
        out[v, 3] = alt_m * alt_f


@numba.njit(cache=True, nogil=True)
def _emit(prior, likelihood, out):
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
def _mix(flip_a, flip_b, values):
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
def _forward(
    reads, classes, alt_m, alt_f, flip_m, flip_f, stay, share_prior, ln_read, filtered
):
    """Fill filtered (L, V, K); return scale (L,), ln P(reads), first impossible site
    (or -1)."""
    n_sites, _, n_shares = filtered.shape
    scale = np.empty(n_sites)
    likelihood = np.empty((4, n_shares))
    emission = np.empty((4, n_shares))
    prior = np.empty((4, 4))
    ln_total = 0.0
    for s in range(n_sites):
        here = filtered[s]
        for v in range(4):
            total = 0.0
            if s > 0:
                for k in range(n_shares):
                    total += filtered[s - 1, v, k]
            for k in range(n_shares):
                if s == 0:
                    here[v, k] = 0.25 * share_prior[k]
                else:
                    here[v, k] = (
                        stay[s] * filtered[s - 1, v, k]
                        + (1.0 - stay[s]) * total * share_prior[k]
                    )
        if s > 0:
            _mix(flip_m[s], flip_f[s], here)
        if reads[s, 0] + reads[s, 1] > 0.0:
            ln_total += _likelihood(
                reads[s, 0], reads[s, 1], ln_read[classes[s]], likelihood
            )
            _prior(alt_m[s], alt_f[s], prior)
            _emit(prior, likelihood, emission)
            for v in range(4):
                for k in range(n_shares):
                    here[v, k] *= emission[v, k]
        total = here.sum()
        if not total > 0.0:
            return scale, ln_total, s
        for v in range(4):
            for k in range(n_shares):
                here[v, k] /= total
        scale[s] = total
        ln_total += np.log(total)
    return scale, ln_total, -1


@numba.njit(cache=True, nogil=True)
def _site_posterior(gamma, prior, likelihood, emission, weights):
    """weights[g, k] = P(genotype g, share k | all reads): each state's probability
    shared among the genotypes in proportion to prior times likelihood."""
    for k in range(gamma.shape[1]):
        for g in range(4):
            weights[g, k] = 0.0
        for v in range(4):
            if gamma[v, k] > 0.0:
                part = gamma[v, k] / emission[v, k]
                for g in range(4):
                    weights[g, k] += part * prior[v, g] * likelihood[g, k]


@numba.njit(cache=True, nogil=True)
def _redraws(filtered, beta, stay, share_prior, scale, share_draws):
    """P(x drawn anew) in the step between two sites; adds the draws to share_draws.

    beta: (V, K), mixed over a and b but not yet over x, divided by nothing; the two
    terms (stayed, drawn anew) sum to `scale`.
    """
    n_shares = share_prior.shape[0]
    redraw = 0.0
    for v in range(4):
        total = 0.0
        for k in range(n_shares):
            total += filtered[v, k]
        for k in range(n_shares):
            part = (1.0 - stay) * total * share_prior[k] * beta[v, k] / scale
            share_draws[k] += part
            redraw += part
    return redraw


@numba.njit(cache=True, nogil=True)
def _backward(
    filtered,
    scale,
    reads,
    classes,
    alt_m,
    alt_f,
    flip_m,
    flip_f,
    stay,
    share_prior,
    shares,
    ln_read,
):
    """See Posterior for what is returned."""
    n_sites, _, n_shares = filtered.shape
    vectors = np.empty((n_sites, 4))
    genotypes = np.empty((n_sites, 4))
    share = np.zeros(n_sites)
    redraw = np.ones(n_sites)
    share_draws = np.zeros(n_shares)
    counts = np.zeros((ln_read.shape[0], 4, n_shares, 2))
    likelihood = np.ones((4, n_shares))
    emission = np.empty((4, n_shares))
    weights = np.empty((4, n_shares))
    gamma = np.empty((4, n_shares))
    prior = np.empty((4, 4))
    beta = np.ones((4, n_shares))
    for s in range(n_sites - 1, -1, -1):
        n_ref, n_alt = reads[s, 0], reads[s, 1]
        if n_ref + n_alt > 0.0:
            _likelihood(n_ref, n_alt, ln_read[classes[s]], likelihood)
        else:
            likelihood[:, :] = 1.0
        _prior(alt_m[s], alt_f[s], prior)
        _emit(prior, likelihood, emission)
        for v in range(4):
            total = 0.0
            for k in range(n_shares):
                gamma[v, k] = filtered[s, v, k] * beta[v, k]
                total += gamma[v, k]
                share[s] += gamma[v, k] * shares[k]
            vectors[s, v] = total
        _site_posterior(gamma, prior, likelihood, emission, weights)
        for g in range(4):
            total = 0.0
            for k in range(n_shares):
                total += weights[g, k]
                counts[classes[s], g, k, 0] += weights[g, k] * n_ref
                counts[classes[s], g, k, 1] += weights[g, k] * n_alt
            genotypes[s, g] = total
        if s == 0:
            for v in range(4):
                for k in range(n_shares):
                    share_draws[k] += gamma[v, k]
            break
        for v in range(4):
            for k in range(n_shares):
                beta[v, k] *= emission[v, k]
        _mix(flip_m[s], flip_f[s], beta)
        redraw[s] = _redraws(
            filtered[s - 1], beta, stay[s], share_prior, scale[s], share_draws
        )
        for v in range(4):
            drawn = 0.0
            for k in range(n_shares):
                drawn += share_prior[k] * beta[v, k]
            for k in range(n_shares):
                beta[v, k] = (stay[s] * beta[v, k] + (1.0 - stay[s]) * drawn) / scale[s]
    return vectors, genotypes, share, redraw, share_draws, counts


@numba.njit(cache=True, nogil=True)
def _draw(weights, u):
    """Index drawn in proportion to weights, by a uniform u in [0, 1)."""
    total = 0.0
    for value in weights:
        total += value
    left = u * total
    last = 0
    for index, value in enumerate(weights):
        if value > 0.0:
            last = index
            left -= value
            if left < 0.0:
                return index
    return last


@numba.njit(cache=True, nogil=True)
def _draw_previous(filtered, totals, vector, k, flip_a, flip_b, stay, prior, step, rng):
    """State (v, k) of a site given the state of the next one on the same path.

    totals: (V,), sums of filtered over k; step: scratch (V,).
    """
    fresh = (1.0 - stay) * prior
    for v in range(4):
        odd_a = (v ^ vector) >> 1
        odd_b = (v ^ vector) & 1
        weight = (flip_a if odd_a else 1.0 - flip_a) * (
            flip_b if odd_b else 1.0 - flip_b
        )
        step[v] = weight * (stay * filtered[v, k] + fresh * totals[v])
    chosen = _draw(step, rng.random())
    stayed = stay * filtered[chosen, k]
    if rng.random() * (stayed + fresh * totals[chosen]) < stayed:
        return chosen, k
    return chosen, _draw(filtered[chosen], rng.random())


@numba.njit(cache=True, nogil=True)
def _sample(
    filtered,
    reads,
    classes,
    alt_m,
    alt_f,
    flip_m,
    flip_f,
    stay,
    share_prior,
    ln_read,
    rng,
    paths,
):
    """Fill paths, uint8 (4, L, S), with a, b, m, f; backward over the sites, all paths
    of a site together (the filtered probabilities are read once)."""
    n_sites, _, n_shares = filtered.shape
    n_paths = paths.shape[2]
    vector = np.zeros(n_paths, dtype=np.int64)
    grid = np.zeros(n_paths, dtype=np.int64)
    likelihood = np.ones((4, n_shares))
    prior = np.empty((4, 4))
    totals = np.empty(4)
    step = np.empty(4)
    for s in range(n_sites - 1, -1, -1):
        for v in range(4):
            totals[v] = filtered[s, v].sum()
        if reads[s, 0] + reads[s, 1] > 0.0:
            _likelihood(reads[s, 0], reads[s, 1], ln_read[classes[s]], likelihood)
        else:
            likelihood[:, :] = 1.0
        _prior(alt_m[s], alt_f[s], prior)
        for path in range(n_paths):
            if s == n_sites - 1:
                vector[path] = _draw(totals, rng.random())
                grid[path] = _draw(filtered[s, vector[path]], rng.random())
            else:
                vector[path], grid[path] = _draw_previous(
                    filtered[s],
                    totals,
                    vector[path],
                    grid[path],
                    flip_m[s + 1],
                    flip_f[s + 1],
                    stay[s + 1],
                    share_prior[grid[path]],
                    step,
                    rng,
                )
            for g in range(4):
                step[g] = prior[vector[path], g] * likelihood[g, grid[path]]
            genotype = _draw(step, rng.random())
            paths[0, s, path] = vector[path] >> 1
            paths[1, s, path] = vector[path] & 1
            paths[2, s, path] = genotype >> 1
            paths[3, s, path] = genotype & 1


def forward(
    chain: Chain,
    share_prior: NDArray[np.float64],
    ln_read: NDArray[np.float64],
) -> Forward:
    """Filter the chain from the first site to the last.

    share_prior: (K,), sums to one; ln_read: (C, G, K, 2), see `read_table`.
    Raises ValueError for a site that no state can explain.
    """
    n_sites = len(chain.reads)
    filtered = np.empty((n_sites, N_VECTORS, len(share_prior)))
    scale, ln_likelihood, bad = _forward(
        chain.reads,
        chain.error_class,
        chain.allele_maternal,
        chain.allele_paternal,
        chain.flip_maternal,
        chain.flip_paternal,
        chain.stay,
        share_prior,
        ln_read,
        filtered,
    )
    if bad >= 0:
        raise ValueError(
            f"site {bad} (counted from 0) is impossible under the model: no pair of"
            " parental haplotypes gives its reads a probability above zero"
        )
    return Forward(filtered, scale, float(ln_likelihood))


def backward(
    chain: Chain,
    filtered: Forward,
    share_prior: NDArray[np.float64],
    shares: NDArray[np.float64],
    ln_read: NDArray[np.float64],
) -> Posterior:
    """Posterior of vectors, genotypes and shares, and the expected counts of EM.

    shares: (K,), the grid of x. Other arguments as in `forward`.
    """
    return Posterior(
        *_backward(
            filtered.filtered,
            filtered.scale,
            chain.reads,
            chain.error_class,
            chain.allele_maternal,
            chain.allele_paternal,
            chain.flip_maternal,
            chain.flip_paternal,
            chain.stay,
            share_prior,
            shares,
            ln_read,
        )
    )


def sample_paths(
    chain: Chain,
    filtered: Forward,
    share_prior: NDArray[np.float64],
    ln_read: NDArray[np.float64],
    n_paths: int,
    rng: np.random.Generator,
) -> Paths:
    """Draw whole paths from the joint posterior (forward filtering, backward
    sampling), and the transmitted alleles along them."""
    paths = np.empty((4, len(chain.reads), n_paths), dtype=np.uint8)
    _sample(
        filtered.filtered,
        chain.reads,
        chain.error_class,
        chain.allele_maternal,
        chain.allele_paternal,
        chain.flip_maternal,
        chain.flip_paternal,
        chain.stay,
        share_prior,
        ln_read,
        rng,
        paths,
    )
    return Paths(paths[0], paths[1], paths[2], paths[3])


def read_table(
    alt_template: NDArray[np.float64],
    error_ref_alt: NDArray[np.float64],
    error_alt_ref: NDArray[np.float64],
) -> NDArray[np.float64]:
    """ln P(a read shows REF or ALT | class, genotype, share): (C, G, K, 2).

    alt_template: (C, G, K), share of the template that carries ALT; error_ref_alt,
    error_alt_ref: (C,), probabilities that a template with REF is read as ALT, and one
    with ALT as REF.
    """
    shows_alt = alt_template * (1.0 - error_alt_ref[:, None, None])
    shows_alt += (1.0 - alt_template) * error_ref_alt[:, None, None]
    return np.log(np.stack([1.0 - shows_alt, shows_alt], axis=-1))


def alt_template_share(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of the embryo's template that carries ALT, x m + (1 - x) f: (G, K)."""
    maternal = np.array([0.0, 0.0, 1.0, 1.0])[:, None]
    paternal = np.array([0.0, 1.0, 0.0, 1.0])[:, None]
    return np.asarray(shares * maternal + (1.0 - shares) * paternal)
