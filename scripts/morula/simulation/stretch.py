"""What is sequenced of each chromosome: the copies of all whose DNA is in the tube."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pysam
from numpy.typing import NDArray

from morula.sex_chromosome import kind_of
from morula.simulation.amplification import Region
from morula.simulation.letters import check_alleles, copy_sequences
from morula.simulation.molecules import make_pool
from morula.simulation.protocols import Protocol
from morula.simulation.reads import Dna
from morula.simulation.tube import (
    Carrier,
    Contents,
    Tube,
    read_carrier,
    region_of,
)


@dataclass(frozen=True)
class Person:
    """Where a person's truth is; truth: BCF, copies: table."""

    name: str
    truth: str
    copies: str


@dataclass(frozen=True)
class Stretch:
    """One chromosome: the copies of the sample and, if there is one, of a contaminant;
    the part that is sequenced, and the reference there (codes)."""

    people: Sequence[Carrier]
    region: Region
    reference: NDArray[np.uint8]

    @property
    def chrom(self) -> str:
        """The chromosome's name."""
        return self.people[0].chrom

    @property
    def paired_bp(self) -> float:
        """Bases that count when a depth is turned into a number of reads."""
        # METHOD: depth is that of chromosomes which come in pairs. X and Y count by the
        # copies that there are, or autosomes of men would be deeper than of women;
        # autosomes count whole, for the number of reads does not depend on a trisomy.
        if not kind_of(self.chrom):
            return float(self.region.span_bp)
        stretches = [one for copy in self.people[0].copies for one in copy.stretches]
        return sum(one.end - one.start + 1 for one in stretches) / 2.0

    def contents(self, tube: Tube) -> Contents:
        """The molecules in the tube; each call makes the same."""
        copies = [person.copies for person in self.people]
        other = copies[1] if len(copies) > 1 else []
        return tube.chromosome(self.chrom, copies[0], other, self.region)

    def dna(self, contents: Contents, protocol: Protocol) -> Dna:
        """The molecules with their letters. Raises InputError when the people's alleles
        are not those of the reference."""
        sequences = []
        for person in self.people:
            check_alleles(person, self.region.start0, self.reference)
            sequences += copy_sequences(person, self.region.start0, self.reference)
        pool = make_pool(contents.molecules, contents.n_own_copies, sequences)
        return Dna(self.chrom, self.region.start0, pool, sequences, protocol)


def read_stretches(
    people: Sequence[Person],
    chromosomes: Sequence[str],
    genome: pysam.FastaFile,
    margin: int,
) -> Iterator[Stretch]:
    """The chromosomes of which somebody has a copy, one after another.

    people: the sample, then a contaminant; margin: bp beyond the outermost sites.
    """
    for chrom in chromosomes:
        carriers = [
            read_carrier(one.truth, one.copies, one.name, chrom) for one in people
        ]
        sites = [one.pos_bp for one in carriers if len(one.pos_bp)]
        if sites:
            yield Stretch(carriers, *region_of(chrom, sites[0], margin, genome))
