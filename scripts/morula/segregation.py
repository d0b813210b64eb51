"""How far the children of one couple differ: sums along what a gamete carries.

Shapes: L sites in order, K sums.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@numba.njit(cache=True, nogil=True)
def _add(effects: Floats, stay: Floats, found: Floats) -> None:
    """Add sum over pairs of sites of effects' products times P(no recombination) less
    P(recombination)."""
    n_sites, n_sums = effects.shape
    before = np.zeros(n_sums)
    for s in range(n_sites):
        before *= stay[s]
        for j in range(n_sums):
            for k in range(n_sums):
                found[j, k] += effects[s, j] * (before[k] + 0.5 * effects[s, k])
        before += effects[s]


def gamete_covariance(effects: Floats, place_cm: Floats) -> Floats:
    """Covariance (K, K), over the gametes of a parent, of K sums along one chromosome.

    effects: (L, K), what a copy of the first haplotype adds at each site more than one
    of the second; place_cm: (L,).

    METHOD: without interference (Haldane 1919) two sites d Morgan apart are carried
    from one haplotype with 1/2 + exp(-2 d) / 2, so that their part in the covariance is
    exp(-2 d) / 4 times both effects. Summed in one pass, since that is a product along
    the chromosome.
    """
    stay = np.exp(-0.02 * np.diff(place_cm, prepend=place_cm[:1]))
    found = np.zeros((effects.shape[1], effects.shape[1]))
    _add(np.ascontiguousarray(effects, dtype=np.float64), stay, found)
    return (found + found.T) / 4.0
