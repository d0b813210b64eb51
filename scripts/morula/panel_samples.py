"""The labels of a reference panel's samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from morula.errors import InputError
from morula.tables import read_tsv

COLUMNS = ("sample", "population", "superpopulation")


@dataclass(frozen=True)
class Labels:
    """Names and labels of S samples: str arrays (S,)."""

    samples: NDArray[np.str_]
    populations: NDArray[np.str_]
    superpopulations: NDArray[np.str_]

    def superpopulation_of(self) -> dict[str, str]:
        """Superpopulation of every population."""
        pairs = zip(self.populations.tolist(), self.superpopulations, strict=True)
        return {population: str(label) for population, label in pairs}


def read_labels(path: str | Path, samples: Sequence[str]) -> Labels:
    """Labels of `samples`, in their order.

    Raises InputError for a missing column, a sample without a row or with two, an
    empty label, or a population that has two superpopulations.
    """
    rows = _read_rows(path)
    unknown = [name for name in samples if name not in rows]
    if unknown:
        raise InputError(
            f"{path}: no row for {len(unknown)} of {len(samples)} samples of the panel,"
            f" the first is {unknown[0]!r}; add them"
        )
    populations = [rows[name]["population"].strip() for name in samples]
    superpopulations = [rows[name]["superpopulation"].strip() for name in samples]
    known: dict[str, str] = {}
    for population, label in zip(populations, superpopulations, strict=True):
        if known.setdefault(population, label) != label:
            raise InputError(
                f"{path}: population {population!r} has superpopulations"
                f" {known[population]!r} and {label!r}; expected one"
            )
    return Labels(
        np.array(samples, dtype=str),
        np.array(populations, dtype=str),
        np.array(superpopulations, dtype=str),
    )


def _read_rows(path: str | Path) -> dict[str, dict[str, str]]:
    """Rows by sample, each with its three labels."""
    rows: dict[str, dict[str, str]] = {}
    for line, row in enumerate(read_tsv(path), start=2):
        missing = [name for name in COLUMNS if name not in row]
        if missing:
            raise InputError(
                f"{path}: no column {missing[0]!r}; it has {', '.join(row)}"
            )
        if row["sample"] in rows:
            raise InputError(
                f"{path}, line {line}: sample {row['sample']!r} is there twice"
            )
        rows[row["sample"]] = row
        empty = [name for name in COLUMNS if not row[name].strip()]
        if empty:
            raise InputError(
                f"{path}, line {line}: {empty[0]} is empty; expected a label"
            )
    return rows
