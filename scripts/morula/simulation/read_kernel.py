"""The kernel of the reads mode: fragments to the text of their FASTQ records.

Shapes: n fragments, M molecules, S sequences, R read length. Codes as in `sequence`.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

# METHOD: SplitMix64 (Steele, Lea and Flood 2014, OOPSLA): a generator with a seed for
# each fragment and read, so that a PCR copy has the damage and the clonal errors of its
# original, and errors of the sequencer of its own.
_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S32 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(32)
# Thresholds of the sequencer are integers below this.
DRAWS = 1 << 32
_SPACE, _NEWLINE, _PLUS, _ZERO = 32, 10, 43, 48
_G = 2
NUMBER_DIGITS = 9


class Letters(NamedTuple):
    """The letters of all molecules, and what became of them before sequencing.

    codes uint8 (H,): the sequences one after another; first int64 (S,): where each
    begins; sequence int32 (M,): which one a molecule has. error_first int64 (M + 1,),
    error_offset int64 (K,), error_base uint8 (K,), error_fraction float64 (K,): see
    `clonal_errors`; damage: share of a strand's cytosines read as thymine.
    """

    codes: NDArray[np.uint8]
    first: NDArray[np.int64]
    sequence: NDArray[np.int32]
    error_first: NDArray[np.int64]
    error_offset: NDArray[np.int64]
    error_base: NDArray[np.uint8]
    error_fraction: NDArray[np.float64]
    damage: float


class Machine(NamedTuple):
    """The sequencer.

    below int64 (R, 6): a number drawn from 0 to DRAWS - 1 below [r, 2 k] gives, at
    cycle r, quality k and a wrong base; below [r, 2 k + 1], quality k and a right one.
    quality uint8 (3,): ASCII bytes of the qualities; adapters uint8 (2, A): what mates
    1 and 2 read behind the fragment's end, before only G; indel_rate: inserted and
    deleted bases a base.
    """

    below: NDArray[np.int64]
    quality: NDArray[np.uint8]
    adapters: NDArray[np.uint8]
    indel_rate: float


class Parts(NamedTuple):
    """Fields of `fragments.Fragments`, pairs: of the first and of the second part.
    position int64 (n,): 1-based place of the first part in the reference; label int64
    (n,): row of `Names.labels`."""

    molecule: tuple[NDArray[np.int32], NDArray[np.int32]]
    start: tuple[NDArray[np.int64], NDArray[np.int64]]
    size: NDArray[np.int64]
    join: NDArray[np.int64]
    second_reverse: NDArray[np.bool_]
    bottom: NDArray[np.bool_]
    swap: NDArray[np.bool_]
    duplicate_of: NDArray[np.int64]
    position: NDArray[np.int64]
    label: NDArray[np.int64]


class Names(NamedTuple):
    """Text of the header lines: head uint8 (A,), `@` and what stands before the
    number; labels uint8 (B, W): what stands between the number and the position, and
    label_length int64 (B,)."""

    head: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    label_length: NDArray[np.int64]


@numba.njit(cache=True)
def _draw(state: NDArray[np.uint64]) -> np.int64:
    """The next number from 0 to DRAWS - 1; state: uint64 (1,)."""
    state[0] += _GAMMA
    z = state[0]
    z = (z ^ (z >> _S30)) * _MIX_1
    z = (z ^ (z >> _S27)) * _MIX_2
    return np.int64((z ^ (z >> _S31)) >> _S32)


@numba.njit(cache=True)
def _seed(state: NDArray[np.uint64], key: np.uint64, number: int) -> None:
    """Begin the stream of a fragment or read."""
    state[0] = key ^ (np.uint64(number) * _MIX_2)
    first = np.uint64(_draw(state))
    state[0] ^= first << _S32


@numba.njit(cache=True)
def _share(state: NDArray[np.uint64]) -> float:
    """The next number of [0, 1)."""
    return _draw(state) / DRAWS


@numba.njit(cache=True)
def _copy_part(
    letters: Letters,
    molecule: int,
    start: int,
    turned: bool,
    state: NDArray[np.uint64],
    out: NDArray[np.uint8],
) -> None:
    """Letters of one part of a fragment, clonal errors included, into `out`."""
    n = len(out)
    at = letters.first[letters.sequence[molecule]] + start
    for k in range(n):
        out[k] = letters.codes[at + k]
    low, high = letters.error_first[molecule], letters.error_first[molecule + 1]
    error = low + np.searchsorted(letters.error_offset[low:high], start)
    while error < high and letters.error_offset[error] < start + n:
        if _share(state) < letters.error_fraction[error]:
            out[letters.error_offset[error] - start] = letters.error_base[error]
        error += 1
    if turned:
        for k in range((n + 1) // 2):
            left, right = out[k], out[n - 1 - k]
            out[k] = 3 - right if right < 4 else right
            out[n - 1 - k] = 3 - left if left < 4 else left


@numba.njit(cache=True)
def _template(
    letters: Letters,
    parts: Parts,
    i: int,
    state: NDArray[np.uint64],
    out: NDArray[np.uint8],
) -> None:
    """Letters of fragment i before sequencing, into `out` of its size."""
    join = parts.join[i]
    molecule, start = parts.molecule[0][i], parts.start[0][i]
    _copy_part(letters, molecule, start, False, state, out[:join])
    if join < len(out):
        molecule, start = parts.molecule[1][i], parts.start[1][i]
        turned = parts.second_reverse[i]
        _copy_part(letters, molecule, start, turned, state, out[join:])
    if letters.damage > 0.0:
        # METHOD: cytosine decays to uracil, read as T: C>T on the strand that the
        # fragment descends from, G>A where that is the bottom strand.
        old, new = (2, 0) if parts.bottom[i] else (1, 3)
        for k in range(len(out)):
            if out[k] == old and _share(state) < letters.damage:
                out[k] = new


@numba.njit(cache=True)
def _cycles_to_indel(machine: Machine, state: NDArray[np.uint64]) -> int:
    """Cycles without an indel before the next one."""
    longest = len(machine.below)
    if machine.indel_rate <= 0.0:
        return longest
    # 1 - share: never log of 0.
    gap = np.log(1.0 - _share(state)) / np.log1p(-machine.indel_rate)
    return int(min(gap, longest))


@numba.njit(cache=True)
def _template_base(
    machine: Machine, template: NDArray[np.uint8], mate: int, is_right: bool, at: int
) -> int:
    """The base `at` bases from the mate's end of the fragment, or of what follows."""
    # METHOD: behind a short fragment the adapter is read, then, on instruments of two
    # colours, G: no light is read as G (fastp's polyG trimming, Chen 2018).
    size = len(template)
    if at < size:
        base = template[size - 1 - at] if is_right else template[at]
        return 3 - base if is_right and base < 4 else base
    if at - size < machine.adapters.shape[1]:
        return machine.adapters[mate, at - size]
    return _G


@numba.njit(cache=True)
def _sequence(
    machine: Machine,
    template: NDArray[np.uint8],
    mate: int,
    is_right: bool,
    state: NDArray[np.uint64],
    out: NDArray[np.uint8],
    quality: NDArray[np.uint8],
) -> None:
    """One mate as it is read: letters (ASCII) into `out`, and their qualities."""
    letters = b"ACGTN"
    at = 0
    indel = _cycles_to_indel(machine, state)
    for cycle in range(len(out)):
        inserted = False
        if cycle == indel:
            indel += 1 + _cycles_to_indel(machine, state)
            inserted = _draw(state) & 1 == 1
            at += 0 if inserted else 1
        if inserted:
            base = int(_draw(state) & 3)
        else:
            base = _template_base(machine, template, mate, is_right, at)
            at += 1
        drawn = _draw(state)
        kind = 5
        while kind > 0 and drawn < machine.below[cycle, kind - 1]:
            kind -= 1
        if kind & 1 == 0 and base < 4:
            base = (base + 1 + int(_draw(state) % 3)) & 3
        out[cycle] = letters[base]
        quality[cycle] = machine.quality[kind >> 1]


@numba.njit(cache=True)
def _write_digits(out: NDArray[np.uint8], end: int, number: int, digits: int) -> None:
    """`number` in `digits` digits that end before out[end]."""
    for k in range(digits):
        out[end - 1 - k] = _ZERO + number % 10
        number //= 10


@numba.njit(cache=True)
def _write_header(
    names: Names, number: int, label: int, position: int, out: NDArray[np.uint8]
) -> int:
    """A header line; returns its length."""
    end = len(names.head)
    out[:end] = names.head
    end += NUMBER_DIGITS
    _write_digits(out, end, number, NUMBER_DIGITS)
    length = names.label_length[label]
    out[end : end + length] = names.labels[label, :length]
    end += length
    digits, rest = 1, position
    while rest >= 10:
        rest //= 10
        digits += 1
    end += digits
    _write_digits(out, end, position, digits)
    out[end] = _NEWLINE
    return end + 1


@numba.njit(cache=True, nogil=True)
def write_pairs(
    letters: Letters,
    machine: Machine,
    names: Names,
    parts: Parts,
    order: NDArray[np.int64],
    first_number: int,
    keys: NDArray[np.uint64],
    out: tuple[NDArray[np.uint8], NDArray[np.uint8]],
) -> tuple[int, int]:
    """Write the pairs of the fragments `order`, numbered from `first_number`.

    keys uint64 (2,): what the batch's random numbers depend on, before sequencing and
    in it; out: text of mates 1 and 2. Returns the bytes written to each.
    """
    read_length = len(machine.below)
    template = np.empty(np.max(parts.size[order]), dtype=np.uint8)
    state = np.zeros(1, dtype=np.uint64)
    ends = [0, 0]
    for k in range(len(order)):
        i = order[k]
        original = parts.duplicate_of[i] if parts.duplicate_of[i] >= 0 else i
        _seed(state, keys[0], original)
        one = template[: parts.size[i]]
        _template(letters, parts, i, state, one)
        for mate in range(2):
            _seed(state, keys[1], 2 * i + mate)
            text, at = out[mate], ends[mate]
            number = first_number + k
            label, position = parts.label[i], parts.position[i]
            at += _write_header(names, number, label, position, text[at:])
            middle, end = at + read_length, at + 2 * read_length + 3
            is_right = parts.swap[i] != (mate == 1)
            bases, quality = text[at:middle], text[middle + 3 : end]
            _sequence(machine, one, mate, is_right, state, bases, quality)
            text[middle], text[middle + 1], text[middle + 2] = 10, 43, 10
            text[end] = _NEWLINE
            ends[mate] = end + 1
    return ends[0], ends[1]
