"""Gather what correction needs of one family's parents on one chromosome."""

from __future__ import annotations

import argparse
import logging
import sys

import numpy as np
from numpy.typing import NDArray

from morula import family_sites, parental_alleles
from morula.cli import run
from morula.genetic_map import read_map
from morula.parental_alleles import Parent, Sites

logger = logging.getLogger("prepare_family")


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sites", required=True, help="sites at which embryos count")
    parser.add_argument("--genotypes", help="BCF of the call stage, for parents")
    parser.add_argument("--phased", help="BCF of phase_parents, for parents")
    parser.add_argument("--imputed", help="BCF of impute_parents, for parents")
    parser.add_argument("--panel", help="BCF of the panel, where no parent is known")
    parser.add_argument("--chrom", required=True)
    parser.add_argument("--mother", help="her name; left out for a donor")
    parser.add_argument("--father", help="his name; left out for a donor")
    parser.add_argument("--map-female", required=True, help="PLINK format")
    parser.add_argument("--map-male", required=True, help="PLINK format")
    parser.add_argument("--genotype-error", type=float, required=True)
    parser.add_argument("--output", required=True, help=".npz, see morula.family_sites")
    args = parser.parse_args(argv)
    of_parents = (args.genotypes, args.phased, args.imputed)
    if args.mother or args.father:
        if None in of_parents or args.panel:
            parser.error("a parent needs --genotypes, --phased, --imputed; no --panel")
    elif of_parents != (None, None, None) or not args.panel:
        parser.error("neither --mother nor --father: expected --panel alone")
    return args


def read_parents(
    args: argparse.Namespace, sites: Sites
) -> tuple[tuple[Parent, Parent], NDArray[np.float64]]:
    """Mother and father, and the panel's ALT frequency at the sites, (L,)."""
    names = (args.mother, args.father)
    known = [name for name in names if name]
    haplotypes, frequency = parental_alleles.read_haplotypes(
        args.imputed if known else args.panel, known, sites
    )
    phases = parental_alleles.read_phase(args.phased, known, sites) if known else {}
    parents = []
    for name in names:
        if not name:
            parents.append(parental_alleles.absent_parent(frequency))
            continue
        likelihoods = parental_alleles.genotype_likelihoods(
            args.genotypes, name, sites, args.genotype_error
        )
        parent = parental_alleles.parent_of(
            likelihoods,
            phases[name],
            haplotypes[name],
            frequency,
            args.genotype_error,
        )
        logger.info(
            "%s: %d phased hets, %.1f switches of phase expected",
            name,
            parent.is_phased_het.sum(),
            parent.switch.sum(),
        )
        parents.append(parent)
    return (parents[0], parents[1]), frequency


def work(args: argparse.Namespace) -> None:
    sites = family_sites.read_sites(args.sites, args.chrom)
    parents, frequency = read_parents(args, sites)
    maps = [read_map(path, args.chrom) for path in (args.map_female, args.map_male)]
    family = family_sites.FamilySites(
        sites,
        frequency,
        np.stack([one.cm_at(sites.pos_bp) for one in maps]),
        parents,
        (bool(args.mother), bool(args.father)),
    )
    family_sites.save(args.output, family)


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
