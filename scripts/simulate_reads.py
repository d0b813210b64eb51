"""Simulate the paired-end reads of one sample from its true chromosome copies.

The DNA is amplified cell by cell first, with dropout, imbalance, chimeras, damage and
errors. Reads cover the stretch that the sites of each chromosome span.
"""

from __future__ import annotations

import argparse
import gzip
import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import pysam

from morula import tables
from morula.atomic import written_whole
from morula.cli import run
from morula.processes import stop_on_sigterm
from morula.simulation import flags, summary, template
from morula.simulation.fragments import ORIGINS
from morula.simulation.molecules import FragmentModel, fragment_model
from morula.simulation.protocols import Protocol, parse_changes, read_protocol
from morula.simulation.reads import CLASSES, ORIGIN_COLUMNS, ReadMaker, ReadModel
from morula.simulation.stretch import Person, read_stretches
from morula.simulation.summary import Losses, losses
from morula.simulation.tube import Tube

logger = logging.getLogger("simulate_reads")


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Command line of this script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", required=True, help="name of the reads")
    for flag, options in (flags.TUBE | flags.READS).items():
        parser.add_argument(flag, **options)
    parser.add_argument("--genome", required=True, help="FASTA with its .fai beside")
    parser.add_argument("--indel-error-rate", required=True, type=float)
    parser.add_argument("--fq1", required=True, help="gzipped FASTQ to write")
    parser.add_argument("--fq2", required=True)
    parser.add_argument("--origins", required=True, help="TSV: pairs by true origin")
    args = parser.parse_args(argv)
    if wrong := flags.mistake(vars(args)):
        parser.error(wrong)
    return args


def people_of(args: argparse.Namespace) -> list[Person]:
    """Whose DNA is in the tube."""
    people = [Person(args.source, args.truth, args.copies)]
    if args.contaminant:
        paths = (args.contaminant_truth, args.contaminant_copies)
        people.append(Person(args.contaminant, *paths))
    return people


@contextmanager
def gzipped(path: str) -> Iterator[BinaryIO]:
    """A gzipped file to write whole or not at all; its bytes hold no date."""
    with ExitStack() as stack:
        partial: Path = stack.enter_context(written_whole(path))
        plain = stack.enter_context(partial.open("wb"))
        packed = gzip.GzipFile("", "wb", compresslevel=1, fileobj=plain, mtime=0)
        yield stack.enter_context(packed)  # type: ignore[misc]


@dataclass
class Truth:
    """What became of the template, over all chromosomes: losses, rows of its table, and
    the bases that count for the depth."""

    lost: Losses = field(default_factory=Losses)
    rows: list[dict[str, object]] = field(default_factory=list)
    paired_bp: float = 0.0


def write_reads(
    args: argparse.Namespace, tube: Tube, maker: ReadMaker, library: FragmentModel
) -> Truth:
    """Write both FASTQ files, whole or not at all; returns the template's truth."""
    truth = Truth()
    people, margin = people_of(args), 2 * int(args.insert_mean)
    with pysam.FastaFile(args.genome) as genome, ExitStack() as stack:
        weights = []
        for one in read_stretches(people, args.chromosomes, genome, margin):
            truth.paired_bp += one.paired_bp
            weights.append(one.contents(tube).weights())
        n_pairs = round(args.depth * truth.paired_bp / (2 * args.read_length))
        factor, numbers = tube.allot(weights, n_pairs)
        mates = [stack.enter_context(gzipped(path)) for path in (args.fq1, args.fq2)]
        again = read_stretches(people, args.chromosomes, genome, margin)
        for one, number in zip(again, numbers, strict=True):
            contents = one.contents(tube).mixed(factor)
            own, copies = contents.own(), one.people[0].copies
            truth.lost += losses(own, copies, one.region, round(args.insert_mean))
            truth.rows += template.rows_of(
                args.sample, one.chrom, own, copies, one.region
            )
            dna = one.dna(contents, tube.protocol)
            logger.info("%s: overlapping_alleles=%d", one.chrom, dna.n_skipped)
            for texts in maker.texts(dna, library, number):
                for mate, text in zip(mates, texts, strict=True):
                    mate.write(text)
    return truth


def write_tables(
    args: argparse.Namespace, protocol: Protocol, maker: ReadMaker, truth: Truth
) -> None:
    """Write the truth of the template and of the reads' origins."""
    rows = truth.rows if protocol.is_amplified else []
    tables.write_tsv(args.template, template.COLUMNS, rows)
    shares = maker.shares()
    n_bases = int(maker.n_pairs.sum()) * 2 * args.read_length
    obtained = summary.Obtained(
        contamination=float(shares[ORIGINS.index("contaminant")].sum()),
        duplicates=float(shares[:, CLASSES.index("duplicate")].sum()),
        depth=n_bases / truth.paired_bp,
        error=None,
    )
    asked = (args.contamination, args.depth)
    row = summary.row_of(args.sample, protocol, truth.lost, asked, obtained)
    tables.write_tsv(args.summary, summary.COLUMNS, [row])
    tables.write_tsv(args.origins, ORIGIN_COLUMNS, maker.origin_rows())


def work(args: argparse.Namespace) -> None:
    """Read, sequence, write."""
    changes = parse_changes(args.set)
    protocol = read_protocol(args.protocols, args.amplification, args.cells, changes)
    tube = Tube(args.sample, protocol, args.contamination, args.seed)
    model = ReadModel(args.read_length, args.error_rate, args.indel_error_rate)
    maker = ReadMaker(args.sample, args.seed, model)
    library = fragment_model(
        protocol, args.insert_mean, args.insert_sd, args.duplicate_rate
    )
    truth = write_reads(args, tube, maker, library)
    write_tables(args, protocol, maker, truth)
    logger.info(
        "sample=%s protocol=%s cells=%d pairs=%d",
        args.sample,
        protocol.name,
        protocol.cells,
        maker.n_pairs.sum(),
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    args = parse_args(argv)
    stop_on_sigterm()
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
