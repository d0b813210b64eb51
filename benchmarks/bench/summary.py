"""The judged rows of all cases, taken together over couples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from bench.calibration_measures import BEST_EDGES, bin_names
from bench.genotype_measures import NULL_METHOD
from bench.intervals import Estimate, combine, error_ratio
from bench.measures import kind_of
from bench.phase_measures import PHASE_METHOD
from bench.pooled_calibration import pooled_error
from bench.truth import EVERY_EMBRYO, PARENT_HET
from morula import tables
from morula.errors import InputError

ROW_COLUMNS = (
    "world",
    "scenario",
    "couple",
    "method",
    "embryo",
    "measure",
    "stratum",
    "value",
    "n",
)
SCENARIO_COLUMNS = ("scenario", "axis", "value", "label", "fails")
SUMMARY_COLUMNS = (
    *("world", "scenario", "axis", "axis_value", "method", "measure", "stratum"),
    *("value", "low", "high", "couples", "n"),
)
CURVE_COLUMNS = (
    *("world", "scenario", "axis", "axis_value", "method", "curve", "stratum"),
    *("probability", "claimed", "right", "right_low", "right_high", "couples", "n"),
)
CURVE_ENDS = ("_claimed", "_right")
OURS = "morula"
# The measure that is made of all couples' reliability curves together.
POOLED = "ece"


class Key(NamedTuple):
    """What a value over couples is of."""

    world: str
    scenario: str
    method: str
    measure: str
    stratum: str


class Embryo(NamedTuple):
    """One embryo of a case."""

    world: str
    scenario: str
    couple: str
    embryo: str


@dataclass(frozen=True)
class Scenario:
    """A scenario: what is varied (axis, empty where nothing), its value there, a label
    for people, and why Morula fails (empty where it is not expected to)."""

    name: str
    axis: str
    value: str
    label: str
    fails: str


def is_ours(method: str) -> bool:
    """Whether a method, named with its version, is Morula."""
    return method.lower().startswith(OURS)


def is_peer(method: str) -> bool:
    """Whether a method is neither Morula nor the panel's frequencies."""
    return not is_ours(method) and method != NULL_METHOD


def method_order(method: str) -> tuple[int, str]:
    """Morula first, the panel's frequencies last."""
    return (0 if is_ours(method) else 2 if method == NULL_METHOD else 1, method.lower())


def read_scenarios(path: str | Path) -> list[Scenario]:
    """The scenarios in the order of their table."""
    rows = tables.read_tsv(path)
    for row in rows:
        if set(row) != set(SCENARIO_COLUMNS):
            raise InputError(
                f"{path}: columns {', '.join(row)}; expected"
                f" {', '.join(SCENARIO_COLUMNS)}"
            )
    return [Scenario(*(row[name] for name in SCENARIO_COLUMNS)) for row in rows]


class Summary:
    """Values over couples, and of single embryos.

    values: an Estimate by Key; scenarios: those with rows, in the order of the table;
    worlds: sorted; methods: Morula, its peers, the panel's frequencies.
    """

    def __init__(self, paths: Sequence[str], scenarios: Sequence[Scenario]) -> None:
        self._couples: dict[Key, dict[str, tuple[float, int]]] = {}
        self._embryos: dict[tuple[str, str], dict[Embryo, float]] = {}
        for path in paths:
            self._read(path)
        present = {key.scenario for key in self._couples}
        self.scenarios = [one for one in scenarios if one.name in present]
        unknown = sorted(present - {one.name for one in self.scenarios})
        if unknown:
            raise InputError(
                f"rows of scenario {unknown[0]!r}, which the table of scenarios lacks:"
                " give the table of the same config"
            )
        methods = {key.method for key in self._couples} - {PHASE_METHOD}
        self.methods = sorted(methods, key=method_order)
        self.worlds = sorted({key.world for key in self._couples})
        self.values = {key: self._over_couples(key) for key in self._couples}

    def _over_couples(self, key: Key) -> Estimate:
        if key.measure == POOLED:
            return pooled_error(self._bins(key))
        values, sizes = zip(*self._couples[key].values(), strict=True)
        return combine(values, sizes, kind_of(key.measure))

    def _bins(self, key: Key) -> list[dict[str, tuple[float, float, float]]]:
        """Of every couple with a calibration error: genotypes, claimed and right ones,
        by bin of the best genotype's curve."""
        bins: dict[str, dict[str, tuple[float, float, float]]] = {
            couple: {} for couple in self._couples[key]
        }
        for name in bin_names(BEST_EDGES):
            at = key._replace(stratum=f"{key.stratum}:{name}")
            claimed, right = (
                self._couples.get(at._replace(measure=f"best_gp{end}"), {})
                for end in CURVE_ENDS
            )
            for couple, (mean, n) in claimed.items():
                bins[couple][name] = (float(n), n * mean, n * right[couple][0])
        return list(bins.values())

    def _read(self, path: str) -> None:
        for row in tables.read_tsv(path):
            key = Key(*(row[name] for name in Key._fields))
            value = float(row["value"])
            if row["embryo"] == EVERY_EMBRYO:
                found = self._couples.setdefault(key, {})
                if row["couple"] in found:
                    raise InputError(
                        f"{path}: couple {row['couple']} of {' '.join(key)} is there"
                        " twice; give each case once"
                    )
                found[row["couple"]] = (value, int(row["n"]))
            elif key.stratum in ("all", PARENT_HET):
                at = Embryo(*(row[name] for name in Embryo._fields))
                self._embryos.setdefault((key.method, key.measure), {})[at] = value

    def get(
        self, world: str, scenario: str, method: str, measure: str, stratum: str
    ) -> Estimate | None:
        """A value over couples; None where there is none."""
        return self.values.get(Key(world, scenario, method, measure, stratum))

    def embryos(self, method: str, measure: str) -> dict[Embryo, float]:
        """Values of single embryos."""
        return self._embryos.get((method, measure), {})

    def errors_over_ours(
        self, world: str, scenario: str, method: str, stratum: str = PARENT_HET
    ) -> Estimate | None:
        """Morula's genotype errors over those of a peer; None where one was not run."""
        mine = [one for one in self.methods if is_ours(one)][:1]
        keys = [
            Key(world, scenario, name, "genotype_accuracy", stratum)
            for name in (*mine, method)
        ]
        if len(keys) < 2 or any(key not in self._couples for key in keys):
            return None
        ours, theirs = (self._couples[key] for key in keys)
        both = [couple for couple in ours if couple in theirs]
        return error_ratio(
            [ours[couple][0] for couple in both],
            [theirs[couple][0] for couple in both],
            [ours[couple][1] for couple in both],
        )

    def axes(self) -> list[str]:
        """The axes that have scenarios, in the order of the table."""
        names = (one.axis for one in self.scenarios if one.axis)
        return list(dict.fromkeys(names))

    def along(self, axis: str) -> list[Scenario]:
        """The scenarios of an axis, by their value where all are numbers, else in the
        order of the table."""
        found = [one for one in self.scenarios if one.axis == axis]
        if is_numeric([one.value for one in found]):
            found.sort(key=lambda one: float(one.value))
        return found

    def rows(self) -> Iterator[dict[str, object]]:
        """Rows of the table of all values but the reliability curves."""
        for key in self._ordered():
            if not key.measure.endswith(CURVE_ENDS):
                found = self.values[key]
                named = (*key[3:], f"{found.value:.8g}", found.low, found.high)
                cells = (*self._named(key), *named, found.couples, found.n)
                yield dict(zip(SUMMARY_COLUMNS, cells, strict=True))

    def curve_rows(self) -> Iterator[dict[str, object]]:
        """Rows of the table of reliability curves, one a bin."""
        claimed, right = CURVE_ENDS
        for key in self._ordered():
            if key.measure.endswith(right):
                curve = key.measure.removesuffix(right)
                other = self.values[key._replace(measure=curve + claimed)]
                found = self.values[key]
                stratum, _, probabilities = key.stratum.partition(":")
                named = (curve, stratum, probabilities, f"{other.value:.8g}")
                numbers = (f"{found.value:.8g}", found.low, found.high)
                cells = (*self._named(key), *named, *numbers, found.couples, found.n)
                yield dict(zip(CURVE_COLUMNS, cells, strict=True))

    def _ordered(self) -> list[Key]:
        """Keys by world, then by scenario in the order of the table."""
        place = {one.name: k for k, one in enumerate(self.scenarios)}
        return sorted(self.values, key=lambda k: (k.world, place[k.scenario], *k[2:]))

    def _named(self, key: Key) -> tuple[str, ...]:
        """World, scenario, axis, its value, method."""
        (one,) = (one for one in self.scenarios if one.name == key.scenario)
        return key.world, one.name, one.axis, one.value, key.method


def is_numeric(values: Sequence[str]) -> bool:
    """Whether all of an axis's values are numbers."""
    try:
        return bool([float(value) for value in values])
    except ValueError:
        return False
