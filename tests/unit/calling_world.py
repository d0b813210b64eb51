"""A tiny chromosome, and BAM files of reads whose every base is known.

Reads are put at their place with their true CIGAR: no aligner is needed. Qualities are
30, a base in two hundred is wrong.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import pysam

CHROM = "chrT"
LENGTH = 4000
READ = 100


@dataclass(frozen=True)
class Variant:
    """pos_bp 1-based; REF and ALT as in VCF, left-aligned."""

    pos_bp: int
    ref: str
    alt: str


def make_genome(folder: Path) -> str:
    """Write genome.fa and its index; returns the bases."""
    rng = random.Random(7)
    bases = [rng.choice("ACGT")]
    while len(bases) < LENGTH:
        # No base twice in a row: an indel of one base is then left-aligned by itself.
        bases.append(rng.choice([base for base in "ACGT" if base != bases[-1]]))
    text = "".join(bases)
    (folder / "genome.fa").write_text(f">{CHROM}\n{text}\n")
    pysam.faidx(str(folder / "genome.fa"))
    return text


def other_base(base: str, step: int = 1) -> str:
    """A base that is not `base`; step 1 to 3 gives the three."""
    return "ACGT"[("ACGT".index(base) + step) % 4]


def haplotype_read(
    genome: str, variants: list[Variant], start0: int, length: int
) -> tuple[str, list[tuple[int, int]]]:
    """Bases and CIGAR of a read of a haplotype; it must not start in a variant."""
    by_place = {variant.pos_bp - 1: variant for variant in variants}
    bases, cigar, place = "", [], start0
    while len(bases) < length:
        variant = by_place.get(place)
        ref, alt = (variant.ref, variant.alt) if variant else (genome[place],) * 2
        bases += alt
        cigar.append((0, min(len(ref), len(alt))))
        if len(alt) > len(ref):
            cigar.append((1, len(alt) - len(ref)))
        elif len(ref) > len(alt):
            cigar.append((2, len(ref) - len(alt)))
        place += len(ref)
    merged: list[tuple[int, int]] = []
    for operation, count in cigar:
        if merged and merged[-1][0] == operation:
            merged[-1] = (operation, merged[-1][1] + count)
        else:
            merged.append((operation, count))
    return bases, merged


def write_bam(path: Path, sample: str, reads: list[pysam.AlignedSegment]) -> None:
    """Sorted, indexed BAM with one read group."""
    unsorted = path.with_suffix(".unsorted.bam")
    with pysam.AlignmentFile(str(unsorted), "wb", header=header_of(sample)) as handle:
        for read in reads:
            handle.write(read)
    pysam.sort("-o", str(path), str(unsorted))
    pysam.index(str(path))
    unsorted.unlink()


def header_of(sample: str) -> pysam.AlignmentHeader:
    return pysam.AlignmentHeader.from_dict(
        {
            "HD": {"VN": "1.6", "SO": "coordinate"},
            "SQ": [{"SN": CHROM, "LN": LENGTH}],
            "RG": [{"ID": "1", "SM": sample}],
        }
    )


def simulate_reads(
    genome: str,
    haplotypes: tuple[list[Variant], list[Variant]],
    sample: str,
    n_pairs: int,
    seed: int,
    gap: range = range(0),
) -> list[pysam.AlignedSegment]:
    """Proper pairs, half of them overlapping, from both haplotypes by turns; none
    touches `gap` (0-based)."""
    rng = random.Random(seed)
    reads = []
    for number in range(n_pairs):
        variants = haplotypes[number % 2]
        first = rng.randrange(0, LENGTH - 500)
        second = first + rng.randrange(20, 260)
        if any(place in gap for place in range(first, second + 130)):
            continue
        pair = []
        for mate, start0 in enumerate((first, second)):
            bases, cigar = haplotype_read(genome, variants, start0, READ)
            bases = "".join(
                other_base(base, rng.randint(1, 3)) if rng.random() < 0.005 else base
                for base in bases
            )
            read = pysam.AlignedSegment(header_of(sample))
            read.query_name = f"{sample}{number}"
            read.query_sequence = bases
            read.query_qualities = pysam.qualitystring_to_array("?" * len(bases))
            read.flag = (99, 147)[mate]
            read.reference_id = read.next_reference_id = 0
            read.reference_start, read.cigartuples = start0, cigar
            read.next_reference_start = (second, first)[mate]
            read.mapping_quality = 60
            read.set_tag("RG", "1")
            pair.append(read)
        pair[0].template_length = second + READ - first
        pair[1].template_length = -pair[0].template_length
        reads += pair
    return reads


def write_sites(path: Path, sites: list[tuple[int, str, str]]) -> None:
    """A table CHROM, POS, REF,ALT, bgzipped and indexed."""
    plain = path.with_suffix("")
    lines = [f"{CHROM}\t{pos_bp}\t{ref},{alt}\n" for pos_bp, ref, alt in sites]
    plain.write_text("".join(lines))
    pysam.tabix_compress(str(plain), str(path), force=True)
    pysam.tabix_index(str(path), seq_col=0, start_col=1, end_col=1, force=True)
