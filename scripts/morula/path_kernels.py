"""Compiled draws of an embryo's paths, backward over the filtered chain.

Names, shapes and the order of states: see morula.family_chain; what a Pass holds, and
its padding: morula.embryo_kernels.

METHOD: a path stays in its state, without a crossover, a switch or a new amplicon, over
most steps. The first step at which it does not is drawn by one uniform u for many
steps: it is where the product of P(stays) falls below u. Only there is the state drawn,
among all others. That is the same distribution as one draw a step, at a fraction of the
random numbers.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from morula.embryo_kernels import Embryo, Pass, Turns, inlined, step_moves
from morula.order_kernels import Bytes, Floats, Singles

Moves = tuple[float, float, float, float]


@numba.njit(cache=True, nogil=True)
def draw(weights: Floats | Singles, left: float) -> int:
    """Index drawn in proportion to weights; left: uniform from 0 to their sum."""
    last = 0
    for index in range(len(weights)):
        if weights[index] > 0.0:
            last = index
            left -= weights[index]
            if left < 0.0:
                return index
    return last


@numba.njit(cache=True, nogil=True)
def _weight(
    before: Singles,
    totals: Singles,
    moves: Moves,
    stays: float,
    fresh: float,
    v: int,
    k: int,
) -> tuple[float, float]:
    """Weights of all states of a site that lead to (v, k) at the next, and of (v, k)
    itself with nothing drawn anew.

    before: (V, K), filtered probabilities of the site; totals: (V,), their sums; moves:
    of the vector in the step; stays: P(x stays); fresh: P(x is drawn anew and is k).
    """
    every = 0.0
    for turned in range(4):
        u = v ^ turned
        every += moves[turned] * (stays * before[u, k] + fresh * totals[u])
    return every, moves[0] * stays * before[v, k]


@numba.njit(cache=True, nogil=True)
def _leave(
    before: Singles,
    totals: Singles,
    moves: Moves,
    stays: float,
    fresh: float,
    v: int,
    k: int,
    rng: np.random.Generator,
) -> tuple[int, int]:
    """State drawn among those of `_weight` but for the one with nothing drawn anew."""
    every, same = _weight(before, totals, moves, stays, fresh, v, k)
    left = rng.random() * (every - same)
    chosen, stayed = v, 0.0
    for turned in range(4):
        u = v ^ turned
        part = stays * before[u, k] if turned else 0.0
        whole = moves[turned] * (part + fresh * totals[u])
        if whole > 0.0:
            chosen, stayed = u, part
        left -= whole
        if left < 0.0:
            break
    if rng.random() * (stayed + fresh * totals[chosen]) < stayed:
        return chosen, k
    return chosen, draw(before[chosen], rng.random() * totals[chosen])


@numba.njit(cache=True, nogil=True)
def _last(chain: Pass, rng: np.random.Generator) -> tuple[int, int]:
    """State of the last site."""
    totals = chain.totals[-1]
    v = draw(totals, rng.random() * totals.sum())
    return v, draw(chain.filtered[-1, v], rng.random() * totals[v])


@numba.njit(cache=True, nogil=True)
def sample_path(
    embryo: Embryo, turns: Turns, chain: Pass, rng: np.random.Generator, path: Bytes
) -> None:
    """Fill path, uint8 (2, L), with vector and grid point of one draw."""
    n_sites = len(chain.filtered)
    v, k = _last(chain, rng)
    path[0, n_sites - 1], path[1, n_sites - 1] = v, k
    kept, until = 1.0, rng.random()
    for s in range(n_sites - 2, -1, -1):
        before, totals = chain.filtered[s], chain.totals[s]
        moves = step_moves(turns.maternal[s + 1], turns.paternal[s + 1])
        stays = embryo.stay[s + 1]
        fresh = (1.0 - stays) * chain.share_prior[k]
        every, same = _weight(before, totals, moves, stays, fresh, v, k)
        kept *= same / every
        if kept <= until:
            v, k = _leave(before, totals, moves, stays, fresh, v, k, rng)
            kept, until = 1.0, rng.random()
        path[0, s], path[1, s] = v, k


@inlined
def _move_paths(
    chain: Pass,
    s: int,
    moves: Moves,
    stays: float,
    rng: np.random.Generator,
    vector: NDArray[np.int64],
    grid: NDArray[np.int64],
    kept: Floats,
    until: Floats,
) -> None:
    """Move paths from s + 1 to s: their vector and grid point (J,), the product of
    P(stays) since each was drawn, and the uniform at which it is drawn anew."""
    before, totals = chain.filtered[s], chain.totals[s]
    ratio, fresh, v, k = 1.0, 0.0, -1, -1
    for j in range(len(vector)):
        # Most paths are in one state: its ratio is computed once.
        if vector[j] != v or grid[j] != k:
            v, k = int(vector[j]), int(grid[j])
            fresh = (1.0 - stays) * chain.share_prior[k]
            every, same = _weight(before, totals, moves, stays, fresh, v, k)
            ratio = same / every
        kept[j] *= ratio
        if kept[j] <= until[j]:
            vector[j], grid[j] = _leave(before, totals, moves, stays, fresh, v, k, rng)
            kept[j], until[j] = 1.0, rng.random()


@numba.njit(cache=True, nogil=True)
def sample_haplotypes(
    embryo: Embryo,
    turns: Turns,
    chain: Pass,
    rng: np.random.Generator,
    places: NDArray[np.int64],
    haplotype: Bytes,
) -> None:
    """Draw a path for each of `places`, int64 (J,): haplotype, uint8 (2, S, ceil(L /
    8)), gets a and b at these places, packed along the sites as by np.packbits."""
    n_sites, n_paths = len(chain.filtered), len(places)
    vector, grid = np.empty(n_paths, np.int64), np.empty(n_paths, np.int64)
    kept, until = np.ones(n_paths), np.empty(n_paths)
    for j in range(n_paths):
        vector[j], grid[j] = _last(chain, rng)
        until[j] = rng.random()
    bits = np.zeros((2, n_paths), np.uint8)
    for s in range(n_sites - 1, -1, -1):
        if s < n_sites - 1:
            moves = step_moves(turns.maternal[s + 1], turns.paternal[s + 1])
            stays = embryo.stay[s + 1]
            _move_paths(chain, s, moves, stays, rng, vector, grid, kept, until)
        shift = 7 - s % 8
        for j in range(n_paths):
            bits[0, j] |= (vector[j] >> 1) << shift
            bits[1, j] |= (vector[j] & 1) << shift
            if shift == 7:
                haplotype[0, places[j], s >> 3] = bits[0, j]
                haplotype[1, places[j], s >> 3] = bits[1, j]
                bits[0, j] = bits[1, j] = 0
