"""Learn how one embryo was amplified and read, from its reads on all chromosomes."""

from __future__ import annotations

import argparse
import logging
import sys
from concurrent.futures import ThreadPoolExecutor

from morula import (
    allele_counts,
    amplification,
    amplification_fit,
    amplification_intervals,
    amplification_record,
    amplification_sites,
    array_signal,
    family_sites,
)
from morula.amplification import Amplification
from morula.amplification_record import Record
from morula.amplification_sites import Choice
from morula.cli import run
from morula.errors import InputError

logger = logging.getLogger("learn_amplification")


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--embryo", required=True)
    add("--chromosomes", nargs="+", required=True)
    add("--family-sites", nargs="+", required=True, help=".npz of each chromosome")
    add("--counts", nargs="+", required=True, help="counts BCF of each chromosome")
    add("--cells", type=int, help="cells in the biopsy, where known")
    add("--amplification", required=True, help="a row of --presets")
    add("--presets", required=True, help="table of where EM starts")
    add("--prior-amplicons", type=float, required=True, help="weight of the start")
    add("--read-error", type=float, required=True, help="start")
    add("--damage-error", type=float, required=True, help="start, C>T and G>A")
    add("--indel-error", type=float, required=True, help="start, at indels")
    add("--contamination", type=float, required=True, help="start; 0: not modelled")
    add("--shares", type=int, required=True, help="grid points of the maternal share")
    add("--max-depth", type=float, required=True, help="reads a site that count")
    add("--learn-sites", type=int, required=True, help="sites to learn from at most")
    add("--em-iterations", type=int, required=True)
    add("--em-tolerance", type=float, required=True, help="natural log units")
    add("--array", action="store_true", help="the counts are what an array shows")
    add("--array-error", type=float, required=True, help="start: failed probes")
    add("--array-noise", type=float, required=True, help="start: SD of a signal")
    add("--threads", type=int, required=True)
    add("--output", required=True, help=".json, see morula.amplification_record.Record")
    return parser.parse_args(argv)


def read_sites(
    args: argparse.Namespace, one_a_fragment: bool = False
) -> tuple[Choice, tuple[bool, bool]]:
    """The sites to learn from, chromosome by chromosome, and whether mother and father
    are known; one_a_fragment: see amplification_sites.of_chromosome."""
    sizes = {len(args.chromosomes), len(args.family_sites), len(args.counts)}
    if len(sizes) > 1:
        raise InputError(
            f"{len(args.chromosomes)} --chromosomes, {len(args.family_sites)}"
            f" --family-sites, {len(args.counts)} --counts; expected one of each for"
            " every chromosome"
        )
    found, known = [], (True, True)
    for chrom, sites, counts in zip(
        args.chromosomes, args.family_sites, args.counts, strict=True
    ):
        family = family_sites.load(sites)
        reads = allele_counts.read_counts(counts, chrom, family.sites, args.embryo)
        found.append(
            amplification_sites.of_chromosome(
                family, reads, args.max_depth, one_a_fragment, args.array
            )
        )
        known = family.known
    return amplification_sites.choose(found, args.learn_sites, args.array), known


def start(args: argparse.Namespace, choice: Choice, has_mother: bool) -> Amplification:
    begin = amplification.start(
        amplification.read_preset(args.presets, args.amplification),
        args.cells,
        args.shares,
        args.read_error,
        args.damage_error,
        args.indel_error,
        # Without her genotype her reads cannot be told from the embryo's.
        args.contamination if has_mother else 0.0,
        choice.unseen,
    )
    if not args.array:
        return begin
    return array_signal.start(begin, args.array_error, args.array_noise)


def learn(
    args: argparse.Namespace, choice: Choice, apart: Choice, begin: Amplification
) -> Record:
    """What the correction uses, and what is told of the embryo.

    METHOD: all reads of a fragment show one allele. Where reads are few, sites of one
    fragment look like short stretches with a lost allele: 0.30 for 0.21 at 0.1x. The
    correction needs them so, since it takes them for independent given x; dropout and
    imbalance of the amplification are told by sites of different fragments (0.19).
    """
    limits = args.em_iterations, args.em_tolerance
    with ThreadPoolExecutor(args.threads) as pool:
        how = begin, args.prior_amplicons, *limits, pool.map
        fit = amplification_fit.fit(choice.stretches, *how)
        told = fit
        if apart is not choice:
            told = amplification_fit.fit(apart.stretches, *how)
        loose = amplification_fit.fit(
            apart.stretches,
            begin,
            amplification_intervals.LOOSE_AMPLICONS,
            *limits,
            pool.map,
            first=told.drawn,
        )
        intervals = amplification_intervals.intervals(
            apart.stretches, begin, loose, pool.map
        )
    seen = intervals["dropout"] or (0.0, 1.0)
    low, high = (amplification.dropout_of_loci(end, choice.unseen) for end in seen)
    intervals["dropout"] = low, high
    return Record(
        args.embryo,
        fit.amplification,
        amplification.dropout_of_loci(told.amplification.dropout, choice.unseen),
        told.amplification.imbalance,
        intervals,
        fit.converged,
        len(fit.ln_likelihoods),
        choice.sites_informative,
        choice.sites_used,
    )


def work(args: argparse.Namespace) -> None:
    choice, known = read_sites(args)
    # Read again rather than kept: few reads are read soon, and most embryos have many.
    apart = read_sites(args, True)[0] if choice.is_shallow else choice
    begin = start(args, choice, has_mother=known[0])
    record = learn(args, choice, apart, begin)
    if not all(known):
        record = amplification_record.of_preset_dropout(record, begin)
    amplification_record.write_record(args.output, record)
    learnt = record.amplification
    logger.info(
        "%d informative sites with reads or markers, %d sites used: dropout %.3f,"
        " amplicons %.0f bp, error %.4f, contamination %.4f, EM steps %d",
        record.sites_informative,
        record.sites_used,
        record.dropout,
        learnt.length_bp,
        learnt.error,
        learnt.contamination,
        record.iterations,
    )


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
