"""What sampling a family gives, and how it is gathered: see morula.family_chain for the
model.

Shapes: L sites (informative ones), E embryos, S joint samples.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
# Kept sweeps that fill all samples once.
BLOCK = 4


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


class Draws:
    """Collects S joint samples evenly from the sweeps.

    A block of sweeps fills all places; the k-th block takes over each share of them
    with probability 1 / k.
    """

    def __init__(self, n_embryos: int, n_sites: int, n_samples: int) -> None:
        width = -(-n_sites // 8)
        self.haplotype = np.zeros((2, n_embryos, n_samples, width), dtype=np.uint8)
        self.allele = np.zeros_like(self.haplotype)
        self.switch = np.zeros((2, n_samples, width), dtype=np.uint8)
        self._parts = np.array_split(np.arange(n_samples), BLOCK)

    def places(self, sweep: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Places that a kept sweep (from 0) fills."""
        block, place = divmod(sweep, BLOCK)
        taken = rng.random() * (block + 1) < 1.0
        return self._parts[place][: None if taken else 0]

    def put_alleles(
        self, place: np.int64, parent: int, orders: NDArray[np.uint8]
    ) -> None:
        """Alleles along the drawn haplotypes at a place, from both parents' orders
        (L,)."""
        own = (orders >> 2, orders & 3)[parent]
        first, second = np.packbits(own >> 1), np.packbits(own & 1)
        carries = self.haplotype[parent][:, place]
        self.allele[parent][:, place] = (carries & second) | (~carries & first)

    def put_switches(
        self, places: NDArray[np.int64], switches: NDArray[np.uint8]
    ) -> None:
        self.switch[:, places] = np.packbits(switches, axis=1)[:, None]


class Sums:
    """Sums over the kept sweeps."""

    def __init__(self, n_embryos: int, n_sites: int) -> None:
        self.n = 0
        self.vectors = np.zeros((n_embryos, n_sites, 4), dtype=np.float32)
        self.genotypes = np.zeros_like(self.vectors)
        self.share = np.zeros((n_embryos, n_sites), dtype=np.float32)
        self.orders = np.zeros((2, n_sites, 4))
        self.switch = np.zeros((2, n_sites))
        self._before = np.zeros_like(self.vectors)

    def change(self) -> float:
        """Mean change of the posterior of the vectors since the last call."""
        now = self.vectors / np.float32(self.n)
        change = float(np.abs(now - self._before).mean())
        self._before = now
        return change
