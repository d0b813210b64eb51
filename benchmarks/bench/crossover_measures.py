"""Crossovers that a method finds, against the true ones.

A method says which haplotype of the parent's *estimated* phase an embryo carries. That
changes at every error of the phase, so it is first put in terms of the true haplotypes,
het by het; what changes then is a crossover.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bench.case import Case, Result
from bench.phase_measures import PhaseErrors
from bench.truth import ALL, EVERY_EMBRYO, Row

SURE = 0.9
WITHIN_BP = (100_000, 500_000)
# METHOD: two crossovers of one meiosis are almost never this close (interference:
# Broman and Weber 2000, Am J Hum Genet 66:1911), but a method that puts an error of the
# parent's phase some hets beside its place leaves such a stretch.
MIN_STRETCH_BP = 250_000


def true_crossovers(
    transmitted: NDArray[np.int8], pos_bp: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Positions in bp, rising, halfway between the sites around each change; sites
    without a copy (-1) are passed over."""
    return _changes(transmitted[transmitted >= 0], pos_bp[transmitted >= 0])


def found_crossovers(
    p_second: NDArray[np.floating], errors: PhaseErrors, pos_bp: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Positions in bp, rising, at which the true haplotype that is carried changes.

    p_second: (L,), P(haplotype 1 of the estimated phase), nan where not told. Sites
    where it is between 1 - SURE and SURE decide nothing.
    """
    p = p_second[errors.sites].astype(float)
    p = np.where(errors.is_swapped_around(), 1.0 - p, p)
    is_sure = np.isfinite(p) & ((p >= SURE) | (p <= 1.0 - SURE))
    state = (p[is_sure] >= SURE).astype(np.int8)
    return _without_short(_changes(state, pos_bp[errors.sites][is_sure]))


def _changes(state: NDArray[np.int8], pos_bp: NDArray[np.int64]) -> NDArray[np.float64]:
    before = np.flatnonzero(state[1:] != state[:-1])
    return np.asarray((pos_bp[before] + pos_bp[before + 1]) / 2.0)


def _without_short(breaks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Breaks left when both ends of each short stretch are taken away, shortest first.
    Stretches at the ends of the chromosome stay."""
    while len(breaks) > 1:
        lengths = np.diff(breaks)
        shortest = int(np.argmin(lengths))
        if lengths[shortest] >= MIN_STRETCH_BP:
            break
        breaks = np.delete(breaks, [shortest, shortest + 1])
    return breaks


def matched_distances(
    true: NDArray[np.float64], found: NDArray[np.float64], within_bp: float
) -> list[float]:
    """Distances of pairs of a true and a found crossover, each in one pair at most,
    nearest first."""
    distance = np.abs(true[:, None] - found[None, :])
    pairs = []
    while distance.size and distance.min() <= within_bp:
        i, j = np.unravel_index(int(np.argmin(distance)), distance.shape)
        pairs.append(float(distance[i, j]))
        distance = np.delete(np.delete(distance, i, axis=0), j, axis=1)
    return pairs


def crossover_rows(
    case: Case, result: Result, errors: tuple[PhaseErrors, PhaseErrors]
) -> Iterator[Row]:
    """Recall and precision within some distances, position error, and numbers, over
    all meioses of the case; nothing where the method tells no haplotypes."""
    if np.isnan(result.haplotype).all():
        return
    meioses = []
    for row in range(len(case.embryos)):
        for side in (0, 1):
            true = true_crossovers(case.transmitted[row, side], case.pos_bp)
            p_second = result.haplotype[row, side]
            found = found_crossovers(p_second, errors[side], case.pos_bp)
            meioses.append((true, found))
    n_true = sum(len(true) for true, _ in meioses)
    n_found = sum(len(found) for _, found in meioses)
    for within_bp in WITHIN_BP:
        pairs = [d for one in meioses for d in matched_distances(*one, within_bp)]
        name = f"{within_bp // 1000}kb"
        for measure, n in (("recall", n_true), ("precision", n_found)):
            if n:
                value = len(pairs) / n
                yield Row(EVERY_EMBRYO, f"crossover_{measure}_{name}", ALL, value, n)
    if pairs:
        middle = float(np.median(pairs))
        yield Row(EVERY_EMBRYO, "crossover_error_bp", ALL, middle, len(pairs))
    for measure, n in (("true", n_true), ("found", n_found)):
        value = n / len(meioses)
        yield Row(EVERY_EMBRYO, f"crossovers_{measure}", ALL, value, len(meioses))
