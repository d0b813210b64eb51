"""Simulate the paired-end reads of one sample from its true haplotypes.

With --amplified the DNA goes through whole-genome amplification first: alleles drop
out, the rest is skewed. Reads cover the stretch that the sample's sites span.
"""

from __future__ import annotations

import argparse
import gzip
import logging
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pysam
from numpy.typing import NDArray

from morula import tables
from morula.atomic import written_whole
from morula.cli import run
from morula.errors import InputError
from morula.haplotypes import Genotypes, read_genotypes
from morula.simulation.amplification import (
    Amplification,
    Template,
    amplify,
    ordinary,
    shares,
)
from morula.simulation.molecules import Molecules, join_molecules
from morula.simulation.reads import (
    ReadMaker,
    ReadModel,
    error_rate_limits,
    simulate_fastq,
)
from morula.simulation.sequence import HaplotypeSequence, apply_alleles, encode
from morula.simulation.streams import stream

logger = logging.getLogger("simulate_reads")
SHARE_COLUMNS = ("sample", "chrom", "start", "end", "maternal_share", "amount")


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", required=True)
    parser.add_argument("--genome", required=True, help="FASTA with its .fai beside")
    parser.add_argument("--truth", required=True, help="BCF of the sample's haplotypes")
    parser.add_argument("--chromosomes", required=True, nargs="+")
    parser.add_argument("--depth", required=True, type=float)
    parser.add_argument("--read-length", required=True, type=int, help="bp")
    parser.add_argument("--insert-mean", required=True, type=float, help="bp")
    parser.add_argument("--insert-sd", required=True, type=float, help="bp")
    parser.add_argument("--error-rate", required=True, type=float)
    parser.add_argument("--amplified", action="store_true")
    parser.add_argument("--dropout-rate", type=float, default=0.0)
    parser.add_argument("--amplicon-bp", type=float, default=1.0)
    parser.add_argument("--amount-shape", type=float, default=1.0)
    parser.add_argument("--damage-rate", type=float, default=0.0)
    parser.add_argument("--seed", required=True, type=int)
    parser.add_argument("--fq1", required=True, help="gzipped FASTQ to write")
    parser.add_argument("--fq2", required=True)
    parser.add_argument("--dropout", required=True, help="TSV: maternal share to write")
    args = parser.parse_args(argv)
    smallest, largest = error_rate_limits()
    if not smallest <= args.error_rate <= largest:
        parser.error(f"--error-rate: expected {smallest:.4f} to {largest:.4f}")
    return args


def templates(
    args: argparse.Namespace, chrom: str, span_bp: int
) -> tuple[Template, Template]:
    """Template of the maternal (first) and of the paternal copy of a chromosome."""
    if not args.amplified:
        return ordinary(span_bp), ordinary(span_bp)
    amplification = Amplification(
        args.dropout_rate, args.amplicon_bp, args.amount_shape
    )
    rng = stream(args.seed, "amplification", args.sample, chrom)
    return amplify(rng, span_bp, amplification), amplify(rng, span_bp, amplification)


def stretch_of(
    genome: pysam.FastaFile, genotypes: Genotypes, margin: int
) -> tuple[int, NDArray[np.uint8]]:
    """0-based start and codes of the stretch that the sites span, and a margin."""
    chrom = genotypes.chrom
    if chrom not in genome.references:
        raise InputError(f"{genome.filename.decode()}: no sequence {chrom!r}")
    if not len(genotypes.pos_bp):
        raise InputError(f"no sites on {chrom}: nothing to sequence")
    start0 = max(int(genotypes.pos_bp[0]) - 1 - margin, 0)
    codes = encode(genome.fetch(chrom, start0, int(genotypes.pos_bp[-1]) + margin))
    return start0, codes


def check_reference(
    genotypes: Genotypes, start0: int, codes: NDArray[np.uint8]
) -> None:
    """Raise InputError unless each REF is what the FASTA has there."""
    for pos, ref in zip(genotypes.pos_bp.tolist(), genotypes.ref, strict=True):
        offset = pos - 1 - start0
        if not np.array_equal(codes[offset : offset + len(ref)], encode(ref)):
            raise InputError(
                f"{genotypes.chrom}:{pos}: REF {ref} is not what the FASTA has there;"
                " expected founders of the same build"
            )


def copies_of(
    genotypes: Genotypes, start0: int, reference: NDArray[np.uint8]
) -> list[HaplotypeSequence]:
    """The maternal and the paternal copy of a chromosome's stretch."""
    copies = []
    for copy in range(2):
        carried = np.flatnonzero(genotypes.alleles[:, 0, copy] == 1)
        sequence = apply_alleles(
            reference,
            genotypes.pos_bp[carried] - 1 - start0,
            genotypes.ref[carried].tolist(),
            genotypes.alt[carried].tolist(),
        )
        if sequence.n_skipped:
            logger.info(
                "%s: %d overlapping alleles left out",
                genotypes.chrom,
                sequence.n_skipped,
            )
        copies.append(sequence)
    return copies


def molecules_of(
    args: argparse.Namespace, genome: pysam.FastaFile
) -> tuple[Molecules, int, list[dict[str, object]]]:
    """All molecules of the sample, the bases spanned, and rows of the share table."""
    parts: list[tuple[HaplotypeSequence, Template]] = []
    rows: list[dict[str, object]] = []
    spanned = 0
    # Beyond the first and the last site by more than a fragment, as far as there is
    # sequence, so that these sites are as deep as the others.
    margin = 2 * int(args.insert_mean)
    for chrom in args.chromosomes:
        genotypes = read_genotypes(args.truth, chrom, [args.sample])
        start0, reference = stretch_of(genome, genotypes, margin)
        check_reference(genotypes, start0, reference)
        spanned += len(reference)
        pair = templates(args, chrom, len(reference))
        parts += zip(copies_of(genotypes, start0, reference), pair, strict=True)
        for begin0, end0, share, amount in shares(*pair):
            cells = (args.sample, chrom, start0 + begin0 + 1, start0 + end0)
            row = dict(zip(SHARE_COLUMNS, (*cells, share, amount), strict=True))
            rows.append(row)
    return join_molecules(parts), spanned, rows


def write_reads(args: argparse.Namespace, maker: ReadMaker, n_pairs: int) -> None:
    """Write both FASTQ files, whole or not at all; the bytes hold no date."""
    with ExitStack() as stack:
        mates = []
        for path in (args.fq1, args.fq2):
            partial: Path = stack.enter_context(written_whole(path))
            plain = stack.enter_context(partial.open("wb"))
            packed = gzip.GzipFile("", "wb", compresslevel=1, fileobj=plain, mtime=0)
            mates.append(stack.enter_context(packed))
        for texts in simulate_fastq(maker, args.sample, n_pairs):
            for mate, text in zip(mates, texts, strict=True):
                mate.write(text)


def work(args: argparse.Namespace) -> None:
    with pysam.FastaFile(args.genome) as genome:
        molecules, spanned, rows = molecules_of(args, genome)
    model = ReadModel(
        read_length=args.read_length,
        insert_mean=args.insert_mean,
        insert_sd=args.insert_sd,
        error_rate=args.error_rate,
        damage_rate=args.damage_rate if args.amplified else 0.0,
    )
    n_pairs = round(args.depth * spanned / (2 * args.read_length))
    rng = stream(args.seed, "reads", args.sample)
    write_reads(args, ReadMaker(rng, model, molecules), n_pairs)
    tables.write_tsv(args.dropout, SHARE_COLUMNS, rows if args.amplified else [])
    logger.info("sample=%s pairs=%d bases=%d", args.sample, n_pairs, spanned)


def main(argv: Sequence[str] | None = None) -> int:
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
