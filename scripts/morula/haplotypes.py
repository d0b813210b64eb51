"""Reading genotypes of a VCF/BCF into arrays.

Shapes: L sites, N samples. Alleles are coded 0 (REF), 1 (ALT), -1 (missing); axis
order is (site, sample, copy). Sites are biallelic: `prepare_panel` splits the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cyvcf2
import numpy as np
from numpy.typing import NDArray

from morula.errors import InputError


@dataclass(frozen=True)
class Genotypes:
    """Genotypes of one chromosome.

    alleles: int8 (L, N, 2); phased: bool (L, N); pos_bp: int64 (L,), 1-based;
    ref, alt: object arrays of str (L,); samples: N names.
    """

    chrom: str
    pos_bp: NDArray[np.int64]
    ref: NDArray[np.object_]
    alt: NDArray[np.object_]
    alleles: NDArray[np.int8]
    phased: NDArray[np.bool_]
    samples: tuple[str, ...]


def _stacked(rows: Sequence[NDArray[np.int16]]) -> NDArray[np.int16]:
    """Genotypes of records, (N, P + 1) each, as (L, N, P + 1) with the largest P; -2,
    as cyvcf2 has it, where a genotype is shorter. The last column is the phase."""
    widths = {row.shape[1] for row in rows}
    if len(widths) == 1:
        return np.stack(rows)
    shape = (len(rows), len(rows[0]), max(widths))
    result = np.full(shape, -2, dtype=np.int16)
    for place, row in zip(result, rows, strict=True):
        place[:, : row.shape[1] - 1] = row[:, :-1]
        place[:, -1] = row[:, -1]
    return result


def _pairs(
    rows: Sequence[NDArray[np.int16]], n_samples: int
) -> tuple[NDArray[np.int8], NDArray[np.bool_]]:
    """The first two alleles of each genotype, (L, N, 2), -1 where it has none, and
    whether it is phased, (L, N)."""
    alleles = np.full((len(rows), n_samples, 2), -1, dtype=np.int8)
    phased = np.zeros((len(rows), n_samples), dtype=bool)
    if rows:
        stacked = _stacked(rows)
        ploidy = min(stacked.shape[2] - 1, 2)
        alleles[:, :, :ploidy] = np.maximum(stacked[:, :, :ploidy], -1)
        phased[:] = stacked[:, :, -1]
    return alleles, phased


def read_genotypes(
    path: str | Path, chrom: str, samples: Sequence[str] | None = None
) -> Genotypes:
    """All biallelic sites of `chrom`, for `samples` in the order given (default: all).

    Of more than two copies the first two alleles are read; of one, the second is
    missing.

    Raises InputError for a missing sample, or a site with no or several ALT alleles.
    """
    reader = cyvcf2.VCF(str(path), gts012=True)
    present = {name: index for index, name in enumerate(reader.samples)}
    wanted = tuple(reader.samples if samples is None else samples)
    missing = [name for name in wanted if name not in present]
    if missing:
        raise InputError(
            f"{path}: no sample {missing[0]!r}; it has {', '.join(present) or 'none'}"
        )
    columns = np.array([present[name] for name in wanted], dtype=np.intp)
    pos, ref, alt, rows = [], [], [], []
    for record in reader:
        if record.CHROM != chrom:
            continue
        if len(record.ALT) != 1:
            raise InputError(
                f"{path}: {record.CHROM}:{record.POS} has {len(record.ALT)} ALT"
                " alleles; expected one"
            )
        pos.append(record.POS)
        ref.append(record.REF)
        alt.append(record.ALT[0])
        rows.append(record.genotype.array()[columns])
    reader.close()
    alleles, phased = _pairs(rows, len(wanted))
    return Genotypes(
        chrom=chrom,
        pos_bp=np.array(pos, dtype=np.int64),
        ref=np.array(ref, dtype=object),
        alt=np.array(alt, dtype=object),
        alleles=alleles,
        phased=phased,
        samples=wanted,
    )
