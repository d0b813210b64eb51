"""Judge what methods made of one case of the benchmark, by its truth.

With several --scenario each embryo is judged by itself, under a name of its own. One
row a measure: world scenario couple method embryo measure stratum value n. What a
measure and a stratum are: bench/*_measures.py and bench/truth.py.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from bench.case import Case, Result, load_case, load_result, one_embryo
from bench.measures import check, judge
from bench.summary import ROW_COLUMNS
from morula import tables
from morula.cli import run
from morula.errors import InputError

logger = logging.getLogger("judge_case")


def read_weights(path: str) -> NDArray[np.float64]:
    """Weights (L, K) of the world's scores."""
    with np.load(path) as data:
        if "weights" not in data:
            raise InputError(
                f"{path}: has {', '.join(data)}; expected an array `weights`"
            )
        return np.asarray(data["weights"], dtype=np.float64)


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", required=True, help=".npz, with the truth")
    parser.add_argument(
        "--results", required=True, nargs="+", help=".npz, a method each"
    )
    parser.add_argument("--weights", required=True, help=".npz of the world's scores")
    parser.add_argument("--world", required=True)
    parser.add_argument(
        "--scenario", required=True, nargs="+", help="name, or one for each embryo"
    )
    parser.add_argument("--couple", required=True)
    parser.add_argument("--output", required=True, help="TSV of the rows")
    return parser.parse_args(argv)


def parts_of(
    case: Case, results: Sequence[Result], names: Sequence[str]
) -> Iterator[tuple[str, Case, list[Result]]]:
    """(name, case, results) of the whole case, or of each embryo where all are named.

    Raises InputError for another number of names."""
    if len(names) == 1:
        yield names[0], case, list(results)
        return
    if len(names) != len(case.embryos):
        raise InputError(
            f"--scenario: {len(names)} names; expected one, or one for each of the"
            f" case's {len(case.embryos)} embryos"
        )
    for row, name in enumerate(names):
        yield name, one_embryo(case, row), [one_embryo(each, row) for each in results]


def work(args: argparse.Namespace) -> None:
    case = load_case(args.case)
    results = [load_result(path) for path in args.results]
    for path, result in zip(args.results, results, strict=True):
        check(case, result, path)
    weights = read_weights(args.weights)
    rows = []
    for name, part, of_part in parts_of(case, results, args.scenario):
        named = (args.world, name, args.couple)
        for method, row in judge(part, of_part, weights):
            # Nine digits: an error of one genotype in a hundred million shows.
            value = f"{row.value:.9g}"
            cells = (*named, method, row.embryo, row.measure, row.stratum, value, row.n)
            rows.append(dict(zip(ROW_COLUMNS, cells, strict=True)))
    tables.write_tsv(args.output, ROW_COLUMNS, rows)
    sizes = (len(results), len(case.embryos), len(rows))
    logger.info("methods=%d embryos=%d rows=%d", *sizes)


def main(argv: Sequence[str] | None = None) -> int:
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
