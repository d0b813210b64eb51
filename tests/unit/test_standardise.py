"""Reference groups: who is compared with whom."""

import numpy as np
import pytest

from morula.errors import InputError
from morula.panel_samples import Labels, read_labels
from morula.standardise import (
    choose_group,
    continuum_of,
    family_superpopulations,
    interval,
    percentile,
    rank_percentile,
    standard_of,
)

LABELS = Labels(
    np.array([f"s{i}" for i in range(30)]),
    np.array(["GBR"] * 25 + ["YRI"] * 5),
    np.array(["EUR"] * 25 + ["AFR"] * 5),
)
ROLES = {"M": "mother", "F": "father", "E1": "embryo", "E2": "embryo"}


class TestGroup:
    def test_large_superpopulation(self):
        group = choose_group(LABELS, "EUR", 20)
        assert (group.name, group.remark) == ("panel EUR, n=25", "")
        assert np.count_nonzero(group.is_member) == 25

    @pytest.mark.parametrize(
        ("wanted", "word"), [("AFR", "only 5"), (None, "no single")]
    )
    def test_small_or_unknown_falls_back_to_the_panel(self, wanted, word):
        group = choose_group(LABELS, wanted, 20)
        assert group.name == "panel, n=30"
        assert word in group.remark
        assert group.is_member.all()


class TestFamily:
    def test_siblings_share_what_parents_agree_on(self):
        near = {"M": "EUR", "F": "EUR", "E1": "AFR", "E2": "EUR"}
        assert set(family_superpopulations(ROLES, near, set()).values()) == {"EUR"}

    def test_parents_of_two_superpopulations(self):
        near = {"M": "EUR", "F": "AFR", "E1": "EUR", "E2": "EUR"}
        chosen = family_superpopulations(ROLES, near, set())
        assert chosen == {"M": "EUR", "F": "AFR", "E1": None, "E2": None}

    def test_one_parent_and_a_failed_embryo(self):
        roles = {name: role for name, role in ROLES.items() if name != "F"}
        near = {"M": "EUR", "E1": "outside", "E2": "EUR"}
        assert family_superpopulations(roles, near, {"E1"})["E2"] == "EUR"
        assert family_superpopulations(roles, near, set())["E2"] is None

    def test_no_parent(self):
        roles = {"E1": "embryo", "E2": "embryo"}
        near = {"E1": "EUR", "E2": "AFR"}
        assert set(family_superpopulations(roles, near, set()).values()) == {None}
        chosen = family_superpopulations(roles, near, {"E2"})
        assert chosen == {"E1": "EUR", "E2": "EUR"}

    def test_outside_is_no_superpopulation(self):
        near = dict.fromkeys(ROLES, "outside")
        assert set(family_superpopulations(ROLES, near, set()).values()) == {None}


class TestNumbers:
    def test_standard_is_of_the_group_only(self):
        scores = np.r_[np.arange(25.0), np.full(5, 1e6)][:, None]
        standard = standard_of(scores, choose_group(LABELS, "EUR", 20))
        assert standard.mean[0] == 12.0
        assert standard.sd[0] == pytest.approx(np.arange(25.0).std(ddof=1))

    def test_constant_score_has_no_sd(self):
        standard = standard_of(np.full((30, 1), 0.1), choose_group(LABELS, None, 20))
        assert np.isnan(standard.sd[0])

    def test_percentile_and_interval(self):
        assert percentile(0.0) == 50.0
        assert percentile(1.6448536) == pytest.approx(95.0, abs=1e-5)
        assert interval(1.0, 0.5) == pytest.approx((0.020018, 1.979982), abs=1e-6)


@pytest.fixture(scope="module")
def panel():
    """A panel whose scores shift and widen along the first of six components."""
    rng, size = np.random.default_rng(5), 3000
    places = rng.normal(size=(size, 6))
    mean, sd = 3.0 + 2.0 * places[:, 0], np.exp(0.3 * places[:, 0])
    scores = mean + sd * rng.normal(size=size)
    noise = rng.normal(size=size)
    return places, np.column_stack([scores, noise, np.full(size, 0.1)])


class TestContinuum:
    @pytest.mark.parametrize("along", [-1.5, 0.0, 1.5])
    def test_mean_and_sd_are_those_of_the_place(self, panel, along):
        places, scores = panel
        found = continuum_of(scores, places).at(np.array([along, 0, 0, 0, 9, 9.0]))
        assert found.mean[:2] == pytest.approx([3 + 2 * along, 0], abs=0.15)
        assert found.sd[:2] == pytest.approx([np.exp(0.3 * along), 1], rel=0.07)
        assert np.isnan(found.sd[2])

    def test_z_is_standard_in_both_halves_and_norm1_is_not(self, panel):
        places, scores = panel
        fitted = continuum_of(scores, places)
        high = places[:, 0] > 1
        standards = [fitted.at(place) for place in places]
        away = scores[:, 0] - np.array([one.mean[0] for one in standards])
        z = away / np.array([one.sd[0] for one in standards])
        for half in (high, ~high):
            assert z[half].mean() == pytest.approx(0, abs=0.15)
            assert z[half].std() == pytest.approx(1, abs=0.08)
        assert (away[high] / fitted.sd[0]).std() > 1.3

    def test_spread_is_not_extrapolated_without_end(self, panel):
        places, scores = panel
        fitted = continuum_of(scores, places)
        far = fitted.at(np.array([50.0, 0, 0, 0, 0, 0]))
        assert far.sd[0] == pytest.approx(2 * fitted.sd[0])

    @pytest.mark.parametrize(("size", "name"), [(20, "PC1"), (50, "PC1-4")])
    def test_components_that_a_panel_allows(self, panel, size, name):
        places, scores = panel
        assert continuum_of(scores[:19], places[:19]) is None
        assert continuum_of(scores, places[:, :0]) is None
        fitted = continuum_of(scores[:size], places[:size])
        assert fitted.name == f"panel by {name}, n={size}"

    def test_rank_among_the_nearest(self):
        assert rank_percentile(np.array([0.0, 1, 1, 2]), 1.0) == 50.0
        assert rank_percentile(np.array([0.0, 1, 1, 2]), 3.0) == 100.0


class TestLabels:
    def write(self, tmp_path, text):
        path = tmp_path / "panel.tsv"
        path.write_text("sample\tpopulation\tsuperpopulation\n" + text)
        return path

    def test_order_is_that_of_the_panel(self, tmp_path):
        path = self.write(tmp_path, "a\tGBR\tEUR\nb\tYRI\tAFR\nc\tGBR\tEUR\n")
        labels = read_labels(path, ["b", "a"])
        assert labels.superpopulations.tolist() == ["AFR", "EUR"]
        assert labels.superpopulation_of() == {"GBR": "EUR", "YRI": "AFR"}

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("a\tGBR\tEUR\n", "no row for 1 of 2 samples"),
            ("a\tGBR\tEUR\na\tGBR\tEUR\nb\tGBR\tEUR\n", "line 3.*twice"),
            ("a\tGBR\t\nb\tGBR\tEUR\n", "line 2: superpopulation is empty"),
            ("a\tGBR\tEUR\nb\tGBR\tAFR\n", "'EUR' and 'AFR'"),
        ],
    )
    def test_refusals(self, tmp_path, text, words):
        with pytest.raises(InputError, match=words):
            read_labels(self.write(tmp_path, text), ["a", "b"])
