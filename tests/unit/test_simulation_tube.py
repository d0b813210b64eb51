"""What is in a tube, how fragments are shared out, and the truth of the template."""

from dataclasses import replace

import numpy as np
import pytest

from morula.errors import InputError
from morula.simulation import summary, template
from morula.simulation.amplification import Molecule, Region, Template
from morula.simulation.copies import Copy, Stretch, ordinary_pair
from morula.simulation.protocols import ORDINARY
from morula.simulation.template import Lengths
from morula.simulation.tube import Contents, Tube

REGION = Region(start0=100, span_bp=30, first=101, last=130)
MATERNAL = Template(np.array([0, 10, 30]), np.array([3.0, 0.0]))
PATERNAL = Template(np.array([0, 20, 30]), np.array([1.0, 0.0]))
WHOLE = (Stretch(101, 130, 0),)
COPIES = [Copy("mother", WHOLE), Copy("father", WHOLE)]


def molecules(*templates: Template, cell: int = 0) -> list[Molecule]:
    return [Molecule(cell, k, 0, one) for k, one in enumerate(templates)]


def shares(made: list[Molecule], copies: list[Copy]) -> list[tuple[object, ...]]:
    rows = template.rows_of("E1", "chr1", made, copies, REGION)
    return [tuple(row.values())[2:] for row in rows]


class TestTemplate:
    def test_shares_of_a_small_example(self):
        made = molecules(MATERNAL, PATERNAL)
        assert shares(made, COPIES) == [
            (101, 110, 0.75, 2.0),
            (111, 120, 0.0, 0.5),
            (121, 130, None, 0.0),
        ]
        row = next(template.rows_of("E1", "chr1", made, COPIES, REGION))
        assert tuple(row) == template.COLUMNS
        assert (row["sample"], row["chrom"]) == ("E1", "chr1")

    def test_cells_are_summed(self):
        made = molecules(MATERNAL, PATERNAL) + molecules(PATERNAL, PATERNAL, cell=1)
        assert shares(made, COPIES) == [
            (101, 110, 4 / 6, 1.5),
            (111, 120, 1 / 3, 0.75),
            (121, 130, None, 0.0),
        ]
        assert template.lengths(made, COPIES) == Lengths(0.0, 10.0, 30.0)
        of_cells = template.lengths_of_cells(made, COPIES)
        assert of_cells == Lengths(10.0, 20.0, 60.0)
        assert of_cells.dropout == 0.25
        assert of_cells.locus_dropout == pytest.approx(1 / 3)

    def test_all_maternal_copies_count(self):
        copies = [*COPIES, Copy("mother", WHOLE)]
        even = Template(np.array([0, 30]), np.array([1.0]))
        made = molecules(even, even, even)
        assert shares(made, copies) == [(101, 130, 2 / 3, 1.5)]

    def test_a_founder_s_first_copy_counts_as_maternal(self):
        made = molecules(MATERNAL, PATERNAL)
        assert shares(made, ordinary_pair(101, 130)) == shares(made, COPIES)

    def test_fragments_see_over_the_border_of_an_amplicon(self):
        made = molecules(MATERNAL, PATERNAL)
        offsets = np.array([4, 9, 12, 17, 28], dtype=np.int64)
        found = template.shares_at(made, COPIES, offsets, 10)
        expected = [0.75, 18 / (18 + 10), 9 / 19, 0.0, np.nan]
        np.testing.assert_allclose(found, expected)

    def test_nothing_is_nothing(self):
        assert shares([], COPIES) == []
        assert template.lengths([], COPIES) == Lengths()
        assert np.isnan(Lengths().dropout)


class TestTube:
    TUBE = Tube("E1", ORDINARY, 0.2, 1)

    def test_contaminant_comes_last_and_gets_its_share(self):
        contents = self.TUBE.chromosome("chr1", COPIES, ordinary_pair(101, 130), REGION)
        assert [one.origin for one in contents.molecules] == [0, 0, 1, 1]
        assert contents.n_own_copies == 2
        assert contents.weights() == (60.0, 60.0)
        factor, numbers = self.TUBE.allot([contents.weights()], 1_000)
        assert factor == pytest.approx(0.25)
        assert numbers == [1_000]
        own, foreign = contents.mixed(factor).weights()
        assert foreign / (own + foreign) == pytest.approx(0.2)
        assert len(contents.own()) == 2

    def test_the_share_holds_over_all_chromosomes(self):
        factor, numbers = self.TUBE.allot([(60.0, 60.0), (0.0, 60.0)], 100_000)
        assert factor == pytest.approx(0.125)
        assert numbers[1] / sum(numbers) == pytest.approx(7.5 / 75.0, abs=0.005)

    def test_without_contamination_there_is_none(self):
        clean = replace(self.TUBE, contamination=0.0)
        contents = clean.chromosome("chr1", COPIES, COPIES, REGION)
        assert [one.origin for one in contents.molecules] == [0, 0]
        assert clean.allot([contents.weights()], 10) == (0.0, [10])

    def test_an_empty_tube_is_refused(self):
        with pytest.raises(InputError, match="E1: no template is left"):
            self.TUBE.allot([(0.0, 5.0)], 10)
        assert Contents([], 0).weights() == (0.0, 0.0)


def test_summary_tells_what_was_asked_and_what_obtained():
    protocol = replace(ORDINARY, name="MDA", dropout_rate=0.2, locus_dropout_rate=0.1)
    lost = summary.losses(molecules(MATERNAL, PATERNAL), COPIES, REGION, 10)
    obtained = summary.Obtained(0.06, 0.05, 26.0, None)
    row = summary.row_of("E1", protocol, lost + lost, (0.05, 30.0), obtained)
    assert tuple(row) == summary.COLUMNS
    assert (row["asked_cell_dropout"], row["cell_dropout"]) == (0.2, 0.5)
    # 0.1 of the loci, and what both copies lose by chance: (0.2 / 1.8) squared.
    assert row["asked_cell_locus_dropout"] == pytest.approx(1 - 0.9 * (1 - 1 / 81))
    assert row["template_locus_dropout"] == pytest.approx(1 / 3)
    assert (row["asked_contamination"], row["contamination"]) == (0.05, 0.06)
    assert row["error"] is None
