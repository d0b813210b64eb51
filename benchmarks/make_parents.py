"""Make a couple of the benchmark and take it through Morula's stages up to the embryos.

Two founders of a world become the parents; their genotypes at a depth are simulated,
phased (with their linking reads and the panel as the workflow does, or given: true, or
true with switches), imputed and prepared. Written under --directory: M1.bcf, P1.bcf
(truth), calls.bcf, genotypes.bcf, sites.tsv.gz, phased.bcf, imputed.bcf, family.npz.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pysam

from bench.given_phase import switched, write_phase
from bench.linked_reads import Library, called_hets, write_linked_reads
from bench.steps import (
    family_flags,
    named_flags,
    read_values,
    run_script,
    section_defaults,
)
from morula.call_files import samples_of
from morula.cli import run
from morula.errors import InputError
from morula.haplotypes import read_genotypes
from morula.simulation.streams import stream

PARENTS = ("M1", "P1")
# The phase that Morula estimates, in the words of --phase.
ESTIMATED = "estimated"
MEMORY_MB = 3000
# What link_reads.py is told of the config.
QUALITIES = (("phase", "min_genotype_quality"), ("call", "min_mapping_quality"))


def founders_of(world: Path) -> list[str]:
    """All founders of a world."""
    return samples_of(world / "founders.bcf")


def couple_of(founders: Sequence[str], couple: int) -> tuple[str, str]:
    """Mother and father of a couple, numbered from 0.

    The first half of them share no founder; the next pair the same mothers with other
    fathers, so that n founders make (n / 2)^2 different couples.
    """
    mothers, fathers = founders[0::2], founders[1::2]
    turn, place = divmod(couple, len(fathers))
    if turn >= len(fathers):
        raise InputError(
            f"{len(founders)} founders make {len(fathers) ** 2} couples; expected"
            f" {couple + 1} at least: ask for fewer couples, or more founders"
        )
    return mothers[place], fathers[(place + turn) % len(fathers)]


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
    """calls.bcf of the parents."""
    flags = ["--samples", *PARENTS, "--sources", *PARENTS]
    flags += ["--truths", *(args.directory / f"{name}.bcf" for name in PARENTS)]
    flags += ["--copies", *(args.directory / f"{n}.copies.tsv" for n in PARENTS)]
    flags += ["--depths", args.depth, args.depth, "--chrom", args.chrom]
    flags += ["--panel-sites", args.world / "snvs.tsv.gz"]
    flags += [
        "--genome-index",
        args.world / "genome.fa.fai",
        *named_flags(read_values()),
    ]
    flags += ["--seed", args.seed, "--output", args.directory / "calls.bcf"]
    run_script("simulate_calls", flags)


def refine(args: argparse.Namespace, panel: Path) -> None:
    """genotypes.bcf: the calls, those of parents of few reads refined."""
    bits, chrom = args.directory / "bits.npz", ["--chrom", args.chrom]
    run_script("pack_panel", ["--panel", panel, *chrom, "--output", bits])
    flags: list[object] = ["--calls", args.directory / "calls.bcf", *chrom]
    flags += ["--parents", *PARENTS, "--panel-bits", bits, "--seed", args.seed]
    flags += ["--map", args.world / "average.map", "--genome"]
    flags += [args.world / "genome.fa", "--min-genotype-quality"]
    flags += [section_defaults("phase")["min_genotype_quality"]]
    output = args.directory / "genotypes.bcf"
    run_script("refine_calls", [*flags, "--output", output])


def query_sites(path: Path, types: str, wanted: str) -> list[str]:
    """Lines CHROM, POS, REF,ALT of a BCF's records of these types."""
    view = ["bcftools", "view", "--no-version", "-v", types, "-Ou", str(path)]
    query = ["bcftools", "query", "-i", wanted, "-f", "%CHROM\\t%POS\\t%REF,%ALT\\n"]
    found = subprocess.run(view, check=True, capture_output=True).stdout
    done = subprocess.run(query, check=True, input=found, capture_output=True)
    return done.stdout.decode().splitlines()


def write_sites(args: argparse.Namespace, panel: Path) -> None:
    """sites.tsv.gz, at which embryos are counted (rule join_genotypes)."""
    sites = args.directory / "sites.tsv"
    calls = args.directory / "calls.bcf"
    lines = set(query_sites(calls, "snps,indels", 'PANEL=1 || GT="alt"'))
    lines |= set(query_sites(panel, "indels", "AC>0"))
    rows = sorted(
        (line.split("\t") for line in lines), key=lambda row: (int(row[1]), row[2])
    )
    sites.write_text("".join("\t".join(row) + "\n" for row in rows))
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


def library_of(depth: float) -> Library:
    """How a parent is read, by the config's defaults."""
    values = read_values()
    del values["min_base_quality"]
    return Library(depth=depth, **values)


def link(args: argparse.Namespace) -> Path:
    """links.bcf: which hets the parents' reads link, of reads simulated for it."""
    calls, genome = args.directory / "genotypes.bcf", args.world / "genome.fa"
    with tempfile.TemporaryDirectory(dir=args.directory) as folder:
        reads = [Path(folder) / f"{name}.bam" for name in PARENTS]
        for name, path in zip(PARENTS, reads, strict=True):
            write_linked_reads(
                path,
                read_genotypes(args.directory / f"{name}.bcf", args.chrom, [name]),
                called_hets(calls, name),
                genome,
                library_of(args.depth),
                args.seed,
            )
        flags = ["--calls", calls, "--samples", *PARENTS, "--alignments", *reads]
        flags += ["--genome", genome, "--chrom", args.chrom]
        for section, key in QUALITIES:
            flags += named_flags({key: section_defaults(section)[key]})
        links = args.directory / "links.bcf"
        run_script("link_reads", [*flags, "--output", links])
    return links


def phase(args: argparse.Namespace, panel: Path, links: Path | None) -> None:
    """phased.bcf: consensus of the phasings of the calls, with the reads' links where
    there are reads."""
    flags = ["--calls", args.directory / "genotypes.bcf", "--parents", *PARENTS]
    flags += ["--links", links] if links else []
    flags += ["--panel", panel, "--map", args.world / "average.map"]
    flags += ["--genome", args.world / "genome.fa", "--chrom", args.chrom]
    flags += named_flags(section_defaults("phase"))
    flags += ["--seed", args.seed, "--threads", 1, "--memory-mb", MEMORY_MB]
    run_script("phase_parents", [*flags, "--output", args.directory / "phased.bcf"])


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
    fai = args.world / "genome.fa.fai"
    write_phase(args.directory / "phased.bcf", switched(both, rate, rng), rate, fai)


def prepare(args: argparse.Namespace, panel: Path) -> None:
    """imputed.bcf and family.npz."""
    phased, imputed = (args.directory / f"{n}.bcf" for n in ("phased", "imputed"))
    flags = ["--phased", phased, "--panel", panel, "--map", args.world / "average.map"]
    flags += ["--chrom", args.chrom, "--seed", args.seed, "--threads", "1"]
    run_script(
        "impute_parents", [*flags, "--memory-mb", MEMORY_MB, "--output", imputed]
    )
    options = section_defaults("correct")
    flags = ["--sites", args.directory / "sites.tsv.gz", "--chrom", args.chrom]
    genotypes = args.directory / "genotypes.bcf"
    flags += ["--genotypes", genotypes, "--imputed", imputed]
    flags += ["--mother", PARENTS[0], "--father", PARENTS[1]]
    for sex in ("female", "male"):
        flags += [f"--map-{sex}", args.world / f"{sex}.map"]
    flags += ["--phased", phased, "--genotype-error", options["genotype_error"]]
    run_script("prepare_family", [*flags, "--output", args.directory / "family.npz"])


def work(args: argparse.Namespace) -> None:
    args.directory.mkdir(parents=True, exist_ok=True)
    make_truth(args)
    call(args)
    panel = subset_panel(args)
    write_sites(args, panel)
    refine(args, panel)
    if args.phase == ESTIMATED:
        phase(args, panel, link(args))
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
        "--phase", required=True, help="estimated, true, or a rate of switches (0.01)"
    )
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--directory", type=Path, required=True)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
