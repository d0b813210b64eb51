"""Stretches along which an embryo carries one haplotype of a parent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Segment:
    """start, end: bp, 1-based, inclusive; haplotype: 1 or 2 of the phased parent;
    posterior: mean posterior of that haplotype over the sites within."""

    start: int
    end: int
    haplotype: int
    posterior: float


def segments(pos_bp: NDArray[np.int64], first: NDArray[np.float64]) -> list[Segment]:
    """Segments of one chromosome and parent, from P(haplotype 1) at each site, (L,).

    They cover the chromosome from its first to its last site without gap or overlap: a
    segment starts halfway between the last site of the one before and its own first.
    """
    carries_first = first >= 0.5
    turns = np.flatnonzero(np.diff(carries_first.astype(np.int8))) + 1
    bounds = [0, *turns.tolist(), len(pos_bp)]
    result = []
    start = int(pos_bp[0])
    for begin, end in zip(bounds[:-1], bounds[1:], strict=True):
        last = int(pos_bp[end - 1])
        after = int(pos_bp[end]) if end < len(pos_bp) else last
        stop = (last + after) // 2
        mean = float(first[begin:end].mean())
        is_first = bool(carries_first[begin])
        # Sites at one position (several ALT alleles) can hold a whole segment.
        result.append(
            Segment(
                start,
                max(stop, start),
                1 if is_first else 2,
                mean if is_first else 1 - mean,
            )
        )
        start = result[-1].end + 1
    return [one for one in result if one.start <= pos_bp[-1]]
