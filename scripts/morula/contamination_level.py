"""How much of the reads at a place are the mother's own, from the depth there.

Shapes: L sites of a chromosome, N of them asked for.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Level n: the mother's share of the reads is 2**n times that of the whole genome.
LOWEST, HIGHEST = -2, 6
N_LEVELS = HIGHEST - LOWEST + 1
# A window about each site: within one amplicon nearly everywhere.
HALF_WINDOW_BP = 5000
# Weight of the mean depth in the depth of a window.
PRIOR_READS = 10.0
# A few reads may be the embryo's wherever any are.
MOST = 0.97


def local(contamination: float) -> NDArray[np.float64]:
    """The mother's share of the reads at each level, (N_LEVELS,), from her share of
    the reads of the whole genome."""
    factors = 2.0 ** np.arange(LOWEST, HIGHEST + 1)
    return np.asarray(np.minimum(MOST, contamination * factors))


def levels(
    pos_bp: NDArray[np.int64], reads: NDArray[np.float64], rows: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Level of each site of `rows`, from 0 (the lowest) to N_LEVELS - 1, int64 (N,).

    pos_bp: rising; reads: (L, 2), all that were counted, at all sites; rows: (N,).

    # METHOD: the mother's cells are more than the embryo's one, or not amplified as it
    # is: her DNA is about as deep everywhere, while the embryo's template varies and
    # may be lost, and then her reads remain. Her share at a place is therefore as many
    # times that of the genome as the mean depth is the local one. Shrunk to the mean,
    # so that a window of few reads says little.
    """
    depth = reads.sum(axis=1)
    before = np.concatenate([[0.0], np.cumsum(depth)])
    middle = pos_bp[rows]
    first = np.searchsorted(pos_bp, middle - HALF_WINDOW_BP, side="left")
    last = np.searchsorted(pos_bp, middle + HALF_WINDOW_BP, side="right")
    found = before[last] - before[first] + PRIOR_READS
    expected = (last - first) * depth.mean() + PRIOR_READS
    level = np.rint(np.log2(expected / found)).astype(np.int64)
    return np.asarray(np.clip(level, LOWEST, HIGHEST) - LOWEST)
