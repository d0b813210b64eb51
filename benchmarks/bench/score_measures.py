"""Polygenic scores by a method's genotypes, against those of the true genomes.

Shapes: L sites, E embryos, K scores, S draws, as in bench/case.py. A higher score
counts as better: the scores are made up, and their signs mean nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from bench.case import Case, Result
from bench.genotype_measures import dosage_of
from bench.truth import ALL, EVERY_EMBRYO, Row, Truth
from morula.segregation import sibling_sd

Floats = NDArray[np.float64]
# Of a score, in SD among siblings: below it two scores are the same.
_SAME = 1e-9


def score_rows(
    case: Case, truth: Truth, result: Result, weights: Floats
) -> Iterator[Row]:
    """Error, ranks, the choice of the best, and coverage of intervals.

    weights: (L, K), per copy of ALT. Embryos that lack a copy somewhere have no true
    score; scores that do not vary among the couple's children are left out.
    """
    spread = sibling_sd(case.parents, case.cm, weights)
    varies = spread > 0
    whole = truth.known.all(axis=1)
    if not varies.any() or not whole.any():
        return
    unit = weights[:, varies] / spread[varies]
    true = truth.copies[whole].astype(float) @ unit
    found = dosage_of(result.gp[whole]) @ unit
    error = found - true
    rmse = float(np.sqrt(np.mean(error**2)))
    yield Row(EVERY_EMBRYO, "pgs_rmse_sibling_sd", ALL, rmse, error.size)
    if len(true) > 1:
        # What all siblings share does not change their order.
        own = error - error.mean(axis=0)
        value = float(np.sqrt((own**2).sum() / (own.size - own.shape[1])))
        yield Row(EVERY_EMBRYO, "pgs_rmse_within_family", ALL, value, error.size)
        yield from choice_rows(true, found)
    if result.draws.shape[2]:
        draws = [score_draws(result.draws[row], unit) for row in np.flatnonzero(whole)]
        yield from coverage_rows(true, draws)


def choice_rows(true: Floats, found: Floats) -> Iterator[Row]:
    """What it means for a choice among the embryos; true, found: (E, K), in SD among
    siblings."""
    n_scores = true.shape[1]
    chosen = chance_chosen(found)
    is_best = chance_chosen(true) > 0
    gain = (chosen * true).sum(axis=0) - true.mean(axis=0)
    possible = true.max(axis=0) - true.mean(axis=0)
    for measure, each in (
        ("pgs_spearman", rank_correlation(true, found)),
        ("pgs_best_chosen", (chosen * is_best).sum(axis=0)),
        ("pgs_gain", gain),
        ("pgs_gain_possible", possible),
    ):
        yield Row(EVERY_EMBRYO, measure, ALL, float(each.mean()), n_scores)
    if possible.sum() > 0:
        lost = float(1.0 - gain.sum() / possible.sum())
        yield Row(EVERY_EMBRYO, "pgs_gain_lost_share", ALL, lost, n_scores)


def chance_chosen(scores: Floats) -> Floats:
    """Chance (E, K) that each embryo is taken for its score: those that tie for the
    best share it."""
    is_best = scores >= scores.max(axis=0) - _SAME
    return np.asarray(is_best / is_best.sum(axis=0))


def rank_correlation(true: Floats, found: Floats) -> Floats:
    """Spearman's correlation (K,) over the embryos; 0 where one of both is constant,
    which tells nothing of the order."""
    ranks = [rankdata(np.round(one, 9), axis=0) for one in (true, found)]
    centred = [one - one.mean(axis=0) for one in ranks]
    sizes = np.sqrt((centred[0] ** 2).sum(axis=0) * (centred[1] ** 2).sum(axis=0))
    together = (centred[0] * centred[1]).sum(axis=0)
    return np.divide(together, sizes, out=np.zeros_like(sizes), where=sizes > 0)


def score_draws(packed: NDArray[np.uint8], weights: Floats) -> Floats:
    """Scores (S, K) of an embryo's joint draws, uint8 (2, S, ceil(L / 8))."""
    total = np.zeros((packed.shape[1], weights.shape[1]))
    used = np.flatnonzero(weights.any(axis=1))
    for side in packed:
        alleles = np.unpackbits(side, axis=1, count=len(weights))[:, used]
        total += alleles.astype(float) @ weights[used]
    return total


def coverage_rows(true: Floats, draws: list[Floats]) -> Iterator[Row]:
    """Share of the scores within the middle 95 % of their draws.

    true: (E, K); draws: E of (S, K).
    """
    low, high = np.quantile(np.stack(draws), [0.025, 0.975], axis=1)
    inside = (true >= low - _SAME) & (true <= high + _SAME)
    yield Row(EVERY_EMBRYO, "pgs_coverage_95", ALL, float(inside.mean()), inside.size)
