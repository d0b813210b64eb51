"""The true genotypes of a member of a family: alleles of its copies of a chromosome.

Shapes: L sites, n copies. Founders: the mother's genotypes, then the father's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from morula.haplotypes import Genotypes
from morula.simulation.copies import Copy
from morula.simulation.de_novo import (
    Mutations,
    Rates,
    Reference,
    draw_mutations,
    occupied_by,
)
from morula.simulation.karyotype import PARENTS, Inherited
from morula.simulation.streams import stream

DE_NOVO_COLUMNS = ("sample", "chrom", "pos", "ref", "alt", "parent", "copy")


@dataclass(frozen=True)
class NewMutations:
    """Mutations of one chromatid, and the numbers (from 0) of the copies made of it."""

    mutations: Mutations
    copies: tuple[int, ...]


def alleles_of(founders: Genotypes, copies: Sequence[Copy]) -> NDArray[np.int8]:
    """Alleles of the copies at the founders' sites, int8 (L, n); -1: nothing there.

    founders: those whose haplotypes the copies name: a founder alone, or the parents.
    """
    alleles = np.full((len(founders.pos_bp), len(copies)), -1, dtype=np.int8)
    for number, copy in enumerate(copies):
        column = PARENTS.index(copy.parent) if copy.parent else 0
        haplotype = copy.haplotype_at(founders.pos_bp)
        there = np.flatnonzero(haplotype >= 0)
        alleles[there, number] = founders.alleles[there, column, haplotype[there]]
    return alleles


def genotypes_of(
    founders: Genotypes, sample: str, alleles: NDArray[np.int8]
) -> Genotypes:
    """Phased genotypes of one sample with n copies, at the founders' sites; no site
    where it has no copy."""
    n_sites, n_copies = alleles.shape
    if n_copies == 0:
        none = np.zeros(0, dtype=np.intp)
        founders, alleles, n_sites = (
            _sites(founders, none),
            np.zeros((0, 1), np.int8),
            0,
        )
    return replace(
        founders,
        alleles=alleles[:, None, :],
        phased=np.ones((n_sites, 1), dtype=bool),
        samples=(sample,),
    )


def _sites(genotypes: Genotypes, which: NDArray[np.intp]) -> Genotypes:
    return replace(
        genotypes,
        pos_bp=genotypes.pos_bp[which],
        ref=genotypes.ref[which],
        alt=genotypes.alt[which],
        alleles=genotypes.alleles[which],
        phased=genotypes.phased[which],
    )


def draw_de_novo(
    seed: int,
    sample: str,
    founders: Genotypes,
    inherited: Sequence[Inherited],
    rates: Rates,
    genome: Reference,
) -> list[NewMutations]:
    """New mutations of each chromatid, between the founders' first and last site."""
    # METHOD: a mutation is of the egg's or the sperm's chromatid: in all cells, and in
    # each mitotic copy of the chromatid.
    if not inherited:
        return []
    occupied = occupied_by(founders.pos_bp, founders.ref)
    span = int(founders.pos_bp[0]), int(founders.pos_bp[-1])
    drawn = []
    origins = dict.fromkeys((one.copy.parent, one.how) for one in inherited)
    for parent, how in origins:
        names = ("de_novo", sample, parent, how, founders.chrom)
        found = draw_mutations(
            stream(seed, *names),
            rates.of(parent),
            genome,
            founders.chrom,
            span,
            occupied,
        )
        occupied = occupied.and_also(found.pos_bp)
        copies = tuple(
            number
            for number, one in enumerate(inherited)
            if (one.copy.parent, one.how) == (parent, how)
        )
        drawn.append(NewMutations(found, copies))
    return drawn


def with_mutations(
    genotypes: Genotypes, copies: Sequence[Copy], new: Sequence[NewMutations]
) -> tuple[Genotypes, list[dict[str, object]]]:
    """The genotypes of one sample with its new mutations as further sites, and a row of
    the table of mutations for each copy that carries one."""
    rows: list[dict[str, object]] = []
    parts = [genotypes]
    for one in new:
        pos_bp = one.mutations.pos_bp
        alleles = np.full((len(pos_bp), 1, len(copies)), -1, dtype=np.int8)
        for number, copy in enumerate(copies):
            is_there = copy.haplotype_at(pos_bp) >= 0
            alleles[is_there, 0, number] = 1 if number in one.copies else 0
        carried = np.flatnonzero((alleles == 1).any(axis=(1, 2)))
        phased = np.ones((len(pos_bp), 1), dtype=bool)
        part = replace(genotypes, **vars(one.mutations), alleles=alleles, phased=phased)
        parts.append(_sites(part, carried))
        rows += _rows(parts[-1], copies)
    joined = _joined(parts)
    order = np.argsort(joined.pos_bp, kind="stable")
    return _sites(joined, order), sorted(
        rows, key=lambda row: (row["pos"], row["copy"])
    )


def _rows(part: Genotypes, copies: Sequence[Copy]) -> list[dict[str, object]]:
    rows = []
    for site, number in np.argwhere(part.alleles[:, 0] == 1).tolist():
        what = (int(part.pos_bp[site]), part.ref[site], part.alt[site])
        cells = (part.samples[0], part.chrom, *what, copies[number].parent, number + 1)
        rows.append(dict(zip(DE_NOVO_COLUMNS, cells, strict=True)))
    return rows


def _joined(parts: Sequence[Genotypes]) -> Genotypes:
    return replace(
        parts[0],
        pos_bp=np.concatenate([part.pos_bp for part in parts]),
        ref=np.concatenate([part.ref for part in parts]),
        alt=np.concatenate([part.alt for part in parts]),
        alleles=np.concatenate([part.alleles for part in parts]),
        phased=np.concatenate([part.phased for part in parts]),
    )
