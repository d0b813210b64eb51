import re

import pytest

from morula import report_chromosomes as chromosomes
from morula.report_tables import Segment


def lane(embryo, cuts, first=1, parent="mother", end=2_000_000, posterior=1.0):
    """Segments of chr1 that change at `cuts`."""
    bounds = [1, *cuts, end + 1]
    return [
        Segment(embryo, parent, "chr1", a, b - 1, 1 + (first - 1 + i) % 2, posterior)
        for i, (a, b) in enumerate(zip(bounds[:-1], bounds[1:], strict=True))
    ]


class TestChanges:
    def test_own_changes(self):
        segments = lane("E1", [500_000, 900_000]) + lane("E2", []) + lane("E3", [])
        found = chromosomes.changes(segments)
        assert [(c.embryo, c.pos_bp, c.is_shared) for c in found] == [
            ("E1", 499_999, False),
            ("E1", 899_999, False),
        ]

    def test_change_of_most_embryos_is_shared(self):
        segments = (
            lane("E1", [500_000])
            + lane("E2", [550_000], first=2)
            + lane("E3", [1_500_000])
        )
        found = chromosomes.changes(segments)
        assert {(c.embryo, c.is_shared) for c in found} == {
            ("E1", True),
            ("E2", True),
            ("E3", False),
        }

    def test_half_of_the_embryos_is_not_most(self):
        segments = lane("E1", [500_000]) + lane("E2", [])
        assert not any(c.is_shared for c in chromosomes.changes(segments))

    def test_one_embryo_cannot_tell(self):
        assert not any(c.is_shared for c in chromosomes.changes(lane("E1", [500_000])))

    def test_parents_are_apart(self):
        segments = lane("E1", [500_000]) + lane("E2", [500_000], parent="father")
        segments += lane("E1", [], parent="father") + lane("E2", [])
        assert not any(c.is_shared for c in chromosomes.changes(segments))

    def test_same_haplotype_again_is_no_change(self):
        segments = [
            Segment("E1", "mother", "chr1", 1, 10, 1, 1.0),
            Segment("E1", "mother", "chr1", 11, 20, 1, 0.6),
        ]
        assert chromosomes.changes(segments) == []


class TestDrawing:
    def draw(self, segments):
        found = chromosomes.changes(segments)
        return chromosomes.draw_embryo("E1", segments, found, {"chr1": 2_000_000})

    def test_each_segment_is_drawn_once(self):
        made = self.draw(lane("E1", [400_000, 800_000, 1_200_000]))
        for haplotype, count in ((1, 2), (2, 2)):
            colour = chromosomes.COLOURS["mother", haplotype]
            (path,) = re.findall(rf'<path d="([^"]+)" stroke="{colour}"', made)
            assert path.count("M") == count

    def test_lengths_are_to_scale(self):
        made = self.draw(lane("E1", [500_000]))
        steps = re.findall(r'd="M[\d.]+ [\d.]+h([\d.]+)" stroke="#', made)
        one, three = map(float, steps)
        assert three / one == pytest.approx(3.0, rel=0.01)

    def test_unsure_is_fainter(self):
        sure, unsure = (
            self.draw(lane("E1", [])),
            self.draw(lane("E1", [], posterior=0.6)),
        )
        assert 'opacity="1"' in sure
        assert 'opacity=".25"' in unsure

    def test_shared_marks_are_broken(self):
        together = lane("E1", [500_000]) + lane("E2", [500_000])
        found = [c for c in chromosomes.changes(together) if c.embryo == "E1"]
        made = chromosomes.draw_embryo(
            "E1", lane("E1", [500_000]), found, {"chr1": 2_000_000}
        )
        assert made.count("stroke-dasharray") == 1

    def test_nothing_to_draw(self):
        assert chromosomes.draw_embryo("E1", [], [], {}) == ""


def test_too_many_segments_lose_the_shortest(monkeypatch):
    monkeypatch.setattr(chromosomes, "MOST_SEGMENTS", 3)
    few = lane("E1", [500_000])
    assert chromosomes.drawn_from(few) == 0
    assert chromosomes.drawn_from(few + lane("E2", [100, 200, 300])) == 1_000
