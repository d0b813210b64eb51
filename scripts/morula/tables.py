"""TSV tables as Morula writes them: a header, one type a column, empty for missing."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from morula.atomic import written_whole
from morula.errors import InputError


def format_cell(value: object) -> str:
    """A cell's text: empty for None and NaN, `yes`/`no` for booleans, six significant
    digits for floats."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.6g}"
    return str(value)


def write_tsv(
    path: str | Path,
    columns: Sequence[str],
    rows: Iterable[Mapping[str, object]],
) -> None:
    """Write `rows` under `columns`, whole or not at all.

    A float that needs more than six significant digits is passed as a string.
    Raises ValueError when a row has a key that is not a column, or lacks one.
    """
    with written_whole(path) as partial, partial.open("w", newline="") as handle:
        writer = csv.writer(handle, delimiter="\t", lineterminator="\n")
        writer.writerow(columns)
        for row in rows:
            if set(row) != set(columns):
                odd = sorted(set(row) ^ set(columns))
                raise ValueError(f"{path}: row and columns differ in {odd}")
            writer.writerow([format_cell(row[column]) for column in columns])


def read_tsv(path: str | Path) -> list[dict[str, str]]:
    """Rows of one of Morula's own tables as dictionaries of strings.

    Raises InputError when the file is missing or a row has another number of cells
    than the header.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    with path.open(newline="") as handle:
        reader = csv.reader(handle, delimiter="\t")
        header = next(reader, None)
        if header is None:
            raise InputError(f"{path}: empty; expected a header line")
        rows = []
        for line, cells in enumerate(reader, start=2):
            if len(cells) != len(header):
                raise InputError(
                    f"{path}, line {line}: {len(cells)} cells; expected {len(header)}"
                )
            rows.append(dict(zip(header, cells, strict=True)))
    return rows
