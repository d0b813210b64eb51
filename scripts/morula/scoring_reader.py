"""Scoring files as compact rows: read fast where all is plain, and kept in a cache.

METHOD: what was read from a file is kept under a digest of its bytes, of the build and
of the code that read it: so that a further family, panel or choice of traits reads
no file again, and no entry is ever out of date. An entry is written whole; one that is
damaged (its parts have CRCs) is made again. The folder may be removed at any time.
"""

from __future__ import annotations

import hashlib
import logging
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from morula import scoring_file, scoring_kernels, scoring_rows
from morula.atomic import written_whole
from morula.panel_sites import BASES
from morula.scoring_file import DOSAGE_WEIGHTS, FLAG_REASONS, Layout
from morula.scoring_rows import ScoringRows
from morula.stored_arrays import UNREADABLE

logger = logging.getLogger(__name__)

# With one of these a row may be more than an additive effect of one allele.
NOT_ADDITIVE = {*FLAG_REASONS, *DOSAGE_WEIGHTS, "effect_type", "variant_type"}
OTHER_COLUMNS = ("other_allele", "reference_allele", "hm_inferOtherAllele")


def read_rows(path: str | Path, build: str, kept: Path) -> tuple[str, ScoringRows]:
    """Id and rows of a file, plain or gzipped, whose positions must be of `build`.

    Exact repeats are marked. kept: the folder of the cache.

    Raises InputError for a file that cannot be read, has no or another genome build,
    lacks a column, or has a number that is none (with its line).
    """
    packed = scoring_file.read_packed(path)
    entry = kept / f"{_digest(packed, build)}.npz"
    found = _load(entry)
    if found is None:
        text = scoring_file.unpack(path, packed)
        layout = scoring_file.layout_of(path, text, build)
        rows = scoring_rows.mark_repeats(parse(layout, text))
        found = layout.given_id, rows
        _save(entry, *found)
    pgs_id, rows = found
    return pgs_id or scoring_file.stem(path), rows


def parse(layout: Layout, text: bytes) -> ScoringRows:
    """The rows of a file, unpacked. Raises InputError as `scoring_file.parse` does."""
    rows = _parse_plain(layout, text)
    if rows is None:
        rows = scoring_rows.pack(scoring_file.parse(layout, text))
    return rows


def _parse_plain(layout: Layout, text: bytes) -> ScoringRows | None:
    """The rows of a file whose every row is plain; None if one is not."""
    roles = _roles(layout)
    if roles is None or layout.start >= len(text):
        return None
    # Plain rows have a byte between their cells: there are no more than these.
    n_lines = (len(text) - layout.start) // len(roles) + 1
    places = np.empty((n_lines, 2), dtype=np.int64)
    alleles = np.empty((n_lines, 2), dtype=np.int32)
    numbers = np.empty((n_lines, 2))
    later = np.empty((4 * n_lines, 4), dtype=np.int64)
    if not text.endswith(b"\n"):
        text += b"\n"
    raw = np.frombuffer(text, dtype=np.uint8)
    n_rows, n_later = scoring_kernels.scan(
        raw, layout.start, roles, places, alleles, numbers, later
    )
    if n_rows == scoring_kernels.NOT_PLAIN:
        return None
    names = _fill_in(text, later[:n_later], alleles, numbers)
    if not np.isfinite(numbers[:n_rows, 0]).all():
        return None
    chromosomes, chrom = _chromosomes(places[:n_rows, 0])
    pos_bp = places[:n_rows, 1]
    has_place = (chrom != scoring_rows.ABSENT) & (pos_bp > 0)
    return ScoringRows(
        chromosomes=chromosomes,
        alleles=np.array(names, dtype=str),
        chrom=chrom,
        pos_bp=np.where(pos_bp > 0, pos_bp, scoring_rows.ABSENT),
        effect=alleles[:n_rows, 0].copy(),
        other=alleles[:n_rows, 1].copy(),
        weight=numbers[:n_rows, 0].copy(),
        frequency=numbers[:n_rows, 1].copy(),
        reason=np.where(has_place, scoring_rows.OPEN, scoring_rows.NO_POSITION).astype(
            np.uint8
        ),
    )


def _roles(layout: Layout) -> NDArray[np.uint8] | None:
    """What each column is to its row; None where rows may not be plain."""
    names = layout.names
    others = [name for name in OTHER_COLUMNS if name in names]
    if NOT_ADDITIVE & set(names) or len(others) > 2:
        return None
    of_name = {
        layout.chrom_column: scoring_kernels.CHROM,
        layout.pos_column: scoring_kernels.POS,
        "effect_allele": scoring_kernels.EFFECT,
        "effect_weight": scoring_kernels.WEIGHT,
        "allelefrequency_effect": scoring_kernels.FREQUENCY,
    }
    either = (scoring_kernels.OTHER, scoring_kernels.OTHER_TOO)
    of_name |= dict(zip(others, either, strict=False))
    roles = [of_name.get(name, scoring_kernels.IGNORED) for name in names]
    return np.array(roles, dtype=np.uint8)


def _fill_in(
    text: bytes,
    later: NDArray[np.int64],
    alleles: NDArray[np.int32],
    numbers: NDArray[np.float64],
) -> list[str]:
    """Put in the longer alleles and the numbers that `scan` left; all alleles."""
    of_name = {base: number for number, base in enumerate(BASES)}
    for row, column, start, end in later.tolist():
        cell = text[start:end].decode("ascii")
        if column < 2:
            alleles[row, column] = of_name.setdefault(cell.upper(), len(of_name))
        else:
            numbers[row, column - 2] = float(cell)
    return list(of_name)


def _chromosomes(
    packed: NDArray[np.int64],
) -> tuple[NDArray[np.str_], NDArray[np.int16]]:
    """Names of the chromosomes, and of each row its index, from what `scan` packs."""
    # Rows of a chromosome follow each other: few changes, few names to look at.
    starts = np.flatnonzero(np.diff(packed, prepend=-1))
    of_name: dict[str, int] = {}
    numbers = []
    for value in packed[starts].tolist():
        word = value.to_bytes(scoring_kernels.LONGEST_NAME + 1).lstrip(b"\0").decode()
        name = word.upper().removeprefix("CHR")
        absent = scoring_rows.ABSENT
        numbers.append(of_name.setdefault(name, len(of_name)) if name else absent)
    sizes = np.diff(starts, append=len(packed))
    return np.array(list(of_name), dtype=str), np.repeat(
        np.array(numbers, dtype=np.int16), sizes
    )


@cache
def _code() -> bytes:
    """Digest of the code that reads."""
    files = (scoring_file, scoring_kernels, scoring_rows)
    paths = [Path(str(module.__file__)) for module in files] + [Path(__file__)]
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).digest()


def _digest(packed: bytes, build: str) -> str:
    content = hashlib.sha256(packed).digest()
    return hashlib.sha256(content + build.encode() + _code()).hexdigest()


def _save(entry: Path, pgs_id: str, rows: ScoringRows) -> None:
    arrays: dict[str, Any] = {
        n: _narrow(getattr(rows, n)) for n in scoring_rows.COLUMNS
    }
    with written_whole(entry) as partial:
        np.savez(partial, pgs_id=np.array(pgs_id), **arrays)


def _narrow(column: NDArray[Any]) -> NDArray[Any]:
    """Whole numbers in as few bytes as hold them; others as they are."""
    if column.dtype.kind != "i" or not len(column):
        return column
    largest = max(int(column.max()), -int(column.min()))
    size = next(n for n in (1, 2, 4, 8) if largest < 1 << (8 * n - 1))
    return column.astype(f"i{size}")


def _load(entry: Path) -> tuple[str, ScoringRows] | None:
    """What was kept; None if nothing was, or it is damaged."""
    if not entry.exists():
        return None
    try:
        with entry.open("rb") as handle, np.load(handle) as stored:
            columns = {
                name: stored[name].astype(dtype, copy=False)
                for name, dtype in scoring_rows.COLUMNS.items()
            }
            return str(stored["pgs_id"]), ScoringRows(**columns)
    except UNREADABLE as error:
        logger.warning("%s: damaged (%s); it is made again", entry, error)
        return None
