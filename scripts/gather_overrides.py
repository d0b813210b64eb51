"""Join a family's tables of contradictions, a chromosome each, embryo by embryo."""

from __future__ import annotations

import argparse
import sys

from morula import override_table, tables
from morula.cli import run


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--embryos", nargs="+", required=True, help="in the order of the table")
    add("--overrides", nargs="*", default=[], help=".tsv of each chromosome")
    add("--output", required=True, help="output .tsv; no row without --overrides")
    return parser.parse_args(argv)


def work(args: argparse.Namespace) -> None:
    rows = [row for path in args.overrides for row in tables.read_tsv(path)]
    rows.sort(key=lambda row: args.embryos.index(row["embryo"]))
    tables.write_tsv(args.output, override_table.COLUMNS, rows)


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
