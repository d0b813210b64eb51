"""Error classes of sites, by what a misread does at their alleles:
0  an SNV, neither direction is C>T or G>A
1  REF read as ALT is C>T or G>A (damage)
2  ALT read as REF is C>T or G>A (damage)
3  an insertion or deletion (a polymerase slipped)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

N_ERROR_CLASSES = 4
DAMAGE = (("C", "T"), ("G", "A"))


def of_alleles(ref: NDArray[np.str_], alt: NDArray[np.str_]) -> NDArray[np.int64]:
    """Error class of each site, int64 (L,)."""
    found = np.zeros(len(ref), dtype=np.int64)
    for one, other in DAMAGE:
        found[(ref == one) & (alt == other)] = 1
        found[(ref == other) & (alt == one)] = 2
    found[np.char.str_len(ref) != np.char.str_len(alt)] = 3
    return found
