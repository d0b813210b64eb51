"""Make a case of the benchmark: embryos of a prepared couple, and their counts under a
scenario. Written under --directory: {embryo}.bcf (truth), {embryo}.counts.bcf,
{embryo}.template.tsv, {embryo}.summary.tsv, the same of born children, and case.npz of
the embryos (bench/case.py).

--scenario is JSON: embryos (number), depth (one for all, or a list with one for each),
amplification, cells, set (numbers of the protocol to replace), reads (of the config's
`simulate.reads` and min_base_quality, what to replace), children (number of born ones:
ordinary DNA at CHILD_DEPTH), abnormalities, contamination, swaps (as in the config's
`simulate` section; embryos are E1, E2, ... or `all`, children C1, C2, ..., parents M1
and P1, and `stranger` is the world's last founder).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cyvcf2
import numpy as np
from numpy.typing import NDArray

from bench import case as bench_case
from bench.case import Case
from bench.steps import (
    RESOURCES,
    family_flags,
    named_flags,
    read_values,
    run_script,
)
from make_parents import PARENTS, couple_of, founders_of
from morula import tables
from morula.cli import run
from morula.errors import InputError
from morula.genetic_map import read_map
from morula.haplotypes import Genotypes, read_genotypes
from morula.simulation.copies import read_copies
from morula.simulation.plan_checks import words_of

Site = tuple[int, str, str]
# Of a born child, whose DNA needs no amplification.
CHILD_DEPTH = 30


def embryo_names(scenario: Mapping[str, Any]) -> list[str]:
    """E1, E2, ..."""
    return [f"E{number}" for number in range(1, scenario["embryos"] + 1)]


def child_names(scenario: Mapping[str, Any]) -> list[str]:
    """C1, C2, ..."""
    return [f"C{number}" for number in range(1, scenario.get("children", 0) + 1)]


def depths_of(scenario: Mapping[str, Any]) -> dict[str, float]:
    """Each embryo's depth. Raises InputError for a list of another length."""
    names, depth = embryo_names(scenario), scenario["depth"]
    depths = depth if isinstance(depth, list) else [depth] * len(names)
    if len(depths) != len(names):
        raise InputError(
            f"depth: {len(depths)} numbers for {len(names)} embryos; expected one for"
            " each, or one for all"
        )
    return dict(zip(names, depths, strict=True))


def make_genome(args: argparse.Namespace, name: str) -> None:
    """The true genome of an embryo, or of a stranger (a founder's name)."""
    names = founders_of(args.world)
    mother, father = couple_of(names, args.couple)
    flags: list[object] = ["--sample", name, "--sex", "unknown"]
    if name in (*embryo_names(args.scenario), *child_names(args.scenario)):
        flags += ["--mother", mother, "--father", father]
    else:
        flags += ["--founder", names[-1]]
    for one in args.scenario.get("abnormalities", []):
        if one["sample"] == name:
            here = {"chrom": args.chrom} if one.get("chrom") == "all" else {}
            flags += ["--abnormality", *words_of(one | here)]
    flags += [*family_flags(args.world, args.chrom), "--seed", args.seed]
    flags += ["--output", args.directory / f"{name}.bcf"]
    flags += ["--copies", args.directory / f"{name}.copies.tsv"]
    run_script(
        "simulate_family", [*flags, "--de-novo", args.directory / f"{name}.de_novo.tsv"]
    )


def folder_of(args: argparse.Namespace, name: str) -> Path:
    """Where the true genome of a member or stranger is."""
    return args.parents if name in PARENTS else args.directory


def tube_flags(args: argparse.Namespace, name: str) -> list[object]:
    """Whose DNA is in an embryo's tube."""
    source = name
    for pair in args.scenario.get("swaps", []):
        if name in pair:
            source = pair[1 - pair.index(name)]
    flags: list[object] = ["--source", source]
    flags += ["--truth", folder_of(args, source) / f"{source}.bcf"]
    flags += ["--copies", folder_of(args, source) / f"{source}.copies.tsv"]
    is_embryo = name in embryo_names(args.scenario)
    for one in args.scenario.get("contamination", []):
        if one["sample"] == name or (one["sample"] == "all" and is_embryo):
            by = one["by"]
            folder = folder_of(args, by)
            flags += ["--contaminant", by, "--contamination", one["share"]]
            flags += ["--contaminant-truth", folder / f"{by}.bcf"]
            flags += ["--contaminant-copies", folder / f"{by}.copies.tsv"]
    return flags


def amplification_flags(scenario: Mapping[str, Any], name: str) -> list[object]:
    """How a sample's DNA was amplified, and its depth; a child's was not."""
    if name in child_names(scenario):
        return ["--amplification", "none", "--depth", CHILD_DEPTH]
    flags: list[object] = ["--amplification", scenario["amplification"]]
    if scenario.get("cells"):
        flags += ["--cells", scenario["cells"]]
    for key, value in scenario.get("set", {}).items():
        flags += ["--set", key, value]
    return [*flags, "--depth", depths_of(scenario)[name]]


def count(args: argparse.Namespace, name: str) -> None:
    """An embryo's or child's counts under the scenario."""
    flags: list[object] = ["--sample", name, *tube_flags(args, name)]
    flags += ["--chromosomes", args.chrom, "--sites", args.parents / "sites.tsv.gz"]
    flags += ["--protocols", RESOURCES / "simulation.tsv"]
    flags += amplification_flags(args.scenario, name)
    flags += ["--genome", args.world / "genome.fa", "--seed", args.seed]
    flags += named_flags(read_values(args.scenario.get("reads")))
    flags += ["--outputs", args.directory / f"{name}.counts.bcf"]
    flags += ["--template", args.directory / f"{name}.template.tsv"]
    summary = args.directory / f"{name}.summary.tsv"
    run_script("simulate_counts", [*flags, "--summary", summary])


def read_alt_frequency(path: Path) -> dict[Site, float]:
    """ALT frequency of the panel that the methods get (INFO/AF), by site."""
    return {
        (record.POS, record.REF, record.ALT[0]): float(record.INFO["AF"])
        for record in cyvcf2.VCF(str(path))
    }


def at_sites(genotypes: Genotypes, sites: Sequence[Site]) -> NDArray[np.int8]:
    """Alleles at the panel's sites, int8 (L, N, 2); 0 (REF) where the file has none."""
    keys = zip(genotypes.pos_bp.tolist(), genotypes.ref, genotypes.alt, strict=True)
    row_of = {key: row for row, key in enumerate(keys)}
    rows = np.array([row_of.get(site, -1) for site in sites])
    found = genotypes.alleles[np.maximum(rows, 0)]
    return np.where(rows[:, None, None] >= 0, found, 0).astype(np.int8)


def read_numbers(
    path: Path, field: str, n_values: int, sites: Sequence[Site]
) -> NDArray[np.int32]:
    """A FORMAT field at the panel's sites, int32 (L, N, n_values); 0 where absent (an
    array's genotypes have no PL)."""
    reader = cyvcf2.VCF(str(path))
    row_of = {site: row for row, site in enumerate(sites)}
    found = np.zeros((len(sites), len(reader.samples), n_values), dtype=np.int32)
    for record in reader:
        row = row_of.get((record.POS, record.REF, record.ALT[0]))
        if row is not None and field in record.FORMAT:
            found[row] = np.maximum(record.format(field), 0)
    return found


def read_phased(path: Path, chrom: str, sites: Sequence[Site]) -> NDArray[np.int8]:
    """Phased alleles int8 (2, L, 2) of the parents; -1 where the file has no site."""
    phased = read_genotypes(path, chrom, PARENTS)
    keys = zip(phased.pos_bp.tolist(), phased.ref, phased.alt, strict=True)
    known = set(keys)
    there = np.array([site in known for site in sites])
    alleles = at_sites(phased, sites)
    return np.where(there[:, None, None], alleles, -1).astype(np.int8).swapaxes(0, 1)


def number(args: argparse.Namespace, name: str, measure: str) -> float:
    """A number that the simulation says of an embryo's counts."""
    (row,) = tables.read_tsv(args.directory / f"{name}.summary.tsv")
    return float(row[measure] or "nan")


def true_alleles(
    args: argparse.Namespace, names: Sequence[str], sites: Sequence[Site]
) -> list[NDArray[np.int8]]:
    """True alleles of mother, father and embryos, int8 (L, 1, 2) each."""
    return [
        at_sites(
            read_genotypes(folder_of(args, name) / f"{name}.bcf", args.chrom, [name]),
            sites,
        )
        for name in (*PARENTS, *names)
    ]


def transmitted(
    args: argparse.Namespace, names: Sequence[str], pos_bp: NDArray[np.int64]
) -> NDArray[np.int8]:
    """Which haplotype of the mother and of the father each embryo has, (E, 2, L)."""
    copies = [read_copies(args.directory / f"{n}.copies.tsv", n) for n in names]
    found = [
        [copy.haplotype_at(pos_bp) for copy in each[args.chrom][:2]] for each in copies
    ]
    return np.array(found, dtype=np.int8)


def gather(args: argparse.Namespace, names: Sequence[str]) -> Case:
    """All that the methods and the judge need."""
    frequency = read_alt_frequency(args.panel)
    sites = list(frequency)
    pos_bp = np.array([site[0] for site in sites], dtype=np.int64)
    is_snv = np.array([len(ref) == len(alt) == 1 for _, ref, alt in sites])
    truth = true_alleles(args, names, sites)
    counts = [
        read_numbers(args.directory / f"{n}.counts.bcf", "AD", 2, sites)[:, 0]
        for n in names
    ]
    maps = [
        read_map(args.world / f"{sex}.map", args.chrom) for sex in ("female", "male")
    ]
    pl = read_numbers(args.parents / "calls.bcf", "PL", 3, sites)
    return Case(
        chrom=args.chrom,
        pos_bp=pos_bp,
        ref=np.array([site[1] for site in sites]),
        alt=np.array([site[2] for site in sites]),
        embryos=np.array(names),
        alt_frequency=np.array(list(frequency.values())),
        counts=np.stack(counts),
        is_snv=is_snv,
        cm=np.stack([one.cm_at(pos_bp) for one in maps]),
        parent_pl=pl.swapaxes(0, 1),
        phased=read_phased(args.parents / "phased.bcf", args.chrom, sites),
        parents=np.stack([one[:, 0] for one in truth[:2]]),
        alleles=np.stack([one[:, 0] for one in truth[2:]]),
        transmitted=transmitted(args, names, pos_bp),
        true_dropout=np.array([number(args, n, "dropout") for n in names]),
        true_contamination=np.array([number(args, n, "contamination") for n in names]),
        true_error=np.array([number(args, n, "error") for n in names]),
    )


def work(args: argparse.Namespace) -> None:
    args.directory.mkdir(parents=True, exist_ok=True)
    names = embryo_names(args.scenario)
    family = [*names, *child_names(args.scenario)]
    others = {one["by"] for one in args.scenario.get("contamination", [])}
    others |= {name for pair in args.scenario.get("swaps", []) for name in pair}
    for name in [*family, *sorted(others - {*PARENTS, *family})]:
        make_genome(args, name)
    for name in family:
        count(args, name)
    bench_case.save(args.directory / "case.npz", gather(args, names))


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--world", type=Path, required=True)
    parser.add_argument("--panel", type=Path, required=True, help="that methods get")
    parser.add_argument("--parents", type=Path, required=True, help="of make_parents")
    parser.add_argument("--chrom", required=True)
    parser.add_argument("--couple", type=int, required=True, help="from 0")
    parser.add_argument("--scenario", type=json.loads, required=True, help="JSON")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--directory", type=Path, required=True)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
