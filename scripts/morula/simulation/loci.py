"""Where the counts mode looks: sites, and what each chromosome copy has there.

Shapes: L sites (records: POS, REF, one ALT), P loci (an SNV position, or an indel), n
copies, S sequences (the sample's copies, then a contaminant's).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from morula import indel_windows
from morula.indel_windows import Indel
from morula.parental_alleles import Sites
from morula.simulation.amplification import Region
from morula.simulation.sequence import encode
from morula.simulation.tube import Carrier

ABSENT = 4
# No read covers as much: of an indel that reads do not tell.
TOO_FAR_BP = 1 << 20


@dataclass(frozen=True)
class Chromosome:
    """One chromosome of the tube: the sample's copies, a contaminant's or None, the
    part that is simulated, and the sites.

    spans: int64 (L, 2), of `spans_of`; None: every read over its position tells an
    indel, and of a copy with another ALT there it says that it has not this one (as a
    caller that reassembles the reads does).
    """

    own: Carrier
    other: Carrier | None
    region: Region
    sites: Sites
    spans: NDArray[np.int64] | None = None


@dataclass(frozen=True)
class Loci:
    """offset int64 (P,); span int64 (P, 2), bases before and behind it that a read must
    cover too; bases uint8 (P, S); is_snv bool (P,); of each site its locus int64 (L,)
    and the codes of REF and ALT there, int64 (L, 2)."""

    offset: NDArray[np.int64]
    span: NDArray[np.int64]
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
    span = np.zeros((len(offset), 2), dtype=np.int64)
    if chromosome.spans is not None:
        span[locus] = chromosome.spans
        _bar(bases, locus, sites)
    offset = offset[order] - 1 - chromosome.region.start0
    return Loci(offset, span, bases, is_snv, locus, codes)


def spans_of(sites: Sites, reference: str) -> NDArray[np.int64]:
    """Bases before and behind each site's position that a read must show with it to
    tell its alleles, int64 (L, 2): none at SNVs; at indels the stretch and the room
    that `indel_reads` asks for. reference: upper-case bases of the chromosome."""
    spans = np.full((len(sites.pos_bp), 2), TOO_FAR_BP, dtype=np.int64)
    spans[_is_snv(sites)] = 0
    triples = zip((sites.pos_bp - 1).tolist(), sites.ref, sites.alt, strict=True)
    rows = {
        Indel(start0, str(ref), str(alt)): row
        for row, (start0, ref, alt) in enumerate(triples)
        if indel_windows.is_counted(ref, alt)
    }
    for cluster in indel_windows.clusters(list(rows), reference):
        for indel in cluster.indels:
            before = indel.start0 - cluster.start0
            spans[rows[indel]] = before, cluster.longest - 1 - before
    return spans


def _bar(bases: NDArray[np.uint8], locus: NDArray[np.int64], sites: Sites) -> None:
    """Put ABSENT into `bases` (P, S) at an indel where a copy carries another one over
    the same bases: its reads show neither allele."""
    rows = np.flatnonzero(~_is_snv(sites))
    carries = bases[locus[rows]] == 1
    for k, row in enumerate(rows.tolist()):
        end = sites.pos_bp[row] + len(sites.ref[row])
        other = k + 1
        while other < len(rows) and sites.pos_bp[rows[other]] < end:
            for one, two in ((k, other), (other, k)):
                barred = carries[two] & ~carries[one]
                bases[locus[rows[one]], barred] = ABSENT
            other += 1


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
