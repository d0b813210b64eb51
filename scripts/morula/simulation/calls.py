"""Genotypes of parents and born children as the call stage would write them, from the
counts of their reads.

Shapes: L sites (records), P loci, G = 10 genotypes of four bases.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray

from morula.biallelic import GENOTYPES, MAX_GQ, NO_READS, Record
from morula.parental_alleles import Sites
from morula.simulation.counts import Tally
from morula.simulation.tube import Carrier

MAX_PL = 255
KEYS = ("GT", "PL", "DP", "AD", "GQ")
_PAIRS = list(combinations_with_replacement(range(4), 2))
_COPIES = np.array([[(x == a) + (y == a) for x, y in _PAIRS] for a in range(4)])
# Phred of a variant before any read: 1.1e-3 a site, the default of bcftools call.
_PRIOR_PHRED = -10.0 * np.log10(1.1e-3)


@dataclass(frozen=True)
class SampleCalls:
    """One sample's calls: cost float64 (L, 3): Phred of the reads given 0, 1, 2 copies
    of ALT, the best 0; cells: L cells of KEYS."""

    cost: NDArray[np.float64]
    cells: list[str]


def genotype_costs(seen: NDArray[np.int32]) -> NDArray[np.float64]:
    """Phred of the reads given each genotype, float64 (P, G), of tallies (P, 4, 3)."""
    # METHOD: reads are independent given the genotype (Li 2011); those that show one
    # base have the same, their mean quality, which costs nothing above quality 20.
    n = seen[:, :, :2].sum(axis=2).astype(np.float64)
    quality = seen[:, :, 2].astype(np.float64)
    error = 10.0 ** (-quality / np.maximum(n, 1.0) / 10.0)
    as_both = -10.0 * n * np.log10(np.maximum(1.0 - error, 1e-9))
    as_one = -10.0 * n * np.log10((1.0 - error) / 2.0 + error / 6.0)
    as_none = quality + 10.0 * n * np.log10(3.0)
    costs = np.empty((len(seen), len(_PAIRS)))
    for g, (x, y) in enumerate(_PAIRS):
        costs[:, g] = as_none.sum(axis=1) - as_none[:, x]
        if x == y:
            costs[:, g] += as_both[:, x]
        else:
            costs[:, g] += as_one[:, x] + as_one[:, y] - as_none[:, y]
    return costs


def call_sample(tally: Tally) -> SampleCalls:
    """Calls of one sample at the sites of its tally's loci."""
    loci = tally.loci
    costs = genotype_costs(tally.seen)[loci.locus]
    alt = loci.codes[:, 1]
    # METHOD: as in `biallelic`: k copies of this ALT cost what the best genotype with k
    # copies costs, whatever its other alleles.
    copies = _COPIES[alt]
    best = np.stack(
        [np.where(copies == k, costs, np.inf).min(axis=1) for k in range(3)], axis=1
    )
    best -= best.min(axis=1, keepdims=True)
    reads = tally.seen[:, :, :2].sum(axis=2)[loci.locus]
    depth = reads.sum(axis=1)
    best[depth == 0] = 0.0
    rows = np.arange(len(reads))
    shown = np.stack([reads[rows, loci.codes[:, 0]], reads[rows, alt]], axis=1)
    pl = np.minimum(np.rint(best), MAX_PL).astype(np.int64)
    quality = np.minimum(np.sort(pl, axis=1)[:, 1], MAX_GQ)
    columns = (best.argmin(axis=1), pl, depth, shown, quality)
    cells = [
        f"{GENOTYPES[g]}:{p[0]},{p[1]},{p[2]}:{d}:{a[0]},{a[1]}:{q}" if d else NO_READS
        for g, p, d, a, q in zip(*(c.tolist() for c in columns), strict=True)
    ]
    return SampleCalls(best, cells)


def family_rows(
    panel: Sites, members: Sequence[Carrier]
) -> tuple[Sites, NDArray[np.bool_]]:
    """The panel's sites and all others at which a member has an ALT, in the order of
    the call stage, and which are the panel's, bool (L,)."""
    listed = zip(panel.pos_bp.tolist(), panel.ref, panel.alt, strict=True)
    keys = [(pos, 0, ref, alt) for pos, ref, alt in listed]
    known = {(pos, ref, alt) for pos, _, ref, alt in keys}
    others: dict[tuple[int, str, str], None] = {}
    for one in members:
        carried = np.flatnonzero((one.alleles == 1).any(axis=1))
        for k in carried.tolist():
            key = (int(one.pos_bp[k]), str(one.ref[k]), str(one.alt[k]))
            if key not in known:
                others[key] = None
    keys += [(pos, 1, ref, alt) for pos, ref, alt in sorted(others)]
    keys.sort(key=lambda key: key[:2])
    pos = np.array([key[0] for key in keys], dtype=np.int64)
    ref, alt = (np.array([key[k] for key in keys], dtype=str) for k in (2, 3))
    rows = Sites(pos, ref, alt)
    return rows, np.array([key[1] == 0 for key in keys], dtype=bool)


def records(
    chrom: str,
    rows: Sites,
    is_panel: NDArray[np.bool_],
    calls: Sequence[SampleCalls],
    min_quality: float,
) -> Iterator[tuple[Record, bool]]:
    """Records of the family, and whether each is the panel's; others are left out when
    nobody is called to carry them, or with less than min_quality."""
    # METHOD: QUAL is the Phred of no variant at all: what the reads of all cost more
    # without ALT than with the best genotypes, less what the prior asks.
    quality = sum(one.cost[:, 0] for one in calls) - _PRIOR_PHRED
    carried = np.any([one.cost.argmin(axis=1) > 0 for one in calls], axis=0)
    for k, (pos, ref, alt) in enumerate(
        zip(rows.pos_bp.tolist(), rows.ref, rows.alt, strict=True)
    ):
        if not is_panel[k] and not (carried[k] and quality[k] >= min_quality):
            continue
        qual = f"{min(max(float(quality[k]), 0.0), 999.0):.4g}" if carried[k] else "."
        cells = tuple(one.cells[k] for one in calls)
        yield Record(chrom, pos, ref, (alt,), qual, KEYS, cells), bool(is_panel[k])
