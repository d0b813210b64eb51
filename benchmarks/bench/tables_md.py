"""Tables in Markdown: cells, and a table of one measure over scenarios."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bench.intervals import Estimate
from bench.summary import Scenario, Summary

MISSING = "–"
Lookup = Callable[[str, str, str], Estimate | None]
Format = Callable[[float], str]


def share(value: float) -> str:
    """A share: four decimals, and more where it is nearer to one."""
    return f"{value:.6f}" if 0.9999 < value < 1.0 else f"{value:.4f}"


def two_digits(value: float) -> str:
    """Two significant digits, without exponents for what people read."""
    return f"{value:#.2g}" if abs(value) < 10 else f"{value:.0f}"


def decimals(value: float) -> str:
    """Three decimals."""
    return f"{value:.3f}"


def kilobases(value: float) -> str:
    """Base pairs as kb."""
    return f"{value / 1000:.0f} kb"


def cell(found: Estimate | None, form: Format = share) -> str:
    """A value and its interval."""
    if found is None or found.value != found.value:
        return MISSING
    if found.low != found.low:
        return form(found.value)
    return f"{form(found.value)} ({form(found.low)}–{form(found.high)})"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; a `|` within a cell is escaped."""
    lines = [header, ["---"] * len(header), *rows]
    text = [
        "| " + " | ".join(str(one).replace("|", "\\|") for one in line) + " |"
        for line in lines
    ]
    return "\n".join(text)


def over_scenarios(
    summary: Summary,
    scenarios: Sequence[Scenario],
    heads: Sequence[str],
    lookup: Lookup,
    form: Format = share,
    methods: Sequence[str] | None = None,
) -> str:
    """A row a world and method, a column a scenario; rows without any value are left
    out. Empty when no row is left.

    lookup: (world, scenario, method) to the value.
    """
    rows = []
    for world in summary.worlds:
        for method in summary.methods if methods is None else methods:
            found = [lookup(world, one.name, method) for one in scenarios]
            if any(one is not None for one in found):
                rows.append([world, method, *(cell(one, form) for one in found)])
    return table(["world", "method", *heads], rows) if rows else ""


def over_measures(
    summary: Summary,
    scenarios: Sequence[Scenario],
    heads: Sequence[str],
    measures: Sequence[tuple[str, str, str, Format]],
    methods: Sequence[str] | None = None,
) -> str:
    """A row a world, scenario and method, a column a measure (head, measure, stratum,
    format); rows without any value are left out. Empty when no row is left."""
    rows = []
    for world in summary.worlds:
        for head, scenario in zip(heads, scenarios, strict=True):
            for method in summary.methods if methods is None else methods:
                found = [
                    summary.get(world, scenario.name, method, measure, stratum)
                    for _, measure, stratum, _ in measures
                ]
                if any(one is not None for one in found):
                    forms = [form for *_, form in measures]
                    cells = [cell(*pair) for pair in zip(found, forms, strict=True)]
                    rows.append([world, head, method, *cells])
    header = ["world", "scenario", "method", *(head for head, *_ in measures)]
    return table(header, rows) if rows else ""
