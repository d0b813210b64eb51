"""Stretches along which an embryo carries one haplotype of a parent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from morula.polished_phase import Bits, Crossover, segmentation, share_second

# Of the tables of segments.
COLUMNS = (
    *("embryo", "parent", "chrom", "start", "end", "haplotype", "posterior"),
    *("start_low", "start_high"),
)


@dataclass(frozen=True)
class Segment:
    """start, end: bp, 1-based, inclusive; haplotype: 1 or 2 of the mended phase;
    posterior: mean posterior of that haplotype over the sites within; start_low,
    start_high: 95 % interval of the crossover at its start, bp, None at the first."""

    start: int
    end: int
    haplotype: int
    posterior: float
    start_low: int | None
    start_high: int | None


def of_samples(
    pos_bp: NDArray[np.int64], carried: Bits, bounds_bp: NDArray[np.int64]
) -> list[Segment]:
    """`segments` of the best path of samples (S, N) of one embryo and parent."""
    path, crossovers = segmentation(carried)
    return segments(pos_bp, path, share_second(carried), crossovers, bounds_bp)


def segments(
    pos_bp: NDArray[np.int64],
    second: NDArray[np.bool_],
    share: NDArray[np.float64],
    crossovers: Sequence[Crossover],
    bounds_bp: NDArray[np.int64],
) -> list[Segment]:
    """Segments of one chromosome and parent at N informative sites pos_bp.

    second: (N,), whether the second haplotype is carried; share: (N,), its posterior;
    crossovers: where `second` changes; bounds_bp: sites of the chromosome, whose first
    and last are where segments begin and end. They cover it without gap or overlap: a
    segment starts halfway between the last site of the one before and its own first.
    """
    result: list[Segment] = []
    turns = [0, *(one.after for one in crossovers), len(pos_bp)]
    places: list[Crossover | None] = [None, *crossovers]
    start = int(bounds_bp[0])
    for begin, end, place in zip(turns[:-1], turns[1:], places, strict=True):
        is_last = end == len(pos_bp)
        stop = (
            int(bounds_bp[-1])
            if is_last
            else (int(pos_bp[end - 1]) + int(pos_bp[end])) // 2
        )
        mean = float(share[begin:end].mean())
        result.append(
            Segment(
                start,
                # Sites at one position (several ALT alleles) can hold a whole segment.
                max(stop, start),
                2 if second[begin] else 1,
                mean if second[begin] else 1.0 - mean,
                None if place is None else int(pos_bp[max(place.low - 1, 0)]),
                None if place is None else int(pos_bp[place.high]),
            )
        )
        start = result[-1].end + 1
    return [one for one in result if one.start <= bounds_bp[-1]]
