"""Admixture proportions of one genome, given allele frequencies of the groups.

Shapes: L sites in order, P groups.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BLOCKS = 20


def proportions(
    dosages: NDArray[np.float64],
    frequencies: NDArray[np.float64],
    start: NDArray[np.float64] | None = None,
    max_iterations: int = 2000,
    tolerance: float = 1e-6,
) -> NDArray[np.float64]:
    """Maximum-likelihood share of each group in a genome, (P,), by EM.

    dosages: (L,) expected copies of ALT in [0, 2]; frequencies: (P, L) of ALT, strictly
    between 0 and 1; start: shares to begin with.

    METHOD: every allele copy comes from group p with probability q_p and is ALT with
    the group's frequency (Tang et al. 2005, frequencies held fixed); a dosage stands
    for the expected number of copies. Sites are taken as independent.

    Raises ValueError when a frequency is 0 or 1.
    """
    if not ((frequencies > 0.0) & (frequencies < 1.0)).all():
        raise ValueError("frequencies must lie strictly between 0 and 1")
    n_groups, n_sites = frequencies.shape
    shares = np.full(n_groups, 1.0 / n_groups) if start is None else start
    absent = 1.0 - frequencies
    for _ in range(max_iterations):
        of_alt = dosages / (shares @ frequencies)
        of_ref = (2.0 - dosages) / (shares @ absent)
        updated = shares * (frequencies @ of_alt + absent @ of_ref) / (2.0 * n_sites)
        change = np.abs(updated - shares).max()
        shares = updated
        if change < tolerance:
            break
    return np.asarray(shares / shares.sum(), dtype=np.float64)


def standard_errors(
    dosages: NDArray[np.float64],
    frequencies: NDArray[np.float64],
    shares: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Standard errors, (P,), of `proportions`, which gave `shares`.

    METHOD: jackknife over BLOCKS stretches of the genome (Kuensch 1989): ancestry comes
    in long segments, so that sites are not independent, and likelihood alone would say
    too small an error. A share near 0 cannot fall, so that its error is small.
    """
    blocks = np.array_split(np.arange(len(dosages)), min(BLOCKS, len(dosages)))
    # A share of 0 stays 0 in EM.
    start = 0.99 * shares + 0.01 / len(shares)
    left_out = [
        proportions(
            np.delete(dosages, block), np.delete(frequencies, block, axis=1), start
        )
        for block in blocks
    ]
    n = len(blocks)
    return np.asarray(np.sqrt((n - 1) * np.var(left_out, axis=0)))
