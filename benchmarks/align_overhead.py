"""Wall time of the alignment stage against the plain pipe on the same reads.

Plain: bwa mem | samtools fixmate -m | samtools sort | samtools markdup -> BAM, with
uncompressed BAM between the programs, as a careful user writes it. Ours:
scripts/align_reads.py (fastp, all checks, CRAM, index). Both run alternately, on the
same files and number of threads; printed are the ratios of the wall and of the CPU
times (geometric mean of the pairs) with their 95 % intervals: on a machine that others
use too, CPU time is the steadier of the two.

    python benchmarks/align_overhead.py --genome ref.fa --fastq a_1.fq.gz a_2.fq.gz
    python benchmarks/align_overhead.py --genome ref.fa --pairs 300000

Everything is written under --work, a folder that must not exist, and removed.
"""

from __future__ import annotations

import argparse
import gzip
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pysam
from scipy import stats

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"
READ_LENGTH = 150
ERROR_RATE = 0.003
_COMPLEMENT = np.zeros(256, dtype=np.uint8)
_COMPLEMENT[np.frombuffer(b"ACGTN", np.uint8)] = np.frombuffer(b"TGCAN", np.uint8)


def fastq_record(
    name: str, bases: np.ndarray, rng: np.random.Generator, adapter: bytes
) -> bytes:
    """READ_LENGTH bases: the fragment's start, then adapter; with errors."""
    filled = np.concatenate([bases, np.frombuffer(adapter * 3, np.uint8)])
    read = filled[:READ_LENGTH].copy()
    wrong = rng.random(READ_LENGTH) < ERROR_RATE
    read[wrong] = rng.choice(np.frombuffer(b"ACGT", np.uint8), int(wrong.sum()))
    quality = np.where(wrong, 12, rng.choice([37, 37, 37, 32, 25], READ_LENGTH)) + 33
    return b"@%s\n%s\n+\n%s\n" % (
        name.encode(),
        read.tobytes(),
        quality.astype(np.uint8).tobytes(),
    )


def simulate(genome: Path, folder: Path, n_pairs: int, seed: int) -> list[Path]:
    """Pairs of READ_LENGTH bp from fragments of 350 +- 80 bp, gzipped."""
    rng = np.random.default_rng(seed)
    with pysam.FastaFile(str(genome)) as fasta:
        longest = max(fasta.references, key=fasta.get_reference_length)
        bases = np.frombuffer(fasta.fetch(longest).upper().encode(), np.uint8)
    called = np.flatnonzero(bases != ord("N"))
    low, high = int(called[0]), int(called[-1]) - 800
    paths = [folder / f"reads_{mate}.fq.gz" for mate in (1, 2)]
    adapters = (
        b"AGATCGGAAGAGCACACGTCTGAACTCCAGTCA",
        b"AGATCGGAAGAGCGTCGTGTAGGGAAAGAGTGT",
    )
    with (
        gzip.open(paths[0], "wb", compresslevel=4) as first,
        gzip.open(paths[1], "wb", compresslevel=4) as second,
    ):
        for number in range(n_pairs):
            start = int(rng.integers(low, high))
            size = int(np.clip(rng.normal(350, 80), 60, 800))
            fragment = bases[start : start + size]
            name = f"SIM:1:FC:1:{number % 9}:{number}:{start}"
            first.write(fastq_record(name, fragment, rng, adapters[0]))
            reverse = _COMPLEMENT[fragment[::-1]]
            second.write(fastq_record(name, reverse, rng, adapters[1]))
    return paths


def prepare(genome: Path, folder: Path) -> tuple[Path, Path]:
    """Plain FASTA with bwa index, and its dictionary, made by the stage's scripts."""
    target, dictionary = folder / "genome.fa", folder / "genome.dict"
    with pysam.FastxFile(str(genome)) as records:
        chromosome = next(iter(records)).name
    common = ["--fasta", str(genome), "--genome", str(target)]
    common += ["--dictionary", str(dictionary)]
    for script, more in (
        ("prepare_genome.py", ["--chromosomes", chromosome, "--fai", f"{target}.fai"]),
        ("index_genome.py", []),
    ):
        command = [sys.executable, str(SCRIPTS / script), *common, *more]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    return target, dictionary


def run_plain(genome: Path, fastq: Sequence[Path], threads: int, folder: Path) -> None:
    """The plain pipe, by bash with pipefail."""
    command = (
        f"bwa mem -t {threads} -R '@RG\\tID:a\\tSM:a' {genome} {fastq[0]} {fastq[1]}"
        " | samtools fixmate -m -u - -"
        f" | samtools sort -u -@ {threads} -T {folder}/plain -"
        f" | samtools markdup -@ {threads} - {folder}/plain.bam"
    )
    subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        check=True,
        stderr=subprocess.DEVNULL,
    )


def run_stage(
    genome: Path, dictionary: Path, fastq: Sequence[Path], threads: int, folder: Path
) -> None:
    """scripts/align_reads.py with the workflow's defaults."""
    command = [sys.executable, str(SCRIPTS / "align_reads.py"), "--sample", "a"]
    command += ["--unit", "u", str(fastq[0]), str(fastq[1]), "--aligner", "bwa"]
    command += ["--index", str(genome), "--genome", str(genome)]
    command += ["--dictionary", str(dictionary), "--min-read-length", "30"]
    command += ["--sort-memory-mb", "2000", "--threads", str(threads)]
    command += ["--cram", str(folder / "stage.cram")]
    command += ["--markdup-stats", str(folder / "stage.txt")]
    command += ["--reports", str(folder / "stage.json")]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)


def seconds(work: Callable[[], None]) -> tuple[float, float]:
    """Wall time of `work`, and CPU time of the programs that it ran."""
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    work()
    wall, after = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall - started, cpu


def ratio_interval(plain: Sequence[float], stage: Sequence[float]) -> tuple[float, ...]:
    """Geometric mean of stage/plain and its 95 % interval (t of the logarithms)."""
    logs = np.log(np.array(stage) / np.array(plain))
    mean = float(logs.mean())
    half = 0.0
    if len(logs) > 1:
        error = float(logs.std(ddof=1)) / len(logs) ** 0.5
        half = float(stats.t.ppf(0.975, len(logs) - 1)) * error
    return tuple(float(np.exp(x)) for x in (mean, mean - half, mean + half))


def compare(args: argparse.Namespace) -> None:
    """Make what is missing, run both n times, print a table and the ratio."""
    genome, dictionary = prepare(args.genome, args.work)
    fastq = args.fastq or simulate(genome, args.work, args.pairs, args.seed)
    runs: list[dict[int, tuple[float, float]]] = []
    print("repeat\tplain_s\tstage_s\tratio\tplain_cpu_s\tstage_cpu_s", flush=True)
    for repeat in range(args.repeats + 1):
        jobs = [
            lambda: run_plain(genome, fastq, args.threads, args.work),
            lambda: run_stage(genome, dictionary, fastq, args.threads, args.work),
        ]
        # The order alternates, so that a drift of the machine favours neither.
        order = (0, 1) if repeat % 2 else (1, 0)
        took = {which: seconds(jobs[which]) for which in order}
        label = "warm-up" if repeat == 0 else str(repeat)
        print(
            f"{label}\t{took[0][0]:.2f}\t{took[1][0]:.2f}"
            f"\t{took[1][0] / took[0][0]:.3f}\t{took[0][1]:.2f}\t{took[1][1]:.2f}",
            flush=True,
        )
        if repeat:
            runs.append(took)
    for number, kind in enumerate(("wall", "cpu")):
        plain = [run[0][number] for run in runs]
        stage = [run[1][number] for run in runs]
        mean, low, high = ratio_interval(plain, stage)
        print(
            f"{kind}: threads={args.threads} n={args.repeats}"
            f" plain={statistics.median(plain):.2f}s"
            f" stage={statistics.median(stage):.2f}s ratio={mean:.3f}"
            f" (95 % interval {low:.3f}-{high:.3f})"
        )


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--genome", required=True, type=Path, help="FASTA")
    parser.add_argument("--fastq", nargs=2, type=Path, help="a pair; else simulated")
    parser.add_argument("--pairs", type=int, default=200_000, help="pairs to simulate")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument(
        "--work", type=Path, default=Path("results/benchmarks/align_overhead")
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    args = parse_args(argv)
    args.work.mkdir(parents=True)
    try:
        compare(args)
    finally:
        shutil.rmtree(args.work)
    return 0


if __name__ == "__main__":
    sys.exit(main())
