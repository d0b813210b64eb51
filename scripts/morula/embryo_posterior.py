"""Posterior of one embryo over all chromosomes, in one .npz file.

Keys, for each chromosome, are `{chrom}.{name}`; L sites, S sampled paths:
    pos_bp int64 (L,); ref, alt str (L,)
    vectors float32 (L, 4), P(2 a + b); genotypes float32 (L, 4), P(2 m + f), own reads
    included (see morula.inheritance)
    haplotype_maternal, haplotype_paternal, allele_maternal, allele_paternal
    uint8 (S, ceil(L / 8)), joint draws of a, b, m, f packed along the sites
Keys `embryo` (name) and `chromosomes` stand once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from morula.atomic import written_whole
from morula.inheritance import Paths
from morula.parental_alleles import Sites

DRAWS = (
    "haplotype_maternal",
    "haplotype_paternal",
    "allele_maternal",
    "allele_paternal",
)


@dataclass(frozen=True)
class EmbryoChromosome:
    """Posterior of one chromosome; draws: bool (S, L) under each name of DRAWS."""

    sites: Sites
    vectors: NDArray[np.float32]
    genotypes: NDArray[np.float32]
    draws: dict[str, NDArray[np.bool_]]


def pack(draws: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(L, S) of 0 and 1 to uint8 (S, ceil(L / 8))."""
    return np.ascontiguousarray(np.packbits(draws, axis=0).T)


def unpack(packed: NDArray[np.uint8], n_sites: int) -> NDArray[np.bool_]:
    """Inverse of `pack`, as bool (S, L)."""
    return np.unpackbits(packed, axis=1, count=n_sites).astype(bool)


def arrays_of(
    chrom: str,
    sites: Sites,
    vectors: NDArray[np.float64],
    genotypes: NDArray[np.float64],
    paths: Paths,
) -> dict[str, NDArray[np.generic]]:
    """The entries of one chromosome for `save`."""
    arrays: dict[str, NDArray[np.generic]] = {
        f"{chrom}.pos_bp": sites.pos_bp,
        f"{chrom}.ref": sites.ref,
        f"{chrom}.alt": sites.alt,
        f"{chrom}.vectors": vectors.astype(np.float32),
        f"{chrom}.genotypes": genotypes.astype(np.float32),
    }
    for name in DRAWS:
        arrays[f"{chrom}.{name}"] = pack(getattr(paths, name))
    return arrays


def save(
    path: str | Path,
    embryo: str,
    chromosomes: list[str],
    arrays: Mapping[str, NDArray[np.generic]],
) -> None:
    """Write the file, whole or not at all."""
    with written_whole(path) as partial, partial.open("wb") as handle:
        np.savez_compressed(
            handle,
            embryo=np.array(embryo),
            chromosomes=np.array(chromosomes),
            **arrays,  # type: ignore[arg-type]
        )


def load(path: str | Path, chrom: str) -> tuple[str, EmbryoChromosome]:
    """Name of the embryo, and its posterior of one chromosome."""
    with np.load(path) as data:
        pos_bp = data[f"{chrom}.pos_bp"]
        return str(data["embryo"]), EmbryoChromosome(
            Sites(pos_bp, data[f"{chrom}.ref"], data[f"{chrom}.alt"]),
            data[f"{chrom}.vectors"],
            data[f"{chrom}.genotypes"],
            {name: unpack(data[f"{chrom}.{name}"], len(pos_bp)) for name in DRAWS},
        )
