"""Means and ratios over couples, with 95 % intervals.

Couples are the units: embryos of one share their parents' phase and are right or wrong
together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from bench.measures import Kind


@dataclass(frozen=True)
class Estimate:
    """A value over couples, its 95 % interval (nan with one couple), their number, and
    the sum of the rows' n."""

    value: float
    low: float
    high: float
    couples: int
    n: int


def half_width(standard_error: float, couples: int) -> float:
    """Half of the 95 % interval by Student's t; nan with one couple."""
    if couples < 2:
        return float("nan")
    return float(student.ppf(0.975, couples - 1) * standard_error)


def combine(values: Sequence[float], sizes: Sequence[int], kind: Kind) -> Estimate:
    """A measure over couples, from the value and the n of each.

    Shares are pooled: sum of hits over sum of n, with the standard error of a ratio of
    sums (Cochran 1977, Sampling Techniques, 3rd ed., chapter 6). Other measures: the
    plain mean.
    """
    value, n = np.array(values), np.array(sizes, dtype=np.float64)
    weight = n if kind.is_pooled else np.ones_like(n)
    mean = float((weight * value).sum() / weight.sum())
    couples = len(value)
    spread = float(((weight * (value - mean)) ** 2).sum())
    error = np.sqrt(spread * couples / max(couples - 1, 1)) / weight.sum()
    half = half_width(float(error), couples)
    low, high = np.clip([mean - half, mean + half], kind.least, kind.most).tolist()
    return Estimate(mean, low, high, couples, int(n.sum()))


def error_ratio(
    ours: Sequence[float], theirs: Sequence[float], sizes: Sequence[int]
) -> Estimate:
    """Errors of one method over those of another on the same couples: geometric mean
    of the couples' ratios, interval by Student's t on the logarithm.

    ours, theirs: accuracies of each couple; sizes: genotypes. Half an error is added to
    each count of errors, so that none has no ratio.
    """
    n = np.array(sizes, dtype=np.float64)
    counts: list[NDArray[np.float64]] = [
        (1.0 - np.array(one)) * n + 0.5 for one in (ours, theirs)
    ]
    logs = np.log(counts[0] / counts[1])
    couples = len(logs)
    error = float(np.std(logs, ddof=1) / np.sqrt(couples)) if couples > 1 else 0.0
    half, middle = half_width(error, couples), float(logs.mean())
    low, value, high = np.exp([middle - half, middle, middle + half]).tolist()
    return Estimate(value, low, high, couples, int(n.sum()))
