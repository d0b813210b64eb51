"""Reading founders: the phased, complete genotypes that a family is made from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from morula.errors import InputError
from morula.haplotypes import Genotypes, read_genotypes
from morula.simulation.copies import Copy
from morula.simulation.sex_chromosomes import founder_copies


def read_founders(
    path: str,
    chrom: str,
    people: Sequence[tuple[str, str]],
    build: str,
    length_bp: int,
) -> Genotypes:
    """Genotypes of founders at the sites where one of them has a copy of `chrom`.

    people: name and sex of each. A founder without a copy (a woman's Y) need not be in
    the file: all its alleles are missing. Raises InputError when an allele that a
    founder must have is missing or not phased, or when there are fewer than two sites.
    """
    copies = [founder_copies(chrom, sex, build, length_bp) for _, sex in people]
    names = tuple(name for name, _ in people)
    carriers = [name for name, own in zip(names, copies, strict=True) if own]
    if not carriers:
        return _nobody(chrom, names)
    read = read_genotypes(path, chrom, carriers)
    alleles = np.full((len(read.pos_bp), len(names), 2), -1, dtype=np.int8)
    phased = np.ones(alleles.shape[:2], dtype=bool)
    columns = [number for number, own in enumerate(copies) if own]
    alleles[:, columns], phased[:, columns] = read.alleles, read.phased
    needed = np.stack([_needed(own, read.pos_bp) for own in copies], axis=1)
    kept = needed.any(axis=(1, 2))
    if kept.sum() < 2:
        raise InputError(f"{path}: fewer than two sites on {chrom}; expected more")
    founders = Genotypes(
        chrom,
        read.pos_bp[kept],
        read.ref[kept],
        read.alt[kept],
        alleles[kept],
        phased[kept],
        names,
    )
    _check(path, founders, needed[kept])
    return founders


def _needed(copies: Sequence[Copy], pos_bp: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether a copy has haplotype 0 and 1 at each position, bool (L, 2)."""
    needed = np.zeros((len(pos_bp), 2), dtype=bool)
    for copy in copies:
        haplotype = copy.haplotype_at(pos_bp)
        for number in (0, 1):
            needed[:, number] |= haplotype == number
    return needed


def _check(path: str, founders: Genotypes, needed: NDArray[np.bool_]) -> None:
    missing = founders.alleles < 0
    differ = founders.alleles[:, :, 0] != founders.alleles[:, :, 1]
    unclear = differ & ~missing.any(axis=2) & ~founders.phased
    bad = (missing & needed).any(axis=2) | unclear
    if bad.any():
        site, column = np.argwhere(bad)[0]
        raise InputError(
            f"{path}: {founders.samples[column]} has a missing or unphased genotype at"
            f" {founders.chrom}:{founders.pos_bp[site]}; founders must be phased and"
            " complete"
        )


def _nobody(chrom: str, names: tuple[str, ...]) -> Genotypes:
    text = np.zeros(0, dtype=object)
    return Genotypes(
        chrom,
        np.zeros(0, dtype=np.int64),
        text,
        text,
        np.zeros((0, len(names), 2), dtype=np.int8),
        np.zeros((0, len(names)), dtype=bool),
        names,
    )
