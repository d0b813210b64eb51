"""Gather time and memory of jobs from Snakemake's benchmark files.

Paths look like logs/RULE/ANYTHING.benchmark.tsv; the table has a row a rule: jobs, sum
and longest of the wall times, largest resident memory.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import bench  # noqa: F401  (makes morula importable)
from morula import tables
from morula.cli import run

ENDING = ".benchmark.tsv"
COLUMNS = ("source", "rule", "jobs", "seconds", "longest_s", "cpu_s", "max_rss_mb")


def rule_of(path: Path, folder: Path) -> str:
    """The rule's name: the first folder below `folder`, or the file's own name."""
    return path.relative_to(folder).parts[0].removesuffix(ENDING)


def rows_of(source: str, folder: Path) -> list[dict[str, object]]:
    """Rows of one folder of logs, longest rule first."""
    found: dict[str, list[dict[str, str]]] = {}
    for path in sorted(folder.rglob(f"*{ENDING}")):
        found.setdefault(rule_of(path, folder), []).extend(tables.read_tsv(path))
    rows: list[dict[str, object]] = []
    for rule, jobs in found.items():
        seconds = [float(job["s"]) for job in jobs]
        # A job shorter than the sampling has no memory: `-` or NA.
        memory = [_number(job["max_rss"]) for job in jobs]
        cells = (source, rule, len(jobs), sum(seconds), max(seconds))
        more = (sum(_number(job["cpu_time"]) for job in jobs), max(memory))
        rows.append(dict(zip(COLUMNS, (*cells, *more), strict=True)))
    return sorted(rows, key=lambda row: -float(str(row["seconds"])))


def _number(cell: str) -> float:
    return float(cell) if cell not in ("-", "NA", "") else 0.0


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--logs", nargs=2, action="append", required=True, metavar=("SOURCE", "FOLDER")
    )
    parser.add_argument("--output", required=True)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    args = parse_args(argv)

    def work() -> None:
        rows = [row for name, path in args.logs for row in rows_of(name, Path(path))]
        tables.write_tsv(args.output, COLUMNS, rows)

    return run(work)


if __name__ == "__main__":
    sys.exit(main())
