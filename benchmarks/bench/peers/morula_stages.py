"""Morula's own stages on a case: its scripts, with the config's defaults.

learn_amplification.py for each embryo and born child, correct_family.py and
list_overrides.py of all of them, gather_embryos.py, impute_family.py; what they read of
the parents (phased, imputed, prepared) is made before, as for a family of users.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import cyvcf2
import numpy as np
from numpy.typing import NDArray

import morula
from bench.case import Case, Result, plain_result
from bench.peers import ordered
from bench.steps import RESOURCES, named_flags, run_script, section_defaults
from morula import embryo_genome, embryo_posterior, posterior_samples, tables
from morula.errors import InputError
from morula.genetic_map import read_map
from morula.parental_alleles import Sites

# Keys of the config's section `correct` that learn_amplification.py and
# correct_family.py are told (correct.smk).
OF_LEARNING = (
    *("array_error", "array_noise", "prior_amplicons", "read_error", "damage_error"),
    *("indel_error", "contamination"),
    *("shares", "max_depth", "learn_sites", "em_iterations", "em_tolerance"),
)
OF_CORRECTION = ("max_depth", "burn_in", "sweeps", "tolerance", "samples", "outlier")
# A born child's DNA is not amplified.
ORDINARY = "none"
# What correct_family.py writes: flag, and the end of the file's name.
OF_FAMILY = {
    "posterior": ".npz",
    "evidence": ".json",
    "inheritance": ".tsv",
    "parents": ".bcf",
}


@dataclass(frozen=True)
class Member:
    """An embryo or a born child of the family. name; counts: BCF; amplification: a row
    of resources/amplification.tsv; cells: in the biopsy, None where not known;
    is_array: the counts are what an array shows."""

    name: str
    counts: str
    amplification: str
    cells: int | None
    is_array: bool = False

    def learnt(self, folder: Path) -> Path:
        """What learn_amplification.py says of it."""
        return folder / f"{self.name}.amplification.json"


def members_of(case: Case, args: argparse.Namespace) -> list[Member]:
    """The embryos of the case, then born children: C1, C2, ..."""
    is_array = getattr(args, "array", False)
    embryos = [
        Member(str(name), counts, args.amplification, args.cells, is_array)
        for name, counts in zip(case.embryos, args.counts, strict=True)
    ]
    children = enumerate(args.child_counts, start=1)
    return [*embryos, *(Member(f"C{k}", path, ORDINARY, None) for k, path in children)]


def parent_flags(args: argparse.Namespace) -> list[str]:
    """`--mother M1 --father P1`, of those that are known."""
    known = {role: getattr(args, role) for role in ("mother", "father")}
    return named_flags({role: name for role, name in known.items() if name})


def learn(
    case: Case, args: argparse.Namespace, members: list[Member], folder: Path
) -> None:
    """{member}.amplification.json of every member."""
    defaults = section_defaults("correct")
    flags: list[object] = ["--chromosomes", case.chrom]
    flags += ["--family-sites", args.family_sites]
    flags += ["--presets", RESOURCES / "amplification.tsv"]
    flags += named_flags({key: defaults[key] for key in OF_LEARNING})
    flags += ["--threads", args.threads]
    for member in members:
        own = ["--embryo", member.name, "--counts", member.counts]
        own += ["--amplification", member.amplification]
        own += ["--cells", str(member.cells)] if member.cells else []
        own += ["--array"] if member.is_array else []
        output = ["--output", member.learnt(folder)]
        run_script("learn_amplification", [*flags, *own, *output])


def correct(
    case: Case, args: argparse.Namespace, members: list[Member], folder: Path
) -> None:
    """posterior.npz, evidence.json, inheritance.tsv and parents.bcf of the family."""
    defaults = section_defaults("correct")
    flags: list[object] = ["--chrom", case.chrom, "--family-sites", args.family_sites]
    flags += parent_flags(args)
    flags += ["--embryos", *(one.name for one in members)]
    flags += ["--counts", *(one.counts for one in members)]
    flags += ["--amplification", *(one.learnt(folder) for one in members)]
    flags += named_flags({key: defaults[key] for key in OF_CORRECTION})
    flags += ["--seed", args.seed]
    if getattr(args, "panel_bits", None):
        flags += ["--panel-bits", args.panel_bits]
    for name, suffix in OF_FAMILY.items():
        flags += [f"--{name}", folder / f"{name}{suffix}"]
    run_script("correct_family", flags)


def list_overrides(
    case: Case, args: argparse.Namespace, members: list[Member], folder: Path
) -> None:
    """overrides.tsv of the family."""
    defaults = section_defaults("correct")
    flags: list[object] = ["--chrom", case.chrom, "--family-sites", args.family_sites]
    flags += ["--posterior", folder / f"posterior{OF_FAMILY['posterior']}"]
    flags += ["--embryos", *(one.name for one in members)]
    flags += ["--counts", *(one.counts for one in members)]
    flags += ["--amplification", *(one.learnt(folder) for one in members)]
    ordinary = [one.name for one in members if one.amplification == ORDINARY]
    flags += ["--ordinary", *ordinary]
    keys = ("max_depth", "outlier", "genotype_error")
    flags += named_flags({key: defaults[key] for key in keys})
    flags += ["--output", folder / "overrides.tsv"]
    run_script("list_overrides", [*flags, "--confirmed", folder / "confirmed.npz"])


def gather(members: list[Member], folder: Path) -> None:
    """qc.tsv of the members."""
    flags: list[object] = ["--amplification", *(one.learnt(folder) for one in members)]
    flags += ["--evidence", folder / "evidence.json"]
    flags += ["--inheritance", folder / "inheritance.tsv"]
    flags += named_flags(section_defaults("correct", "qc"))
    flags += ["--qc", folder / "qc.tsv", "--segments", folder / "segments.tsv"]
    run_script("gather_embryos", flags)


def impute(case: Case, args: argparse.Namespace, folder: Path) -> None:
    """genomes.bcf and samples.npz of the family."""
    error = section_defaults("correct")["genotype_error"]
    flags: list[object] = ["--parents", args.imputed_parents, *parent_flags(args)]
    flags += ["--family-sites", args.family_sites]
    flags += ["--posterior", folder / "posterior.npz"]
    flags += ["--map", args.map, "--chrom", case.chrom, "--seed", args.seed]
    flags += ["--genotype-error", error, "--genomes", folder / "genomes.bcf"]
    flags += ["--phased", args.phased, "--samples", folder / "samples.npz"]
    flags += ["--overrides", folder / "overrides.tsv"]
    flags += ["--confirmed", folder / "confirmed.npz"]
    run_script("impute_family", flags)


def read_genomes(
    case: Case, path: Path
) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
    """GP (E, L, 3) and alleles (E, L, 2) of the embryos at the panel's sites.

    Raises InputError when the file's sites are not those of the case, in their order.
    """
    reader = cyvcf2.VCF(str(path), gts012=True)
    columns = [reader.samples.index(name) for name in case.embryos]
    keys, gp, alleles = [], [], []
    for record in reader:
        if record.INFO.get("PRIVATE"):
            continue
        keys.append((record.POS, record.REF, record.ALT[0]))
        gp.append(record.format("GP")[columns])
        alleles.append(record.genotype.array()[columns, :2])
    reader.close()
    if keys != list(zip(case.pos_bp.tolist(), case.ref, case.alt, strict=True)):
        raise InputError(
            f"{path}: {len(keys)} sites; expected the {len(case.pos_bp)} of the case in"
            " the same order: make the case and the parents from one panel"
        )
    return np.stack(gp, axis=1), np.stack(alleles, axis=1).astype(np.int8)


def read_vectors(
    case: Case, args: argparse.Namespace, folder: Path
) -> NDArray[np.float64]:
    """P(2 a + b) at the sites of the case, (E, L, 4), interpolated as impute_family.py
    does: alleles that are the haplotypes' own numbers make genotypes of vectors."""
    panel = Sites(case.pos_bp, case.ref, case.alt)
    numbers = np.tile([0.0, 1.0], (len(case.pos_bp), 1))
    genetic_map = read_map(args.map, case.chrom)
    family = embryo_posterior.load(folder / "posterior.npz")
    where = embryo_genome.place(panel, family.sites, genetic_map)
    where = replace(where, own=np.full(len(where.own), -1))
    return np.stack(
        [
            embryo_genome.genotypes(family.embryo(name), where, numbers, numbers)
            for name in case.embryos.tolist()
        ]
    )


def quality_rows(case: Case, folder: Path) -> list[dict[str, str]]:
    """Rows of qc.tsv of the embryos, in the order of the case."""
    rows = {row["embryo"]: row for row in tables.read_tsv(folder / "qc.tsv")}
    return [rows[name] for name in case.embryos.tolist()]


def numbers_of(rows: list[dict[str, str]], column: str) -> NDArray[np.float64]:
    """A column of qc.tsv, (E,), NaN where it says nothing."""
    return np.array([float(row[column] or "nan") for row in rows])


def infer(case: Case, args: argparse.Namespace, folder: Path) -> Result:
    """Run the stages in `folder` and gather what they say.

    args: family_sites (.npz of prepare_family.py), phased (BCF that it was made of),
    counts (a BCF an embryo, in the order of the case), child_counts (a BCF a born
    child), imputed_parents (BCF), map (sex-averaged), mother, father, amplification,
    cells, seed, threads.
    """
    members = members_of(case, args)
    learn(case, args, members, folder)
    correct(case, args, members, folder)
    list_overrides(case, args, members, folder)
    gather(members, folder)
    impute(case, args, folder)
    gp, phased = read_genomes(case, folder / "genomes.bcf")
    drawn = posterior_samples.load(folder / "samples.npz")
    order = [drawn.embryos.index(name) for name in case.embryos]
    rows = quality_rows(case, folder)
    return replace(
        plain_result(f"Morula {morula.__version__}", gp),
        haplotype=ordered.second_haplotypes(read_vectors(case, args, folder)),
        phased=phased,
        dropout=numbers_of(rows, "ado_rate"),
        error=numbers_of(rows, "error_rate"),
        contamination=numbers_of(rows, "contamination"),
        status=np.array([row["status"] for row in rows]),
        draws=np.stack([drawn.maternal[order], drawn.paternal[order]], axis=1),
    )
