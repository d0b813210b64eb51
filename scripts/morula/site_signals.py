"""What an embryo shows at the sites of its family, as the chains of its genome take it.

Shapes: L sites of a chromosome, N of them that are asked for.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from morula import amplification, array_signal, contamination_level
from morula.family_sites import FamilySites

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


def at_rows(
    family: FamilySites, rows: Whole, shown: Floats, max_depth: float, is_array: bool
) -> tuple[Floats, Whole]:
    """Reads of REF and ALT, float64 (N, 2), and the class of each site, int64 (N,), for
    the table of Amplification.read_table. rows: (N,); shown: (L, 2), reads that were
    counted, or what an array shows (morula.array_signal)."""
    if is_array:
        return array_signal.of_sites(shown[rows])
    sites = family.sites
    mother = family.parents[0].alleles[rows]
    level = contamination_level.levels(sites.pos_bp, shown, rows)
    return (
        amplification.cap_depth(shown[rows], max_depth),
        amplification.site_classes(sites.error_class[rows], mother, level),
    )
