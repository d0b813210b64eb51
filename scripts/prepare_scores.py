"""Match the traits' scoring files to the panel's sites and score the panel."""

from __future__ import annotations

import argparse
import logging
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from morula import score_match, score_weights
from morula.atomic import written_whole
from morula.cli import run
from morula.dosages import sample_names
from morula.errors import InputError
from morula.panel_samples import read_labels
from morula.panel_sites import PanelSites, read_panel_sites
from morula.scoring_reader import read_rows

logger = logging.getLogger("prepare_scores")

# Files that are being read or wait to be taken, for each thread: what bounds the
# memory, whatever the number of files.
WAITING = 2


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
    parser.add_argument(
        "--cache", type=Path, required=True, help="folder of read files"
    )
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--weights", required=True, help="output: .npz")
    parser.add_argument("--panel-scores", required=True, help="output: .npz")
    return parser.parse_args(argv)


def match_file(
    args: argparse.Namespace, path: str, panel: PanelSites
) -> tuple[str, score_match.Matches]:
    """Id of a file, and what its rows match."""
    pgs_id, rows = read_rows(path, args.build, args.cache)
    return pgs_id, score_match.match_rows(rows, panel, args.ambiguous)


def match_files(
    args: argparse.Namespace, paths: Sequence[str], panel: PanelSites
) -> Iterator[tuple[str, score_match.Matches]]:
    """`match_file` of every file, in their order; some are worked at ahead."""
    with ThreadPoolExecutor(args.threads) as pool:
        waiting: deque[Future[tuple[str, score_match.Matches]]] = deque()
        try:
            for path in paths:
                waiting.append(pool.submit(match_file, args, path, panel))
                if len(waiting) > WAITING * args.threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def match(args: argparse.Namespace, paths: Sequence[str]) -> score_weights.Weights:
    """Weights of all files on the panel's sites.

    Raises InputError when two files have the same id.
    """
    panel = read_panel_sites(args.panels, args.chromosomes, args.threads)
    collected = score_weights.Collected()
    ids: dict[str, str] = {}
    found = match_files(args, paths, panel)
    for path, (pgs_id, matches) in zip(paths, found, strict=True):
        if pgs_id in ids:
            raise InputError(
                f"{path}: its id {pgs_id!r} is that of {ids[pgs_id]} too; expected"
                " different ids: change #pgs_id in one of them, or name the same file"
                " for both traits"
            )
        ids[pgs_id] = path
        collected.add(matches)
    order = {path: index for index, path in enumerate(paths)}
    of_trait = [order[path] for path in args.scoring_files]
    return score_weights.assemble(list(ids), args.traits, of_trait, collected, panel)


def score_panel(args: argparse.Namespace, weights: score_weights.Weights) -> None:
    """Score the panel's samples and write them with their labels."""
    samples = sample_names(args.panels[0])
    labels = read_labels(args.panel_samples, samples)
    scores = np.tile(weights.constants, (len(samples), 1))
    panels = dict(zip(args.chromosomes, args.panels, strict=True))
    names = weights.chromosomes()
    files = [panels[chrom] for chrom in names]
    with ThreadPoolExecutor(args.threads) as pool:
        for part in pool.map(partial(score_weights.score_panel, weights), names, files):
            scores += part
    with written_whole(args.panel_scores) as unfinished:
        np.savez(
            unfinished,
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
