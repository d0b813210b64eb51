"""Simulate the true genome of one member of a family: a founder, or a child of two.

A parent is a founder's genome under a new name. A child (embryo or born) gets a gamete
of each parent, with crossovers, new mutations, and the abnormalities asked for. Its
genotypes have one allele for each copy of the chromosome, the mother's first.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pysam

from morula import tables
from morula.cli import run
from morula.errors import InputError
from morula.genetic_map import GeneticMap, read_map
from morula.haplotypes import Genotypes
from morula.sex_chromosome import BUILDS, kind_of
from morula.simulation import copies as copies_table
from morula.simulation import karyotype
from morula.simulation.bcf import contig_lengths, write_bcf
from morula.simulation.centromeres import read_centromere
from morula.simulation.copies import Copy
from morula.simulation.de_novo import Rates
from morula.simulation.founders import read_founders
from morula.simulation.meiosis import Interference
from morula.simulation.members import (
    DE_NOVO_COLUMNS,
    alleles_of,
    draw_de_novo,
    genotypes_of,
    with_mutations,
)
from morula.simulation.sex_chromosomes import founder_copies
from morula.simulation.transmission import Chromosome, sex_of_sperm, transmit

logger = logging.getLogger("simulate_family")
# Of Y, which has no map: it crosses over with X alone, where both are alike.
NO_CROSSOVERS = GeneticMap(np.array([1, 2]), np.zeros(2))


@dataclass
class Made:
    """What is written beside the genotypes: copies by chromosome, rows of mutations."""

    copies: dict[str, Sequence[Copy]] = field(default_factory=dict)
    de_novo: list[dict[str, object]] = field(default_factory=list)


def add_inputs(parser: argparse.ArgumentParser) -> None:
    """Flags of who the sample is, and of files."""
    add = parser.add_argument
    add("--sample", required=True, help="name in the output")
    add("--founder", help="founder whose genome the sample has")
    add("--mother", help="founder who is the sample's mother")
    add("--father", help="founder who is the sample's father")
    add(
        "--sex",
        choices=["female", "male", "unknown"],
        default="unknown",
        help="of the sample: X or Y of the father's sperm; unknown: drawn",
    )
    add("--founders", required=True, nargs="+", help="phased BCF, one a chromosome")
    add("--chromosomes", required=True, nargs="+", help="X and Y may be among them")
    add("--female-maps", required=True, nargs="+", help="PLINK format, one each")
    add("--male-maps", required=True, nargs="+")
    add("--genome", required=True, help="FASTA of the reference")
    add("--genome-index", required=True, help=".fai of the reference")
    add("--centromeres", required=True, help="TSV: build, chrom, pos_bp")
    add("--build", required=True, choices=BUILDS)


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add_inputs(parser)
    add = parser.add_argument
    pair = ("FEMALE", "MALE")
    add(
        "--interference",
        required=True,
        nargs=2,
        type=float,
        metavar=pair,
        help="gamma shape of the distances between chiasmata; 1: none",
    )
    add(
        "--escape",
        required=True,
        nargs=2,
        type=float,
        metavar=pair,
        help="share of the chiasmata that escape interference",
    )
    add("--de-novo-rate", required=True, type=float, help="per bp and generation")
    add("--de-novo-paternal-share", required=True, type=float)
    add(
        "--abnormality",
        action="append",
        default=[],
        nargs=len(karyotype.FIELDS),
        metavar=tuple(name.upper() for name in karyotype.FIELDS),
        help=f"{karyotype.NOT_GIVEN!r} where a field does not apply; repeatable",
    )
    add("--seed", required=True, type=int)
    add("--output", required=True, help="BCF; its .csi is made, too")
    add("--copies", required=True, help="TSV: which parental haplotype from where")
    add("--de-novo", required=True, help="TSV of new mutations")
    args = parser.parse_args(argv)
    check_args(parser, args)
    return args


def check_args(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Exit when the flags contradict each other, or a number cannot be."""
    pair = (args.mother, args.father)
    if (args.founder is None) == (None in pair) or (args.founder and any(pair)):
        parser.error("give --founder, or --mother and --father")
    for name in ("founders", "female_maps", "male_maps"):
        if len(getattr(args, name)) != len(args.chromosomes):
            parser.error(f"--{name.replace('_', '-')}: one file a chromosome")
    if len(set(args.chromosomes)) != len(args.chromosomes):
        parser.error("--chromosomes: each once")
    if args.founder and args.abnormality:
        parser.error("--abnormality: of a child, not of a founder")
    if not all(shape >= 1 for shape in args.interference):
        parser.error("--interference: at least 1")
    if not all(
        0 <= share <= 1 for share in (*args.escape, args.de_novo_paternal_share)
    ):
        parser.error("--escape and --de-novo-paternal-share: from 0 to 1")
    if not 0 <= args.de_novo_rate <= 1e-3:
        parser.error("--de-novo-rate: from 0 to 0.001")


def lengths_of(args: argparse.Namespace) -> dict[str, int]:
    """Length in bp of each chromosome asked for."""
    contigs = contig_lengths(args.genome_index)
    for chrom in args.chromosomes:
        if chrom not in contigs:
            raise InputError(
                f"{args.genome_index}: no {chrom!r}; found {', '.join(contigs)};"
                " expected each of --chromosomes"
            )
    return {chrom: contigs[chrom] for chrom in args.chromosomes}


def founder_genome(
    args: argparse.Namespace, lengths: Mapping[str, int], made: Made
) -> Iterator[Genotypes]:
    """A founder's chromosomes, under the sample's name."""
    if args.sex == "unknown" and any(map(kind_of, lengths)):
        raise InputError(
            f"--sex unknown: the sex chromosomes of founder {args.founder} are asked"
            " for; expected female or male"
        )
    for path, (chrom, length_bp) in zip(args.founders, lengths.items(), strict=True):
        people = [(args.founder, args.sex)]
        founder = read_founders(path, chrom, people, args.build, length_bp)
        own = founder_copies(chrom, args.sex, args.build, length_bp)
        made.copies[chrom] = own
        yield genotypes_of(founder, args.sample, alleles_of(founder, own))


def child_genome(
    args: argparse.Namespace, lengths: Mapping[str, int], made: Made
) -> Iterator[Genotypes]:
    """A child's chromosomes."""
    sexes = sex_of_sperm(args.seed, args.sample, args.sex)
    abnormalities = [karyotype.parse(words) for words in args.abnormality]
    karyotype.check(abnormalities, lengths, sexes[0])
    rates = Rates(args.de_novo_rate, args.de_novo_paternal_share)
    people = [(args.mother, "female"), (args.father, "male")]
    with pysam.FastaFile(args.genome) as genome:
        for chromosome, path in chromosomes_of(args, lengths):
            chrom, length_bp = chromosome.name, chromosome.length_bp
            founders = read_founders(path, chrom, people, args.build, length_bp)
            given = transmit(args.seed, args.sample, chromosome, sexes)
            inherited = karyotype.copies_of(given, abnormalities, chrom, length_bp)
            own = [one.copy for one in inherited]
            new = draw_de_novo(
                args.seed, args.sample, founders, inherited, rates, genome
            )
            plain = genotypes_of(founders, args.sample, alleles_of(founders, own))
            genotypes, rows = with_mutations(plain, own, new)
            made.copies[chrom] = own
            made.de_novo += rows
            yield genotypes


def chromosomes_of(
    args: argparse.Namespace, lengths: Mapping[str, int]
) -> Iterator[tuple[Chromosome, str]]:
    """Each chromosome with what meiosis needs, and the founders' BCF of it."""
    pairs = zip(args.interference, args.escape, strict=True)
    female, male = (Interference(shape, escape) for shape, escape in pairs)
    paths = zip(args.female_maps, args.male_maps, args.founders, strict=True)
    for chrom, (female_map, male_map, founders) in zip(lengths, paths, strict=True):
        maps = NO_CROSSOVERS, NO_CROSSOVERS
        if kind_of(chrom) != "Y":
            maps = read_map(female_map, chrom), read_map(male_map, chrom)
        chromosome = Chromosome(
            name=chrom,
            build=args.build,
            length_bp=lengths[chrom],
            centromere_bp=read_centromere(args.centromeres, args.build, chrom),
            maps=maps,
            interference=(female, male),
        )
        yield chromosome, founders


def work(args: argparse.Namespace) -> None:
    made = Made()
    make = founder_genome if args.founder else child_genome
    genome = make(args, lengths_of(args), made)
    write_bcf(args.output, contig_lengths(args.genome_index), genome)
    rows = copies_table.rows_of(args.sample, made.copies)
    tables.write_tsv(args.copies, copies_table.COLUMNS, rows)
    tables.write_tsv(args.de_novo, DE_NOVO_COLUMNS, made.de_novo)
    logger.info(
        "sample=%s copies=%d de_novo=%d",
        args.sample,
        sum(map(len, made.copies.values())),
        len(made.de_novo),
    )


def main(argv: Sequence[str] | None = None) -> int:
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
