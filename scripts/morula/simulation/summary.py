"""What was asked of a sample's simulation, and what was obtained: one row a sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from morula.simulation.amplification import Molecule, Region, allele_loss
from morula.simulation.copies import Copy
from morula.simulation.protocols import Protocol
from morula.simulation.template import (
    Lengths,
    lengths,
    lengths_of_cells,
    seen_lengths,
)

COLUMNS = (
    "sample",
    "protocol",
    "cells",
    "asked_cell_dropout",
    "cell_dropout",
    "asked_cell_locus_dropout",
    "cell_locus_dropout",
    "template_dropout",
    "template_locus_dropout",
    "dropout",
    "locus_dropout",
    "asked_contamination",
    "contamination",
    "asked_depth",
    "depth",
    "duplicates",
    "error",
)


@dataclass(frozen=True)
class Losses:
    """How much of the template is lost: of cells by themselves, of their pool, and of
    what fragments show of the pool."""

    cells: Lengths = field(default_factory=Lengths)
    pool: Lengths = field(default_factory=Lengths)
    seen: Lengths = field(default_factory=Lengths)

    def __add__(self, other: Losses) -> Losses:
        return Losses(
            self.cells + other.cells, self.pool + other.pool, self.seen + other.seen
        )


def losses(
    own: Sequence[Molecule], copies: Sequence[Copy], region: Region, insert_bp: int
) -> Losses:
    """Losses of one chromosome; own: the sample's molecules of it, without those of a
    contaminant; insert_bp: mean length of the fragments."""
    return Losses(
        lengths_of_cells(own, copies),
        lengths(own, copies),
        seen_lengths(own, copies, region, insert_bp),
    )


@dataclass(frozen=True)
class Obtained:
    """contamination, duplicates: shares of the fragments; depth: mean, as far as the
    mode knows it; error: share of wrong bases among those counted, None where none are
    counted."""

    contamination: float
    duplicates: float
    depth: float
    error: float | None


def row_of(
    sample: str,
    protocol: Protocol,
    lost: Losses,
    asked: tuple[float, float],
    obtained: Obtained,
) -> dict[str, object]:
    """The row of the table; asked: contamination and depth.

    `dropout` and `locus_dropout` are what reads can show: where a fragment may reach
    into a neighbouring amplicon, the template's dropout cannot be seen.
    """
    both = allele_loss(protocol.dropout_rate) ** 2
    locus = 1.0 - (1.0 - protocol.locus_dropout_rate) * (1.0 - both)
    values = (
        *(sample, protocol.name, protocol.cells),
        *(protocol.dropout_rate, lost.cells.dropout),
        *(locus, lost.cells.locus_dropout),
        *(lost.pool.dropout, lost.pool.locus_dropout),
        *(lost.seen.dropout, lost.seen.locus_dropout),
        *(asked[0], obtained.contamination),
        *(asked[1], obtained.depth, obtained.duplicates, obtained.error),
    )
    return dict(zip(COLUMNS, values, strict=True))
