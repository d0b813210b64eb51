"""Write the report of one family as a self-contained HTML page."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from morula import report_family, report_page, report_settings, report_versions
from morula.atomic import written_whole
from morula.cli import run

logger = logging.getLogger("write_report")


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Command line of the script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--family", required=True)
    parser.add_argument("--settings", required=True, help="JSON of report_settings")
    parser.add_argument("--quality", required=True, help="correct/{family}.qc.tsv")
    parser.add_argument(
        "--inheritance", required=True, help="correct/{family}.inheritance.tsv"
    )
    parser.add_argument("--ancestry", required=True, help="ancestry/{family}.tsv")
    parser.add_argument("--ancestry-panel", required=True, help="ancestry/panel.tsv")
    parser.add_argument("--scores", required=True, help="score/{family}.tsv")
    parser.add_argument("--ranking", required=True, help="score/{family}.ranking.tsv")
    parser.add_argument("--match", required=True, help="score/{family}.match.tsv")
    parser.add_argument("--overrides", required=True, help="impute/*.overrides.tsv")
    parser.add_argument("--genome-index", required=True, help="FASTA index (.fai)")
    parser.add_argument(
        "--made-files",
        nargs="*",
        default=[],
        help="CRAM and BCF: their headers tell the tools' versions",
    )
    parser.add_argument("--template", required=True, type=Path, help="Jinja2, HTML")
    parser.add_argument("--style", required=True, type=Path, help="CSS")
    parser.add_argument("--output", required=True, help="HTML")
    return parser.parse_args(argv)


def work(args: argparse.Namespace) -> None:
    """Read the tables, make the page, write it."""
    family = report_family.read_family(
        args.family,
        report_settings.parse(args.settings),
        {
            "quality": args.quality,
            "inheritance": args.inheritance,
            "ancestry": args.ancestry,
            "ancestry_panel": args.ancestry_panel,
            "scores": args.scores,
            "ranking": args.ranking,
            "match": args.match,
            "overrides": args.overrides,
            "genome_index": args.genome_index,
        },
    )
    versions = report_versions.versions(args.made_files)
    versions += report_versions.python_versions()
    page = report_page.render(family, versions, args.template, args.style)
    with written_whole(args.output) as partial:
        partial.write_text(page, encoding="utf-8")
    logger.info(
        "%d embryos, %d scores, %d things withheld, %d kB",
        len(family.embryos()),
        len(family.scores),
        len(family.withheld),
        len(page.encode()) // 1000,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
