"""The kernel of the counts mode: fragments to the bases that a pileup would count.

Shapes: n fragments, P loci, M molecules, S sequences, R read length. Bases: codes of
`sequence`, A C G T = 0 1 2 3; at a locus that is no SNV 0 is REF and 1 is ALT; 4: the
sequence has nothing there.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

# The aligner's score threshold (bwa mem -T): a shorter piece of a read has no place.
SHORTEST_ALIGNED_BP = 30
# The pileup caps qualities at the mapping quality, which is 60 for all reads here.
HIGHEST_QUALITY = 60


class Library(NamedTuple):
    """Where the loci are, what stands there, and how reads err.

    offset int64 (P,), rising, in the molecules' coordinates; span int64 (P, 2), bases
    before and behind it that a read must cover too; bases uint8 (P, S); is_snv bool
    (P,); indel_error: P(a fragment shows the other allele of an indel).
    first int64 (M + 1,), error_locus int64 (K,), error_base uint8 (K,), error_fraction
    float64 (K,): clonal errors (`clonal_errors`), offsets being loci.
    sequence int32 (M,). bins float64 (R, B): running sums of the shares of the quality
    bins at each cycle; wrong float64 (B,); phred int64 (B,).
    read_length, min_quality; damage: share of a strand's cytosines read as thymine.
    """

    offset: NDArray[np.int64]
    span: NDArray[np.int64]
    bases: NDArray[np.uint8]
    is_snv: NDArray[np.bool_]
    indel_error: float
    sequence: NDArray[np.int32]
    first: NDArray[np.int64]
    error_locus: NDArray[np.int64]
    error_base: NDArray[np.uint8]
    error_fraction: NDArray[np.float64]
    bins: NDArray[np.float64]
    wrong: NDArray[np.float64]
    phred: NDArray[np.int64]
    read_length: int
    min_quality: int
    damage: float


@numba.njit(cache=True)
def _template_base(
    library: Library, molecule: int, locus: int, bottom: bool, rng: np.random.Generator
) -> int:
    """The base that a fragment of `molecule` shows at a locus, before sequencing."""
    base = int(library.bases[locus, library.sequence[molecule]])
    if base > 3:
        return base
    if not library.is_snv[locus]:
        return 1 - base if rng.random() < library.indel_error else base
    low, high = library.first[molecule], library.first[molecule + 1]
    at = low + np.searchsorted(library.error_locus[low:high], locus)
    while at < high and library.error_locus[at] == locus:
        if rng.random() < library.error_fraction[at]:
            base = int(library.error_base[at])
        at += 1
    # METHOD: cytosine decays to uracil, read as T: C>T on the strand that the fragment
    # descends from, G>A where that is the bottom strand.
    if library.damage > 0.0 and base == (2 if bottom else 1):
        if rng.random() < library.damage:
            base = 0 if bottom else 3
    return base


@numba.njit(cache=True)
def _sequenced(
    library: Library, base: int, cycle: int, is_snv: bool, rng: np.random.Generator
) -> tuple[int, int]:
    """(base, quality) as read at a cycle; a wrong base is one of the three others."""
    drawn = rng.random()
    kind = 0
    while kind < len(library.phred) - 1 and drawn >= library.bins[cycle, kind]:
        kind += 1
    if is_snv and rng.random() < library.wrong[kind]:
        base = (base + 1 + int(rng.random() * 3.0)) % 4
    return base, library.phred[kind]


@numba.njit(cache=True)
def _overlapped(one: tuple[int, int], two: tuple[int, int]) -> tuple[int, int]:
    """What the pileup makes of two mates over one base: their qualities add up where
    they agree; else the better counts with 0.8 of its quality."""
    # METHOD: as htslib's mpileup does; equal but different bases: the first.
    if one[0] == two[0]:
        return one[0], one[1] + two[1]
    if one[1] >= two[1]:
        return one[0], int(0.8 * one[1])
    return two[0], int(0.8 * two[1])


@numba.njit(cache=True)
def _covered(
    library: Library, locus: int, at: int, turned: bool, within: tuple[int, int, int]
) -> tuple[bool, bool]:
    """Whether the left and the right mate, each if it is aligned, cover a locus and its
    span; at: base of the fragment; the rest as in `_count_part`.

    METHOD: a mate tells an indel if it covers its whole stretch, with bases of low
    quality or not, as `indel_reads` has it.
    """
    begin, end, size = within
    reach = min(library.read_length, size)
    left, right = min(end, reach), max(begin, size - reach)
    before, behind = library.span[locus, 0], library.span[locus, 1]
    first = at - (behind if turned else before)
    last = at + (before if turned else behind)
    in_left = left - begin >= SHORTEST_ALIGNED_BP and first >= begin and last < left
    in_right = end - right >= SHORTEST_ALIGNED_BP and first >= right and last < end
    return in_left, in_right


@numba.njit(cache=True)
def _count_part(
    library: Library,
    place: tuple[int, int, bool],
    within: tuple[int, int, int],
    bottom: bool,
    rng: np.random.Generator,
    tally: NDArray[np.int32],
) -> tuple[int, int]:
    """Count one part of a fragment; returns its counted bases and the wrong ones.

    place: molecule, lowest offset, whether it is turned; within: first and last + 1
    base of the part in the fragment, and the fragment's size. tally int32 (P, 4, 3):
    forward and reverse reads and sum of qualities of each base.
    """
    molecule, start, turned = place
    begin, end, size = within
    counted = wrong = 0
    locus = int(np.searchsorted(library.offset, start))
    while locus < len(library.offset) and library.offset[locus] < start + end - begin:
        along = library.offset[locus] - start
        at = end - 1 - along if turned else begin + along
        in_left, in_right = _covered(library, locus, at, turned, within)
        true = int(library.bases[locus, library.sequence[molecule]])
        if true < 4 and (in_left or in_right):
            snv = library.is_snv[locus]
            base = _template_base(library, molecule, locus, bottom != turned, rng)
            seen, is_right = (base, 0), in_right
            if in_left:
                seen = _sequenced(library, base, at, snv, rng)
            if in_right:
                other = _sequenced(library, base, size - 1 - at, snv, rng)
                if in_left:
                    is_right = rng.random() < 0.5
                    seen = _overlapped(seen, other)
                else:
                    seen = other
            if not snv or seen[1] >= library.min_quality:
                tally[locus, seen[0], 1 if is_right != turned else 0] += 1
                tally[locus, seen[0], 2] += min(seen[1], HIGHEST_QUALITY)
                counted += 1
                wrong += seen[0] != true
        locus += 1
    return counted, wrong


@numba.njit(cache=True, nogil=True)
def count_fragments(
    library: Library,
    molecule: tuple[NDArray[np.int32], NDArray[np.int32]],
    start: tuple[NDArray[np.int64], NDArray[np.int64]],
    size: NDArray[np.int64],
    join: NDArray[np.int64],
    second_reverse: NDArray[np.bool_],
    bottom: NDArray[np.bool_],
    is_copy: NDArray[np.bool_],
    rng: np.random.Generator,
    tally: NDArray[np.int32],
) -> tuple[int, int]:
    """Add what n fragments show to `tally` (P, 4, 3); returns the numbers of counted
    and of wrong bases. Arguments: fields of `Fragments`, pairs: first and second part.

    METHOD: PCR copies are marked and left out; what mates share counts once; adapters
    are trimmed; of a chimera each piece of a read counts that is long enough to be
    aligned (the shorter as a supplementary alignment), the rest is clipped; bases
    below the least quality are left out: as `count_alleles` does with reads.
    """
    counted = wrong = 0
    for i in range(len(size)):
        if is_copy[i]:
            continue
        place = (int(molecule[0][i]), start[0][i], False)
        part = (0, join[i], size[i])
        found = _count_part(library, place, part, bottom[i], rng, tally)
        counted, wrong = counted + found[0], wrong + found[1]
        if join[i] < size[i]:
            place = (int(molecule[1][i]), start[1][i], second_reverse[i])
            part = (join[i], size[i], size[i])
            found = _count_part(library, place, part, bottom[i], rng, tally)
            counted, wrong = counted + found[0], wrong + found[1]
    return counted, wrong
