"""Sites of which males have one copy, by the header of a VCF or BCF."""

from __future__ import annotations

from pathlib import Path

import cyvcf2
import numpy as np
from numpy.typing import NDArray

from morula.sex_chromosome import is_within, is_x, single_region


def of_file(
    path: str | Path, chrom: str, build: str | None, pos_bp: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Sites, (L,), of which males have one copy; path: one of Morula's files, whose
    headers have the length of every chromosome."""
    if not is_x(chrom):
        return np.zeros(len(pos_bp), dtype=bool)
    reader = cyvcf2.VCF(str(path))
    length_bp = dict(zip(reader.seqnames, reader.seqlens, strict=True))[chrom]
    reader.close()
    return is_within(pos_bp, single_region(chrom, build, int(length_bp)))
