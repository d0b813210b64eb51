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

import numpy as np
from numpy.typing import NDArray

from morula import inheritance_kernels as kernels
from morula.inheritance_kernels import Chain as Chain
from morula.inheritance_kernels import Floats

N_VECTORS = 4


@dataclass(frozen=True)
class Forward:
    """Result of `forward`: filtered (L, V, K), every site sums to one; scale: (L,),
    P(reads at s | reads before) up to the factors that `ln_likelihood` includes;
    likelihoods: (L, G, K), of the reads of a site over their maximum."""

    filtered: Floats
    scale: Floats
    likelihoods: Floats
    ln_likelihood: float


@dataclass(frozen=True)
class Posterior:
    """Result of `backward`.

    vectors: (L, V) and genotypes: (L, G), rows sum to one; share: (L,), posterior mean
    of x; redraw: (L,), P(x was drawn anew in the step that ends at the site), 1 at the
    first; share_draws: (K,), expected number of draws of each grid point; occupancy:
    (K,), expected number of sites with reads at each; read_counts: (C, G, K, 2),
    expected reads by class, genotype, share and allele shown.
    """

    vectors: Floats
    genotypes: Floats
    share: Floats
    redraw: Floats
    share_draws: Floats
    occupancy: Floats
    read_counts: Floats


@dataclass(frozen=True)
class Paths:
    """Joint draws of paths: uint8 (L, S), 0 or 1. haplotype_*: a and b; allele_*: the
    transmitted alleles m and f."""

    haplotype_maternal: NDArray[np.uint8]
    haplotype_paternal: NDArray[np.uint8]
    allele_maternal: NDArray[np.uint8]
    allele_paternal: NDArray[np.uint8]


def forward(
    chain: Chain,
    share_prior: Floats,
    ln_read: Floats,
) -> Forward:
    """Filter the chain from the first site to the last.

    share_prior: (K,), sums to one; ln_read: (C, G, K, 2), see `read_table`.
    Raises ValueError for a site that no state can explain.
    """
    n_sites = len(chain.reads)
    filtered = np.empty((n_sites, N_VECTORS, len(share_prior)))
    likelihoods = np.empty_like(filtered)
    scale, ln_likelihood, bad = kernels.forward(
        chain, share_prior, ln_read, filtered, likelihoods
    )
    if bad >= 0:
        raise ValueError(
            f"site {bad} (counted from 0) is impossible under the model: no pair of"
            " parental haplotypes gives its reads a probability above zero"
        )
    return Forward(filtered, scale, likelihoods, float(ln_likelihood))


def backward(
    chain: Chain,
    filtered: Forward,
    share_prior: Floats,
    shares: Floats,
    ln_read: Floats,
) -> Posterior:
    """Posterior of vectors, genotypes and shares, and the expected counts of EM.

    shares: (K,), the grid of x. Other arguments as in `forward`.
    """
    return Posterior(
        *kernels.backward(
            chain,
            filtered.filtered,
            filtered.scale,
            filtered.likelihoods,
            share_prior,
            shares,
            len(ln_read),
        )
    )


def sample_paths(
    chain: Chain,
    filtered: Forward,
    share_prior: Floats,
    n_paths: int,
    rng: np.random.Generator,
) -> Paths:
    """Draw whole paths from the joint posterior (forward filtering, backward
    sampling), and the transmitted alleles along them."""
    paths = np.empty((4, len(chain.reads), n_paths), dtype=np.uint8)
    kernels.sample(
        chain, filtered.filtered, filtered.likelihoods, share_prior, rng, paths
    )
    return Paths(paths[0], paths[1], paths[2], paths[3])


def read_table(
    alt_template: Floats,
    error_ref_alt: Floats,
    error_alt_ref: Floats,
) -> Floats:
    """ln P(a read shows REF or ALT | class, genotype, share): (C, G, K, 2).

    alt_template: (C, G, K), share of the template that carries ALT; error_ref_alt,
    error_alt_ref: (C,), probabilities that a template with REF is read as ALT, and one
    with ALT as REF.
    """
    shows_alt = alt_template * (1.0 - error_alt_ref[:, None, None])
    shows_alt += (1.0 - alt_template) * error_ref_alt[:, None, None]
    return np.log(np.stack([1.0 - shows_alt, shows_alt], axis=-1))


def alt_template_share(shares: Floats) -> Floats:
    """Share of the embryo's template that carries ALT, x m + (1 - x) f: (G, K)."""
    maternal = np.array([0.0, 0.0, 1.0, 1.0])[:, None]
    paternal = np.array([0.0, 1.0, 0.0, 1.0])[:, None]
    return np.asarray(shares * maternal + (1.0 - shares) * paternal)
