"""The letters of all molecules in a tube: of each chromosome copy's own sequence, and
of the errors that amplification leaves in it."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from morula.errors import InputError
from morula.simulation.clonal_errors import draw_clonal_errors
from morula.simulation.molecules import Pool
from morula.simulation.protocols import Protocol
from morula.simulation.read_kernel import Letters
from morula.simulation.sequence import HaplotypeSequence, apply_alleles, encode
from morula.simulation.tube import Carrier

_BASES = re.compile("[ACGT]+")


def check_alleles(carrier: Carrier, start0: int, reference: NDArray[np.uint8]) -> None:
    """Raise InputError unless each REF is what the FASTA has there, and each ALT is a
    sequence; reference: codes of the stretch from start0 (0-based)."""
    alleles = zip(carrier.pos_bp.tolist(), carrier.ref, carrier.alt, strict=True)
    for pos, ref, alt in alleles:
        offset = pos - 1 - start0
        if not np.array_equal(reference[offset : offset + len(ref)], encode(ref)):
            raise InputError(
                f"{carrier.chrom}:{pos}: REF {ref} is not what the FASTA has there;"
                " expected founders of the same build"
            )
        if not _BASES.fullmatch(alt):
            raise InputError(
                f"{carrier.chrom}:{pos}: ALT {alt} has no letters to put into reads;"
                " expected A, C, G and T: leave such records out of the founders"
            )


def copy_sequences(
    carrier: Carrier, start0: int, reference: NDArray[np.uint8]
) -> list[HaplotypeSequence]:
    """The sequence of each of a person's copies along the stretch from start0."""
    sequences = []
    for alleles in carrier.alleles.T:
        carried = np.flatnonzero(alleles == 1)
        sequence = apply_alleles(
            reference,
            carrier.pos_bp[carried] - 1 - start0,
            carrier.ref[carried].tolist(),
            carrier.alt[carried].tolist(),
        )
        sequences.append(sequence)
    return sequences


def letters_of(
    rng: np.random.Generator,
    protocol: Protocol,
    pool: Pool,
    sequences: Sequence[HaplotypeSequence],
) -> Letters:
    """The letters of a pool's molecules; `Pool.sequence` numbers the sequences."""
    codes = [one.codes for one in sequences]
    errors = draw_clonal_errors(rng, protocol, pool.sequence, codes)
    return Letters(
        codes=np.concatenate([np.zeros(0, dtype=np.uint8), *codes]),
        first=np.cumsum([0, *(len(one) for one in codes)], dtype=np.int64)[:-1],
        sequence=pool.sequence,
        error_first=errors.first,
        error_offset=errors.offset,
        error_base=errors.base,
        error_fraction=errors.fraction,
        damage=float(protocol.damage_rate),
    )


def reference_places(
    pool: Pool,
    sequences: Sequence[HaplotypeSequence],
    molecule: NDArray[np.int32],
    start: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Offsets in the reference stretch of the offsets `start` in molecules."""
    which = pool.sequence[molecule]
    places = np.zeros(len(start), dtype=np.int64)
    for index, sequence in enumerate(sequences):
        here = np.flatnonzero(which == index)
        places[here] = sequence.to_reference(start[here])
    return places
