"""The family among the panel's samples on the principal components."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

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
    YELLOW,
    Scale,
    element,
    line,
    picture,
    short,
    spread_scale,
    text,
    tick_words,
    ticks,
)
from morula.report_tables import PanelSample, Placement

PALETTE = (BLUE, ORANGE, GREEN, PURPLE, YELLOW, SKY, VERMILLION, GREY)
SIDE, LEFT, BOTTOM, LABELS = 400.0, 46.0, 40.0, 96.0
LABEL_STEP = 15.0
# More labels than this would not fit beside the picture; parents are always labelled.
MOST_LABELS = 20


def group_colours(panel: Sequence[PanelSample]) -> dict[str, str]:
    """A colour for each superpopulation; beyond eight they repeat."""
    names = sorted({sample.superpopulation for sample in panel})
    return {name: PALETTE[i % len(PALETTE)] for i, name in enumerate(names)}


def component_pairs(
    panel: Sequence[PanelSample], n_members: int
) -> list[tuple[int, int]]:
    """Pairs of components (0-based) to draw: 1 and 2, then 3 and 4."""
    counts = [len(sample.components) for sample in panel]
    n_components = min([*counts, n_members])
    if n_components == 1:
        return [(0, 0)]
    return [(i, i + 1) for i in (0, 2) if i + 1 < n_components]


def draw_components(
    panel: Sequence[PanelSample], members: Sequence[Placement], pair: tuple[int, int]
) -> Markup:
    """Panel samples as small marks by superpopulation, members as labelled ones."""
    first, second = pair
    points = [sample.components for sample in panel]
    points += [member.components for member in members]
    x_scale = spread_scale((p[first] for p in points), LEFT, LEFT + SIDE)
    y_scale = spread_scale((p[second] for p in points), SIDE, 8.0)
    parts = _frame(x_scale, y_scale, pair)
    parts += _panel_marks(panel, x_scale, y_scale, pair)
    parts += _members(members, x_scale, y_scale, pair)
    label = f"Family and panel on principal components {first + 1} and {second + 1}"
    return picture(LEFT + SIDE + LABELS, SIDE + BOTTOM, label, parts)


def _frame(x_scale: Scale, y_scale: Scale, pair: tuple[int, int]) -> list[Markup]:
    parts = [
        element(
            "rect", x=LEFT, y=8, width=SIDE, height=SIDE - 8, fill="none", stroke=LINE
        )
    ]
    for value in ticks(x_scale.low, x_scale.high):
        x = x_scale.at(value)
        words = tick_words(value)
        parts.append(line(x, SIDE, x, SIDE + 4, stroke=LINE))
        parts.append(text(x, SIDE + 16, words, class_="tiny", text_anchor="middle"))
    for value in ticks(y_scale.low, y_scale.high):
        y = y_scale.at(value)
        words = tick_words(value)
        parts.append(line(LEFT - 4, y, LEFT, y, stroke=LINE))
        parts.append(text(LEFT - 7, y + 3, words, class_="tiny", text_anchor="end"))
    middle = LEFT + SIDE / 2
    parts.append(
        text(middle, SIDE + 33, f"PC{pair[0] + 1}", fill=SOFT, text_anchor="middle")
    )
    parts.append(text(LEFT + 6, 22, f"PC{pair[1] + 1}", fill=SOFT))
    return parts


def _panel_marks(
    panel: Sequence[PanelSample], x_scale: Scale, y_scale: Scale, pair: tuple[int, int]
) -> list[Markup]:
    """One path a superpopulation: thousands of samples stay some tens of kilobytes."""
    colours = group_colours(panel)
    steps: dict[str, list[str]] = {name: [] for name in colours}
    for sample in panel:
        x = short(x_scale.at(sample.components[pair[0]]))
        y = short(y_scale.at(sample.components[pair[1]]))
        steps[sample.superpopulation].append(f"M{x} {y}h0")
    return [
        element(
            "path",
            d="".join(d),
            stroke=colours[name],
            stroke_width=5,
            stroke_linecap="round",
            opacity=".45",
        )
        for name, d in steps.items()
    ]


def _members(
    members: Sequence[Placement],
    x_scale: Scale,
    y_scale: Scale,
    pair: tuple[int, int],
) -> list[Markup]:
    """Marks of the family and, at the right edge, their names with leaders."""
    placed = [
        (x_scale.at(m.components[pair[0]]), y_scale.at(m.components[pair[1]]), m)
        for m in members
    ]
    labelled = placed
    if len(placed) > MOST_LABELS:
        labelled = [place for place in placed if place[2].role in ("mother", "father")]
    labelled = sorted(labelled, key=lambda place: place[1])
    parts = []
    edge = LEFT + SIDE
    heights = label_heights([y for _, y, _ in labelled], 14.0, SIDE - 4.0)
    for (x, y, member), height in zip(labelled, heights, strict=True):
        parts.append(line(x, y, edge + 6, height, stroke=INK, stroke_width=0.5))
        parts.append(text(edge + 9, height + 4, member.sample, class_="name"))
    return parts + [_mark(x, y, member.role) for x, y, member in placed]


def _mark(x: float, y: float, role: str) -> Markup:
    """Circle: mother; square: father; triangle: embryo or child."""
    style = {"fill": "#fff", "stroke": INK, "stroke_width": 2}
    if role == "mother":
        return element("circle", cx=x, cy=y, r=5.5, **style)
    if role == "father":
        return element("rect", x=x - 5, y=y - 5, width=10, height=10, **style)
    d = f"M{short(x)} {short(y - 6)}l5.5 10h-11Z"
    return element("path", d=d, **{**style, "fill": "#FFD84D"})


def label_heights(wanted: Sequence[float], low: float, high: float) -> list[float]:
    """Heights near the wanted ones (ascending), LABEL_STEP apart and inside [low,
    high] as long as they fit."""
    heights: list[float] = []
    for y in wanted:
        least = heights[-1] + LABEL_STEP if heights else low
        heights.append(max(y, least))
    ceiling = high
    for i in reversed(range(len(heights))):
        heights[i] = max(low, min(heights[i], ceiling))
        ceiling = heights[i] - LABEL_STEP
    return heights


def draw_admixture(members: Sequence[Placement], colours: dict[str, str]) -> Markup:
    """A stacked bar of admixture proportions for every member."""
    row, start, width = 22.0, 150.0, 480.0
    parts = []
    for i, member in enumerate(members):
        y = 4.0 + row * i
        parts.append(
            text(start - 10, y + 13, member.sample, class_="name", text_anchor="end")
        )
        x = start
        for name, share in member.admixture.items():
            step = width * (share or 0.0)
            fill = colours.get(name, GREY)
            if step > 0.2:
                parts.append(
                    element("rect", x=x, y=y, width=step, height=16, fill=fill)
                )
            if step > 44:
                words = f"{name} {100 * (share or 0.0):.0f} %"
                parts.append(text(x + 5, y + 12, words, class_="inbar"))
            x += step
    label = "Admixture proportions of each member of the family"
    return picture(start + width + 10, 8.0 + row * len(members), label, parts)
