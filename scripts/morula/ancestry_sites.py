"""Choosing the sites that tell ancestry: common, apart from each other, unlinked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import allel
import cyvcf2
import numpy as np
from numpy.typing import NDArray

from morula import tables
from morula.dosages import Sites

# Windows for pruning, in sites that are already thinned by distance.
PRUNE_WINDOW = 100
PRUNE_STEP = 25


Span = tuple[int, int]


def long_range_ld(path: str | Path, build: str, chrom: str) -> list[Span]:
    """Spans of `chrom` (first and last bp) in which linkage reaches over megabases, so
    that a component of its own would be theirs; the name may begin with `chr`."""
    name = chrom.removeprefix("chr")
    return [
        (int(row["start_bp"]), int(row["end_bp"]))
        for row in tables.read_tsv(path)
        if (row["build"], row["chrom"]) == (build, name)
    ]


@dataclass(frozen=True)
class Common:
    """Common SNVs of a chromosome. place: (L,), of each in the panel, from 0; copies:
    (L, S), of ALT."""

    sites: Sites
    place: NDArray[np.int64]
    copies: NDArray[np.int8]

    def take(self, index: NDArray[np.intp]) -> Common:
        """Some of the sites."""
        return Common(self.sites.take(index), self.place[index], self.copies[index])


def common_snvs(
    path: str | Path, chrom: str, min_maf: float, thin_bp: int, without: Sequence[Span]
) -> Common:
    """SNVs of a prepared panel with at least `min_maf`, at least `thin_bp` apart and
    outside the spans `without`; there may be none."""
    pos, ref, alt, place, copies = [], [], [], [], []
    last = -thin_bp
    reader = cyvcf2.VCF(str(path), gts012=True)
    n_samples = len(reader.samples)
    for number, record in enumerate(reader(chrom)):
        is_snv = len(record.REF) == 1 and len(record.ALT[0]) == 1
        if not is_snv or record.POS - last < thin_bp:
            continue
        if any(start <= record.POS <= end for start, end in without):
            continue
        frequency = record.INFO["AC"] / record.INFO["AN"]
        if min(frequency, 1.0 - frequency) < min_maf:
            continue
        last = record.POS
        place.append(number)
        pos.append(record.POS)
        ref.append(record.REF)
        alt.append(record.ALT[0])
        copies.append(record.gt_types.astype(np.int8))
    reader.close()
    sites = Sites(
        chrom,
        np.array(pos, dtype=np.int64),
        np.array(ref, dtype=str),
        np.array(alt, dtype=str),
    )
    return Common(
        sites,
        np.array(place, dtype=np.int64),
        np.array(copies, dtype=np.int8).reshape(len(pos), n_samples),
    )


def unlinked(copies: NDArray[np.int8], max_r2: float) -> NDArray[np.intp]:
    """Indices of sites (of L) that no other kept site nearby tags above `max_r2`."""
    if len(copies) < 2:
        return np.arange(len(copies))
    keep = allel.locate_unlinked(
        copies, size=PRUNE_WINDOW, step=PRUNE_STEP, threshold=max_r2
    )
    return np.flatnonzero(keep)


def evenly(n_sites: int, most: int) -> NDArray[np.intp]:
    """Indices of at most `most` of `n_sites` sites, evenly spread."""
    if n_sites <= most:
        return np.arange(n_sites)
    return np.linspace(0, n_sites - 1, most).astype(np.intp)
