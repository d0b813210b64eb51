"""Compiled: which haplotypes of their unknown parents siblings carry, all at once.

A state holds what each sibling carries: vector 2 a + b of the q-th in bits 2 q + 1
(a, the mother's haplotype) and 2 q (b, the father's). Way in: morula.siblings.

Shapes: S sites, n siblings, 4^n states.
"""

from __future__ import annotations

import numba
import numpy as np

from morula.order_kernels import GENOTYPES, Bytes, Floats, Singles

# Less is no state at all: numbers below float32's full precision are slow to handle.
LEAST_FILTERED = 1e-36


@numba.njit(cache=True, nogil=True)
def founders(frequency: float, out: Floats) -> None:
    """out (16,): P(both parents' orders), every allele drawn with the frequency."""
    for orders in range(16):
        found = 1.0
        for bit in range(4):
            found *= frequency if orders >> bit & 1 else 1.0 - frequency
        out[orders] = found


@numba.njit(cache=True, nogil=True)
def emission(shown: Floats, prior: Floats, tree: Floats, out: Floats) -> None:
    """out (4^n,): P(what a site shows of all siblings | state), the parents' alleles
    summed out.

    shown: (n, 4), likelihood of each sibling's genotype 2 m + f; prior: (16,), of both
    parents' orders; tree: (4^n,), room.
    """
    out[:] = 0.0
    for orders in range(16):
        tree[0], size = prior[orders], 1
        for q in range(len(shown)):
            for vector in range(3, -1, -1):
                chance = shown[q, GENOTYPES[vector, orders]]
                for state in range(size):
                    tree[vector * size + state] = tree[state] * chance
            size *= 4
        for state in range(size):
            out[state] += tree[state]


@numba.njit(cache=True, nogil=True)
def _turn(now: Floats, bit: int, recombination: float) -> None:
    """One bit of the state turns with the recombination fraction."""
    for start in range(0, len(now), 2 * bit):
        for state in range(start, start + bit):
            moved = recombination * (now[state + bit] - now[state])
            now[state] += moved
            now[state + bit] -= moved


@numba.njit(cache=True, nogil=True)
def _keep(now: Floats, filtered: Singles) -> float:
    """Scale `now` to a sum of one and keep it in `filtered`; returns ln of the sum."""
    total = now.sum()
    now /= total
    for state in range(len(now)):
        filtered[state] = now[state] if now[state] > LEAST_FILTERED else 0.0
    return float(np.log(total))


@numba.njit(cache=True, nogil=True)
def forward(
    shown: Floats, frequency: Floats, recombination: Floats, filtered: Singles
) -> float:
    """Fill filtered, float32 (S, 4^n), P(state | sites so far); returns ln P(all).

    shown: (S, n, 4); frequency: (S,); recombination: (2, S), of mother and father in
    the step that ends at the site.
    """
    n_sites, n_states = filtered.shape
    now, tree = np.full(n_states, 1.0 / n_states), np.empty(n_states)
    out, prior, total = np.empty(n_states), np.empty(16), 0.0
    for s in range(n_sites):
        for q in range(shown.shape[1] if s > 0 else 0):
            _turn(now, 2 << 2 * q, recombination[0, s])
            _turn(now, 1 << 2 * q, recombination[1, s])
        founders(frequency[s], prior)
        emission(shown[s], prior, tree, out)
        now *= out
        total += _keep(now, filtered[s])
    return total


@numba.njit(cache=True, nogil=True)
def forward_one(given: Floats, recombination: Floats, filtered: Singles) -> float:
    """As `forward`, of one sibling, filtered (S, 4), with P(what it shows | vector),
    (S, 4), given."""
    now, total = np.full(4, 0.25), 0.0
    for s in range(len(given)):
        if s > 0:
            _turn(now, 2, recombination[0, s])
            _turn(now, 1, recombination[1, s])
        now *= given[s]
        total += _keep(now, filtered[s])
    return total


@numba.njit(cache=True, nogil=True)
def _draw(weights: Floats, rng: np.random.Generator) -> int:
    """A state drawn in proportion to `weights`."""
    state, left = 0, rng.random() * weights.sum()
    for u in range(len(weights)):
        if weights[u] > 0.0:
            state = u
        left -= weights[u]
        if left < 0.0:
            break
    return state


@numba.njit(cache=True, nogil=True)
def backward(
    filtered: Singles, recombination: Floats, rng: np.random.Generator, vectors: Bytes
) -> None:
    """Draw all siblings' vectors, uint8 (n, S), from the filtered states."""
    n_sites, n_states = filtered.shape
    n, state, weights = len(vectors), 0, np.empty(n_states)
    for s in range(n_sites - 1, -1, -1):
        for u in range(n_states):
            weights[u] = filtered[s, u]
        for parent in range(2 if s + 1 < n_sites else 0):
            r = recombination[parent, s + 1]
            for u in range(n_states):
                turned = (u ^ state) >> (1 - parent)
                for q in range(n):
                    weights[u] *= r if turned >> 2 * q & 1 else 1.0 - r
        state = _draw(weights, rng)
        for q in range(n):
            vectors[q, s] = state >> 2 * q & 3


@numba.njit(cache=True, nogil=True)
def given_others(
    shown: Floats, frequency: Floats, vectors: Bytes, one: Floats, out: Floats
) -> None:
    """Fill out, (S, 4): P(what one sibling shows | its vector, the others).

    shown: (S, n, 4), of the others, and their vectors, (n, S); one: (S, 4).
    """
    weights = np.empty(16)
    for s in range(len(shown)):
        founders(frequency[s], weights)
        for q in range(len(vectors)):
            for orders in range(16):
                weights[orders] *= shown[s, q, GENOTYPES[vectors[q, s], orders]]
        total = weights.sum()
        for vector in range(4):
            found = 0.0
            for orders in range(16):
                found += weights[orders] * one[s, GENOTYPES[vector, orders]]
            out[s, vector] = found / total
