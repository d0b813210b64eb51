"""Compiled: what a group of embryos says at one site of a parent's orders and of the
haplotypes that its members carry.

Orders are told by own and partner's: the parent's at hand, and the other's. Names,
shapes and the states of a group: see morula.family_chain, morula.orientation_kernels.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from morula.embryo_kernels import inlined
from morula.order_kernels import (
    NEGLIGIBLE,
    Bytes,
    Floats,
    Singles,
    Whole,
    add_evidence,
    carried,
)

_OF_ONE = np.array([0, 2, 1, 3])
# Both parents' orders with the haplotypes of the mother, of the father exchanged.
TURNED = np.stack(
    [
        (4 * _OF_ONE[:, None] + np.arange(4)).ravel(),
        (4 * np.arange(4)[:, None] + _OF_ONE).ravel(),
    ]
)


class Side(NamedTuple):
    """One parent. is_father: whose haplotypes; recombination, switch: float64 (L,), of
    the step that ends at the site; ln_prior: float64 (L, 16), of both parents' orders;
    weights: the same with what all embryos say of them."""

    is_father: bool
    recombination: Floats
    switch: Floats
    ln_prior: Floats
    weights: Floats


class Group(NamedTuple):
    """members: int64 (N,), embryos of the group; others: int64 (M,), the rest."""

    members: NDArray[np.int64]
    others: NDArray[np.int64]


class Family(NamedTuple):
    """What stands of all embryos: has_reads, bool (E, L); evidence, float32 (E, L, G),
    likelihood of the reads over its largest, and its ln; vectors, uint8 (E, L)."""

    has_reads: NDArray[np.bool_]
    evidence: Singles
    ln_evidence: Singles
    vectors: Bytes


class Scratch(NamedTuple):
    """Room for one site, by own and partner's order where both are told. most: (4, 4),
    ln of the largest product of the members' likelihoods; rest: (2, 4, 4), ln weight of
    all else, as it is and turned over; bound: (4, 4), of both; share: (2, 4, 4), rest
    as a share of the largest bound, 0 where negligible; pairs: (bits, 2), likelihoods
    of the members by the parent's allele; tree: (2^bits,); likelihood: (states,)."""

    most: Floats
    rest: Floats
    bound: Floats
    share: Floats
    pairs: Floats
    tree: Floats
    likelihood: Floats


@numba.njit(cache=True, nogil=True)
def _orders(own: Whole, partner: Whole, is_father: bool) -> Whole:
    """4 * mother's + father's order from the parent's and the partner's."""
    return 4 * partner + own if is_father else 4 * own + partner


@numba.njit(cache=True, nogil=True)
def _genotype(own: Whole, partner: Whole, is_father: bool) -> Whole:
    """2 m + f of the alleles from the parent and from the partner."""
    return 2 * partner + own if is_father else 2 * own + partner


@inlined
def take(side: Side, group: Group, family: Family, s: int, most: Floats) -> bool:
    """Take what the members say at s out of side.weights, and fill `most`; returns
    whether any of them has reads."""
    most[:] = 0.0
    any_reads = False
    ln = family.ln_evidence
    for i in group.members:
        if not family.has_reads[i, s]:
            continue
        any_reads = True
        vector = np.int64(family.vectors[i, s])
        add_evidence(side.weights, s, ln, i, vector, -1.0)
        second = vector >> 1 if side.is_father else vector & 1
        for allele in range(2):
            zero = ln[i, s, _genotype(0, allele, side.is_father)]
            one = ln[i, s, _genotype(1, allele, side.is_father)]
            # The partner's orders that give this allele: two of four.
            for partner in (3 * allele, 2 - (allele == second)):
                most[0, partner] += zero
                most[1, partner] += max(zero, one)
                most[3, partner] += one
    for partner in range(4):
        most[2, partner] = most[1, partner]
    return any_reads


@inlined
def _bound(side: Side, s: int, room: Scratch, n_turned: int) -> float:
    """Fill room.rest and room.bound; returns the largest bound."""
    best = -np.inf
    for own in range(4):
        for partner in range(4):
            orders = _orders(own, partner, side.is_father)
            rest = room.rest[0, own, partner] = side.weights[s, orders]
            if n_turned == 2:
                # Embryos outside that all turn over: as if the haplotypes did.
                over = TURNED[int(side.is_father), orders]
                said = side.weights[s, over] - side.ln_prior[s, over]
                room.rest[1, own, partner] = side.ln_prior[s, orders] + said
                rest = max(rest, room.rest[1, own, partner])
            room.bound[own, partner] = room.most[own, partner] + rest
            best = max(best, room.bound[own, partner])
    return best


@inlined
def _fill_tree(
    side: Side, group: Group, family: Family, s: int, partner: int, room: Scratch
) -> tuple[float, float]:
    """room.tree (2^bits,): likelihood of the members' reads by state where the parent
    has order 01, the partner the order `partner`; returns that of 00 and of 11."""
    pairs, tree = room.pairs, room.tree
    both_zero = both_one = 1.0
    for q in range(len(group.members)):
        i = group.members[q]
        pairs[q, 0] = pairs[q, 1] = 1.0
        if family.has_reads[i, s]:
            vector = np.int64(family.vectors[i, s])
            allele = carried(partner, vector >> 1 if side.is_father else vector & 1)
            for own in range(2):
                g = _genotype(own, allele, side.is_father)
                pairs[q, own] = family.evidence[i, s, g]
            both_zero *= pairs[q, 0]
            both_one *= pairs[q, 1]
    for state in range(8):
        first, second = pairs[0, state & 1], pairs[1, (state >> 1) & 1]
        tree[state] = first * second * pairs[2, state >> 2]
    for q in range(3, len(group.members)):
        size, zero, one = 1 << q, pairs[q, 0], pairs[q, 1]
        for state in range(size):
            tree[size + state] = tree[state] * one
            tree[state] *= zero
    return both_zero, both_one


@inlined
def _add_partner(
    side: Side, group: Group, family: Family, s: int, partner: int, room: Scratch
) -> None:
    """Add to room.likelihood (states,) what room.share says of the parent's orders with
    this one of the partner."""
    n_group = len(room.tree)
    zero, one = _fill_tree(side, group, family, s, partner, room)
    for turned in range(len(room.likelihood) // n_group):
        start, share = turned * n_group, room.share
        same = share[turned, 0, partner] * zero + share[turned, 3, partner] * one
        straight, crossed = share[turned, 1, partner], share[turned, 2, partner]
        for state in range(n_group):
            # Order 10 is 01 for the opposite state.
            het = room.tree[state] * straight
            het += room.tree[n_group - 1 - state] * crossed
            room.likelihood[start + state] += het + same


@inlined
def emission(side: Side, group: Group, family: Family, s: int, room: Scratch) -> bool:
    """Fill room.likelihood (states,): that of all embryos' reads at s, summed over the
    parents' orders but those that are negligible whatever the state. Returns whether
    they tell anything: not where the parent can only be homozygous.

    side.weights at s: without the members.
    """
    n_turned = len(room.likelihood) // len(room.tree)
    least = _bound(side, s, room, n_turned) - NEGLIGIBLE
    bound, tells = room.bound, False
    for partner in range(4):
        tells |= max(bound[1, partner], bound[2, partner]) > least
    if not tells:
        return False
    room.likelihood[:] = 0.0
    for partner in range(4):
        known = False
        for own in range(4):
            is_there = bound[own, partner] > least
            known |= is_there
            for turned in range(n_turned):
                ln_share = room.rest[turned, own, partner] - least - NEGLIGIBLE
                share = np.exp(ln_share) if is_there else 0.0
                room.share[turned, own, partner] = share
        if known:
            _add_partner(side, group, family, s, partner, room)
    return True
