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
WIDTH, LABEL, TRACK, LANE_GAP, ROW_GAP = 520.0, 56.0, 6.0, 3.0, 9.0

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
    the chromosomes to draw, in order. Few long paths keep the page small."""
    if not lengths:
        return Markup("")
    parents = [p for p in ("mother", "father") if any(s.parent == p for s in segments)]
    scale = Scale(0.0, float(max(lengths.values())), LABEL, WIDTH - 6.0)
    row_height = len(parents) * (2 * TRACK + LANE_GAP) - LANE_GAP + ROW_GAP
    tops = {
        (parent, chrom): 4.0 + i * row_height + j * (2 * TRACK + LANE_GAP)
        for i, chrom in enumerate(lengths)
        for j, parent in enumerate(parents)
    }
    bottom = 4.0 + len(lengths) * row_height
    names = [
        text(
            LABEL - 8,
            4.0 + i * row_height + (row_height - ROW_GAP) / 2 + 4,
            chrom,
            class_="chrom",
            text_anchor="end",
        )
        for i, chrom in enumerate(lengths)
    ]
    parts = [
        _axis(scale, bottom),
        *names,
        _backgrounds(tops, lengths, scale),
        *_tracks(segments, tops, scale),
        *_marks(found, tops, scale),
    ]
    label = f"Chromosomes of {embryo}, coloured by the parents' haplotypes"
    return picture(WIDTH, bottom + 24.0, label, parts)


def _backgrounds(
    tops: Mapping[tuple[str, str], float], lengths: Mapping[str, int], scale: Scale
) -> Markup:
    """A pale bar for each parent's copy: what is not covered stays so."""
    steps = [
        f"M{short(scale.start)} {short(y + TRACK)}"
        f"H{short(scale.at(float(lengths[chrom])))}"
        for (_, chrom), y in tops.items()
    ]
    return element("path", d="".join(steps), stroke=PAPER, stroke_width=2 * TRACK)


def _tracks(
    segments: Iterable[Segment],
    tops: Mapping[tuple[str, str], float],
    scale: Scale,
) -> list[Markup]:
    """The segments, one path for each colour and opacity."""
    strokes: dict[tuple[str, str], list[str]] = {}
    for segment in segments:
        start, end = scale.at(segment.start - 1.0), scale.at(float(segment.end))
        track = 0.5 if segment.haplotype == 1 else 1.5
        y = tops[segment.parent, segment.chrom] + track * TRACK
        opacity = next(o for least, o in OPACITIES if segment.posterior >= least)
        colour = COLOURS[segment.parent, segment.haplotype]
        # Never thinner than what can be seen.
        step = f"M{short(start)} {short(y)}h{short(max(end - start, 0.3))}"
        strokes.setdefault((colour, opacity), []).append(step)
    return [
        element(
            "path", d="".join(d), stroke=colour, stroke_width=TRACK, opacity=opacity
        )
        for (colour, opacity), d in strokes.items()
    ]


def _marks(
    found: Iterable[Change], tops: Mapping[tuple[str, str], float], scale: Scale
) -> list[Markup]:
    """Lines across the lanes: whole for own changes, broken for shared ones."""
    steps: dict[bool, list[str]] = {}
    for change in found:
        x = short(scale.at(float(change.pos_bp)))
        y = short(tops[change.parent, change.chrom] - 1.5)
        step = f"M{x} {y}v{short(2 * TRACK + 3)}"
        steps.setdefault(change.is_shared, []).append(step)
    return [
        element(
            "path",
            d="".join(d),
            stroke=INK,
            stroke_width=1,
            stroke_dasharray="2 2" if is_shared else None,
        )
        for is_shared, d in sorted(steps.items())
    ]


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
