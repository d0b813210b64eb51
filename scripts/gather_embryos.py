"""Gather the embryos of a family: quality with a verdict, and inheritance segments."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from pathlib import Path

from morula import embryo_qc, tables
from morula.cli import run

logger = logging.getLogger("gather_embryos")
QC_COLUMNS = (
    "embryo",
    "depth",
    "breadth",
    "ado_rate",
    "imbalance",
    "error_rate",
    "error_rate_damage",
    "contamination",
    "maternal_share",
    "relationship_mother",
    "relationship_father",
    "chromosomes_flagged",
    "status",
    "reason",
)


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--measures", nargs="+", required=True, help=".json of each embryo")
    add("--inheritance", nargs="+", required=True, help=".tsv of each embryo")
    for name in embryo_qc.Thresholds.__dataclass_fields__:
        add(f"--{name.replace('_', '-')}", type=float, required=True)
    add("--qc", required=True, help="output .tsv")
    add("--segments", required=True, help="output .tsv")
    return parser.parse_args(argv)


def qc_row(
    measures: embryo_qc.Measures, limits: embryo_qc.Thresholds
) -> dict[str, object]:
    status, reason, flagged = embryo_qc.verdict(measures, limits)
    estimates = {
        name: getattr(measures, name).value
        for name in ("contamination", "relationship_mother", "relationship_father")
    }
    given = {
        name: getattr(measures, name)
        for name in QC_COLUMNS
        if hasattr(measures, name) and name not in estimates
    }
    logger.info("%s: %s %s", measures.embryo, status, reason)
    verdict = {"status": status, "reason": reason}
    return given | estimates | verdict | {"chromosomes_flagged": ",".join(flagged)}


def work(args: argparse.Namespace) -> None:
    limits = embryo_qc.Thresholds(
        **{
            name: getattr(args, name)
            for name in embryo_qc.Thresholds.__dataclass_fields__
        }
    )
    every = [
        embryo_qc.measures_from_dict(json.loads(Path(path).read_text()))
        for path in args.measures
    ]
    tables.write_tsv(args.qc, QC_COLUMNS, [qc_row(one, limits) for one in every])
    rows = [row for path in args.inheritance for row in tables.read_tsv(path)]
    columns = tuple(rows[0]) if rows else ()
    tables.write_tsv(args.segments, columns, rows)


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
