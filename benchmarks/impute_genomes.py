"""How near the embryos' genomes come to the truth at all sites of the panel and at the
parents' private variants, by the embryos' depth.

Couples of a world of real haplotypes (make_world.py), phased and imputed as the
workflow does it (make_parents.py), their embryos' counts (make_case.py: single-cell
MDA, 20 % dropout in 10-kb amplicons), Morula's stages from there on. One row a depth
and method; all couples' genotypes are pooled. What is finished in --directory is not
made again.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import cyvcf2
import numpy as np
from numpy.typing import NDArray

import make_case
import make_parents
from bench.calibration_measures import calibration_rows
from bench.case import Case, Result, load_case, load_result, plain_result, save
from bench.genotype_measures import genotype_rows, null_result
from bench.peers import morula_stages
from bench.steps import named_flags, run_script, section_defaults
from bench.truth import ALL, FREQUENCY_BINS, truth_of
from morula import tables
from morula.cli import run
from morula.errors import InputError

logger = logging.getLogger("impute_genomes")
PARENTS = {"mother": "M1", "father": "P1"}
AMPLIFICATION = {
    "amplification": "MDA",
    "cells": 1,
    "set": {"dropout_rate": 0.2, "amplicon_bp": 10000},
}
MEASURES = {
    "r2": ("dosage_r2", ALL),
    **{f"r2_{name}": ("dosage_r2", f"{ALL}_{name}") for name, _, _ in FREQUENCY_BINS},
    "genotypes_right": ("genotype_accuracy", ALL),
    "calibration_error": ("ece", ALL),
    "gp99_share": ("gp99_share", ALL),
    "gp99_right": ("gp99_accuracy", ALL),
}
COLUMNS = (
    *("parents", "known", "depth", "method", "couples", "genotypes"),
    *MEASURES,
    *("private_genotypes", "private_right", "private_claimed"),
)
# Of what a case has an entry for each embryo.
OF_EMBRYOS = ("embryos", "counts", "alleles", "transmitted")
OF_EMBRYOS += ("true_dropout", "true_contamination", "true_error")
Site = tuple[int, str, str]


def make_couple(args: argparse.Namespace, couple: int) -> Path:
    """The parents of a couple up to family.npz."""
    folder = args.directory / f"parents_{args.parents}" / str(couple)
    if not (folder / "family.npz").is_file():
        flags = ["--world", args.world, "--chrom", args.chrom, "--couple", couple]
        flags += ["--depth", args.parents.removesuffix("x"), "--phase", "estimated"]
        flags += ["--seed", args.seed + couple, "--directory", folder]
        if make_parents.main([str(flag) for flag in flags]):
            raise InputError(f"couple {couple}: no parents; the message is above")
    return folder


def make_embryos(
    args: argparse.Namespace, parents: Path, couple: int, depth: float, folder: Path
) -> Case:
    """The embryos of a couple with their counts."""
    if not (folder / "case.npz").is_file():
        scenario = AMPLIFICATION | {"embryos": args.embryos, "depth": depth}
        flags = ["--world", args.world, "--panel", parents / "panel.bcf"]
        flags += ["--parents", parents, "--chrom", args.chrom, "--couple", couple]
        flags += ["--scenario", json.dumps(scenario), "--seed", args.seed + couple]
        if make_case.main([str(flag) for flag in [*flags, "--directory", folder]]):
            raise InputError(f"couple {couple}: no embryos; the message is above")
    return load_case(folder / "case.npz")


def without_donor(args: argparse.Namespace, parents: Path, folder: Path) -> None:
    """family.npz of the known parent alone, and the panel's bits, in `folder`."""
    sources: list[object] = ["--genotypes", parents / "genotypes.bcf"]
    sources += ["--phased", parents / "phased.bcf"]
    sources += ["--imputed", parents / "imputed.bcf"]
    sources += named_flags({role: PARENTS[role] for role in args.known})
    prepare_lacking(args, parents, folder, sources)


def prepare_lacking(
    args: argparse.Namespace, parents: Path, folder: Path, sources: list[object]
) -> None:
    """family.npz of a family that lacks a parent, and the panel's bits, in `folder`;
    sources: flags of what is known of the parents."""
    flags: list[object] = ["--sites", parents / "sites.tsv.gz", "--chrom", args.chrom]
    flags += sources
    for sex in ("female", "male"):
        flags += [f"--map-{sex}", args.world / f"{sex}.map"]
    flags += ["--genotype-error", section_defaults("correct")["genotype_error"]]
    run_script("prepare_family", [*flags, "--output", folder / "family.npz"])
    flags = ["--panel", parents / "panel.bcf", "--chrom", args.chrom]
    run_script("pack_panel", [*flags, "--output", folder / "bits.npz"])


def infer(
    args: argparse.Namespace, parents: Path, case: Case, couple: int, folder: Path
) -> Result:
    """What Morula says of a case; genomes.bcf stays in `folder`."""
    if not (folder / "result.npz").is_file():
        has_donor = len(args.known) < len(PARENTS)
        if has_donor:
            without_donor(args, parents, folder)
        asked = SimpleNamespace(
            family_sites=(folder if has_donor else parents) / "family.npz",
            panel_bits=folder / "bits.npz" if has_donor else None,
            phased=parents / "phased.bcf",
            imputed_parents=parents / "imputed.bcf",
            counts=[str(folder / f"{name}.counts.bcf") for name in case.embryos],
            child_counts=[],
            map=args.world / "average.map",
            mother=PARENTS["mother"] if "mother" in args.known else None,
            father=PARENTS["father"] if "father" in args.known else None,
            amplification=AMPLIFICATION["amplification"],
            cells=AMPLIFICATION["cells"],
            seed=args.seed + couple,
            threads=1,
        )
        save(folder / "result.npz", morula_stages.infer(case, asked, folder))
    return load_result(folder / "result.npz")


def private_genotypes(
    folder: Path, names: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """P(best genotype) of every embryo at every private variant of genomes.bcf, and
    whether it is right, (P, E) each."""
    reader = cyvcf2.VCF(str(folder / "genomes.bcf"))
    columns = [reader.samples.index(name) for name in names]
    gp: dict[Site, NDArray[np.float64]] = {
        (record.POS, record.REF, record.ALT[0]): record.format("GP")[columns]
        for record in reader
        if record.INFO.get("PRIVATE")
    }
    found = np.array(list(gp.values())).reshape(-1, len(names), 3)
    rows = {site: row for row, site in enumerate(gp)}
    # A site that the truth does not list is REF in the embryo.
    copies = np.zeros(found.shape[:2], dtype=np.int64)
    for column, name in enumerate(names):
        for record in cyvcf2.VCF(str(folder / f"{name}.bcf")):
            row = rows.get((record.POS, record.REF, record.ALT[0]))
            if row is not None:
                copies[row, column] = sum(record.genotypes[0][:2])
    return found.max(axis=2), found.argmax(axis=2) == copies


def pooled(cases: Sequence[Case]) -> Case:
    """The embryos of all cases as one case; its parents are those of the first."""
    together = {
        name: np.concatenate([getattr(case, name) for case in cases])
        for name in OF_EMBRYOS
    }
    return replace(cases[0], **together)


def measure(case: Case, result: Result) -> dict[str, object]:
    """The measures of a method over all embryos; empty where it has none."""
    truth = truth_of(case)
    rows = [*genotype_rows(truth, result, []), *calibration_rows(truth, result)]
    values = {(row.measure, row.stratum): row.value for row in rows}
    found = {name: values.get(key) for name, key in MEASURES.items()}
    # Nine digits: an error of one genotype in a million shows.
    return {k: None if v is None else f"{v:.9g}" for k, v in found.items()}


def rows_of(args: argparse.Namespace, depth: float) -> list[dict[str, object]]:
    """Rows of the table at one depth."""
    cases, gp, claimed, right = [], [], [], []
    for couple in range(args.couples):
        parents = make_couple(args, couple)
        name = f"depth_{depth:g}_{'_'.join(args.known)}_{args.parents}"
        folder = args.directory / name / str(couple)
        case = make_embryos(args, parents, couple, depth, folder)
        gp.append(infer(args, parents, case, couple, folder).gp)
        cases.append(case)
        best, is_right = private_genotypes(folder, case.embryos.tolist())
        claimed.append(best.ravel())
        right.append(is_right.ravel())
        logger.info("depth %g, couple %d", depth, couple)
    case = pooled(cases)
    every_gp = np.concatenate(gp)
    base = {
        "parents": args.parents,
        "known": ",".join(args.known),
        "depth": depth,
        "couples": args.couples,
        "genotypes": every_gp.shape[0] * every_gp.shape[1],
    }
    best, is_right = np.concatenate(claimed), np.concatenate(right)
    private = {
        "private_genotypes": len(best),
        "private_right": float(is_right.mean()) if len(best) else None,
        "private_claimed": float(best.mean()) if len(best) else None,
    }
    null = null_result(case)
    morula = plain_result("morula", every_gp)
    return [
        base | {"method": "morula"} | measure(case, morula) | private,
        base | {"method": null.method} | measure(case, null) | dict.fromkeys(private),
    ]


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--world", type=Path, required=True, help="of make_world.py")
    add("--chrom", default="chr20")
    add("--parents", default="30x", help="what is known of them: reads, as 30x")
    add("--known", default="mother,father", help="parents with data, by comma")
    add("--depths", type=float, nargs="+", default=[30.0, 1.0, 0.1])
    add("--couples", type=int, default=8)
    add("--embryos", type=int, default=5)
    add("--seed", type=int, default=1000)
    add("--directory", type=Path, required=True, help="for what is made on the way")
    add("--output", type=Path, required=True, help="TSV")
    args = parser.parse_args(argv)
    args.known = args.known.split(",")
    return args


def work(args: argparse.Namespace) -> None:
    rows = [row for depth in args.depths for row in rows_of(args, depth)]
    tables.write_tsv(args.output, COLUMNS, rows)


def main(argv: Sequence[str] | None = None) -> int:
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
