"""Measures of estimated genotypes against simulated truth.

Shapes: L sites, N samples. Every measure comes with a 95 % interval by the block
jackknife: neighbouring sites are right or wrong together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# METHOD: genotype errors of an embryo come in stretches (a wrong haplotype goes on to
# the next crossover), so the units that are left out are long.
BLOCK_BP = 250_000


@dataclass(frozen=True)
class Measure:
    """A value, its 95 % interval (nan where there is one block), and the genotypes
    that it rests on."""

    value: float
    low: float
    high: float
    n: int


def blocks_of(
    chrom_index: NDArray[np.int64], pos_bp: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Number of the block of each site, int64 (L,), from 0 without gaps."""
    pairs = np.column_stack([chrom_index, pos_bp // BLOCK_BP])
    _, numbers = np.unique(pairs, axis=0, return_inverse=True)
    return np.asarray(numbers, dtype=np.int64).reshape(-1)


def _interval(
    value: float, left_out: NDArray[np.float64], n: int, top: float
) -> Measure:
    """Delete-one jackknife interval from the values without each block."""
    left_out = left_out[np.isfinite(left_out)]
    count = len(left_out)
    if count < 2:
        return Measure(value, float("nan"), float("nan"), n)
    spread = np.sqrt((count - 1) * np.mean((left_out - left_out.mean()) ** 2))
    low, high = value - 1.96 * spread, value + 1.96 * spread
    return Measure(value, max(float(low), 0.0), min(float(high), top), n)


def proportion(
    right: NDArray[np.bool_], counted: NDArray[np.bool_], blocks: NDArray[np.int64]
) -> Measure:
    """Share of the counted genotypes that are right; both bool (L, N)."""
    n_blocks = int(blocks.max(initial=-1)) + 1
    hits = np.bincount(blocks, (right & counted).sum(axis=1), minlength=n_blocks)
    sizes = np.bincount(blocks, counted.sum(axis=1), minlength=n_blocks)
    total = int(sizes.sum())
    if total == 0:
        return Measure(float("nan"), float("nan"), float("nan"), 0)
    used = sizes > 0
    with np.errstate(invalid="ignore", divide="ignore"):
        left_out = (hits.sum() - hits[used]) / (total - sizes[used])
    return _interval(float(hits.sum() / total), left_out, total, 1.0)


def squared_correlation(
    true: NDArray[np.float64],
    estimated: NDArray[np.float64],
    counted: NDArray[np.bool_],
    blocks: NDArray[np.int64],
) -> Measure:
    """Squared correlation over the counted sites and samples at once, (L, N) each.

    Pass dosages of the minor allele: coded by ALT, sites where almost all are ALT
    would make the figure look better than it is.
    """
    n_blocks = int(blocks.max(initial=-1)) + 1
    terms = (np.ones_like(true), true, estimated, true**2, estimated**2)
    sums = np.stack(
        [
            np.bincount(blocks, (term * counted).sum(axis=1), minlength=n_blocks)
            for term in (*terms, true * estimated)
        ]
    )

    def r2(total: NDArray[np.float64]) -> NDArray[np.float64]:
        n, x, y, xx, yy, xy = total
        with np.errstate(invalid="ignore", divide="ignore"):
            covariance = xy / n - x * y / n**2
            variances = (xx / n - (x / n) ** 2) * (yy / n - (y / n) ** 2)
            return np.asarray(covariance**2 / variances)

    whole = sums.sum(axis=1)
    left_out = r2(whole[:, None] - sums)
    return _interval(float(r2(whole)), left_out, int(counted.sum()), 1.0)
