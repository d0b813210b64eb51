"""Compare the genomes of one simulated family with the truth.

Best-guess genotypes (from GP), confident calls, dosages, parental origin and scores;
beside them, at the same SNVs, a caller that sees one embryo's reads alone.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from morula import stored_arrays, tables
from morula.cli import run
from morula.score_weights import load
from morula.simulation.accuracy import Measure, proportion, squared_correlation
from morula.simulation.comparison import (
    Comparison,
    compare,
    single_sample_genotypes,
)
from morula.simulation.score_accuracy import score_measures, true_scores

logger = logging.getLogger("evaluate_accuracy")
COLUMNS = ("family", "sample", "measure", "method", "value", "low", "high", "n")
CONFIDENT = 0.99
MORULA, PEER = "morula", "single_sample_caller"
Row = tuple[str, str, str, Measure]


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--family", required=True)
    parser.add_argument("--mother", required=True)
    parser.add_argument("--father", required=True)
    parser.add_argument("--embryos", required=True, nargs="+")
    parser.add_argument("--chromosomes", required=True, nargs="+")
    parser.add_argument("--truth", required=True, nargs="+", help="one a chromosome")
    parser.add_argument("--copies", required=True, help="TSV of all members' copies")
    parser.add_argument("--panel", required=True, nargs="+", help="with INFO/AF")
    parser.add_argument("--imputed", required=True, help="GT:DS:GP of the family")
    parser.add_argument(
        "--single-sample", nargs="*", default=[], help="calls, one embryo a file"
    )
    parser.add_argument("--weights", help=".npz of prepare_scores; with it also:")
    parser.add_argument("--panel-scores", help=".npz of prepare_scores")
    parser.add_argument("--scores", help="TSV of the family's scores")
    parser.add_argument("--output", required=True)
    args = parser.parse_args(argv)
    given = [args.weights, args.panel_scores, args.scores]
    if any(given) and not all(given):
        parser.error("--weights, --panel-scores and --scores go together")
    return args


def genotype_rows(
    comparison: Comparison, embryos: Sequence[str], peer: NDArray[np.int8]
) -> Iterator[Row]:
    """Best-guess genotypes where a parent is heterozygous: each embryo, then all."""
    true = comparison.true.sum(axis=2)
    right = comparison.gp.argmax(axis=2)[:, 2:] == true[:, 2:]
    peer_right = peer == true[:, 2:]
    het = (true[:, :2] == 1).any(axis=1)
    name = "genotype_accuracy_parent_het"
    columns = [slice(i, i + 1) for i in range(len(embryos))] + [slice(None)]
    for sample, column in zip([*embryos, "embryos"], columns, strict=True):
        for measure, method, hits, sites in (
            (name, MORULA, right, het),
            (f"{name}_snvs", MORULA, right, het & comparison.is_snv),
            (f"{name}_snvs", PEER, peer_right, het & comparison.is_snv),
            (f"{name}_indels", MORULA, right, het & ~comparison.is_snv),
        ):
            if measure.endswith("indels") and sample != "embryos":
                continue
            if method == PEER and (peer < 0).all():
                continue
            chosen = hits[:, column]
            counted = sites[:, None] & comparison.counted[:, 2:][:, column]
            value = proportion(chosen, counted, comparison.blocks)
            yield sample, measure, method, value


def embryo_rows(comparison: Comparison) -> Iterator[Row]:
    """Measures over all embryos together."""
    true = comparison.true[:, 2:].sum(axis=2)
    gp = comparison.gp[:, 2:]
    right = gp.argmax(axis=2) == true
    every = comparison.counted[:, 2:]
    confident = every & (gp.max(axis=2) >= CONFIDENT)
    blocks = comparison.blocks
    flip = ~comparison.minor_is_alt[:, None]
    dosage = comparison.dosage[:, 2:]
    r2 = squared_correlation(
        np.where(flip, 2 - true, true).astype(float),
        np.where(flip, 2 - dosage, dosage),
        every,
        blocks,
    )
    yield "embryos", "genotype_accuracy", MORULA, proportion(right, every, blocks)
    yield "embryos", "dosage_r2_minor_allele", MORULA, r2
    share = proportion(confident, every, blocks)
    yield "embryos", "confident_share", MORULA, share
    accuracy = proportion(right, confident, blocks)
    yield "embryos", "confident_accuracy", MORULA, accuracy
    for copy, parent in enumerate(("mother", "father")):
        same = comparison.called[:, 2:, copy] == comparison.true[:, 2:, copy]
        het = comparison.true[:, copy].sum(axis=1) == 1
        value = proportion(same, het[:, None] & every, blocks)
        yield "embryos", f"allele_accuracy_{parent}_het", MORULA, value


def parent_rows(comparison: Comparison, parents: Sequence[str]) -> Iterator[Row]:
    """Genotypes of the parents, at all sites and where they are heterozygous."""
    true = comparison.true.sum(axis=2)
    best = comparison.gp.argmax(axis=2)
    for column, parent in enumerate(parents):
        right = (best == true)[:, column, None]
        het = (true == 1)[:, column, None]
        for measure, counted in (
            ("genotype_accuracy", np.ones_like(het)),
            ("genotype_accuracy_het", het),
        ):
            value = proportion(right, counted, comparison.blocks)
            yield parent, measure, MORULA, value


def score_rows(args: argparse.Namespace, comparison: Comparison) -> Iterator[Row]:
    """Scores of the embryos, if score files were given."""
    if not args.weights:
        return
    weights = load(args.weights)
    with stored_arrays.opened(args.panel_scores) as stored:
        panel_scores = stored["scores"]
    copies = comparison.true[:, 2:].sum(axis=2, dtype=np.int64)
    true = true_scores(weights, comparison.sites, copies)
    true[~comparison.counted[:, 2:].all(axis=0)] = np.nan
    reported = tables.read_tsv(args.scores)
    for measure, value in score_measures(
        weights, panel_scores, true, reported, args.embryos
    ):
        yield "embryos", measure, MORULA, value


def work(args: argparse.Namespace) -> None:
    parents = [args.mother, args.father]
    comparison = compare(
        dict(zip(args.chromosomes, args.truth, strict=True)),
        args.copies,
        args.panel,
        args.imputed,
        [*parents, *args.embryos],
    )
    logger.info("sites=%d true=%d", len(comparison.sites), comparison.n_truth)
    peer = single_sample_genotypes(args.single_sample, args.embryos, comparison.sites)
    rows: list[Row] = [
        *genotype_rows(comparison, args.embryos, peer),
        *embryo_rows(comparison),
        *parent_rows(comparison, parents),
        *score_rows(args, comparison),
    ]
    tables.write_tsv(
        args.output,
        COLUMNS,
        (
            {
                "family": args.family,
                "sample": sample,
                "measure": measure,
                "method": method,
                "value": value.value,
                "low": value.low,
                "high": value.high,
                "n": value.n,
            }
            for sample, measure, method, value in rows
        ),
    )


def main(argv: Sequence[str] | None = None) -> int:
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
