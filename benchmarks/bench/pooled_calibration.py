"""Calibration error of a method over all couples together.

METHOD: an embryo's errors come in long stretches (a phase error, a crossover that is
out of place), so that within one couple the share right of a bin strays far from its
claim even where all claims hold: the calibration error of single couples is large by
chance, and its mean with it. So bins are pooled over couples before they are compared.
What chance leaves in the pooled error is told by the interval (a jackknife over
couples).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bench.calibration_measures import BEST_EDGES, bin_names, expected_calibration_error
from bench.intervals import Estimate, half_width

# Of a bin: genotypes, claimed and right ones (sums).
Bins = Mapping[str, tuple[float, float, float]]


def pooled_error(couples: Sequence[Bins]) -> Estimate:
    """Expected calibration error of the pooled bins (names as of the best genotype's
    curve), with the jackknife's 95 % interval, nan with one couple."""
    names = bin_names(BEST_EDGES)
    sums = np.array(
        [[one.get(name, (0.0, 0.0, 0.0)) for name in names] for one in couples]
    )
    whole = sums.sum(axis=0)
    value, count = _error(whole), len(couples)
    half = float("nan")
    if count > 1:
        without = np.array([_error(whole - one) for one in sums])
        spread = float(((without - without.mean()) ** 2).sum())
        half = half_width(float(np.sqrt(spread * (count - 1) / count)), count)
    n = round(float(whole[:, 0].sum()))
    return Estimate(value, max(value - half, 0.0), min(value + half, 1.0), count, n)


def _error(sums: NDArray[np.float64]) -> float:
    """Of one set of bins, (bins, 3)."""
    count = np.rint(sums[:, 0]).astype(np.int64)
    least = np.maximum(count, 1)
    return expected_calibration_error(count, sums[:, 1] / least, sums[:, 2] / least)
