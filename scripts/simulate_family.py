"""Simulate the true genome of one member of a family: a founder, or a child of two.

A parent is a founder's genome under a new name. A child (embryo or born) gets one
gamete of each parent; its genotypes are phased maternal|paternal.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from morula import tables
from morula.cli import run
from morula.errors import InputError
from morula.genetic_map import read_map
from morula.haplotypes import Genotypes, read_genotypes
from morula.simulation.bcf import contig_lengths, write_bcf
from morula.simulation.meiosis import draw_gamete
from morula.simulation.streams import stream

logger = logging.getLogger("simulate_family")
SEGMENT_COLUMNS = ("embryo", "parent", "chrom", "start", "end", "haplotype")


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", required=True, help="name in the output")
    parser.add_argument("--founder", help="founder whose genome the sample has")
    parser.add_argument("--mother", help="founder who is the sample's mother")
    parser.add_argument("--father", help="founder who is the sample's father")
    parser.add_argument(
        "--founders", required=True, nargs="+", help="phased BCF, one a chromosome"
    )
    parser.add_argument("--chromosomes", required=True, nargs="+")
    parser.add_argument(
        "--female-maps", required=True, nargs="+", help="PLINK format, one a chromosome"
    )
    parser.add_argument("--male-maps", required=True, nargs="+")
    parser.add_argument("--genome-index", required=True, help=".fai of the reference")
    parser.add_argument("--seed", required=True, type=int)
    parser.add_argument("--output", required=True, help="BCF; its .csi is made, too")
    parser.add_argument(
        "--segments", required=True, help="TSV: which parental haplotype from where"
    )
    args = parser.parse_args(argv)
    pair = (args.mother, args.father)
    if (args.founder is None) == (None in pair) or (args.founder and any(pair)):
        parser.error("give --founder, or --mother and --father")
    for name in ("founders", "female_maps", "male_maps"):
        if len(getattr(args, name)) != len(args.chromosomes):
            parser.error(f"--{name.replace('_', '-')}: one file a chromosome")
    return args


def read_founders(path: str, chrom: str, names: Sequence[str]) -> Genotypes:
    """Phased, complete genotypes of some founders."""
    founders = read_genotypes(path, chrom, names)
    if len(founders.pos_bp) < 2:
        raise InputError(f"{path}: fewer than two sites on {chrom}")
    heterozygous = founders.alleles[:, :, 0] != founders.alleles[:, :, 1]
    bad = (founders.alleles < 0).any(axis=2) | (heterozygous & ~founders.phased)
    if bad.any():
        site, column = np.argwhere(bad)[0]
        raise InputError(
            f"{path}: {names[column]} has a missing or unphased genotype at"
            f" {chrom}:{founders.pos_bp[site]}; founders must be phased and complete"
        )
    return founders


def child_of(
    args: argparse.Namespace, founders: Genotypes, maps: tuple[str, str]
) -> tuple[Genotypes, list[dict[str, object]]]:
    """The child's genotypes, and its segments of parental haplotypes."""
    span = int(founders.pos_bp[0]), int(founders.pos_bp[-1])
    copies, segments = [], []
    for column, parent in enumerate(("mother", "father")):
        rng = stream(args.seed, "meiosis", args.sample, parent, founders.chrom)
        gamete = draw_gamete(rng, read_map(maps[column], founders.chrom), *span)
        chosen = gamete.haplotype_at(founders.pos_bp)
        rows = np.arange(len(chosen))
        copies.append(founders.alleles[rows, column, chosen])
        for start, end, haplotype in gamete.segments(*span):
            cells = (args.sample, parent, founders.chrom, start, end, haplotype + 1)
            segments.append(dict(zip(SEGMENT_COLUMNS, cells, strict=True)))
    alleles = np.stack(copies, axis=1)[:, None, :]
    phased = np.ones((len(alleles), 1), dtype=bool)
    child = replace(founders, alleles=alleles, phased=phased, samples=(args.sample,))
    return child, segments


def work(args: argparse.Namespace) -> None:
    segments: list[dict[str, object]] = []

    def chromosomes() -> Iterator[Genotypes]:
        for chrom, path, *maps in zip(
            args.chromosomes,
            args.founders,
            args.female_maps,
            args.male_maps,
            strict=True,
        ):
            if args.founder:
                copied = read_founders(path, chrom, [args.founder])
                yield replace(copied, samples=(args.sample,))
                continue
            founders = read_founders(path, chrom, [args.mother, args.father])
            child, new = child_of(args, founders, (maps[0], maps[1]))
            segments.extend(new)
            yield child

    write_bcf(args.output, contig_lengths(args.genome_index), chromosomes())
    tables.write_tsv(args.segments, SEGMENT_COLUMNS, segments)
    logger.info("sample=%s segments=%d", args.sample, len(segments))


def main(argv: Sequence[str] | None = None) -> int:
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
