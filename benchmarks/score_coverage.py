"""Whether the interval of an embryo's score covers its true score as often as it says.

Couples of a world of real haplotypes, their embryos and what Morula says of them, as in
impute_genomes.py, by the embryos' depth; made-up scores of random weights on the
panel's sites (bench/score_weights.py). An interval is the one that the score table
gives: score by expected copies, 1.96 of its pgs_sd to either side. Errors are in SD
among the couple's children. What is finished in --directory is not made again.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import impute_genomes
from bench.case import Case, Result
from bench.genotype_measures import dosage_of
from bench.score_measures import score_draws
from bench.score_weights import draw_weights
from bench.truth import truth_of
from morula import tables
from morula.cli import run
from morula.family_scores import embryo_variance
from morula.haplotypes import read_genotypes
from morula.segregation import sibling_sd
from morula.standardise import TWO_SIDED_95

logger = logging.getLogger("score_coverage")
Floats = NDArray[np.float64]
COLUMNS = (
    "depth couples embryos scores intervals coverage coverage_low coverage_high"
    " error_sibling_sd stated_sd_sibling_sd"
).split()
RESAMPLES = 1000


def judge(case: Case, result: Result, weights: Floats) -> tuple[Floats, Floats]:
    """Error and stated SD (E, K) of the scores, in SD among the couple's children;
    scores that do not vary there are left out."""
    spread = sibling_sd(case.parents, case.cm, weights)
    unit = weights[:, spread > 0] / spread[spread > 0]
    true = truth_of(case).copies.astype(float) @ unit
    found = dosage_of(result.gp) @ unit
    sampled = np.array([score_draws(one, unit) for one in result.draws])
    by_site = variance_of(result.gp) @ unit**2
    return found - true, np.sqrt(embryo_variance(sampled, by_site))


def variance_of(gp: Floats) -> Floats:
    """Variance (E, L) of the copies of ALT under GP (E, L, 3)."""
    mean = gp[..., 1] + 2.0 * gp[..., 2]
    return np.asarray(np.maximum(gp[..., 1] + 4.0 * gp[..., 2] - mean**2, 0.0))


def covered(error: Floats, sd: Floats) -> NDArray[np.bool_]:
    """Whether the 95 % interval holds the truth; equal scores by rounding do."""
    return np.abs(error) <= TWO_SIDED_95 * sd + 1e-6


def interval(shares: Sequence[float], rng: np.random.Generator) -> list[float]:
    """95 % interval of the mean over couples, by drawing couples again."""
    draws = rng.choice(shares, size=(RESAMPLES, len(shares))).mean(axis=1)
    return np.quantile(draws, [0.025, 0.975]).tolist()


def row_of(args: argparse.Namespace, depth: float) -> dict[str, object]:
    """The table's row at one depth."""
    errors, stated = [], []
    panel = read_genotypes(args.world / "panel.bcf", args.chrom)
    weights = draw_weights(np.random.default_rng(args.seed), panel, args.scores)
    for couple in range(args.couples):
        parents = impute_genomes.make_couple(args, couple)
        folder = args.directory / f"depth_{depth:g}" / str(couple)
        case = impute_genomes.make_embryos(args, parents, couple, depth, folder)
        result = impute_genomes.infer(args, parents, case, couple, folder)
        error, sd = judge(case, result, weights)
        errors.append(error)
        stated.append(sd)
        logger.info("depth %g, couple %d", depth, couple)
    inside = [covered(*pair) for pair in zip(errors, stated, strict=True)]
    rng = np.random.default_rng(args.seed)
    low, high = interval([float(one.mean()) for one in inside], rng)
    every = np.concatenate([one.ravel() for one in errors])
    sds = np.concatenate([one.ravel() for one in stated])
    return {
        "depth": depth,
        "couples": args.couples,
        "embryos": args.embryos,
        "scores": args.scores,
        "intervals": len(every),
        "coverage": float(np.mean(np.concatenate([one.ravel() for one in inside]))),
        "coverage_low": low,
        "coverage_high": high,
        "error_sibling_sd": float(np.sqrt(np.mean(every**2))),
        "stated_sd_sibling_sd": float(np.sqrt(np.mean(sds**2))),
    }


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--world", type=Path, required=True, help="of make_world.py")
    add("--chrom", default="chr20")
    add("--parents", default="30x", help="what is known of them: reads, as 30x")
    add("--depths", type=float, nargs="+", default=[0.02, 0.05, 0.1, 1.0, 30.0])
    add("--couples", type=int, default=8)
    add("--embryos", type=int, default=5)
    add("--scores", type=int, default=20)
    add("--seed", type=int, default=1000)
    add("--directory", type=Path, required=True, help="for what is made on the way")
    add("--output", type=Path, required=True, help="TSV")
    args = parser.parse_args(argv)
    args.known = list(impute_genomes.PARENTS)
    return args


def work(args: argparse.Namespace) -> None:
    tables.write_tsv(args.output, COLUMNS, [row_of(args, d) for d in args.depths])


def main(argv: Sequence[str] | None = None) -> int:
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
