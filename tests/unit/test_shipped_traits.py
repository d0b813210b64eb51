"""The trait sheet that comes with Morula."""

import re
from pathlib import Path

from morula.problems import Problems
from morula.settings import read_schema
from morula.sheets import read_sheet
from morula.trait_sheet import DISEASE_COLUMNS, read_traits

ROOT = Path(__file__).parents[2]


def test_rows_are_right_and_no_number_lacks_a_source():
    schema = read_schema(ROOT / "config/schemas/traits.schema.yaml")
    rows = read_sheet(ROOT / "resources/traits.tsv", schema, "traits")
    problems = Problems()
    traits = read_traits(rows, problems)
    problems.refuse()
    assert len(traits) >= 20
    assert len({trait.scoring_file for trait in traits}) == len(traits)
    for row, trait in zip(rows, traits, strict=True):
        assert re.fullmatch(r"PGS\d{6}", trait.scoring_file)
        sources = row.cells["sources"]
        assert sources.startswith("PGS: ")
        numbers = [row.cells[c] for c in DISEASE_COLUMNS if c != "sex"]
        given = sum(number is not None for number in numbers)
        # One source for the score, and at least one for each number.
        assert len(sources.split("; ")) > given
