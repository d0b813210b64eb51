"""Segments of one parental haplotype along a chromosome."""

from __future__ import annotations

import numpy as np
import pytest

from morula.polished_phase import Crossover
from morula.segments import segments

POS = np.array([100, 200, 300, 400, 500])


def cut(pos, share, crossovers, bounds=None):
    share = np.array(share)
    return segments(
        pos, share > 0.5, share, crossovers, pos if bounds is None else bounds
    )


def assert_no_gap(found, first, last):
    assert found[0].start == first
    assert found[-1].end == last
    for one, two in zip(found[:-1], found[1:], strict=True):
        assert two.start == one.end + 1
    assert all(one.start <= one.end for one in found)


def test_they_cover_the_chromosome_once():
    turns = [Crossover(2, 1, 3), Crossover(4, 4, 4)]
    found = cut(POS, [0.1, 0.2, 0.9, 0.8, 0.3], turns, np.array([7, 100, 500, 950]))
    assert [(one.start, one.end, one.haplotype) for one in found] == [
        (7, 250, 1),
        (251, 450, 2),
        (451, 950, 1),
    ]
    assert [one.posterior for one in found] == pytest.approx([0.85, 0.85, 0.7])


def test_the_interval_of_a_crossover_is_in_bp():
    # Between sites 0 and 1 at the earliest, between 2 and 3 at the latest.
    found = cut(POS, [0.1, 0.2, 0.9, 0.8, 0.9], [Crossover(2, 1, 3)])
    assert (found[0].start_low, found[0].start_high) == (None, None)
    assert (found[1].start_low, found[1].start_high) == (100, 400)
    assert found[1].start_low <= found[1].start <= found[1].start_high


def test_one_site():
    (only,) = cut(np.array([7]), [0.8], [], np.array([1, 7, 9]))
    assert (only.start, only.end, only.haplotype) == (1, 9, 2)
    assert only.posterior == pytest.approx(0.8)


def test_turns_within_one_position_leave_no_gap():
    pos = np.array([10, 10, 10, 20])
    turns = [Crossover(1, 1, 1), Crossover(2, 2, 2)]
    assert_no_gap(cut(pos, [0.1, 0.9, 0.1, 0.1], turns), 10, 20)


def test_turns_at_the_last_position_leave_no_gap():
    pos = np.array([10, 20, 20, 20])
    turns = [Crossover(2, 2, 2), Crossover(3, 3, 3)]
    assert_no_gap(cut(pos, [0.1, 0.1, 0.9, 0.1], turns), 10, 20)
