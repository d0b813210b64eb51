"""Write one unit's fastp report from the reports of all units of its sample."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from morula.atomic import written_whole
from morula.cli import run


def work(args: argparse.Namespace) -> None:
    """Copy the entry `args.unit`."""
    reports = json.loads(args.reports.read_text())
    with written_whole(args.output) as partial:
        partial.write_text(json.dumps(reports[args.unit], indent=1) + "\n")


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reports", required=True, type=Path, help="of align_reads.py")
    parser.add_argument("--unit", required=True)
    parser.add_argument("--output", required=True, type=Path)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
