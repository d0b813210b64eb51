"""Whether the simulated amplifications show the published rates.

Each row of resources/amplification_published.tsv is measured on simulated cells by the
published definition (bench/protocol_measures.py), with several seeds. Written as TSV:
protocol, cells, measure, relation, asked, obtained, low, high (95 %, over seeds),
source.

    python benchmarks/measure_protocols.py --output protocols.tsv
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy import stats

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "benchmarks")]

from bench.protocol_measures import MEASURES  # noqa: E402
from morula import tables  # noqa: E402
from morula.cli import run  # noqa: E402
from morula.simulation.protocols import read_protocol  # noqa: E402

COLUMNS = (
    "protocol",
    "cells",
    "measure",
    "relation",
    "asked",
    "obtained",
    "low",
    "high",
    "source",
)


def interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean, and its 95 % interval by Student's t."""
    mean, n = float(np.mean(values)), len(values)
    if n < 2:
        return mean, float("nan"), float("nan")
    half = float(stats.t.ppf(0.975, n - 1) * np.std(values, ddof=1) / np.sqrt(n))
    return mean, mean - half, mean + half


def measured(
    published: Sequence[Mapping[str, str]], protocols: Path, seeds: Sequence[int]
) -> Iterator[dict[str, object]]:
    """Rows of the table; one simulation serves all measures that it gives."""
    made: dict[tuple[object, ...], list[dict[str, float]]] = {}
    for row in published:
        protocol = read_protocol(protocols, row["amplification"], int(row["cells"]))
        measure, depth = MEASURES[row["measure"]], float(row["depth"])
        key = (protocol, measure, depth)
        if key not in made:
            made[key] = [measure(protocol, depth, seed) for seed in seeds]
        found = interval([one[row["measure"]] for one in made[key]])
        asked = (row["measure"], row["relation"], float(row["value"]))
        values = (protocol.name, protocol.cells, *asked, *found, row["source"])
        yield dict(zip(COLUMNS, values, strict=True))


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--protocols", type=Path, default=ROOT / "resources/simulation.tsv"
    )
    parser.add_argument(
        "--published",
        type=Path,
        default=ROOT / "resources/amplification_published.tsv",
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4])
    parser.add_argument("--output", required=True, type=Path)
    return parser.parse_args(argv)


def work(args: argparse.Namespace) -> None:
    published = tables.read_tsv(args.published)
    rows = list(measured(published, args.protocols, args.seeds))
    tables.write_tsv(args.output, COLUMNS, rows)
    for row in rows:
        print(*(tables.format_cell(row[name]) for name in COLUMNS[:-1]), sep="\t")


def main(argv: Sequence[str] | None = None) -> int:
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
