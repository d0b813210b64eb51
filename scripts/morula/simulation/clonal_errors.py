"""Errors that many molecules of an amplicon share: of the polymerase's first rounds,
and of damage that was there before amplification. They look like variants.

Both modes use it: the reads mode with a haplotype's letters, the counts mode with the
letters at its sites alone (an offset is then the index of a site).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from morula.simulation.protocols import Protocol

# The rate of a protocol counts errors that more than this share of the molecules have.
COUNTED_ABOVE = 0.2
# Rarer ones are left out: they are like sequencing errors, and fewer.
RAREST = 0.02
# Share of the genome's bases that are C or G (Lander 2001).
GC_SHARE = 0.41
# What a C or G turns into by damage of either strand: C>T, G>A. Codes of `sequence`.
_DEAMINATED = np.array([0, 3, 0, 3, 4], dtype=np.uint8)


@dataclass(frozen=True)
class ClonalErrors:
    """The errors of molecule m are those from first[m] to first[m + 1].

    first: int64 (M + 1,); offset: int64 (K,), rising in each molecule, in its own
    coordinates; base: uint8 (K,), what it reads instead (forward strand of the
    molecule); fraction: float64 (K,), share of the fragments over the offset that
    have it, each by chance and with both its mates.
    """

    first: NDArray[np.int64]
    offset: NDArray[np.int64]
    base: NDArray[np.uint8]
    fraction: NDArray[np.float64]


def _of_one(
    rng: np.random.Generator, protocol: Protocol, codes: NDArray[np.uint8]
) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Offsets, rising, and new bases of one molecule's errors."""
    # METHOD: Luria and Delbrueck (1943): in exponential growth the number of errors
    # that more than a share f of the molecules carry goes with 1/f - 1, down from those
    # in the first copy.
    rarer = (1.0 / RAREST - 1.0) / (1.0 / COUNTED_ABOVE - 1.0)
    rate = protocol.clonal_error_rate * rarer * len(codes)
    n_plain = rng.poisson(rate * (1.0 - protocol.clonal_ct))
    n_deaminated = rng.poisson(rate * protocol.clonal_ct / GC_SHARE)
    offset = rng.integers(0, max(len(codes), 1), n_plain + n_deaminated)
    old = codes[offset] if len(codes) else np.zeros(0, dtype=np.uint8)
    new = ((old + rng.integers(1, 4, len(old))) % 4).astype(np.uint8)
    new[n_plain:] = _DEAMINATED[old[n_plain:]]
    used = (old < 4) & (new != old)
    # A and T cannot lose an amino group here: those draws fall away.
    order = np.argsort(offset[used], kind="stable")
    return offset[used][order], new[used][order]


def draw_clonal_errors(
    rng: np.random.Generator,
    protocol: Protocol,
    sequence_of_molecule: NDArray[np.int32],
    codes: Sequence[NDArray[np.uint8]],
) -> ClonalErrors:
    """Clonal errors of all molecules of a pool (`Pool.sequence`), each its own.

    codes: letters of each sequence; a code above 3 gets no error.
    """
    drawn = [
        _of_one(rng, protocol, codes[index]) for index in sequence_of_molecule.tolist()
    ]
    n_errors = sum(len(offset) for offset, _ in drawn)
    return ClonalErrors(
        first=np.cumsum([0, *(len(offset) for offset, _ in drawn)], dtype=np.int64),
        offset=np.concatenate([np.zeros(0, dtype=np.int64), *(d[0] for d in drawn)]),
        base=np.concatenate([np.zeros(0, dtype=np.uint8), *(d[1] for d in drawn)]),
        # 1/f is uniform from 1 to 1/RAREST.
        fraction=1.0 / (1.0 + (1.0 / RAREST - 1.0) * rng.random(n_errors)),
    )
