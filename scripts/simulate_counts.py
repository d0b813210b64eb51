"""Simulate the allele counts of one sample, without making reads.

The counts are those that the call stage would make of reads of the same molecules:
amplified cell by cell, with dropout, imbalance, chimeras, damage and errors.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pysam

from morula import call_files, tables
from morula.cli import run
from morula.family_sites import read_sites
from morula.parental_alleles import Sites
from morula.processes import Pipeline, stop_on_sigterm
from morula.simulation import flags, summary, template
from morula.simulation.counts import Counted, CountModel, Numbers, count_tube
from morula.simulation.loci import Chromosome, spans_of
from morula.simulation.protocols import Protocol, parse_changes, read_protocol
from morula.simulation.summary import Losses, Obtained
from morula.simulation.tube import Tube, contigs_of, read_carrier, region_of

logger = logging.getLogger("simulate_counts")
FIELDS = ("AD", "ADF", "ADR", "QS")
KEYS = ":".join(FIELDS)


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Command line of this script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", required=True, help="name in the output")
    for flag, options in (flags.TUBE | flags.READS).items():
        parser.add_argument(flag, **options)
    parser.add_argument(
        "--sites", required=True, nargs="+", help="CHROM POS REF,ALT, one a chromosome"
    )
    parser.add_argument(
        "--genome",
        help="FASTA with its .fai; without it there is no GC bias, and every read over"
        " its position tells an indel",
    )
    parser.add_argument("--min-base-quality", required=True, type=int)
    parser.add_argument(
        "--outputs", required=True, nargs="+", help="BCF, one a chromosome"
    )
    args = parser.parse_args(argv)
    if wrong := flags.mistake(vars(args)):
        parser.error(wrong)
    for name in ("sites", "outputs"):
        if len(getattr(args, name)) != len(args.chromosomes):
            parser.error(f"--{name}: one file a chromosome")
    return args


def read_chromosome(
    args: argparse.Namespace, chrom: str, sites: str, genome: pysam.FastaFile | None
) -> Chromosome:
    """What is in the tube of a chromosome, and where it is counted."""
    own = read_carrier(args.truth, args.copies, args.source, chrom)
    other = None
    if args.contaminant:
        other = read_carrier(
            args.contaminant_truth, args.contaminant_copies, args.contaminant, chrom
        )
    rows = read_sites(sites, chrom)
    pos_bp = own.pos_bp if len(own.pos_bp) else rows.pos_bp
    region, _ = region_of(chrom, pos_bp, 2 * int(args.insert_mean), genome)
    spans = spans_of(rows, genome.fetch(chrom).upper()) if genome else None
    return Chromosome(own, other, region, rows, spans)


def read_chromosomes(args: argparse.Namespace) -> list[Chromosome]:
    """All chromosomes of the tube; with a genome their GC content, too."""
    with ExitStack() as stack:
        genome = (
            stack.enter_context(pysam.FastaFile(args.genome)) if args.genome else None
        )
        return [
            read_chromosome(args, chrom, sites, genome)
            for chrom, sites in zip(args.chromosomes, args.sites, strict=True)
        ]


def model_of(args: argparse.Namespace) -> CountModel:
    """How the DNA is read and counted."""
    return CountModel(
        args.read_length,
        args.insert_mean,
        args.insert_sd,
        args.error_rate,
        args.duplicate_rate,
        args.min_base_quality,
    )


def lines_of(counted: Counted, sites: Sites) -> Iterator[bytes]:
    """VCF lines of the counts of a chromosome."""
    parts = (counted.depths, counted.forward, counted.reverse, counted.quality)
    rows = np.concatenate(parts, axis=1).tolist()
    keys = zip(sites.pos_bp.tolist(), sites.ref, sites.alt, rows, strict=True)
    for pos, ref, alt, (a, b, c, d, e, f, g, h) in keys:
        cell = f"{a},{b}:{c},{d}:{e},{f}:{g},{h}"
        head = f"{counted.chrom}\t{pos}\t.\t{ref}\t{alt}\t.\t.\t.\t{KEYS}\t{cell}\n"
        yield head.encode()


def write_counts(
    args: argparse.Namespace, output: Path, counted: Counted, sites: Sites
) -> None:
    """Write one chromosome's BCF and its index."""
    head = call_files.header_of(contigs_of(args.truth), FIELDS, [args.sample])
    with call_files.work_folder(output) as folder, Pipeline() as pipeline:
        finished = folder / "counts.bcf"
        with call_files.bcf_writer(pipeline, finished, head) as sink:
            for line in lines_of(counted, sites):
                sink.write(line)
        call_files.publish(finished, output)


def summarise(
    args: argparse.Namespace, protocol: Protocol, lost: Losses, made: Sequence[Counted]
) -> dict[str, object]:
    """The row of the summary."""
    numbers = sum((one.tally.numbers for one in made), Numbers())
    reads = sum(int(one.depths.sum()) for one in made)
    fragments = max(numbers.fragments, 1)
    obtained = Obtained(
        contamination=numbers.foreign / fragments,
        duplicates=numbers.copies / fragments,
        depth=reads / sum(len(one.depths) for one in made),
        error=numbers.wrong / max(numbers.bases, 1),
    )
    asked = (args.contamination, args.depth)
    return summary.row_of(args.sample, protocol, lost, asked, obtained)


def work(args: argparse.Namespace) -> None:
    """Read, count, write."""
    changes = parse_changes(args.set)
    protocol = read_protocol(args.protocols, args.amplification, args.cells, changes)
    tube = Tube(args.sample, protocol, args.contamination, args.seed)
    chromosomes = read_chromosomes(args)
    lost, made, rows = Losses(), list[Counted](), list[dict[str, object]]()
    counting = count_tube(tube, chromosomes, args.depth, model_of(args))
    for output, one, (counted, contents) in zip(
        args.outputs, chromosomes, counting, strict=True
    ):
        write_counts(args, Path(output), counted, one.sites)
        made.append(counted)
        own, copies = contents.own(), one.own.copies
        lost += summary.losses(own, copies, one.region, round(args.insert_mean))
        if protocol.is_amplified:
            chrom = one.own.chrom
            rows += template.rows_of(args.sample, chrom, own, copies, one.region)
    tables.write_tsv(args.template, template.COLUMNS, rows)
    row = summarise(args, protocol, lost, made)
    tables.write_tsv(args.summary, summary.COLUMNS, [row])
    logger.info(
        "sample=%s protocol=%s cells=%d sites=%d depth=%.2f",
        args.sample,
        protocol.name,
        protocol.cells,
        sum(len(one.depths) for one in made),
        row["depth"],
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    args = parse_args(argv)
    stop_on_sigterm()
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
