"""Where the counts mode looks: sites, and what each chromosome copy has there.

Shapes: L sites (records: POS, REF, one ALT), P loci (an SNV position, or an indel), n
copies, S sequences (the sample's copies, then a contaminant's).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from morula.parental_alleles import Sites
from morula.simulation.amplification import Region
from morula.simulation.sequence import encode
from morula.simulation.tube import Carrier

ABSENT = 4


@dataclass(frozen=True)
class Chromosome:
    """One chromosome of the tube: the sample's copies, a contaminant's or None, the
    part that is simulated, and the sites."""

    own: Carrier
    other: Carrier | None
    region: Region
    sites: Sites


@dataclass(frozen=True)
class Loci:
    """offset int64 (P,); bases uint8 (P, S); is_snv bool (P,); of each site its locus
    int64 (L,) and the codes of REF and ALT there, int64 (L, 2)."""

    offset: NDArray[np.int64]
    bases: NDArray[np.uint8]
    is_snv: NDArray[np.bool_]
    locus: NDArray[np.int64]
    codes: NDArray[np.int64]


def _is_snv(sites: Sites) -> NDArray[np.bool_]:
    return np.array(
        [len(a) == 1 == len(b) for a, b in zip(sites.ref, sites.alt, strict=True)],
        dtype=bool,
    )


def _letters(alleles: NDArray[np.str_]) -> NDArray[np.uint8]:
    """Codes of alleles of one letter."""
    return encode("".join(alleles))


def loci_of(chromosome: Chromosome) -> Loci:
    """The loci of a chromosome's sites, and what each copy has there."""
    sites = chromosome.sites
    snv = _is_snv(sites)
    n_indels = int((~snv).sum())
    positions, at = np.unique(sites.pos_bp[snv], return_inverse=True)
    offset = np.concatenate([positions, sites.pos_bp[~snv]])
    order = np.argsort(offset, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    locus = np.zeros(len(snv), dtype=np.int64)
    locus[snv] = rank[at]
    locus[~snv] = rank[len(positions) + np.arange(n_indels)]
    codes = np.tile(np.array([0, 1], dtype=np.int64), (len(snv), 1))
    codes[snv, 0] = _letters(sites.ref[snv])
    codes[snv, 1] = _letters(sites.alt[snv])
    people = [p for p in (chromosome.own, chromosome.other) if p is not None]
    bases = np.zeros((len(offset), sum(p.alleles.shape[1] for p in people)), np.uint8)
    bases[locus] = codes[:, :1].astype(np.uint8)
    column = 0
    for person in people:
        _carry(
            bases[:, column : column + person.alleles.shape[1]], locus, sites, person
        )
        column += person.alleles.shape[1]
    is_snv = np.ones(len(offset), dtype=bool)
    is_snv[locus[~snv]] = False
    return Loci(
        offset[order] - 1 - chromosome.region.start0, bases, is_snv, locus, codes
    )


def _carry(
    bases: NDArray[np.uint8],
    locus: NDArray[np.int64],
    sites: Sites,
    person: Carrier,
) -> None:
    """Put a person's ALT alleles into `bases` (P, n), ABSENT where a copy is not."""
    keys = zip(person.pos_bp.tolist(), person.ref, person.alt, strict=True)
    rows = {key: row for row, key in enumerate(keys)}
    wanted = zip(sites.pos_bp.tolist(), sites.ref, sites.alt, strict=True)
    found = np.array([rows.get(key, -1) for key in wanted], dtype=np.int64)
    known = np.flatnonzero(found >= 0)
    alleles = person.alleles[found[known]]
    snv = _is_snv(sites)
    alt = np.ones(len(found), dtype=np.uint8)
    alt[snv] = _letters(sites.alt[snv])
    for copy in range(alleles.shape[1]):
        has = known[alleles[:, copy] == 1]
        bases[locus[has], copy] = alt[has]
        bases[locus[known[alleles[:, copy] < 0]], copy] = ABSENT
