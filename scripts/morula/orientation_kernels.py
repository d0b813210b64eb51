"""Compiled loops of one parent's phase: all embryos of a group at once.

State at a site: the haplotype that each embryo of the group carries (a bit each) and,
where embryos stand outside the group, one bit more for whether their haplotypes turn
over against the phase as it was. Names and shapes: see morula.family_chain.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from morula.embryo_kernels import draw
from morula.order_kernels import NEGLIGIBLE, Bytes, Floats, Whole, carried


class Side(NamedTuple):
    """One parent. is_father: whose haplotypes; recombination, switch: float64 (L,), of
    the step that ends at the site; ln_prior: float64 (L, 16), of both parents' orders;
    known: the same with what the embryos outside the group say of them."""

    is_father: bool
    recombination: Floats
    switch: Floats
    ln_prior: Floats
    known: Floats


class Group(NamedTuple):
    """members: int64 (N,), embryos of the group; others: int64 (M,), the rest."""

    members: NDArray[np.int64]
    others: NDArray[np.int64]


class Scratch(NamedTuple):
    """Room for one site. pairs: (16, N, 2), likelihoods of members; rest: (16, 2), of
    all else, as it is and turned over; most: (16,), ln of the largest product of both;
    tree: (2^N,)."""

    pairs: Floats
    rest: Floats
    most: Floats
    tree: Floats


@numba.njit(cache=True, nogil=True)
def _bit(vector: Whole, is_father: bool) -> Whole:
    """Haplotype of one parent in the inheritance vector 2 a + b."""
    return vector & 1 if is_father else vector >> 1


@numba.njit(cache=True, nogil=True)
def _likelihood(
    evidence: Floats, vector: Whole, own: int, partner: int, is_father: bool, bit: int
) -> float:
    """Likelihood (from evidence (G,)) that one embryo carries haplotype `bit` of the
    parent, when parent and partner have the orders own and partner."""
    mine = carried(own, bit)
    other = carried(partner, _bit(vector, not is_father))
    return evidence[2 * other + mine] if is_father else evidence[2 * mine + other]


@numba.njit(cache=True, nogil=True)
def turned_over(orders: int, is_father: bool) -> int:
    """Both parents' orders with the haplotypes of one of them exchanged."""
    mother, father = orders >> 2, orders & 3
    if is_father:
        father = (father >> 1) | ((father & 1) << 1)
    else:
        mother = (mother >> 1) | ((mother & 1) << 1)
    return 4 * mother + father


@numba.njit(cache=True, nogil=True)
def _pairs(
    side: Side,
    group: Group,
    s: int,
    has_reads: NDArray[np.bool_],
    evidence: Floats,
    vectors: Bytes,
    orders: int,
    pairs: Floats,
) -> float:
    """pairs (N, 2): likelihood of each member's reads with either haplotype; returns
    the product of each one's larger."""
    own = orders & 3 if side.is_father else orders >> 2
    partner = orders >> 2 if side.is_father else orders & 3
    best = 1.0
    for q in range(len(group.members)):
        i = group.members[q]
        if not has_reads[i, s]:
            pairs[q] = 1.0
            continue
        mine, v = evidence[i, s], np.int64(vectors[i, s])
        for bit in range(2):
            pairs[q, bit] = _likelihood(mine, v, own, partner, side.is_father, bit)
        best *= max(pairs[q, 0], pairs[q, 1])
    return best


@numba.njit(cache=True, nogil=True)
def _add_orders(scratch: Scratch, orders: int, n_members: int, out: Floats) -> None:
    """out (states,) += likelihood of all reads with these orders, by state."""
    tree = scratch.tree
    tree[0], size = 1.0, 1
    for q in range(n_members):
        first, second = scratch.pairs[orders, q, 0], scratch.pairs[orders, q, 1]
        for state in range(size):
            tree[size + state] = tree[state] * second
            tree[state] *= first
        size *= 2
    for turned in range(len(out) // size):
        rest = scratch.rest[orders, turned]
        for state in range(size):
            out[turned * size + state] += tree[state] * rest


@numba.njit(cache=True, nogil=True)
def _emission(
    side: Side,
    group: Group,
    s: int,
    has_reads: NDArray[np.bool_],
    evidence: Floats,
    vectors: Bytes,
    scratch: Scratch,
    out: Floats,
) -> bool:
    """out (states,): likelihood of all embryos' reads at s, summed over the parents'
    orders but those that are negligible whatever the state. Returns whether they tell
    anything: not where the parent can only be homozygous."""
    n_members = len(group.members)
    n_turned = len(out) >> n_members
    out[:] = 0.0
    for orders in range(16):
        most = _pairs(
            side, group, s, has_reads, evidence, vectors, orders, scratch.pairs[orders]
        )
        over = turned_over(orders, side.is_father)
        scratch.rest[orders, 0] = side.known[s, orders]
        # Embryos outside that all turn over: as if the parent's haplotypes did.
        scratch.rest[orders, 1] = side.ln_prior[s, orders]
        scratch.rest[orders, 1] += side.known[s, over] - side.ln_prior[s, over]
        ln_rest = scratch.rest[orders, :n_turned].max()
        scratch.most[orders] = np.log(most) + ln_rest
    best = scratch.most.max()
    scratch.rest[:] = np.exp(scratch.rest - best)
    tells = False
    for orders in range(16):
        if scratch.most[orders] > best - NEGLIGIBLE:
            own = orders & 3 if side.is_father else orders >> 2
            tells |= own == 1 or own == 2
            _add_orders(scratch, orders, n_members, out)
    return tells


@numba.njit(cache=True, nogil=True)
def _step(
    recombination: float, switch: float, was_switch: int, n_members: int, now: Floats
) -> None:
    """Move the probabilities `now` (states,) on by a step: each member's bit turns with
    the recombination fraction, then all together, others included, with `switch`.

    The others' bit counts against the phase as it was (was_switch): it turns where the
    new phase has a switch and the old one none, or the other way round.
    """
    n_group = 1 << n_members
    if recombination > 0.0:
        for q in range(n_members):
            bit = 1 << q
            for state in range(len(now)):
                if not state & bit:
                    stayed, came = now[state], now[state | bit]
                    now[state] += recombination * (came - stayed)
                    now[state | bit] += recombination * (stayed - came)
    n_half = n_group // 2 if len(now) == n_group else n_group
    if was_switch and len(now) > n_group:
        for state in range(n_group):
            kept = now[state]
            now[state], now[n_group + state] = now[n_group + state], kept
    last = len(now) - 1
    for state in range(n_half):
        one, other = now[state], now[last ^ state]
        now[state] = (1.0 - switch) * one + switch * other
        now[last ^ state] = (1.0 - switch) * other + switch * one


@numba.njit(cache=True, nogil=True)
def filter_forward(
    side: Side,
    group: Group,
    has_reads: NDArray[np.bool_],
    evidence: Floats,
    vectors: Bytes,
    switches: Bytes,
    filtered: NDArray[np.float32],
) -> int:
    """Fill filtered, float32 (L, states), each site summing to one; returns the first
    site that no state explains, or -1."""
    n_sites, n_states = filtered.shape
    n_members = len(group.members)
    now = np.full(n_states, 1.0 / n_states)
    emission = np.empty(n_states)
    scratch = Scratch(
        np.empty((16, n_members, 2)),
        np.empty((16, 2)),
        np.empty(16),
        np.empty(1 << n_members),
    )
    for s in range(n_sites):
        if s > 0:
            r, w = side.recombination[s], side.switch[s]
            _step(r, w, int(switches[s]), n_members, now)
        if has_reads[:, s].any() and _emission(
            side, group, s, has_reads, evidence, vectors, scratch, emission
        ):
            now *= emission
            total = now.sum()
            if not total > 0.0:
                return s
            now /= total
        filtered[s] = now
    return -1


@numba.njit(cache=True, nogil=True)
def _moves(
    n_members: int, recombination: float, switch: float
) -> tuple[Floats, Floats]:
    """P(step) without and with a switch of the phase by the set of members whose bits
    turn, (2^N,) each."""
    plain, switched = np.empty(1 << n_members), np.empty(1 << n_members)
    for turned in range(1 << n_members):
        some, all_others = 1.0 - switch, switch
        for q in range(n_members):
            turns = (turned >> q) & 1
            some *= recombination if turns else 1.0 - recombination
            all_others *= 1.0 - recombination if turns else recombination
        plain[turned], switched[turned] = some, all_others
    return plain, switched


@numba.njit(cache=True, nogil=True)
def _set_state(side: Side, group: Group, s: int, state: int, vectors: Bytes) -> None:
    """Write a drawn state into the embryos' vectors at site s, and what the others say
    of the orders into side.known."""
    shift = 0 if side.is_father else 1
    for q in range(len(group.members)):
        i = group.members[q]
        kept = vectors[i, s] & (1 << (1 - shift))
        vectors[i, s] = kept | (((state >> q) & 1) << shift)
    if state >> len(group.members):
        for i in group.others:
            vectors[i, s] ^= 1 << shift
        said = side.known[s] - side.ln_prior[s]
        for orders in range(16):
            over = turned_over(orders, side.is_father)
            side.known[s, orders] = side.ln_prior[s, orders] + said[over]


@numba.njit(cache=True, nogil=True)
def draw_backward(
    side: Side,
    group: Group,
    filtered: NDArray[np.float32],
    rng: np.random.Generator,
    vectors: Bytes,
    switches: Bytes,
    share: Floats,
) -> None:
    """Draw the group's haplotypes and the parent's switches together; vectors (E, L)
    and switches (L,) in place, and side.known where the others turn over.

    share: (L,), filled with P(switch) given the state at its site and what lies before.
    """
    n_sites, n_states = filtered.shape
    n_members = len(group.members)
    last = (1 << n_members) - 1
    weights = np.empty(n_states)
    last_site = filtered[n_sites - 1]
    state = draw(last_site, rng.random() * last_site.sum())
    for s in range(n_sites - 1, 0, -1):
        _set_state(side, group, s, state, vectors)
        plain, switched = _moves(n_members, side.recombination[s], side.switch[s])
        was = int(switches[s])
        switch_weight = 0.0
        for before in range(n_states):
            turned = (before ^ state) & last
            stays, turns = plain[turned], switched[turned]
            if len(group.others):
                is_switch = ((before ^ state) >> n_members) ^ was
                stays, turns = (0.0, turns) if is_switch else (stays, 0.0)
            weights[before] = filtered[s - 1, before] * (stays + turns)
            switch_weight += filtered[s - 1, before] * turns
        total = weights.sum()
        share[s] = switch_weight / total
        before = draw(weights, rng.random() * total)
        turned = (before ^ state) & last
        if len(group.others):
            switches[s] = ((before ^ state) >> n_members) ^ was
        else:
            odds = switched[turned] / (plain[turned] + switched[turned])
            switches[s] = 1 if rng.random() < odds else 0
        state = before
    _set_state(side, group, 0, state, vectors)
