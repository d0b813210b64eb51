"""A small simulated world, and members of a family made from its founders."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import simulate_family
import simulate_population
from workflow_rules import ROOT

CHROMOSOMES = ["chr21", "chr22"]
PARENTS = "--mother FEUR001 --father FEUR002"


def make_population(
    directory: Path, seed: int = 1, chromosomes: Sequence[str] = CHROMOSOMES
) -> None:
    """Chromosomes of 200 kb, 12 panel samples and 2 founders a population."""
    flags = (
        f"--directory {directory} --chromosomes {' '.join(chromosomes)}"
        " --length-bp 200000 --cm-per-mb 50 --panel-samples 12 --founders 2"
        f" --indel-share 0.1 --score-variants 60 --build GRCh38 --seed {seed}"
    )
    assert simulate_population.main(flags.split()) == 0


def family_flags(
    world: Path,
    out: Path,
    sample: str,
    kinship: str,
    chromosomes: Sequence[str] = CHROMOSOMES,
) -> list[str]:
    """Flags of simulate_family for one sample; files are named after it. `kinship` may
    hold further flags, which take the place of those here."""
    by_chromosome = {
        "--founders": "founders.{}.bcf",
        "--female-maps": "maps/{}.female.map",
        "--male-maps": "maps/{}.male.map",
    }
    flags = f"--sample {sample} --chromosomes {' '.join(chromosomes)}"
    for flag, pattern in by_chromosome.items():
        paths = " ".join(str(world / pattern.format(chrom)) for chrom in chromosomes)
        flags += f" {flag} {paths}"
    flags += f" --genome {world / 'genome.fa'}"
    flags += f" --genome-index {world / 'genome.fa.fai'} --seed 1"
    flags += f" --centromeres {ROOT / 'resources/centromeres.tsv'} --build GRCh38"
    flags += " --interference 7.4 8.9 --escape 0.067 0.06"
    flags += " --de-novo-rate 1.2e-8 --de-novo-paternal-share 0.8"
    flags += f" --output {out / sample}.bcf --copies {out / sample}.copies.tsv"
    flags += f" --de-novo {out / sample}.de_novo.tsv {kinship}"
    return flags.split()


def make_member(
    world: Path,
    out: Path,
    sample: str,
    kinship: str,
    chromosomes: Sequence[str] = CHROMOSOMES,
) -> None:
    flags = family_flags(world, out, sample, kinship, chromosomes)
    assert simulate_family.main(flags) == 0


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
