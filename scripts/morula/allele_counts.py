"""Allele counts of embryos, as the call stage writes them.

METHOD: the call stage writes a record for each of a family's sites, in their order: so
they are read by compiled code as BCF stores them. A file of any other kind is read as
text, which also says what is wrong with it.

A table of sites has the columns pos_bp, ref and alt; L sites.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from morula import bcf_kernels, bcf_stream, call_files
from morula.bcf_stream import BcfStream
from morula.errors import InputError
from morula.parental_alleles import Sites
from morula.processes import Pipeline

SITE = {"pos_bp": pl.Int64, "ref": pl.String, "alt": pl.String}


def read_counts(
    path: str | Path, chrom: str, sites: Sites, embryo: str | None = None
) -> NDArray[np.float64]:
    """Reads showing REF and ALT at `sites`, float64 (L, 2), from FORMAT/AD.

    Records of other chromosomes and of more or fewer than one ALT are left out.
    embryo: whose counts they must be, where one is named. Raises InputError when the
    file has not exactly one sample, has another one, has no AD, or does not hold each
    of the sites exactly once; ToolError when bcftools cannot read it to its end.
    """
    return _read(path, chrom, _Expected(sites), embryo)


def read_family(
    paths: Sequence[str | Path], chrom: str, sites: Sites, embryos: Sequence[str]
) -> list[NDArray[np.float64]]:
    """What `read_counts` reads, of each of `embryos` from its own file."""
    expected = _Expected(sites)
    return [
        _read(path, chrom, expected, embryo)
        for path, embryo in zip(paths, embryos, strict=True)
    ]


@dataclass(frozen=True)
class _Expected:
    """The sites that a file must have, in the forms of the two ways to read it."""

    sites: Sites

    @cached_property
    def letters(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """REF and ALT of all sites after each other, and where each starts."""
        return bcf_stream.letters_of(self.sites.ref, self.sites.alt)

    @cached_property
    def table(self) -> pl.DataFrame:
        sites = self.sites
        # Lists: polars takes four times as long for numpy's text.
        columns = sites.pos_bp, sites.ref.tolist(), sites.alt.tolist()
        return pl.DataFrame(dict(zip(SITE, columns, strict=True)), schema=SITE)


def _read(
    path: str | Path, chrom: str, expected: _Expected, embryo: str | None
) -> NDArray[np.float64]:
    counts = _as_stored(path, chrom, expected, embryo)
    return _read_text(path, chrom, expected.table, embryo) if counts is None else counts


def _as_stored(
    path: str | Path, chrom: str, expected: _Expected, embryo: str | None
) -> NDArray[np.float64] | None:
    """Counts (L, 2) of a BCF of one sample whose records are the sites in their order;
    else None."""
    try:
        with bcf_stream.stored_records(path) as stream:
            if stream is None:
                return None
            _check_samples(path, stream.samples, embryo)
            return _in_order(stream, chrom, expected)
    except OSError:
        # No gzipped file: the other way to read it says what is wrong.
        return None


def _in_order(
    stream: BcfStream, chrom: str, expected: _Expected
) -> NDArray[np.float64] | None:
    """Counts (L, 2) of records that are the sites in their order; else None."""
    key = stream.keys.get("AD", bcf_stream.NO_KEY)
    number = stream.chromosomes.get(chrom, bcf_stream.NO_KEY)
    pos_bp = expected.sites.pos_bp
    letters, starts = expected.letters
    counts = np.empty((len(pos_bp), 2))
    rest, site, is_as_expected = b"", 0, True
    for part in stream.chunks():
        text = rest + part
        buffer = np.frombuffer(text, dtype=np.uint8)
        used, site, is_as_expected = bcf_kernels.pairs_in_order(
            buffer, number, site, pos_bp, letters, starts, key, counts
        )
        if not is_as_expected:
            return None
        rest = text[used:]
    return counts if site == len(pos_bp) and not rest else None


def _check_samples(
    path: str | Path, samples: Sequence[str], embryo: str | None
) -> None:
    if len(samples) != 1:
        raise InputError(f"{path}: {len(samples)} samples; expected one embryo")
    if embryo not in (None, samples[0]):
        raise InputError(
            f"{path}: counts of {samples[0]!r}; expected those of {embryo!r}"
        )


def _read_text(
    path: str | Path, chrom: str, expected: pl.DataFrame, embryo: str | None
) -> NDArray[np.float64]:
    """Counts (L, 2) of a file in any order; raises InputError as `read_counts` does."""
    _check_samples(path, call_files.samples_of(path), embryo)
    found = _records(path, chrom)
    counts = found.select(_count("field_0"), _count("field_1")).to_numpy()
    rows = _rows(found.select(*SITE), expected)
    _check_records(path, chrom, found, (rows < 0) | np.isnan(counts).any(axis=1))
    _check_sites(path, chrom, expected, np.bincount(rows, minlength=len(expected)))
    result = np.empty((len(expected), 2))
    result[rows] = counts
    return result


def _records(path: str | Path, chrom: str) -> pl.DataFrame:
    """Sites of the records of one ALT on `chrom`, in the file's order, and what stands
    before (field_0) and after (field_1) the first comma of AD."""
    # Its own filter would take half as long again as the rest.
    command = ["bcftools", "query", "--allow-undef-tags"]
    command += ["-f", r"%CHROM\t%POS\t%REF\t%ALT\t[%AD]\n", str(path)]
    with Pipeline() as pipeline:
        job = pipeline.start(command, about=f"while reading {path}")
        assert job.process.stdout is not None
        text = job.process.stdout.read()
        pipeline.wait([job])
    table = pl.read_csv(
        text,
        separator="\t",
        has_header=False,
        quote_char=None,
        schema={"chrom": pl.Categorical} | SITE | {"AD": pl.String},
        raise_if_empty=False,
    )
    here = (pl.col("chrom") == chrom) & ~pl.col("alt").str.contains("[,.]")
    found = table.filter(here).drop("chrom")
    return found.with_columns(pl.col("AD").str.splitn(",", 2)).unnest("AD")


def _count(name: str) -> pl.Expr:
    """A number of reads, 0 where it is missing; null where there is no such number."""
    text = pl.col(name)
    number = text.cast(pl.UInt32, strict=False).cast(pl.Float64)
    return pl.when(text == ".").then(0.0).otherwise(number).alias(name)


def _rows(found: pl.DataFrame, expected: pl.DataFrame) -> NDArray[np.int64]:
    """Row of each found site among the expected ones, -1 where it is not there."""
    joined = found.with_row_index("record").join(
        expected.with_row_index("row"), on=list(SITE), how="left"
    )
    row = pl.col("row").cast(pl.Int64).fill_null(-1)
    return joined.sort("record").select(row).to_series().to_numpy()


def _check_records(
    path: str | Path, chrom: str, found: pl.DataFrame, is_wrong: NDArray[np.bool_]
) -> None:
    if is_wrong.any():
        pos_bp, ref, alt = found.row(int(is_wrong.argmax()))[:3]
        raise InputError(
            f"{path}: {chrom}:{pos_bp} {ref}>{alt} is not one of the family's sites, or"
            " has no AD of two alleles; make the counts again"
        )


def _check_sites(
    path: str | Path, chrom: str, expected: pl.DataFrame, n_records: NDArray[np.int64]
) -> None:
    for is_wrong, what in (
        (n_records == 0, "no record"),
        (n_records > 1, "several records"),
    ):
        if is_wrong.any():
            pos_bp, ref, alt = expected.row(int(is_wrong.argmax()))
            raise InputError(
                f"{path}: {is_wrong.sum()} of {len(expected)} sites of {chrom} have"
                f" {what}, the first {pos_bp} {ref}>{alt}; expected a record for every"
                " site; make the counts again"
            )
