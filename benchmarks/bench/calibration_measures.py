"""Whether a method's probabilities mean what they say.

Only genotypes that the method calls count: for the others it claims nothing.
Shapes: L sites, E embryos, as in bench/case.py.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bench.case import Result
from bench.truth import ALL, EVERY_EMBRYO, PARENT_HET, Row, Truth, share

# Edges of the bins of the highest of the three probabilities, and of each of them.
# They are narrow where probabilities matter: near one, and near zero.
BEST_EDGES = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 0.9999, 1.0)
EACH_EDGES = (
    *(0.0, 0.001, 0.01, 0.05, 0.1, 0.25, 0.5),
    *(0.75, 0.9, 0.95, 0.99, 0.999, 1.0),
)
CONFIDENT = (0.9, 0.99)


def bin_names(edges: tuple[float, ...]) -> list[str]:
    """Names of the bins, `from-to`."""
    pairs = zip(edges[:-1], edges[1:], strict=True)
    return [f"{low:g}-{high:g}" for low, high in pairs]


def reliability(
    claimed: NDArray[np.floating],
    right: NDArray[np.bool_],
    edges: tuple[float, ...],
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Number, mean claimed probability and share right in each bin (nan if empty)."""
    inner = np.array(edges[1:-1], dtype=claimed.dtype)
    bins = np.digitize(claimed, inner)
    count = np.bincount(bins, minlength=len(edges) - 1)
    sums = np.bincount(bins, claimed.astype(float), minlength=len(count))
    hits = np.bincount(bins, right, minlength=len(count))
    with np.errstate(invalid="ignore"):
        return count, sums / count, hits / count


def expected_calibration_error(
    count: NDArray[np.int64],
    claimed: NDArray[np.float64],
    right: NDArray[np.float64],
) -> float:
    """Mean over the genotypes of |share right - mean claimed| of their bin (Naeini,
    Cooper and Hauskrecht 2015, AAAI)."""
    used = count > 0
    gap = np.abs(right[used] - claimed[used])
    return float(np.sum(gap * count[used]) / count.sum())


def calibration_rows(truth: Truth, result: Result) -> Iterator[Row]:
    """Reliability curves, calibration error, and confident calls.

    best_gp_*: of the highest probability; each_gp_*: of each genotype's, where a parent
    is het.
    """
    for stratum in (ALL, PARENT_HET):
        sites = truth.strata[stratum]
        counted = truth.known[:, sites] & result.called[:, sites]
        gp, copies = result.gp[:, sites][counted], truth.copies[:, sites][counted]
        if not len(gp):
            continue
        best = gp.max(axis=1)
        right = gp.argmax(axis=1) == copies
        found = reliability(best, right, BEST_EDGES)
        error = expected_calibration_error(*found)
        yield Row(EVERY_EMBRYO, "ece", stratum, error, len(gp))
        yield from _curve("best_gp", stratum, BEST_EDGES, *found)
        if stratum == PARENT_HET:
            is_true = copies[:, None] == np.arange(3)
            each = reliability(gp.reshape(-1), is_true.reshape(-1), EACH_EDGES)
            yield from _curve("each_gp", stratum, EACH_EDGES, *each)
        yield from _confident(truth, result, stratum)


def _curve(
    name: str,
    stratum: str,
    edges: tuple[float, ...],
    count: NDArray[np.int64],
    claimed: NDArray[np.float64],
    right: NDArray[np.float64],
) -> Iterator[Row]:
    """Rows of a reliability curve; the bin is part of the stratum."""
    for k, bin_name in enumerate(bin_names(edges)):
        if count[k]:
            where, n = f"{stratum}:{bin_name}", int(count[k])
            yield Row(EVERY_EMBRYO, f"{name}_claimed", where, float(claimed[k]), n)
            yield Row(EVERY_EMBRYO, f"{name}_right", where, float(right[k]), n)


def _confident(truth: Truth, result: Result, stratum: str) -> Iterator[Row]:
    """Share of the genotypes called with a high probability, and right ones of them."""
    sites = truth.strata[stratum]
    known, gp = truth.known[:, sites], result.gp[:, sites]
    best = gp.max(axis=2)
    right = gp.argmax(axis=2) == truth.copies[:, sites]
    for limit in CONFIDENT:
        sure = result.called[:, sites] & (best >= np.float32(limit))
        name = f"gp{round(100 * limit)}"
        yield from share(EVERY_EMBRYO, f"{name}_share", stratum, sure, known)
        yield from share(EVERY_EMBRYO, f"{name}_accuracy", stratum, right, known & sure)
