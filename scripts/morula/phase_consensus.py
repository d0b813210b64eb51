"""One phase from many: consensus of phasings, and how far each part of it is doubtful.

Shapes: H hets in order of position, D phasings. Votes: uint8 (H, D), the allele on
haplotype 1 in each phasing, UNKNOWN where it says nothing.

A phasing differs from the consensus by switches (from a het on, all hets are the other
way round) and by flips (one het is). Each has a hidden state, the same way round or
the other, that changes in the step to het h with probability switch[h]; there the het
shows the other allele with probability flip[h]. EM finds both for every het; switch
and flip are then what the phasings say of each other, which is less than their common
errors: `calibrated` corrects for that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]

UNKNOWN = 2
N_ROUNDS = 12
# Rates to which EM shrinks, with this share of the phasings' weight.
PRIOR_SWITCH, PRIOR_FLIP, PRIOR_SHARE = 1e-3, 3e-3, 0.005
# METHOD: intercept and slope of `calibrated`, by maximum likelihood of the true phase
# of 20 samples held out of a real panel of 250 (1000 Genomes, chr20, 3 Mb).
SWITCH_CALIBRATION = (-0.077, 0.817)
FLIP_CALIBRATION = (0.131, 0.719)


@dataclass(frozen=True)
class Consensus:
    """first: uint8 (H,), allele on haplotype 1; switch: float64 (H,), P(the phase
    switches between the het before and this one), 0 at the first; flip: float64 (H,),
    P(this het is the wrong way round by itself), at most a half."""

    first: Bytes
    switch: Floats
    flip: Floats


@numba.njit(cache=True, nogil=True)
def _show(differs: int, state: int, flip: float) -> float:
    """P(what a phasing shows at a het | its state); nothing shown says nothing."""
    if differs == UNKNOWN:
        return 1.0
    return 1.0 - flip if differs == state else flip


@numba.njit(cache=True, nogil=True)
def _forward(differs: Bytes, switch: Floats, flip: Floats, forward: Floats) -> float:
    """Fill forward (H, 2), scaled to one in each row; returns ln P(differs)."""
    ln_total = 0.0
    for h in range(len(differs)):
        for state in range(2):
            before = 0.5
            if h > 0:
                stay = forward[h - 1, state]
                before = stay + switch[h] * (forward[h - 1, 1 - state] - stay)
            forward[h, state] = before * _show(differs[h], state, flip[h])
        total = forward[h, 0] + forward[h, 1]
        forward[h] /= total
        ln_total += np.log(total)
    return ln_total


@numba.njit(cache=True, nogil=True)
def expect(
    votes: Bytes,
    first: Bytes,
    switch: Floats,
    flip: Floats,
    switches: Floats,
    flips: Floats,
) -> float:
    """Add each phasing's expected switches and flips, (H,) each, given the consensus.

    switch and flip must lie in (0, 1), but for switch[0], which is not looked at.
    Returns the natural log of P(votes).
    """
    n_hets, n_phasings = votes.shape
    forward = np.empty((n_hets, 2))
    differs = np.empty(n_hets, dtype=np.uint8)
    ln_total = 0.0
    for d in range(n_phasings):
        for h in range(n_hets):
            known = votes[h, d] != UNKNOWN
            differs[h] = votes[h, d] ^ first[h] if known else UNKNOWN
        ln_total += _forward(differs, switch, flip, forward)
        same, other = 1.0, 1.0
        for h in range(n_hets - 1, -1, -1):
            at_same, at_other = forward[h, 0] * same, forward[h, 1] * other
            if differs[h] != UNKNOWN:
                wrong = at_other if differs[h] == 0 else at_same
                flips[h] += wrong / (at_same + at_other)
            if h == 0:
                break
            same *= _show(differs[h], 0, flip[h])
            other *= _show(differs[h], 1, flip[h])
            w = switch[h]
            stayed = (1 - w) * (forward[h - 1, 0] * same + forward[h - 1, 1] * other)
            turned = w * (forward[h - 1, 0] * other + forward[h - 1, 1] * same)
            switches[h] += turned / (stayed + turned)
            same, other = same + w * (other - same), other + w * (same - other)
            scale = same + other
            same, other = same / scale, other / scale
    return ln_total


def _first_guess(votes: Bytes) -> Bytes:
    """Haplotype 1 by the majority of the phasings in every step."""
    n_hets = len(votes)
    turns = np.zeros(n_hets, dtype=np.uint8)
    known = (votes[1:] < UNKNOWN) & (votes[:-1] < UNKNOWN)
    differ = (known & (votes[1:] != votes[:-1])).sum(axis=1)
    turns[1:] = 2 * differ > known.sum(axis=1)
    return np.bitwise_xor.accumulate(turns)


def find_consensus(votes: Bytes) -> Consensus:
    """The phase that the phasings in votes (H, D) agree on best; D >= 1."""
    n_hets, n_phasings = votes.shape
    first = _first_guess(votes)
    switch = np.full(n_hets, PRIOR_SWITCH)
    flip = np.full(n_hets, PRIOR_FLIP)
    prior = PRIOR_SHARE * n_phasings
    n_shown = (votes != UNKNOWN).sum(axis=1)
    for _ in range(N_ROUNDS):
        switches, flips = np.zeros(n_hets), np.zeros(n_hets)
        expect(votes, first, switch, flip, switches, flips)
        switch = (switches + prior * PRIOR_SWITCH) / (n_phasings + prior)
        flip = (flips + prior * PRIOR_FLIP) / (n_shown + prior)
        # What most phasings have the other way round is turned in the consensus.
        is_flipped = flip > 0.5
        first ^= is_flipped
        flip = np.where(is_flipped, 1.0 - flip, flip)
        is_switched = switch > 0.5
        first ^= np.logical_xor.accumulate(is_switched)
        switch = np.where(is_switched, 1.0 - switch, switch)
    switch[:1] = 0.0
    flip[n_shown == 0] = 0.5
    return Consensus(first, switch, flip)


def _recalibrated(
    rate: Floats, intercept: float, slope: float, most: float
) -> NDArray[np.float64]:
    """logit(result / most) = intercept + slope logit(rate / most)."""
    share = np.clip(rate / most, 1e-9, 1.0 - 1e-6)
    logit = intercept + slope * np.log(share / (1.0 - share))
    return np.asarray(most / (1.0 + np.exp(-logit)), dtype=np.float64)


def calibrated(consensus: Consensus) -> Consensus:
    """The same with doubts that hold against the truth, not among the phasings.

    METHOD: phasings of one panel share errors, so that what all agree on is wrong more
    often than they say, and what they dispute is less. A correction that is linear in
    the logit puts that right. (The panel's count of the rarer allele adds nothing: the
    phasings themselves waver where it is low.)
    """
    switch = _recalibrated(consensus.switch, *SWITCH_CALIBRATION, most=1.0)
    flip = _recalibrated(consensus.flip, *FLIP_CALIBRATION, most=0.5)
    switch[:1] = 0.0
    return Consensus(consensus.first, np.minimum(switch, 0.5), flip)
