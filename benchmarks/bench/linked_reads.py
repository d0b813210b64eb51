"""A parent's read pairs that link hets, perfectly placed, for read-backed phasing.

Only pairs that cover two or more of the parent's called hets are made; the others say
nothing of phase. Of a haplotype's alleles the reads show the SNVs.

Shapes: n pairs, R read length, H hets. Mates: 0 the leftmost. Positions are 1-based but
for `start0`.
"""

from __future__ import annotations

import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cyvcf2
import numpy as np
import pysam
from numpy.typing import NDArray

from morula.call_files import samples_of
from morula.haplotypes import Genotypes
from morula.simulation.quality import QUALITIES, WRONG, quality_shares
from morula.simulation.sequence import LETTERS, encode
from morula.simulation.streams import stream

MAPPING_QUALITY = 60
# Pairs whose bases are made at once.
AT_ONCE = 1 << 14
# SAM flags of the leftmost and the other mate, by whether the leftmost is mate 1.
FLAGS = ((163, 83), (99, 147))


@dataclass(frozen=True)
class Library:
    """How a parent is read. read_length, insert_mean, insert_sd: bp; error_rate: mean
    share of wrong bases; depth: reads over a base, duplicates included; duplicate_rate:
    their share, which links no more than the pairs they copy and is left out."""

    read_length: int
    insert_mean: float
    insert_sd: float
    error_rate: float
    duplicate_rate: float
    depth: float


@dataclass(frozen=True)
class Pairs:
    """Linking pairs in the order of their start. start0: int64 (n,), 0-based; size:
    int64 (n,), bp from end to end; haplotype: int8 (n,), 0 or 1."""

    start0: NDArray[np.int64]
    size: NDArray[np.int64]
    haplotype: NDArray[np.int8]


def called_hets(path: Path, sample: str) -> NDArray[np.int64]:
    """Positions of a sample's called heterozygous SNVs, int64 (H,), rising."""
    column = samples_of(path).index(sample)
    found = [
        record.POS
        for record in cyvcf2.VCF(str(path))
        if record.is_snp and record.gt_types[column] == 1
    ]
    return np.array(found, dtype=np.int64)


def linking_pairs(
    rng: np.random.Generator, het_bp: NDArray[np.int64], end_bp: int, library: Library
) -> Pairs:
    """Pairs at the library's depth over the stretch of the hets, those kept that cover
    two or more; end_bp: the chromosome's length, behind which no pair reaches."""
    if len(het_bp) < 2:
        none = np.empty(0, dtype=np.int64)
        return Pairs(none, none, none.astype(np.int8))
    length = library.read_length
    widest = round(library.insert_mean + 6 * library.insert_sd)
    first = max(int(het_bp[0]) - widest, 0)
    last = max(min(int(het_bp[-1]), end_bp - widest), first + 1)
    depth = library.depth * (1.0 - library.duplicate_rate)
    n = round(depth * (last - first) / (2 * length))
    drawn = np.rint(rng.normal(library.insert_mean, library.insert_sd, n))
    size = np.clip(drawn, length, widest).astype(np.int64)
    start0 = np.sort(rng.integers(first, last, n))
    haplotype = rng.integers(0, 2, n, dtype=np.int8)
    gap_start, gap_end = start0 + length, np.maximum(start0 + size - length, 0)
    before = np.searchsorted(het_bp, np.stack([start0, start0 + size]), side="right")
    inner = np.searchsorted(het_bp, np.stack([gap_start, gap_end]), side="right")
    unread = np.maximum(inner[1] - inner[0], 0)
    kept = before[1] - before[0] - unread >= 2
    return Pairs(start0[kept], size[kept], haplotype[kept])


def haplotype_codes(
    genome: Path, truth: Genotypes, first0: int, last0: int
) -> NDArray[np.uint8]:
    """Bases of both haplotypes over [first0, last0), uint8 (2, last0 - first0)."""
    with pysam.FastaFile(str(genome)) as fasta:
        codes = np.stack([encode(fasta.fetch(truth.chrom, first0, last0))] * 2)
    is_snv = np.array(
        [len(r) == len(a) == 1 for r, a in zip(truth.ref, truth.alt, strict=True)]
    )
    inside = is_snv & (truth.pos_bp > first0) & (truth.pos_bp <= last0)
    at, alt = truth.pos_bp[inside] - 1 - first0, encode("".join(truth.alt[inside]))
    for haplotype in (0, 1):
        carries = truth.alleles[inside, 0, haplotype] == 1
        codes[haplotype, at[carries]] = alt[carries]
    return codes


def sequenced(
    rng: np.random.Generator, bases: NDArray[np.uint8], below: NDArray[np.float64]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Bases (k, R) in the order of the cycles as read, and their qualities; below:
    float64 (R, 3), running sums of the shares of the qualities."""
    draws = rng.random(bases.shape)
    grade = (draws[..., None] >= below[None, :, :2]).sum(axis=2)
    wrong = rng.random(bases.shape) < WRONG[grade]
    shifted = (bases + rng.integers(1, 4, bases.shape, dtype=np.uint8)) % 4
    read = np.where(wrong & (bases < 4), shifted, bases).astype(np.uint8)
    return read, QUALITIES[grade].astype(np.uint8)


def mates(
    rng: np.random.Generator,
    codes: NDArray[np.uint8],
    first0: int,
    pairs: Pairs,
    library: Library,
) -> Iterator[tuple[int, int, int, str, bytes]]:
    """(pair, mate, position, bases, qualities) of all mates, in no order."""
    cycles = np.arange(library.read_length)
    below = np.cumsum(quality_shares(library.error_rate, library.read_length), axis=1)
    for begin in range(0, len(pairs.start0), AT_ONCE):
        rows = np.arange(begin, min(begin + AT_ONCE, len(pairs.start0)))
        left = pairs.start0[rows] - first0
        for mate, start in enumerate((left, left + pairs.size[rows] - len(cycles))):
            true = codes[pairs.haplotype[rows, None], start[:, None] + cycles]
            # The rightmost mate is read from its end: its last base is its first cycle.
            turn = slice(None, None, -1 if mate else 1)
            read, quality = sequenced(rng, true[:, turn], below)
            letters = LETTERS[read[:, turn]]
            for row, place, text, grades in zip(
                rows.tolist(), start.tolist(), letters, quality[:, turn], strict=True
            ):
                yield row, mate, place + first0, text.tobytes().decode(), grades


def write_linked_reads(
    path: Path,
    truth: Genotypes,
    het_bp: NDArray[np.int64],
    genome: Path,
    library: Library,
    seed: int,
) -> int:
    """Write a parent's linking pairs as sorted and indexed BAM; returns their number.

    truth: its two haplotypes (one sample); het_bp: its called hets, rising; genome: an
    indexed FASTA. The same input gives the same bytes. The reads are not those that its
    calls were made of: of the simulated calls only the counts exist.
    """
    (sample,) = truth.samples
    rng = stream(seed, "linked reads", sample, truth.chrom)
    with pysam.FastaFile(str(genome)) as fasta:
        lengths = dict(zip(fasta.references, fasta.lengths, strict=True))
    header = pysam.AlignmentHeader.from_dict(
        {
            "HD": {"VN": "1.6", "SO": "coordinate"},
            "SQ": [{"SN": name, "LN": length} for name, length in lengths.items()],
            "RG": [{"ID": sample, "SM": sample}],
        }
    )
    pairs = linking_pairs(rng, het_bp, lengths[truth.chrom], library)
    partial = path.with_name(f".partial-{path.name}")
    with pysam.AlignmentFile(str(partial), "wb", header=header) as target:
        for record in _records(rng, header, truth, genome, pairs, library):
            target.write(record)
    pysam.index(str(partial))
    Path(f"{partial}.bai").replace(f"{path}.bai")
    partial.replace(path)
    return len(pairs.start0)


def _records(
    rng: np.random.Generator,
    header: pysam.AlignmentHeader,
    truth: Genotypes,
    genome: Path,
    pairs: Pairs,
    library: Library,
) -> Sequence[pysam.AlignedSegment]:
    """BAM records of all mates by position."""
    if not len(pairs.start0):
        return []
    first0, last0 = int(pairs.start0[0]), int((pairs.start0 + pairs.size).max())
    codes = haplotype_codes(genome, truth, first0, last0)
    is_first = rng.integers(0, 2, len(pairs.start0))
    chrom_id, sample = header.get_tid(truth.chrom), truth.samples[0]
    records = []
    for row, mate, start, text, grades in mates(rng, codes, first0, pairs, library):
        left, size = int(pairs.start0[row]), int(pairs.size[row])
        record = pysam.AlignedSegment(header)
        record.query_name = f"{sample}:{row + 1}"
        record.flag = FLAGS[is_first[row]][mate]
        record.reference_id = record.next_reference_id = chrom_id
        record.reference_start = start
        record.next_reference_start = left if mate else left + size - len(text)
        record.template_length = -size if mate else size
        record.mapping_quality = MAPPING_QUALITY
        record.cigartuples = [(pysam.CMATCH, len(text))]
        record.query_sequence = text
        record.query_qualities = array.array("B", grades)
        record.set_tag("RG", sample)
        records.append((start, row, mate, record))
    records.sort(key=lambda one: one[:3])
    return [record for *_, record in records]
