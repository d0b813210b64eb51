"""Compiled loops of one parent's phase: all embryos of a group at once.

State at a site: the haplotype that each embryo of the group carries (a bit each) and,
where embryos stand outside the group, one bit more for whether their haplotypes turn
over against the phase as it was. Names and shapes: see morula.family_chain.
"""

from __future__ import annotations

import numba
import numpy as np

from morula.embryo_kernels import in_lanes
from morula.group_kernels import TURNED, Family, Group, Scratch, Side, emission, take
from morula.order_kernels import Bytes, Floats, Singles, add_evidence
from morula.path_kernels import draw

# Less is no state at all: numbers below float32's full precision are slow to handle.
LEAST_FILTERED = 1e-36


@numba.njit(cache=True, nogil=True)
def bits_of(n_members: int) -> int:
    """Bits of a state that stand for the members. Three at least, so that a step moves
    eight states at once: a bit too many is an embryo without reads, which changes
    nothing for the others."""
    return max(n_members, 3)


@in_lanes
def _turn_lowest(recombination: float, now: Floats) -> None:
    """The three lowest bits of `now` (states,) turn with the recombination fraction:
    eight neighbours at a time, in registers."""
    for at in range(0, len(now), 8):
        a, b, c, d = now[at], now[at + 1], now[at + 2], now[at + 3]
        e, f, g, h = now[at + 4], now[at + 5], now[at + 6], now[at + 7]
        w, x = recombination * (b - a), recombination * (d - c)
        y, z = recombination * (f - e), recombination * (h - g)
        a, b, c, d, e, f, g, h = a + w, b - w, c + x, d - x, e + y, f - y, g + z, h - z
        w, x = recombination * (c - a), recombination * (d - b)
        y, z = recombination * (g - e), recombination * (h - f)
        a, b, c, d, e, f, g, h = a + w, b + x, c - w, d - x, e + y, f + z, g - y, h - z
        w, x = recombination * (e - a), recombination * (f - b)
        y, z = recombination * (g - c), recombination * (h - d)
        now[at], now[at + 1], now[at + 2], now[at + 3] = a + w, b + x, c + y, d + z
        now[at + 4], now[at + 5] = e - w, f - x
        now[at + 6], now[at + 7] = g - y, h - z


@in_lanes
def _turn_members(recombination: float, n_bits: int, now: Floats) -> None:
    """Each of the n_bits lowest bits of `now` (states,) turns with the recombination
    fraction."""
    _turn_lowest(recombination, now)
    for q in range(3, n_bits):
        bit = 1 << q
        for start in range(0, len(now), 2 * bit):
            for state in range(start, start + bit):
                moved = recombination * (now[state + bit] - now[state])
                now[state] += moved
                now[state + bit] -= moved


@in_lanes
def _step(
    recombination: float, switch: float, was_switch: int, n_bits: int, now: Floats
) -> None:
    """Move the probabilities `now` (states,) on by a step: each of the n_bits members'
    bits turns with the recombination fraction, then all together, others included, with
    `switch`.

    The others' bit counts against the phase as it was (was_switch): it turns where the
    new phase has a switch and the old one none, or the other way round.
    """
    n_group, n_states = 1 << n_bits, len(now)
    if recombination > 0.0:
        _turn_members(recombination, n_bits, now)
    if was_switch and n_states > n_group:
        for state in range(n_group):
            kept, other = now[state], now[n_group + state]
            now[state], now[n_group + state] = other, kept
    if switch > 0.0:
        for state in range(n_states // 2):
            one, other = now[state], now[n_states - 1 - state]
            moved = switch * (other - one)
            now[state], now[n_states - 1 - state] = one + moved, other - moved


@in_lanes
def _weigh(emission: Floats, now: Floats) -> float:
    """Multiply the probabilities `now` (states,) by the emission, to a sum of one;
    returns the sum before."""
    total = 0.0
    for state in range(len(now)):
        now[state] *= emission[state]
        total += now[state]
    scale = 1.0 / total
    for state in range(len(now)):
        now[state] *= scale
    return total


@in_lanes
def filter_forward(
    side: Side, group: Group, family: Family, switches: Bytes, filtered: Singles
) -> int:
    """Fill filtered, float32 (L, states), each site summing to one, and take what the
    members say out of side.weights; returns the first site that no state explains, or
    -1."""
    n_sites, n_states = filtered.shape
    n_bits = bits_of(len(group.members))
    room = Scratch(
        np.empty((4, 4)),
        np.empty((2, 4, 4)),
        np.empty((4, 4)),
        np.empty((2, 4, 4)),
        np.ones((n_bits, 2)),
        np.empty(1 << n_bits),
        np.empty(n_states),
    )
    now = np.full(n_states, 1.0 / n_states)
    for s in range(n_sites):
        if s > 0:
            r, w = side.recombination[s], side.switch[s]
            _step(r, w, int(switches[s]), n_bits, now)
        has_reads = take(side, group, family, s, room.most)
        if (has_reads or len(group.others)) and emission(side, group, family, s, room):
            if not _weigh(room.likelihood, now) > 0.0:
                return s
        for state in range(n_states):
            filtered[s, state] = now[state] if now[state] > LEAST_FILTERED else 0.0
    return -1


@numba.njit(cache=True, nogil=True)
def _turn_others(side: Side, group: Group, family: Family, s: int) -> None:
    """Turn the embryos outside over at s, and with them what side.weights hold."""
    shift = 0 if side.is_father else 1
    for i in group.others:
        family.vectors[i, s] ^= 1 << shift
    said = side.weights[s] - side.ln_prior[s]
    for orders in range(16):
        over = TURNED[int(side.is_father), orders]
        side.weights[s, orders] = side.ln_prior[s, orders] + said[over]


@numba.njit(cache=True, nogil=True)
def _set_state(side: Side, group: Group, family: Family, s: int, state: int) -> None:
    """Write a drawn state into the embryos' vectors at site s, and what all embryos
    then say of the orders into side.weights."""
    shift = 0 if side.is_father else 1
    vectors = family.vectors
    if state >> bits_of(len(group.members)):
        _turn_others(side, group, family, s)
    for q in range(len(group.members)):
        i = group.members[q]
        vector = vectors[i, s] & (1 << (1 - shift)) | ((state >> q) & 1) << shift
        vectors[i, s] = vector
        if family.has_reads[i, s]:
            add_evidence(side.weights, s, family.ln_evidence, i, vector, 1.0)


@in_lanes
def _weigh_before(
    filtered: Singles,
    s: int,
    state: int,
    was_switch: int,
    recombination: float,
    switch: float,
    moves: Floats,
    weights: Floats,
) -> tuple[float, float]:
    """weights (states,) of the states of s - 1 on the way to `state` at s; returns
    their sum and that of a switch between them. moves: (2^bits,), room."""
    moves[0], size = 1.0 - switch, 1
    while size < len(moves):
        for turned in range(size):
            moves[size + turned] = moves[turned] * recombination
            moves[turned] *= 1.0 - recombination
        size *= 2
    odds = switch / (1.0 - switch)
    own, last = state & (size - 1), size - 1
    total = of_switch = 0.0
    for start in range(0, len(weights), size):
        stays, turns = 1.0, odds
        if len(weights) > size:
            is_switch = int(start != state - own) ^ was_switch
            stays, turns = (0.0, odds) if is_switch else (1.0, 0.0)
        for turned in range(size):
            before = start + (turned ^ own)
            plain = filtered[s - 1, before] * stays * moves[turned]
            switched = filtered[s - 1, before] * turns * moves[last - turned]
            weights[before] = plain + switched
            total += plain + switched
            of_switch += switched
    return total, of_switch


@numba.njit(cache=True, nogil=True)
def draw_backward(
    side: Side,
    group: Group,
    family: Family,
    filtered: Singles,
    rng: np.random.Generator,
    switches: Bytes,
    share: Floats,
) -> None:
    """Draw the group's haplotypes and the parent's switches together; family.vectors
    and switches (L,) in place, and what the members say back into side.weights.

    share: (L,), filled with P(switch) given the state at its site and what lies before.
    """
    n_sites, n_states = filtered.shape
    n_bits = bits_of(len(group.members))
    last = (1 << n_bits) - 1
    moves, weights = np.empty(1 << n_bits), np.empty(n_states)
    weights[:] = filtered[n_sites - 1]
    state = draw(weights, rng.random() * weights.sum())
    for s in range(n_sites - 1, 0, -1):
        _set_state(side, group, family, s, state)
        r, w, was = side.recombination[s], side.switch[s], int(switches[s])
        total, of_switch = _weigh_before(filtered, s, state, was, r, w, moves, weights)
        share[s] = of_switch / total
        before = draw(weights, rng.random() * total)
        if len(group.others):
            switches[s] = ((before ^ state) >> n_bits) ^ was
        else:
            plain = moves[before ^ state]
            switched = w / (1.0 - w) * moves[last - (before ^ state)]
            odds = switched / (plain + switched)
            switches[s] = 1 if rng.random() < odds else 0
        state = before
    _set_state(side, group, family, 0, state)
