"""Compiled loops of one haplotype that is copied from a panel (Li and Stephens 2003,
doi:10.1093/genetics/165.4.2213), with the local share of an amplified template beside.

Hidden at every site with evidence: the panel haplotype z that is copied, one of K, and
the share x, one of X grid points (X = 1 where nothing was amplified). z is drawn anew
with probability rec[m] in the step that ends at site m, x with 1 - stay[m]; the two are
independent. The haplotype carries the other allele than z with a small probability.

Shapes: M sites with evidence, L sites of the window, K haplotypes, X grid points.
    alleles uint8 (L, K), 1 where ALT; rows int64 (M,), sites with evidence, rising
    emission float32 (M, X, 2), by the allele of z
    filtered float32 (M, X, K), P(state | evidence so far), every site sums to one
All is linear in the number of states: every transition is a sum of rank one.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Singles = NDArray[np.float32]
Integers = NDArray[np.int64]
# Sums may be taken in any order, so that they run over full vectors.
in_lanes = numba.njit(
    cache=True,
    nogil=True,
    fastmath={"reassoc", "contract", "nsz"},
    error_model="numpy",
)


@in_lanes
def _sum_shares(values: Singles, of_state: Singles) -> None:
    """Sum of values (X, K) over the shares, into of_state (K,)."""
    of_state[:] = np.float32(0.0)
    for x in range(len(values)):
        for k in range(len(of_state)):
            of_state[k] += values[x, k]


@in_lanes
def _step(
    before: Singles,
    rec: float,
    stay: float,
    prior: Singles,
    alleles: NDArray[np.uint8],
    emission: Singles,
    out: Singles,
    of_state: Singles,
) -> float:
    """Move `before` (X, K), which sums to one, over one step and weigh it by the
    emission; returns the sum of the result, which is scaled to one in `out`.

    out[x, k] = e[x, a_k] sum_{y, j} before[y, j] T(y, x) R(j, k)
    """
    n_shares, n_states = before.shape
    if n_shares == 1:
        stay = 1.0
    kept = np.float32((1.0 - rec) * stay)
    drawn = np.float32((1.0 - rec) * (1.0 - stay))
    jump = np.float32(rec / n_states)
    if n_shares > 1:
        _sum_shares(before, of_state)
    total = np.float32(0.0)
    for x in range(n_shares):
        of_share = np.float32(0.0)
        for k in range(n_states):
            of_share += before[x, k]
        fresh = drawn * prior[x]
        moved = jump * (np.float32(stay) * of_share + np.float32(1.0 - stay) * prior[x])
        ref, more = emission[x, 0], emission[x, 1] - emission[x, 0]
        part = np.float32(0.0)
        for k in range(n_states):
            value = kept * before[x, k] + fresh * of_state[k] + moved
            value *= ref + more * np.float32(alleles[k])
            out[x, k] = value
            part += value
        total += part
    scale = np.float32(1.0) / total
    for x in range(n_shares):
        for k in range(n_states):
            out[x, k] *= scale
    return float(total)


@numba.njit(cache=True, nogil=True)
def forward(
    alleles: NDArray[np.uint8],
    rows: Integers,
    rec: NDArray[np.float64],
    stay: NDArray[np.float64],
    prior: Singles,
    emission: Singles,
    filtered: Singles,
) -> float:
    """Fill `filtered`; returns ln P(evidence)."""
    n_shares, n_states = filtered.shape[1:]
    start = np.empty((n_shares, n_states), np.float32)
    for x in range(n_shares):
        start[x] = prior[x] / np.float32(n_states)
    of_state = np.zeros(n_states, np.float32)
    found = 0.0
    for m in range(len(rows)):
        before = start if m == 0 else filtered[m - 1]
        found += np.log(
            _step(
                before,
                0.0 if m == 0 else rec[m],
                1.0 if m == 0 else stay[m],
                prior,
                alleles[rows[m]],
                emission[m],
                filtered[m],
                of_state,
            )
        )
    return found


@numba.njit(cache=True, nogil=True)
def _draw(weights: Singles, rng: Any) -> int:
    """Index drawn in proportion to `weights`."""
    left = rng.random() * np.float64(weights.sum())
    for k in range(len(weights)):
        left -= weights[k]
        if left < 0.0:
            return k
    return int(np.argmax(weights))


@numba.njit(cache=True, nogil=True)
def _draw_share(weights: Singles, k: int, rng: Any) -> int:
    """Share drawn in proportion to weights[:, k]."""
    return _draw(np.ascontiguousarray(weights[:, k]), rng)


@numba.njit(cache=True, nogil=True)
def _draw_both(weights: Singles, rng: Any) -> tuple[int, int]:
    """Share and state drawn in proportion to `weights` (X, K)."""
    drawn = _draw(weights.reshape(-1), rng)
    return drawn // weights.shape[1], drawn % weights.shape[1]


@numba.njit(cache=True, nogil=True)
def sample(
    filtered: Singles,
    rec: NDArray[np.float64],
    stay: NDArray[np.float64],
    prior: Singles,
    rng: Any,
    states: Integers,
    shares: Integers,
) -> None:
    """Draw a whole path: states, shares int64 (M,)."""
    n_states = filtered.shape[2]
    last = len(states) - 1
    x, k = _draw_both(filtered[last], rng)
    states[last], shares[last] = k, x
    for m in range(last - 1, -1, -1):
        here, r, s = filtered[m], rec[m + 1], stay[m + 1]
        redrawn = (1.0 - s) * prior[x]
        both = here[x, k] * (1.0 - r) * s
        same_state = here[:, k].sum() * (1.0 - r) * redrawn
        same_share = here[x].sum() * r / n_states * s
        neither = r / n_states * redrawn
        u = rng.random() * (both + same_state + same_share + neither)
        if u >= both:
            if u < both + same_state:
                x = _draw_share(here, k, rng)
            elif u < both + same_state + same_share:
                k = _draw(here[x], rng)
            else:
                x, k = _draw_both(here, rng)
        states[m], shares[m] = k, x


@in_lanes
def _carried(alleles: NDArray[np.uint8], weights: Singles) -> np.float32:
    """Sum of the weights (K,) of the states that carry ALT."""
    total = np.float32(0.0)
    for k in range(len(weights)):
        total += np.float32(alleles[k]) * weights[k]
    return total


@in_lanes
def _posterior(
    here: Singles,
    beta: Singles,
    alleles: NDArray[np.uint8],
    own: Singles,
    of_state: Singles,
) -> np.float64:
    """P(the haplotype carries ALT) at a site, `of_state` (K,) its posterior of z.

    own: (X, 2), P(haplotype carries ALT | share, allele of z, evidence).
    """
    n_shares, n_states = here.shape
    of_state[:] = np.float32(0.0)
    total = found = np.float32(0.0)
    for x in range(n_shares):
        part = alt = np.float32(0.0)
        for k in range(n_states):
            value = here[x, k] * beta[x, k]
            of_state[k] += value
            part += value
            alt += value * np.float32(alleles[k])
        found += (part - alt) * own[x, 0] + alt * own[x, 1]
        total += part
    scale = np.float32(1.0) / total
    for k in range(n_states):
        of_state[k] *= scale
    return np.float64(found * scale)


@in_lanes
def _step_back(
    beta: Singles,
    rec: float,
    stay: float,
    prior: Singles,
    alleles: NDArray[np.uint8],
    emission: Singles,
    of_state: Singles,
) -> None:
    """Move beta (X, K) from a site to the one before, scaled to a mean of about one."""
    n_shares, n_states = beta.shape
    of_state[:] = np.float32(0.0)
    for x in range(n_shares):
        ref, more = emission[x, 0], emission[x, 1] - emission[x, 0]
        for k in range(n_states):
            value = beta[x, k] * (ref + more * np.float32(alleles[k]))
            beta[x, k] = value
            of_state[k] += prior[x] * value
    fresh = np.float32(0.0)
    for k in range(n_states):
        fresh += of_state[k]
    scale = np.float32(n_states) / fresh
    jump = np.float32(rec / n_states) * scale
    kept = np.float32((1.0 - rec) * stay) * scale
    drawn = np.float32((1.0 - rec) * (1.0 - stay)) * scale
    for x in range(n_shares):
        of_share = np.float32(0.0)
        for k in range(n_states):
            of_share += beta[x, k]
        moved = jump * (np.float32(stay) * of_share + np.float32(1.0 - stay) * fresh)
        for k in range(n_states):
            beta[x, k] = kept * beta[x, k] + drawn * of_state[k] + moved


@numba.njit(cache=True, nogil=True)
def smooth(
    alleles: NDArray[np.uint8],
    rows: Integers,
    rec: NDArray[np.float64],
    stay: NDArray[np.float64],
    prior: Singles,
    emission: Singles,
    own: Singles,
    filtered: Singles,
    place: NDArray[np.float64],
    share_alt: NDArray[np.float64],
) -> None:
    """Fill share_alt, float64 (L,): P(the haplotype carries ALT) at sites with
    evidence, P(z carries it) at all others.

    own: float32 (M, X, 2), see _posterior; place: (L,), genetic position. Between two
    sites with evidence the posterior of z is taken as linear in the genetic distance.
    """
    n_sites, (n_shares, n_states) = len(share_alt), filtered.shape[1:]
    beta = np.ones((n_shares, n_states), np.float32)
    here, after = np.empty(n_states, np.float32), np.empty(n_states, np.float32)
    of_state = np.empty(n_states, np.float32)
    right = n_sites
    for m in range(len(rows) - 1, -1, -1):
        site = rows[m]
        share_alt[site] = _posterior(filtered[m], beta, alleles[site], own[m], here)
        gap = place[right] - place[site] if right < n_sites else 0.0
        for s in range(site + 1, right):
            w = (place[s] - place[site]) / gap if gap > 0.0 else 0.0
            found = (1.0 - w) * _carried(alleles[s], here)
            share_alt[s] = found + (w * _carried(alleles[s], after) if w > 0.0 else 0.0)
        if m > 0:
            _step_back(
                beta, rec[m], stay[m], prior, alleles[site], emission[m], of_state
            )
        here, after = after, here
        right = site
    for s in range(right):
        share_alt[s] = _carried(alleles[s], after)
