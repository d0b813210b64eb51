"""The level of the mother's share of the reads, from the depth about a site."""

from __future__ import annotations

import numpy as np
import pytest

from morula import contamination_level


def of(pos_bp, depth):
    reads = np.stack([depth, np.zeros(len(depth))], axis=1)
    found = contamination_level.levels(
        np.asarray(pos_bp), reads, np.arange(len(pos_bp))
    )
    return found + contamination_level.LOWEST


def test_the_window_by_counting():
    rng = np.random.default_rng(1)
    pos_bp = np.cumsum(rng.integers(1, 3000, 400))
    depth = rng.poisson(20, 400) * rng.choice([0.0, 0.1, 1.0, 6.0], 400)
    found = of(pos_bp, depth)
    assert len(set(found.tolist())) > 3
    for site in range(400):
        near = np.abs(pos_bp - pos_bp[site]) <= 5000
        ratio = (near.sum() * depth.mean() + 10) / (depth[near].sum() + 10)
        assert found[site] == np.clip(np.round(np.log2(ratio)), -2, 6)


def test_what_is_left_where_the_embryo_is_lost():
    """Of 1.5 reads the mother's, 28.5 the embryo's, all reads are hers where its own
    are lost; at twice the depth her share is half."""
    depth = np.full(3000, 30.0)
    depth[1000:1500], depth[2000:2500] = 1.5, 60.0
    found = of(np.arange(3000) * 100, depth)
    share = contamination_level.local(0.05)[found - contamination_level.LOWEST]
    assert (share[1050:1450] > 0.7).all()
    assert share[2050:2450] == pytest.approx(0.025)
    assert share[:900] == pytest.approx(0.05)


def test_few_reads_say_nothing():
    rng = np.random.default_rng(2)
    depth = rng.poisson(0.05, 5000).astype(float)
    assert (of(np.arange(5000) * 125, depth) == 0).mean() > 0.98
    assert (of(np.arange(50) * 125, np.zeros(50)) == 0).all()


def test_never_the_mothers_alone():
    share = contamination_level.local(0.3)
    assert share.max() == contamination_level.MOST < 1
    assert (contamination_level.local(0.0) == 0).all()
