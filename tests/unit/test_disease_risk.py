"""Lifetime risk by age, parents' health, ancestry and family, against oracles."""

import numpy as np
import pytest
from scipy.special import ndtri

from morula.disease_risk import (
    Curve,
    ParentHealth,
    after_parents,
    curve_of,
    flat_curve,
    lifetime_risk,
    unknown_parents,
)
from morula.diseases import Disease, read_rates
from morula.errors import InputError
from morula.family_risks import NOBODY, Relatives, risk_model
from morula.portability import loss_per_distance, relative_r2
from morula.risk import liability_risk

NORMAL, WEIGHT = np.polynomial.hermite_e.hermegauss(80)
WEIGHT = WEIGHT / WEIGHT.sum()
INCIDENCE = 1e-4 * np.arange(90)
MORTALITY = 1e-4 * np.exp(0.075 * np.arange(90))


def disease(**changes):
    columns = {"trait": "t", "prevalence": 0.1, "incidence": "", "mortality": ""}
    columns |= {"sex": "", "liability_r2": 0.2, "within_family_r2": None}
    columns |= {"heritability": 0.6, "training_population": ""}
    return Disease(**(columns | changes))


class TestByAge:
    def test_of_prevalence_alone_is_the_liability_model(self):
        got = lifetime_risk(
            np.sqrt(0.2) * NORMAL, flat_curve(0.1), unknown_parents(0.2)
        )
        np.testing.assert_allclose(got, liability_risk(NORMAL, 0.2, 0.1), rtol=1e-12)

    def test_averages_to_what_the_tables_say(self):
        curve = curve_of(INCIDENCE, MORTALITY)
        risk = lifetime_risk(np.sqrt(0.3) * NORMAL, curve, unknown_parents(0.3))
        assert WEIGHT @ risk == pytest.approx(curve.lifetime, rel=1e-6)
        assert (np.diff(risk) > 0).all()

    def test_lifetime_risk_against_simulated_lives(self):
        rng = np.random.default_rng(1)
        n = 200_000
        ill, dead = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
        for sick, dying in zip(INCIDENCE, MORTALITY, strict=True):
            # In steps of a tenth of a year.
            for _ in range(10):
                at_risk = ~ill & ~dead
                ill |= at_risk & (rng.random(n) < sick / 10)
                dead |= rng.random(n) < dying / 10
        expected = curve_of(INCIDENCE, MORTALITY).lifetime
        assert ill.mean() == pytest.approx(expected, abs=4 * np.sqrt(expected / n))

    def test_constant_rates_by_hand(self):
        curve = curve_of(np.full(2000, 0.01), np.full(2000, 0.03))
        assert curve.lifetime == pytest.approx(0.01 / 0.04, rel=1e-3)

    def test_nobody_outlives_everything(self):
        certain = Curve(np.array([0.0, 1.0]), np.ones(2))
        risk = lifetime_risk([-3.0, 3.0], certain, unknown_parents(0.5))
        np.testing.assert_allclose(risk, 1.0)


class TestTables:
    def test_ages_before_the_first_have_no_rate(self, tmp_path):
        path = tmp_path / "rates.csv"
        path.write_text("age,rate\n2,0.5\n3,1E-3\n4,\n5,\n")
        assert read_rates(str(path)).tolist() == [0.0, 0.0, 0.5, 0.001]

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("age\trate\n1\t0.1\n3\t0.1\n", "line 3, age: 3 after 1"),
            ("age\trate\n1\t-1\n", "line 2, rate: found '-1'"),
            ("age\trate\n0\t0\n", "no rate above 0"),
        ],
    )
    def test_refused(self, tmp_path, text, words):
        path = tmp_path / "rates.tsv"
        path.write_text(text)
        with pytest.raises(InputError, match=words):
            read_rates(str(path))


class TestParents:
    R2, H2, K = 0.2, 0.6, 0.1

    def families(self, n=1_500_000):
        """Score, liability of mother, father and child, (n,) each; scores are the part
        of the breeding value that is known."""
        rng = np.random.default_rng(5)
        score = rng.normal(size=(2, n)) * np.sqrt(self.R2)
        missed = rng.normal(size=(2, n)) * np.sqrt(self.H2 - self.R2)
        rest = rng.normal(size=(3, n)) * np.sqrt(1 - self.H2)
        own_score = score.mean(axis=0) + rng.normal(size=n) * np.sqrt(self.R2 / 2)
        own = missed.mean(axis=0) + rng.normal(size=n) * np.sqrt(
            (self.H2 - self.R2) / 2
        )
        return score, score + missed + rest[:2], own_score, own_score + own + rest[2]

    @pytest.mark.parametrize("ill", [(True,), (True, False), (False, False)])
    def test_against_simulated_families(self, ill):
        score, liability, own_score, own = self.families()
        threshold = -ndtri(self.K)
        near = abs(own_score) < 0.15
        for side, is_ill in enumerate(ill):
            near &= (liability[side] > threshold) == is_ill
            near &= abs(score[side] - 0.3) < 0.3
        parents = [
            ParentHealth(float(score[side][near].mean()), is_ill)
            for side, is_ill in enumerate(ill)
        ]
        rest = after_parents(self.R2, self.H2, self.K, parents)
        expected = lifetime_risk(own_score[near].mean(), flat_curve(self.K), rest)
        observed = (own[near] > threshold).mean()
        error = np.sqrt(observed * (1 - observed) / near.sum())
        assert observed == pytest.approx(float(expected), abs=3.5 * error + 0.004)

    def test_averages_over_health_to_the_risk_without_it(self):
        """One parent's score and the child's: P(ill) shares out the two cases."""
        score = 0.4
        unknown = unknown_parents(self.R2)
        flat = flat_curve(self.K)
        share = float(lifetime_risk(score, flat, unknown))
        risks = [
            lifetime_risk(
                0.1,
                flat,
                after_parents(self.R2, self.H2, self.K, [ParentHealth(score, is_ill)]),
            )
            for is_ill in (True, False)
        ]
        mixed = share * risks[0] + (1 - share) * risks[1]
        assert mixed == pytest.approx(lifetime_risk(0.1, flat, unknown), rel=2e-3)

    def test_a_score_that_knows_all_genes_makes_health_tell_nothing(self):
        rest = after_parents(0.5, 0.5, 0.1, [ParentHealth(0.0, True)])
        got = lifetime_risk(0.3, flat_curve(0.1), rest)
        expected = lifetime_risk(0.3, flat_curve(0.1), unknown_parents(0.5))
        assert got == pytest.approx(expected)

    def test_heritability_below_r2_is_refused(self):
        with pytest.raises(ValueError, match="heritability"):
            after_parents(0.5, 0.4, 0.1, [])


class TestFamily:
    def test_siblings_differ_by_the_effect_within_families(self):
        curve = flat_curve(0.1)
        relatives = Relatives(0.8, {}, {})
        plain = risk_model(disease(), curve, 1.0, relatives)
        within = risk_model(disease(within_family_r2=0.05), curve, 1.0, relatives)
        assert within.risk(0.8) == pytest.approx(plain.risk(0.8))
        # A quarter of the variance: half of the difference in liability.
        assert within.risk(1.8) == pytest.approx(plain.risk(1.3))

    def test_less_r2_far_away_and_a_remark_where_it_cannot_be_told(self):
        curve = flat_curve(0.1)
        far = risk_model(disease(), curve, 0.25, NOBODY)
        assert far.liability_r2 == pytest.approx(0.05)
        assert far.risk(1.0) == pytest.approx(liability_risk(1.0, 0.05, 0.1))
        unknown = risk_model(disease(training_population="EUR"), curve, None, NOBODY)
        assert "EUR" in unknown.remark
        assert unknown.risk(1.0) == pytest.approx(liability_risk(1.0, 0.2, 0.1))


class TestPortability:
    def panel(self):
        rng = np.random.default_rng(2)
        centres = {"EUR": (0, 0), "AFR": (76, 0), "EAS": (0, 63), "SAS": (30, 39)}
        groups = np.repeat(list(centres), 60)
        places = np.array([centres[name] for name in groups], dtype=float)
        return places + rng.normal(size=places.shape), groups

    def test_line_through_the_measured_populations(self):
        components, groups = self.panel()
        assert loss_per_distance(components, groups) == pytest.approx(0.01, rel=0.03)
        centres = np.array([[0.0, 0.0], [76.0, 0.0], [38.0, 0.0], [500.0, 0.0]])
        left = relative_r2(centres, components, groups, "EUR")
        np.testing.assert_allclose(left, [1.0, 0.25, 0.63, 0.0], atol=0.03)

    def test_of_people_of_the_training_population_nothing_is_lost(self):
        components, groups = self.panel()
        members = components[groups == "AFR"]
        left = relative_r2(members, components, groups, "AFR")
        assert left.mean() > 0.99

    def test_a_panel_that_cannot_tell(self):
        components, groups = self.panel()
        assert relative_r2(components[:1], components, groups, "AMR") is None
        only = groups == "EUR"
        one, names = components[only], groups[only]
        assert relative_r2(one[:3], one, names, "EUR").tolist() == [1.0] * 3
        far = np.array([[50.0, 0.0]])
        assert relative_r2(far, one, names, "EUR") is None
