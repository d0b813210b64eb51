"""The parents' phase as the embryos mend it, and crossovers against it.

Shapes: L informative sites, S joint samples, E embryos. A sample's orientation is 1
where its haplotypes stand the other way round than in the phase estimate: the sum of
its switches, modulo 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

Bits = NDArray[np.bool_]

# METHOD: samples agree that the phase switches, but not within which of some
# neighbouring intervals. A difference of orientation that does not outlast this many
# informative sites is taken for that, and not for another phase.
SAME_SWITCH_SITES = 100
# METHOD: what a change of haplotype costs in the best segmentation, in sites of certain
# haplotype: a stretch of doubt does not fall into many short segments.
CHANGE_COST = 10.0


def orientations(switches: Bits) -> Bits:
    """Orientation (S, L) of each sample from its switches (S, L)."""
    return np.logical_xor.accumulate(switches, axis=1)


def _steady(turned: Bits) -> Bits:
    """Majority within SAME_SWITCH_SITES on both sides of each site, (S, L)."""
    n_sites = turned.shape[1]
    low = np.maximum(np.arange(n_sites) - SAME_SWITCH_SITES, 0)
    high = np.minimum(np.arange(n_sites) + SAME_SWITCH_SITES + 1, n_sites)
    found = np.empty_like(turned)
    sums = np.zeros(n_sites + 1, dtype=np.int32)
    for one, steady in zip(turned, found, strict=True):
        np.cumsum(one, out=sums[1:])
        np.greater(2 * (sums[high] - sums[low]), high - low, out=steady)
    return found


def typical(orientation: Bits) -> int:
    """The sample whose phase is nearest to the others': fewest pairs of sites, a window
    apart, that it orients otherwise than the rest do on average."""
    step = max(min(SAME_SWITCH_SITES, orientation.shape[1] - 1), 1)
    pairs = orientation[:, step:] ^ orientation[:, :-step]
    share = pairs.mean(axis=0)
    return int(np.where(pairs, 1.0 - share, share).sum(axis=1).argmin())


def against(orientation: Bits, polished: Bits) -> Bits:
    """Where the samples' haplotypes are the others of the polished phase (L,): (S, L),
    the same for all embryos."""
    return orientation ^ _steady(orientation ^ polished)


def share_second(haplotype: Bits) -> NDArray[np.float64]:
    """Share of the samples (S, L) that have the second haplotype, (L,)."""
    return np.add.reduce(haplotype, axis=0, dtype=np.uint16) / len(haplotype)


@numba.njit(cache=True, nogil=True)
def _best_path(gain: NDArray[np.float64], cost: float) -> NDArray[np.bool_]:
    """0/1 path (L,) with the largest sum of gain where it is 1, less where it is 0,
    less cost for each change."""
    n_sites = len(gain)
    came = np.zeros((n_sites, 2), dtype=np.bool_)
    zero, one = -gain[0], gain[0]
    for s in range(1, n_sites):
        came[s, 0] = one - cost > zero
        came[s, 1] = zero - cost > one
        zero, one = (
            max(zero, one - cost) - gain[s],
            max(one, zero - cost) + gain[s],
        )
    path = np.empty(n_sites, dtype=np.bool_)
    now = 1 if one > zero else 0
    for s in range(n_sites - 1, -1, -1):
        path[s] = now == 1
        if s > 0 and came[s, now]:
            now = 1 - now
    return path


@dataclass(frozen=True)
class Crossover:
    """Between sites `after` - 1 and `after`; low, high: 95 % interval of that place, in
    sites (from 0), over the samples."""

    after: int
    low: int
    high: int


def segmentation(haplotype: Bits) -> tuple[NDArray[np.bool_], list[Crossover]]:
    """Best haplotype (L,) and its crossovers, from samples (S, L) of one embryo and
    parent against the polished phase."""
    second = share_second(haplotype)
    path = _best_path(np.asarray(second - 0.5), CHANGE_COST / 2)
    turns = np.flatnonzero(path[1:] != path[:-1]) + 1
    own = [np.flatnonzero(one[1:] != one[:-1]) + 1 for one in haplotype]
    found = []
    for turn in turns:
        places = _nearest_turns(haplotype, own, int(turn), bool(path[turn]))
        low, high = np.quantile(places, (0.025, 0.975), method="nearest")
        found.append(Crossover(int(turn), int(low), int(high)))
    return path, found


def _nearest_turns(
    haplotype: Bits, turns: Sequence[NDArray[np.int64]], turn: int, after: bool
) -> NDArray[np.int64]:
    """Of each sample, the place nearest to `turn` among its `turns` where it turns to
    `after`; `turn` itself for those that do not."""
    places = []
    for sample, every in zip(haplotype, turns, strict=True):
        own = every[sample[every] == after]
        places.append(own[np.abs(own - turn).argmin()] if len(own) else turn)
    return np.array(places)


def crossover_count(haplotype: Bits, switches: Bits) -> float:
    """Mean number of crossovers of the samples: changes of haplotype, (S, L), where the
    phase does not switch, and no change where it does."""
    turns = haplotype[:, 1:] ^ haplotype[:, :-1] ^ switches[:, 1:]
    return float(turns.sum() / len(turns))
