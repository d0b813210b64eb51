"""Link a family's parents' heterozygous SNVs on one chromosome by their own reads.

WhatsHap finds which hets of a parent lie on one haplotype. The BCF holds the hets that
reads link to others: phased, PS the first position of the block. Only parents with
alignments are in it.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from morula import biallelic, call_files, phase_target
from morula.biallelic import Record
from morula.cli import run
from morula.processes import Pipeline, stop_on_sigterm

logger = logging.getLogger("link_reads")

FIELDS = ("GT", "PS")


def linked(record: Record, chrom: str) -> Record | None:
    """The record with GT and PS of the linked hets alone; None where there is none."""
    cells = []
    for cell in record.cells:
        values = dict(zip(record.keys, cell.split(":"), strict=False))
        block = values.get("PS", ".")
        is_linked = "|" in values["GT"] and block != "."
        cells.append(f"{values['GT']}:{block}" if is_linked else "./.:.")
    if all(cell == "./.:." for cell in cells):
        return None
    return Record(
        chrom, record.pos_bp, record.ref, record.alts, ".", FIELDS, tuple(cells)
    )


def whatshap(
    pipeline: Pipeline, args: argparse.Namespace, target: Path
) -> Iterator[str]:
    """Lines of the target as WhatsHap phases it from the alignments.

    METHOD: SNVs only. Which allele of an indel a short read shows is often unsure, and
    one wrong link turns the rest of its block.
    """
    command = ["whatshap", "phase", "--only-snvs", "--reference", args.genome]
    command += ["--chromosome", args.chrom, "--mapping-quality"]
    command += [str(args.min_mapping_quality), str(target), *args.alignments]
    job = pipeline.start(command, about=f"while it linked {args.chrom}")
    return call_files.text_of(pipeline, job)


def work(args: argparse.Namespace) -> None:
    """Link and write the BCF."""
    output, fai = Path(args.output), f"{args.genome}.fai"
    n_hets = [0] * len(args.samples)
    with call_files.work_folder(output) as folder, Pipeline() as pipeline:
        target = folder / "target.bcf"
        phase_target.write_target(
            pipeline,
            args.calls,
            args.samples,
            fai,
            args.min_genotype_quality,
            target,
        )
        path = folder / "links.bcf"
        head = call_files.header(fai, FIELDS, args.samples)
        with call_files.bcf_writer(pipeline, path, head) as sink:
            for line in whatshap(pipeline, args, target):
                record = linked(biallelic.parse_line(line), args.chrom)
                if record is not None:
                    sink.write(record.line(False).encode())
                    for column, cell in enumerate(record.cells):
                        n_hets[column] += "|" in cell
        call_files.publish(path, output)
    for name, number in zip(args.samples, n_hets, strict=True):
        logger.info("%s: hets_linked_by_reads=%d", name, number)


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Command line of this script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", required=True, help="BCF of the family's calls")
    parser.add_argument("--samples", required=True, nargs="+", help="with reads")
    parser.add_argument("--alignments", required=True, nargs="+", help="indexed")
    parser.add_argument("--genome", required=True, help="FASTA with its .fai")
    parser.add_argument("--chrom", required=True)
    parser.add_argument("--min-genotype-quality", required=True, type=int)
    parser.add_argument("--min-mapping-quality", required=True, type=int)
    parser.add_argument("--output", required=True, help="BCF; its .csi is made too")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    args = parse_args(argv)
    stop_on_sigterm()
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
