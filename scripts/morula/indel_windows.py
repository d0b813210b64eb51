"""The stretch of the reference that a read must span to tell the alleles of an indel.

The bases that an indel changes can often be written at several places (a repeat), and a
read that ends inside tells nothing. Indels whose stretches overlap are told together:
the haplotypes of a cluster are REF, each ALT, and the ALTs that can go together.
Coordinates are 0-based, half-open.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

# A longer change is not counted: too few reads span it.
LONGEST_BP = 50
# METHOD: each ALT differs from REF in this many bases of the stretch at least, whether
# a read is laid on them from the left or from the right: one wrong base beside another
# of low quality still leaves them apart. Of two ALTs less is asked for: the same base
# lost before or behind a short interruption of a repeat may not differ in more.
MIN_APART = 4
MIN_APART_ALTS = 2
# A stretch that gets longer than this is not counted: too few reads span it.
WIDEST_BP = 100
# Of more indels in a cluster no haplotypes with several ALTs are told.
MOST_TOGETHER = 4
BASES = frozenset("ACGT")


@dataclass(frozen=True, slots=True, order=True)
class Indel:
    """One ALT allele; start0: of the first base of REF (the anchor)."""

    start0: int
    ref: str
    alt: str

    @property
    def end0(self) -> int:
        return self.start0 + len(self.ref)

    def overlaps(self, other: Indel) -> bool:
        """Whether one haplotype cannot carry both."""
        return self.start0 < other.end0 and other.start0 < self.end0


@dataclass(frozen=True, slots=True)
class Cluster:
    """Indels that are told together. start0, end0: the stretch; indels: in order;
    haplotypes: bases over the stretch, REF first; carried: of each haplotype, the
    places in `indels` of what it carries; longest: bases of the longest haplotype."""

    start0: int
    end0: int
    indels: tuple[Indel, ...]
    haplotypes: tuple[str, ...]
    carried: tuple[tuple[int, ...], ...]
    longest: int


def is_counted(ref: str, alt: str) -> bool:
    """Whether reads can be counted: an insertion or deletion of known, few bases."""
    change = abs(len(ref) - len(alt))
    return 0 < change <= LONGEST_BP and BASES.issuperset(ref + alt)


def _together(indels: Sequence[Indel], most: int) -> Iterator[tuple[int, ...]]:
    """Places of the indels that a haplotype may carry at once, none and one first;
    most: indels at once."""
    for size in range(most + 1):
        for places in combinations(range(len(indels)), size):
            chosen = [indels[place] for place in places]
            if not any(one.overlaps(two) for one, two in combinations(chosen, 2)):
                yield places


def _bases(indels: Sequence[Indel], reference: str, start0: int, end0: int) -> str:
    """A stretch of a haplotype that carries `indels`."""
    parts, place = [], start0
    for indel in indels:
        parts += [reference[place : indel.start0], indel.alt]
        place = indel.end0
    return "".join([*parts, reference[place:end0]])


def apart(one: str, two: str) -> tuple[int, int]:
    """In how many bases two haplotypes differ, laid on each other from the left end
    and from the right end, as far as both reach."""
    from_left = sum(a != b for a, b in zip(one, two, strict=False))
    from_right = sum(a != b for a, b in zip(one[::-1], two[::-1], strict=False))
    return from_left, from_right


def _lacking(haplotypes: Sequence[str]) -> tuple[int, int]:
    """How many bases too few the nearest haplotypes differ in, laid on each other from
    the left, and from the right; the first is REF."""
    right = left = -MIN_APART
    for place, one in enumerate(haplotypes):
        needed = MIN_APART_ALTS if place else MIN_APART
        for two in haplotypes[place + 1 :]:
            from_left, from_right = apart(one, two)
            right, left = max(right, needed - from_left), max(left, needed - from_right)
    return right, left


def _fitted(indels: Sequence[Indel], most: int, reference: str) -> Cluster | None:
    """The shortest stretch in which all haplotypes are apart; None where there is none
    up to WIDEST_BP."""
    carried = tuple(_together(indels, most))
    start0, end0 = indels[0].start0, max(indel.end0 for indel in indels)
    while 0 <= start0 and end0 <= len(reference) and end0 - start0 <= WIDEST_BP:
        haplotypes = tuple(
            _bases([indels[place] for place in places], reference, start0, end0)
            for places in carried
        )
        lacking_right, lacking_left = _lacking(haplotypes)
        if lacking_right <= 0 and lacking_left <= 0:
            if not BASES.issuperset(haplotypes[0]):
                return None
            longest = max(map(len, haplotypes))
            return Cluster(start0, end0, tuple(indels), haplotypes, carried, longest)
        # A base more adds one difference at most.
        end0 += max(lacking_right, 0)
        start0 -= max(lacking_left, 0)
    return None


def fit(indels: Sequence[Indel], reference: str) -> Cluster | None:
    """The cluster of `indels` (rising), with combinations where they can be told; None
    where not even single ALTs can."""
    most = len(indels) if len(indels) <= MOST_TOGETHER else 1
    found = _fitted(indels, most, reference)
    return found or (_fitted(indels, 1, reference) if most > 1 else None)


def clusters(indels: Sequence[Indel], reference: str) -> list[Cluster]:
    """Clusters in order, their stretches disjoint; indels that cannot be told are left
    out. reference: upper-case bases of the chromosome."""
    found: list[Cluster] = []
    for indel in sorted(set(indels)):
        now = fit([indel], reference)
        while now and found and now.start0 < found[-1].end0:
            now = fit(sorted({*found.pop().indels, *now.indels}), reference)
        if now:
            found.append(now)
    return found
