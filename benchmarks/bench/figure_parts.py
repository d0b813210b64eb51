"""What the benchmark's figures have in common: colours, panels, points with intervals,
and a file that is the same bytes for the same input."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from bench.genotype_measures import NULL_METHOD
from bench.intervals import Estimate
from bench.summary import is_ours
from morula.atomic import written_whole
from morula.report_svg import (
    BLUE,
    GREEN,
    GREY,
    INK,
    LINE,
    ORANGE,
    PURPLE,
    SKY,
    SOFT,
    VERMILLION,
)

# Peers in their order; Morula is blue, what knows no reads is grey.
PEER_STYLES = (
    (VERMILLION, "s"),
    (GREEN, "^"),
    (ORANGE, "D"),
    (PURPLE, "v"),
    (SKY, "P"),
    (INK, "X"),
)
STYLE: dict[str, Any] = {
    "svg.hashsalt": "morula",
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "text.color": INK,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
}
PANEL_INCHES = (3.5, 2.9)
LONE_PANEL_INCHES = (5.4, 3.0)
LEGEND_INCHES = 0.24


@dataclass(frozen=True)
class Look:
    """How a method is drawn."""

    colour: str
    marker: str
    width: float
    dashes: str


def looks(methods: Sequence[str]) -> dict[str, Look]:
    """A look for each method; the same in all figures of a page."""
    found = {}
    peers = 0
    for method in methods:
        if is_ours(method):
            found[method] = Look(BLUE, "o", 2.0, "-")
        elif method == NULL_METHOD:
            found[method] = Look(GREY, ".", 1.2, "--")
        else:
            colour, marker = PEER_STYLES[peers % len(PEER_STYLES)]
            found[method] = Look(colour, marker, 1.3, "-")
            peers += 1
    return found


@contextmanager
def drawing() -> Iterator[None]:
    """The style of all figures, whatever the user's own settings are."""
    with mpl.rc_context():
        mpl.rcdefaults()
        with mpl.rc_context(STYLE):
            yield


def panels(
    rows: int, columns: int, legend_lines: int = 1, shares_y: bool = True
) -> tuple[Figure, np.ndarray]:
    """A figure of panels, Axes (rows, columns), with room for a legend below.

    shares_y: the panels of a row have the same y axis.
    """
    width, height = PANEL_INCHES if columns > 1 else LONE_PANEL_INCHES
    size = (width * columns, height * rows + LEGEND_INCHES * (legend_lines + 0.5))
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(
        rows, columns, squeeze=False, sharey="row" if shares_y else "none"
    )
    return figure, grid


def legend(figure: Figure, axes: Sequence[Axes], columns: int) -> None:
    """One legend below the panels, of what any of them shows."""
    shown: dict[str, Any] = {}
    for one in axes:
        handles, labels = one.get_legend_handles_labels()
        shown |= {label: handle for handle, label in zip(handles, labels, strict=True)}
    if shown:
        figure.legend(
            list(shown.values()), list(shown), loc="outside lower left", ncols=columns
        )


def legend_shape(labels: Sequence[str], columns: int) -> tuple[int, int]:
    """Columns and lines of a legend below that many columns of panels."""
    longest = max((len(label) for label in labels), default=1)
    width = PANEL_INCHES[0] * columns if columns > 1 else LONE_PANEL_INCHES[0]
    room = width / (0.072 * longest + 0.5)
    count = max(1, min(int(room), len(labels)))
    return count, -(-len(labels) // count)


def curve(
    axes: Axes,
    x: Sequence[float],
    found: Sequence[Estimate],
    label: str,
    look: Look,
    is_joined: bool = True,
) -> None:
    """A method's points with intervals, joined by a line or not."""
    value, low, high = (
        np.array([getattr(one, name) for one in found])
        for name in ("value", "low", "high")
    )
    bars = np.nan_to_num(np.stack([value - low, high - value]))
    axes.errorbar(
        x,
        value,
        yerr=np.maximum(bars, 0.0),
        label=label,
        color=look.colour,
        marker=look.marker,
        markersize=5,
        linewidth=look.width,
        linestyle=look.dashes if is_joined else "",
        elinewidth=0.9,
        capsize=0.0,
    )


def logarithmic(panel: Axes, axis: str) -> None:
    """Make the axis ("x" or "y") logarithmic, with a tick a decade."""
    panel.set(**{f"{axis}scale": "log"})
    (panel.xaxis if axis == "x" else panel.yaxis).set_minor_locator(NullLocator())


def ticks_at(axis: Axis, places: Sequence[float], labels: Sequence[str]) -> None:
    """Exactly these ticks, with these labels."""
    axis.set_major_locator(FixedLocator(list(places)))
    axis.set_minor_locator(NullLocator())
    of = dict(zip(places, labels, strict=True))
    axis.set_major_formatter(FuncFormatter(lambda value, _: of.get(value, "")))


def save(figure: Figure, path: Path) -> None:
    """Write the figure as SVG without anything that differs between runs."""
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    # A hundredth of a point is enough; texts between the tags stay as they are.
    short = re.sub(
        r"<[^>]*>",
        lambda tag: re.sub(r"(\d\.\d\d)\d+", r"\1", tag.group()),
        text.getvalue(),
    )
    lines = (line.rstrip() for line in short.splitlines())
    with written_whole(path) as partial:
        partial.write_text("\n".join(lines) + "\n")
