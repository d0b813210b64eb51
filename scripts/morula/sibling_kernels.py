"""Compiled: which haplotypes of their unknown parents siblings carry, all at once.

A state holds what each sibling carries: vector 2 a + b of the q-th in bits 2 q + 1
(a, the mother's haplotype) and 2 q (b, the father's). Way in: morula.siblings.

Shapes: S sites, n siblings, 4^n states.
    shown float64 (S, n, 4), likelihood of each sibling's genotype 2 m + f
    frequency float64 (S,), of ALT
    recombination float64 (2, S), of mother and father in the step that ends at the site
    ln_emission float64 (S, 4^n), ln P(what a site shows of all | state)
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from morula.order_kernels import GENOTYPES, Bytes, Floats

# No turn is impossible.
LEAST_TURN = 1e-12


@numba.njit(cache=True, nogil=True)
def _founders(frequency: float, out: Floats) -> None:
    """out (16,): P(both parents' orders), every allele drawn with the frequency."""
    for orders in range(16):
        found = 1.0
        for bit in range(4):
            found *= frequency if orders >> bit & 1 else 1.0 - frequency
        out[orders] = found


@numba.njit(cache=True, nogil=True)
def emissions(shown: Floats, frequency: Floats, ln_emission: Floats) -> None:
    """Fill ln_emission (S, 4^n), the parents' alleles summed out."""
    n_states = ln_emission.shape[1]
    tree, total, prior = np.empty(n_states), np.empty(n_states), np.empty(16)
    for s in range(len(shown)):
        _founders(frequency[s], prior)
        total[:] = 0.0
        for orders in range(16):
            tree[0], size = prior[orders], 1
            for q in range(shown.shape[1]):
                for vector in range(3, -1, -1):
                    chance = shown[s, q, GENOTYPES[vector, orders]]
                    for state in range(size):
                        tree[vector * size + state] = tree[state] * chance
                size *= 4
            for state in range(n_states):
                total[state] += tree[state]
        for state in range(n_states):
            ln_emission[s, state] = np.log(total[state])


@numba.njit(cache=True, nogil=True)
def given_others(
    shown: Floats, frequency: Floats, vectors: Bytes, one: Floats, ln_emission: Floats
) -> None:
    """Fill ln_emission (S, 4) of one sibling, by its vector, given the others.

    shown: of the others, and their vectors, uint8 (n, S); one: (S, 4).
    """
    weights = np.empty(16)
    for s in range(len(shown)):
        _founders(frequency[s], weights)
        for q in range(len(vectors)):
            for orders in range(16):
                weights[orders] *= shown[s, q, GENOTYPES[vectors[q, s], orders]]
        total = weights.sum()
        for vector in range(4):
            found = 0.0
            for orders in range(16):
                found += weights[orders] * one[s, GENOTYPES[vector, orders]]
            ln_emission[s, vector] = np.log(found / total)


@numba.njit(cache=True, nogil=True)
def ln_probability(ln_emission: Floats, recombination: Floats) -> float:
    """ln P(all sites), summed over all paths of states."""
    n_sites, n_states = ln_emission.shape
    now, total = np.full(n_states, 1.0 / n_states), 0.0
    for s in range(n_sites):
        bit, parent = 1, 1
        while s > 0 and bit < n_states:
            r = recombination[parent, s]
            for state in range(n_states):
                if not state & bit:
                    moved = r * (now[state + bit] - now[state])
                    now[state] += moved
                    now[state + bit] -= moved
            bit, parent = 2 * bit, 1 - parent
        now *= np.exp(ln_emission[s])
        scale = now.sum()
        total += np.log(scale)
        now /= scale
    return total


@numba.njit(cache=True, nogil=True)
def _best_step(r: float, bit: int, best: Floats, origin: NDArray[np.int64]) -> None:
    """One bit of the state turns or stays, whichever is better: best (states,), ln P of
    the best path to each, origin (states,), whence it comes."""
    stays, turns = np.log1p(-r), np.log(max(r, LEAST_TURN))
    for state in range(len(best)):
        if state & bit:
            continue
        other = state + bit
        one, two = best[state], best[other]
        whence = origin[state], origin[other]
        best[state] = max(one + stays, two + turns)
        best[other] = max(two + stays, one + turns)
        if two + turns > one + stays:
            origin[state] = whence[1]
        if one + turns > two + stays:
            origin[other] = whence[0]


@numba.njit(cache=True, nogil=True)
def best_path(ln_emission: Floats, recombination: Floats, vectors: Bytes) -> None:
    """Fill vectors, uint8 (n, S), with the most probable path of states (Viterbi)."""
    n_sites, n_states = ln_emission.shape
    best, origin = np.zeros(n_states), np.arange(n_states)
    whence = np.zeros((n_sites, n_states), dtype=np.uint16)
    for s in range(n_sites):
        origin[:] = np.arange(n_states)
        bit, parent = 1, 1
        while s > 0 and bit < n_states:
            _best_step(recombination[parent, s], bit, best, origin)
            bit, parent = 2 * bit, 1 - parent
        best += ln_emission[s]
        whence[s] = origin
    state = int(best.argmax())
    for s in range(n_sites - 1, -1, -1):
        for q in range(len(vectors)):
            vectors[q, s] = state >> 2 * q & 3
        state = int(whence[s, state])
