"""Allele counts of one sample at given sites, straight from its molecules: what the
call stage would count in its reads, without making them.

Shapes: L sites (records: POS, REF, one ALT), P loci (an SNV position, or an indel).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

from morula.simulation.clonal_errors import draw_clonal_errors
from morula.simulation.count_kernel import Library, count_fragments
from morula.simulation.fragments import Fragments
from morula.simulation.loci import ABSENT, Chromosome, Loci, loci_of
from morula.simulation.molecules import (
    Pool,
    batches,
    fragment_model,
    make_pool,
)
from morula.simulation.quality import QUALITIES, WRONG, quality_shares
from morula.simulation.streams import stream
from morula.simulation.template import shares_at
from morula.simulation.tube import Contents, Tube

# METHOD: reads that show the other allele of an indel since a polymerase slipped: as
# many as in real reads without PCR (docs/methods.md).
INDEL_ERROR = 0.0015


@dataclass(frozen=True)
class CountModel:
    """How the DNA is read and counted.

    read_length, insert_mean, insert_sd: bp; error_rate: mean share of wrong bases of
    the sequencer; duplicate_rate: share of the pairs that are PCR copies;
    min_base_quality: below it a base is not counted.
    """

    read_length: int
    insert_mean: float
    insert_sd: float
    error_rate: float
    duplicate_rate: float
    min_base_quality: int


@dataclass(frozen=True)
class Counted:
    """Counts of one chromosome, and the truth behind them.

    forward, reverse, quality: int32 (L, 2): reads of REF and ALT by strand, and the sum
    of their qualities. tally: see there. maternal_share: float64 (L,), see
    `template.shares_at`.
    """

    chrom: str
    forward: NDArray[np.int32]
    reverse: NDArray[np.int32]
    quality: NDArray[np.int32]
    tally: Tally
    maternal_share: NDArray[np.float64]

    @property
    def depths(self) -> NDArray[np.int32]:
        """Reads of REF and ALT, int32 (L, 2)."""
        return self.forward + self.reverse


def _library(
    rng: np.random.Generator, tube: Tube, pool: Pool, loci: Loci, model: CountModel
) -> Library:
    """What the kernel needs to know."""
    letters = np.where(loci.is_snv[:, None], loci.bases, np.uint8(ABSENT))
    errors = draw_clonal_errors(
        rng, tube.protocol, pool.sequence, list(np.ascontiguousarray(letters.T))
    )
    bins = np.cumsum(quality_shares(model.error_rate, model.read_length), axis=1)
    return Library(
        offset=loci.offset,
        span=loci.span,
        bases=loci.bases,
        is_snv=loci.is_snv,
        indel_error=INDEL_ERROR,
        sequence=pool.sequence,
        first=errors.first,
        error_locus=errors.offset,
        error_base=errors.base,
        error_fraction=errors.fraction,
        bins=bins,
        wrong=WRONG,
        phred=QUALITIES.astype(np.int64),
        read_length=model.read_length,
        min_quality=model.min_base_quality,
        damage=tube.protocol.damage_rate,
    )


def _count(
    library: Library,
    fragments: Fragments,
    rng: np.random.Generator,
    tally: NDArray[np.int32],
) -> tuple[int, int]:
    """Counted and wrong bases of a batch, whose bases are added to `tally`."""
    return count_fragments(
        library,
        (fragments.molecule, fragments.second_molecule),
        (fragments.start, fragments.second_start),
        fragments.size,
        fragments.join,
        fragments.second_reverse,
        fragments.bottom,
        fragments.duplicate_of >= 0,
        rng,
        tally,
    )


@dataclass(frozen=True)
class Numbers:
    """bases, wrong: counted bases, and those that are not the molecule's; fragments,
    foreign, copies: all, the contaminant's, PCR copies."""

    bases: int = 0
    wrong: int = 0
    fragments: int = 0
    foreign: int = 0
    copies: int = 0

    def __add__(self, other: Numbers) -> Numbers:
        pairs = zip(astuple(self), astuple(other), strict=True)
        return Numbers(*(one + two for one, two in pairs))


@dataclass(frozen=True)
class Tally:
    """What the fragments of one chromosome show at its loci: seen, int32 (P, 4, 3):
    forward and reverse reads and sum of qualities of each base."""

    loci: Loci
    seen: NDArray[np.int32]
    numbers: Numbers


def tally_chromosome(
    tube: Tube,
    chromosome: Chromosome,
    contents: Contents,
    model: CountModel,
    n_fragments: int,
) -> Tally:
    """Draw n fragments of a chromosome's contents and count what they show."""
    chrom = chromosome.own.chrom
    loci = loci_of(chromosome)
    pool = make_pool(contents.molecules, contents.n_own_copies)
    rng = stream(tube.seed, "clonal errors", tube.sample, chrom)
    library = _library(rng, tube, pool, loci, model)
    rng = stream(tube.seed, "counts", tube.sample, chrom)
    seen = np.zeros((len(loci.offset), 4, 3), dtype=np.int32)
    numbers = Numbers()
    drawing = fragment_model(
        tube.protocol, model.insert_mean, model.insert_sd, model.duplicate_rate
    )
    for fragments in batches(rng, pool, drawing, n_fragments):
        bases, wrong = _count(library, fragments, rng, seen)
        foreign = int(pool.origin[fragments.molecule].sum())
        copies = int((fragments.duplicate_of >= 0).sum())
        n = len(fragments.size)
        numbers += Numbers(bases, wrong, n, foreign, copies)
    return Tally(loci, seen, numbers)


def count_chromosome(
    tube: Tube,
    chromosome: Chromosome,
    contents: Contents,
    model: CountModel,
    n_fragments: int,
) -> Counted:
    """Counts at the chromosome's sites, and the truth of its template."""
    tally = tally_chromosome(tube, chromosome, contents, model, n_fragments)
    found = tally.seen[tally.loci.locus[:, None], tally.loci.codes]
    own, copies = contents.own(), chromosome.own.copies
    offsets = chromosome.sites.pos_bp - 1 - chromosome.region.start0
    return Counted(
        chrom=chromosome.own.chrom,
        forward=np.ascontiguousarray(found[:, :, 0]),
        reverse=np.ascontiguousarray(found[:, :, 1]),
        quality=np.ascontiguousarray(found[:, :, 2]),
        tally=tally,
        maternal_share=shares_at(own, copies, offsets, round(model.insert_mean)),
    )


def contents_of(tube: Tube, chromosome: Chromosome) -> Contents:
    """The molecules of a chromosome in the tube; each call makes the same."""
    other = chromosome.other.copies if chromosome.other else []
    own = chromosome.own
    return tube.chromosome(own.chrom, own.copies, other, chromosome.region)


def n_pairs(span_bp: int, depth: float, model: CountModel) -> int:
    """Pairs of reads that cover `span_bp` bases at a mean depth."""
    return round(depth * span_bp / (2 * model.read_length))


def count_tube(
    tube: Tube, chromosomes: Sequence[Chromosome], depth: float, model: CountModel
) -> Iterator[tuple[Counted, Contents]]:
    """Counts of each chromosome of a sample that is read at a mean depth, duplicates
    included, and its molecules.

    Chromosomes are made one after the other: the memory is that of the largest. Raises
    InputError when no template is left.
    """
    span = sum(one.region.span_bp for one in chromosomes)
    weights = [contents_of(tube, one).weights() for one in chromosomes]
    factor, numbers = tube.allot(weights, n_pairs(span, depth, model))
    for one, number in zip(chromosomes, numbers, strict=True):
        contents = contents_of(tube, one).mixed(factor)
        yield count_chromosome(tube, one, contents, model, number), contents
