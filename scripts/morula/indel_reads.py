"""Reads of REF and ALT at indels, told by their bases and not by their CIGAR.

A read is evidence where its bases, clipped ones included, span the whole stretch in
which the alleles can be told (morula.indel_windows), and are decidedly nearer to one
haplotype than to all others. Where an aligner put the gap, or that it put none but
clipped the read, makes no difference.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pysam

from morula import pileup
from morula.indel_windows import Cluster, Indel, clusters

# METHOD: a read fits a haplotype with at most this many wrong bases in the stretch (a
# neighbouring SNV, a misread), and no other one with fewer than MARGIN more; a read of
# an allele that is not listed fits none.
MOST_WRONG = 2
MARGIN = 2
# Unmapped, secondary, QC failure, duplicate: what bcftools mpileup leaves out.
LEFT_OUT = 0x704
# Name, flag, place, mapping quality, CIGAR, bases and qualities: a CRAM's other fields
# are not decoded.
CRAM_FIELDS = "required_fields=0x63f"
MATCHES = frozenset({pysam.CMATCH, pysam.CEQUAL, pysam.CDIFF})
IN_READ = frozenset({pysam.CINS, pysam.CSOFT_CLIP})
IN_REFERENCE = frozenset({pysam.CDEL, pysam.CREF_SKIP})


@dataclass(frozen=True)
class Floors:
    """What counts: least mapping and base quality, and most fragments at a place."""

    min_mapping_quality: int
    min_base_quality: int
    max_depth: int


@dataclass(slots=True)
class Counts:
    """Of an indel, for REF and ALT each: forward reads, reverse reads, and the sum of
    their qualities."""

    forward: list[int] = field(default_factory=lambda: [0, 0])
    reverse: list[int] = field(default_factory=lambda: [0, 0])
    quality: list[int] = field(default_factory=lambda: [0, 0])

    def cells(self) -> str:
        """The cell AD:ADF:ADR:QS."""
        pairs = zip(self.forward, self.reverse, strict=True)
        depths = [one + two for one, two in pairs]
        parts = (depths, self.forward, self.reverse, self.quality)
        return ":".join(f"{ref},{alt}" for ref, alt in parts)


@dataclass(frozen=True, slots=True)
class Told:
    """What a fragment shows: haplotype of the cluster, its quality (Phred, at most the
    mapping quality), strand."""

    haplotype: int
    quality: int
    is_reverse: bool


# By the names of the fragments over a cluster; None where mates contradict each other.
Fragments = dict[str, Told | None]


def query_places(
    cigar: Sequence[tuple[int, int]], start0: int, wanted: tuple[int, int]
) -> tuple[int, int]:
    """Where in the read the bases lie that are aligned to the two `wanted` bases of the
    reference; -1 where none is. start0: of the alignment."""
    first = last = -1
    place, query = start0, 0
    for operation, length in cigar:
        if operation in MATCHES:
            if place <= wanted[0] < place + length:
                first = query + wanted[0] - place
            if place <= wanted[1] < place + length:
                last = query + wanted[1] - place
            place, query = place + length, query + length
        elif operation in IN_READ:
            query += length
        elif operation in IN_REFERENCE:
            place += length
    return first, last


def tell(
    bases: str, qualities: bytes, ends: tuple[int, int], cluster: Cluster, floor: int
) -> tuple[int, int] | None:
    """The haplotype of `cluster` that a read shows, and the mean quality of its bases
    there; None where it shows none of them for sure.

    ends: places in the read of the stretch's first and last base, -1 where that is not
    aligned; floor: least base quality.

    METHOD: bases of low quality are not compared, rather than the read left out: hardly
    a long stretch is without one. A read needs room for the longest haplotype whichever
    it shows, or the longer allele would be counted more rarely.
    """
    ranked = []
    for haplotype, wanted in enumerate(cluster.haplotypes):
        size = len(wanted)
        for start in {ends[0], ends[1] + 1 - size if ends[1] >= 0 else -1}:
            if not 0 <= start <= len(bases) - size:
                continue
            seen, grades = bases[start : start + size], qualities[start : start + size]
            if seen == wanted:
                if min(grades) >= floor and start + cluster.longest <= len(bases):
                    return haplotype, sum(grades) // size
                ranked.append((0, haplotype, start))
                continue
            triples = zip(seen, wanted, grades, strict=True)
            wrong = sum(a != b and grade >= floor for a, b, grade in triples)
            ranked.append((wrong, haplotype, start))
    wrong, best, start = min(ranked, default=(MOST_WRONG + 1, 0, 0))
    if wrong > MOST_WRONG or start + cluster.longest > len(bases):
        return None
    if any(other < wrong + MARGIN for other, which, _ in ranked if which != best):
        return None
    size = len(cluster.haplotypes[best])
    return best, sum(qualities[start : start + size]) // size


def _look(
    read: pysam.AlignedSegment, cluster: Cluster, floors: Floors, seen: Fragments
) -> None:
    """Add to `seen` what a read tells of a cluster.

    METHOD: mates over one place count once, as in the pileup: with the sum of their
    qualities where they agree; where they do not, one of them errs, and neither counts.
    """
    name = read.query_name
    bases, grades = read.query_sequence, read.query_qualities
    cigar = read.cigartuples
    if name is None or bases is None or grades is None or cigar is None:
        return
    if name not in seen and len(seen) >= floors.max_depth:
        return
    wanted = cluster.start0, cluster.end0 - 1
    ends = query_places(cigar, read.reference_start, wanted)
    if ends == (-1, -1):
        return
    told = tell(bases, bytes(grades), ends, cluster, floors.min_base_quality)
    if told is None:
        return
    haplotype, quality = told
    most = read.mapping_quality
    now = Told(haplotype, min(quality, most), read.is_reverse)
    if name not in seen:
        seen[name] = now
    elif before := seen[name]:
        better = max(before, now, key=lambda one: one.quality)
        both = min(before.quality + now.quality, most)
        agree = before.haplotype == haplotype
        seen[name] = Told(haplotype, both, better.is_reverse) if agree else None


def _fragments(
    reads: Iterable[pysam.AlignedSegment], places: Sequence[Cluster], floors: Floors
) -> Iterator[tuple[Cluster, Fragments]]:
    """Each cluster, in order, with what the fragments over it tell; reads: by place."""
    waiting: dict[int, Fragments] = {}
    first = 0
    for read in reads:
        start0, end0 = read.reference_start, read.reference_end
        if end0 is None or read.flag & LEFT_OUT:
            continue
        if read.mapping_quality < floors.min_mapping_quality:
            continue
        while first < len(places) and places[first].end0 <= start0:
            yield places[first], waiting.pop(first, {})
            first += 1
        at = first
        while at < len(places) and places[at].start0 < end0:
            _look(read, places[at], floors, waiting.setdefault(at, {}))
            at += 1
        if first == len(places):
            return
    for at in range(first, len(places)):
        yield places[at], waiting.pop(at, {})


def _tally(cluster: Cluster, seen: Fragments) -> Iterator[tuple[Indel, Counts]]:
    """Counts of each indel of a cluster.

    A fragment of another ALT that lies over the same bases shows neither REF nor this
    ALT.
    """
    for place, indel in enumerate(cluster.indels):
        barred = {n for n, one in enumerate(cluster.indels) if one.overlaps(indel)}
        column = [
            1 if place in carried else 0 if barred.isdisjoint(carried) else -1
            for carried in cluster.carried
        ]
        counts = Counts()
        for told in seen.values():
            which = column[told.haplotype] if told else -1
            if told and which >= 0:
                strand = counts.reverse if told.is_reverse else counts.forward
                strand[which] += 1
                counts.quality[which] += told.quality
        yield indel, counts


def _reads(
    alignment: str | Path, genome: str, chrom: str, start0: int
) -> Iterator[pysam.AlignedSegment]:
    """Reads of a chromosome from start0 on, by place. Raises ToolError where a part of
    them cannot be read."""
    # As for the programs that are started (morula.processes): no server is asked.
    os.environ["REF_PATH"] = "."
    try:
        with pysam.AlignmentFile(
            str(alignment), reference_filename=genome, format_options=[CRAM_FIELDS]
        ) as handle:
            yield from handle.fetch(chrom, start0)
    except (OSError, ValueError) as error:
        about = f"counting indels on {chrom} ({error})"
        raise pileup.unreadable("pysam", about) from error


def count(
    alignment: str | Path,
    genome: str,
    chrom: str,
    indels: Sequence[Indel],
    floors: Floors,
) -> dict[Indel, Counts]:
    """Counts of all `indels` of a chromosome, in one pass over its reads; an indel that
    no read can span has zeros."""
    found = {indel: Counts() for indel in indels}
    with pysam.FastaFile(genome) as fasta:
        places = clusters(indels, fasta.fetch(chrom).upper())
    if places:
        reads = _reads(alignment, genome, chrom, places[0].start0)
        for cluster, seen in _fragments(reads, places, floors):
            found.update(_tally(cluster, seen))
    return found
