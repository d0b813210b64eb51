"""Sheets that a person writes: TSV or CSV with a header, checked row by row.

A schema (config/schemas) says which columns there are and what their cells hold. What
spreadsheets add is taken off: a byte-order mark, CRLF, quotes, blanks around a cell,
empty columns and rows at the end. `#` lines are comments.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from morula.errors import InputError
from morula.problems import Problems, suggestion

# Names reach file names, shells and HTML.
NAME = "^[A-Za-z0-9][A-Za-z0-9_-]*$"
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
DELIMITERS = {"\t": "tabs", ",": "commas", ";": "semicolons"}

Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """A row: its line in the sheet, and every column's value (None where empty)."""

    sheet: str
    line: int
    cells: dict[str, Any]

    def where(self, column: str) -> str:
        """`units.tsv, line 3, bam`: names the cell in messages."""
        return f"{self.sheet}, line {self.line}, {column}"


def read_sheet(path: str | Path, schema: Schema, key: str) -> list[Row]:
    """Rows of the sheet at `path`, which the config gives as `key`.

    Raises InputError, with all mistakes found, when the file cannot be read as a
    table, a column is unknown or missing, or a cell is not what its column holds.
    """
    rows = _table(str(path), read_text(path, key))
    header_line, header = next(rows, (0, []))
    if not any(header):
        raise InputError(f"{path}: empty; expected a header line and rows")
    header = header[: max(i for i, name in enumerate(header) if name) + 1]
    problems = Problems()
    _check_header(f"{path}, line {header_line}", header, schema, problems)
    problems.refuse()
    records = []
    for line, cells in rows:
        if not any(cells):
            continue
        if any(cells[len(header) :]):
            problems.add(
                f"{path}, line {line}: {len(cells)} cells; expected {len(header)},"
                " as the header has"
            )
            continue
        texts = cells + [""] * (len(header) - len(cells))
        defaults = {n: r.get("default") for n, r in schema["properties"].items()}
        row = Row(str(path), line, defaults)
        for column, text in zip(header, texts, strict=False):
            row.cells[column] = _value(
                row.where(column), column, text, schema, problems
            )
        records.append(row)
    problems.refuse()
    if not records:
        raise InputError(f"{path}: a header but no rows; expected at least one row")
    return records


def read_text(path: str | Path, key: str) -> str:
    """The file's text; raises InputError when it is missing or not UTF-8 text."""
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        raise InputError(
            f"{path}: no such file; the config's {key!r} names it (paths are relative"
            " to the working directory)"
        ) from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    if data.startswith(b"PK\x03\x04"):
        raise InputError(f"{path}: an Excel workbook; save it as tab-separated text")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path}, line {line}: not UTF-8 text; save the sheet as UTF-8"
        ) from None
    if "\0" in text:
        raise InputError(f"{path}: not text (it has null bytes); save it as UTF-8")
    return text


def _table(path: str, text: str) -> Iterator[tuple[int, list[str]]]:
    """Line number and stripped cells of every line that is not a comment."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    header = next((line for line in lines if line.strip() and line[0] != "#"), "")
    delimiter = next((sign for sign in DELIMITERS if sign in header), None)
    if delimiter is None and " " in header.strip():
        raise InputError(
            f"{path}, line {lines.index(header) + 1}: columns are separated by spaces;"
            " expected tabs or commas"
        )
    kept = [(n, line) for n, line in enumerate(lines, 1) if not line.startswith("#")]
    if not header:
        return
    reader = csv.reader(
        (line + "\n" for _, line in kept), delimiter=delimiter or "\t", strict=True
    )
    first = 0
    try:
        for cells in reader:
            yield kept[first][0], [cell.strip() for cell in cells]
            first = reader.line_num
    except csv.Error as error:
        line = kept[min(first, len(kept) - 1)][0]
        raise InputError(
            f"{path}, line {line}: quotes do not match ({error}); expected cells"
            " without quotes, or with one before and one after"
        ) from None


def _check_header(
    where: str, header: list[str], schema: Schema, problems: Problems
) -> None:
    """Note columns that are unknown, missing, empty or there twice."""
    columns = schema["properties"]
    for position, name in enumerate(header, start=1):
        if not name:
            problems.add(f"{where}: column {position} has no name")
        elif header.index(name) + 1 != position:
            problems.add(f"{where}: column {name!r} is there twice")
        elif name not in columns:
            problems.add(
                f"{where}: unknown column {name!r}"
                f"{suggestion(name, set(columns) - set(header))}"
                f" (columns: {', '.join(columns)})"
            )
    for name in schema["required"]:
        if name not in header:
            problems.add(f"{where}: no column {name!r}; found {', '.join(header)}")


def _value(
    where: str, column: str, text: str, schema: Schema, problems: Problems
) -> str | int | float | None:
    """The cell's value by its column's schema; None, and a note, when it is wrong."""
    rules = schema["properties"][column]
    if not text:
        if column in schema["required"]:
            problems.add(f"{where}: empty; expected {expectation(rules)}")
        return rules.get("default")
    if CONTROL.search(text):
        problems.add(f"{where}: {text!r} has a line break or control character")
        return None
    value: str | int | float | None = text
    if rules.get("type") in ("integer", "number"):
        value = _number(text, rules["type"])
    if value is None or not _fits(value, rules):
        hint = suggestion(text, rules["enum"]) if "enum" in rules else ""
        problems.add(f"{where}: found {text!r}; expected {expectation(rules)}{hint}")
        return None
    return value


def _number(text: str, kind: str) -> int | float | None:
    """The number that `text` writes; None when it is none."""
    try:
        value = float(text)
    except ValueError:
        return None
    if not math.isfinite(value):
        return None
    if kind == "integer":
        return int(value) if value == int(value) else None
    return value


def _fits(value: str | int | float, rules: Schema) -> bool:
    if isinstance(value, str):
        return (
            value in rules.get("enum", [value])
            and re.search(rules.get("pattern", ""), value) is not None
            and len(value) <= rules.get("maxLength", len(value))
        )
    return (
        value >= rules.get("minimum", value)
        and value <= rules.get("maximum", value)
        and value > rules.get("exclusiveMinimum", -math.inf)
        and value < rules.get("exclusiveMaximum", math.inf)
    )


def expectation(rules: Schema) -> str:
    """What a value should be, in words, by its schema."""
    if "enum" in rules:
        return "one of " + ", ".join(str(word) for word in rules["enum"])
    if "\\{chrom\\}" in rules.get("pattern", ""):
        return "a path with {chrom} in it"
    if rules.get("pattern") == NAME:
        return (
            "a name of letters, digits, _ and - that begins with a letter or digit, at"
            f" most {rules['maxLength']} long"
        )
    if "pattern" in rules:
        return f"text that fits {rules['pattern']}"
    kind = rules.get("type")
    if kind not in ("integer", "number"):
        return {
            "string": "text",
            "object": "keys with values",
            "array": "a list",
            "boolean": "true or false",
        }.get(str(kind), "a value")
    limits = {
        "minimum": "at least",
        "exclusiveMinimum": "above",
        "maximum": "at most",
        "exclusiveMaximum": "below",
    }
    words = [f"{word} {rules[name]}" for name, word in limits.items() if name in rules]
    noun = "a whole number" if kind == "integer" else "a number"
    return " ".join([noun, " and ".join(words)]).strip()
