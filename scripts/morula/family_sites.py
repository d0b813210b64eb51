"""A family's sites of one chromosome as the chain needs them, in one .npz file.

Made once a family and chromosome, read by every job of its embryos, so that a new
embryo repeats none of it. Shapes: L sites in the order of the embryos' counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from morula import call_files, stored_arrays
from morula.errors import InputError
from morula.genetic_map import haldane
from morula.parental_alleles import Parent, Sites

PARENTS = ("mother", "father")
# A parent who is homozygous with more than this probability tells nothing.
CERTAIN = 0.998
MIN_OPPOSITE = 0.1
CERTAIN_TURN = 0.5 - 1e-9


@dataclass(frozen=True)
class FamilySites:
    """sites: L sites; frequency: (L,), the panel's ALT frequency; cm: (2, L), female
    and male genetic position; parents: mother and father; known: which of them has
    data (the other is a donor, with the panel's frequencies); single: (L,), sites of
    which males have one copy, None on autosomes."""

    sites: Sites
    frequency: NDArray[np.float64]
    cm: NDArray[np.float64]
    parents: tuple[Parent, Parent]
    known: tuple[bool, bool]
    single: NDArray[np.bool_] | None = None

    @property
    def is_single(self) -> NDArray[np.bool_]:
        """Whether males have one copy, (L,)."""
        if self.single is None:
            return np.zeros(len(self.sites.pos_bp), dtype=bool)
        return self.single

    def recombination(self, parent: int) -> NDArray[np.float64]:
        """Recombination fraction of the step that ends at each site, (L,); parent: 0
        mother, 1 father."""
        return haldane(np.diff(self.cm[parent], prepend=self.cm[parent][0]))

    def flip(self, parent: int) -> NDArray[np.float64]:
        """P(the transmitted haplotype changes) in the step that ends at each site, by
        recombination or a switch of the phase estimate, (L,)."""
        r, w = self.recombination(parent), self.parents[parent].switch
        return np.asarray(r * (1.0 - w) + (1.0 - r) * w)


def is_informative(family: FamilySites) -> NDArray[np.bool_]:
    """Sites, (L,), where a parent may be heterozygous, or where the parents are
    homozygous for different alleles.

    Elsewhere the embryo's genotype follows from the parents', and its reads tell
    nothing of haplotypes or of the parents' shares.
    """
    mother, father = (parent.orders for parent in family.parents)
    sure = np.minimum(
        np.maximum(mother[:, 0], mother[:, 3]), np.maximum(father[:, 0], father[:, 3])
    )
    opposite = mother[:, 0] * father[:, 3] + mother[:, 3] * father[:, 0]
    return np.asarray((sure < CERTAIN) | (opposite > MIN_OPPOSITE))


def between(turn: NDArray[np.float64], rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """P(an odd number of turns) from each of `rows` to the next, (N,), from that of
    every step, (L,); 0 at the first."""
    whole = np.cumsum(np.log1p(-2.0 * np.minimum(turn, CERTAIN_TURN)))[rows]
    steps = np.asarray(-0.5 * np.expm1(np.diff(whole, prepend=whole[0])))
    return np.clip(steps, 0.0, 0.5)


def read_sites(path: str | Path, chrom: str) -> Sites:
    """Sites of the call stage's table, one for each ALT allele."""
    rows = [
        (site.pos_bp, site.ref, alt)
        for site in call_files.read_sites(path)
        if site.chrom == chrom
        for alt in site.alts
    ]
    if not rows:
        raise InputError(f"{path}: no site of {chrom}; expected the family's sites")
    pos, ref, alt = zip(*rows, strict=True)
    return Sites(np.array(pos, dtype=np.int64), np.array(ref), np.array(alt))


def save(path: str | Path, family: FamilySites) -> None:
    """Write `family`, whole or not at all."""
    arrays: dict[str, Any] = {
        "pos_bp": family.sites.pos_bp,
        "ref": family.sites.ref,
        "alt": family.sites.alt,
        "frequency": family.frequency,
        "cm": family.cm,
        "known": np.array(family.known),
        "is_single": family.is_single,
    }
    for name, parent in zip(PARENTS, family.parents, strict=True):
        arrays[f"{name}_orders"] = parent.orders
        arrays[f"{name}_switch"] = parent.switch
        arrays[f"{name}_is_phased_het"] = parent.is_phased_het
        arrays[f"{name}_dosage"] = parent.dosage
    stored_arrays.write(path, **arrays)


def load(path: str | Path) -> FamilySites:
    """Read what `save` wrote."""
    with stored_arrays.opened(path) as data:
        mother, father = (
            Parent(
                data[f"{name}_orders"],
                data[f"{name}_switch"],
                data[f"{name}_is_phased_het"],
                data[f"{name}_dosage"],
            )
            for name in PARENTS
        )
        known = data["known"]
        return FamilySites(
            Sites(data["pos_bp"], data["ref"], data["alt"]),
            data["frequency"],
            data["cm"],
            (mother, father),
            (bool(known[0]), bool(known[1])),
            data["is_single"],
        )
