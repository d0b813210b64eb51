"""What correction costs: time and memory of learn_amplification.py and
correct_family.py on a drawn chromosome, and for a genome.

A run before the measured ones, on a small family, lets numba cache what it compiles.
CPU seconds of a genome: those of the chromosome times genome over chromosome length;
what is learnt of an embryo is learnt from all chromosomes by one job, from a fixed
number of sites, so that its figure is more than a genome takes.

    python benchmarks/family_cost.py --embryos 10 --on-stretch 2 5 10 20 50 \\
        --output docs/benchmarks/family_cost.tsv
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.drawn_family import PARENTS, Size, write_family
from bench.peers import morula_stages
from bench.steps import RESOURCES, ROOT, named_flags, section_defaults
from morula import tables
from morula.cli import run
from morula.simulation.streams import stream
from time_methods import Cost, measure

logger = logging.getLogger("family_cost")
GENOME_BP = 3_088_000_000
COLUMNS = (
    "script",
    "embryos",
    "depth",
    "span_bp",
    "sites",
    "hets_a_parent",
    "wall_s",
    "cpu_s",
    "max_rss_mb",
    "genome_cpu_min",
)
AMPLIFICATION = "MDA"
WARM = Size("chr1", 1_000_000, 8000, 600, 5.0)


@dataclass(frozen=True)
class Job:
    """A family to measure. folder: its files; embryos: names; seed."""

    folder: Path
    size: Size
    embryos: list[str]
    seed: int

    def words(self, script: str, flags: Sequence[object]) -> list[str]:
        """A command line of one of Morula's scripts on the family."""
        path = str(ROOT / f"scripts/{script}.py")
        shared = ["--family-sites", str(self.folder / "family.npz")]
        return [sys.executable, path, *shared, *map(str, flags)]

    def learn(self, name: str) -> list[str]:
        """learn_amplification.py of one embryo."""
        defaults = section_defaults("correct")
        flags: list[object] = ["--embryo", name, "--chromosomes", self.size.chrom]
        flags += ["--counts", self.folder / f"{name}.counts.bcf"]
        flags += ["--amplification", AMPLIFICATION, "--cells", 1]
        flags += ["--presets", RESOURCES / "amplification.tsv", "--threads", 1]
        flags += named_flags({key: defaults[key] for key in morula_stages.OF_LEARNING})
        return self.words(
            "learn_amplification", [*flags, "--output", self.learnt(name)]
        )

    def learnt(self, name: str) -> Path:
        """What is learnt of an embryo."""
        return self.folder / f"{name}.amplification.json"

    def correct(self) -> list[str]:
        """correct_family.py of all embryos."""
        defaults = section_defaults("correct")
        flags: list[object] = ["--chrom", self.size.chrom]
        flags += ["--mother", PARENTS[0], "--father", PARENTS[1]]
        flags += ["--embryos", *self.embryos, "--counts"]
        flags += [self.folder / f"{name}.counts.bcf" for name in self.embryos]
        flags += ["--amplification", *map(self.learnt, self.embryos)]
        keys = morula_stages.OF_CORRECTION
        flags += named_flags({key: defaults[key] for key in keys})
        for name, suffix in morula_stages.OF_FAMILY.items():
            flags += [f"--{name}", self.folder / f"{name}{suffix}"]
        return self.words("correct_family", [*flags, "--seed", self.seed])

    def draw(self) -> None:
        """Write the family's files."""
        rng = stream(self.seed, "drawn family", str(len(self.embryos)))
        write_family(rng, self.folder, self.size, self.embryos)

    def rows(self) -> Iterator[dict[str, object]]:
        """Draw the family, run the scripts; a row of the table for each."""
        self.draw()
        costs = [measure(self.learn(name)) for name in self.embryos]
        yield self.row("learn_amplification.py", 1, mean_cost(costs))
        yield self.row("correct_family.py", len(self.embryos), measure(self.correct()))

    def row(self, script: str, n_embryos: int, cost: Cost) -> dict[str, object]:
        """A row of the table."""
        logger.info("%s, %d embryos: %.1f s", script, n_embryos, cost.cpu_s)
        size = self.size
        genome = cost.cpu_s * GENOME_BP / size.span_bp / 60
        sizes = (n_embryos, size.depth, size.span_bp, size.n_sites, size.n_hets)
        numbers = (cost.wall_s, cost.cpu_s, cost.max_rss_mb, genome)
        cells = (script, *sizes, *(f"{one:.4g}" for one in numbers))
        return dict(zip(COLUMNS, cells, strict=True))


def mean_cost(costs: Sequence[Cost]) -> Cost:
    """Mean seconds of runs of one script, and the largest memory."""
    n = len(costs)
    return Cost(
        sum(one.wall_s for one in costs) / n,
        sum(one.cpu_s for one in costs) / n,
        max(one.max_rss_mb for one in costs),
    )


def embryo_names(n_embryos: int) -> list[str]:
    """E1, E2, ..."""
    return [f"E{number}" for number in range(1, n_embryos + 1)]


def warm_up(scratch: Path, seed: int) -> None:
    """Run the scripts once on a small family, so that numba caches what it compiles."""
    job = Job(scratch / "warm", WARM, embryo_names(2), seed)
    logger.info("%d scripts run once unmeasured", len(list(job.rows())))


def work(args: argparse.Namespace) -> None:
    whole = Size("chr1", args.span_bp, args.sites, args.hets, args.depth)
    numbers = (round(n * args.stretch) for n in (args.span_bp, args.sites, args.hets))
    stretch = Size("chr1", *numbers, args.depth)
    families = [(n, whole) for n in args.embryos] + [
        (n, stretch) for n in args.on_stretch
    ]
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory(dir=args.scratch) as scratch:
        warm_up(Path(scratch), args.seed)
        for number, size in families:
            with tempfile.TemporaryDirectory(dir=scratch) as folder:
                job = Job(Path(folder), size, embryo_names(number), args.seed)
                rows += job.rows()
    tables.write_tsv(args.output, COLUMNS, rows)


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--embryos", type=int, nargs="+", required=True, help="numbers, a family each")
    add(
        "--on-stretch", type=int, nargs="*", default=[], help="the same on a part of it"
    )
    add("--stretch", type=float, default=0.1, help="that part, share of the chromosome")
    add("--depth", type=float, default=30.0, help="of the embryos")
    add("--span-bp", type=int, default=250_000_000, help="length of the chromosome")
    add("--sites", type=int, default=2_000_000, help="at which embryos are counted")
    add("--hets", type=int, default=150_000, help="of each parent")
    add("--seed", type=int, default=1)
    add(
        "--scratch", type=Path, help="folder for the drawn files; default: the system's"
    )
    add("--output", type=Path, required=True, help="TSV")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
