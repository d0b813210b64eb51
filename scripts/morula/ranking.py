"""Ranking embryos by healthy years expected to be kept.

Shapes: E embryos, D joint posterior samples, Q diseases. The index of an embryo is
`- sum_q daly_weight_q (risk_q - prevalence_q)`: healthy years relative to the average
person. Its spread here is that of the embryo's genome, as sequenced; how little a score
tells about a person is in the risks themselves, which are averages over all people with
that score.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from morula.risk import liability_risk

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Disease:
    """A disease that counts for the index; daly_weight: healthy years lost by it."""

    name: str
    prevalence: float
    liability_r2: float
    daly_weight: float


@dataclass(frozen=True)
class Ranked:
    """One embryo's place: rank from 1 (best), index and its 95 % interval,
    probability of being the best of the ranked, gain over a random one of them."""

    embryo: str
    rank: int
    index: float
    index_low: float
    index_high: float
    probability_best: float
    expected_gain: float


def healthy_years(z: Floats, diseases: Sequence[Disease]) -> Floats:
    """Index (...) from z of shape (..., Q)."""
    total = np.zeros(z.shape[:-1])
    for q, disease in enumerate(diseases):
        risk = liability_risk(z[..., q], disease.liability_r2, disease.prevalence)
        total -= disease.daly_weight * (risk - disease.prevalence)
    return total


def probability_best(index_samples: Floats) -> Floats:
    """Share of the joint samples (E, D) in which each embryo is best, (E,); embryos
    that tie for the best share it."""
    is_best = index_samples == index_samples.max(axis=0)
    return np.asarray((is_best / is_best.sum(axis=0)).mean(axis=1))


def rank_embryos(
    embryos: Sequence[str], z: Floats, z_samples: Floats, diseases: Sequence[Disease]
) -> list[Ranked]:
    """Embryos in order of rank; z (E, Q), z_samples (E, D, Q), the same sample being
    the same joint draw for all embryos and diseases.

    Raises ValueError when there is no embryo or no disease.
    """
    if not embryos or not diseases:
        raise ValueError("expected at least one embryo and one disease")
    index = healthy_years(z, diseases)
    samples = healthy_years(z_samples, diseases)
    low, high = np.quantile(samples, [0.025, 0.975], axis=1)
    best = probability_best(samples)
    order = sorted(range(len(embryos)), key=lambda e: (-index[e], embryos[e]))
    return [
        Ranked(
            embryo=embryos[e],
            rank=place,
            index=float(index[e]),
            index_low=float(low[e]),
            index_high=float(high[e]),
            probability_best=float(best[e]),
            expected_gain=float(index[e] - index.mean()),
        )
        for place, e in enumerate(order, start=1)
    ]
