"""What is in the tube of one sample: whose molecules, how amplified, and how many
fragments of each chromosome are sequenced.

Both modes use it: `Tube.chromosome` makes the molecules of a chromosome, the same
ones at each call, and `Tube.allot` shares the fragments among the chromosomes: first
ask all chromosomes for their weights, then make each again and draw.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cyvcf2
import numpy as np
import pysam
from numpy.typing import NDArray

from morula.errors import InputError
from morula.simulation.amplification import (
    Molecule,
    Region,
    gc_content,
    molecules_of,
)
from morula.simulation.bcf import read_copy_alleles
from morula.simulation.copies import Copy, read_copies
from morula.simulation.protocols import Protocol
from morula.simulation.sequence import encode
from morula.simulation.streams import stream


@dataclass(frozen=True)
class Carrier:
    """One person's copies of one chromosome.

    pos_bp int64 (L,), rising; ref, alt object (L,), str; alleles int8 (L, n): allele of
    each copy, -1 where it has none; copies: the n copies.
    """

    chrom: str
    pos_bp: NDArray[np.int64]
    ref: NDArray[np.object_]
    alt: NDArray[np.object_]
    alleles: NDArray[np.int8]
    copies: Sequence[Copy]


def read_carrier(truth: str, table: str, name: str, chrom: str) -> Carrier:
    """The copies of `name` on `chrom`; without any (the Y of a woman) an empty one.

    truth: BCF; table: of copies. Raises InputError when the two differ in the number
    of copies.
    """
    pos_bp, ref, alt, alleles = read_copy_alleles(truth, chrom, name)
    copies = read_copies(table, name).get(chrom, [])
    if alleles.shape[1] < len(copies):
        raise InputError(
            f"{truth}: {alleles.shape[1]} alleles of {name} on {chrom}; {table} has"
            f" {len(copies)} copies; expected as many: make the truth again"
        )
    return Carrier(chrom, pos_bp, ref, alt, alleles[:, : len(copies)], copies)


def contigs_of(truth: str) -> dict[str, int]:
    """Names and lengths of the chromosomes that a truth BCF names."""
    reader = cyvcf2.VCF(truth)
    contigs = dict(zip(reader.seqnames, reader.seqlens, strict=True))
    reader.close()
    return contigs


def region_of(
    chrom: str, pos_bp: NDArray[np.int64], margin: int, genome: pysam.FastaFile | None
) -> tuple[Region, NDArray[np.uint8]]:
    """The stretch that the sites span with a margin on both sides, and its letters
    (none without a genome).

    Raises InputError when the genome lacks the chromosome.
    """
    # METHOD: a margin of some fragments, as far as there is sequence, so that the first
    # and the last site are as deep as the others.
    first, last = int(pos_bp[0]), int(pos_bp[-1])
    start0 = max(first - 1 - margin, 0)
    if genome is None:
        codes = np.zeros(0, dtype=np.uint8)
        return Region(start0, last + margin - start0, first, last), codes
    if chrom not in genome.references:
        raise InputError(
            f"no sequence {chrom!r} in the FASTA; it has {', '.join(genome.references)}"
        )
    codes = encode(genome.fetch(chrom, start0, last + margin))
    return Region(start0, len(codes), first, last, gc_content(codes)), codes


@dataclass(frozen=True)
class Contents:
    """Molecules of one chromosome, the contaminant's last; n_own_copies: number of the
    sample's copies."""

    molecules: list[Molecule]
    n_own_copies: int

    def own(self) -> list[Molecule]:
        """The molecules that are not the contaminant's."""
        return [one for one in self.molecules if one.origin == 0]

    def weights(self) -> tuple[float, float]:
        """Sum of amount times length of the sample's molecules, and of the
        contaminant's."""
        sums = [0.0, 0.0]
        for one in self.molecules:
            lengths = np.diff(one.template.edges)
            sums[one.origin] += float(one.template.amounts @ lengths)
        return sums[0], sums[1]

    def mixed(self, foreign_factor: float) -> Contents:
        """The same with the contaminant's amounts times a factor (see `allot`)."""
        molecules = [
            one.scaled(foreign_factor) if one.origin else one for one in self.molecules
        ]
        return Contents(molecules, self.n_own_copies)


@dataclass(frozen=True)
class Tube:
    """sample: the label, which names the random streams; contamination: share of the
    fragments that are a contaminant's (0: none)."""

    sample: str
    protocol: Protocol
    contamination: float
    seed: int

    def chromosome(
        self, chrom: str, own: Sequence[Copy], other: Sequence[Copy], region: Region
    ) -> Contents:
        """The molecules of `chrom`: the sample's copies, and the contaminant's, which
        is amplified as one more cell. Each call makes the same."""
        rng = stream(self.seed, "amplification", self.sample, chrom)
        molecules = molecules_of(rng, own, region, self.protocol)
        if self.contamination > 0.0:
            rng = stream(self.seed, "contaminant", self.sample, chrom)
            one_cell = replace(self.protocol, cells=1)
            molecules += molecules_of(rng, other, region, one_cell, origin=1)
        return Contents(molecules, len(own))

    def allot(
        self, weights: Sequence[tuple[float, float]], n_fragments: int
    ) -> tuple[float, list[int]]:
        """Factor of the contaminant's amounts (`Contents.mixed`), and the number of
        fragments of each chromosome, from the weights of their contents.

        Raises InputError when nothing is left to sequence.
        """
        # METHOD: the share holds over all chromosomes, not in each: where the sample
        # has fewer copies, or amplified badly, more of what is left is foreign.
        own, foreign = np.array(weights, dtype=np.float64).reshape(-1, 2).T
        if not own.sum() > 0.0:
            raise InputError(
                f"{self.sample}: no template is left on the chromosomes asked for;"
                " expected a lower dropout rate, or more sequence"
            )
        factor = 0.0
        if foreign.sum() > 0.0:
            ratio = self.contamination / (1.0 - self.contamination)
            factor = ratio * float(own.sum() / foreign.sum())
        total = own + factor * foreign
        rng = stream(self.seed, "allotment", self.sample)
        numbers = rng.multinomial(n_fragments, total / total.sum())
        return factor, [int(n) for n in numbers]
