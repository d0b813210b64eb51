"""Take the reads of a sample's BAM/CRAM files as they are aligned: collate, fixmate,
sort, markdup, CRAM.

Nothing is realigned. Every unit becomes one read group whose SM is the sample's name
in the sheet; duplicates are marked anew over all units together.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from morula import alignment, processes
from morula.alignment import CramWriter, Outputs, ReadGroup
from morula.alignment_input import check_contigs
from morula.cli import run
from morula.errors import InputError
from morula.processes import Job, Pipeline
from morula.reference import read_dictionary, sq_tags, with_uri

logger = logging.getLogger("import_alignments")


def check_units(args: argparse.Namespace, sq_lines: Sequence[str]) -> None:
    """Contigs and end of each file, before any work; raises InputError."""
    tags = sq_tags(sq_lines)
    for _, bam in args.units:
        absent = check_contigs(bam, tags, args.chromosomes)
        if absent:
            logger.info(
                "unit %s: %d contigs are not in the reference FASTA (%s, ...); reads on"
                " them are kept as unmapped",
                bam,
                len(absent),
                absent[0],
            )
        with Pipeline() as pipeline:
            job = pipeline.start(
                ["samtools", "quickcheck", "-v", str(bam)],
                about=f"on {bam}",
                stdout=sys.stderr.fileno(),
            )
            if job.process.wait():
                raise InputError(f"{bam}: truncated or damaged; copy it again")


def start_unit(
    pipeline: Pipeline, args: argparse.Namespace, unit: str, bam: Path, folder: Path
) -> tuple[Job, Job]:
    """Start samtools collate | addreplacerg on one file; SAM text comes out."""
    about = f"on unit {unit} ({bam})"
    collate = ["samtools", "collate", "-O", "-u", "--no-PG"]
    collate += ["-@", str(args.threads), "--reference", str(args.genome)]
    collate += [str(bam), str(folder / f"collate-{unit}")]
    # METHOD: one read group a unit. Lanes inside a BAM are not told apart: nothing
    # later uses them, and reads without any group get one.
    line = ReadGroup(args.sample, unit).line(separator="\\t")
    regroup = ["samtools", "addreplacerg", "-m", "overwrite_all", "-w", "-r", line]
    regroup += ["--no-PG", "-O", "sam", "-"]
    first = pipeline.start(collate, about=about)
    second = pipeline.start(regroup, about=about, stdin=alignment.output_of(first))
    alignment.hand_over(first)
    return first, second


def work(args: argparse.Namespace) -> None:
    """Check all files, then write the CRAM, its index and the report."""
    processes.stop_on_sigterm()
    sq_lines = with_uri(read_dictionary(args.dictionary), args.genome)
    check_units(args, sq_lines)
    outputs = Outputs(cram=args.cram, markdup_stats=args.markdup_stats)
    groups = [ReadGroup(args.sample, unit) for unit, _ in args.units]
    with alignment.work_folder(outputs.cram) as folder, Pipeline() as pipeline:
        writer = CramWriter(pipeline, folder, args.threads, args.sort_memory_mb)
        writer.write(alignment.header_text(sq_lines, groups, []))
        for unit, bam in args.units:
            jobs = start_unit(pipeline, args, unit, bam, folder)
            source = alignment.output_of(jobs[1])
            _, first = alignment.split_header(source)
            for _ in alignment.copy_records(source, first, writer):
                pipeline.check()
            pipeline.wait(jobs)
            logger.info("sample=%s unit=%s taken", args.sample, unit)
        writer.close()
        if writer.flagstat()["primary"] == 0:
            raise InputError(f"{args.units[0][1]}: no reads; expected aligned reads")
        writer.publish(outputs)


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Command line; `units` becomes a list of (unit, path)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", required=True, help="name, becomes SM")
    parser.add_argument(
        "--unit",
        nargs=2,
        action="append",
        required=True,
        metavar=("UNIT", "BAM"),
        help="one BAM or CRAM file; give once for each unit",
    )
    parser.add_argument("--chromosomes", required=True, nargs="+")
    parser.add_argument("--genome", required=True, type=Path, help="FASTA with .fai")
    parser.add_argument("--dictionary", required=True, type=Path, help="samtools dict")
    parser.add_argument("--sort-memory-mb", required=True, type=int)
    parser.add_argument("--threads", required=True, type=int)
    parser.add_argument("--cram", required=True, type=Path)
    parser.add_argument("--markdup-stats", required=True, type=Path)
    args = parser.parse_args(argv)
    args.units = [(unit, Path(bam)) for unit, bam in args.unit]
    return args


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
