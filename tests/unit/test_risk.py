"""Liability model and selection formulas against published tables and simulation."""

import numpy as np
import pytest
from scipy.stats import norm

from morula.risk import (
    expected_gain,
    expected_maximum,
    liability_risk,
    r2_of_ratio,
    relative_risk_reduction,
)


class TestLiabilityRisk:
    def test_averages_to_the_prevalence(self):
        nodes, weights = np.polynomial.hermite_e.hermegauss(80)
        risks = liability_risk(nodes, 0.2, 0.03)
        mean = (risks * weights).sum() / weights.sum()
        assert mean == pytest.approx(0.03, rel=1e-9)

    def test_no_score_no_information(self):
        np.testing.assert_allclose(liability_risk([-3.0, 0.0, 3.0], 0.0, 0.1), 0.1)

    def test_against_simulated_people(self):
        rng = np.random.default_rng(5)
        z = rng.normal(size=400_000)
        liability = np.sqrt(0.3) * z + np.sqrt(0.7) * rng.normal(size=z.size)
        near = np.abs(z - 1.0) < 0.05
        observed = (liability[near] > norm.isf(0.1)).mean()
        error = np.sqrt(observed * (1 - observed) / near.sum())
        assert abs(observed - liability_risk(1.0, 0.3, 0.1)) < 4 * error

    @pytest.mark.parametrize(("r2", "prevalence"), [(1.0, 0.1), (-0.1, 0.1), (0.1, 0)])
    def test_impossible_numbers(self, r2, prevalence):
        with pytest.raises(ValueError, match="expected 0"):
            liability_risk(0.0, r2, prevalence)


def cox_hazard_ratio(z, time, ill):
    """Hazard ratio per unit of z by Newton's method on Cox's partial likelihood."""
    order = np.argsort(-time)
    z, ill = z[order], ill[order]
    slope = 0.0
    for _ in range(10):
        weight = np.exp(slope * z)
        total = np.cumsum(weight)
        mean = np.cumsum(weight * z) / total
        spread = np.cumsum(weight * z**2) / total - mean**2
        slope += (z - mean)[ill].sum() / spread[ill].sum()
    return np.exp(slope)


def found_in_a_cohort(r2, lifetime, youngest):
    """R2 found in people who are followed to ages from `youngest` to 90, evenly. The
    threshold falls with age: the more liable fall ill the earlier, most of all late."""
    rng = np.random.default_rng(3)
    z = rng.normal(size=300_000)
    liability = np.sqrt(r2) * z + np.sqrt(1 - r2) * rng.normal(size=z.size)
    onset = 80 * (norm.sf(liability) / lifetime) ** (1 / 3)
    end = np.minimum(rng.uniform(youngest, 90, z.size), 80.0)
    ill = onset <= end
    ratio = cox_hazard_ratio(z, np.minimum(onset, end), ill)
    return r2_of_ratio(ratio, ill.mean())


class TestR2OfRatio:
    @pytest.mark.parametrize(
        ("r2", "lifetime"), [(0.1, 0.15), (0.1, 0.02), (0.05, 0.3)]
    )
    def test_against_lives(self, r2, lifetime):
        assert found_in_a_cohort(r2, lifetime, 80) == pytest.approx(r2, rel=0.08)
        # Of people of all ages it is too small rather than too large.
        assert 0.9 * r2 < found_in_a_cohort(r2, lifetime, 30) < r2

    @pytest.mark.parametrize(("r2", "share"), [(0.1, 0.15), (0.2, 0.01)])
    def test_odds_against_a_logistic_fit_of_people(self, r2, share):
        z, weight = np.polynomial.hermite_e.hermegauss(80)
        weight = weight / weight.sum()
        risk = liability_risk(z, r2, share)
        start, slope = norm.ppf(share), 0.0
        for _ in range(60):
            fitted = 1 / (1 + np.exp(-start - slope * z))
            design = np.vstack([np.ones_like(z), z])
            inner = (design * weight * fitted * (1 - fitted)) @ design.T
            step = np.linalg.solve(inner, design @ (weight * (risk - fitted)))
            start, slope = start + step[0], slope + step[1]
        assert r2_of_ratio(np.exp(slope), share, odds=True) == pytest.approx(r2)

    def test_of_a_rare_disease_hazard_and_odds_are_alike(self):
        hazard, odds = (r2_of_ratio(1.5, 0.004, odds) for odds in (False, True))
        assert hazard == pytest.approx(odds, rel=0.02)

    def test_no_effect_explains_nothing(self):
        assert r2_of_ratio(1.0, 0.1) == pytest.approx(0.0, abs=1e-12)

    def test_the_rarer_the_less_a_ratio_explains(self):
        r2 = [r2_of_ratio(1.6, share) for share in (1e-4, 0.01, 0.2, 0.9)]
        assert r2 == sorted(r2)

    @pytest.mark.parametrize(
        ("ratio", "affected"), [(0.9, 0.1), (np.nan, 0.1), (1.5, 0.0), (1.5, 1.0)]
    )
    def test_impossible_numbers(self, ratio, affected):
        with pytest.raises(ValueError, match="expected"):
            r2_of_ratio(ratio, affected)


class TestSelection:
    @pytest.mark.parametrize(
        ("n", "expected"),
        [(1, 0), (2, 0.5642), (3, 0.8463), (5, 1.1630), (10, 1.5388), (20, 1.8675)],
    )
    def test_expected_maximum(self, n, expected):
        assert expected_maximum(n) == pytest.approx(expected, abs=5e-5)

    @pytest.mark.parametrize(
        ("n", "r2", "gain"), [(10, 0.10, 0.3441), (10, 0.30, 0.5960), (5, 0.05, 0.1839)]
    )
    def test_gain(self, n, r2, gain):
        assert expected_gain(n, r2) == pytest.approx(gain, abs=5e-5)

    @pytest.mark.parametrize(
        ("prevalence", "r2", "reductions"),
        [
            (0.05, 0.10, (0.258, 0.467, 0.569, 0.644)),
            (0.01, 0.10, (0.330, 0.565, 0.670, 0.741)),
            (0.005, 0.05, (0.255, 0.455, 0.553, 0.624)),
            (0.20, 0.30, (0.307, 0.558, 0.676, 0.757)),
        ],
    )
    def test_relative_risk_reduction(self, prevalence, r2, reductions):
        for n, expected in zip((2, 5, 10, 20), reductions, strict=True):
            got = relative_risk_reduction(n, prevalence, r2)
            assert got == pytest.approx(expected, abs=6e-4)

    def test_one_embryo_gains_nothing(self):
        assert relative_risk_reduction(1, 0.05, 0.1) == pytest.approx(0.0, abs=1e-6)
        with pytest.raises(ValueError, match="at least 1"):
            expected_maximum(0)
