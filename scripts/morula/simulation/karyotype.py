"""Abnormal sets of chromosomes: lost, gained, uniparental, in all cells or in some.

The kinds, and what each must say, stand in `morula.simulation.plan_checks`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from morula.errors import InputError
from morula.sex_chromosome import kind_of
from morula.simulation.copies import Copy, Stretch
from morula.simulation.plan_checks import FIELDS, MAY, MUST, NOT_GIVEN, ORIGINS
from morula.simulation.transmission import Given

# Kinds that say how many copies of the whole chromosome there are.
WHOLE = ("monosomy", "trisomy", "uniparental_disomy", "triploidy")
PARENTS = ("mother", "father")


@dataclass(frozen=True)
class Abnormality:
    """One abnormality. chrom, origin: empty where they do not apply; cells: share of
    the cells; start, end: bp, 1-based, inclusive, 0 for the whole chromosome."""

    kind: str
    chrom: str
    parent: str
    origin: str = ""
    cells: float = 1.0
    start: int = 0
    end: int = 0

    def concerns(self, chrom: str) -> bool:
        """Whether it changes the copies of `chrom`.

        A father's X and Y are one pair: what is lost or gained whole concerns both.
        """
        if self.kind == "triploidy" or self.chrom == chrom:
            return True
        is_pair = bool(kind_of(self.chrom) and kind_of(chrom))
        return is_pair and self.parent == "father" and self.kind in WHOLE


@dataclass(frozen=True)
class Inherited:
    """A copy, and how its chromatid came into the zygote: copies of one parent with the
    same `how` are one chromatid, copied in mitosis."""

    copy: Copy
    how: str


def parse(words: Sequence[str]) -> Abnormality:
    """An abnormality from its FIELDS as text, `.` where one is not given.

    Raises InputError for a word that is none of the possible, or a field that its kind
    needs or does not take.
    """
    shown = " ".join(words)
    given = {n: w for n, w in zip(FIELDS, words, strict=True) if w != NOT_GIVEN}
    kind, parent = given.pop("kind", ""), given.get("parent", "mother")
    if kind not in MUST:
        raise InputError(
            f"abnormality {shown!r}: no kind {kind!r}; expected one of"
            f" {', '.join(MUST)}"
        )
    if parent not in PARENTS:
        raise InputError(
            f"abnormality {shown!r}: no parent {parent!r}; expected mother or father"
        )
    for name in sorted(MUST[kind] - set(given)):
        raise InputError(f"abnormality {shown!r}: a {kind} needs `{name}`")
    for name in sorted(set(given) - MUST[kind] - MAY.get(kind, set())):
        raise InputError(
            f"abnormality {shown!r}: a {kind} takes no `{name}`; expected"
            f" {NOT_GIVEN!r} in its place"
        )
    origins = ORIGINS.get(f"{kind} of the {parent}", ORIGINS.get(kind, set()))
    origin = given.get("origin", "")
    if origin and origin not in origins:
        raise InputError(
            f"abnormality {shown!r}: no origin {origin!r}; expected one of"
            f" {', '.join(sorted(origins))}"
        )
    cells, start, end = _numbers(shown, given)
    return Abnormality(kind, given.get("chrom", ""), parent, origin, cells, start, end)


def _numbers(shown: str, given: Mapping[str, str]) -> tuple[float, int, int]:
    try:
        cells = float(given.get("cells", "1"))
        start, end = (int(given.get(name, "0")) for name in ("start", "end"))
    except ValueError as error:
        raise InputError(f"abnormality {shown!r}: {error}; expected a number") from None
    if not 0.0 < cells <= 1.0:
        raise InputError(
            f"abnormality {shown!r}: cells {given['cells']}; expected a share above 0,"
            " at most 1"
        )
    if "start" in given and not 1 <= start <= end:
        raise InputError(
            f"abnormality {shown!r}: from {start} to {end}; expected positions from 1"
            " that rise"
        )
    return cells, start, end


def check(
    abnormalities: Sequence[Abnormality], lengths: Mapping[str, int], sex: str
) -> None:
    """Raise InputError, with all mistakes, when these cannot be done.

    lengths: bp of each chromosome that is simulated; sex: `female` or `male`, by the
    sperm's sex chromosome.
    """
    mistakes = [
        f"{one.kind} of the {one.parent}: {mistake}"
        for one in abnormalities
        for mistake in _mistakes(one, lengths, sex)
    ]
    for chrom in lengths:
        times = Counter(
            one.kind
            for one in abnormalities
            if one.kind in WHOLE and one.concerns(chrom)
        )
        if times.total() > 1:
            mistakes.append(
                f"{chrom}: {', '.join(times.elements())}; expected one at most"
            )
    if mistakes:
        raise InputError("\n".join(f"abnormality, {text}" for text in mistakes))


def _mistakes(one: Abnormality, lengths: Mapping[str, int], sex: str) -> Iterator[str]:
    if one.kind != "triploidy" and one.chrom not in lengths:
        yield (
            f"chromosome {one.chrom!r} is not simulated; expected one of"
            f" {', '.join(lengths)}"
        )
    elif one.end > lengths.get(one.chrom, one.end):
        yield (
            f"end {one.end} lies behind the {lengths[one.chrom]} bp of {one.chrom};"
            " expected an end within it"
        )
    kind = kind_of(one.chrom)
    if one.kind == "uniparental_disomy" and kind:
        yield f"of {one.chrom}; expected an autosome"
    if one.parent == "mother" and kind == "Y":
        yield "she has no Y; expected another chromosome, or the father"
    if one.parent == "father" and one.origin == "meiosis_1":
        if sex == "female" and any(map(kind_of, lengths)) and (kind or not one.chrom):
            yield "a sperm with X and Y makes a male; expected the sex male"
    elif one.parent == "father" and kind == ("Y" if sex == "female" else "X"):
        yield (
            f"he gives no {kind} to a {sex}; expected the other sex chromosome, or the"
            " other sex"
        )


def _within(
    stretches: Iterable[Stretch], start: int, end: int
) -> Iterator[tuple[Stretch, bool]]:
    """Pieces of stretches, and whether each lies from `start` to `end`."""
    for one in stretches:
        pieces = (
            (one.start, min(one.end, start - 1), False),
            (max(one.start, start), min(one.end, end), True),
            (max(one.start, end + 1), one.end, False),
        )
        for low, high, is_inside in pieces:
            if low <= high:
                yield replace(one, start=low, end=high), is_inside


def lost(
    stretches: Iterable[Stretch], start: int, end: int, cells: float
) -> tuple[Stretch, ...]:
    """The stretches without those from `start` to `end` in the cells below `cells`."""
    kept = (
        replace(one, cells_from=max(one.cells_from, cells)) if is_inside else one
        for one, is_inside in _within(stretches, start, end)
    )
    return tuple(one for one in kept if one.cells_from < one.cells_to)


def gained(
    stretches: Iterable[Stretch], start: int, end: int, cells: float
) -> tuple[Stretch, ...]:
    """The parts from `start` to `end`, in the cells below `cells` alone."""
    parts = (
        replace(one, cells_to=min(one.cells_to, cells))
        for one, is_inside in _within(stretches, start, end)
        if is_inside
    )
    return tuple(one for one in parts if one.cells_from < one.cells_to)


def copies_of(
    given: tuple[Given, Given],
    abnormalities: Iterable[Abnormality],
    chrom: str,
    length_bp: int,
) -> list[Inherited]:
    """The copies of `chrom` that a child has: the mother's, the father's, then extra
    ones in the order of the abnormalities; of a uniparental chromosome both are the
    one parent's.

    given: what the mother and the father give. Raises InputError when a segment is of a
    copy that is not there.
    """
    by_parent = dict(zip(PARENTS, given, strict=True))
    copies = [
        *_given_copy("mother", "gamete", given[0], length_bp),
        *_given_copy("father", "gamete", given[1], length_bp),
    ]
    concerned = [one for one in abnormalities if one.concerns(chrom)]
    for one in sorted(concerned, key=lambda one: one.kind not in WHOLE):
        if one.origin:
            if one.kind == "uniparental_disomy":
                copies = [found for found in copies if found.copy.parent == one.parent]
            source = by_parent[one.parent]
            copies += _given_copy(one.parent, one.origin, source, length_bp, one.cells)
        elif one.kind == "monosomy":
            _change(copies, replace(one, start=1, end=length_bp))
        else:
            _change(copies, one)
    return copies


def _given_copy(
    parent: str, how: str, given: Given, length_bp: int, cells: float = 1.0
) -> list[Inherited]:
    """The copy that the parent gives in this way: none, if not this chromosome."""
    stretches = given.get(how)
    if stretches is None:
        return []
    kept = gained(stretches, 1, length_bp, cells)
    return [Inherited(Copy(parent, kept), "gamete" if how == "mitotic" else how)]


def _change(copies: list[Inherited], one: Abnormality) -> None:
    """Take the segment from the parent's first copy, or add it as another copy."""
    own = [n for n, found in enumerate(copies) if found.copy.parent == one.parent]
    if not own and one.kind == "monosomy":
        # A lost X of the father is no loss of Y, and the other way round.
        return
    if not own or not copies[own[0]].copy.stretches:
        raise InputError(
            f"abnormality, {one.kind} of the {one.parent}: no copy of that parent is"
            f" left of {one.chrom}; expected no such segment, or the other parent"
        )
    source = copies[own[0]]
    apply = gained if one.kind == "segmental_gain" else lost
    left = apply(source.copy.stretches, one.start, one.end, one.cells)
    changed = replace(source, copy=Copy(one.parent, left))
    if one.kind == "segmental_gain":
        copies.append(changed)
    else:
        copies[own[0]] = changed
