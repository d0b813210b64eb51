"""The figures of a benchmark: each is drawn where the rows that it shows exist."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from bench import axes as names
from bench.calibration_measures import BEST_EDGES, bin_names
from bench.estimate_measures import ESTIMATES
from bench.figure_parts import (
    Look,
    curve,
    drawing,
    legend,
    legend_shape,
    logarithmic,
    looks,
    panels,
    save,
    ticks_at,
)
from bench.intervals import Estimate
from bench.summary import Scenario, Summary, is_numeric
from bench.truth import ALL, PARENT_HET
from morula.report_svg import SOFT

# Panels of the reliability curves that fit beside each other.
MOST_COLUMNS = 4
# A bin of a reliability curve needs as many genotypes.
FEWEST_IN_BIN = 100


@dataclass(frozen=True)
class Shown:
    """A measure on the y axis: its label; whether as an error (one minus it) on a
    logarithmic axis; whether it goes from 0 to 1."""

    measure: str
    stratum: str
    label: str
    is_error: bool = False
    is_share: bool = False


ERRORS = Shown(
    "genotype_accuracy",
    PARENT_HET,
    "wrong genotypes, a parent het (share)",
    is_error=True,
)
SCORES = (
    Shown("pgs_rmse_sibling_sd", ALL, "score's error (SD among siblings)"),
    Shown("pgs_best_chosen", ALL, "best embryo chosen (share)", is_share=True),
)
CROSSOVERS = (
    Shown(
        "crossover_recall_500kb",
        ALL,
        "crossovers found within 500 kb (share)",
        is_share=True,
    ),
    Shown(
        "crossover_precision_500kb", ALL, "true of those found (share)", is_share=True
    ),
)


def draw_all(summary: Summary, folder: Path) -> list[str]:
    """Draw what there are rows for into `folder`; the figures' names."""
    wanted: dict[str, Callable[[Path], bool]] = {
        f"errors_by_{axis}": _along(summary, axis, [ERRORS]) for axis in summary.axes()
    }
    wanted |= {
        "pgs_by_depth": _along(summary, "depth", SCORES),
        "crossovers_by_depth": _along(summary, "depth", CROSSOVERS),
        "calibration_by_depth": lambda path: reliability_curves(summary, path),
        "estimates": lambda path: estimates(summary, path),
    }
    with drawing():
        return [name for name, draw in wanted.items() if draw(folder / f"{name}.svg")]


def _along(
    summary: Summary, axis: str, shown: Sequence[Shown]
) -> Callable[[Path], bool]:
    return lambda path: along_axis(summary, axis, shown, path)


def along_axis(summary: Summary, axis: str, shown: Sequence[Shown], path: Path) -> bool:
    """Measures along an axis: a row a measure, a column a world, a curve a method."""
    scenarios = summary.along(axis)
    worlds = [
        world
        for world in summary.worlds
        if any(
            _points(summary, world, scenarios, m, one)
            for m in summary.methods
            for one in shown
        )
    ]
    if not worlds:
        return False
    look = looks(summary.methods)
    count, lines = legend_shape(summary.methods, len(worlds))
    figure, grid = panels(len(shown), len(worlds), lines)
    places = places_of(axis, scenarios)
    for row, one in zip(grid, shown, strict=True):
        for panel, world in zip(row, worlds, strict=True):
            for number, method in enumerate(summary.methods):
                found = _points(summary, world, scenarios, method, one)
                shift = number - (len(summary.methods) - 1) / 2
                x = [places.at(k, shift) for k, _ in found]
                if found:
                    values = [value for _, value in found]
                    joined = not places.is_categorical
                    curve(panel, x, values, method, look[method], joined)
            _set_x(panel, places, scenarios)
            panel.set_xlabel(names.title(axis))
            panel.set_title(world)
        row[0].set_ylabel(one.label)
        if one.is_error:
            _set_error_axis(row)
        else:
            row[0].set_ylim(bottom=0.0, top=1.04 if one.is_share else None)
    legend(figure, list(grid.flat), count)
    save(figure, path)
    return True


def _set_error_axis(row: Sequence[Axes]) -> None:
    """Errors on a logarithmic axis, down to a half of the least one that is drawn: an
    interval that holds zero would stretch it without end."""
    drawn = [
        float(value)
        for panel in row
        for line in panel.get_lines()
        if line.get_marker() not in ("None", "")
        for value in np.asarray(line.get_ydata())
    ]
    for panel in row:
        logarithmic(panel, "y")
    row[0].set_ylim(bottom=0.5 * min(drawn), top=1.3)


def _points(
    summary: Summary,
    world: str,
    scenarios: Sequence[Scenario],
    method: str,
    shown: Shown,
) -> list[tuple[int, Estimate]]:
    """(place of the scenario, value) of a curve."""
    found = []
    for k, scenario in enumerate(scenarios):
        one = summary.get(world, scenario.name, method, shown.measure, shown.stratum)
        if one is not None:
            found.append((k, as_error(one) if shown.is_error else one))
    return found


def as_error(one: Estimate) -> Estimate:
    """One minus a share; no error at all is shown as half an error, so that it has a
    place on a logarithmic axis."""
    least = 0.5 / max(one.n, 1)
    value = max(1.0 - one.value, least)
    return replace(one, value=value, low=max(1.0 - one.high, least), high=1.0 - one.low)


@dataclass(frozen=True)
class Places:
    """Where scenarios lie on the x axis: their values, or 0, 1, ... where these are no
    numbers. Methods are drawn `step` beside each other, so that intervals show."""

    values: Sequence[float]
    is_logarithmic: bool
    is_categorical: bool
    step: float

    def at(self, k: int, shift: float) -> float:
        """Place of scenario k, `shift` steps beside its value."""
        if self.is_logarithmic:
            return self.values[k] * 10.0 ** (shift * self.step)
        return self.values[k] + shift * self.step


def places_of(axis: str, scenarios: Sequence[Scenario]) -> Places:
    """Places of an axis's scenarios."""
    values = [one.value for one in scenarios]
    if not is_numeric(values):
        return Places(list(map(float, range(len(values)))), False, True, 0.09)
    numbers = [float(value) for value in values]
    is_logarithmic = axis in names.LOGARITHMIC and min(numbers) > 0
    ends = np.array([min(numbers), max(numbers)])
    width = float(np.ptp(np.log10(ends) if is_logarithmic else ends))
    return Places(numbers, is_logarithmic, False, 0.007 * (width or 1.0))


def _set_x(panel: Axes, places: Places, scenarios: Sequence[Scenario]) -> None:
    """Ticks at the scenarios' values."""
    if places.is_logarithmic:
        logarithmic(panel, "x")
    labels = [one.value for one in scenarios]
    ticks_at(panel.xaxis, places.values, labels)
    # The same in every world, also where it has some of the scenarios only.
    ends = sorted(places.values)
    if places.is_logarithmic:
        panel.set_xlim(ends[0] / 1.8, ends[-1] * 1.8)
    elif not places.is_categorical and len(ends) > 1:
        room = 0.06 * (ends[-1] - ends[0])
        panel.set_xlim(ends[0] - room, ends[-1] + room)
    if places.is_categorical:
        panel.set_xlim(-0.5, len(labels) - 0.5)
        panel.grid(visible=False, axis="x")
        if len(labels) > 4:
            panel.tick_params(axis="x", labelrotation=25)


def reliability_curves(summary: Summary, path: Path) -> bool:
    """Claimed against observed errors of the best guess: a row a world, a column a
    depth, a curve a method; both axes logarithmic."""

    def curves(world: str, depth: Scenario) -> dict[str, list[tuple[float, Estimate]]]:
        found = {
            method: _reliability(summary, world, depth.name, method)
            for method in summary.methods
        }
        return {method: points for method, points in found.items() if points}

    scenarios = summary.along("depth")
    depths = [s for s in scenarios if any(curves(w, s) for w in summary.worlds)]
    worlds = [w for w in summary.worlds if any(curves(w, s) for s in depths)]
    if not depths:
        return False
    chosen = np.linspace(0, len(depths) - 1, min(len(depths), MOST_COLUMNS))
    depths = [depths[k] for k in np.unique(chosen.round().astype(int))]
    look = looks(summary.methods)
    count, lines = legend_shape(summary.methods, len(depths))
    figure, grid = panels(len(worlds), len(depths), lines)
    for row, world in zip(grid, worlds, strict=True):
        for panel, depth in zip(row, depths, strict=True):
            drawn = curves(world, depth)
            for method, points in drawn.items():
                _reliability_curve(panel, points, method, look[method])
            _set_reliability_axes(panel, f"{world}, {names.head(depth)}")
            panel.set_visible(bool(drawn))
        shown = [panel for panel in row if panel.get_visible()]
        if shown:
            shown[0].set_ylabel("wrong (share)")
            shown[0].tick_params(axis="y", labelleft=True)
    legend(figure, list(grid.flat), count)
    save(figure, path)
    return True


def _set_reliability_axes(panel: Axes, title: str) -> None:
    """Both axes logarithmic, with the diagonal of what means what it says."""
    panel.plot([1e-6, 1], [1e-6, 1], color=SOFT, linewidth=0.8, zorder=1)
    logarithmic(panel, "x")
    logarithmic(panel, "y")
    panel.set(xlim=(2e-6, 1.0), ylim=(2e-6, 1.0))
    panel.set_title(title)
    panel.set_xlabel("1 - claimed probability")


def _reliability(
    summary: Summary, world: str, scenario: str, method: str
) -> list[tuple[float, Estimate]]:
    """(1 - mean claimed probability, share wrong) of the bins with enough genotypes."""
    points = []
    for name in bin_names(BEST_EDGES):
        where = f"{PARENT_HET}:{name}"
        claimed = summary.get(world, scenario, method, "best_gp_claimed", where)
        right = summary.get(world, scenario, method, "best_gp_right", where)
        if claimed is not None and right is not None and right.n >= FEWEST_IN_BIN:
            points.append((max(1.0 - claimed.value, 3e-6), right))
    return points


def _reliability_curve(
    panel: Axes, points: Sequence[tuple[float, Estimate]], method: str, look: Look
) -> None:
    """A curve with intervals; hollow where no error was seen."""
    x = [place for place, _ in points]
    errors = [as_error(right) for _, right in points]
    curve(panel, x, errors, method, look)
    for place, (_, right), error in zip(x, points, errors, strict=True):
        if right.value == 1.0:
            panel.plot(
                place,
                error.value,
                marker=look.marker,
                markersize=5,
                color=look.colour,
                markerfacecolor="white",
                zorder=5,
            )


def estimates(summary: Summary, path: Path) -> bool:
    """Estimated against true dropout, error and contamination of single embryos."""
    shown = [
        (name, [m for m in summary.methods if summary.embryos(m, f"{name}_estimated")])
        for name in ESTIMATES
    ]
    shown = [(name, methods) for name, methods in shown if methods]
    if not shown:
        return False
    look = looks(summary.methods)
    drawn = {method for _, methods in shown for method in methods}
    count, lines = legend_shape(sorted(drawn), len(shown))
    figure, grid = panels(1, len(shown), lines, shares_y=False)
    for panel, (name, methods) in zip(grid[0], shown, strict=True):
        top = 0.0
        for method in methods:
            true = summary.embryos(method, f"{name}_true")
            found = summary.embryos(method, f"{name}_estimated")
            x = [true[key] for key in found]
            y = list(found.values())
            top = max(top, *x, *y)
            style = {"color": look[method].colour, "marker": look[method].marker}
            panel.plot(x, y, ls="", ms=4, alpha=0.6, mew=0, label=method, **style)
        panel.plot([0, top], [0, top], color=SOFT, linewidth=0.8)
        panel.set(xlim=(0.0, 1.05 * top), ylim=(0.0, 1.05 * top))
        panel.set_title(name)
        panel.set_xlabel("simulated (share)")
    grid[0][0].set_ylabel("estimated (share)")
    legend(figure, list(grid[0]), count)
    save(figure, path)
    return True
