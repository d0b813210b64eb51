"""New mutations: single bases that a child has and neither of its parents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from morula.simulation.sequence import decode, encode, substitute


class Reference(Protocol):
    """A FASTA, as pysam opens it; positions are 0-based, half-open."""

    def fetch(self, reference: str, start: int, end: int) -> str: ...


@dataclass(frozen=True)
class Rates:
    """rate: new mutations per bp and generation, the mean of both parents;
    paternal_share: of them that come with the sperm."""

    rate: float
    paternal_share: float

    def of(self, parent: str) -> float:
        """New mutations per bp of one chromatid of an egg or a sperm."""
        # METHOD: 1.20e-8 per bp and generation at a father's age of 29.7 years (Kong et
        # al. 2012, Nature 488:471), so about 70 in a child's two genomes; more than
        # three quarters are paternal (Gao et al. 2019, PNAS 116:9491).
        share = self.paternal_share
        return 2.0 * self.rate * (share if parent == "father" else 1.0 - share)


@dataclass(frozen=True)
class Mutations:
    """pos_bp int64 (M,), rising; ref, alt: object arrays of one letter (M,)."""

    pos_bp: NDArray[np.int64]
    ref: NDArray[np.object_]
    alt: NDArray[np.object_]


@dataclass(frozen=True)
class Occupied:
    """Stretches of the reference that known variants cover.

    start: int64 (K,), rising; reach: int64 (K,): last position that this stretch or one
    before it covers.
    """

    start: NDArray[np.int64]
    reach: NDArray[np.int64]

    def holds(self, pos_bp: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each position is covered, bool (M,)."""
        before = np.searchsorted(self.start, pos_bp, side="right")
        reach = np.concatenate([[0], self.reach])[before]
        return np.asarray(pos_bp <= reach)

    def and_also(self, pos_bp: NDArray[np.int64]) -> Occupied:
        """With further single positions."""
        start = np.concatenate([self.start, pos_bp])
        order = np.argsort(start, kind="stable")
        reach = np.concatenate([self.reach, pos_bp])[order]
        return Occupied(start[order], np.maximum.accumulate(reach))


def occupied_by(pos_bp: NDArray[np.int64], ref: NDArray[np.object_]) -> Occupied:
    """What variants (rising) with these REF alleles cover."""
    length = np.array([len(text) for text in ref], dtype=np.int64)
    return Occupied(pos_bp, np.maximum.accumulate(pos_bp + length - 1))


def draw_mutations(
    rng: np.random.Generator,
    rate: float,
    genome: Reference,
    chrom: str,
    span: tuple[int, int],
    occupied: Occupied,
) -> Mutations:
    """New mutations of one chromatid between two positions; rate: per bp.

    There are none at known variants, or where the reference has no base.
    """
    start, end = span
    count = rng.poisson(rate * (end - start + 1))
    pos_bp = np.unique(rng.integers(start, end + 1, count))
    pos_bp = pos_bp[~occupied.holds(pos_bp)]
    letters = (genome.fetch(chrom, pos - 1, pos) for pos in pos_bp.tolist())
    bases = encode("".join(letters))
    pos_bp, bases = pos_bp[bases < 4], bases[bases < 4]
    return Mutations(
        pos_bp,
        np.array(list(decode(bases)), dtype=object),
        np.array(list(decode(substitute(rng, bases))), dtype=object),
    )
