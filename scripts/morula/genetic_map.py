"""Genetic maps in PLINK format (chrom, id, cM, bp) and map functions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from morula.errors import InputError


@dataclass(frozen=True)
class GeneticMap:
    """Positions (bp, rising) and map positions (cM, not falling) of a chromosome."""

    pos_bp: NDArray[np.int64]
    cm: NDArray[np.float64]

    def cm_at(self, pos_bp: ArrayLike) -> NDArray[np.float64]:
        """Genetic position in cM by linear interpolation; outside the map the map's
        mean rate goes on, so that no two distinct sites are at distance zero there."""
        query = np.asarray(pos_bp, dtype=np.float64)
        inside = np.interp(query, self.pos_bp, self.cm)
        span_bp = float(self.pos_bp[-1] - self.pos_bp[0])
        rate = float(self.cm[-1] - self.cm[0]) / span_bp if span_bp > 0 else 1e-6
        before = np.minimum(query - self.pos_bp[0], 0.0)
        after = np.maximum(query - self.pos_bp[-1], 0.0)
        return np.asarray(inside + rate * (before + after), dtype=np.float64)


def haldane(gap_cm: ArrayLike) -> NDArray[np.float64]:
    """Recombination fraction in [0, 0.5] of a gap in cM (Haldane 1919)."""
    gap = np.asarray(gap_cm, dtype=np.float64)
    return np.asarray(0.5 * -np.expm1(-gap / 50.0), dtype=np.float64)


def read_map(path: str | Path, chrom: str) -> GeneticMap:
    """Read the rows of `chrom`; a file whose names lack or add `chr` is refused.

    Raises InputError, with the line, for a row that is not chrom, id, cM, bp, or for
    positions that do not rise.
    """
    pos: list[int] = []
    cm: list[float] = []
    others: set[str] = set()
    with Path(path).open() as handle:
        for line, text in enumerate(handle, start=1):
            cells = text.split()
            if not cells or text.startswith("#"):
                continue
            if len(cells) != 4:
                raise InputError(
                    f"{path}, line {line}: {len(cells)} columns; expected 4"
                    " (chrom, id, cM, bp)"
                )
            if cells[0] != chrom:
                others.add(cells[0])
                continue
            try:
                cm_value, bp_value = float(cells[2]), int(cells[3])
            except ValueError:
                raise InputError(
                    f"{path}, line {line}: found {cells[2]!r} and {cells[3]!r};"
                    " expected numbers (cM, bp)"
                ) from None
            if pos and (bp_value < pos[-1] or cm_value < cm[-1]):
                raise InputError(
                    f"{path}, line {line}: {bp_value} bp, {cm_value} cM comes after"
                    f" {pos[-1]} bp, {cm[-1]} cM; expected rising positions"
                )
            pos.append(bp_value)
            cm.append(cm_value)
    if len(pos) < 2:
        found = f"; it has {', '.join(sorted(others))}" if others else ""
        raise InputError(f"{path}: fewer than two rows for {chrom}{found}")
    return GeneticMap(np.array(pos, dtype=np.int64), np.array(cm, dtype=np.float64))
