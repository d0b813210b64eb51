"""The correction on counts as the prototypes of the design had them: reads of a site
independent of its neighbours' but for the local share of the alleles.

Real haplotypes and the real errors of their phase (make_parents.py, parents at 30x with
their reads); five embryos, amounts of either allele gamma-distributed over 10-kb
amplicons, one of them lost at a fifth of the sites, 0.5 % misread (bench/drawn_family).
No chimeras, damage, duplicates, fragments: what these cost is the difference to
make bench-correction. Beside it the same with the true phase: the limit. A row a phase
and depth; 95 % intervals over couples. World: made by make_world.py.

    python benchmarks/correct_drawn.py --world WORLD --chrom chr20 --couples 12 \\
        --seed 1 --directory WORK --output docs/benchmarks/correction/drawn.tsv
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cyvcf2
import numpy as np
from numpy.typing import NDArray

import make_case
import make_parents
import run_morula
from bench import drawn_family
from bench.calibration_measures import calibration_rows
from bench.case import load_case, load_result
from bench.genotype_measures import genotype_rows
from bench.intervals import combine
from bench.measures import kind_of
from bench.truth import PARENT_HET, SNVS, Row, truth_of
from make_parents import PARENTS
from morula import tables
from morula.cli import run
from morula.errors import InputError
from morula.parental_alleles import Sites

logger = logging.getLogger("correct_drawn")
DEPTHS = (30.0, 1.0, 0.1, 0.05, 0.02, 0.005)
ESTIMATED, TRUE = make_parents.ESTIMATED, "true"
EMBRYOS = [f"E{number}" for number in range(1, 6)]
PARENTS_DEPTH = 30
READ_ERROR = 0.005
# The counts are drawn anew; of the case only the true genomes are used.
SCENARIO = f'{{"embryos": {len(EMBRYOS)}, "depth": 1, "amplification": "MDA"}}'
MEASURES = {
    ("genotype_accuracy", f"{SNVS}_{PARENT_HET}"): "right_snvs",
    ("genotype_accuracy", PARENT_HET): "right",
    ("ece", PARENT_HET): "calibration_error",
    ("gp99_share", PARENT_HET): "gp99_share",
    ("gp99_accuracy", PARENT_HET): "gp99_right",
}
COLUMNS = ("phase", "depth", "measure", "value", "low", "high", "couples", "n")


@dataclass(frozen=True)
class Couple:
    """number: from 0; seed: its own; folder: of all its files; world; chrom."""

    number: int
    seed: int
    folder: Path
    world: Path
    chrom: str

    def parents(self, phase: str) -> Path:
        """Where make_parents.py leaves them."""
        return self.folder / phase

    def case(self, phase: str) -> Path:
        """Where make_case.py leaves the embryos."""
        return self.folder / f"embryos_{phase}"


def checked(status: int, what: str) -> None:
    """Raise InputError when a step did not end well."""
    if status:
        raise InputError(f"{what}.py ended with status {status}; its message is above")


def make_family(couple: Couple, phase: str) -> None:
    """The parents as Morula knows them, and the embryos' true genomes."""
    shared = ["--world", couple.world, "--chrom", couple.chrom]
    shared += ["--couple", couple.number, "--seed", couple.seed]
    folder = couple.parents(phase)
    flags = [*shared, "--depth", PARENTS_DEPTH, "--phase", phase, "--directory", folder]
    checked(make_parents.main([str(flag) for flag in flags]), "make_parents")
    flags = [*shared, "--panel", folder / "panel.bcf", "--parents", folder]
    flags += ["--scenario", SCENARIO, "--directory", couple.case(phase)]
    checked(make_case.main([str(flag) for flag in flags]), "make_case")


def sites_of(path: Path) -> Sites:
    """Sites of an embryo's counts, in the file's order."""
    rows = [(one.POS, one.REF, one.ALT[0]) for one in cyvcf2.VCF(str(path))]
    pos, ref, alt = zip(*rows, strict=True)
    letters = (np.array(one, dtype=object) for one in (ref, alt))
    return Sites(np.array(pos, dtype=np.int64), *letters)


def true_alleles(path: Path, sites: Sites) -> NDArray[np.int8]:
    """An embryo's alleles (L, 2); REF where its genome has no record."""
    found = {
        (one.POS, one.REF, one.ALT[0]): one.genotypes[0][:2]
        for one in cyvcf2.VCF(str(path))
    }
    keys = zip(sites.pos_bp.tolist(), sites.ref, sites.alt, strict=True)
    return np.array([found.get(key, (0, 0)) for key in keys], dtype=np.int8)


def draw_counts(couple: Couple, phase: str, depth: float) -> list[Path]:
    """Counts of every embryo at a depth; the same for either phase."""
    case, paths = couple.case(phase), []
    for number, name in enumerate(EMBRYOS):
        sites = sites_of(case / f"{name}.counts.bcf")
        alleles = true_alleles(case / f"{name}.bcf", sites)
        rng = np.random.default_rng([couple.seed, number, round(depth * 1e4)])
        span_bp = int(sites.pos_bp[-1])
        amount = drawn_family.amplified(rng, span_bp, sites.pos_bp)
        counts = drawn_family.counts_of(rng, depth, alleles, amount, READ_ERROR)
        paths.append(case / f"{name}.drawn.bcf")
        fai = couple.world / "genome.fa.fai"
        drawn_family.write_counts(paths[-1], name, fai, couple.chrom, sites, counts)
    return paths


def judge(couple: Couple, phase: str, depth: float) -> Iterator[Row]:
    """What Morula makes of a family at a depth, against the truth."""
    counts = draw_counts(couple, phase, depth)
    folder, made = couple.case(phase), couple.parents(phase)
    output = folder / "morula.npz"
    flags = ["--case", folder / "case.npz", "--output", output, "--counts", *counts]
    flags += ["--family-sites", made / "family.npz", "--phased", made / "phased.bcf"]
    flags += ["--imputed-parents", made / "imputed.bcf", "--mother", PARENTS[0]]
    flags += ["--father", PARENTS[1], "--map", couple.world / "average.map"]
    flags += ["--amplification", "MDA", "--cells", 1, "--seed", couple.seed]
    checked(run_morula.main([str(flag) for flag in flags]), "run_morula")
    case, result = load_case(folder / "case.npz"), load_result(output)
    truth = truth_of(case)
    rows = [*genotype_rows(truth, result, EMBRYOS), *calibration_rows(truth, result)]
    for row in rows:
        if row.embryo == "all" and (row.measure, row.stratum) in MEASURES:
            yield row


def table_rows(found: dict[tuple[str, float, str], list[Row]]) -> list[dict]:
    """A row for each phase, depth and measure, over the couples."""
    rows = []
    for (phase, depth, name), each in found.items():
        kind = kind_of(each[0].measure)
        one = combine([row.value for row in each], [row.n for row in each], kind)
        numbers = (f"{x:.5f}" for x in (one.value, one.low, one.high))
        cells = (phase, f"{depth:g}", name, *numbers, one.couples, one.n)
        rows.append(dict(zip(COLUMNS, cells, strict=True)))
    return rows


def work(args: argparse.Namespace) -> None:
    found: dict[tuple[str, float, str], list[Row]] = {
        (phase, depth, name): []
        for phase in (ESTIMATED, TRUE)
        for depth in DEPTHS
        for name in MEASURES.values()
    }
    args.output.parent.mkdir(parents=True, exist_ok=True)
    for number in range(args.couples):
        seed = 1000 * args.seed + number
        folder = args.directory / str(number)
        couple = Couple(number, seed, folder, args.world, args.chrom)
        for phase in (ESTIMATED, TRUE):
            make_family(couple, phase)
            for depth in DEPTHS:
                for row in judge(couple, phase, depth):
                    name = MEASURES[row.measure, row.stratum]
                    found[phase, depth, name].append(row)
        logger.info("%d of %d couples", number + 1, args.couples)
        # After each couple: a run that is cut short has told what it found.
        tables.write_tsv(args.output, COLUMNS, table_rows(found))


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--world", type=Path, required=True, help="of make_world.py")
    parser.add_argument("--chrom", required=True)
    parser.add_argument("--couples", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--directory", type=Path, required=True, help="for work")
    parser.add_argument("--output", type=Path, required=True, help="TSV")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
