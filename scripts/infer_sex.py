"""Tell an embryo's sex by its X chromosome, and whether the X is whole."""

from __future__ import annotations

import argparse
import logging
import sys

from morula import allele_counts, embryo_sex, family_sites
from morula.cli import run
from morula.errors import InputError

logger = logging.getLogger("infer_sex")


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--embryo", required=True)
    add("--sex", required=True, choices=["female", "male", "unknown"], help="the sheet")
    add("--chrom", required=True, help="name of X")
    add("--family-sites", required=True, help=".npz of X")
    add("--counts", required=True, help="counts BCF of X")
    add("--autosomes", nargs="+", required=True)
    add("--autosomal-sites", nargs="+", required=True, help=".npz of each autosome")
    add("--autosomal-counts", nargs="+", required=True, help="BCF of each autosome")
    add("--array", action="store_true", help="the counts are what an array shows")
    add("--output", required=True, help=".json, see morula.embryo_sex.EmbryoSex")
    return parser.parse_args(argv)


def autosomal_depth(args: argparse.Namespace) -> float:
    """Mean reads a site of all autosomes."""
    if (
        not len(args.autosomes)
        == len(args.autosomal_sites)
        == len(args.autosomal_counts)
    ):
        raise InputError(
            f"{len(args.autosomes)} --autosomes, {len(args.autosomal_sites)}"
            f" --autosomal-sites, {len(args.autosomal_counts)} --autosomal-counts;"
            " expected one of each for every autosome"
        )
    n_reads = n_sites = 0.0
    for chrom, path, counts in zip(
        args.autosomes, args.autosomal_sites, args.autosomal_counts, strict=True
    ):
        sites = family_sites.load(path).sites
        reads = allele_counts.read_counts(counts, chrom, sites, args.embryo)
        n_reads += float(reads.sum())
        n_sites += len(reads)
    return n_reads / n_sites


def work(args: argparse.Namespace) -> None:
    family = family_sites.load(args.family_sites)
    reads = allele_counts.read_counts(
        args.counts, args.chrom, family.sites, args.embryo
    )
    # What an array shows is no depth: the father's alleles tell alone.
    depth = 0.0 if args.array else autosomal_depth(args)
    signs = embryo_sex.signs_of(reads, family, depth)
    found = embryo_sex.judge(args.embryo, args.sex, signs)
    embryo_sex.write(args.output, found)
    logger.info(
        "%s: depth of X %.2f (se %.2f) of the autosomes', father's share %.2f"
        " (se %.2f), in the PARs %.2f (se %.2f)%s",
        args.embryo,
        *(
            number
            for one in (signs.depth, signs.paternal, signs.par)
            for number in (one.value, one.error)
        ),
        "".join(f"; {why}" for why in (found.fails, found.warns) if why),
    )


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
