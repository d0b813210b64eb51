"""Streaming dosages of chosen sites out of a VCF/BCF, a block of sites at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cyvcf2
import numpy as np
from numpy.typing import NDArray

from morula import bcf_kernels, bcf_stream, sex_chromosome
from morula.bcf_kernels import ABSENT
from morula.bcf_stream import BcfStream
from morula.errors import InputError

# What each field is made of: alleles int8 (b, N, 2), copies int8 (b, N), or float32
# (b, N, width).
_STORED = {"DS": "DS", "GT": "copies", "GT_FIRST": "alleles", "GP_VARIANCE": "GP"}
_WIDTHS = {"DS": 1, "GP": 3}
Stored = Mapping[str, NDArray[Any]]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Sites:
    """Sites of one chromosome, in file order.

    pos_bp: int64 (L,), 1-based; ref, alt: str arrays (L,).
    """

    chrom: str
    pos_bp: NDArray[np.int64]
    ref: NDArray[np.str_]
    alt: NDArray[np.str_]

    def take(self, index: NDArray[np.intp]) -> Sites:
        """Some of the sites."""
        return Sites(self.chrom, self.pos_bp[index], self.ref[index], self.alt[index])

    def name(self, index: int) -> str:
        """`chrom:pos:ref:alt` of a site, for messages."""
        return f"{self.chrom}:{self.pos_bp[index]}:{self.ref[index]}:{self.alt[index]}"


def sample_names(path: str | Path) -> tuple[str, ...]:
    """Names of the samples of a VCF/BCF."""
    reader = cyvcf2.VCF(str(path))
    names = tuple(reader.samples)
    reader.close()
    return names


def stream_dosages(
    path: str | Path, sites: Sites, fields: Sequence[str], block: int = 4096
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.float64]]]:
    """Yield (indices into `sites` (b,), values (b, F, N)) until all sites are read.

    fields: F of `DS` (expected copies of ALT), `GT` (copies counted), `GT_FIRST` (of
    the first haplotype) and `GP_VARIANCE` (variance of the copies under GP). The one
    copy of a male's X counts twice in all but `GT_FIRST`.

    Raises InputError for a site that is not there, or has no value for a sample.
    """
    names = {_STORED[field] for field in fields}
    if sex_chromosome.is_x(sites.chrom):
        names.add("alleles")
    for index, stored in _blocks(path, sites, sorted(names), block):
        yield _values(path, sites, fields, index, stored)


def stream_copies(
    path: str | Path, sites: Sites, block: int = 4096
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.int8]]]:
    """As `stream_dosages` of `GT`, but small: yield (indices (b,), copies (b, N)).

    Raises InputError as it does.
    """
    for index, stored in _blocks(path, sites, ["copies"], block):
        copies = stored["copies"]
        if copies.size and copies.min() < 0:
            row = np.flatnonzero(copies.min(axis=1) < 0)[0]
            raise _missing(path, sites, index[row], "GT")
        yield index, copies


def _blocks(
    path: str | Path, sites: Sites, names: Sequence[str], block: int
) -> Iterator[tuple[NDArray[np.intp], Stored]]:
    """Sites in the file's order, `block` at a time, with what is stored of them."""
    waiting = _Waiting()
    with bcf_stream.records_of(path, sites.chrom) as stream:
        for index, stored in _found(path, stream, sites, names):
            waiting.add(index, stored)
            while len(waiting.index) >= block:
                yield waiting.take(block)
    if len(waiting.index):
        yield waiting.take(len(waiting.index))


class _Waiting:
    """Sites that were found, with what is stored of them, until a block is full."""

    def __init__(self) -> None:
        self.index: NDArray[np.intp] = np.empty(0, dtype=np.intp)
        self.stored: Stored = {}

    def add(self, index: NDArray[np.intp], stored: Stored) -> None:
        """Put sites behind those that wait."""
        if len(self.index):
            stored = {
                name: np.concatenate([self.stored[name], array])
                for name, array in stored.items()
            }
        self.index = np.concatenate([self.index, index])
        self.stored = stored

    def take(self, size: int) -> tuple[NDArray[np.intp], Stored]:
        """The first sites; the others wait on."""
        index, stored = self.index[:size], self.stored
        self.index = self.index[size:]
        self.stored = {name: array[size:] for name, array in stored.items()}
        return index, {name: array[:size] for name, array in stored.items()}


def _found(
    path: str | Path, stream: BcfStream, sites: Sites, names: Sequence[str]
) -> Iterator[tuple[NDArray[np.intp], Stored]]:
    """Sites in the order of the file, some at a time, with what is stored of them.

    Raises InputError where one is not there in the end.
    """
    order = np.argsort(sites.pos_bp, kind="stable")
    wanted = sites.take(order)
    letters, starts = bcf_stream.letters_of(wanted.ref, wanted.alt)
    is_found = np.zeros(len(order), dtype=bool)
    rest, first = b"", 0
    for part in stream.chunks():
        text = rest + part
        buffer = np.frombuffer(text, dtype=np.uint8)
        found = np.empty((len(order), 2), dtype=np.int64)
        used, n_found, first = bcf_kernels.find_sites(
            buffer, first, wanted.pos_bp, letters, starts, is_found, found
        )
        rest = text[used:]
        site, record = found[:n_found].T.copy()
        yield order[site], {n: _stored(buffer, record, stream, n) for n in names}
    if not is_found.all():
        missing = int(order[~is_found].min())
        raise InputError(
            f"{path}: {np.count_nonzero(~is_found)} of {len(order)} sites of the panel"
            f" are not there, the first is {sites.name(missing)}; make the file again"
            " from the same panel"
        )


def _stored(
    buffer: NDArray[np.uint8], records: NDArray[np.int64], stream: BcfStream, name: str
) -> NDArray[Any]:
    """A part of _STORED of records; missing where one has it not."""
    field, n_samples = name if name in _WIDTHS else "GT", len(stream.samples)
    key = stream.keys.get(field, bcf_stream.NO_KEY)
    if name == "alleles":
        return bcf_kernels.read_alleles(buffer, records, key, n_samples)
    if name == "copies":
        return bcf_kernels.read_copies(buffer, records, key, n_samples)
    width = _WIDTHS[name]
    bits = bcf_kernels.read_floats(buffer, records, key, n_samples, width)
    return bits.view(np.float32)


def _variance(gp: NDArray[np.float64]) -> NDArray[np.float64]:
    """Variance of the copies, (...,), under GP (..., 2 or 3), which of one copy is of 0
    and 1, then missing."""
    # METHOD: a male's X counts as two copies, as in PLINK 2 (--xchr-model 2) and as the
    # one active X of a female cell suggests (Clayton 2008,
    # doi:10.1093/biostatistics/kxn007).
    one = gp[..., 1]
    two = gp[..., 2] if gp.shape[-1] > 2 else np.full(one.shape, np.nan)
    mean = one + 2.0 * two
    # GP is written with few digits, so that a variance of 0 may come out below.
    pair = np.maximum(one + 4.0 * two - mean * mean, 0.0)
    return np.where(np.isnan(two), 4.0 * one * (1.0 - one), pair)


def _values(
    path: str | Path,
    sites: Sites,
    fields: Sequence[str],
    index: NDArray[np.intp],
    stored: Stored,
) -> tuple[NDArray[np.intp], Floats]:
    """Indices and values (b, F, N) of b sites."""
    single = None
    if sex_chromosome.is_x(sites.chrom):
        single = stored["alleles"][..., 1] == ABSENT
    counts = [_counts(field, stored[_STORED[field]], single) for field in fields]
    values = np.stack(counts, axis=1) if len(counts) > 1 else counts[0][:, None]
    is_absent = ~np.isfinite(values).all(axis=2)
    if is_absent.any():
        row, column = np.argwhere(is_absent)[0]
        raise _missing(path, sites, index[row], fields[column].split("_")[0])
    return index, values


def _missing(path: str | Path, sites: Sites, site: int, field: str) -> InputError:
    return InputError(
        f"{path}: {sites.chrom}:{sites.pos_bp[site]} has a missing {field}; expected a"
        " value for every sample"
    )


def _counts(
    field: str,
    stored: NDArray[Any],
    single: NDArray[np.bool_] | None,
) -> Floats:
    """Values (b, N) of one field; NaN where it is missing; single: on X, which samples
    have one copy."""
    if field == "GP_VARIANCE":
        return _variance(stored.astype(np.float64))
    if field == "DS":
        dosage = stored[..., 0].astype(np.float64)
        if single is not None:
            dosage[single] *= 2.0
        return dosage
    whole = stored if field == "GT" else stored[..., 0]
    counts = whole.astype(np.float64)
    counts[whole < 0] = np.nan
    return counts
