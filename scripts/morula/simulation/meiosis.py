"""Gametes: which of a parent's two haplotypes an egg or a sperm carries, and where.

Haplotypes are numbered 0 and 1 in arrays, 1 and 2 in tables.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from morula.genetic_map import GeneticMap


@dataclass(frozen=True)
class Gamete:
    """One chromosome of a gamete.

    first: haplotype (0, 1) at the start; breaks_bp: int64 (C,), rising: the last
    position before each crossover.
    """

    first: int
    breaks_bp: NDArray[np.int64]

    def haplotype_at(self, pos_bp: NDArray[np.int64]) -> NDArray[np.int8]:
        """Haplotype (0, 1) at each position."""
        crossed = np.searchsorted(self.breaks_bp, pos_bp, side="left")
        return np.asarray((self.first + crossed) % 2, dtype=np.int8)

    def segments(self, start: int, end: int) -> list[tuple[int, int, int]]:
        """(start, end, haplotype) with 1-based inclusive bp and haplotype 0 or 1."""
        inside = self.breaks_bp[(self.breaks_bp >= start) & (self.breaks_bp < end)]
        starts = [start, *(inside + 1).tolist()]
        ends = [*inside.tolist(), end]
        kinds = self.haplotype_at(np.array(starts, dtype=np.int64)).tolist()
        return list(zip(starts, ends, kinds, strict=True))


def haldane_crossovers(
    rng: np.random.Generator, start_cm: float, end_cm: float
) -> NDArray[np.float64]:
    """Crossover positions in cM, rising, of one chromatid between two cM positions."""
    # METHOD: crossovers without interference (Haldane 1919): a Poisson process with
    # one crossover a Morgan.
    count = rng.poisson((end_cm - start_cm) / 100.0)
    return np.sort(rng.uniform(start_cm, end_cm, count))


def draw_gamete(
    rng: np.random.Generator, genetic_map: GeneticMap, start_bp: int, end_bp: int
) -> Gamete:
    """A gamete's chromosome between two positions (1-based, inclusive)."""
    first = int(rng.integers(2))
    grid_bp = np.unique(
        np.concatenate(
            [
                [start_bp, end_bp],
                genetic_map.pos_bp[
                    (genetic_map.pos_bp > start_bp) & (genetic_map.pos_bp < end_bp)
                ],
            ]
        )
    )
    grid_cm = genetic_map.cm_at(grid_bp)
    crossovers_cm = haldane_crossovers(rng, float(grid_cm[0]), float(grid_cm[-1]))
    breaks = np.interp(crossovers_cm, grid_cm, grid_bp).astype(np.int64)
    return Gamete(first=first, breaks_bp=breaks)
