"""Time and memory of one sample's simulation, as reads and as counts.

A world with one chromosome is simulated, and a child of two of its founders; then each
mode makes the child's data. Printed are the seconds of the processor and of the clock
(of the quickest repeat) and the peak memory; processes started are included.

    python benchmarks/simulate_speed.py --length-bp 5000000 --depth 30

Everything is written under --work, a folder that must not exist, and removed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cyvcf2
import pysam

ROOT = Path(__file__).resolve().parents[1]
CHROM = "chr21"


@dataclass(frozen=True)
class Cost:
    """cpu, wall: seconds; peak: of the memory, MB."""

    cpu: float
    wall: float
    peak: float


def run(script: str, flags: str) -> Cost:
    """Run one of Morula's scripts. Raises RuntimeError when it fails."""
    command = [sys.executable, str(ROOT / "scripts" / script), *flags.split()]
    begin = time.perf_counter()
    pid = os.posix_spawn(sys.executable, command, os.environ)
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - begin
    if status:
        raise RuntimeError(f"{script} failed; its message stands above")
    return Cost(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024)


def make_child(folder: Path, length_bp: int) -> None:
    """A world of one chromosome, the child's truth, and a table of its SNVs."""
    run(
        "simulate_population.py",
        f"--directory {folder} --chromosomes {CHROM} --length-bp {length_bp}"
        " --cm-per-mb 1.2 --panel-samples 20 --founders 2 --indel-share 0.1"
        " --score-variants 60 --build GRCh38 --seed 1",
    )
    run(
        "simulate_family.py",
        f"--sample E1 --mother FEUR001 --father FEUR002 --sex female"
        f" --chromosomes {CHROM} --founders {folder}/founders.{CHROM}.bcf"
        f" --female-maps {folder}/maps/{CHROM}.female.map"
        f" --male-maps {folder}/maps/{CHROM}.male.map"
        f" --genome {folder}/genome.fa --genome-index {folder}/genome.fa.fai"
        f" --centromeres {ROOT}/resources/centromeres.tsv --build GRCh38"
        " --interference 7.4 8.9 --escape 0.067 0.06 --de-novo-rate 1.2e-8"
        f" --de-novo-paternal-share 0.8 --seed 1 --output {folder}/E1.bcf"
        f" --copies {folder}/copies.tsv --de-novo {folder}/de_novo.tsv",
    )
    with pysam.BGZFile(f"{folder}/sites.tsv.gz", "wb") as sink:
        for site in cyvcf2.VCF(f"{folder}/E1.bcf"):
            if site.is_snp:
                line = f"{site.CHROM}\t{site.POS}\t{site.REF},{site.ALT[0]}\n"
                sink.write(line.encode())
    pysam.tabix_index(
        f"{folder}/sites.tsv.gz", seq_col=0, start_col=1, end_col=1, force=True
    )


def mode_flags(folder: Path, args: argparse.Namespace) -> dict[str, str]:
    """Flags of each mode's script."""
    tube = (
        f"--sample E1 --source E1 --truth {folder}/E1.bcf --copies {folder}/copies.tsv"
        f" --genome {folder}/genome.fa --chromosomes {CHROM}"
        f" --protocols {ROOT}/resources/simulation.tsv"
        f" --amplification {args.amplification} --cells {args.cells}"
        f" --depth {args.depth} --read-length 150 --insert-mean 350 --insert-sd 60"
        " --error-rate 0.004 --duplicate-rate 0.05 --seed 1"
        f" --template {folder}/template.tsv --summary {folder}/summary.tsv"
    )
    return {
        "simulate_reads.py": f"{tube} --indel-error-rate 5e-6 --fq1 {folder}/1.fq.gz"
        f" --fq2 {folder}/2.fq.gz --origins {folder}/origins.tsv",
        "simulate_counts.py": f"{tube} --min-base-quality 20"
        f" --sites {folder}/sites.tsv.gz --outputs {folder}/counts.bcf",
    }


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Command line of this script."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--length-bp", type=int, default=5_000_000)
    parser.add_argument("--depth", type=float, default=30.0)
    parser.add_argument("--amplification", default="MDA")
    parser.add_argument("--cells", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--work", type=Path, default=Path("simulate_speed.work"))
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    args = parse_args(argv)
    args.work.mkdir(parents=True)
    try:
        make_child(args.work, args.length_bp)
        print("script\tcpu_s\twall_s\tpeak_mb")
        for script, flags in mode_flags(args.work, args).items():
            # Once before: the first run compiles.
            run(script, flags)
            costs = [run(script, flags) for _ in range(args.repeats)]
            best = min(costs, key=lambda cost: cost.cpu)
            print(f"{script}\t{best.cpu:.1f}\t{best.wall:.1f}\t{best.peak:.0f}")
    finally:
        shutil.rmtree(args.work)
    return 0


if __name__ == "__main__":
    sys.exit(main())
