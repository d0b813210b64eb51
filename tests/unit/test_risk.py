"""Liability model and selection formulas against published tables and simulation."""

import numpy as np
import pytest
from scipy.stats import norm

from morula.risk import (
    expected_gain,
    expected_maximum,
    liability_risk,
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
