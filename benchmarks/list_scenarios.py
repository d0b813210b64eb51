"""List the scenarios of a config of the benchmark: scenario axis value label fails."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml

from bench.plan import BenchPlan
from bench.summary import SCENARIO_COLUMNS
from morula import tables
from morula.cli import run


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="YAML")
    parser.add_argument("--output", required=True)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    args = parse_args(argv)

    def work() -> None:
        config = yaml.safe_load(args.config.read_text(encoding="utf-8"))
        rows = BenchPlan(config).scenario_rows()
        tables.write_tsv(args.output, SCENARIO_COLUMNS, rows)

    return run(work)


if __name__ == "__main__":
    sys.exit(main())
