"""Simulated reads of members of a small family, and what the chain makes of them."""

from __future__ import annotations

import gzip
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

import align_reads
import simulate_reads
from simulated_family import CHROMOSOMES
from workflow_rules import ROOT

needs_aligner = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in ("bwa", "samtools", "fastp")),
    reason="bwa, samtools and fastp are not on the PATH",
)


def tube_flags(
    world: Path,
    out: Path,
    sample: str,
    *,
    source: str | None = None,
    chromosomes: Sequence[str] = CHROMOSOMES,
    depth: float = 10,
    seed: int = 1,
) -> list[str]:
    """Flags that reads and counts mode share; files are named after the source."""
    source = source or sample
    flags = f"--sample {sample} --source {source} --genome {world / 'genome.fa'}"
    flags += f" --truth {out / source}.bcf --copies {out / source}.copies.tsv"
    flags += f" --protocols {ROOT / 'resources/simulation.tsv'} --depth {depth}"
    flags += f" --read-length 100 --insert-mean 300 --insert-sd 40 --seed {seed}"
    flags += " --error-rate 0.004 --duplicate-rate 0.05"
    return [*flags.split(), "--chromosomes", *chromosomes]


def contaminant_flags(out: Path, name: str, share: float) -> str:
    files = f"--contaminant-truth {out / name}.bcf"
    files += f" --contaminant-copies {out / name}.copies.tsv"
    return f" --contaminant {name} {files} --contamination {share}"


def reads_flags(tube: list[str], out: Path, sample: str, extra: str) -> list[str]:
    """Flags of simulate_reads; `extra` may take the place of those before."""
    flags = f"--fq1 {out / sample}_1.fq.gz --fq2 {out / sample}_2.fq.gz"
    flags += f" --template {out / sample}.dropout.tsv --indel-error-rate 5e-6"
    flags += f" --summary {out / sample}.amplification.tsv"
    flags += f" --origins {out / sample}.origins.tsv {extra}"
    return [*tube, *flags.split()]


def make_reads(tube: list[str], out: Path, sample: str, extra: str) -> None:
    assert simulate_reads.main(reads_flags(tube, out, sample, extra)) == 0


def headers(path: Path) -> Iterator[dict[str, str]]:
    """Name and comment of each record of a FASTQ file."""
    with gzip.open(path, "rt") as handle:
        for number, line in enumerate(handle):
            if number % 4 == 0:
                name, *words = line.removeprefix("@").split()
                yield {"name": name} | dict(word.split("=") for word in words)


def index_world(world: Path) -> None:
    """Make what the aligner needs beside the genome."""
    genome = str(world / "genome.fa")
    subprocess.run(["bwa", "index", genome], check=True, capture_output=True)
    dictionary = ["samtools", "dict", "-o", str(world / "genome.dict"), genome]
    subprocess.run(dictionary, check=True)


def align(world: Path, out: Path, sample: str) -> Path:
    """The CRAM that the align stage makes of a sample's reads."""
    cram = out / f"{sample}.cram"
    flags = f"--sample {sample} --aligner bwa --index {world / 'genome.fa'}"
    flags += f" --unit u {out / sample}_1.fq.gz {out / sample}_2.fq.gz"
    flags += f" --genome {world / 'genome.fa'} --dictionary {world / 'genome.dict'}"
    flags += " --min-read-length 30 --sort-memory-mb 200 --threads 1"
    flags += f" --cram {cram} --markdup-stats {out / sample}.markdup.txt"
    flags += f" --reports {out / sample}.json"
    assert align_reads.main(flags.split()) == 0
    return cram
