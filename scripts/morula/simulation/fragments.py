"""Fragments that are sequenced from both ends: where each comes from, without letters.

The reads mode turns them into FASTQ, the counts mode into allele counts: both draw the
same fragments.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Classes of origin, in the order of their codes.
ORIGINS = ("own", "contaminant")


@dataclass(frozen=True)
class Fragments:
    """n fragments; each is a stretch of one molecule, or of two joined (a chimera).

    molecule: int32 (n,), index of the molecule (`morula.simulation.molecules`) of the
    first part; start: int64 (n,), 0-based offset in that molecule of the first part's
    lowest base; size: int64 (n,), bases of the whole fragment.
    join: int64 (n,), bases of the first part; equal to size where there is no chimera.
    second_molecule int32, second_start int64: the same of the second part (size - join
    bases, lowest base at second_start); second_reverse: bool, whether the second part
    is joined as its reverse complement.
    amplicon, second_amplicon: int64 (n,), index of the amplicon (stretch of even
    amount) of each part, which owns the clonal errors.
    bottom: bool (n,), the fragment descends from the bottom strand (where cytosines
    decay: see damage); swap: bool (n,), mate 1 is read from the right end.
    duplicate_of: int64 (n,), index of the fragment in this batch whose PCR copy this
    is, -1 for none; a copy has all other values of its original.
    """

    molecule: NDArray[np.int32]
    start: NDArray[np.int64]
    size: NDArray[np.int64]
    join: NDArray[np.int64]
    second_molecule: NDArray[np.int32]
    second_start: NDArray[np.int64]
    second_reverse: NDArray[np.bool_]
    amplicon: NDArray[np.int64]
    second_amplicon: NDArray[np.int64]
    bottom: NDArray[np.bool_]
    swap: NDArray[np.bool_]
    duplicate_of: NDArray[np.int64]

    @property
    def is_chimera(self) -> NDArray[np.bool_]:
        """Whether two parts were joined, bool (n,)."""
        return np.asarray(self.join < self.size)
