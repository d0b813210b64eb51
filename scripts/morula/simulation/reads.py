"""Paired-end reads of given sequences, as FASTQ.

Shapes: n pairs, R read length. Codes as in `morula.simulation.sequence`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from morula.simulation.molecules import Molecules
from morula.simulation.sequence import COMPLEMENT, LETTERS

# METHOD: qualities come from three bins, as current Illumina machines report them, and
# mean what they say: a base of quality Q is wrong with probability 10^(-Q/10).
QUALITIES = np.array([11, 25, 37])
_WRONG = 10.0 ** (-QUALITIES / 10.0)
_BYTES = (QUALITIES + 33).astype(np.uint8)
# For each base in the lowest bin, this many in the middle one.
_MIDDLE_PER_LOW = 2.5
# The two lower bins grow along the read, from this part of their mean to 2 minus it.
_START_OF_RAMP = 0.3
PAIRS_AT_ONCE = 16384


@dataclass(frozen=True)
class ReadModel:
    """How reads are made.

    read_length, insert_mean, insert_sd: bp; error_rate: mean share of wrong bases;
    damage_rate: share of the cytosines of one strand of a fragment read as thymine.
    """

    read_length: int
    insert_mean: float
    insert_sd: float
    error_rate: float
    damage_rate: float


def error_rate_limits() -> tuple[float, float]:
    """Smallest and largest mean error rate that the quality bins can express."""
    steepest = (2.0 - _START_OF_RAMP) * (1.0 + _MIDDLE_PER_LOW)
    return float(_WRONG[2]), float(_WRONG[2] + _slope() / steepest)


def _slope() -> float:
    """Mean error rate gained per share of bases in the lowest bin."""
    low, middle, high = _WRONG
    return float(low + _MIDDLE_PER_LOW * middle - (1.0 + _MIDDLE_PER_LOW) * high)


def quality_shares(error_rate: float, read_length: int) -> NDArray[np.float64]:
    """Share of each quality bin at each cycle, float64 (R, 3), low to high quality.

    The mean over cycles of the expected error is `error_rate`. Raises ValueError
    when the bins cannot express it.
    """
    smallest, largest = error_rate_limits()
    if not smallest <= error_rate <= largest:
        raise ValueError(
            f"error rate {error_rate}: expected {smallest:.5f} to {largest:.5f}"
        )
    ramp = np.linspace(_START_OF_RAMP, 2.0 - _START_OF_RAMP, read_length)
    low = (error_rate - _WRONG[2]) / _slope() * ramp
    return np.column_stack(
        [low, _MIDDLE_PER_LOW * low, 1 - (1 + _MIDDLE_PER_LOW) * low]
    )


class ReadMaker:
    """Draws read pairs from molecules, in batches, from one random stream."""

    def __init__(
        self, rng: np.random.Generator, model: ReadModel, molecules: Molecules
    ) -> None:
        self.rng = rng
        self.model = model
        self.molecules = molecules
        self._cumulated = np.cumsum(molecules.weights)
        shares = quality_shares(model.error_rate, model.read_length)
        self._upper = np.cumsum(shares, axis=1).astype(np.float32)
        self._wrong_below = (
            np.column_stack([np.zeros(model.read_length), self._upper[:, :2]])
            + shares * _WRONG
        ).astype(np.float32)

    def fragments(self, n: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Start in `codes` and length of at most n fragments; one that would pass the
        end of its sequence is left out."""
        drawn = self.rng.random(n) * self._cumulated[-1]
        stretch = np.searchsorted(self._cumulated, drawn, side="right")
        within = self.rng.random(n) * self.molecules.lengths[stretch]
        start = self.molecules.starts[stretch] + within.astype(np.int64)
        insert = self.rng.normal(self.model.insert_mean, self.model.insert_sd, n)
        # A fragment shorter than a read would need adapters in the read.
        size = np.maximum(np.rint(insert), self.model.read_length).astype(np.int64)
        fits = start + size <= self.molecules.ends[stretch]
        return start[fits], size[fits]

    def pairs(
        self, start: NDArray[np.int64], size: NDArray[np.int64]
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """True codes of both mates, uint8 (n, R) each, before sequencing errors."""
        cycle = np.arange(self.model.read_length, dtype=np.int64)
        codes = self.molecules.codes
        left = codes[start[:, None] + cycle]
        right = codes[(start + size - 1)[:, None] - cycle]
        if self.model.damage_rate > 0:
            bottom = self.rng.integers(0, 2, len(start)).astype(bool)
            self._damage(left, bottom)
            self._damage(right, bottom)
        right = COMPLEMENT[right]
        swap = self.rng.integers(0, 2, len(start)).astype(bool)
        left[swap], right[swap] = right[swap], left[swap]
        return left, right

    def _damage(self, codes: NDArray[np.uint8], bottom: NDArray[np.bool_]) -> None:
        """Deaminate one strand of each fragment, in place (codes of the top strand)."""
        # METHOD: cytosine deaminates to uracil, read as T: C>T on the damaged strand,
        # seen as G>A on the other. A fragment descends from one strand.
        hit = self.rng.random(codes.shape, dtype=np.float32) < self.model.damage_rate
        codes[hit & (codes == 1) & ~bottom[:, None]] = 3
        codes[hit & (codes == 2) & bottom[:, None]] = 0

    def sequence(self, codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Qualities (ASCII bytes), uint8 (n, R); errors are put into `codes`."""
        drawn = self.rng.random(codes.shape, dtype=np.float32)
        low, middle, _ = self._upper.T
        bins = (drawn >= low).view(np.uint8) + (drawn >= middle).view(np.uint8)
        wrong = drawn < self._wrong_below[:, 0]
        wrong |= (drawn >= low) & (drawn < self._wrong_below[:, 1])
        wrong |= (drawn >= middle) & (drawn < self._wrong_below[:, 2])
        rows, cycles = np.nonzero(wrong & (codes < 4))
        step = self.rng.integers(1, 4, len(rows)).astype(np.uint8)
        codes[rows, cycles] = (codes[rows, cycles] + step) % 4
        return np.asarray(_BYTES[bins], dtype=np.uint8)


def fastq_records(
    name: str, first: int, codes: NDArray[np.uint8], quality: NDArray[np.uint8]
) -> bytes:
    """FASTQ text of one mate: names are `name:` and a number of nine digits."""
    n, length = codes.shape
    head = np.frombuffer(f"@{name}:".encode(), dtype=np.uint8)
    powers = 10 ** np.arange(8, -1, -1)
    numbers = (first + np.arange(n))[:, None] // powers % 10 + ord("0")
    width = len(head) + 9
    out = np.empty((n, width + 1 + length + 3 + length + 1), dtype=np.uint8)
    out[:, : len(head)] = head
    out[:, len(head) : width] = numbers
    out[:, width] = ord("\n")
    out[:, width + 1 : width + 1 + length] = LETTERS[codes]
    tail = width + 1 + length
    out[:, tail : tail + 3] = np.frombuffer(b"\n+\n", dtype=np.uint8)
    out[:, tail + 3 : -1] = quality
    out[:, -1] = ord("\n")
    return out.tobytes()


def simulate_fastq(
    maker: ReadMaker, name: str, n_pairs: int
) -> Iterator[tuple[bytes, bytes]]:
    """Batches of FASTQ text for mates 1 and 2 of about `n_pairs` pairs."""
    written = 0
    for begin in range(0, n_pairs, PAIRS_AT_ONCE):
        start, size = maker.fragments(min(PAIRS_AT_ONCE, n_pairs - begin))
        mates = maker.pairs(start, size)
        texts = []
        for codes in mates:
            quality = maker.sequence(codes)
            texts.append(fastq_records(name, written, codes, quality))
        written += len(start)
        yield texts[0], texts[1]
