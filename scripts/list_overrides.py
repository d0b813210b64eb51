"""List where embryos' own reads contradict what they inherited, on one chromosome of a
family, and whether their genomes follow the reads there; and say where they confirm
that both parents are homozygous.
"""

from __future__ import annotations

import argparse
import logging
import sys
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from morula import (
    allele_counts,
    amplification_record,
    call_confirmation,
    confirmed_calls,
    embryo_posterior,
    embryo_sex,
    family_evidence,
    family_input,
    family_overrides,
    family_sites,
    override_table,
    overrides,
    sex_chromosome,
    tables,
    x_inheritance,
)
from morula.amplification import Amplification
from morula.cli import run
from morula.embryo_kernels import Embryo
from morula.embryo_posterior import FamilyPosterior
from morula.errors import InputError
from morula.family_sites import FamilySites

logger = logging.getLogger("list_overrides")


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--chrom", required=True)
    add("--family-sites", required=True, help=".npz of prepare_family")
    add("--posterior", required=True, help=".npz of correct_family")
    add("--embryos", nargs="+", required=True)
    add("--counts", nargs="+", required=True, help="counts BCF of each embryo")
    add("--amplification", nargs="+", required=True, help="learnt .json of each embryo")
    add("--sexes", nargs="*", default=[], help="of X: .json of infer_sex, an embryo")
    add("--ordinary", nargs="*", default=[], help="those whose DNA is not amplified")
    add("--max-depth", type=float, required=True, help="reads a site that count")
    add("--outlier", type=float, required=True, help="P(reads not of the genotype)")
    add("--genotype-error", type=float, required=True, help="the same, ordinary DNA")
    add("--output", required=True, help="output .tsv")
    add("--confirmed", required=True, help="output .npz: parents' calls confirmed")
    args = parser.parse_args(argv)
    if not len(args.embryos) == len(args.counts) == len(args.amplification):
        parser.error("--embryos, --counts and --amplification: one of each per embryo")
    return args


def member_of(
    args: argparse.Namespace,
    family: FamilySites,
    rows: NDArray[np.int64],
    name: str,
    reads: NDArray[np.float64],
    learnt: Amplification,
) -> Embryo:
    """An embryo or born child at `rows`; reads: (L, 2).

    # METHOD: ordinary DNA has no errors of early amplification. A born child's genotype
    # is wrong as often as a parent's is: both are from the same kind of reads.
    """
    outlier = args.outlier
    if name in args.ordinary:
        learnt, outlier = overrides.ordinary(learnt), args.genotype_error
    outlier = max(outlier, overrides.LEAST_OUTLIER)
    return family_input.embryo_of(family, rows, reads, learnt, args.max_depth, outlier)


def read_posterior(args: argparse.Namespace, family: FamilySites) -> FamilyPosterior:
    """The posterior; raises InputError where it is that of another family."""
    posterior = embryo_posterior.load(args.posterior)
    rows = family_input.informative(family)
    if list(posterior.embryos) != args.embryos or not np.array_equal(
        posterior.sites.pos_bp, family.sites.pos_bp[rows]
    ):
        raise InputError(
            f"{args.posterior}: {len(posterior.sites.pos_bp)} sites of"
            f" {', '.join(posterior.embryos)}; expected {len(rows)} of"
            f" {', '.join(args.embryos)}: correct the family again"
        )
    return posterior


def work(args: argparse.Namespace) -> None:
    family = family_sites.load(args.family_sites)
    posterior = read_posterior(args, family)
    reads = allele_counts.read_family(
        args.counts, args.chrom, family.sites, args.embryos
    )
    learnt = amplification_record.read_family(args.amplification, args.embryos)
    # METHOD: an array's markers are far apart, and one of them fails more often than a
    # conversion or a new mutation is there: what they contradict is not listed.
    is_judged = [not how.is_array for how in learnt]
    rows = family_evidence.rows_to_judge(family, list(compress(reads, is_judged)))

    def members_at(rows: NDArray[np.int64]) -> list[Embryo]:
        return [
            member_of(args, family, rows, name, one, how)
            for name, one, how in zip(args.embryos, reads, learnt, strict=True)
        ]

    members = members_at(rows)
    is_x = sex_chromosome.is_x(args.chrom)
    sons = embryo_sex.sons(args.sexes, args.embryos) if is_x else set()
    is_son = [name in sons for name in args.embryos]
    is_single = family.is_single[rows]
    members = x_inheritance.with_sons(members, learnt, is_single, is_son)
    sites = family.sites.at(rows)
    table: list[dict[str, object]] = []
    found = family_overrides.of_family(family, rows, posterior, members, is_son)
    everyone = zip(args.embryos, reads, found, strict=True)
    for name, counts, listed in compress(everyone, is_judged):
        only = is_single & (name in sons)
        shown = sites, counts[rows], listed, only
        table += override_table.rows_of(name, args.chrom, *shown)
        overridden = sum(one.is_overridden for one in listed)
        logger.info("%s: %d listed, %d overridden", name, len(listed), overridden)
    calls = call_confirmation.rows_to_confirm(family)
    judges = members_at(calls) if len(calls) else []
    confirmed = call_confirmation.confirm(family, calls, posterior, judges)
    tables.write_tsv(args.output, override_table.COLUMNS, table)
    confirmed_calls.save(args.confirmed, confirmed)


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
