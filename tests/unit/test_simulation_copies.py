"""The table of chromosome copies: what is written is what is read."""

import numpy as np
import pytest

from morula import tables
from morula.errors import InputError
from morula.simulation.copies import COLUMNS, Copy, Stretch, read_copies, rows_of

COPIES = {
    "chr1": [
        Copy("mother", (Stretch(1, 40, 0), Stretch(41, 100, 1, 0.25, 1.0))),
        Copy("father", (Stretch(1, 100, 1),)),
        Copy("mother", (Stretch(50, 60, 1, 0.0, 0.5),)),
    ],
    "chr2": [Copy("mother", (Stretch(1, 90, 0),)), Copy("father", ())],
    "chr3": [Copy("mother", ()), Copy("father", (Stretch(1, 80, 0),))],
    "chrY": [],
}


def test_a_table_gives_back_what_was_written(tmp_path):
    path = tmp_path / "copies.tsv"
    tables.write_tsv(path, COLUMNS, rows_of("E1", COPIES))
    assert read_copies(path, "E1") == COPIES
    with pytest.raises(InputError, match="no copies of 'E2'"):
        read_copies(path, "E2")


def test_haplotype_at_is_missing_outside_the_stretches():
    copy = Copy("mother", (Stretch(10, 20, 1), Stretch(31, 40, 0)))
    found = copy.haplotype_at(np.array([9, 10, 20, 21, 31, 40, 41]))
    assert found.tolist() == [-1, 1, 1, -1, 0, 0, -1]
    assert Copy("mother", ()).haplotype_at(np.array([1, 2])).tolist() == [-1, -1]


def test_cells_are_half_open():
    loss = Stretch(1, 2, 0, 0.5, 1.0)
    assert [loss.is_in_cell(u) for u in (0.1, 0.5, 0.9)] == [False, True, True]
