"""Embryos and their allele counts, drawn site by site: quicker and plainer than the
simulation, and enough for tests of the correction.

Shapes: L sites. Counts follow the local share of the two alleles, which is constant
over amplicons.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from morula.genetic_map import haldane


@dataclass(frozen=True)
class TrueEmbryo:
    """vectors: int (L,), 2 a + b; alleles: int8 (L, 2), maternal and paternal; share:
    float (L,), x of the site; counts: int (L, 2), reads showing REF and ALT."""

    vectors: NDArray[np.int64]
    alleles: NDArray[np.int8]
    share: NDArray[np.float64]
    counts: NDArray[np.int64]


def meiosis(gap_cm: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Transmitted haplotype along the sites, 0 or 1, without interference."""
    flips = rng.random(len(gap_cm)) < haldane(gap_cm)
    flips[0] = rng.random() < 0.5
    return np.cumsum(flips) % 2


def amplicons(
    pos_bp: NDArray[np.int64],
    length_bp: float,
    dropout: float,
    shape: float,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Template of the maternal and the paternal allele at each site, (L, 2), mean 1."""
    span = int(pos_bp[-1] - pos_bp[0]) + 1
    ends = np.cumsum(rng.exponential(length_bp, int(3 * span / length_bp) + 20))
    block = np.searchsorted(ends, pos_bp - pos_bp[0])
    template = rng.gamma(shape, 1 / shape, (len(ends) + 1, 2))
    lost = rng.random(len(template)) < dropout
    template[lost, rng.integers(0, 2, int(lost.sum()))] = 0
    return np.asarray(template[block])


def embryo(
    mother: NDArray[np.int8],
    father: NDArray[np.int8],
    pos_bp: NDArray[np.int64],
    gap_cm: NDArray[np.float64],
    depth: float,
    rng: np.random.Generator,
    *,
    length_bp: float = 10_000,
    dropout: float = 0.2,
    shape: float = 2.0,
    error: float = 0.005,
    contamination: float = 0.0,
) -> TrueEmbryo:
    """A child of `mother` and `father` ((L, 2) true haplotypes) and its counts.

    error: P(a read shows the other allele); contamination: share of the reads that
    comes from the mother's own cells.
    """
    a, b = meiosis(gap_cm, rng), meiosis(gap_cm, rng)
    row = np.arange(len(pos_bp))
    alleles = np.stack([mother[row, a], father[row, b]], axis=1).astype(np.int8)
    template = amplicons(pos_bp, length_bp, dropout, shape, rng)
    total = template.sum(axis=1)
    share = template[:, 0] / np.maximum(total, 1e-12)
    n_reads = rng.poisson(depth * total / 2)
    alt = share * alleles[:, 0] + (1 - share) * alleles[:, 1]
    alt = (1 - contamination) * alt + contamination * mother.mean(axis=1)
    n_alt = rng.binomial(n_reads, alt * (1 - error) + (1 - alt) * error)
    return TrueEmbryo(
        2 * a + b, alleles, share, np.stack([n_reads - n_alt, n_alt], axis=1)
    )
