"""Paired-end reads of the fragments of a tube, as FASTQ with each pair's origin.

Shapes: n pairs, R read length. A record's name is `sample:number`; the comment behind
it tells the pair's true origin (aligners drop it).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from morula.simulation.fragments import ORIGINS, Fragments
from morula.simulation.letters import letters_of, reference_places
from morula.simulation.molecules import FragmentModel, Pool, batches
from morula.simulation.protocols import Protocol
from morula.simulation.quality import QUALITIES, WRONG, quality_shares
from morula.simulation.read_kernel import (
    DRAWS,
    NUMBER_DIGITS,
    Machine,
    Names,
    Parts,
    write_pairs,
)
from morula.simulation.sequence import HaplotypeSequence, encode
from morula.simulation.streams import stream

# Kinds of pairs; a pair of several kinds has the last of them.
CLASSES = ("plain", "adapter", "chimera", "duplicate")
ORIGIN_COLUMNS = ("sample", "origin", "class", "pairs", "share")
# What mates 1 and 2 read behind the fragment's end: Illumina's TruSeq adapters, index
# 1, as trimmers know them. Both are filled up with G (two-colour chemistry: no signal).
ADAPTERS = (
    "AGATCGGAAGAGCACACGTCTGAACTCCAGTCACATCACGATCTCGTATGCCGTCTTCTGCTTG",
    "AGATCGGAAGAGCGTCGTGTAGGGAAAGAGTGTAGATCTCGGTGGTCGCCGTATCATTGGGGGG",
)
# Pairs whose text is made at once.
PAIRS_AT_ONCE = 1 << 14
_POSITION_DIGITS = 10


@dataclass(frozen=True)
class ReadModel:
    """How fragments are read.

    read_length: bp; error_rate: mean share of wrong bases; indel_error_rate: inserted
    and deleted bases a base.
    """

    read_length: int
    error_rate: float
    indel_error_rate: float


@dataclass(frozen=True)
class Dna:
    """What is sequenced of one chromosome.

    start0: 0-based first base of the stretch; sequences: as `Pool.sequence` numbers
    them; protocol: what made the pool.
    """

    chrom: str
    start0: int
    pool: Pool
    sequences: Sequence[HaplotypeSequence]
    protocol: Protocol

    @property
    def n_skipped(self) -> int:
        """Carried alleles that overlap others and are in no read."""
        return sum(one.n_skipped for one in self.sequences)


def machine_of(model: ReadModel) -> Machine:
    """The sequencer. Raises ValueError when the qualities cannot express its errors."""
    shares = quality_shares(model.error_rate, model.read_length)
    parts = np.stack([shares * WRONG, shares * (1.0 - WRONG)], axis=2)
    below = np.cumsum(parts.reshape(model.read_length, -1), axis=1)
    return Machine(
        below=np.rint(below * DRAWS).astype(np.int64),
        quality=(QUALITIES + 33).astype(np.uint8),
        adapters=np.stack([encode(one) for one in ADAPTERS]),
        indel_rate=float(model.indel_error_rate),
    )


def class_codes(fragments: Fragments, read_length: int) -> NDArray[np.int64]:
    """Index in CLASSES of each fragment, int64 (n,)."""
    codes = np.where(fragments.size < read_length, CLASSES.index("adapter"), 0)
    codes[fragments.is_chimera] = CLASSES.index("chimera")
    codes[fragments.duplicate_of >= 0] = CLASSES.index("duplicate")
    return codes


def _names(sample: str, chrom: str, pool: Pool) -> Names:
    """Text of the headers; labels are in the order of molecule * classes + class."""
    labels = [
        f" origin={ORIGINS[origin]} cell={cell + 1} copy={copy + 1} class={kind}"
        f" at={chrom}:".encode()
        for origin, cell, copy in zip(
            pool.origin.tolist(), pool.cell.tolist(), pool.copy.tolist(), strict=True
        )
        for kind in CLASSES
    ]
    width = max(map(len, labels))
    text = b"".join(label.ljust(width) for label in labels)
    return Names(
        head=np.frombuffer(f"@{sample}:".encode(), dtype=np.uint8),
        labels=np.frombuffer(text, dtype=np.uint8).reshape(-1, width),
        label_length=np.array([len(label) for label in labels], dtype=np.int64),
    )


def _parts(dna: Dna, fragments: Fragments, kinds: NDArray[np.int64]) -> Parts:
    """Fragments as the kernel takes them."""
    places = reference_places(
        dna.pool, dna.sequences, fragments.molecule, fragments.start
    )
    return Parts(
        molecule=(fragments.molecule, fragments.second_molecule),
        start=(fragments.start, fragments.second_start),
        size=fragments.size,
        join=fragments.join,
        second_reverse=fragments.second_reverse,
        bottom=fragments.bottom,
        swap=fragments.swap,
        duplicate_of=fragments.duplicate_of,
        position=dna.start0 + 1 + places,
        label=fragments.molecule.astype(np.int64) * len(CLASSES) + kinds,
    )


class ReadMaker:
    """Makes the FASTQ text of one sample, chromosome by chromosome.

    n_pairs: int64 (origins, classes), pairs made so far, in the orders of
    `fragments.ORIGINS` and CLASSES.
    """

    def __init__(self, sample: str, seed: int, model: ReadModel) -> None:
        self.sample = sample
        self.seed = seed
        self.model = model
        self.n_pairs = np.zeros((len(ORIGINS), len(CLASSES)), dtype=np.int64)
        self._machine = machine_of(model)

    def texts(
        self, dna: Dna, library: FragmentModel, n_fragments: int
    ) -> Iterator[tuple[bytes, bytes]]:
        """Pieces of FASTQ text of mates 1 and 2 of a chromosome's fragments."""
        if not n_fragments:
            return
        names = _names(self.sample, dna.chrom, dna.pool)
        width = 2 * self.model.read_length + 5 + _POSITION_DIGITS
        width += len(names.head) + NUMBER_DIGITS + names.labels.shape[1]
        out = (
            np.empty(PAIRS_AT_ONCE * width, dtype=np.uint8),
            np.empty(PAIRS_AT_ONCE * width, dtype=np.uint8),
        )
        rng = stream(self.seed, "clonal errors", self.sample, dna.chrom)
        letters = letters_of(rng, dna.protocol, dna.pool, dna.sequences)
        rng = stream(self.seed, "reads", self.sample, dna.chrom)
        for fragments in batches(rng, dna.pool, library, n_fragments):
            kinds = class_codes(fragments, self.model.read_length)
            parts = _parts(dna, fragments, kinds)
            # Fragments come in order of their place; a sequencer's files do not.
            order = rng.permutation(len(kinds))
            keys = rng.integers(0, 1 << 63, 2).astype(np.uint64)
            for begin in range(0, len(order), PAIRS_AT_ONCE):
                some = order[begin : begin + PAIRS_AT_ONCE]
                number = int(self.n_pairs.sum()) + begin
                ends = write_pairs(
                    letters, self._machine, names, parts, some, number, keys, out
                )
                yield out[0][: ends[0]].tobytes(), out[1][: ends[1]].tobytes()
            origins = dna.pool.origin[fragments.molecule]
            np.add.at(self.n_pairs, (origins, kinds), 1)

    def shares(self) -> NDArray[np.float64]:
        """`n_pairs` as shares of all."""
        return np.asarray(self.n_pairs / max(int(self.n_pairs.sum()), 1))

    def origin_rows(self) -> Iterator[dict[str, object]]:
        """Rows of the table of origins: how many pairs there are of each."""
        shares = self.shares()
        for i, origin in enumerate(ORIGINS):
            for k, kind in enumerate(CLASSES):
                found = (int(self.n_pairs[i, k]), float(shares[i, k]))
                cells = (self.sample, origin, kind, *found)
                yield dict(zip(ORIGIN_COLUMNS, cells, strict=True))
