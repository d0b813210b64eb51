"""Liability R2 of the shipped trait sheet's scores, from published risk ratios.

    python benchmarks/score_r2.py

Each row of resources/score_evaluations.tsv is an evaluation of a score in a cohort of
European ancestry, as the PGS Catalog has it (PPM number): ratio of hazards or of odds
per SD of the score, cases, people. Printed are each score's R2 on the scale of
liability, the mean of its cohorts weighted by their cases, as the sheet has it, and the
least and the largest of them.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "scripts")]

from morula import tables  # noqa: E402
from morula.cli import run  # noqa: E402
from morula.risk import r2_of_ratio  # noqa: E402

EVALUATIONS = ROOT / "resources/score_evaluations.tsv"


@dataclass(frozen=True)
class Explained:
    """R2 of a score: mean weighted by cases, least and largest of its cohorts."""

    mean: float
    least: float
    largest: float
    cases: int


def explained(rows: Iterable[Mapping[str, str]]) -> dict[str, Explained]:
    """R2 on the scale of liability of each score of the table of evaluations."""
    found: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for row in rows:
        cases = int(row["cases"])
        affected = cases / int(row["people"])
        r2 = r2_of_ratio(float(row["ratio"]), affected, row["measure"] == "odds")
        found[row["score"]].append((cases, r2))
    result = {}
    for score, cohorts in found.items():
        r2s = [r2 for _, r2 in cohorts]
        cases = sum(n for n, _ in cohorts)
        mean = sum(n * r2 for n, r2 in cohorts) / cases
        result[score] = Explained(mean, min(r2s), max(r2s), cases)
    return result


def work(args: argparse.Namespace) -> None:
    print("score", "liability_r2", "least", "largest", "cases", sep="\t")
    for score, r2 in explained(tables.read_tsv(args.evaluations)).items():
        numbers = (f"{value:.3f}" for value in (r2.mean, r2.least, r2.largest))
        print(score, *numbers, r2.cases, sep="\t")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--evaluations", type=Path, default=EVALUATIONS)
    args = parser.parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
