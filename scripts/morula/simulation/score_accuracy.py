"""Reported polygenic scores against those of the true genomes."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from morula.score_weights import Weights
from morula.simulation.accuracy import Measure
from morula.simulation.comparison import Site

logger = logging.getLogger(__name__)
_NORMAL_95 = 1.96


def true_scores(
    weights: Weights, sites: Sequence[Site], copies: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Scores float64 (E, T) of true genomes; nan for a score that uses a site at which
    the truth is not known.

    copies: (L, E) of ALT at `sites`.
    """
    row_of = {site: row for row, site in enumerate(sites)}
    keys = zip(weights.chrom, weights.pos_bp, weights.ref, weights.alt, strict=True)
    rows = np.array([row_of.get((c, int(p), r, a), -1) for c, p, r, a in keys])
    known = rows >= 0
    scores = (weights.matrix[known].T @ copies[rows[known]]).T + weights.constants
    uncertain = abs(weights.matrix[~known]).sum(axis=0)
    scores[:, np.asarray(uncertain).reshape(-1) > 0] = np.nan
    return np.asarray(scores, dtype=np.float64)


def score_measures(
    weights: Weights,
    panel_scores: NDArray[np.float64],
    true: NDArray[np.float64],
    reported: Sequence[Mapping[str, str]],
    embryos: Sequence[str],
) -> list[tuple[str, Measure]]:
    """For each trait the root mean squared error over the embryos, in SD of the panel;
    over all traits, the share of 95 % intervals of the score that hold the truth.

    panel_scores: (S, T); true: (E, T); reported: rows of the score table.
    """
    by_key = {(row["sample"], row["trait"]): row for row in reported}
    measures: list[tuple[str, Measure]] = []
    covered: list[bool] = []
    pairs = zip(weights.traits.tolist(), weights.score_of_trait.tolist(), strict=True)
    for trait, score in pairs:
        errors = []
        for row, embryo in enumerate(embryos):
            cells = by_key[embryo, trait]
            if cells["pgs"] and np.isfinite(true[row, score]):
                error = float(cells["pgs"]) - float(true[row, score])
                errors.append(error)
                covered.append(abs(error) <= _NORMAL_95 * float(cells["pgs_sd"]) + 1e-9)
        if not errors:
            logger.info("%s: no score to compare", trait)
            continue
        spread = float(np.std(panel_scores[:, score]))
        value = float(np.sqrt(np.mean(np.square(errors)))) / spread
        measures.append((f"pgs_rmse_sd_{trait}", _plain(value, len(errors))))
    if covered:
        value = float(np.mean(covered))
        measures.append(("pgs_interval_coverage", _plain(value, len(covered))))
    return measures


def _plain(value: float, n: int) -> Measure:
    """A measure without an interval: embryos are too few for one."""
    return Measure(value, float("nan"), float("nan"), n)
