"""The trait sheet that comes with Morula."""

import re
from pathlib import Path

import pytest

from morula import tables
from morula.problems import Problems
from morula.settings import read_schema
from morula.sheets import read_sheet
from morula.trait_sheet import DISEASE_COLUMNS, read_traits
from score_r2 import EVALUATIONS, explained

ROOT = Path(__file__).parents[2]
# What begins the source of each number.
LABELS = {
    "prevalence": "lifetime risk: ",
    "liability_r2": "R2: ",
    "heritability": "heritability: ",
    "training_population": "training population: ",
    "daly_weight": "DALYs: ",
}
DALYS = re.compile(
    r"DALYs: ([\d.]+) of ([\d.]+) new cases \([a-z0-9 ,-]+\), world \d{4}, "
)


@pytest.fixture(scope="module")
def rows():
    schema = read_schema(ROOT / "config/schemas/traits.schema.yaml")
    return read_sheet(ROOT / "resources/traits.tsv", schema, "traits")


def sources(row):
    return row.cells["sources"].split("; ")


def test_rows_are_right(rows):
    problems = Problems()
    traits = read_traits(rows, problems)
    problems.refuse()
    assert len(traits) >= 20
    assert sum(trait.has_risk for trait in traits) >= 15
    assert len({trait.scoring_file for trait in traits}) == len(traits)
    assert all(re.fullmatch(r"PGS\d{6}", trait.scoring_file) for trait in traits)


def test_no_number_lacks_a_source(rows):
    assert set(LABELS) <= {*DISEASE_COLUMNS, "training_population"}
    for row in rows:
        assert sources(row)[0].startswith("PGS: ")
        given = {name for name in LABELS if row.cells[name] is not None}
        named = [
            name
            for name, label in LABELS.items()
            for source in sources(row)
            if source.startswith(label)
        ]
        assert sorted(named) == sorted(given)
        assert len(sources(row)) == 1 + len(named)
        numbers = {c for c in DISEASE_COLUMNS if row.cells[c] is not None}
        assert numbers <= {*LABELS, "sex"}


def test_r2_is_that_of_the_evaluations(rows):
    found = explained(tables.read_tsv(EVALUATIONS))
    given = {
        row.cells["scoring_file"]: row.cells["liability_r2"]
        for row in rows
        if row.cells["liability_r2"] is not None
    }
    assert set(given) == set(found)
    for score, r2 in given.items():
        assert r2 == pytest.approx(found[score].mean, abs=5e-4)


def test_healthy_years_are_those_lost_by_a_case(rows):
    for row in rows:
        if row.cells["daly_weight"] is not None:
            source = next(s for s in sources(row) if s.startswith("DALYs: "))
            lost, cases = DALYS.match(source).groups()
            expected = float(lost) / float(cases)
            assert row.cells["daly_weight"] == pytest.approx(expected, rel=0.03)
