"""Compiled loops over an embryo's local share x alone: see morula.overrides.

Shapes: N sites, G = 4 genotypes 2 m + f, K grid points of x.
"""

from __future__ import annotations

import numba
import numpy as np

from morula.embryo_kernels import Embryo
from morula.inheritance_kernels import scaled_likelihood
from morula.order_kernels import Floats, Singles


@numba.njit(cache=True, nogil=True)
def site_likelihood(embryo: Embryo, s: int, found: Floats) -> float:
    """Fill found (G, K), likelihood of the reads at s over its maximum; returns its
    mean over genotypes and fresh shares: reads that have nothing to do with either."""
    table = embryo.ln_read[embryo.site_class[s]]
    scaled_likelihood(embryo.reads[s, 0], embryo.reads[s, 1], table, found)
    mean = 0.0
    for g in range(4):
        for k in range(found.shape[1]):
            mean += 0.25 * embryo.share_prior[k] * found[g, k]
    return mean


@numba.njit(cache=True, nogil=True)
def _emit(
    embryo: Embryo, s: int, inherited: Floats, found: Floats, out: Floats
) -> float:
    """out[k]: P(reads at s | x), whatever was inherited; returns the mean, as above."""
    mean = site_likelihood(embryo, s, found)
    for k in range(len(out)):
        out[k] = embryo.outlier * mean
        for g in range(4):
            out[k] += (1.0 - embryo.outlier) * inherited[s, g] * found[g, k]
    return mean


@numba.njit(cache=True, nogil=True)
def share_messages(
    embryo: Embryo,
    inherited: Floats,
    before: Singles,
    after: Singles,
    likelihood: Floats,
    mean: Floats,
) -> None:
    """Fill what the other sites say of x at each one, and its reads' likelihoods.

    inherited: (N, G), P(genotype) without the site's own reads. before, after: (N, K),
    P(x | reads at earlier sites), and P(reads at later sites | x) up to a factor.
    likelihood: (N, G), of the reads at a site given the genotype, x summed out over
    before * after; mean: (N,), see `site_likelihood`.
    """
    n_sites, n_shares = before.shape
    prior = embryo.share_prior
    found, emission = np.empty((4, n_shares)), np.empty(n_shares)
    here = prior.copy()
    for s in range(n_sites):
        if s > 0:
            here = embryo.stay[s] * here + (1.0 - embryo.stay[s]) * prior
        before[s] = here
        _emit(embryo, s, inherited, found, emission)
        here = here * emission
        here /= here.sum()
    beta = np.ones(n_shares)
    for s in range(n_sites - 1, -1, -1):
        after[s] = beta
        mean[s] = _emit(embryo, s, inherited, found, emission)
        weight = before[s] * beta
        weight /= weight.sum()
        for g in range(4):
            likelihood[s, g] = (weight * found[g]).sum()
        beta = beta * emission
        beta = embryo.stay[s] * beta + (1.0 - embryo.stay[s]) * (prior * beta).sum()
        beta /= beta.max()
