"""Ranking: identities, ties, and the direction of the index."""

import numpy as np
import pytest

from morula.ranking import (
    Disease,
    healthy_years,
    probability_best,
    rank_embryos,
    within_noise,
)

HEART = Disease("heart", 0.2, 4.0, 1.0)
CANCER = Disease("cancer", 0.05, 8.0, 0.5)


class TestIndex:
    def test_by_hand(self):
        index = healthy_years(np.array([[0.1, 0.03], [0.2, 0.05]]), [HEART, CANCER])
        np.testing.assert_allclose(index, [0.1 * 4 + 0.02 * 8 / 2, 0.0], atol=1e-12)

    def test_lower_risk_is_more_years(self):
        assert healthy_years(np.array([0.1]), [HEART]) > 0


class TestRank:
    def test_order_gain_and_interval(self):
        rng = np.random.default_rng(2)
        risk = np.array([[0.3], [0.1], [0.2]])
        samples = risk[:, None, :] + 0.01 * rng.normal(size=(3, 200, 1))
        ranked = rank_embryos(["a", "b", "c"], risk, samples, [HEART])
        assert [place.embryo for place in ranked] == ["b", "c", "a"]
        assert [place.rank for place in ranked] == [1, 2, 3]
        assert sum(place.expected_gain for place in ranked) == pytest.approx(0)
        assert ranked[0].probability_best == 1.0
        assert all(p.index_low < p.index < p.index_high for p in ranked)
        assert all(p.gain_low < p.expected_gain < p.gain_high for p in ranked)
        assert ranked[0].expected_loss == 0.0
        assert ranked[2].expected_loss == pytest.approx(0.8, abs=0.01)
        assert not any(place.within_noise for place in ranked)

    def test_errors_that_siblings_share_are_not_in_the_gain(self):
        shared = np.random.default_rng(3).normal(size=(1, 500, 1)) * 0.05
        risk = np.array([[0.3], [0.1]])
        ranked = rank_embryos(["a", "b"], risk, risk[:, None] + shared, [HEART])
        for place in ranked:
            assert place.index_high - place.index_low > 0.5
            assert place.gain_high - place.gain_low == pytest.approx(0.0, abs=1e-9)
        assert not ranked[0].within_noise

    def test_what_is_lost_is_what_knowing_would_add(self):
        """Against drawing the truth again and choosing by it."""
        rng = np.random.default_rng(4)
        risk = np.array([[0.2], [0.21], [0.22]])
        samples = risk[:, None] + 0.05 * rng.normal(size=(3, 20000, 1))
        first = rank_embryos(["a", "b", "c"], risk, samples, [HEART])[0]
        again = risk[:, None] + 0.05 * rng.normal(size=(3, 20000, 1))
        years = healthy_years(again, [HEART])
        expected = years.max(axis=0).mean() - years[0].mean()
        assert first.expected_loss == pytest.approx(expected, rel=0.03)
        assert first.within_noise

    def test_noise(self):
        samples = np.array([[3.0] * 100, [1.0] * 95 + [4.0] * 5, [1.0] * 100])
        assert within_noise(samples, [0, 1, 2]) == [True, True, False]
        assert within_noise(samples[:1], [0]) == [False]

    def test_ties_share_being_best(self):
        samples = np.array([[1.0, 2.0], [1.0, 0.0], [0.0, 0.0]])
        assert probability_best(samples).tolist() == [0.75, 0.25, 0.0]

    def test_nothing_to_rank(self):
        with pytest.raises(ValueError, match="at least one"):
            rank_embryos([], np.zeros((0, 1)), np.zeros((0, 1, 1)), [HEART])
