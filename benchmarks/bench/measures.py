"""All measures of a case, their names, and how they are taken together over couples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.calibration_measures import calibration_rows
from bench.case import Case, Result
from bench.crossover_measures import crossover_rows
from bench.estimate_measures import estimate_rows, verdict_rows
from bench.genotype_measures import genotype_rows, null_result
from bench.phase_measures import (
    PHASE_METHOD,
    parents_phase_rows,
    phase_errors,
    phased_allele_rows,
)
from bench.score_measures import score_rows
from bench.truth import Row, truth_of
from morula.errors import InputError

# Not shares, so their means over couples are not weighted.
_MEANS = {
    "dosage_r2",
    "ece",
    "crossover_error_bp",
    "pgs_rmse_sibling_sd",
    "pgs_rmse_within_family",
    "pgs_spearman",
    "pgs_gain",
    "pgs_gain_possible",
    "pgs_gain_lost_share",
}
_SUFFIXES = ("_bias", "_rmse")
# Neither shares nor squared correlations: they may be above one.
_LARGE = _MEANS - {"dosage_r2", "ece"} | {"crossovers_true", "crossovers_found"}
# They may be below zero.
_SIGNED = {"pgs_spearman", "pgs_gain", "pgs_gain_lost_share"}


@dataclass(frozen=True)
class Kind:
    """is_pooled: over couples, the sum of hits over the sum of n, else the plain mean;
    least, most: what it cannot go beyond."""

    is_pooled: bool
    least: float
    most: float


def kind_of(measure: str) -> Kind:
    """How a measure is taken together over couples."""
    is_plain = measure in _MEANS or measure.endswith(_SUFFIXES)
    is_signed = measure in _SIGNED or measure.endswith("_bias")
    is_large = measure in _LARGE or measure.endswith(_SUFFIXES)
    return Kind(
        is_pooled=not is_plain,
        least=-np.inf if is_signed else 0.0,
        most=np.inf if is_large else 1.0,
    )


def check(case: Case, result: Result, name: str) -> None:
    """Raise InputError when a result does not belong to the case, or has probabilities
    that are none."""
    expected = (len(case.embryos), len(case.pos_bp), 3)
    if result.gp.shape != expected:
        raise InputError(
            f"{name}: genotype probabilities of shape {result.gp.shape}; the case has"
            f" {expected[0]} embryos and {expected[1]} sites; run the method on it"
        )
    total = result.gp.sum(axis=2)
    if not (np.isfinite(total).all() and np.allclose(total, 1.0, atol=0.01)):
        raise InputError(
            f"{name}: genotype probabilities do not add up to one everywhere; a method"
            " gives what a user would fill in where it calls nothing"
        )


def judge(
    case: Case, results: Sequence[Result], weights: NDArray[np.float64]
) -> Iterator[tuple[str, Row]]:
    """(method, row) of the parents' phase, each result, and the panel's frequencies.

    weights: (L, K), per copy of ALT. Raises InputError when there are not L of them.
    """
    if len(weights) != len(case.pos_bp):
        raise InputError(
            f"weights of {len(weights)} sites; the case has {len(case.pos_bp)}: use the"
            " scores of the same world"
        )
    truth = truth_of(case)
    errors = (
        phase_errors(case.parents[0], case.phased[0]),
        phase_errors(case.parents[1], case.phased[1]),
    )
    for row in parents_phase_rows(case, truth, errors):
        yield PHASE_METHOD, row
    embryos = [str(name) for name in case.embryos]
    for result in results:
        for rows in (
            genotype_rows(truth, result, embryos),
            calibration_rows(truth, result),
            phased_allele_rows(case, truth, result),
            crossover_rows(case, result, errors),
            estimate_rows(case, result),
            verdict_rows(case, result),
            score_rows(case, truth, result, weights),
        ):
            for row in rows:
                yield result.method, row
    null = null_result(case)
    for row in genotype_rows(truth, null, []):
        yield null.method, row
    for row in score_rows(case, truth, null, weights):
        yield null.method, row
