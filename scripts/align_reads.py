"""Align the FASTQ pairs of one sample: fastp, aligner, fixmate, sort, markdup, CRAM.

All units go through one pipe, one after the other, each with its own read group; no
file of the size of the reads is written except the CRAM (and sort's own spill).
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from morula import alignment, fastq, processes
from morula.alignment import CramWriter, Outputs, ReadGroup
from morula.atomic import written_whole
from morula.cli import run
from morula.errors import InputError
from morula.processes import Job, Pipeline
from morula.reference import read_dictionary, with_uri

logger = logging.getLogger("align_reads")

ALIGNERS = ("bwa", "bwa-mem2", "minimap2")

# METHOD: bases a batch of the aligner. bwa's default grows with the number of threads,
# and with it the insert sizes estimated for each batch: a fixed number gives the same
# alignments at any number of threads. 30 Mb is 100,000 pairs of 150 bp, plenty for the
# estimate, and small enough that sorting runs beside the alignment.
BATCH_BASES = 30_000_000
# One worker of fastp trims more pairs a second than 16 threads of bwa align, and its
# report depends on the number of workers.
FASTP_WORKERS = 1


@dataclass(frozen=True)
class Unit:
    """One pair of FASTQ files."""

    name: str
    fq1: Path
    fq2: Path


def aligner_command(
    aligner: str, index: str, group: ReadGroup, threads: int
) -> list[str]:
    """Command that aligns interleaved pairs of its stdin and writes SAM to stdout."""
    line = group.line(separator="\\t")
    batch = ["-K", str(BATCH_BASES), "-t", str(threads), "-R", line]
    if aligner == "minimap2":
        return ["minimap2", "-ax", "sr", *batch, index, "-"]
    return [aligner, "mem", "-p", *batch, index, "-"]


def program_lines(
    aligner: str, min_read_length: int, header: Sequence[str]
) -> list[str]:
    """@PG lines of fastp and the aligner (its version is in its own header)."""
    version = "unknown"
    for line in header:
        tags = dict(field.split(":", 1) for field in line.split("\t")[1:])
        if line.startswith("@PG\t") and tags.get("ID", "").startswith(aligner):
            version = tags.get("VN", version)
    option = "-ax sr" if aligner == "minimap2" else "mem -p"
    command = f"{aligner} {option} -K {BATCH_BASES}"
    trim = f"fastp --length_required {min_read_length}"
    return [
        alignment.program_line("fastp", alignment.tool_version("fastp"), trim),
        alignment.program_line(aligner, version, command),
    ]


def start_unit(
    pipeline: Pipeline, args: argparse.Namespace, unit: Unit, report: Path
) -> tuple[Job, Job]:
    """Start fastp and the aligner on one unit, joined by a pipe of interleaved pairs.

    Not by a pipe for each mate: fastp empties its buffers one after the other at the
    end, while the aligner waits for both.
    """
    about = f"on unit {unit.name} ({unit.fq1}, {unit.fq2})"
    trim = ["fastp", "--in1", str(unit.fq1), "--in2", str(unit.fq2), "--stdout"]
    trim += ["--json", str(report), "--html", "/dev/null"]
    trim += ["--thread", str(FASTP_WORKERS), "--dont_eval_duplication"]
    trim += ["--length_required", str(args.min_read_length)]
    group = ReadGroup(args.sample, unit.name)
    command = aligner_command(args.aligner, args.index, group, args.threads)
    fastp = pipeline.start(trim, about=about)
    aligner = pipeline.start(command, about=about, stdin=alignment.output_of(fastp))
    alignment.hand_over(fastp)
    return fastp, aligner


def check_report(report: Path, unit: Unit, pairs: int) -> dict[str, Any]:
    """fastp's report of one unit, without the command line (it holds paths).

    Raises InputError when fastp saw fewer reads than the files hold.
    """
    content: dict[str, Any] = json.loads(report.read_text())
    seen = content["summary"]["before_filtering"]["total_reads"]
    if seen != 2 * pairs:
        raise InputError(
            f"{unit.fq1}, {unit.fq2}: {2 * pairs} reads, of which fastp could read"
            f" {seen}; a record is damaged (fastp's message is above)"
        )
    content["command"] = f"fastp --in1 {unit.name}"
    return content


def align_unit(
    pipeline: Pipeline,
    args: argparse.Namespace,
    unit: Unit,
    writer: CramWriter,
    report: Path,
) -> dict[str, Any]:
    """Align one unit into `writer`; returns fastp's report.

    The aligner's header is dropped, except that the first unit's is looked at for the
    aligner's version before the file's own header is written.
    """
    count = fastq.PairCount(unit.fq1, unit.fq2)
    try:
        jobs = start_unit(pipeline, args, unit, report)
        source = alignment.output_of(jobs[1])
        header, first = alignment.split_header(source)
        if not header:
            count.check()
            pipeline.wait(jobs)
        sq_lines = with_uri(read_dictionary(args.dictionary), args.genome)
        alignment.check_contigs(header, sq_lines, f"{args.aligner} index {args.index}")
        if unit.name == args.units[0].name:
            groups = [ReadGroup(args.sample, other.name) for other in args.units]
            programs = program_lines(args.aligner, args.min_read_length, header)
            writer.write(alignment.header_text(sq_lines, groups, programs))
        for _ in alignment.copy_records(source, first, writer):
            count.check()
        pipeline.wait(jobs)
        pairs = count.pairs()
    finally:
        count.stop()
    logger.info("sample=%s unit=%s pairs=%d", args.sample, unit.name, pairs)
    return check_report(report, unit, pairs)


def check_reads(
    flagstat: dict[str, int], reports: dict[str, dict[str, Any]], units: list[Unit]
) -> None:
    """Compare the reads of the CRAM with those that left fastp.

    Raises InputError when reads are missing, or when reads of a pair have different
    names: the aligners take such reads as single ones without a word.
    """
    passed = sum(
        report["summary"]["after_filtering"]["total_reads"]
        for report in reports.values()
    )
    if flagstat["paired in sequencing"] != flagstat["primary"]:
        for unit in units:
            fastq.check_pair(unit.fq1, unit.fq2, limit=None)
    if flagstat["primary"] != passed or flagstat["paired in sequencing"] != passed:
        raise InputError(
            f"{units[0].fq1} ...: {passed} reads left fastp, the CRAM holds"
            f" {flagstat['primary']}, {flagstat['paired in sequencing']} of them paired"
        )


def work(args: argparse.Namespace) -> None:
    """Align all units and write the CRAM, its index and the reports."""
    processes.stop_on_sigterm()
    for unit in args.units:
        fastq.check_pair(unit.fq1, unit.fq2)
    outputs = Outputs(cram=args.cram, markdup_stats=args.markdup_stats)
    with alignment.work_folder(outputs.cram) as folder, Pipeline() as pipeline:
        writer = CramWriter(pipeline, folder, args.threads, args.sort_memory_mb)
        reports = {
            unit.name: align_unit(
                pipeline, args, unit, writer, folder / f"{unit.name}.json"
            )
            for unit in args.units
        }
        logger.info("sample=%s all units aligned; sorting ends", args.sample)
        writer.close()
        check_reads(writer.flagstat(), reports, args.units)
        with written_whole(args.reports) as partial:
            partial.write_text(json.dumps(reports, indent=1) + "\n")
        writer.publish(outputs)


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Command line; `units` becomes a list of Unit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", required=True, help="name, becomes SM")
    parser.add_argument(
        "--unit",
        nargs=3,
        action="append",
        required=True,
        metavar=("UNIT", "FQ1", "FQ2"),
        help="one pair of FASTQ files; give once for each unit",
    )
    parser.add_argument("--aligner", required=True, choices=ALIGNERS)
    parser.add_argument("--index", required=True, help="prefix (or .mmi) of the index")
    parser.add_argument("--genome", required=True, type=Path, help="FASTA with .fai")
    parser.add_argument("--dictionary", required=True, type=Path, help="samtools dict")
    parser.add_argument("--min-read-length", required=True, type=int, help="bp")
    parser.add_argument("--sort-memory-mb", required=True, type=int)
    parser.add_argument("--threads", required=True, type=int)
    parser.add_argument("--cram", required=True, type=Path)
    parser.add_argument("--markdup-stats", required=True, type=Path)
    parser.add_argument("--reports", required=True, type=Path, help="JSON: unit->fastp")
    args = parser.parse_args(argv)
    args.units = [Unit(name, Path(fq1), Path(fq2)) for name, fq1, fq2 in args.unit]
    return args


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
