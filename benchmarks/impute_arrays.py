"""Parents and embryos from SNP arrays, against the same families at 30x.

Real founders are thinned to an array (one common SNV of the panel in each window);
their genotypes go through Morula's own import, phasing and imputation. The embryos are
the same, amplified by single-cell MDA with 20 % dropout; their arrays show the ALT
share of that DNA, read at ARRAY_DEPTH, with the errors of bench/array_chips.py, as BAF
or as called genotypes alone. World: made by make_world.py.

    python benchmarks/impute_arrays.py --world WORLD --chrom chr20 --couples 6 \\
        --seed 1 --directory WORK --output docs/benchmarks/imputation/arrays.tsv
"""

from __future__ import annotations

import argparse
import logging
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import make_case
import make_parents
import run_morula
from bench import array_chips
from bench.array_chips import Markers
from bench.calibration_measures import calibration_rows
from bench.case import Case, Result, load_case, load_result
from bench.genotype_measures import genotype_rows, null_result
from bench.steps import run_script, section_defaults
from bench.truth import ALL, PARENT_HET, Row, truth_of
from make_parents import PARENTS
from morula import tables
from morula.cli import run
from morula.errors import InputError

logger = logging.getLogger("impute_arrays")
DEPTH = 30
# So deep that the reads' ALT fraction is that of the template.
ARRAY_DEPTH = 300
EMBRYOS = [f"E{number}" for number in range(1, 6)]
# Data of the parents, and of the embryos: BAF, or genotypes alone.
READS, ARRAY, CALLS = "reads", "array", "array_calls"
# Parents, embryos.
ARMS = (
    *((READS, READS), (ARRAY, READS), (READS, ARRAY), (READS, CALLS)),
    *((ARRAY, ARRAY), (ARRAY, CALLS)),
)
MEASURES = {
    ("dosage_r2", ALL),
    ("dosage_r2", f"{ALL}_maf_below_1pct"),
    ("dosage_r2", f"{ALL}_maf_1_to_5pct"),
    ("dosage_r2", f"{ALL}_maf_5_to_50pct"),
    ("genotype_accuracy", ALL),
    ("genotype_accuracy", PARENT_HET),
    ("ece", ALL),
    ("ece", PARENT_HET),
}
COLUMNS = ("couple", "parents", "embryos", "measure", "stratum", "value", "n")


@dataclass(frozen=True)
class Couple:
    """number: from 0; seed: its own; folder: of all its files; world; chrom; markers:
    of the array."""

    number: int
    seed: int
    folder: Path
    world: Path
    chrom: str
    markers: Markers

    @property
    def fai(self) -> Path:
        return self.world / "genome.fa.fai"

    def rng(self, *words: str) -> np.random.Generator:
        """Random numbers of one array."""
        return np.random.default_rng([self.seed, *map(ord, "".join(words))])

    def parents(self, kind: str) -> Path:
        """Where make_parents leaves the parents."""
        return self.folder / kind

    def args(self, kind: str) -> argparse.Namespace:
        """The command line of make_parents.py."""
        flags = ["--world", self.world, "--chrom", self.chrom, "--couple", self.number]
        flags += ["--depth", DEPTH, "--phase", make_parents.ESTIMATED]
        flags += ["--seed", self.seed, "--directory", self.parents(kind)]
        return make_parents.parse_args([str(flag) for flag in flags])


def scenario(depth: float) -> str:
    """The embryos, as make_case.py takes them."""
    return (
        f'{{"embryos": {len(EMBRYOS)}, "depth": {depth}, "amplification": "MDA",'
        ' "cells": 1, "set": {"dropout_rate": 0.2, "amplicon_bp": 10000}}'
    )


def import_array(couple: Couple, vcf: Path, name: str, part: Path, *more: str) -> None:
    """Rule import_vcf."""
    flags: list[object] = ["--vcf", vcf, "--sample", name, "--chromosomes"]
    flags += [couple.chrom, "--genome", couple.world / "genome.fa"]
    flags += ["--max-wrong-ref", section_defaults("call")["max_wrong_ref"]]
    flags += ["--panel-sites", couple.world / "snvs.tsv.gz", "--output", part]
    run_script("import_vcf", [*flags, *more])


def call_arrays(couple: Couple, args: argparse.Namespace) -> None:
    """calls.bcf of the parents' arrays (rules import_vcf and join_genotypes)."""
    parts = []
    for name in PARENTS:
        rng = couple.rng("array", name)
        truth = args.directory / f"{name}.bcf"
        alleles = array_chips.alleles_at(truth, name, couple.markers)
        vcf, part = (args.directory / f"{name}.{end}" for end in ("vcf", "calls.bcf"))
        shown = array_chips.Shown(array_chips.unamplified(rng, alleles))
        array_chips.write_array(vcf, couple.fai, couple.markers, name, shown)
        import_array(couple, vcf, name, part)
        parts.append(str(part))
    calls = str(args.directory / "calls.bcf")
    merge = ["bcftools", "merge", "--no-version", "-m", "none", "-Ob", "-o", calls]
    subprocess.run([*merge, *parts], check=True)
    subprocess.run(["bcftools", "index", "-f", calls], check=True)


def array_parents(couple: Couple) -> None:
    """The parents from arrays, through Morula's stages up to the embryos."""
    args = couple.args(ARRAY)
    args.directory.mkdir(parents=True, exist_ok=True)
    make_parents.make_truth(args)
    call_arrays(couple, args)
    panel = make_parents.subset_panel(args)
    make_parents.write_sites(args, panel)
    make_parents.refine(args, panel)
    make_parents.phase(args, panel, None)
    make_parents.prepare(args, panel)


def case_folder(couple: Couple, parents: str, embryos: str) -> Path:
    return couple.folder / f"case_{parents}_{embryos}"


def make_embryos(couple: Couple, parents: str, embryos: str) -> None:
    """The case: embryos, and their counts, or what their arrays show."""
    folder, case = couple.parents(parents), case_folder(couple, parents, embryos)
    depth = DEPTH if embryos == READS else ARRAY_DEPTH
    flags = ["--world", couple.world, "--panel", folder / "panel.bcf"]
    flags += ["--parents", folder, "--chrom", couple.chrom]
    flags += ["--scenario", scenario(depth)]
    flags += ["--couple", couple.number, "--seed", couple.seed, "--directory", case]
    checked(make_case.main([str(flag) for flag in flags]), "make_case")
    if embryos != READS:
        for name in EMBRYOS:
            put_on_array(couple, folder, case, name, embryos == ARRAY)


def put_on_array(
    couple: Couple, parents: Path, case: Path, name: str, has_fractions: bool
) -> None:
    """The embryo's counts replaced by what its array shows (rule count_array)."""
    counts, vcf, part = (
        case / f"{name}.{end}" for end in ("counts.bcf", "array.vcf", "array.bcf")
    )
    rng = couple.rng("embryo", name)
    reads = array_chips.depths_at(counts, couple.markers)
    shown = array_chips.amplified(rng, reads, has_fractions)
    array_chips.write_array(vcf, couple.fai, couple.markers, name, shown)
    import_array(couple, vcf, name, part, "--array")
    flags: list[object] = ["--genome", couple.world / "genome.fa", "--sample", name]
    flags += ["--chrom", couple.chrom, "--array", part, "--output", counts]
    run_script("count_array", [*flags, "--sites", parents / "sites.tsv.gz"])


def infer(couple: Couple, parents: str, embryos: str) -> tuple[Case, Result]:
    """What Morula makes of an arm."""
    folder, made = case_folder(couple, parents, embryos), couple.parents(parents)
    output = folder / "morula.npz"
    flags = ["--case", folder / "case.npz", "--output", output]
    flags += ["--family-sites", made / "family.npz", "--phased", made / "phased.bcf"]
    flags += ["--imputed-parents", made / "imputed.bcf", "--mother", PARENTS[0]]
    flags += ["--father", PARENTS[1], "--map", couple.world / "average.map"]
    flags += ["--amplification", "MDA", "--cells", 1, "--seed", couple.seed]
    flags += ["--counts", *(folder / f"{name}.counts.bcf" for name in EMBRYOS)]
    flags += [] if embryos == READS else ["--array"]
    checked(run_morula.main([str(flag) for flag in flags]), "run_morula")
    return load_case(folder / "case.npz"), load_result(output)


def checked(status: int, what: str) -> None:
    """Raise InputError when a step did not end well."""
    if status:
        raise InputError(f"{what}.py ended with status {status}; its message is above")


def judged(case: Case, result: Result) -> Iterator[Row]:
    """The measures of the table."""
    truth = truth_of(case)
    names = [str(name) for name in case.embryos]
    for rows in (genotype_rows(truth, result, names), calibration_rows(truth, result)):
        for row in rows:
            if row.embryo == "all" and (row.measure, row.stratum) in MEASURES:
                yield row


def couple_rows(couple: Couple) -> Iterator[dict[str, object]]:
    """Rows of all arms of a couple, and of the panel's frequencies alone."""
    make_parents.work(couple.args(READS))
    array_parents(couple)
    for arm in ARMS:
        make_embryos(couple, *arm)
        case, result = infer(couple, *arm)
        yield from (cells(couple, arm, row) for row in judged(case, result))
        if arm == ARMS[0]:
            null, nothing = null_result(case), ("panel_frequency", "none")
            yield from (cells(couple, nothing, row) for row in judged(case, null))


def cells(couple: Couple, arm: tuple[str, str], row: Row) -> dict[str, object]:
    """A row of the table."""
    values = (couple.number, *arm, row.measure, row.stratum, f"{row.value:.6g}", row.n)
    return dict(zip(COLUMNS, values, strict=True))


def mean_rows(rows: Sequence[dict[str, object]]) -> list[dict[str, object]]:
    """Means over couples, couple `mean`, in the order of the rows."""
    groups: dict[tuple, list[dict[str, object]]] = {}
    for row in rows:
        groups.setdefault(tuple(row[key] for key in COLUMNS[1:5]), []).append(row)
    means = []
    for key, group in groups.items():
        value = np.mean([float(str(row["value"])) for row in group])
        n = sum(int(str(row["n"])) for row in group)
        means.append(dict(zip(COLUMNS, ("mean", *key, f"{value:.6g}", n), strict=True)))
    return means


def work(args: argparse.Namespace) -> None:
    panel = args.world / "panel.bcf"
    rows: list[dict[str, object]] = []
    for number in range(args.couples):
        seed = 1000 * args.seed + number
        markers = array_chips.choose_markers(
            panel, args.chrom, args.spacing_bp, args.min_maf, args.seed
        )
        folder = args.directory / str(number)
        couple = Couple(number, seed, folder, args.world, args.chrom, markers)
        logger.info("couple %d: %d markers", number, len(markers.pos_bp))
        rows += couple_rows(couple)
    args.output.parent.mkdir(parents=True, exist_ok=True)
    tables.write_tsv(args.output, COLUMNS, [*mean_rows(rows), *rows])


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--world", type=Path, required=True, help="of make_world.py")
    parser.add_argument("--chrom", required=True)
    parser.add_argument("--couples", type=int, required=True)
    # HumanHap550: about 550,000 common SNVs a genome.
    parser.add_argument("--spacing-bp", type=float, default=5500)
    parser.add_argument("--min-maf", type=float, default=0.05)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--directory", type=Path, required=True, help="for work")
    parser.add_argument("--output", type=Path, required=True, help="TSV")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
