"""Tables and figures of the benchmark: the judged rows of all cases, over couples.

Written under --output-dir: README.md (for people), accuracy.tsv (all values),
reliability.tsv (the calibration curves), and a figure (SVG) of whatever there are rows
for. Figures of an earlier run are removed.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from bench import case_figures, figures
from bench.page import Extras, page
from bench.summary import CURVE_COLUMNS, SUMMARY_COLUMNS, Summary, read_scenarios
from morula import tables
from morula.atomic import written_whole
from morula.cli import run

logger = logging.getLogger("summarise")


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", required=True, nargs="+", help="of judge_case.py")
    parser.add_argument(
        "--scenarios", required=True, help="TSV: scenario axis value label fails"
    )
    parser.add_argument("--speed", help="TSV of time_methods.py")
    parser.add_argument("--resources", help="TSV of gather_resources.py")
    parser.add_argument("--protocols", help="TSV of measure_protocols.py")
    parser.add_argument("--chain", help="TSV of evaluate_accuracy.py, a whole run")
    parser.add_argument("--name", required=True, help="of the benchmark: quick, full")
    parser.add_argument(
        "--command", required=True, help="that the page says it is from"
    )
    parser.add_argument("--output-dir", type=Path, required=True)
    return parser.parse_args(argv)


def draw(summary: Summary, extras: Extras, folder: Path) -> list[str]:
    """All figures that can be drawn; their names."""
    for old in folder.glob("*.svg"):
        old.unlink()
    drawn = figures.draw_all(summary, folder)
    if case_figures.failures(summary, folder / "failures.svg"):
        drawn.append("failures")
    if case_figures.speed(extras.speed, folder / "speed.svg"):
        drawn.append("speed")
    return drawn


def work(args: argparse.Namespace) -> None:
    summary = Summary(args.rows, read_scenarios(args.scenarios))
    paths = (args.speed, args.resources, args.protocols, args.chain)
    extras = Extras(*(tables.read_tsv(path) if path else [] for path in paths))
    folder = args.output_dir
    folder.mkdir(parents=True, exist_ok=True)
    drawn = draw(summary, extras, folder)
    tables.write_tsv(folder / "accuracy.tsv", SUMMARY_COLUMNS, summary.rows())
    curves = folder / "reliability.tsv"
    tables.write_tsv(curves, CURVE_COLUMNS, summary.curve_rows())
    text = page(summary, extras, args.name, args.command, drawn)
    with written_whole(folder / "README.md") as partial:
        partial.write_text(text)
    sizes = (len(args.rows), len(summary.values), len(drawn))
    logger.info("cases=%d values=%d figures=%d", *sizes)


def main(argv: Sequence[str] | None = None) -> int:
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
