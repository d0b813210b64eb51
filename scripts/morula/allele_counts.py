"""Allele counts of one embryo, as the call stage writes them."""

from __future__ import annotations

from pathlib import Path

import cyvcf2
import numpy as np
from numpy.typing import NDArray

from morula.errors import InputError
from morula.parental_alleles import Sites


def read_counts(path: str | Path, chrom: str, sites: Sites) -> NDArray[np.float64]:
    """Reads showing REF and ALT at `sites`, float64 (L, 2), from FORMAT/AD.

    Raises InputError when the file has not exactly one sample, has no AD, or does not
    hold each of the sites exactly once.
    """
    reader = cyvcf2.VCF(str(path))
    if len(reader.samples) != 1:
        raise InputError(f"{path}: {len(reader.samples)} samples; expected one embryo")
    rows = sites.index()
    counts = np.full((len(rows), 2), -1.0)
    for record in reader:
        if record.CHROM != chrom or len(record.ALT) != 1:
            continue
        row = rows.get((record.POS, record.REF, record.ALT[0]))
        depth = record.format("AD") if "AD" in record.FORMAT else None
        if row is None or depth is None or depth.shape[1] != 2:
            raise InputError(
                f"{path}: {record.CHROM}:{record.POS} {record.REF}>{record.ALT[0]} is"
                " not one of the family's sites, or has no AD of two alleles; make the"
                " counts again"
            )
        counts[row] = np.maximum(depth[0], 0)
    reader.close()
    absent = np.flatnonzero(counts[:, 0] < 0)
    if len(absent):
        first = int(absent[0])
        raise InputError(
            f"{path}: {len(absent)} of {len(rows)} sites of {chrom} have no record, the"
            f" first {sites.pos_bp[first]} {sites.ref[first]}>{sites.alt[first]};"
            " expected a record for every site; make the counts again"
        )
    return counts
