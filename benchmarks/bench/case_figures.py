"""Figures that are not curves: where Morula fails, and time and memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from bench import axes as names
from bench.figure_parts import (
    drawing,
    legend,
    logarithmic,
    panels,
    save,
    ticks_at,
)
from bench.summary import Embryo, Summary, is_ours
from morula.report_svg import BLUE, GREY, ORANGE, VERMILLION

VERDICT_STYLES = {
    "pass": (BLUE, "o"),
    "warn": (ORANGE, "^"),
    "fail": (VERMILLION, "X"),
    "": (GREY, "o"),
}
# What is needed of the table of time_methods.py.
RATIO_ENDS = ("_low", "_high")
SPEED_COLUMNS = (
    *("method", "kind", "wall_s", "max_rss_mb"),
    *("wall_ratio", "wall_ratio_low", "wall_ratio_high"),
)
# An error rate of none is drawn here.
LEAST_ERROR = 1e-5


def failures(summary: Summary, path: Path) -> bool:
    """Errors of single embryos under the scenarios in which Morula fails, the depths
    of the same worlds beside them for comparison; colours are the verdicts of QC."""
    failing = [one for one in summary.scenarios if one.fails]
    ours = [one for one in summary.methods if is_ours(one)]
    if not failing or not ours:
        return False
    errors = summary.embryos(ours[0], "genotype_accuracy")
    worlds = {key.world for key in errors if key.scenario in {f.name for f in failing}}
    shown = [*failing, *(one for one in summary.along("depth") if one not in failing)]
    labels = [one.label if one.fails else f"depth {names.head(one)}" for one in shown]
    with drawing():
        figure, ((panel,),) = panels(1, 1)
        figure.set_size_inches(8.0, 0.34 * len(shown) + 1.3)
        for place, scenario in enumerate(shown):
            found = {
                key: 1.0 - value
                for key, value in errors.items()
                if key.scenario == scenario.name and key.world in worlds
            }
            _embryos(panel, place, found, _verdicts(summary, ours[0]))
        panel.axhline(len(failing) - 0.5, color=GREY, linewidth=0.8)
        logarithmic(panel, "x")
        panel.set_xlabel("wrong genotypes of an embryo where a parent is het (share)")
        panel.set_ylim(len(shown) - 0.5, -0.5)
        ticks_at(panel.yaxis, list(range(len(shown))), labels)
        panel.set_title(f"{ours[0]}: each point is an embryo")
        legend(figure, [panel], 4)
        save(figure, path)
    return True


def _verdicts(summary: Summary, method: str) -> dict[Embryo, str]:
    """The verdict of QC on each embryo that has one."""
    return {
        key: verdict
        for verdict in VERDICT_STYLES
        if verdict
        for key, value in summary.embryos(method, f"qc_{verdict}").items()
        if value == 1.0
    }


def _embryos(
    panel: Axes,
    place: int,
    errors: Mapping[Embryo, float],
    verdicts: Mapping[Embryo, str],
) -> None:
    """The embryos of a scenario, spread a little so that none hides another."""
    keys = sorted(errors)
    spread = dict(zip(keys, np.linspace(-0.25, 0.25, max(len(keys), 2)), strict=False))
    for verdict, (colour, marker) in VERDICT_STYLES.items():
        mine = [key for key in keys if verdicts.get(key, "") == verdict]
        if mine:
            panel.plot(
                [max(errors[key], LEAST_ERROR) for key in mine],
                [place + spread[key] for key in mine],
                linestyle="",
                marker=marker,
                markersize=5,
                markeredgewidth=0,
                alpha=0.8,
                color=colour,
                label=f"QC: {verdict}" if verdict else "no QC",
            )


def speed(rows: Sequence[Mapping[str, str]], path: Path) -> bool:
    """Wall time and peak memory of each method, and Morula's time over its own; False
    without rows. rows: of time_methods.py."""
    if not rows or not set(SPEED_COLUMNS) <= set(rows[0]):
        return False
    colours = [BLUE if is_ours(row["method"]) else GREY for row in rows]
    labels = [
        f"{row['method']} (shared)" if row["kind"] == "shared" else row["method"]
        for row in rows
    ]
    with drawing():
        figure, ((wall, memory, ratio),) = panels(1, 3, 0)
        figure.set_size_inches(9.5, 0.34 * len(rows) + 0.9)
        seconds = _numbers(rows, "wall_s")
        logarithmic(wall, "x")
        _bars(wall, seconds, colours)
        wall.set(xlabel="wall time (s)", xlim=(min(seconds) / 3, 6 * max(seconds)))
        peak = _numbers(rows, "max_rss_mb")
        _bars(memory, peak, colours)
        memory.set(xlabel="peak memory (MB)", xlim=(0.0, 1.35 * max(peak)))
        _ratios(ratio, rows)
        wall.set_ylim(len(rows) - 0.5, -0.5)
        ticks_at(wall.yaxis, list(range(len(rows))), labels)
        save(figure, path)
    return True


def _numbers(rows: Sequence[Mapping[str, str]], column: str) -> NDArray[np.float64]:
    """A column's numbers, nan where it is empty."""
    return np.array([float(row[column] or "nan") for row in rows])


def _bars(panel: Axes, values: NDArray[np.float64], colours: Sequence[str]) -> None:
    """A bar a row, its value written beside it."""
    places = list(range(len(values)))
    panel.barh(places, values, height=0.6, color=colours)
    panel.grid(visible=False, axis="y")
    for place, value in zip(places, values, strict=True):
        panel.text(value, place, f" {value:.3g}", va="center")


def _ratios(panel: Axes, rows: Sequence[Mapping[str, str]]) -> None:
    """Morula's time over each method's own, with intervals, and a line at one."""
    value, low, high = (_numbers(rows, f"wall_ratio{end}") for end in ("", *RATIO_ENDS))
    logarithmic(panel, "x")
    panel.grid(visible=False, axis="y")
    panel.axvline(1.0, color=GREY, linewidth=0.8)
    for place in np.flatnonzero(np.isfinite(value)):
        ends = np.array([[value[place] - low[place]], [high[place] - value[place]]])
        bars = np.nan_to_num(ends)
        panel.errorbar(value[place], place, xerr=bars, color=BLUE, marker="o", ms=5)
        panel.annotate(
            f"{value[place]:.2g}",
            (value[place], place),
            xytext=(0, 5),
            textcoords="offset points",
            ha="center",
            fontsize=8,
        )
    panel.set_xlabel("Morula's time over the method's")
    panel.margins(x=0.2)
