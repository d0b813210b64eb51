"""What correction costs beside AlphaPeel on a whole chromosome of a drawn family: time
and memory on the same counts, each once, on one core.

Morula runs as in its workflow, a process an embryo (learn_amplification.py) and one for
the family (correct_family.py); its row is their sum. AlphaPeel runs as in the benchmark
(bench/peers/alphapeel.py), on all sites or, in its favour, on the informative ones only
(where a parent may be het, or the parents are homozygous for different alleles). It
compiles itself in every process; Morula has been compiled by a run before.

    python benchmarks/peer_cost.py --embryos 8 --output docs/benchmarks/peer_cost.tsv
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench import case as bench_case
from bench.case import Case
from bench.drawn_family import Size
from family_cost import Job, embryo_names, warm_up
from morula import allele_counts, family_sites, tables
from morula.cli import run
from time_methods import Cost, measure

logger = logging.getLogger("peer_cost")
COLUMNS = (
    "method",
    "embryos",
    "depth",
    "span_bp",
    "sites",
    "wall_s",
    "cpu_s",
    "max_rss_mb",
    "wall_ratio",
    "cpu_ratio",
)


def case_of(job: Job, only_informative: bool) -> Case:
    """The drawn family as the peers get it; without truth, which they do not see."""
    family = family_sites.load(job.folder / "family.npz")
    paths = [job.folder / f"{name}.counts.bcf" for name in job.embryos]
    counts = np.stack(
        allele_counts.read_family(paths, job.size.chrom, family.sites, job.embryos)
    )
    rows = np.arange(len(family.sites.pos_bp))
    if only_informative:
        rows = np.flatnonzero(family_sites.is_informative(family))
    sites, n_embryos = family.sites.at(rows), len(job.embryos)
    orders = np.stack([parent.orders[rows].argmax(axis=1) for parent in family.parents])
    phased = np.stack([orders >> 1, orders & 1], axis=2).astype(np.int8)
    nothing: NDArray[np.int8] = np.full((n_embryos, len(rows), 2), -1, dtype=np.int8)
    return Case(
        job.size.chrom,
        sites.pos_bp,
        sites.ref,
        sites.alt,
        np.array(job.embryos),
        family.frequency[rows],
        counts[:, rows].astype(np.int32),
        np.ones(len(rows), dtype=bool),
        family.cm[:, rows],
        np.zeros((2, len(rows), 3), dtype=np.int32),
        phased,
        phased,
        nothing,
        nothing.swapaxes(1, 2),
        *(np.full(n_embryos, np.nan) for _ in range(3)),
    )


def morula_cost(job: Job) -> Cost:
    """All of Morula's processes, one after the other."""
    costs = [measure(job.learn(name)) for name in job.embryos]
    costs.append(measure(job.correct()))
    return Cost(
        sum(one.wall_s for one in costs),
        sum(one.cpu_s for one in costs),
        max(one.max_rss_mb for one in costs),
    )


def alphapeel_cost(job: Job, only_informative: bool) -> tuple[int, Cost]:
    """Sites that AlphaPeel gets, and what it takes."""
    case = case_of(job, only_informative)
    path = job.folder / "case.npz"
    bench_case.save(path, case)
    script = Path(__file__).with_name("run_alphapeel.py")
    words = [sys.executable, script, "--case", path]
    words += ["--output", job.folder / "alphapeel.npz"]
    return len(case.pos_bp), measure([str(word) for word in words])


def work(args: argparse.Namespace) -> None:
    size = Size("chr20", args.span_bp, args.sites, args.hets, args.depth)
    names = embryo_names(args.embryos)
    with tempfile.TemporaryDirectory(dir=args.scratch) as scratch:
        warm_up(Path(scratch), args.seed)
        job = Job(Path(scratch) / "family", size, names, args.seed)
        job.draw()
        own = morula_cost(job)
        found = {"Morula": (size.n_sites, own)}
        found["AlphaPeel, informative sites"] = alphapeel_cost(job, True)
        if args.all_sites:
            found["AlphaPeel, all sites"] = alphapeel_cost(job, False)
    rows = []
    for method, (n_sites, cost) in found.items():
        logger.info("%s: %.1f s", method, cost.cpu_s)
        ratios = cost.wall_s / own.wall_s, cost.cpu_s / own.cpu_s
        numbers = cost.wall_s, cost.cpu_s, cost.max_rss_mb, *ratios
        cells = len(names), size.depth, size.span_bp, n_sites
        texts = (method, *cells, *(f"{one:.4g}" for one in numbers))
        rows.append(dict(zip(COLUMNS, texts, strict=True)))
    tables.write_tsv(args.output, COLUMNS, rows)


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--embryos", type=int, required=True)
    add("--depth", type=float, default=30.0, help="of the embryos")
    add("--span-bp", type=int, default=64_000_000, help="length of the chromosome")
    add("--sites", type=int, default=512_000, help="at which embryos are counted")
    add("--hets", type=int, default=38_400, help="of each parent")
    add("--all-sites", action="store_true", help="AlphaPeel on all sites as well")
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
