"""Nucleotide codes, and a haplotype's own sequence made from the reference.

Codes: uint8, A C G T N = 0 1 2 3 4. The complement of code c < 4 is 3 - c.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LETTERS = np.frombuffer(b"ACGTN", dtype=np.uint8)
COMPLEMENT = np.array([3, 2, 1, 0, 4], dtype=np.uint8)
# METHOD: two transitions a transversion, about as in human variants and new mutations.
_TRANSITION_SHARE = 2.0 / 3.0
# Transitions A<->G, C<->T in codes 0..3, then the two transversions.
_OTHER_BASES = np.array([[2, 1, 3], [3, 0, 2], [0, 1, 3], [1, 0, 2]], dtype=np.uint8)
_CODE_OF_BYTE = np.full(256, 4, dtype=np.uint8)
for _code, _letter in enumerate(b"ACGT"):
    _CODE_OF_BYTE[_letter] = _code
    _CODE_OF_BYTE[_letter + 32] = _code


def encode(text: str) -> NDArray[np.uint8]:
    """Codes of a sequence; whatever is not A, C, G or T (either case) becomes N."""
    return _CODE_OF_BYTE[np.frombuffer(text.encode("ascii"), dtype=np.uint8)]


def decode(codes: NDArray[np.uint8]) -> str:
    """The letters of codes."""
    return LETTERS[codes].tobytes().decode("ascii")


def substitute(rng: np.random.Generator, bases: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Another base for each, as mutation makes it; codes 0 to 3, (V,)."""
    kind = np.where(rng.random(len(bases)) < _TRANSITION_SHARE, 0, 1)
    kind += kind * rng.integers(0, 2, len(bases))
    return np.asarray(_OTHER_BASES[bases, kind])


@dataclass(frozen=True)
class HaplotypeSequence:
    """A stretch of one chromosome copy.

    codes: uint8 (H,); indel_ends: int64 (I,), rising: offset in the reference stretch
    behind each applied indel; shifts: int64 (I,): bases gained by it and those before.
    n_skipped: carried alleles that overlap an applied one and were left out.
    """

    codes: NDArray[np.uint8]
    indel_ends: NDArray[np.int64]
    shifts: NDArray[np.int64]
    n_skipped: int

    def from_reference(self, offsets: NDArray[np.int64]) -> NDArray[np.int64]:
        """Offsets in `codes` of rising offsets in the reference stretch; an offset in
        a deletion gives the first base behind it or before, never a falling one."""
        passed = np.searchsorted(self.indel_ends, offsets, side="right")
        shift = np.concatenate([[0], self.shifts])[passed]
        rising = np.maximum.accumulate(offsets + shift)
        return np.asarray(np.minimum(rising, len(self.codes)), dtype=np.int64)

    def to_reference(self, offsets: NDArray[np.int64]) -> NDArray[np.int64]:
        """Offsets in the reference stretch of offsets in `codes`; an inserted base
        gives the last base of REF."""
        own_ends = self.indel_ends + self.shifts
        passed = np.searchsorted(own_ends, offsets, side="right")
        there = offsets - np.concatenate([[0], self.shifts])[passed]
        unbounded = np.iinfo(np.int64).max
        last = np.append(self.indel_ends - 1, unbounded)[passed]
        return np.asarray(np.minimum(there, last), dtype=np.int64)


def apply_alleles(
    reference: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    ref: Sequence[str],
    alt: Sequence[str],
) -> HaplotypeSequence:
    """The reference stretch with the carried ALT alleles put in.

    offsets: int64 (V,), not falling: offset of each carried allele's first base.
    Where two overlap (one deletes the other's base), the first stays. Alleles are
    upper-case strings of A, C, G, T.
    """
    pieces: list[NDArray[np.uint8]] = []
    ends: list[int] = []
    changes: list[int] = []
    done = 0
    skipped = 0
    for offset, old, new in zip(offsets.tolist(), ref, alt, strict=True):
        if offset < done:
            skipped += 1
            continue
        pieces += [reference[done:offset], encode(new)]
        done = offset + len(old)
        if len(old) != len(new):
            ends.append(done)
            changes.append(len(new) - len(old))
    pieces.append(reference[done:])
    return HaplotypeSequence(
        codes=np.concatenate(pieces),
        indel_ends=np.array(ends, dtype=np.int64),
        shifts=np.cumsum(np.array(changes, dtype=np.int64)),
        n_skipped=skipped,
    )
