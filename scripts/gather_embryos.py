"""Gather the embryos of a family: quality with a verdict, and inheritance segments."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Mapping
from pathlib import Path

from morula import (
    amplification_record,
    embryo_measures,
    embryo_qc,
    embryo_sex,
    embryo_verdict,
    segments,
    tables,
)
from morula.amplification_record import Record
from morula.cli import run
from morula.embryo_measures import Estimate, Measures
from morula.embryo_qc import ChromosomeSummary
from morula.embryo_verdict import Thresholds
from morula.errors import InputError

logger = logging.getLogger("gather_embryos")
# Columns that come with the ends of their 95 % interval: learnt ones by their names in
# the record, the others estimated from the reads by block.
LEARNT = {
    "ado_rate": "dropout",
    "imbalance": "imbalance",
    "error_rate": "error",
    "error_rate_damage": "error_damage",
    "error_rate_indel": "error_indel",
    "signal_noise": "noise",
    "amplicon_bp": "length_bp",
}
# Of these what is told of the embryo is not quite what the correction uses.
OF_RECORD = ("dropout", "imbalance")
ESTIMATED = (
    "contamination",
    "foreign",
    "misfit",
    "relationship_mother",
    "relationship_father",
)


def with_ends(name: str) -> tuple[str, str, str]:
    """The columns of a measure and of its interval."""
    return name, f"{name}_low", f"{name}_high"


QC_COLUMNS = (
    "embryo",
    "depth",
    "breadth",
    *(column for name in LEARNT for column in with_ends(name)),
    "maternal_share",
    *(column for name in ESTIMATED for column in with_ends(name)),
    "sibling_ln_odds",
    "chromosomes_flagged",
    "status",
    "reason",
)


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--amplification", nargs="+", required=True, help=".json of each embryo")
    add("--evidence", nargs="+", required=True, help=".json of each autosome")
    add("--inheritance", nargs="+", required=True, help=".tsv of each chromosome")
    add("--sexes", nargs="*", default=[], help="of X: .json of infer_sex, an embryo")
    add("--x-name", default="", help="X as the reference calls it")
    for name in Thresholds.__dataclass_fields__:
        add(f"--{name.replace('_', '-')}", type=float, required=True)
    add("--qc", required=True, help="output .tsv")
    add("--segments", required=True, help="output .tsv")
    return parser.parse_args(argv)


def read_evidence(path: str) -> dict[str, ChromosomeSummary]:
    """Summaries of one chromosome by embryo."""
    try:
        data = json.loads(Path(path).read_text())
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: {error}; expected the evidence that correct_family.py writes"
        ) from error
    return {
        embryo: embryo_qc.summary_from_dict(one, path) for embryo, one in data.items()
    }


def learnt_cells(record: Record) -> dict[str, object]:
    """Cells of what was learnt of the amplification."""
    cells: dict[str, object] = {}
    for name, key in LEARNT.items():
        if key not in record.amplification.measured:
            cells |= dict.fromkeys(with_ends(name))
            continue
        owner = record if key in OF_RECORD else record.amplification
        low, high = record.intervals[key] or (None, None)
        values = (getattr(owner, key), low, high)
        cells |= dict(zip(with_ends(name), values, strict=True))
    return cells


def qc_row(
    measures: Measures, limits: Thresholds, of_x: Mapping[str, str]
) -> dict[str, object]:
    """of_x: what makes X fail or warn, see embryo_verdict.verdict."""
    status, reason, flagged = embryo_verdict.verdict(measures, limits, of_x)
    cells: dict[str, object] = {
        "embryo": measures.record.embryo,
        "depth": measures.depth,
        "breadth": measures.breadth,
        "maternal_share": measures.maternal_share,
        "sibling_ln_odds": measures.sibling_ln_odds,
        "chromosomes_flagged": ",".join(flagged),
        "status": status,
        "reason": reason,
    }
    for name in ESTIMATED:
        found: Estimate = getattr(measures, name)
        values = (found.value, *found.interval)
        cells |= dict(zip(with_ends(name), values, strict=True))
    logger.info("%s: %s %s", measures.record.embryo, status, reason)
    return cells | learnt_cells(measures.record)


def measure(args: argparse.Namespace) -> list[Measures]:
    """Measures of every embryo, in the order of --amplification."""
    evidence = {path: read_evidence(path) for path in args.evidence}
    result = []
    for path in args.amplification:
        record = amplification_record.read_record(path)
        for where, embryos in evidence.items():
            if record.embryo not in embryos:
                raise InputError(
                    f"{where}: no embryo {record.embryo!r} of {path}; it has"
                    f" {', '.join(embryos)}: correct the family again"
                )
        summaries = [embryos[record.embryo] for embryos in evidence.values()]
        result.append(embryo_measures.combine(summaries, record))
    return result


def sorted_segments(
    args: argparse.Namespace, embryos: list[str]
) -> list[dict[str, str]]:
    """Segments of all chromosomes, embryo by embryo."""
    rows = [row for path in args.inheritance for row in tables.read_tsv(path)]
    return sorted(rows, key=lambda row: embryos.index(row["embryo"]))


def evidence_of_x(
    args: argparse.Namespace, embryos: list[str]
) -> dict[str, dict[str, str]]:
    """What makes X fail or warn, by embryo; nothing where X is not analysed."""
    found = {one.embryo: one for one in map(embryo_sex.read, args.sexes)}
    if args.x_name and set(found) != set(embryos):
        raise InputError(
            f"sexes of {', '.join(found) or 'none'}; expected a file of each embryo"
        )
    return {
        name: {"chrom": args.x_name, "fails": one.fails, "warns": one.warns}
        for name, one in found.items()
    }


def work(args: argparse.Namespace) -> None:
    limits = Thresholds(
        **{name: getattr(args, name) for name in Thresholds.__dataclass_fields__}
    )
    every = measure(args)
    of_x = evidence_of_x(args, [one.record.embryo for one in every])
    rows = [qc_row(one, limits, of_x.get(one.record.embryo, {})) for one in every]
    tables.write_tsv(args.qc, QC_COLUMNS, rows)
    parts = sorted_segments(args, [one.record.embryo for one in every])
    tables.write_tsv(args.segments, segments.COLUMNS, parts)


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
