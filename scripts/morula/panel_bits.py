"""The panel's haplotypes of one chromosome as bits, in one .npz file.

Read once from the BCF and kept with the reference: a chromosome of 5,000 haplotypes and
1,000,000 sites takes 625 MB. Keys, for L sites and N haplotypes: pos_bp int64 (L,);
ref, alt, ids str (L,); n_haplotypes; bits uint8 (L, ceil(N / 8)), np.packbits of ALT
along the haplotypes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cyvcf2
import numpy as np
from numpy.typing import NDArray

from morula import stored_arrays
from morula.errors import InputError
from morula.parental_alleles import Sites


@dataclass(frozen=True)
class PanelBits:
    """Haplotypes of the panel; a slice of it gives alleles, uint8 (L, N)."""

    sites: Sites
    ids: NDArray[np.str_]
    bits: NDArray[np.uint8]
    n_haplotypes: int

    @property
    def shape(self) -> tuple[int, int]:
        """(L, N)."""
        return len(self.bits), self.n_haplotypes

    def __getitem__(self, part: slice) -> NDArray[np.uint8]:
        return np.unpackbits(self.bits[part], axis=1, count=self.n_haplotypes)

    def frequency(self) -> NDArray[np.float64]:
        """Frequency of ALT, (L,)."""
        carriers = np.bitwise_count(self.bits).sum(axis=1, dtype=np.int64)
        return np.asarray(carriers / self.n_haplotypes)


def read_bcf(path: str | Path, chrom: str) -> PanelBits:
    """Pack the panel's BCF; raises InputError where it has nothing of `chrom`."""
    reader = cyvcf2.VCF(str(path))
    keys: list[tuple[int, str, str, str]] = []
    packed = []
    for record in reader:
        if record.CHROM == chrom:
            keys.append((record.POS, record.REF, record.ALT[0], record.ID or "."))
            alleles = record.genotype.array()[:, :2]
            packed.append(np.packbits(alleles.reshape(-1) == 1))
    n_haplotypes = 2 * len(reader.samples)
    reader.close()
    if not keys:
        raise InputError(f"{path}: no site of {chrom}; expected the panel of {chrom}")
    pos_bp, ref, alt, ids = zip(*keys, strict=True)
    sites = Sites(np.array(pos_bp, dtype=np.int64), np.array(ref), np.array(alt))
    return PanelBits(sites, np.array(ids), np.stack(packed), n_haplotypes)


def save(path: str | Path, panel: PanelBits) -> None:
    """Write `panel`, whole or not at all."""
    stored_arrays.write(
        path,
        pos_bp=panel.sites.pos_bp,
        ref=panel.sites.ref,
        alt=panel.sites.alt,
        ids=panel.ids,
        bits=panel.bits,
        n_haplotypes=np.array(panel.n_haplotypes),
    )


def load(path: str | Path) -> PanelBits:
    """Read what `save` wrote."""
    with stored_arrays.opened(path) as data:
        sites = Sites(data["pos_bp"], data["ref"], data["alt"])
        return PanelBits(sites, data["ids"], data["bits"], int(data["n_haplotypes"]))
