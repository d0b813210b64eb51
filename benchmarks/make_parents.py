"""Make a couple of the benchmark and take it through Morula's stages up to the embryos.

Two founders of a world become the parents; their genotypes at a depth are simulated,
phased (by SHAPEIT4 as the workflow does, or given: true, or true with switches),
imputed and prepared. Written under --directory: M1.bcf, P1.bcf (truth), calls.bcf,
sites.tsv.gz, phased.bcf, imputed.bcf, family.npz.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pysam

from bench.steps import (
    family_flags,
    read_flags,
    run_script,
    section_defaults,
)
from morula.call_files import samples_of
from morula.cli import run
from morula.errors import InputError
from morula.haplotypes import Genotypes, read_genotypes
from morula.simulation.bcf import contig_lengths, write_bcf
from morula.simulation.streams import stream

PARENTS = ("M1", "P1")


def founders_of(world: Path) -> list[str]:
    """All founders of a world."""
    return samples_of(world / "founders.bcf")


def couple_of(founders: Sequence[str], couple: int) -> Sequence[str]:
    """Mother and father of a couple, numbered from 0."""
    if 2 * couple + 2 > len(founders):
        raise InputError(
            f"{len(founders)} founders; expected two for each of {couple + 1} couples"
        )
    return founders[2 * couple : 2 * couple + 2]


def make_truth(args: argparse.Namespace) -> None:
    """The parents' true genomes and copies."""
    couple = couple_of(founders_of(args.world), args.couple)
    pairs = zip(PARENTS, couple, strict=True)
    for (name, founder), sex in zip(pairs, ("female", "male"), strict=True):
        flags = ["--sample", name, "--founder", founder, "--sex", sex]
        flags += [*family_flags(args.world, args.chrom), "--seed", args.seed]
        flags += ["--output", args.directory / f"{name}.bcf"]
        flags += ["--copies", args.directory / f"{name}.copies.tsv"]
        run_script(
            "simulate_family",
            [*flags, "--de-novo", args.directory / f"{name}.de_novo.tsv"],
        )


def call(args: argparse.Namespace) -> None:
    """calls.bcf, and the sites at which embryos are counted (rule join_genotypes)."""
    calls = args.directory / "calls.bcf"
    options = section_defaults("call")
    flags = ["--samples", *PARENTS, "--sources", *PARENTS]
    flags += ["--truths", *(args.directory / f"{name}.bcf" for name in PARENTS)]
    flags += ["--copies", *(args.directory / f"{n}.copies.tsv" for n in PARENTS)]
    flags += ["--depths", args.depth, args.depth, "--chrom", args.chrom]
    flags += ["--panel-sites", args.world / "snvs.tsv.gz"]
    flags += ["--genome-index", args.world / "genome.fa.fai", *read_flags()]
    flags += ["--min-base-quality", options["min_base_quality"]]
    run_script("simulate_calls", [*flags, "--seed", args.seed, "--output", calls])
    sites = args.directory / "sites.tsv"
    view = ["bcftools", "view", "--no-version", "-v", "snps", "-Ou", str(calls)]
    query = ["bcftools", "query", "-i", 'PANEL=1 || GT="alt"']
    query += ["-f", "%CHROM\\t%POS\\t%REF,%ALT\\n"]
    with sites.open("wb") as target:
        snps = subprocess.run(view, check=True, capture_output=True).stdout
        subprocess.run(query, check=True, input=snps, stdout=target)
    pysam.tabix_compress(str(sites), f"{sites}.gz", force=True)
    pysam.tabix_index(f"{sites}.gz", seq_col=0, start_col=1, end_col=1, force=True)
    sites.unlink()


def subset_panel(args: argparse.Namespace) -> Path:
    """panel.bcf, which the methods get: the world's, or its first --panel-size samples,
    at the same sites."""
    whole, part = args.world / "panel.bcf", args.directory / "panel.bcf"
    names = samples_of(whole)[: args.panel_size or None]
    view = ["bcftools", "view", "--no-version", "-s", ",".join(names), "-Ou"]
    cut = subprocess.run([*view, str(whole)], check=True, capture_output=True)
    tags = ["bcftools", "+fill-tags", "-", "--no-version", "-Ob", "-o", str(part)]
    subprocess.run([*tags, "--", "-t", "AC,AN,AF"], check=True, input=cut.stdout)
    subprocess.run(["bcftools", "index", "-f", str(part)], check=True)
    return part


def phase(args: argparse.Namespace, panel: Path) -> None:
    """phased.bcf: SHAPEIT4's haplotypes of the calls."""
    options = section_defaults("phase")
    flags = ["--calls", args.directory / "calls.bcf", "--parents", *PARENTS]
    flags += ["--panel", panel, "--map", args.world / "average.map"]
    flags += ["--genome", args.world / "genome.fa", "--chrom", args.chrom]
    flags += ["--min-genotype-quality", options["min_genotype_quality"]]
    flags += ["--mcmc-iterations", options["mcmc_iterations"], "--seed", args.seed]
    run_script("phase_parents", [*flags, "--output", args.directory / "phased.bcf"])


def switched(truth: Genotypes, rate: float, rng: np.random.Generator) -> Genotypes:
    """True haplotypes with a switch between neighbouring hets at `rate`."""
    alleles = truth.alleles.copy()
    for column in range(len(truth.samples)):
        het = alleles[:, column, 0] != alleles[:, column, 1]
        turns = np.zeros(len(alleles), dtype=np.int64)
        turns[het] = rng.random(int(het.sum())) < rate
        turned = np.cumsum(turns) % 2 == 1
        alleles[turned, column] = alleles[turned, column, ::-1]
    return replace(truth, alleles=alleles)


def give_phase(args: argparse.Namespace, rate: float) -> None:
    """phased.bcf: the true haplotypes at the panel's sites, with switches at `rate`."""
    panel = read_genotypes(args.world / "panel.bcf", args.chrom, [])
    sites = set(zip(panel.pos_bp.tolist(), panel.ref, panel.alt, strict=True))
    members = []
    for name in PARENTS:
        found = read_genotypes(args.directory / f"{name}.bcf", args.chrom, [name])
        keys = zip(found.pos_bp.tolist(), found.ref, found.alt, strict=True)
        members.append((found, np.array([key in sites for key in keys])))
    (mother, kept), (father, _) = members
    both = replace(
        mother,
        pos_bp=mother.pos_bp[kept],
        ref=mother.ref[kept],
        alt=mother.alt[kept],
        alleles=np.concatenate([mother.alleles, father.alleles], axis=1)[kept],
        phased=np.ones((int(kept.sum()), 2), dtype=bool),
        samples=PARENTS,
    )
    rng = stream(args.seed, "switches", str(args.couple))
    contigs = contig_lengths(args.world / "genome.fa.fai")
    given = switched(both, rate, rng)
    write_bcf(args.directory / "phased.bcf", contigs, [given])


def prepare(args: argparse.Namespace, panel: Path) -> None:
    """imputed.bcf and family.npz."""
    phased, imputed = (args.directory / f"{n}.bcf" for n in ("phased", "imputed"))
    flags = ["--phased", phased, "--panel", panel, "--map", args.world / "average.map"]
    flags += ["--chrom", args.chrom, "--seed", args.seed, "--threads", "1"]
    run_script("impute_parents", [*flags, "--memory-mb", "3000", "--output", imputed])
    options = section_defaults("correct")
    flags = ["--sites", args.directory / "sites.tsv.gz", "--chrom", args.chrom]
    flags += ["--genotypes", args.directory / "calls.bcf", "--imputed", imputed]
    flags += ["--mother", PARENTS[0], "--father", PARENTS[1]]
    for sex in ("female", "male"):
        flags += [f"--map-{sex}", args.world / f"{sex}.map"]
    for key in ("phase_flip", "phase_flip_rare", "genotype_error"):
        flags += [f"--{key.replace('_', '-')}", options[key]]
    run_script("prepare_family", [*flags, "--output", args.directory / "family.npz"])


def work(args: argparse.Namespace) -> None:
    args.directory.mkdir(parents=True, exist_ok=True)
    make_truth(args)
    call(args)
    panel = subset_panel(args)
    if args.phase == "shapeit4":
        phase(args, panel)
    else:
        give_phase(args, 0.0 if args.phase == "true" else float(args.phase))
    prepare(args, panel)


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--world", type=Path, required=True, help="folder of the world")
    parser.add_argument("--chrom", required=True)
    parser.add_argument("--couple", type=int, required=True, help="from 0")
    parser.add_argument("--depth", type=float, required=True, help="of the parents")
    parser.add_argument("--panel-size", type=int, default=0, help="samples; 0: all")
    parser.add_argument(
        "--phase", required=True, help="shapeit4, true, or a rate of switches (0.01)"
    )
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--directory", type=Path, required=True)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
