"""Simulate the genotypes of a family's parents and born children on one chromosome,
without making reads: what the call stage would find in reads of their ordinary DNA.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from morula import call_files, male_calls, sex_chromosome
from morula.cli import run
from morula.family_sites import read_sites
from morula.parental_alleles import Sites
from morula.processes import Pipeline, stop_on_sigterm
from morula.simulation import flags
from morula.simulation.calls import SampleCalls, call_sample, family_rows, records
from morula.simulation.counts import (
    CountModel,
    contents_of,
    n_pairs,
    tally_chromosome,
)
from morula.simulation.loci import Chromosome
from morula.simulation.protocols import ORDINARY
from morula.simulation.tube import Carrier, Tube, read_carrier, region_of

logger = logging.getLogger("simulate_calls")
FIELDS = ("PANEL", "GT", "PL", "DP", "AD", "GQ")


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Command line of this script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", required=True, nargs="+", help="in the output")
    parser.add_argument("--sources", required=True, nargs="+", help="whose genomes")
    parser.add_argument("--truths", required=True, nargs="+", help="BCF of each source")
    parser.add_argument("--copies", required=True, nargs="+", help="TSV of each source")
    parser.add_argument("--depths", required=True, nargs="+", type=float)
    parser.add_argument("--chrom", required=True)
    parser.add_argument("--build", choices=sex_chromosome.BUILDS, help="needed for X")
    parser.add_argument("--males", nargs="*", default=[], help="of --samples")
    parser.add_argument("--panel-sites", required=True, help="CHROM POS REF,ALT (.gz)")
    parser.add_argument("--genome-index", required=True, help=".fai of the reference")
    for flag, options in flags.READS.items():
        parser.add_argument(flag, **options)
    parser.add_argument("--min-base-quality", required=True, type=int)
    parser.add_argument("--min-quality", type=float, default=20.0, help="QUAL")
    parser.add_argument("--output", required=True, help="BCF; its .csi is made, too")
    args = parser.parse_args(argv)
    if wrong := flags.mistake(vars(args)):
        parser.error(wrong)
    for name in ("sources", "truths", "copies", "depths"):
        if len(getattr(args, name)) != len(args.samples):
            parser.error(f"--{name}: one a sample")
    return args


def call_member(
    args: argparse.Namespace, sample: str, member: Carrier, depth: float, rows: Sites
) -> SampleCalls:
    """Calls of one member at the rows."""
    model = CountModel(
        args.read_length,
        args.insert_mean,
        args.insert_sd,
        args.error_rate,
        args.duplicate_rate,
        args.min_base_quality,
    )
    pos_bp = member.pos_bp if len(member.pos_bp) else rows.pos_bp
    region, _ = region_of(args.chrom, pos_bp, 2 * int(args.insert_mean), None)
    chromosome = Chromosome(member, None, region, rows)
    tube = Tube(sample, ORDINARY, 0.0, args.seed)
    contents = contents_of(tube, chromosome)
    # The other chromosomes are ordinary: two copies of this one have the mean depth.
    share = contents.weights()[0] / (2 * region.span_bp)
    n = round(share * n_pairs(region.span_bp, depth, model))
    return call_sample(tally_chromosome(tube, chromosome, contents, model, n))


def work(args: argparse.Namespace) -> None:
    """Read, count, call, write."""
    sources = zip(args.truths, args.copies, args.sources, strict=True)
    members = [read_carrier(*one, args.chrom) for one in sources]
    rows, is_panel = family_rows(read_sites(args.panel_sites, args.chrom), members)
    calls = [
        call_member(args, *one, rows)
        for one in zip(args.samples, members, args.depths, strict=True)
    ]
    males = {args.samples.index(name) for name in args.males}
    length_bp = call_files.read_contigs(args.genome_index)[args.chrom]
    single = sex_chromosome.single_region(args.chrom, args.build, length_bp)
    output = Path(args.output)
    head = call_files.header(args.genome_index, FIELDS, args.samples)
    n_panel = n_other = 0
    with call_files.work_folder(output) as folder, Pipeline() as pipeline:
        finished = folder / "calls.bcf"
        made = records(args.chrom, rows, is_panel, calls, args.min_quality)
        with call_files.bcf_writer(pipeline, finished, head) as sink:
            for record, from_panel in made:
                known = male_calls.with_single_copies(record, males, single)
                sink.write(known.line(from_panel).encode())
                n_panel += from_panel
                n_other += not from_panel
        call_files.publish(finished, output)
    logger.info(
        "chrom=%s samples=%d panel_sites=%d other_variants=%d",
        args.chrom,
        len(args.samples),
        n_panel,
        n_other,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    args = parse_args(argv)
    stop_on_sigterm()
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
