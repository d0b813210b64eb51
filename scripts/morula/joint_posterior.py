"""What sampling a family gives: see morula.family_chain for the model.

Shapes: L sites (informative ones), E embryos, S joint samples.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class JointSamples:
    """S draws of the whole family, bits packed along the sites (np.packbits).

    haplotype, allele: uint8 (2, E, S, ceil(L / 8)), mother's side first: a and b, m and
    f; switch: uint8 (2, S, ceil(L / 8)), switches of the phase.
    """

    haplotype: NDArray[np.uint8]
    allele: NDArray[np.uint8]
    switch: NDArray[np.uint8]


@dataclass(frozen=True)
class JointPosterior:
    """vectors, genotypes: (E, L, 4); share: (E, L), mean of x; orders: (2, L, 4), the
    parents' alleles; switch: (2, L), P(switch); sweeps: kept; change: mean change of
    the posterior in the last block."""

    vectors: Floats
    genotypes: Floats
    share: Floats
    orders: Floats
    switch: Floats
    samples: JointSamples
    sweeps: int
    change: float
