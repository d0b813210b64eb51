"""Consensus of phasings: against all paths of the chain, and against a drawn truth."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from morula import phase_consensus
from morula.phase_consensus import UNKNOWN, Consensus


def brute_force(votes, first, switch, flip):
    """Expected switches, flips and ln P, by the sum over all states of all hets."""
    n_hets, n_phasings = votes.shape
    switches, flips, ln_total = np.zeros(n_hets), np.zeros(n_hets), 0.0
    for d in range(n_phasings):
        total, turned, wrong = 0.0, np.zeros(n_hets), np.zeros(n_hets)
        for path in itertools.product((0, 1), repeat=n_hets):
            p = 0.5
            is_wrong = np.zeros(n_hets)
            for h, state in enumerate(path):
                if h > 0:
                    p *= switch[h] if state != path[h - 1] else 1 - switch[h]
                if votes[h, d] != UNKNOWN:
                    is_wrong[h] = (votes[h, d] ^ first[h]) != state
                    p *= flip[h] if is_wrong[h] else 1 - flip[h]
            total += p
            turned[1:] += p * (np.diff(path) != 0)
            wrong += p * is_wrong
        switches, flips = switches + turned / total, flips + wrong / total
        ln_total += np.log(total)
    return switches, flips, ln_total


@pytest.mark.parametrize("n_hets", [1, 2, 5])
def test_equals_sum_over_paths(n_hets):
    rng = np.random.default_rng(n_hets)
    votes = rng.integers(0, 3, (n_hets, 4)).astype(np.uint8)
    first = rng.integers(0, 2, n_hets).astype(np.uint8)
    switch, flip = rng.uniform(0.01, 0.5, (2, n_hets))
    switches, flips = np.zeros(n_hets), np.zeros(n_hets)
    ln_total = phase_consensus.expect(votes, first, switch, flip, switches, flips)
    expected = brute_force(votes, first, switch, flip)
    np.testing.assert_allclose(switches, expected[0], rtol=1e-10)
    np.testing.assert_allclose(flips, expected[1], rtol=1e-10)
    assert ln_total == pytest.approx(expected[2])


def drawn(rng, first, switch, flip, n):
    """Votes of n phasings around a phase."""
    turns = rng.random((len(first), n)) < switch[:, None]
    turns[0] = rng.random(n) < 0.5
    state = np.logical_xor.accumulate(turns, axis=0)
    flipped = rng.random((len(first), n)) < flip[:, None]
    return (first[:, None] ^ state ^ flipped).astype(np.uint8)


def test_finds_the_phase_and_its_doubts():
    rng = np.random.default_rng(3)
    n_hets = 400
    first = rng.integers(0, 2, n_hets).astype(np.uint8)
    switch, flip = np.full(n_hets, 1e-3), np.full(n_hets, 1e-3)
    switch[[100, 250]] = 0.3, 0.1
    flip[[50, 300]] = 0.4, 0.2
    votes = drawn(rng, first, switch, flip, 2000)
    votes[rng.random(votes.shape) < 0.05] = UNKNOWN
    found = phase_consensus.find_consensus(votes)
    assert len(np.unique(found.first ^ first)) == 1
    np.testing.assert_allclose(found.switch[1:], switch[1:], atol=0.035)
    np.testing.assert_allclose(found.flip, flip, atol=0.035)
    others = np.delete(found.switch[1:], [99, 249])
    assert others.max() < 0.01


def test_a_site_that_no_phasing_shows_and_one_phasing():
    votes = np.zeros((5, 6), dtype=np.uint8)
    votes[2] = UNKNOWN
    found = phase_consensus.find_consensus(votes)
    assert found.first[[0, 1, 3, 4]].tolist() == [0, 0, 0, 0]
    assert found.switch.max() < 1e-3
    assert found.flip[2] == 0.5
    alone = phase_consensus.find_consensus(np.array([[0], [1], [1]], dtype=np.uint8))
    assert alone.first.tolist() in ([0, 1, 1], [1, 0, 0])
    assert np.isfinite(alone.switch).all()
    none = phase_consensus.find_consensus(np.empty((0, 6), dtype=np.uint8))
    assert len(none.first) == len(none.switch) == 0


def test_many_hets_without_underflow():
    rng = np.random.default_rng(1)
    first = rng.integers(0, 2, 100_000).astype(np.uint8)
    rate = np.full(len(first), 0.02)
    votes = drawn(rng, first, rate, rate, 20)
    found = phase_consensus.find_consensus(votes)
    assert np.isfinite(found.switch).all()
    turned = np.diff((found.first ^ first).astype(np.int8)) != 0
    assert turned.mean() < 1e-3


def test_calibration_keeps_order_and_bounds():
    rate = np.array([0.0, 1e-6, 1e-4, 0.01, 0.2, 0.5])
    found = phase_consensus.calibrated(
        Consensus(np.zeros(6, dtype=np.uint8), rate, rate)
    )
    assert found.switch[0] == 0.0
    assert (np.diff(found.switch[1:]) > 0).all()
    assert (np.diff(found.flip) > 0).all()
    assert found.switch.max() <= 0.5
    assert found.flip.max() <= 0.5
    # What all phasings agree on is not believed that far.
    assert found.switch[1] > rate[1]
    assert found.flip[1] > rate[1]
