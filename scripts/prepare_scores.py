"""Match the traits' scoring files to the panel's sites and score the panel."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from morula import score_match, score_weights
from morula.atomic import written_whole
from morula.cli import run
from morula.dosages import sample_names
from morula.errors import InputError
from morula.panel_samples import read_labels
from morula.panel_sites import read_panel_sites
from morula.scoring_file import read_scoring_file

logger = logging.getLogger("prepare_scores")

# Rows matched at a time: what bounds the memory, whatever the number of files.
BATCH_ROWS = 1_000_000


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Command line of the script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--traits", nargs="+", required=True)
    parser.add_argument(
        "--scoring-files", nargs="+", required=True, help="one a trait, PGS Catalog"
    )
    parser.add_argument("--build", required=True, choices=["GRCh37", "GRCh38"])
    parser.add_argument("--panels", nargs="+", required=True, help="a BCF a chromosome")
    parser.add_argument("--chromosomes", nargs="+", required=True)
    parser.add_argument("--panel-samples", required=True, help="labels, TSV")
    parser.add_argument(
        "--ambiguous",
        required=True,
        choices=["drop", "frequency", "strand", "as_written"],
    )
    parser.add_argument("--weights", required=True, help="output: .npz")
    parser.add_argument("--panel-scores", required=True, help="output: .npz")
    return parser.parse_args(argv)


def read_batches(
    paths: Sequence[str], build: str, ids: dict[str, str]
) -> Iterator[pl.DataFrame]:
    """Rows of the files, some whole files at a time, with the column `score` (index of
    the file); ids: filled with each id and its file.

    Raises InputError when two files have the same id.
    """
    tables: list[pl.DataFrame] = []
    for score, path in enumerate(paths):
        scoring = read_scoring_file(path, build)
        if scoring.pgs_id in ids:
            raise InputError(
                f"{path}: its id {scoring.pgs_id!r} is that of {ids[scoring.pgs_id]}"
                " too; expected different ids: change #pgs_id in one of them, or name"
                " the same file for both traits"
            )
        ids[scoring.pgs_id] = path
        variants = score_match.mark_repeats(scoring.variants.drop("line"))
        tables.append(variants.with_columns(score=pl.lit(score, dtype=pl.Int32)))
        if sum(table.height for table in tables) >= BATCH_ROWS:
            yield pl.concat(tables)
            tables.clear()
    if tables:
        yield pl.concat(tables)


def match(args: argparse.Namespace, paths: Sequence[str]) -> score_weights.Weights:
    """Weights of all files on the panel's sites."""
    panel = read_panel_sites(args.panels, args.chromosomes)
    collected = score_weights.Collected(len(paths))
    ids: dict[str, str] = {}
    for variants in read_batches(paths, args.build, ids):
        collected.add(score_match.match_rows(variants, panel, args.ambiguous))
    order = {path: index for index, path in enumerate(paths)}
    of_trait = [order[path] for path in args.scoring_files]
    return score_weights.assemble(list(ids), args.traits, of_trait, collected, panel)


def score_panel(args: argparse.Namespace, weights: score_weights.Weights) -> None:
    """Score the panel's samples and write them with their labels."""
    samples = sample_names(args.panels[0])
    labels = read_labels(args.panel_samples, samples)
    scores = np.tile(weights.constants, (len(samples), 1))
    panels = dict(zip(args.chromosomes, args.panels, strict=True))
    for chrom in weights.chromosomes():
        scores += score_weights.score_panel(weights, chrom, panels[chrom])
    with written_whole(args.panel_scores) as partial:
        np.savez(
            partial,
            samples=labels.samples,
            populations=labels.populations,
            superpopulations=labels.superpopulations,
            pgs_ids=weights.pgs_ids,
            scores=scores,
        )


def work(args: argparse.Namespace) -> None:
    """Match, score the panel, and write both outputs."""
    if len(args.traits) != len(args.scoring_files):
        raise InputError("--traits and --scoring-files: expected as many of each")
    paths = list(dict.fromkeys(args.scoring_files))
    weights = match(args, paths)
    score_panel(args, weights)
    score_weights.save(args.weights, weights)
    for score, pgs_id in enumerate(weights.pgs_ids):
        logger.info(
            "%s: %d of %d variants, %.3f of the weight; main loss: %s",
            pgs_id,
            weights.variants_used[score],
            weights.variants_total[score],
            weights.weight_used[score],
            weights.main_loss(score) or "none",
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
