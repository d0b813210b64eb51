"""Joint posterior samples of a family's embryos at the panel's sites of a chromosome.

The .npz file holds, for L sites (order of the panel), E embryos, S samples:
    pos_bp int64 (L,); n_sites int; embryos str (E,)
    maternal, paternal uint8 (E, S, ceil(L / 8)): ALT carried, np.packbits along sites
    single uint8 (E, ceil(L / 8)): the mother's copy is the only one (a son's X)
Sample s of the mother's side and sample s of the father's belong together; the samples
of two chromosomes are independent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from morula import stored_arrays
from morula.errors import InputError


@dataclass(frozen=True)
class PosteriorSamples:
    """Samples as stored; `alleles` unpacks those of one embryo."""

    embryos: tuple[str, ...]
    pos_bp: NDArray[np.int64]
    maternal: NDArray[np.uint8]
    paternal: NDArray[np.uint8]
    single: NDArray[np.uint8]

    def alleles(self, embryo: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Maternal and paternal alleles of `embryo`, bool (S, L), True where ALT."""
        if embryo not in self.embryos:
            raise InputError(
                f"no posterior samples of embryo {embryo!r}; there are those of"
                f" {', '.join(self.embryos)}"
            )
        row = self.embryos.index(embryo)
        return self._bits(self.maternal[row]), self._bits(self.paternal[row])

    def _bits(self, packed: NDArray[np.uint8]) -> NDArray[np.bool_]:
        n_sites = len(self.pos_bp)
        return np.unpackbits(packed, axis=-1, count=n_sites).astype(bool)

    def counted(self, embryo: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """`alleles` as scores count them: an only copy counts twice."""
        maternal, paternal = self.alleles(embryo)
        single = self._bits(self.single[self.embryos.index(embryo)])
        return maternal, np.where(single, maternal, paternal)


def save(
    path: str | Path,
    pos_bp: NDArray[np.int64],
    embryos: Sequence[str],
    maternal: Sequence[NDArray[np.bool_]],
    paternal: Sequence[NDArray[np.bool_]],
    single: Sequence[NDArray[np.bool_]] | None = None,
) -> None:
    """Write the samples, bool (S, L) for each embryo, whole or not at all; single: bool
    (L,) for each, where the mother's copy is the only one; None: nowhere."""
    nowhere = np.zeros(len(pos_bp), dtype=bool)
    only = [nowhere] * len(embryos) if single is None else single
    stored_arrays.write(
        path,
        pos_bp=pos_bp,
        n_sites=np.array(len(pos_bp)),
        embryos=np.array(list(embryos), dtype=str),
        maternal=np.stack([np.packbits(one, axis=1) for one in maternal]),
        paternal=np.stack([np.packbits(one, axis=1) for one in paternal]),
        single=np.stack([np.packbits(one) for one in only]),
    )


def load(path: str | Path) -> PosteriorSamples:
    """Read the samples of one family and chromosome."""
    with stored_arrays.opened(path) as data:
        return PosteriorSamples(
            tuple(str(name) for name in data["embryos"]),
            data["pos_bp"],
            data["maternal"],
            data["paternal"],
            data["single"],
        )


def has_single(path: str | Path) -> dict[str, bool]:
    """Whether each embryo has one copy somewhere, without reading its samples."""
    with stored_arrays.opened(path) as data:
        names = [str(name) for name in data["embryos"]]
        is_single: NDArray[np.bool_] = np.any(data["single"], axis=1)
    return dict(zip(names, is_single.tolist(), strict=True))
