"""The chromosome copies that a simulated member of a family has: the whole truth.

An ordinary embryo has two copies of each autosome, the maternal one first. Losses,
gains, uniparental and mosaic ones are other sets of copies. The alleles of the copies
stand in the member's truth BCF: one allele of GT a copy, in the order of the copies.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from morula import tables
from morula.errors import InputError

COLUMNS = (
    "sample",
    "chrom",
    "copy",
    "parent",
    "start",
    "end",
    "haplotype",
    "cells_from",
    "cells_to",
)


@dataclass(frozen=True)
class Stretch:
    """A part of a copy that comes from one haplotype of its parent.

    start, end: bp, 1-based, inclusive; haplotype: 0 or 1 (1 or 2 in tables).
    The cells of a biopsy lie at u = (i + 0.5) / n of [0, 1); those with
    cells_from <= u < cells_to have the stretch: 0 and 1 for all cells, [0, m) for a
    mosaic gain in a share m of them, [m, 1) for a mosaic loss.
    """

    start: int
    end: int
    haplotype: int
    cells_from: float = 0.0
    cells_to: float = 1.0

    def is_in_cell(self, u: float) -> bool:
        """Whether the cell at `u` of [0, 1) has the stretch."""
        return self.cells_from <= u < self.cells_to


@dataclass(frozen=True)
class Copy:
    """One copy of a chromosome. parent: `mother` or `father`, whose haplotypes the
    stretches name; empty for a founder, whose haplotypes are its own. Stretches rise
    and do not overlap; where none lies, the copy has nothing."""

    parent: str
    stretches: tuple[Stretch, ...]

    def haplotype_at(self, pos_bp: NDArray[np.int64]) -> NDArray[np.int8]:
        """Haplotype (0, 1) at each position, int8 (L,); -1 where there is none."""
        if not self.stretches:
            return np.full(len(pos_bp), -1, dtype=np.int8)
        starts = np.array([one.start for one in self.stretches], dtype=np.int64)
        ends = np.array([one.end for one in self.stretches], dtype=np.int64)
        kinds = np.array([one.haplotype for one in self.stretches], dtype=np.int8)
        index = np.searchsorted(starts, pos_bp, side="right") - 1
        inside = (index >= 0) & (pos_bp <= ends[index])
        return np.where(inside, kinds[index], -1).astype(np.int8)


def ordinary_pair(start: int, end: int) -> list[Copy]:
    """A founder's two copies of an autosome, its haplotypes 0 and 1."""
    return [Copy("", (Stretch(start, end, haplotype),)) for haplotype in (0, 1)]


def rows_of(
    sample: str, copies: Mapping[str, Sequence[Copy]]
) -> Iterator[dict[str, object]]:
    """Rows of the table of copies; `copies` by chromosome.

    A copy that is lost whole has a row without start, end, haplotype and cells; a
    chromosome of which there is no copy (the Y of a female) one without `copy`, too.
    """
    for chrom, members in copies.items():
        named = dict.fromkeys(COLUMNS) | {"sample": sample, "chrom": chrom}
        if not members:
            yield named
        for number, copy in enumerate(members, start=1):
            row = named | {"copy": number, "parent": copy.parent}
            if not copy.stretches:
                yield row
            for one in copy.stretches:
                yield row | {
                    "start": one.start,
                    "end": one.end,
                    "haplotype": one.haplotype + 1,
                    "cells_from": one.cells_from,
                    "cells_to": one.cells_to,
                }


def read_copies(path: str | Path, sample: str) -> dict[str, list[Copy]]:
    """Copies of `sample` by chromosome, none where it has no copy of one.

    Raises InputError when the table has no row of the sample.
    """
    found: dict[str, dict[int, tuple[str, list[Stretch]]]] = {}
    for row in tables.read_tsv(path):
        if row["sample"] != sample:
            continue
        numbers = found.setdefault(row["chrom"], {})
        if not row["copy"]:
            continue
        _, stretches = numbers.setdefault(int(row["copy"]), (row["parent"], []))
        if row["start"]:
            stretches.append(_stretch_of(row))
    if not found:
        raise InputError(f"{path}: no copies of {sample!r}")
    return {
        chrom: [
            Copy(parent, tuple(stretches))
            for _, (parent, stretches) in sorted(numbers.items())
        ]
        for chrom, numbers in found.items()
    }


def _stretch_of(row: Mapping[str, str]) -> Stretch:
    return Stretch(
        int(row["start"]),
        int(row["end"]),
        int(row["haplotype"]) - 1,
        float(row["cells_from"]),
        float(row["cells_to"]),
    )
