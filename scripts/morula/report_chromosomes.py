"""Which grandparental haplotype an embryo has where: pictures and counts of changes.

A parent's lane has two tracks, haplotype 1 above and 2 below, so that the picture does
not rest on colour alone. Faintness is uncertainty.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from morula.report_svg import (
    INK,
    LINE,
    PAPER,
    SOFT,
    Scale,
    element,
    line,
    picture,
    short,
    text,
)
from morula.report_tables import Segment

COLOURS = {
    ("mother", 1): "#C2410C",
    ("mother", 2): "#F2A65A",
    ("father", 1): "#0B5394",
    ("father", 2): "#63B3E4",
}
# Least posterior and the opacity with which it is drawn.
OPACITIES = ((0.99, "1"), (0.9, ".75"), (0.7, ".5"), (0.0, ".25"))
WIDTH, LABEL, TRACK, LANE_GAP, ROW_GAP = 520.0, 56.0, 5.0, 3.0, 9.0

# A picture of all segments of 50 whole genomes would be tens of megabytes where the
# parents' phase is poor: short segments are left out until this many are drawn.
MOST_SEGMENTS = 30_000
SHORTEST_BP = (0, 1_000, 10_000, 100_000, 1_000_000, 10_000_000)

# METHOD: changes of several embryos within this distance are taken for one event. It is
# some times the stretch in which a change can be placed at 1x, and far below the
# distance between independent crossovers of a few embryos (50 cM each).
SAME_PLACE_BP = 100_000


@dataclass(frozen=True)
class Change:
    """An embryo passes from one haplotype of a parent to the other near pos_bp.
    is_shared: most embryos do so there, as where the parent's phase has an error."""

    embryo: str
    parent: str
    chrom: str
    pos_bp: int
    is_shared: bool = False


def lanes(segments: Iterable[Segment]) -> dict[tuple[str, str, str], list[Segment]]:
    """Segments by embryo, parent and chromosome, in order of position."""
    found: dict[tuple[str, str, str], list[Segment]] = {}
    for segment in segments:
        key = (segment.embryo, segment.parent, segment.chrom)
        found.setdefault(key, []).append(segment)
    for lane in found.values():
        lane.sort(key=lambda segment: segment.start)
    return found


def changes(segments: Sequence[Segment]) -> list[Change]:
    """All changes of haplotype, those that most embryos share being marked."""
    found = []
    for (embryo, parent, chrom), lane in lanes(segments).items():
        for before, after in zip(lane, lane[1:], strict=False):
            if before.haplotype != after.haplotype:
                middle = (before.end + after.start) // 2
                found.append(Change(embryo, parent, chrom, middle))
    by_chromosome: dict[tuple[str, str], list[Change]] = {}
    for change in found:
        by_chromosome.setdefault((change.parent, change.chrom), []).append(change)
    carriers: dict[tuple[str, str], set[str]] = {}
    for segment in segments:
        key = (segment.parent, segment.chrom)
        carriers.setdefault(key, set()).add(segment.embryo)
    return [
        change
        for key, of_chromosome in by_chromosome.items()
        for change in _marked(of_chromosome, len(carriers[key]))
    ]


def _marked(of_chromosome: list[Change], n_embryos: int) -> list[Change]:
    """Changes of one parent's chromosome; METHOD: one that more than half of at least
    two embryos have within SAME_PLACE_BP is an error of the parent's phase, since a
    phase error moves every embryo and a crossover one."""
    ordered = sorted(of_chromosome, key=lambda change: change.pos_bp)
    marked: list[Change] = []
    while ordered:
        limit = ordered[0].pos_bp + SAME_PLACE_BP
        together = [change for change in ordered if change.pos_bp <= limit]
        n_sharing = len({change.embryo for change in together})
        is_shared = n_embryos >= 2 and 2 * n_sharing > n_embryos
        marked += [replace(change, is_shared=is_shared) for change in together]
        ordered = ordered[len(together) :]
    return marked


def drawn_from(segments: Sequence[Segment]) -> int:
    """Length in bp below which segments are not drawn, 0 if all are."""
    for shortest in SHORTEST_BP:
        if sum(s.end - s.start + 1 >= shortest for s in segments) <= MOST_SEGMENTS:
            return shortest
    return SHORTEST_BP[-1]


def draw_embryo(
    embryo: str,
    segments: Sequence[Segment],
    found: Sequence[Change],
    lengths: Mapping[str, int],
) -> Markup:
    """The chromosomes of one embryo, segments and changes being its own; lengths has
    the chromosomes to draw, in order."""
    if not lengths:
        return Markup("")
    parents = [p for p in ("mother", "father") if any(s.parent == p for s in segments)]
    scale = Scale(0.0, float(max(lengths.values())), LABEL, WIDTH - 6.0)
    lane_height = 2 * TRACK
    row_height = len(parents) * (lane_height + LANE_GAP) - LANE_GAP + ROW_GAP
    by_lane = lanes(segments)
    parts = [_axis(scale, 4.0 + len(lengths) * row_height)]
    for i, (chrom, length) in enumerate(lengths.items()):
        top = 4.0 + i * row_height
        middle = top + (row_height - ROW_GAP) / 2 + 4
        parts.append(
            text(LABEL - 8, middle, chrom, class_="chrom", text_anchor="end")
        )
        for j, parent in enumerate(parents):
            y = top + j * (lane_height + LANE_GAP)
            lane = by_lane.get((embryo, parent, chrom), [])
            here = [c for c in found if c.parent == parent and c.chrom == chrom]
            parts += _lane(lane, here, scale, y, length)
    height = 4.0 + len(lengths) * row_height + 24.0
    label = f"Chromosomes of {embryo}, coloured by the parents' haplotypes"
    return picture(WIDTH, height, label, parts)


def _lane(
    lane: Sequence[Segment],
    found: Sequence[Change],
    scale: Scale,
    y: float,
    length: int,
) -> list[Markup]:
    """One parent's copy of one chromosome: what is not covered stays pale."""
    width = scale.at(float(length)) - scale.start
    parts = [
        element("rect", x=scale.start, y=y, width=width, height=2 * TRACK, fill=PAPER)
    ]
    strokes: dict[tuple[str, str], list[str]] = {}
    for segment in lane:
        start, end = scale.at(segment.start - 1.0), scale.at(float(segment.end))
        middle = y + (0.5 if segment.haplotype == 1 else 1.5) * TRACK
        opacity = next(o for least, o in OPACITIES if segment.posterior >= least)
        colour = COLOURS[segment.parent, segment.haplotype]
        # Never thinner than what can be seen.
        step = f"M{short(start)} {short(middle)}h{short(max(end - start, 0.3))}"
        strokes.setdefault((colour, opacity), []).append(step)
    parts += [
        element("path", d="".join(d), stroke=colour, stroke_width=5, opacity=opacity)
        for (colour, opacity), d in strokes.items()
    ]
    for change in found:
        x = scale.at(float(change.pos_bp))
        style = {"stroke_dasharray": "2 2"} if change.is_shared else {}
        parts.append(
            line(x, y - 1.5, x, y + 2 * TRACK + 1.5, stroke=INK, stroke_width=1, **style)
        )
    return parts


def _axis(scale: Scale, y: float) -> Markup:
    """A rule of the length in Mb below the chromosomes."""
    end = scale.high / 1e6
    parts = [line(scale.start, y, scale.end, y, stroke=LINE)]
    for value in (0.0, end / 2, end):
        x = scale.at(value * 1e6)
        anchor = "start" if value == 0.0 else "end" if value == end else "middle"
        words = f"{value:.3g} Mb" if value else "0"
        parts.append(line(x, y, x, y + 4, stroke=LINE))
        parts.append(text(x, y + 15, words, fill=SOFT, text_anchor=anchor))
    return element("g", *parts)
