"""Genetic maps of one chromosome: female, male and average, in PLINK format."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from morula import sex_chromosome, x_map
from morula.atomic import written_whole
from morula.call_files import read_contigs
from morula.cli import run
from morula.errors import InputError
from morula.genetic_map import GeneticMap, read_map

logger = logging.getLogger("prepare_maps")


def read_checked(path: Path, chrom: str) -> GeneticMap:
    """Read a map; a position given twice keeps its first row (Beagle and SHAPEIT4
    want positions that rise)."""
    if not path.is_file():
        raise InputError(f"{path}: no such file; check reference.genetic_map")
    full = read_map(path, chrom)
    _, rows = np.unique(full.pos_bp, return_index=True)
    if len(rows) < 2:
        raise InputError(f"{path}: one position for {chrom}; expected at least two")
    return GeneticMap(full.pos_bp[rows], full.cm[rows])


def mean_map(female: GeneticMap, male: GeneticMap) -> GeneticMap:
    """Mean genetic position of both maps at the positions of either.

    METHOD: a map measured from another first position differs by a constant, which
    cancels in every distance.
    """
    pos_bp = np.union1d(female.pos_bp, male.pos_bp)
    return GeneticMap(pos_bp, 0.5 * (female.cm_at(pos_bp) + male.cm_at(pos_bp)))


def write_map(path: Path, chrom: str, genetic_map: GeneticMap) -> None:
    """Write chrom, `.`, cM, bp; the first row is brought to at least 0 cM."""
    shift = max(0.0, -float(genetic_map.cm[0]))
    with written_whole(path) as partial, partial.open("w") as handle:
        for bp, cm in zip(genetic_map.pos_bp, genetic_map.cm + shift, strict=True):
            handle.write(f"{chrom}\t.\t{cm:.9g}\t{bp}\n")


def work(args: argparse.Namespace) -> None:
    """Read one or two maps, write three."""
    if len(args.maps) == 1:
        average = female = male = read_checked(args.maps[0], args.chrom)
    else:
        female, male = (read_checked(path, args.chrom) for path in args.maps)
        average = mean_map(female, male)
    if sex_chromosome.is_x(args.chrom):
        length_bp = read_contigs(args.genome_index)[args.chrom]
        region = sex_chromosome.single_region(args.chrom, args.build, length_bp)
        female, male, average = x_map.maps_of_x(female, male, region)
    write_map(args.female, args.chrom, female)
    write_map(args.male, args.chrom, male)
    write_map(args.average, args.chrom, average)
    logger.info(
        "chrom=%s rows=%d length_cm female=%.2f male=%.2f average=%.2f",
        args.chrom,
        len(average.pos_bp),
        *(np.ptp(one.cm) for one in (female, male, average)),
    )


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--maps",
        required=True,
        nargs="+",
        type=Path,
        help="PLINK format: one sex-averaged map, or the female and the male one",
    )
    parser.add_argument("--chrom", required=True)
    parser.add_argument("--build", choices=sex_chromosome.BUILDS, help="needed for X")
    parser.add_argument("--genome-index", help=".fai of the reference; needed for X")
    parser.add_argument("--female", required=True, type=Path)
    parser.add_argument("--male", required=True, type=Path)
    parser.add_argument("--average", required=True, type=Path)
    args = parser.parse_args(argv)
    if len(args.maps) > 2:
        parser.error("--maps takes one or two files")
    return args


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
