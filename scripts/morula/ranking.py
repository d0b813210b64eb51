"""Ranking embryos by healthy years expected to be kept.

Shapes: E embryos, D joint posterior samples, Q diseases. The index of an embryo is
`sum_q daly_weight_q share_q (prevalence_q - risk_q)`: healthy years relative to the
average person. Its spread here is that of the embryo's genome, as sequenced; how little
a score tells about a person is in the risks themselves, which are averages over all
people with that score.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
ENDS_95 = (0.025, 0.975)


@dataclass(frozen=True)
class Disease:
    """A disease that counts for the index; daly_weight: healthy years lost by it;
    share: of the people who can have it."""

    name: str
    prevalence: float
    daly_weight: float
    share: float


@dataclass(frozen=True)
class Ranked:
    """One embryo's place: rank from 1 (best), index and its 95 % interval, probability
    of being the best of the ranked, gain over a random one of them with its interval,
    how much better the best of them is expected to be (what is lost to uncertainty if
    this one is chosen), and whether its difference from the first-ranked may be none
    (of the first: from the next)."""

    embryo: str
    rank: int
    index: float
    index_low: float
    index_high: float
    probability_best: float
    expected_gain: float
    gain_low: float
    gain_high: float
    expected_loss: float
    within_noise: bool


def healthy_years(risk: Floats, diseases: Sequence[Disease]) -> Floats:
    """Index (...) from risks of shape (..., Q)."""
    weights = np.array([d.daly_weight * d.share for d in diseases])
    prevalence = np.array([d.prevalence for d in diseases])
    return np.asarray((prevalence - risk) @ weights)


def probability_best(index_samples: Floats) -> Floats:
    """Share of the joint samples (E, D) in which each embryo is best, (E,); embryos
    that tie for the best share it."""
    is_best = index_samples == index_samples.max(axis=0)
    return np.asarray((is_best / is_best.sum(axis=0)).mean(axis=1))


def within_noise(index_samples: Floats, order: Sequence[int]) -> list[bool]:
    """Of the embryos in `order`: whether the 95 % interval of the difference from the
    first (of the first: from the second) holds zero, by joint samples (E, D)."""
    first = index_samples[order[0]]
    ahead = first - index_samples[list(order[1:])]
    low = np.quantile(ahead, ENDS_95[0], axis=1) if len(order) > 1 else np.ones(1)
    others = (low <= 0).tolist()
    return [others[0], *others] if len(order) > 1 else [False]


def rank_embryos(
    embryos: Sequence[str],
    risk: Floats,
    risk_samples: Floats,
    diseases: Sequence[Disease],
) -> list[Ranked]:
    """Embryos in order of rank; risk (E, Q), risk_samples (E, D, Q), the same sample
    being the same joint draw for all embryos and diseases.

    Raises ValueError when there is no embryo or no disease.
    """
    if not embryos or not diseases:
        raise ValueError("expected at least one embryo and one disease")
    index = healthy_years(risk, diseases)
    samples = healthy_years(risk_samples, diseases)
    low, high = np.quantile(samples, ENDS_95, axis=1)
    # What all embryos share, errors too, is no gain: intervals are of differences.
    gain_low, gain_high = np.quantile(samples - samples.mean(axis=0), ENDS_95, axis=1)
    loss = (samples.max(axis=0) - samples).mean(axis=1)
    best = probability_best(samples)
    order = sorted(range(len(embryos)), key=lambda e: (-index[e], embryos[e]))
    noise = within_noise(samples, order)
    return [
        Ranked(
            embryo=embryos[e],
            rank=place,
            index=float(index[e]),
            index_low=float(low[e]),
            index_high=float(high[e]),
            probability_best=float(best[e]),
            expected_gain=float(index[e] - index.mean()),
            gain_low=float(gain_low[e]),
            gain_high=float(gain_high[e]),
            expected_loss=float(loss[e]),
            within_noise=noise[place - 1],
        )
        for place, e in enumerate(order, start=1)
    ]
