"""Parents' haplotypes as their embryos mend them, as a BCF.

Records are the sites where a parent may be het or the parents differ. GT: alleles of
haplotypes 1 and 2, phased; FP: P(a het is the other way round), SP: P(the phase
switches between the site before and this one), both against the written phase; private
variants that embryos carry are phased too.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from morula import call_files, dosage_text
from morula.parental_alleles import Sites

HEADER = "".join(f"{call_files.FIELDS[name]}\n" for name in ("GT", "FP", "SP"))


def cells(
    orders: NDArray[np.float64],
    switch: NDArray[np.float64],
    polished: NDArray[np.bool_],
) -> list[str]:
    """`GT:FP:SP` of one parent at N sites.

    orders: (N, 4), posterior against the phase estimate; switch: (N,), P(it switches);
    polished: bool (N,), where the polished phase stands the other way round than it.
    """
    best = orders.argmax(axis=1)
    is_het = (best == 1) | (best == 2)
    het = orders[:, 1] + orders[:, 2]
    flip = np.where(is_het, 1.0 - orders.max(axis=1) / np.where(is_het, het, 1.0), 0.0)
    turned = np.diff(polished, prepend=polished[0])
    left = np.where(turned, 1.0 - switch, switch)
    first, second = np.where(polished, (best & 1, best >> 1), (best >> 1, best & 1))
    return [
        f"{a}|{b}:{max(fp, 0.0):.4g}:{sp:.4g}"
        for a, b, fp, sp in zip(
            first.tolist(), second.tolist(), flip.tolist(), left.tolist(), strict=True
        )
    ]


def write(
    path: str | Path,
    contigs: str,
    chrom: str,
    sites: Sites,
    names: Sequence[str],
    columns: Sequence[list[str]],
) -> None:
    """Write the BCF and its index; contigs: its ##contig lines; columns: `cells` of
    each of the parents `names`; without any there is no record."""
    rows = zip(sites.pos_bp.tolist(), sites.ref, sites.alt, *columns, strict=True)
    lines = (
        f"{chrom}\t{pos}\t.\t{ref}\t{alt}\t.\t.\t.\tGT:FP:SP\t" + "\t".join(row) + "\n"
        for pos, ref, alt, *row in rows
        if row
    )
    dosage_text.write_bcf(path, contigs + HEADER, names, lines)
