"""The numbers of each amplification protocol (resources/simulation.tsv)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from morula import tables
from morula.errors import InputError


@dataclass(frozen=True)
class Protocol:
    """What an amplification does to the DNA of each cell.

    name: the table's row; cells: amplified each by itself, then pooled.
    dropout_rate: share of a cell's sites with any template that have one allele only;
    locus_dropout_rate: share of a cell's genome where all copies are lost together.
    amplicon_bp: mean length of a stretch of even amount.
    imbalance_sd: standard deviation of ln amount of amplicons; regional_sd: of the part
    that changes slowly along a copy, correlated as exp(-distance / regional_bp).
    gc_slope: change of ln amount by a unit of the amplicon's GC content.
    chimera_rate: share of the fragments that join two places; chimera_near: share of
    these that join places of one molecule, at a distance of chimera_bp on average;
    chimera_inverted: share of these whose second part is turned.
    damage_rate: share of the cytosines of a fragment's strand that are read as thymine.
    clonal_error_rate: errors per base and copy that more than a fifth of an amplicon's
    molecules share; clonal_ct: share of them that are C>T or G>A.
    """

    name: str
    cells: int
    dropout_rate: float
    locus_dropout_rate: float
    amplicon_bp: float
    imbalance_sd: float
    regional_sd: float
    regional_bp: float
    gc_slope: float
    chimera_rate: float
    chimera_near: float
    chimera_bp: float
    chimera_inverted: float
    damage_rate: float
    clonal_error_rate: float
    clonal_ct: float

    @property
    def is_amplified(self) -> bool:
        """Whether the DNA is amplified at all."""
        return self.name != "none"


# DNA that was not amplified: even amounts, no error of its own. As the table has it.
ORDINARY = Protocol(
    name="none",
    cells=1,
    dropout_rate=0.0,
    locus_dropout_rate=0.0,
    amplicon_bp=10_000.0,
    imbalance_sd=0.0,
    regional_sd=0.0,
    regional_bp=100_000.0,
    gc_slope=0.0,
    chimera_rate=0.0,
    chimera_near=0.0,
    chimera_bp=1_000.0,
    chimera_inverted=0.0,
    damage_rate=0.0,
    clonal_error_rate=0.0,
    clonal_ct=0.0,
)
NUMBERS = tuple(field.name for field in fields(Protocol))[2:]
_SHARES = {
    "dropout_rate",
    "locus_dropout_rate",
    "chimera_rate",
    "chimera_near",
    "chimera_inverted",
    "damage_rate",
    "clonal_error_rate",
    "clonal_ct",
}
_LENGTHS = {"amplicon_bp", "regional_bp", "chimera_bp"}
_SPREADS = {"imbalance_sd", "regional_sd"}


def _checked(values: Mapping[str, float], where: str) -> None:
    """Raise InputError for an unknown name or a number out of range."""
    for name, value in values.items():
        if name not in NUMBERS:
            raise InputError(
                f"{where}: no number {name!r} of a protocol; expected one of"
                f" {', '.join(NUMBERS)}"
            )
        if not math.isfinite(value):
            raise InputError(f"{where}: {name} is {value}; expected a number")
        if name in _SHARES and not 0.0 <= value <= 1.0:
            raise InputError(f"{where}: {name} is {value}; expected 0 to 1")
        if name in _LENGTHS and not value >= 1.0:
            raise InputError(f"{where}: {name} is {value}; expected 1 bp or more")
        if name in _SPREADS and not value >= 0.0:
            raise InputError(f"{where}: {name} is {value}; expected 0 or more")


def read_protocol(
    path: str | Path,
    amplification: str,
    cells: int | None = None,
    changes: Mapping[str, float] | None = None,
) -> Protocol:
    """The protocol of an amplification and a number of cells.

    Of the rows of `amplification` it is the one with the largest `cells_from` that is
    not above `cells`; without `cells` the row's own number of cells is taken. changes:
    numbers that replace the row's; ordinary DNA (`none`) takes none. Raises InputError
    for an unknown amplification, an unknown number, or one out of range.
    """
    rows = tables.read_tsv(path)
    known = [row for row in rows if row["amplification"] == amplification]
    if not known:
        names = sorted({row["amplification"] for row in rows})
        raise InputError(
            f"{path}: no amplification {amplification!r}; it has {', '.join(names)}"
        )
    if cells is not None and cells < 1:
        raise InputError(f"{cells} cells of {amplification}; expected 1 or more")
    # METHOD: cells are amplified independently, so a pool of n has lost an allele only
    # where each of them has: e^n. That a biopsy of five cells still shows some 5 % of
    # dropout means that a cell of it loses more than a single cell does alone (the
    # template is shared out, cells are damaged), hence rows by the number of cells.
    fitting = [row for row in known if int(row["cells_from"]) <= (cells or 1)]
    row = max(fitting, key=lambda row: int(row["cells_from"]))
    values = {name: float(row[name]) for name in NUMBERS}
    _checked(values, f"{path}, protocol {row['protocol']}")
    made = Protocol(row["protocol"], cells or int(row["cells"]), **values)
    if changes and made.is_amplified:
        _checked(changes, "changes of the protocol")
        made = Protocol(made.name, made.cells, **{**values, **changes})
    return made


def parse_changes(pairs: Sequence[Sequence[str]]) -> dict[str, float]:
    """Name -> number of pairs of words; raises InputError for what is no number."""
    changes = {}
    for name, text in pairs:
        try:
            changes[name] = float(text)
        except ValueError:
            raise InputError(
                f"protocol, {name}: found {text!r}; expected a number"
            ) from None
    _checked(changes, "changes of the protocol")
    return changes
