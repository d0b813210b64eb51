"""From a family's files to the chain of its informative sites.

Shapes: L sites of the chromosome, N informative ones (family_sites.is_informative).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from morula import contaminant, site_signals
from morula.amplification import Amplification
from morula.family_chain import Embryo, Family
from morula.family_sites import FamilySites, between, is_informative
from morula.genetic_map import haldane


def informative(family: FamilySites) -> NDArray[np.int64]:
    """Rows of the informative sites, (N,); of the first site where there is none."""
    rows = np.flatnonzero(is_informative(family))
    return rows if len(rows) else np.zeros(1, dtype=np.int64)


def chain_of(family: FamilySites, rows: NDArray[np.int64]) -> Family:
    """The parents at `rows`."""
    return Family(
        np.stack([parent.orders[rows] for parent in family.parents]),
        np.stack([haldane(np.diff(cm[rows], prepend=cm[rows[0]])) for cm in family.cm]),
        np.stack([between(parent.switch, rows) for parent in family.parents]),
    )


def embryo_of(
    family: FamilySites,
    rows: NDArray[np.int64],
    reads: NDArray[np.float64],
    learnt: Amplification,
    max_depth: float,
    outlier: float,
) -> Embryo:
    """One embryo at `rows`; reads: (L, 2), or what an array shows."""
    pos_bp = family.sites.pos_bp[rows]
    gap_bp = np.diff(pos_bp, prepend=pos_bp[0])
    shown, classes = site_signals.at_rows(
        family, rows, reads, max_depth, learnt.is_array
    )
    local = contaminant.local_share(learnt)
    return Embryo(
        shown,
        reads[rows].sum(axis=1) > 0,
        classes,
        local.ln_read,
        local.prior,
        local.shares,
        np.exp(-gap_bp / learnt.length_bp),
        outlier,
    )


def share_sd(learnt: Amplification, pos_bp: NDArray[np.int64]) -> float:
    """Spread of the mean share of a chromosome with sites pos_bp, (L,): that of x over
    the number of its amplicons."""
    mean = learnt.share_prior @ learnt.shares
    variance = float(learnt.share_prior @ (learnt.shares - mean) ** 2)
    amplicons = 1.0 - float(np.expm1(-np.diff(pos_bp) / learnt.length_bp).sum())
    return float(np.sqrt(variance / amplicons))


def nearest_row(rows: NDArray[np.int64], n_sites: int) -> NDArray[np.int64]:
    """For each of L sites the index, in `rows`, of the informative site at or before it
    (the first one for sites before it)."""
    return np.maximum(np.searchsorted(rows, np.arange(n_sites), side="right") - 1, 0)
