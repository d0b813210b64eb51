"""What one sample's array shows at each of its family's sites on a chromosome.

Every line of the site table becomes one record, with zeros where the array has no
marker: in the form of the counts of reads (count_alleles.py), see morula.array_signal.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from morula import array_markers, biallelic, call_files
from morula.cli import run
from morula.processes import Pipeline, stop_on_sigterm

logger = logging.getLogger("count_array")
Shown = dict[tuple[int, str, str], tuple[int, int]]


def read_markers(pipeline: Pipeline, args: argparse.Namespace) -> Shown:
    """What the markers of the chromosome show, by position and alleles."""
    view = ["bcftools", "view", "-H", "-r", args.chrom, args.array]
    found: Shown = {}
    for line in call_files.body_lines(pipeline, view, f"reading {args.array}"):
        record = biallelic.parse_line(line)
        cells = record.cells[0].split(":")
        values = dict(zip(record.keys, cells, strict=False))
        found[record.pos_bp, record.ref, record.alts[0]] = array_markers.shown(values)
    return found


def site_lines(args: argparse.Namespace, markers: Shown) -> Iterator[str]:
    """VCF lines of all sites."""
    for site in call_files.read_sites(args.sites):
        for alt in site.alts:
            ref_part, alt_part = markers.get((site.pos_bp, site.ref, alt), (0, 0))
            place = f"{site.chrom}\t{site.pos_bp}\t.\t{site.ref}\t{alt}\t.\t.\t."
            yield f"{place}\tAD\t{ref_part},{alt_part}\n"


def work(args: argparse.Namespace) -> None:
    """Read the markers and write the sites."""
    output = Path(args.output)
    head = call_files.header(f"{args.genome}.fai", ("AD",), [args.sample])
    n_sites = n_shown = 0
    with call_files.work_folder(output) as folder, Pipeline() as pipeline:
        markers = read_markers(pipeline, args)
        finished = folder / "counts.bcf"
        with call_files.bcf_writer(pipeline, finished, head) as sink:
            for line in site_lines(args, markers):
                sink.write(line.encode())
                n_sites += 1
                n_shown += not line.endswith("\t0,0\n")
        call_files.publish(finished, output)
    logger.info(
        "sample=%s chrom=%s sites=%d markers=%d",
        args.sample,
        args.chrom,
        n_sites,
        n_shown,
    )


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Command line of this script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--genome", required=True, help="FASTA with its .fai")
    parser.add_argument("--chrom", required=True)
    parser.add_argument("--sample", required=True, help="name in the output")
    parser.add_argument("--array", required=True, help="BCF of import_vcf, indexed")
    parser.add_argument("--sites", required=True, help="CHROM POS REF,ALT (.gz)")
    parser.add_argument("--output", required=True, help="BCF; its .csi is made too")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    args = parse_args(argv)
    stop_on_sigterm()
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
