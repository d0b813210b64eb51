"""PGS Catalog scoring files (formats 1.0 and 2.0, harmonised or not) as one table.

Every row of a file becomes one row of the table, with its line number; a row that
cannot be scored as an additive effect keeps its weight and carries a `reason`, so
that what is left out is counted. Source of the format:
https://www.pgscatalog.org/downloads/#dl_ftp_scoring
"""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from isal import igzip, isal_zlib

from morula.errors import InputError

# What unpacking raises; isal's own error is of a class that its type stubs do not know.
PACKED_ERRORS: tuple[type[Exception], ...] = (
    OSError,
    EOFError,
    vars(isal_zlib)["error"],
)
BUILD_NAMES = {
    "GRCh37": {"grch37", "hg19", "b37", "ncbi37", "37"},
    "GRCh38": {"grch38", "hg38", "b38", "ncbi38", "38"},
}
NOT_REPORTED = {"", "nr", "na", "none", "unknown"}

# What makes a row more than an additive effect of one allele, in order of precedence.
FLAG_REASONS = {
    "is_interaction": "interaction",
    "is_diplotype": "diplotype",
    "is_haplotype": "haplotype",
    "is_dominant": "dominant",
    "is_recessive": "recessive",
}
DOSAGE_WEIGHTS = ("dosage_0_weight", "dosage_1_weight", "dosage_2_weight")
TRUE_WORDS = ["true", "1", "yes", "t"]


@dataclass(frozen=True)
class Layout:
    """What a scoring file's header and its line of column names say.

    given_id: of the header, empty if it has none; start: where the table's first row
    starts in the text; n_lines: lines before it; names: of the columns; chrom_column,
    pos_column: the pair whose positions are of the wanted build.
    """

    path: str
    given_id: str
    start: int
    n_lines: int
    names: tuple[str, ...]
    chrom_column: str
    pos_column: str


def canonical_build(name: str) -> str | None:
    """GRCh37 or GRCh38 for any usual name of the build; None for "not reported"."""
    word = name.strip().lower()
    if word in NOT_REPORTED:
        return None
    for build, names in BUILD_NAMES.items():
        if word in names or word.split(".")[0] in names:
            return build
    return name.strip()


def layout_of(path: str | Path, text: bytes, build: str) -> Layout:
    """The layout of a file, unpacked, whose positions must be of `build`.

    Raises InputError for a file without a table, of no or another genome build, or that
    lacks a column.
    """
    header, start, n_header = _split_header(text)
    end = text.find(b"\n", start)
    end = len(text) if end < 0 else end
    names = _column_names(path, text[start:end], n_header)
    chrom_column, pos_column = _choose_positions(path, header, names, build)
    _check_columns(path, names)
    return Layout(
        str(path),
        header.get("pgs_id", ""),
        end + 1,
        n_header + 1,
        tuple(names),
        chrom_column,
        pos_column,
    )


def parse(layout: Layout, text: bytes) -> pl.DataFrame:
    """The rows of a file, unpacked: line (1-based line of the file), chrom (without
    `chr`; null: none given), pos_bp, effect, other (null: not given), weight, frequency
    (of the effect allele; null: not given), reason (null: an additive effect that can
    be matched; else why the row cannot be scored).

    Raises InputError for a file that is no table or has a number that is none (with its
    line).
    """
    cells = _parse_cells(layout, text)
    table = cells.select(
        "line",
        chrom=_chrom(layout.chrom_column),
        pos_text=pl.col(layout.pos_column),
        pos_bp=pl.col(layout.pos_column).cast(pl.Int64, strict=False),
        effect=_text(cells, "effect_allele").str.to_uppercase(),
        other=_other_allele(cells),
        weight_text=_weight_text(cells),
        frequency=_text(cells, "allelefrequency_effect").cast(pl.Float64, strict=False),
        reason=_reason(cells),
    ).with_columns(weight=pl.col("weight_text").cast(pl.Float64, strict=False))
    table = _with_missing_positions(table)
    _check_numbers(layout.path, table)
    return table.select(
        "line chrom pos_bp effect other weight frequency reason".split()
    )


def read_header(path: str | Path) -> dict[str, str]:
    """Entries of a file's header by their keys in lower case, e.g. pgs_id, hmpos_build.

    Raises InputError when the file cannot be read to its end.
    """
    return _split_header(unpack(path, read_packed(path)))[0]


def check_start(path: str | Path, build: str) -> None:
    """Raise InputError when the build or the columns that the first lines name are not
    what `layout_of` takes; the rows are not read."""
    try:
        with Path(path).open("rb") as raw:
            is_packed = raw.peek(2)[:2] == b"\x1f\x8b"
            text = b""
            for line in gzip.GzipFile(fileobj=raw) if is_packed else raw:
                text += line
                if not line.startswith(b"#"):
                    break
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(
            f"{path}: cannot be read as a scoring file ({error}); it may be truncated:"
            " fetch it again"
        ) from None
    layout_of(path, text, build)


def read_packed(path: str | Path) -> bytes:
    """The bytes of a file as it is stored. Raises InputError where it is not there."""
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise InputError(
            f"{path}: no such scoring file; correct scoring_file in the traits sheet"
        ) from None
    except OSError as error:
        raise _cannot_be_read(path, error) from None


def unpack(path: str | Path, packed: bytes) -> bytes:
    """The text of a file, plain or gzipped. Raises InputError where it is cut off."""
    try:
        return igzip.decompress(packed) if packed[:2] == b"\x1f\x8b" else packed
    except PACKED_ERRORS as error:
        raise _cannot_be_read(path, error) from None


def _cannot_be_read(path: str | Path, error: Exception) -> InputError:
    return InputError(
        f"{path}: cannot be read as a gzipped scoring file ({error}); it may be"
        " truncated: fetch it again"
    )


def _split_header(text: bytes) -> tuple[dict[str, str], int, int]:
    """Header entries with keys like `pgs_id`, where the table starts, header lines.

    Format 2.0 writes `#pgs_id=PGS000001`, format 1.0 `# PGS ID = PGS000001`.
    """
    header: dict[str, str] = {}
    start = n_lines = 0
    while text[start : start + 1] == b"#":
        end = text.find(b"\n", start)
        end = len(text) if end < 0 else end
        line = text[start:end].decode("utf-8", errors="replace").lstrip("# ").strip()
        key, equals, value = line.partition("=")
        if equals:
            header[key.strip().lower().replace(" ", "_")] = value.strip()
        start, n_lines = end + 1, n_lines + 1
    if "original_genome_build" in header:
        header.setdefault("genome_build", header["original_genome_build"])
    return header, start, n_lines


def _column_names(path: str | Path, line: bytes, n_header: int) -> list[str]:
    names = [name.strip() for name in line.decode("utf-8", "replace").split("\t")]
    if not line.strip():
        raise InputError(f"{path}: no table; expected a line of column names")
    if len(names) < 2:
        raise InputError(
            f"{path}, line {n_header + 1}: one column, {names[0][:60]!r}; expected"
            " columns separated by tabs"
        )
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise InputError(
            f"{path}, line {n_header + 1}: column {twice[0]!r} is there twice"
        )
    return names


def _parse_cells(layout: Layout, text: bytes) -> pl.DataFrame:
    """All cells as stripped strings (empty: null), with the column `line`."""
    rows = text[layout.start :]
    # polars takes the number of columns from the first line, and rows may be shorter.
    head = "\t".join(layout.names).encode() + b"\n"
    try:
        cells = pl.read_csv(
            head + rows, separator="\t", quote_char=None, infer_schema=False
        )
    except pl.exceptions.PolarsError as error:
        raise InputError(_odd_line(layout, rows, error)) from None
    first = layout.n_lines + 1
    cells = cells.with_columns(
        pl.all().str.strip_chars().replace("", None),
        line=pl.int_range(first, first + pl.len(), dtype=pl.Int64),
    )
    return cells.filter(~pl.all_horizontal(pl.exclude("line").is_null()))


def _odd_line(layout: Layout, rows: bytes, error: Exception) -> str:
    n_columns = len(layout.names)
    for number, line in enumerate(rows.splitlines(), start=layout.n_lines + 1):
        found = line.count(b"\t") + 1
        if found > n_columns:
            return f"{layout.path}, line {number}: {found} cells; expected {n_columns}"
    return f"{layout.path}: cannot be read as a table ({error})"


def _choose_positions(
    path: str | Path, header: dict[str, str], columns: list[str], build: str
) -> tuple[str, str]:
    """The pair of columns whose positions are of `build`; harmonised ones first."""
    builds = {}
    if {"hm_chr", "hm_pos"} <= set(columns):
        builds["HmPOS_build"] = canonical_build(header.get("hmpos_build", ""))
        if builds["HmPOS_build"] == build:
            return "hm_chr", "hm_pos"
    builds["genome_build"] = canonical_build(header.get("genome_build", ""))
    if {"chr_name", "chr_position"} <= set(columns):
        if builds["genome_build"] == build:
            return "chr_name", "chr_position"
    elif "hm_pos" not in columns:
        raise InputError(
            f"{path}: no columns chr_name and chr_position (only rsID?); use the file"
            f" harmonised to {build} (PGS Catalog, *_hmPOS_{build}.txt.gz)"
        )
    found = ", ".join(f"#{key}={value or 'NR'}" for key, value in builds.items())
    raise InputError(
        f"{path}: found {found}; expected {build} as in reference.build. Use the file"
        f" harmonised to {build} (PGS Catalog, *_hmPOS_{build}.txt.gz); if you know"
        f" that a table of your own is in {build}, add the line #genome_build={build}"
        " at its top"
    )


def _check_columns(path: str | Path, columns: list[str]) -> None:
    weights = [name for name in columns if name.startswith("effect_weight")]
    if len(weights) > 1:
        raise InputError(
            f"{path}: several columns of weights ({', '.join(weights)}); expected one:"
            " make a file for each score and name each in the traits sheet"
        )
    if "effect_allele" not in columns:
        raise InputError(
            f"{path}: no column effect_allele; it has {', '.join(columns)}"
        )
    if weights != ["effect_weight"] and not set(DOSAGE_WEIGHTS) <= set(columns):
        raise InputError(
            f"{path}: no column effect_weight; it has {', '.join(columns)}. A file of"
            " several scores must be split into one file for each"
        )


def _text(cells: pl.DataFrame, column: str) -> pl.Expr:
    """A column, or nulls where the file lacks it."""
    if column in cells.columns:
        return pl.col(column)
    return pl.lit(None, dtype=pl.String)


def _chrom(column: str) -> pl.Expr:
    return pl.col(column).str.replace("(?i)^chr", "").str.to_uppercase()


def _other_allele(cells: pl.DataFrame) -> pl.Expr:
    """The other allele; format 1.0 calls it reference_allele. An inferred one counts
    only if it is one allele: `A/T` leaves it open."""
    inferred = _text(cells, "hm_inferOtherAllele")
    given = pl.coalesce(
        _text(cells, "other_allele"),
        _text(cells, "reference_allele"),
        pl.when(~inferred.str.contains("[/,|]")).then(inferred),
    )
    return given.str.to_uppercase()


def _weight_text(cells: pl.DataFrame) -> pl.Expr:
    if "effect_weight" in cells.columns:
        return pl.col("effect_weight")
    # Such rows are never scored; their size only says how much of the score is lost.
    first, _, last = (
        pl.col(name).cast(pl.Float64, strict=False) for name in DOSAGE_WEIGHTS
    )
    return ((last - first) / 2).cast(pl.String)


def _reason(cells: pl.DataFrame) -> pl.Expr:
    """Why a row is no additive effect of one allele; null where it is one."""
    effect = _text(cells, "effect_allele").str.to_uppercase()
    effect_type = _text(cells, "effect_type").str.to_lowercase()
    conditions: list[tuple[pl.Expr, str]] = [
        (_text(cells, column).str.to_lowercase().is_in(TRUE_WORDS), reason)
        for column, reason in FLAG_REASONS.items()
    ]
    conditions += [
        (effect_type == "dominant", "dominant"),
        (effect_type == "recessive", "recessive"),
        (effect_type == "nonadditive", "dosage_weights"),
        (_text(cells, DOSAGE_WEIGHTS[0]).is_not_null(), "dosage_weights"),
        (effect.str.starts_with("HLA"), "hla_allele"),
        (
            _text(cells, "variant_type").str.to_lowercase().str.starts_with("hla"),
            "hla_allele",
        ),
        (effect.is_null() | ~effect.str.contains("^[ACGT]+$"), "allele_not_acgt"),
        (
            _other_allele(cells).str.contains("^[ACGT]+$") == pl.lit(False),
            "allele_not_acgt",
        ),
    ]
    reason = pl.lit(None, dtype=pl.String)
    for condition, name in reversed(conditions):
        reason = (
            pl.when(condition.fill_null(False)).then(pl.lit(name)).otherwise(reason)
        )
    return reason


def _with_missing_positions(table: pl.DataFrame) -> pl.DataFrame:
    absent = pl.col("chrom").is_null() | pl.col("pos_text").is_null()
    return table.with_columns(
        reason=pl.when(pl.col("reason").is_null() & absent)
        .then(pl.lit("no_position"))
        .otherwise(pl.col("reason"))
    )


def _check_numbers(path: str | Path, table: pl.DataFrame) -> None:
    additive = pl.col("reason").is_null()
    checks = {
        "effect_weight": (
            "weight_text",
            ~pl.col("weight").is_finite().fill_null(False),
        ),
        "position": (
            "pos_text",
            additive & ~(pl.col("pos_bp") > 0).fill_null(False),
        ),
    }
    for name, (column, is_bad) in checks.items():
        bad = table.filter(is_bad)
        if bad.height:
            line, found = bad.row(0, named=True)["line"], bad[column][0]
            raise InputError(
                f"{path}, line {line}: {name} is {found or ''!r}; expected a number"
                f" ({bad.height} such rows); correct or remove the row"
            )
    if not table.height:
        raise InputError(f"{path}: no variants; expected at least one row")


def stem(path: str | Path) -> str:
    """The id of a file without one: its name without the usual endings."""
    name = Path(path).name
    for suffix in (".gz", ".txt", ".tsv"):
        name = name.removesuffix(suffix)
    return name
