"""Genotypes of a method against the truth: accuracy, dosage r2, concordance.

Shapes: L sites, E embryos, as in bench/case.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from bench.case import Case, Result, plain_result
from bench.truth import ALL, EVERY_EMBRYO, PARENT_HET, SNVS, Row, Truth, share
from morula.simulation.accuracy import squared_correlation

NULL_METHOD = "panel_frequency"
CALLED_STRATA = (ALL, PARENT_HET, SNVS, f"{SNVS}_{PARENT_HET}")


def null_result(case: Case) -> Result:
    """Genotypes by the panel's frequencies alone (Hardy-Weinberg), for every embryo:
    a dosage of twice the frequency. What a method must beat."""
    p = case.alt_frequency
    one = np.stack([(1 - p) ** 2, 2 * p * (1 - p), p**2], axis=1)
    return plain_result(
        NULL_METHOD, np.broadcast_to(one, (len(case.embryos), *one.shape))
    )


def dosage_of(gp: NDArray[np.float32]) -> NDArray[np.float64]:
    """Expected ALT copies (E, L) of genotype probabilities (E, L, 3)."""
    return np.asarray(gp[..., 1] + 2.0 * gp[..., 2], dtype=np.float64)


def genotype_rows(
    truth: Truth, result: Result, embryos: Sequence[str]
) -> Iterator[Row]:
    """Accuracy, dosage r2 and concordance over all embryos in every stratum; accuracy
    of each embryo where a parent is het.

    genotype_accuracy: the most probable genotype is right; not called counts as wrong.
    filled_accuracy: it is right, called or filled in.
    """
    best = result.gp.argmax(axis=2)
    is_equal = best == truth.copies
    right = is_equal & result.called
    dosage = dosage_of(result.gp)
    for stratum, sites in truth.strata.items():
        known, hits = truth.known[:, sites], right[:, sites]
        called = result.called[:, sites]
        yield from share(EVERY_EMBRYO, "genotype_accuracy", stratum, hits, known)
        if stratum in CALLED_STRATA:
            yield from share(EVERY_EMBRYO, "called_share", stratum, called, known)
            counted = known & called
            yield from share(EVERY_EMBRYO, "called_accuracy", stratum, hits, counted)
            filled = is_equal[:, sites]
            yield from share(EVERY_EMBRYO, "filled_accuracy", stratum, filled, known)
        # Of the genotypes in which the truth or the call has ALT, those that are equal:
        # the many sites at which all are REF cannot flatter it.
        carries = (truth.copies[:, sites] > 0) | (called & (best[:, sites] > 0))
        yield from share(
            EVERY_EMBRYO, "nonref_concordance", stratum, hits, known & carries
        )
        yield from _r2(truth, dosage, stratum, sites)
    sites = truth.strata[PARENT_HET]
    for row, embryo in enumerate(embryos):
        yield from share(
            embryo,
            "genotype_accuracy",
            PARENT_HET,
            right[row, sites],
            truth.known[row, sites],
        )


def _r2(
    truth: Truth,
    dosage: NDArray[np.float64],
    stratum: str,
    sites: NDArray[np.bool_],
) -> Iterator[Row]:
    """Squared correlation of true and expected copies, over sites and embryos at once,
    both coded by the panel's minor allele."""
    true, estimated = truth.copies[:, sites].astype(float).T, dosage[:, sites].T
    flip = ~truth.minor_is_alt[sites][:, None]
    found = squared_correlation(
        np.where(flip, 2.0 - true, true),
        np.where(flip, 2.0 - estimated, estimated),
        truth.known[:, sites].T,
        np.zeros(len(true), dtype=np.int64),
    )
    if np.isfinite(found.value):
        yield Row(EVERY_EMBRYO, "dosage_r2", stratum, found.value, found.n)
