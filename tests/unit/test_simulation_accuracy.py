"""Measures against hand counts; their intervals hold what they should."""

import math

import numpy as np
import pytest

from morula.simulation.accuracy import (
    BLOCK_BP,
    blocks_of,
    proportion,
    squared_correlation,
)
from morula.simulation.streams import stream


def test_blocks_are_by_chromosome_and_stretch():
    chrom = np.array([0, 0, 0, 1])
    pos = np.array([1, BLOCK_BP - 1, BLOCK_BP, 1])
    assert blocks_of(chrom, pos).tolist() == [0, 0, 1, 2]


def test_proportion_counts_only_what_is_counted():
    right = np.array([[True, False], [True, True], [False, False]])
    counted = np.array([[True, True], [True, False], [False, True]])
    measure = proportion(right, counted, np.array([0, 1, 2]))
    assert measure.value == pytest.approx(2 / 4)
    assert measure.n == 4
    assert measure.low <= measure.value <= measure.high


def test_nothing_counted_and_single_block():
    right = np.ones((2, 1), dtype=bool)
    assert math.isnan(proportion(right, ~right, np.array([0, 1])).value)
    single = proportion(right, right, np.array([0, 0]))
    assert single.value == 1.0
    assert math.isnan(single.low)


def test_jackknife_interval_covers_the_truth():
    rng = stream(1, "test")
    covered = 0
    for _ in range(300):
        rates = rng.beta(9, 1, 20)
        blocks = np.repeat(np.arange(20), 25)
        right = rng.random((500, 1)) < rates[blocks][:, None]
        measure = proportion(right, np.ones_like(right), blocks)
        covered += measure.low <= 0.9 <= measure.high
    assert covered / 300 == pytest.approx(0.94, abs=0.05)


def test_squared_correlation_is_numpys():
    rng = stream(2, "test")
    true = rng.integers(0, 3, (60, 4)).astype(float)
    estimated = true + rng.normal(size=true.shape)
    blocks = np.repeat(np.arange(6), 10)
    every = np.ones_like(true, dtype=bool)
    measure = squared_correlation(true, estimated, every, blocks)
    expected = np.corrcoef(true.ravel(), estimated.ravel())[0, 1] ** 2
    assert measure.value == pytest.approx(expected)
    assert measure.low < expected < measure.high
    perfect = squared_correlation(true, true, every, blocks)
    assert perfect.value == pytest.approx(1.0)
    spoilt = np.where(every, estimated, 0.0)
    spoilt[:10, 0], every[:10, 0] = 1e3, False
    part = squared_correlation(true, spoilt, every, blocks)
    expected = np.corrcoef(true[every], estimated[every])[0, 1] ** 2
    assert part.value == pytest.approx(expected)
    assert part.n == every.sum()
