"""How well the reads determine an embryo's amplification: 95 % intervals.

Coordinates u of the measures (Amplification.measured), each of the real line: dropout
and the rates by p = sin(u)^2, whose information does not depend on p; imbalance by an
exponential tilt u of the inner shares towards |2 x - 1|; amplicon length and an array's
noise by the logarithm. Shapes: P coordinates, J stretches, K grid points.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from morula import inheritance
from morula.amplification import Amplification
from morula.amplification_fit import ERROR_BOUNDS, Fit, Stretch

Floats = NDArray[np.float64]
Map = Callable[[Callable[[Stretch], float], Sequence[Stretch]], Iterable[float]]

# Weight of the start in the estimate that the intervals are about.
LOOSE_AMPLICONS = 2.0
# Steps of the finite differences, and SD of the weak prior about the start that keeps
# an interval finite where the reads say nothing; a RATE where there is no own one.
STEPS = {"dropout": 0.05, "imbalance": 0.3, "length_bp": 0.1, "noise": 0.03}
PRIOR_SD = {"dropout": 0.5, "imbalance": 3.0, "length_bp": 2.0, "noise": 1.0}
RATE_STEP, RATE_PRIOR_SD = 0.01, 0.2
Z_95 = 1.96
LEAST_WEIGHT = 1e-9
# Fewer stretches than this do not tell how much stretches differ.
MIN_STRETCHES = 10


def _angle(rate: float) -> float:
    return math.asin(math.sqrt(min(max(rate, 0.0), 1.0)))


def _moved_rate(rate: float, move: float) -> float:
    """The rate `move` further on the scale of _angle, which ends at 0 and at 1."""
    return math.sin(min(max(_angle(rate) + move, 0.0), math.pi / 2)) ** 2


def _error(rate: float, move: float) -> float:
    low, high = ERROR_BOUNDS
    return min(max(_moved_rate(rate, move), low), high)


def _moved(name: str, value: float, move: float) -> float:
    """A measure beyond the first three, `move` further in its coordinate."""
    if name == "noise":
        return value * math.exp(move)
    if name == "contamination":
        return _moved_rate(value, move) if value else 0.0
    return _error(value, move)


def moved(start: Amplification, move: Floats) -> Amplification:
    """`start` moved by `move` (P,) in the coordinates of this module."""
    edges = start.share_prior[[0, -1]] + LEAST_WEIGHT
    spread = np.abs(2 * start.shares[1:-1] - 1)
    inner = (start.share_prior[1:-1] + LEAST_WEIGHT) * np.exp(move[1] * spread)
    dropout = min(max(_moved_rate(start.dropout, move[0]), 1e-9), 1 - 1e-9)
    prior = np.concatenate(
        [
            dropout * edges[:1] / edges.sum(),
            (1 - dropout) * inner / inner.sum(),
            dropout * edges[1:] / edges.sum(),
        ]
    )
    rest: dict[str, Any] = {
        name: _moved(name, getattr(start, name), float(one))
        for name, one in zip(start.measured[3:], move[3:], strict=True)
    }
    length_bp = start.length_bp * math.exp(move[2])
    return replace(start, share_prior=prior, length_bp=length_bp, **rest)


def _tilt(imbalance: float, near: Amplification) -> float:
    """Tilt that gives the inner shares of `near` this imbalance, to first order."""
    inner = near.share_prior[1:-1] / near.share_prior[1:-1].sum()
    spread = np.abs(2 * near.shares[1:-1] - 1)
    variance = float(inner @ spread**2 - (inner @ spread) ** 2)
    return (imbalance - near.imbalance) / max(variance, LEAST_WEIGHT)


def _ln_likelihood(learnt: Amplification, stretch: Stretch) -> float:
    chain, table = stretch.with_length(learnt.length_bp), learnt.read_table()
    return inheritance.forward(chain, learnt.share_prior, table).ln_likelihood


def _derivatives(
    learnt: Amplification, stretches: Sequence[Stretch], free: list[int], apply: Map
) -> tuple[Floats, Floats]:
    """Slope of ln P(reads) by stretch (J, F) and curvature (F, F) at `learnt`, in the
    coordinates `free`, by central differences."""

    def at(move: Floats) -> Floats:
        work = functools.partial(_ln_likelihood, moved(learnt, move))
        return np.array(list(apply(work, stretches)))

    every = np.array([STEPS.get(name, RATE_STEP) for name in learnt.measured])
    units, steps = np.diag(every)[free], every[free]
    middle = at(np.zeros(len(every))).sum()
    up, down = [at(unit) for unit in units], [at(-unit) for unit in units]
    slope = (np.stack(up) - np.stack(down)).T / (2 * steps)
    one_way = np.array(
        [a.sum() + b.sum() - 2 * middle for a, b in zip(up, down, strict=True)]
    )
    curvature = np.diag(one_way / steps**2)
    for i in range(len(free)):
        for j in range(i):
            both = at(units[i] + units[j]).sum() + at(-units[i] - units[j]).sum()
            mixed = (both - 2 * middle - one_way[i] - one_way[j]) / 2
            curvature[i, j] = curvature[j, i] = mixed / (steps[i] * steps[j])
    return slope, curvature


def _jackknifed(fit: Fit) -> Floats:
    """SD of dropout and imbalance over sites, in coordinates (2,): the stretches left
    out one by one."""
    n = len(fit.occupancy)
    if n < MIN_STRETCHES:
        return np.zeros(2)
    rest = fit.occupancy.sum(axis=0) - fit.occupancy
    near = fit.amplification
    without = [replace(near, share_prior=one / one.sum()) for one in rest]
    parts = np.array(
        [[_angle(one.dropout), _tilt(one.imbalance, near)] for one in without]
    )
    return np.asarray(parts.std(axis=0) * math.sqrt(n - 1))


def intervals(
    stretches: Sequence[Stretch], begin: Amplification, fit: Fit, apply: Map = map
) -> dict[str, tuple[float, float] | None]:
    """95 % interval of each of `begin.measured`, None for a contamination that is not
    in the model.

    fit: of EM from `begin` with the weight LOOSE_AMPLICONS.

    # METHOD: about an estimate that hardly leans on the start, so that an embryo of few
    # reads is not said to be known as well as the start holds it. As wide as the
    # curvature says, or how much stretches differ (Huber's sandwich; the jackknife for
    # what is counted over sites), whichever is more: reads follow the model less well
    # than its curvature believes.
    """
    names = begin.measured
    free = [
        place
        for place, name in enumerate(names)
        if name != "contamination" or begin.contamination > 0
    ]
    prior_sd = np.array([PRIOR_SD.get(names[i], RATE_PRIOR_SD) for i in free])
    slope, curvature = _derivatives(fit.drawn, stretches, free, apply)
    values, axes = np.linalg.eigh(-curvature)
    information = axes @ np.diag(np.maximum(values, 0.0)) @ axes.T
    inverse = np.linalg.inv(information + np.diag(1 / prior_sd**2))
    variance = np.diag(inverse)
    if len(slope) >= MIN_STRETCHES:
        centred = slope - slope.mean(axis=0)
        between = np.diag(inverse @ (centred.T @ centred) @ inverse)
        variance = np.maximum(variance, between)
    width = np.zeros(len(names))
    width[free] = Z_95 * np.sqrt(variance)
    width[:2] = np.maximum(width[:2], Z_95 * _jackknifed(fit))
    return {
        name: _ends(fit.amplification, place, width[place]) if place in free else None
        for place, name in enumerate(names)
    }


def _ends(learnt: Amplification, place: int, width: float) -> tuple[float, float]:
    """The measure `place` at `width` below and above `learnt` in its coordinate."""
    unit = np.eye(len(learnt.measured))[place]
    low, high = (
        float(getattr(moved(learnt, unit * end), learnt.measured[place]))
        for end in (-width, width)
    )
    return low, high
