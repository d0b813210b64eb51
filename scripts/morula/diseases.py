"""What the sheets say of diseases: how common, how well a score tells, whose parents.

Rates by age come as tables (TSV or CSV) of `age` in whole years and `rate`, a year.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from morula.disease_risk import Curve, curve_of, flat_curve
from morula.errors import InputError
from morula.sheets import read_sheet

Floats = NDArray[np.float64]

RATES: dict[str, Any] = {
    "required": ["age"],
    "properties": {
        "age": {"type": "integer", "minimum": 0, "maximum": 130},
        "rate": {"type": "number", "minimum": 0},
    },
}


@dataclass(frozen=True)
class Disease:
    """A row of the trait sheet that has a risk, as its columns; "" and None where not
    given. Either prevalence, or incidence and mortality (paths)."""

    trait: str
    prevalence: float | None
    incidence: str
    mortality: str
    sex: str
    liability_r2: float
    within_family_r2: float | None
    heritability: float | None
    training_population: str

    def curve(self) -> Curve:
        """Risk by age; raises InputError where a table of rates cannot be used."""
        if self.prevalence is not None:
            return flat_curve(self.prevalence)
        incidence, mortality = read_rates(self.incidence), read_rates(self.mortality)
        n_ages = min(len(incidence), len(mortality))
        return curve_of(incidence[:n_ages], mortality[:n_ages])


@dataclass(frozen=True)
class Settings:
    """diseases: of the traits that have a risk, by name; health: whether each parent
    has or had a disease, {parent: {trait: True or False}}, where that is known."""

    diseases: dict[str, Disease]
    health: dict[str, dict[str, bool]]


class TraitLike(Protocol):
    """A row of the trait sheet (morula.project)."""

    @property
    def trait(self) -> str: ...
    @property
    def has_risk(self) -> bool: ...


def as_json(
    traits: Sequence[TraitLike], health: Mapping[str, Mapping[str, bool]]
) -> str:
    """The settings of one family as one line of JSON, for a command line."""
    names = Disease.__dataclass_fields__
    rows = [
        {name: getattr(trait, name) for name in names}
        for trait in traits
        if trait.has_risk
    ]
    stored = {"diseases": rows, "health": health}
    return json.dumps(stored, sort_keys=True, separators=(",", ":"))


def parse(text: str) -> Settings:
    """Settings from what `as_json` gave."""
    stored = json.loads(text)
    rows = [Disease(**row) for row in stored["diseases"]]
    return Settings({row.trait: row for row in rows}, stored["health"])


def read_rates(path: str) -> Floats:
    """Yearly rates at ages 0, 1, ... (A,). Ages before the first of the table have rate
    0; it ends at the first empty rate.

    Raises InputError, with the line, for an age that is not one more than that before,
    a rate that is none, and a table without any.
    """
    rates: list[float] = []
    for row in read_sheet(path, RATES, "traits"):
        age, rate = row.cells["age"], row.cells["rate"]
        if rate is None:
            break
        if not rates and age is not None:
            rates = [0.0] * age
        if age != len(rates):
            raise InputError(
                f"{row.where('age')}: {age} after {len(rates) - 1}; expected every"
                " age in whole years, rising"
            )
        rates.append(rate)
    if not any(rates):
        raise InputError(f"{path}: no rate above 0; expected rates a year, by age")
    return np.array(rates)
