"""Joint posterior of a family's embryos on one chromosome, in one .npz file.

Written at the informative sites (where a parent may be het, or the parents are
homozygous for different alleles): at the others the parents tell the genotype. Keys,
for L sites, E embryos, S joint samples:
    pos_bp int64 (L,); ref, alt str (L,); embryos str (E,)
    vectors float32 (E, L, 4), P(2 a + b): haplotypes 0 or 1 of the phase stage's BCF
    genotypes float32 (E, L, 4), P(2 m + f), own reads included
    haplotype, allele uint8 (2, E, S, ceil(L / 8)), mother's side first: joint draws of
    a and b, and of m and f, packed along the sites (np.packbits)
    switch uint8 (2, S, ceil(L / 8)): where the phase estimate of mother and father
    switches, in the step that ends at the site; sample s of all embryos shares it
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from morula import stored_arrays
from morula.atomic import written_whole
from morula.errors import InputError
from morula.joint_posterior import JointPosterior
from morula.parental_alleles import Sites

SIDES = ("maternal", "paternal")


@dataclass(frozen=True)
class EmbryoChromosome:
    """Posterior of one embryo: vectors, genotypes (L, 4); haplotypes, alleles: bool
    (S, L) by side, "maternal" and "paternal"."""

    sites: Sites
    vectors: NDArray[np.float32]
    genotypes: NDArray[np.float32]
    haplotypes: dict[str, NDArray[np.bool_]]
    alleles: dict[str, NDArray[np.bool_]]


def unpack(packed: NDArray[np.uint8], n_sites: int) -> NDArray[np.bool_]:
    """Bits (..., ceil(L / 8)) as bool (..., L)."""
    return np.unpackbits(packed, axis=-1, count=n_sites).astype(bool)


@dataclass(frozen=True)
class FamilyPosterior:
    """As stored; `embryo` unpacks one."""

    sites: Sites
    embryos: tuple[str, ...]
    vectors: NDArray[np.float32]
    genotypes: NDArray[np.float32]
    haplotype: NDArray[np.uint8]
    allele: NDArray[np.uint8]
    switch: NDArray[np.uint8]

    def embryo(self, name: str) -> EmbryoChromosome:
        """Posterior of one embryo; raises InputError where there is none."""
        if name not in self.embryos:
            raise InputError(
                f"no posterior of embryo {name!r}; there are those of"
                f" {', '.join(self.embryos)}"
            )
        i, n_sites = self.embryos.index(name), len(self.sites.pos_bp)
        return EmbryoChromosome(
            self.sites,
            self.vectors[i],
            self.genotypes[i],
            {
                side: unpack(self.haplotype[p, i], n_sites)
                for p, side in enumerate(SIDES)
            },
            {side: unpack(self.allele[p, i], n_sites) for p, side in enumerate(SIDES)},
        )


def of_joint(
    sites: Sites, embryos: list[str], found: JointPosterior
) -> FamilyPosterior:
    """The posterior at `sites` as it is stored."""
    draws = found.samples
    return FamilyPosterior(
        sites,
        tuple(embryos),
        found.vectors.astype(np.float32),
        found.genotypes.astype(np.float32),
        draws.haplotype,
        draws.allele,
        draws.switch,
    )


def _against_first(bits: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Samples after the first as what differs from it, (..., S, W); its own inverse.

    Samples are much alike, but a row of them is longer than what deflate looks back on.
    """
    found = bits.copy()
    found[..., 1:, :] ^= bits[..., :1, :]
    return found


def save(path: str | Path, family: FamilyPosterior) -> None:
    """Write the file, whole or not at all."""
    arrays = {
        "pos_bp": family.sites.pos_bp,
        "ref": family.sites.ref,
        "alt": family.sites.alt,
        "embryos": np.array(family.embryos),
        "vectors": family.vectors,
        "genotypes": family.genotypes,
        "haplotype": family.haplotype,
        "allele": _against_first(family.allele),
        "switch": family.switch,
    }
    with (
        written_whole(path) as partial,
        # As np.savez_compressed, whose level takes twice as long for 4 % less.
        zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file,
    ):
        for name, values in arrays.items():
            with file.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, values, allow_pickle=False)


def load(path: str | Path) -> FamilyPosterior:
    """Read what `save` wrote."""
    with stored_arrays.opened(path) as data:
        return FamilyPosterior(
            Sites(data["pos_bp"], data["ref"], data["alt"]),
            tuple(str(name) for name in data["embryos"]),
            data["vectors"],
            data["genotypes"],
            data["haplotype"],
            _against_first(data["allele"]),
            data["switch"],
        )
