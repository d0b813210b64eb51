"""The table of protocols: which row is taken, what may be changed, what is refused."""

import pytest

from morula import tables
from morula.errors import InputError
from morula.simulation.protocols import (
    NUMBERS,
    ORDINARY,
    parse_changes,
    read_protocol,
)
from workflow_rules import ROOT

TABLE = ROOT / "resources/simulation.tsv"
# What a sample sheet may name (config/schemas).
NAMES = ("MDA", "MALBAC", "PicoPLEX", "SurePlex", "PTA", "other", "none")


@pytest.mark.parametrize("name", NAMES)
def test_every_amplification_of_the_sheet_has_a_protocol(name):
    for cells in (None, 1, 3, 8):
        protocol = read_protocol(TABLE, name, cells)
        assert protocol.cells == (cells or 1)
        assert protocol.is_amplified == (name != "none")


def test_every_row_says_where_its_numbers_are_from():
    rows = tables.read_tsv(TABLE)
    assert {row["amplification"] for row in rows} == set(NAMES)
    assert all(row["source"] for row in rows)
    assert set(rows[0]) >= set(NUMBERS)


@pytest.mark.parametrize(
    ("cells", "row"),
    [(1, "MDA_single"), (2, "MDA_few"), (3, "MDA_few"), (4, "MDA_multi")],
)
def test_the_row_follows_the_number_of_cells(cells, row):
    assert read_protocol(TABLE, "MDA", cells).name == row


def test_ordinary_dna_is_the_table_s_last_row():
    assert read_protocol(TABLE, "none") == ORDINARY


def test_changes_replace_numbers_but_not_those_of_ordinary_dna():
    changes = {"dropout_rate": 0.2, "amplicon_bp": 500.0}
    changed = read_protocol(TABLE, "PTA", 3, changes)
    assert (changed.dropout_rate, changed.amplicon_bp) == (0.2, 500.0)
    assert changed.imbalance_sd == read_protocol(TABLE, "PTA").imbalance_sd
    assert read_protocol(TABLE, "none", None, changes) == ORDINARY


@pytest.mark.parametrize(
    ("name", "cells", "changes", "message"),
    [
        ("MDB", None, {}, "no amplification 'MDB'; it has MALBAC, MDA"),
        ("MDA", 0, {}, "0 cells of MDA; expected 1 or more"),
        ("MDA", 1, {"dropout": 0.1}, "no number 'dropout' of a protocol"),
        ("MDA", 1, {"dropout_rate": 1.5}, "dropout_rate is 1.5; expected 0 to 1"),
        ("MDA", 1, {"amplicon_bp": 0.0}, "expected 1 bp or more"),
        ("MDA", 1, {"imbalance_sd": -1.0}, "expected 0 or more"),
        ("MDA", 1, {"gc_slope": float("nan")}, "gc_slope is nan"),
    ],
)
def test_what_is_refused(name, cells, changes, message):
    with pytest.raises(InputError, match=message):
        read_protocol(TABLE, name, cells, changes)


def test_words_of_the_command_line():
    assert parse_changes([("dropout_rate", "0.2")]) == {"dropout_rate": 0.2}
    with pytest.raises(InputError, match="found 'much'; expected a number"):
        parse_changes([("dropout_rate", "much")])
    with pytest.raises(InputError, match="no number 'dropout_rat'"):
        parse_changes([("dropout_rat", "0.2")])
