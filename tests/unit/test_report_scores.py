import re
from dataclasses import replace

import pytest

from morula import (
    report_ancestry,
    report_page,
    report_scores,
    report_summary,
    score_match,
    scoring_file,
)
from morula.report_tables import SCORE_NUMBERS, PanelSample, Placement, Ranked, Score


def score(sample, role="embryo", status="ok", **numbers):
    return Score(
        sample=sample,
        role=role,
        trait="height",
        pgs_id="PGS000001",
        variants_total=10,
        variants_used=9,
        weight_used=0.9,
        numbers={name: numbers.get(name) for name in SCORE_NUMBERS},
        reference="panel by PC1-4, n=50",
        nearest_reference="panel EUR, n=30",
        status=status,
        reason="",
    )


def ranked(embryo, rank, index, best, gain=0.1):
    return Ranked(embryo, rank, index, index - 0.1, index + 0.1, best, gain, "t1d", "")


def unranked(embryo, reason):
    return Ranked(embryo, None, None, None, None, None, None, "", reason)


class TestTrait:
    def test_marks_are_to_scale(self):
        made = report_scores.draw_trait(
            "height", [score("E1", z=0.0), score("E2", z=1.0), score("E3", z=-1.0)]
        )
        x = [float(v) for v in re.findall(r'<circle cx="([\d.]+)"', made)]
        assert x[1] - x[0] == pytest.approx(x[0] - x[2], abs=0.11)
        middle = (report_scores.LABEL + report_scores.PLOT_END) / 2
        assert x[0] == pytest.approx(middle)

    def test_far_scores_stay_in_the_picture(self):
        made = report_scores.draw_trait("height", [score("E1", z=40.0, percentile=100)])
        (x,) = re.findall(r'<circle cx="([\d.]+)"', made)
        assert float(x) == report_scores.PLOT_END
        assert "above 99th percentile" in made

    def test_parents_are_diamonds(self):
        made = report_scores.draw_trait("height", [score("M1", "mother", z=0.2)])
        assert "<circle" not in made
        assert "M1 (mother)" in made

    def test_withheld_has_no_mark(self):
        made = report_scores.draw_trait("height", [score("E1", status="withheld")])
        assert "withheld" in made
        assert "<circle" not in made
        assert "percentile" not in made

    def test_interval_in_percentiles(self):
        row = score("E1", z=0.0, z_low=-1.0, z_high=1.0, percentile=50.0)
        made = report_scores.draw_trait("height", [row])
        assert "50th percentile (16th to 84th)" in made

    def test_risk_in_words(self):
        row = score("E1", z=0.0, risk=0.061, risk_low=0.05, risk_high=0.072)
        assert report_scores.risk_words(row) == "6.1 % (5.0 % to 7.2 %)"
        assert report_scores.risk_words(score("E1", risk=0.061)) == "6.1 %"


class TestFacts:
    """What a trait's table says once, above its rows."""

    FAMILY = {"family_mean": 0.5, "sibling_sd": 0.2}
    REACH = {"attainable_low": -1.0, "attainable_high": 2.0}

    def test_what_all_rows_share_stands_above_them(self):
        rows = [score("M1", "mother", z=1.0, liability_r2=0.08)]
        own = self.FAMILY | self.REACH | {"liability_r2": 0.08}
        rows += [score(name, z=0.1, **own) for name in ("E1", "E2")]
        assert report_page.trait_facts(rows) == (
            "Children of this couple: mean z 0.500, SD 0.200; attainable z −1.00 to"
            " 2.00; R² of the liability 8.0 %; nearest population: panel EUR, n=30"
        )

    def test_what_differs_stands_in_the_rows(self):
        other = replace(
            score("P1", "father", liability_r2=0.05), nearest_reference="panel EAS"
        )
        assert report_page.trait_facts([score("E1", liability_r2=0.08), other]) == ""

    def test_no_spread_where_it_is_not_known(self):
        words = report_page.trait_facts([score("E1", family_mean=0.5)])
        assert words.startswith("Children of this couple: mean z 0.500; nearest")


class TestExpected:
    def test_mean_of_the_children_where_it_is_known(self):
        rows = [score("M", "mother", z=1.0), score("E", z=0.0)]
        assert report_scores.expected_z(rows) is None
        assert "mean of the children" not in report_scores.draw_trait("height", rows)
        rows.append(score("E2", z=0.3, family_mean=0.5, sibling_sd=0.7))
        assert report_scores.expected_z(rows) == 0.5
        assert "mean of the children" in report_scores.draw_trait("height", rows)


class TestRanking:
    def test_words_name_who_cannot_be_told_apart(self):
        words = report_summary.ranking_words(
            [
                ranked("E1", 1, 0.3, 0.55),
                ranked("E2", 2, 0.2, 0.44),
                ranked("E3", 3, 0.15, 0.06),
                ranked("E4", 4, 0.14, 0.05),
                ranked("E5", 5, -0.2, 0.0),
            ]
        )
        assert "probability that it really is the highest is 55 %" in words
        assert "cannot be told apart from E2, E3 and E4 by" in words
        assert "E5" not in words

    def test_many_rivals_are_counted(self):
        rows = [ranked(f"E{i}", i, 0.3, 0.02) for i in range(1, 49)]
        assert "E8 and 40 others by these data" in report_summary.ranking_words(rows)

    def test_no_rank_says_why(self):
        words = report_summary.ranking_words([unranked("E1", "no index")])
        assert words == "No embryo was ranked: no index."
        assert report_summary.ranking_words([]) == "No embryo was ranked."

    def test_one_rank_has_nothing_to_compare(self):
        words = report_summary.ranking_words([ranked("E1", 1, 0.3, 1.0)])
        assert "nothing to compare" in words

    def test_picture_leaves_out_unranked(self):
        made = report_scores.draw_ranking(
            [ranked("E1", 1, 0.3, 0.6), unranked("E2", "failed")]
        )
        assert made.count("<circle") == 1
        assert "E2" not in made

    def test_bar_is_the_probability(self):
        made = report_scores.draw_ranking([ranked("E1", 1, 0.3, 0.25)])
        widths = re.findall(r'<rect x="690" y="\S+" width="([\d.]+)"', made)
        assert float(widths[1]) / float(widths[0]) == pytest.approx(0.25)


def test_every_reason_of_the_match_has_words():
    reasons = {*score_match.MATCHED, *scoring_file.FLAG_REASONS.values()}
    assert reasons <= report_summary.REASONS.keys()
    assert report_summary.reason_words("quite_new") == "quite new"


class TestAncestry:
    def placement(self, name, role, components):
        shares = {"A": 1.0}
        return Placement(
            name, role, components, "A", 0.9, "A", 0.9, 1.0, shares, {}, "yes"
        )

    def panel(self, n_components):
        return [
            PanelSample("A", "A", [float(i + j) for j in range(n_components)])
            for i in range(10)
        ]

    @pytest.mark.parametrize(
        ("n_components", "pairs"),
        [(1, [(0, 0)]), (2, [(0, 1)]), (3, [(0, 1)]), (6, [(0, 1), (2, 3)])],
    )
    def test_pairs(self, n_components, pairs):
        panel = self.panel(n_components)
        assert report_ancestry.component_pairs(panel, 6) == pairs

    def test_every_sample_is_marked(self):
        members = [
            self.placement("M1", "mother", [0.0, 1.0]),
            self.placement("P1", "father", [1.0, 1.0]),
            self.placement("E1", "embryo", [2.0, 2.0]),
        ]
        made = report_ancestry.draw_components(self.panel(2), members, (0, 1))
        assert made.count("h0") == 10
        assert all(f">{m.sample}<" in made for m in members)

    def test_many_embryos_leave_only_the_parents_labelled(self):
        members = [self.placement("M1", "mother", [0.0, 1.0])]
        members += [self.placement(f"E{i}", "embryo", [1.0, 1.0]) for i in range(50)]
        made = report_ancestry.draw_components(self.panel(2), members, (0, 1))
        assert ">M1<" in made
        assert ">E1<" not in made
        assert made.count("#FFD84D") == 50

    @pytest.mark.parametrize("wanted", [[], [50.0], [10.0] * 5, [390.0] * 6])
    def test_labels_do_not_overlap(self, wanted):
        heights = report_ancestry.label_heights(wanted, 14.0, 396.0)
        gaps = [b - a for a, b in zip(heights, heights[1:], strict=False)]
        assert all(gap >= report_ancestry.LABEL_STEP - 1e-9 for gap in gaps)
        assert all(14.0 <= height <= 396.0 for height in heights)

    def test_more_than_eight_groups_repeat_colours(self):
        panel = [PanelSample("p", f"G{i}", [0.0]) for i in range(12)]
        assert len(report_ancestry.group_colours(panel)) == 12
