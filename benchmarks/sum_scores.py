"""The sums of all scores of all samples of a family's file, and nothing else: what
plink2 --score does, by what score_family.py does it with.

    python benchmarks/sum_scores.py --weights w.npz --genomes g.bcf --output sums.tsv
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import polars as pl

from morula import score_weights
from morula.cli import run
from morula.dosages import sample_names
from morula.family_scores import score_family


def work(args: argparse.Namespace) -> None:
    weights = score_weights.load(args.weights)
    names = sample_names(args.genomes)
    scores = score_family(weights, args.genomes, {}, names, [])
    table = pl.DataFrame(scores.pgs, schema=weights.pgs_ids.tolist())
    table.insert_column(0, pl.Series("sample", names)).write_csv(
        args.output, separator="\t"
    )


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", required=True, help="of prepare_scores.py")
    parser.add_argument("--genomes", required=True, help="BCF with DS and GP")
    parser.add_argument("--output", required=True, help="TSV")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
