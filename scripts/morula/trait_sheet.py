"""Rows of the trait sheet, and what the sample sheet says of the parents' health."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from morula.problems import Problems, suggestion
from morula.settings import normal_path
from morula.sheets import Row

RATE_COLUMNS = ("incidence", "mortality")
DISEASE_COLUMNS = (
    "prevalence",
    *RATE_COLUMNS,
    "sex",
    "liability_r2",
    "within_family_r2",
    "heritability",
    "daly_weight",
)


@dataclass(frozen=True)
class Trait:
    """A row of the trait sheet; numbers that are not given are None, words ""."""

    trait: str
    scoring_file: str
    kind: str
    prevalence: float | None
    incidence: str
    mortality: str
    sex: str
    liability_r2: float | None
    within_family_r2: float | None
    heritability: float | None
    training_population: str
    daly_weight: float | None
    line: int

    @property
    def has_risk(self) -> bool:
        """Whether the row has what an absolute risk takes."""
        return self.liability_r2 is not None and bool(self.prevalence or self.incidence)


def read_traits(rows: Sequence[Row], problems: Problems) -> list[Trait]:
    """Traits in the sheet's order; mistakes are noted in `problems`."""
    traits: dict[str, Trait] = {}
    for row in rows:
        cells = row.cells
        name = cells["trait"]
        if name in traits:
            problems.add(
                f"{row.where('trait')}: {name!r} is in line {traits[name].line}, too;"
                " expected a name of its own"
            )
        _check_disease(row, problems)
        path = normal_path(cells["scoring_file"])
        if "{" in path or "}" in path:
            problems.add(f"{row.where('scoring_file')}: {path!r} has braces; rename it")
        rates = {
            key: normal_path(cells[key]) if cells[key] else "" for key in RATE_COLUMNS
        }
        traits[name] = Trait(
            trait=name,
            scoring_file=path,
            kind=cells["kind"],
            prevalence=cells["prevalence"],
            sex=cells["sex"] or "",
            liability_r2=cells["liability_r2"],
            within_family_r2=cells["within_family_r2"],
            heritability=cells["heritability"],
            training_population=cells["training_population"] or "",
            daly_weight=cells["daly_weight"],
            line=row.line,
            **rates,
        )
    return list(traits.values())


def _check_disease(row: Row, problems: Problems) -> None:
    """What only a disease may have, and what goes with what."""
    cells = row.cells
    for column in DISEASE_COLUMNS:
        if cells["kind"] != "disease" and cells[column] is not None:
            problems.add(
                f"{row.where(column)}: {cells['trait']} is quantitative; expected"
                f" an empty cell: {column} is of diseases"
            )
    if (cells["incidence"] is None) != (cells["mortality"] is None):
        given, missing = RATE_COLUMNS if cells["incidence"] else RATE_COLUMNS[::-1]
        problems.add(
            f"{row.where(missing)}: empty; expected a table beside that of {given}: who"
            " dies before does not fall ill"
        )
    if cells["incidence"] is not None and cells["prevalence"] is not None:
        problems.add(
            f"{row.where('prevalence')}: given beside incidence; expected one of the"
            " two: incidence and mortality make a lifetime risk"
        )
    r2, heritability = cells["liability_r2"], cells["heritability"]
    if r2 is not None and heritability is not None and heritability < r2:
        problems.add(
            f"{row.where('heritability')}: {heritability:g} is less than liability_r2"
            f" ({r2:g}); expected at least as much"
        )


def read_health(
    rows: Sequence[Row], traits: Sequence[Trait], problems: Problems
) -> dict[str, dict[str, bool]]:
    """Diseases that a parent has or had (True) and has not had (False), by the columns
    `affected` and `unaffected` of the sample sheet; mistakes are noted."""
    by_name = {trait.trait: trait for trait in traits}
    health: dict[str, dict[str, bool]] = {}
    for row in rows:
        said: dict[str, bool] = {}
        for column, is_ill in (("affected", True), ("unaffected", False)):
            for name in (row.cells[column] or "").split():
                wrong = _why_not(name, by_name, row.cells["role"])
                if name in said:
                    wrong = f"{name} is named twice; expected each disease once"
                if wrong:
                    problems.add(f"{row.where(column)}: {wrong}")
                said[name] = is_ill
        if said:
            health[row.cells["sample"]] = said
    return health


def _why_not(name: str, traits: Mapping[str, Trait], role: str) -> str:
    """Why a disease cannot be said of a sample of this role; empty if it can."""
    if role not in ("mother", "father"):
        return f"a {role}'s; expected an empty cell: only parents' health is used"
    if name not in traits:
        hint = suggestion(name, list(traits))
        return f"no trait {name!r} in the trait sheet; expected its names{hint}"
    if not traits[name].has_risk or traits[name].heritability is None:
        return (
            f"{name} lacks heritability, liability_r2 or prevalence in the trait sheet;"
            " expected all three there: without them a parent's health tells nothing"
        )
    return ""
