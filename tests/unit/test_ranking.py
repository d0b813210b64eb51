"""Ranking: identities, ties, and the direction of the index."""

import numpy as np
import pytest

from morula.ranking import Disease, healthy_years, probability_best, rank_embryos

HEART = Disease("heart", 0.2, 0.15, 4.0)
CANCER = Disease("cancer", 0.05, 0.1, 8.0)


class TestIndex:
    def test_average_person_keeps_nothing_on_average(self):
        nodes, weights = np.polynomial.hermite_e.hermegauss(60)
        index = healthy_years(nodes[:, None], [HEART])
        assert (index * weights).sum() / weights.sum() == pytest.approx(0, abs=1e-9)

    def test_lower_risk_is_more_years_and_diseases_add_up(self):
        z = np.array([[-1.0, 0.5], [1.0, 0.5]])
        both = healthy_years(z, [HEART, CANCER])
        assert both[0] > both[1]
        alone = healthy_years(z[:, :1], [HEART]) + healthy_years(z[:, 1:], [CANCER])
        np.testing.assert_allclose(both, alone)


class TestRank:
    def test_order_gain_and_interval(self):
        rng = np.random.default_rng(2)
        z = np.array([[1.0], [-1.0], [0.0]])
        samples = z[:, None, :] + 0.05 * rng.normal(size=(3, 200, 1))
        ranked = rank_embryos(["a", "b", "c"], z, samples, [HEART])
        assert [place.embryo for place in ranked] == ["b", "c", "a"]
        assert [place.rank for place in ranked] == [1, 2, 3]
        assert sum(place.expected_gain for place in ranked) == pytest.approx(0)
        assert ranked[0].probability_best == 1.0
        assert all(p.index_low < p.index < p.index_high for p in ranked)

    def test_ties_share_being_best(self):
        samples = np.array([[1.0, 2.0], [1.0, 0.0], [0.0, 0.0]])
        assert probability_best(samples).tolist() == [0.75, 0.25, 0.0]

    def test_nothing_to_rank(self):
        with pytest.raises(ValueError, match="at least one"):
            rank_embryos([], np.zeros((0, 1)), np.zeros((0, 1, 1)), [HEART])
