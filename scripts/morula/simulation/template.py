"""What is left of a sample's chromosome copies: the template's truth, as tables and at
sites. Only the sample's own molecules count here, not a contaminant's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from morula.simulation.amplification import Molecule, Region, summed
from morula.simulation.copies import Copy

COLUMNS = ("sample", "chrom", "start", "end", "maternal_share", "amount")
GRID_BP = 200


def maternal_copies(copies: Sequence[Copy]) -> list[int]:
    """Indexes of the maternal copies; a founder's first copy counts as maternal."""
    if all(not one.parent for one in copies):
        return [0] if copies else []
    return [k for k, one in enumerate(copies) if one.parent == "mother"]


def rows_of(
    sample: str,
    chrom: str,
    molecules: Sequence[Molecule],
    copies: Sequence[Copy],
    region: Region,
) -> Iterator[dict[str, object]]:
    """Rows of the table of the template: stretches in which no amount changes.

    maternal_share: maternal copies over all, None where nothing is left; amount: 1 for
    two copies that were not amplified, a mean over cells.
    """
    if not molecules:
        return
    edges, maternal, total = shares(molecules, copies)
    cells = 1 + max(one.cell for one in molecules)
    for begin, end, one, both in zip(
        edges[:-1].tolist(),
        edges[1:].tolist(),
        maternal.tolist(),
        total.tolist(),
        strict=True,
    ):
        share = one / both if both > 0 else None
        place = (sample, chrom, region.start0 + begin + 1, region.start0 + end)
        amounts = (share, both / (2 * cells))
        yield dict(zip(COLUMNS, (*place, *amounts), strict=True))


def shares(
    molecules: Sequence[Molecule], copies: Sequence[Copy]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Edges of the stretches in which no amount changes, int64 (A + 1,), and in each
    the sum of the maternal amounts and of all, float64 (A,)."""
    edges = np.unique(np.concatenate([one.template.edges for one in molecules]))
    mothers = set(maternal_copies(copies))
    maternal = [one for one in molecules if one.copy in mothers]
    amounts = summed(maternal, edges), summed(molecules, edges)
    new = np.ones(len(edges), dtype=bool)
    new[1:-1] = (np.diff(amounts[0]) != 0.0) | (np.diff(amounts[1]) != 0.0)
    return edges[new], amounts[0][new[:-1]], amounts[1][new[:-1]]


@dataclass(frozen=True)
class Lengths:
    """Bases of a template: one: with alleles of one parent only; none: without any;
    total: all."""

    one: float = 0.0
    none: float = 0.0
    total: float = 0.0

    def __add__(self, other: Lengths) -> Lengths:
        return Lengths(
            self.one + other.one, self.none + other.none, self.total + other.total
        )

    @property
    def dropout(self) -> float:
        """Allele dropout: share with one parent's alleles of what has any."""
        left = self.total - self.none
        return self.one / left if left > 0.0 else float("nan")

    @property
    def locus_dropout(self) -> float:
        """Locus dropout: share without any template."""
        return self.none / self.total if self.total > 0.0 else float("nan")


def lengths(molecules: Sequence[Molecule], copies: Sequence[Copy]) -> Lengths:
    """How much of a chromosome's template lacks one parent's alleles, or all."""
    if not molecules:
        return Lengths()
    edges, maternal, total = shares(molecules, copies)
    bases = np.diff(edges)
    one = (total > 0.0) & ((maternal <= 0.0) | (maternal >= total))
    return Lengths(
        float(bases[one].sum()), float(bases[total <= 0.0].sum()), float(bases.sum())
    )


def lengths_of_cells(molecules: Sequence[Molecule], copies: Sequence[Copy]) -> Lengths:
    """The same of each cell by itself, summed over cells."""
    cells: dict[int, list[Molecule]] = {}
    for one in molecules:
        cells.setdefault(one.cell, []).append(one)
    return sum((lengths(cell, copies) for cell in cells.values()), Lengths())


def seen_lengths(
    molecules: Sequence[Molecule],
    copies: Sequence[Copy],
    region: Region,
    insert_bp: int,
) -> Lengths:
    """The same of what fragments show (`shares_at`), at every GRID_BP bases."""
    if not molecules:
        return Lengths()
    offsets = np.arange(GRID_BP // 2, region.span_bp, GRID_BP, dtype=np.int64)
    share = shares_at(molecules, copies, offsets, insert_bp)
    one = float(((share == 0.0) | (share == 1.0)).sum())
    return Lengths(one, float(np.isnan(share).sum()), float(len(share)))


def shares_at(
    molecules: Sequence[Molecule],
    copies: Sequence[Copy],
    offsets: NDArray[np.int64],
    insert_bp: int,
) -> NDArray[np.float64]:
    """Maternal share of the fragments that cover each offset, float64 (L,); NaN where
    none can.

    A fragment of insert_bp bases has its middle in an amplicon, but covers the
    neighbours' ends, too: what is exactly 0 or 1 is dropout that reads can see.
    """
    mothers = set(maternal_copies(copies))
    maternal = np.zeros(len(offsets))
    total = np.zeros(len(offsets))
    for one in molecules:
        edges = one.template.edges
        sums = np.concatenate([[0.0], np.cumsum(one.template.amounts * np.diff(edges))])
        low, high = offsets - insert_bp // 2, offsets + insert_bp - insert_bp // 2
        amount = np.interp(high, edges, sums) - np.interp(low, edges, sums)
        # Differences of long sums: what is no more than rounding is nothing.
        amount[amount < 1e-9 * sums[-1] / len(edges)] = 0.0
        total += amount
        if one.copy in mothers:
            maternal += amount
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(total > 0.0, maternal / total, np.nan))
