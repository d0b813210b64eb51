"""The molecules that fragments are drawn from: sequences and how much of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from morula.simulation.amplification import Template
from morula.simulation.sequence import HaplotypeSequence


@dataclass(frozen=True)
class Molecules:
    """Where fragments may start.

    codes: uint8 (T,): all sequences joined; starts, lengths: int64 (S,): stretches of
    even amount; ends: int64 (S,): end of the sequence that each stretch belongs to;
    weights: float64 (S,): expected fragments, up to a factor.
    """

    codes: NDArray[np.uint8]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    ends: NDArray[np.int64]
    weights: NDArray[np.float64]


def join_molecules(
    parts: Sequence[tuple[HaplotypeSequence, Template]],
) -> Molecules:
    """Molecules of chromosome copies, each with its amounts along the reference."""
    starts, lengths, ends, weights = [], [], [], []
    total = 0
    for sequence, template in parts:
        edges = total + sequence.from_reference(template.edges)
        total += len(sequence.codes)
        starts.append(edges[:-1])
        lengths.append(np.diff(edges))
        ends.append(np.full(len(edges) - 1, total))
        weights.append(template.amounts * lengths[-1])
    return Molecules(
        codes=np.concatenate([sequence.codes for sequence, _ in parts]),
        starts=np.concatenate(starts),
        lengths=np.concatenate(lengths),
        ends=np.concatenate(ends),
        weights=np.concatenate(weights),
    )
