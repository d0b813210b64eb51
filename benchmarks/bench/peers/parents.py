"""What a case tells every method of the parents, and of the panel.

Shapes: L sites. Probabilities are linear.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.case import Case

# METHOD: an allele that a panel of some hundred haplotypes lacks, or always has, may
# yet differ in a family: its frequency is taken as no nearer to 0 or 1 than this.
RAREST = 0.001


def panel_frequency(case: Case) -> NDArray[np.float64]:
    """Frequency of ALT in the panel, (L,), never 0 or 1."""
    return np.clip(case.alt_frequency, RAREST, 1.0 - RAREST)


def hardy_weinberg(frequency: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities of 0, 1, 2 copies of an allele of that frequency, (L, 3)."""
    q = 1.0 - frequency
    return np.stack([q * q, 2 * frequency * q, frequency * frequency], axis=1)


def haplotype_pairs(case: Case, parent: int, error: float) -> NDArray[np.float64]:
    """P(haplotype 0 and haplotype 1 of a parent carry these alleles), (L, 2, 2).

    parent: 0 mother, 1 father. A phased site has its alleles, but for `error`, which
    the three other pairs share. An unphased one has the parent's likelihoods times the
    panel's Hardy-Weinberg prior, a het either way round.
    """
    n_sites = len(case.pos_bp)
    likelihood = 10.0 ** (-0.1 * case.parent_pl[parent].astype(np.float64))
    genotype = hardy_weinberg(panel_frequency(case)) * likelihood
    genotype /= genotype.sum(axis=1, keepdims=True)
    het = genotype[:, 1] / 2
    unphased = np.stack([genotype[:, 0], het, het, genotype[:, 2]], axis=1)
    alleles = case.phased[parent].astype(np.int64)
    pair = 2 * np.maximum(alleles[:, 0], 0) + np.maximum(alleles[:, 1], 0)
    phased = np.full((n_sites, 4), error / 3)
    phased[np.arange(n_sites), pair] = 1.0 - error
    is_phased = (alleles >= 0).all(axis=1)[:, None]
    return np.where(is_phased, phased, unphased).reshape(n_sites, 2, 2)
