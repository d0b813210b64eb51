"""Compiled: where a mother's and a father's haplotype stand in each other's place.

Of unknown parents only what embryos carry together is seen: a stretch over which two
haplotypes changed places fits them as well, and no update of one alone can mend it.
Here the places of both are drawn anew, o[m] = 1 where they change, by how well either
order goes on copying the panel and by the reads of the embryos that carry one of them.
Names and shapes: see morula.copying_kernels, morula.swap_kernels.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from morula.copying_kernels import Integers, Singles
from morula.order_kernels import GENOTYPES, Bytes, Floats, Whole, add_evidence
from morula.swap_kernels import back, joined, predict, weigh_in

# No step is impossible.
LEAST = 1e-30


@numba.njit(cache=True, nogil=True)
def crossing(
    alleles: NDArray[np.uint8],
    rows: Integers,
    rec: Floats,
    carried: NDArray[np.uint8],
    error: float,
    room: Singles,
    ln_odds: Floats,
) -> None:
    """Fill ln_odds (M,): of the two haplotypes `carried`, uint8 (2, M), going on as
    each other from a site on against as they are, the copied haplotypes summed out; 0
    at the first. room: (2, M, K)."""
    n_states = room.shape[2]
    for side in range(2):
        back(alleles, rows, rec, carried[side], error, room[side])
    here = np.full((2, n_states), np.float32(1.0 / n_states))
    ln_odds[0] = 0.0
    for m in range(len(rows)):
        row = alleles[rows[m]]
        one, other = carried[0, m], carried[1, m]
        if m > 0:
            predict(here[0], rec[m])
            predict(here[1], rec[m])
            keep = joined(here[0], row, one, error, room[0, m])
            keep *= joined(here[1], row, other, error, room[1, m])
            turn = joined(here[0], row, other, error, room[1, m])
            turn *= joined(here[1], row, one, error, room[0, m])
            ln_odds[m] = np.log(max(turn, LEAST)) - np.log(max(keep, LEAST))
        weigh_in(here[0], row, one, error)
        weigh_in(here[1], row, other, error)


@numba.njit(cache=True, nogil=True)
def _ln_sum(
    prior: Floats,
    ln_evidence: Singles,
    has_reads: NDArray[np.bool_],
    vectors: Bytes,
    s: int,
    stands: Whole,
    turned: Whole,
    masks: tuple[int, int],
    vector: int,
) -> float:
    """ln P(reads at s) with the two haplotypes' alleles as in `turned`, summed over the
    alleles of the other two (their bits are `masks`) by prior (L, 16) at `stands`; less
    those of embryos with `vector`."""
    found = -np.inf
    for one in (0, masks[0]):
        for two in (0, masks[1]):
            ln = prior[s, stands ^ one ^ two]
            for i in range(len(vectors)):
                v = vectors[i, s]
                if has_reads[i, s] and v != vector:
                    ln += ln_evidence[i, s, GENOTYPES[v, turned ^ one ^ two]]
            found = np.logaddexp(found, ln)
    return found


@numba.njit(cache=True, nogil=True)
def told(
    prior: Floats,
    ln_evidence: Singles,
    has_reads: NDArray[np.bool_],
    vectors: Bytes,
    orders: Bytes,
    a: int,
    b: int,
    out: Floats,
) -> None:
    """Fill out (L,): ln P(reads | the mother's haplotype a and the father's b in each
    other's place at the site) less that as they are, the other two haplotypes summed
    out; orders: (L,), 4 * mother's + father's; prior: (L, 16), of them. Embryos that
    carry both tell nothing: their share turns with them."""
    own = (1 << (3 - a)) ^ (1 << (1 - b))
    masks = (1 << (2 + a), 1 << b)
    for s in range(len(out)):
        out[s] = 0.0
        now = np.int64(orders[s])
        if (now >> (3 - a) & 1) == (now >> (1 - b) & 1):
            continue
        reads = (ln_evidence, has_reads, vectors)
        for sign, turned in ((-1.0, now), (1.0, now ^ own)):
            out[s] += sign * _ln_sum(prior, *reads, s, now, turned, masks, 2 * a + b)


@numba.njit(cache=True, nogil=True)
def _share_odds(
    was: int, now: int, last: int, stay: float, share_prior: Floats
) -> float:
    """ln odds of the share going from number `was` to last - now against to `now`."""
    kept = (1.0 - stay) * share_prior[now] + (stay if was == now else 0.0)
    other = last - now
    turned = (1.0 - stay) * share_prior[other] + (stay if was == other else 0.0)
    return float(np.log(max(turned, LEAST)) - np.log(max(kept, LEAST)))


@numba.njit(cache=True, nogil=True)
def add_amplicons(
    seen: Integers,
    vectors: Bytes,
    grid: Bytes,
    ln_stay: Floats,
    share_prior: Floats,
    vector: int,
    starts: Integers,
    ln_odds: Floats,
) -> None:
    """Add to ln_odds (M,) those of one embryo's share turning to its opposite between
    the sites with reads beside starts[m], the first site behind a step, against going
    on as it does; 0 where it has not got both haplotypes there (another `vector`).

    seen: rows of its sites with reads; vectors, grid: (L,), its vector and number of
    its share; ln_stay: (L,), ln P(share stays) from the first site on.
    """
    last, q = len(share_prior) - 1, 0
    for m in range(1, len(starts)):
        while q < len(seen) and seen[q] < starts[m]:
            q += 1
        if q == 0 or q == len(seen):
            continue
        one, two = seen[q - 1], seen[q]
        if vectors[one] == vector and vectors[two] == vector:
            stay = np.exp(ln_stay[two] - ln_stay[one])
            ln_odds[m] += _share_odds(grid[one], grid[two], last, stay, share_prior)


@numba.njit(cache=True, nogil=True)
def draw(ln_odds: Floats, ln_told: Floats, rng: Any, out: Bytes) -> None:
    """Draw out, uint8 (M,): 1 where the two change places. A change of o in the step
    that ends at m has ln_odds[m], a place with o = 1 has ln_told[m]."""
    n_sites = len(out)
    # ln weight of all up to m with o[m] = 1 less that with o[m] = 0.
    ahead = np.empty(n_sites)
    ahead[0] = ln_told[0]
    for m in range(1, n_sites):
        one, turn = ahead[m - 1], ln_odds[m]
        stays = np.logaddexp(0.0, one + turn)
        changes = np.logaddexp(turn, one)
        ahead[m] = changes - stays + ln_told[m]
    out[n_sites - 1] = rng.random() < 1.0 / (1.0 + np.exp(-ahead[n_sites - 1]))
    for m in range(n_sites - 2, -1, -1):
        turn = ln_odds[m + 1]
        ln = ahead[m] + (-turn if out[m + 1] else turn)
        out[m] = rng.random() < 1.0 / (1.0 + np.exp(-ln))


@numba.njit(cache=True, nogil=True)
def turn_shares(
    turned: NDArray[np.bool_],
    vector: int,
    last: int,
    i: int,
    has_reads: NDArray[np.bool_],
    vectors: Bytes,
    grid: Bytes,
    evidence: Singles,
    ln_evidence: Singles,
) -> None:
    """Turn embryo i's share to its opposite, of numbers 0 to `last`, where `turned`,
    (L,), and it carries both haplotypes, and with it the likelihood of its reads."""
    for s in range(len(turned)):
        if turned[s] and has_reads[i, s] and vectors[i, s] == vector:
            grid[i, s] = last - grid[i, s]
            for values in (evidence, ln_evidence):
                held = values[i, s, 1]
                values[i, s, 1] = values[i, s, 2]
                values[i, s, 2] = held


@numba.njit(cache=True, nogil=True)
def weigh(
    prior: Floats,
    has_reads: NDArray[np.bool_],
    ln_evidence: Singles,
    vectors: Bytes,
    weights: Floats,
) -> None:
    """weights (L, 16) from the prior and what all embryos show."""
    for s in range(len(weights)):
        for orders in range(16):
            weights[s, orders] = prior[s, orders]
        for i in range(len(vectors)):
            if has_reads[i, s]:
                add_evidence(weights, s, ln_evidence, i, np.int64(vectors[i, s]), 1.0)
