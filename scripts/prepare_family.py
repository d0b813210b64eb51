"""Gather what correction needs of one family's parents on one chromosome."""

from __future__ import annotations

import argparse
import logging
import sys

import numpy as np
from numpy.typing import NDArray

from morula import (
    family_sites,
    parental_alleles,
    sex_chromosome,
    single_sites,
    x_map,
    x_parent,
)
from morula.cli import run
from morula.genetic_map import read_map
from morula.parental_alleles import Haplotypes, Parent, Phase, Sites

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
    parser.add_argument("--build", choices=sex_chromosome.BUILDS, help="needed for X")
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


def known_parent(
    name: str,
    phase: Phase,
    single: NDArray[np.bool_],
    likelihoods: NDArray[np.float64],
    haplotypes: Haplotypes,
    frequency: NDArray[np.float64],
    error: float,
) -> Parent:
    """A parent with data, who has one copy at the sites `single`, (L,)."""
    parent = parental_alleles.parent_of(
        likelihoods, phase, haplotypes, frequency, error
    )
    parent = x_parent.of_one_x(
        parent, single, likelihoods, haplotypes, frequency, error
    )
    logger.info(
        "%s: %d phased hets, %.1f switches of phase expected",
        name,
        parent.is_phased_het.sum(),
        parent.switch.sum(),
    )
    return parent


def read_parents(
    args: argparse.Namespace, sites: Sites, is_single: NDArray[np.bool_]
) -> tuple[tuple[Parent, Parent], NDArray[np.float64]]:
    """Mother and father, and the panel's ALT frequency at the sites, (L,); is_single:
    (L,), whether males have one copy."""
    names = (args.mother, args.father)
    known = [name for name in names if name]
    haplotypes, frequency = parental_alleles.read_haplotypes(
        args.imputed if known else args.panel, known, sites
    )
    phases = parental_alleles.read_phase(args.phased, known, sites) if known else {}
    parents = []
    for role, name in zip(family_sites.PARENTS, names, strict=True):
        single = is_single & (role == "father")
        if not name:
            donor = parental_alleles.absent_parent(frequency)
            parents.append(x_parent.donor_of_one_x(donor, single, frequency))
            continue
        likelihoods = parental_alleles.genotype_likelihoods(
            args.genotypes, name, sites, args.genotype_error
        )
        known_of = likelihoods, haplotypes[name], frequency, args.genotype_error
        parents.append(known_parent(name, phases[name], single, *known_of))
    return (parents[0], parents[1]), frequency


def work(args: argparse.Namespace) -> None:
    sites = family_sites.read_sites(args.sites, args.chrom)
    is_single = single_sites.of_file(
        args.imputed or args.panel, args.chrom, args.build, sites.pos_bp
    )
    parents, frequency = read_parents(args, sites, is_single)
    maps = [read_map(path, args.chrom) for path in (args.map_female, args.map_male)]
    female_cm, male_cm = (one.cm_at(sites.pos_bp) for one in maps)
    family = family_sites.FamilySites(
        sites,
        frequency,
        np.stack([female_cm, x_map.unlinked(male_cm, is_single)]),
        parents,
        (bool(args.mother), bool(args.father)),
        is_single,
    )
    family_sites.save(args.output, family)


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
