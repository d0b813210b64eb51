"""Morula's own stages on a case: its scripts, with the config's defaults.

correct_embryo.py for each embryo, gather_embryos.py, impute_family.py; what they read
of the parents (phased, imputed, prepared) is made before, as for a family of users.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import cyvcf2
import numpy as np
from numpy.typing import NDArray

import morula
from bench.case import Case, Result, plain_result
from bench.peers import ordered
from bench.steps import RESOURCES, run_script, section_defaults
from morula import embryo_genome, embryo_posterior, posterior_samples, tables
from morula.errors import InputError
from morula.genetic_map import read_map
from morula.parental_alleles import Sites

# Keys of the config's section `correct` that correct_embryo.py is told (correct.smk).
OF_CORRECTION = (
    "prior_amplicons",
    "read_error",
    "damage_error",
    "contamination",
    "phase_switch",
    "shares",
    "max_depth",
    "em_iterations",
    "em_tolerance",
    "samples",
)


def named_flags(values: dict[str, object]) -> list[object]:
    """`--max-depth 50` of {"max_depth": 50}."""
    pairs = ((f"--{key.replace('_', '-')}", value) for key, value in values.items())
    return [word for pair in pairs for word in pair]


def parent_flags(args: argparse.Namespace) -> list[object]:
    """`--mother M1 --father P1`, of those that are known."""
    known = {role: getattr(args, role) for role in ("mother", "father")}
    return named_flags({role: name for role, name in known.items() if name})


def correct(case: Case, args: argparse.Namespace, folder: Path) -> None:
    """{embryo}.npz, .json and .tsv of every embryo."""
    defaults = section_defaults("correct")
    flags = ["--chromosomes", case.chrom, "--family-sites", args.family_sites]
    flags += ["--amplification", args.amplification]
    flags += ["--presets", RESOURCES / "amplification.tsv"]
    flags += ["--cells", args.cells] if args.cells else []
    flags += named_flags({key: defaults[key] for key in OF_CORRECTION})
    flags += ["--seed", args.seed, "--threads", args.threads]
    for name, counts in zip(case.embryos, args.counts, strict=True):
        paths = ["--embryo", name, "--counts", counts]
        paths += ["--posterior", folder / f"{name}.npz"]
        paths += ["--measures", folder / f"{name}.json"]
        paths += ["--inheritance", folder / f"{name}.tsv"]
        run_script("correct_embryo", [*flags, *paths])


def gather(case: Case, folder: Path) -> None:
    """qc.tsv of the embryos."""
    flags: list[object] = ["--measures", *(folder / f"{n}.json" for n in case.embryos)]
    flags += ["--inheritance", *(folder / f"{name}.tsv" for name in case.embryos)]
    flags += named_flags(section_defaults("correct", "qc"))
    flags += ["--qc", folder / "qc.tsv", "--segments", folder / "segments.tsv"]
    run_script("gather_embryos", flags)


def impute(case: Case, args: argparse.Namespace, folder: Path) -> None:
    """genomes.bcf and samples.npz of the family."""
    error = section_defaults("correct")["genotype_error"]
    flags: list[object] = ["--parents", args.imputed_parents, *parent_flags(args)]
    flags += ["--embryos", *(folder / f"{name}.npz" for name in case.embryos)]
    flags += ["--map", args.map, "--chrom", case.chrom, "--seed", args.seed]
    flags += ["--genotype-error", error, "--genomes", folder / "genomes.bcf"]
    run_script("impute_family", [*flags, "--samples", folder / "samples.npz"])


def read_genomes(
    case: Case, path: Path
) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
    """GP (E, L, 3) and alleles (E, L, 2) of the embryos.

    Raises InputError when the file's sites are not those of the case, in their order.
    """
    reader = cyvcf2.VCF(str(path), gts012=True)
    columns = [reader.samples.index(name) for name in case.embryos]
    keys, gp, alleles = [], [], []
    for record in reader:
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
    vectors = []
    for name in case.embryos:
        _, embryo = embryo_posterior.load(folder / f"{name}.npz", case.chrom)
        where = embryo_genome.place(panel, embryo.sites, genetic_map)
        where = replace(where, own=np.full(len(where.own), -1))
        vectors.append(embryo_genome.genotypes(embryo, where, numbers, numbers))
    return np.stack(vectors)


def measure(case: Case, folder: Path, *names: str) -> NDArray[np.float64]:
    """A measure of every embryo (E,), by its keys in {embryo}.json."""
    found = []
    for embryo in case.embryos:
        value = json.loads((folder / f"{embryo}.json").read_text())
        for name in names:
            value = value[name]
        found.append(value)
    return np.array(found, dtype=np.float64)


def infer(case: Case, args: argparse.Namespace, folder: Path) -> Result:
    """Run the stages in `folder` and gather what they say.

    args: family_sites (.npz of prepare_family.py), counts (a BCF an embryo, in the
    order of the case), imputed_parents (BCF), map (sex-averaged), mother, father,
    amplification, cells, seed, threads.
    """
    correct(case, args, folder)
    gather(case, folder)
    impute(case, args, folder)
    gp, phased = read_genomes(case, folder / "genomes.bcf")
    drawn = posterior_samples.load(folder / "samples.npz")
    order = [drawn.embryos.index(name) for name in case.embryos]
    status = {
        row["embryo"]: row["status"] for row in tables.read_tsv(folder / "qc.tsv")
    }
    return replace(
        plain_result(f"Morula {morula.__version__}", gp),
        haplotype=ordered.second_haplotypes(read_vectors(case, args, folder)),
        phased=phased,
        dropout=measure(case, folder, "ado_rate"),
        error=measure(case, folder, "error_rate"),
        contamination=measure(case, folder, "contamination", "value"),
        status=np.array([status[name] for name in case.embryos]),
        draws=np.stack([drawn.maternal[order], drawn.paternal[order]], axis=1),
    )
