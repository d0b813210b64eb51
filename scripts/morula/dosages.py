"""Streaming dosages of chosen sites out of a VCF/BCF, a block of sites at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cyvcf2
import numpy as np
from numpy.typing import NDArray

from morula import sex_chromosome
from morula.errors import InputError

MISSING_GT = 3
# What cyvcf2 gives in the place of an allele that a shorter genotype has not.
ABSENT = -2


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
    keys = zip(sites.pos_bp.tolist(), sites.ref, sites.alt, strict=True)
    wanted = {key: index for index, key in enumerate(keys)}
    positions = {key[0] for key in wanted}
    rows: list[int] = []
    records: list[list[NDArray[Any] | None]] = []
    formats = ["GP" if field == "GP_VARIANCE" else field for field in fields]
    is_x = sex_chromosome.is_x(sites.chrom)
    reader = cyvcf2.VCF(str(path), gts012=True)
    for record in reader(sites.chrom):
        if record.POS not in positions or len(record.ALT) != 1:
            continue
        index = wanted.pop((record.POS, record.REF, record.ALT[0]), None)
        if index is None:
            continue
        rows.append(index)
        stored = [_stored(record, name) for name in formats]
        records.append([*stored, _is_single(record) if is_x else None])
        if len(rows) == block:
            found = np.array(rows, dtype=np.intp)
            yield found, _values(path, sites.take(found), fields, records)
            rows, records = [], []
    reader.close()
    if wanted:
        missing = min(wanted.values())
        raise InputError(
            f"{path}: {len(wanted)} of {len(sites.pos_bp)} sites of the panel are not"
            f" there, the first is {sites.name(missing)}; make the file again from the"
            " same panel"
        )
    if rows:
        found = np.array(rows, dtype=np.intp)
        yield found, _values(path, sites.take(found), fields, records)


def _is_single(record: cyvcf2.Variant) -> NDArray[np.bool_]:
    """Samples, (N,), whose GT has one allele."""
    alleles = record.genotype.array()[:, :-1]
    return np.asarray((alleles > ABSENT).sum(axis=1) == 1)


def _stored(record: cyvcf2.Variant, name: str) -> NDArray[Any] | None:
    """A field of a record as it is stored; None where it has none."""
    if name == "GT_FIRST":
        return np.asarray(record.genotype.array()[:, 0])
    # The array of gt_types is the reader's own, and changes with the next record.
    return record.gt_types.copy() if name == "GT" else record.format(name)


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
    records: Sequence[Sequence[NDArray[Any] | None]],
) -> NDArray[np.float64]:
    """The values (b, F, N) of b records: of each its stored fields, then, on X alone,
    which samples have one copy."""
    *columns, single = zip(*records, strict=True)
    values = []
    for field, column in zip(fields, columns, strict=True):
        absent = next((i for i, part in enumerate(column) if part is None), None)
        counts = None if absent is not None else _counts(field, column, single)
        if counts is not None and not np.isfinite(counts).all():
            absent = int(np.flatnonzero(~np.isfinite(counts).all(axis=1))[0])
        if counts is None or absent is not None:
            where = f"{sites.chrom}:{sites.pos_bp[absent or 0]}"
            raise InputError(
                f"{path}: {where} has a missing {field.split('_')[0]};"
                " expected a value for every sample"
            )
        values.append(counts)
    return np.stack(values, axis=1)


def _counts(
    field: str, stored: Sequence[Any], single: Sequence[NDArray[np.bool_] | None]
) -> NDArray[np.float64]:
    """Values (b, N) of one field."""
    if field == "GT":
        counts = np.array(stored, dtype=np.float64)
        counts[counts == MISSING_GT] = np.nan
    elif field == "GT_FIRST":
        counts = np.array(stored, dtype=np.float64)
        counts[counts < 0] = np.nan
    elif field == "GP_VARIANCE":
        counts = np.empty((len(stored), len(stored[0])))
        # Where no sample has two copies GP has two values.
        widths = np.array([part.shape[1] for part in stored])
        for width in np.unique(widths):
            of_width = np.flatnonzero(widths == width)
            gp = np.array([stored[i] for i in of_width.tolist()], dtype=np.float64)
            counts[of_width] = _variance(gp)
    else:
        counts = np.array(stored, dtype=np.float64)[:, :, 0]
        if single[0] is not None:
            counts[np.array(single)] *= 2.0
    return counts
