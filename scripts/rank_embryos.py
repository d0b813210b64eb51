"""Rank the embryos of one family by healthy years expected to be kept."""

from __future__ import annotations

import argparse
import logging
import math
import sys
from collections.abc import Sequence

import numpy as np

from morula import ranking, stored_arrays
from morula.cli import run
from morula.tables import read_tsv, write_tsv

logger = logging.getLogger("rank_embryos")

COLUMNS = (
    "rank embryo index index_low index_high probability_best expected_gain gain_low"
    " gain_high expected_loss within_noise traits_in_index reason"
).split()
NO_WEIGHTS = (
    "no index: no disease of the traits sheet has prevalence (or incidence),"
    " liability_r2 and daly_weight"
)


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Command line of the script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scores", required=True, help="of score_family.py, TSV")
    parser.add_argument("--paths", required=True, help="of score_family.py, .npz")
    parser.add_argument("--traits", nargs="+", required=True)
    parser.add_argument(
        "--daly-weight", nargs="+", type=float, required=True, help="nan: not counted"
    )
    parser.add_argument("--output", required=True, help="TSV")
    return parser.parse_args(argv)


def read_diseases(
    args: argparse.Namespace, rows: Sequence[dict[str, str]]
) -> list[ranking.Disease]:
    """Diseases that have all that the index needs.

    METHOD: embryos are compared without regard to their sex. A disease of one sex, of
    which the score table gives the risk of those who can have it, counts half for all.
    """
    about = {row["trait"]: row for row in rows}
    weights = zip(args.traits, args.daly_weight, strict=True)
    return [
        ranking.Disease(
            name=name,
            prevalence=float(about[name]["prevalence"]),
            daly_weight=weight,
            share=0.5 if is_of_one_sex(rows, name) else 1.0,
        )
        for name, weight in weights
        if math.isfinite(weight) and name in about and about[name]["prevalence"]
    ]


def is_of_one_sex(rows: Sequence[dict[str, str]], trait: str) -> bool:
    """Whether the trait's risk is that of one sex."""
    return any(row["risk_sex"] for row in rows if row["trait"] == trait)


def usable_diseases(
    diseases: Sequence[ranking.Disease], risk: dict[str, dict[str, float]]
) -> list[ranking.Disease]:
    """Diseases with a risk for every embryo that has any: one that is given for some
    embryos only would make their indices differ for no reason of theirs."""
    scored = [of_trait for of_trait in risk.values() if of_trait]
    return [d for d in diseases if all(d.name in of_trait for of_trait in scored)]


def unranked(embryo: str, reason: str) -> dict[str, object]:
    """The row of an embryo without a rank."""
    empty: dict[str, object] = dict.fromkeys(COLUMNS)
    return empty | {"embryo": embryo, "reason": reason}


def ranked_rows(
    args: argparse.Namespace,
    embryos: Sequence[str],
    risk: dict[str, dict[str, float]],
    diseases: Sequence[ranking.Disease],
    left_out: str,
) -> list[dict[str, object]]:
    """Rows of the embryos that can be ranked, best first."""
    with stored_arrays.opened(args.paths) as stored:
        row_of = {name: i for i, name in enumerate(stored["embryos"].tolist())}
        column_of = {name: i for i, name in enumerate(stored["traits"].tolist())}
        columns = [column_of[disease.name] for disease in diseases]
        rows = [row_of[name] for name in embryos]
        samples = stored["risk"][rows][:, :, columns]
    values = np.array(
        [[risk[e][disease.name] for disease in diseases] for e in embryos]
    )
    names = ",".join(disease.name for disease in diseases)
    return [
        {
            **{name: getattr(place, name) for name in COLUMNS[:11]},
            "traits_in_index": names,
            "reason": left_out,
        }
        for place in ranking.rank_embryos(embryos, values, samples, diseases)
    ]


def work(args: argparse.Namespace) -> None:
    """Rank and write the table."""
    rows = [row for row in read_tsv(args.scores) if row["role"] == "embryo"]
    embryos = list(dict.fromkeys(row["sample"] for row in rows))
    risk: dict[str, dict[str, float]] = {name: {} for name in embryos}
    reasons: dict[str, str] = {}
    for row in rows:
        if row["risk"]:
            risk[row["sample"]][row["trait"]] = float(row["risk"])
        elif not row["z"]:
            reasons.setdefault(row["sample"], row["reason"])
    diseases = read_diseases(args, rows)
    used = usable_diseases(diseases, risk)
    out = [d.name for d in diseases if d not in used]
    left_out = f"left out of the index: {', '.join(out)} (no score)" if out else ""
    ranked = [name for name in embryos if risk[name]] if used else []
    table = ranked_rows(args, ranked, risk, used, left_out) if ranked else []
    for name in embryos:
        if not diseases:
            table.append(unranked(name, NO_WEIGHTS))
        elif name not in ranked:
            table.append(unranked(name, reasons.get(name, left_out)))
    write_tsv(args.output, COLUMNS, table)
    logger.info("%d of %d embryos ranked", len(ranked), len(embryos))


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
