"""The pool of amplified molecules of one chromosome, and fragments drawn from it.

Both modes use it. Counts mode: a molecule's offsets are offsets in the reference
stretch. Reads mode: they are offsets in the haplotype's own sequence, which indels
shift; pass `sequences` to `make_pool`. Cells of one person share a copy's sequence:
`Pool.sequence` says which one a molecule has.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from morula.simulation.amplification import Molecule
from morula.simulation.fragments import Fragments
from morula.simulation.protocols import Protocol
from morula.simulation.sequence import HaplotypeSequence

# Fragments drawn at once: what bounds the memory.
FRAGMENTS_AT_ONCE = 1 << 19
# No library has shorter inserts: they are lost with the adapter dimers.
SHORTEST_BP = 30


@dataclass(frozen=True)
class FragmentModel:
    """How the amplified DNA becomes fragments.

    insert_mean, insert_sd: bp, before adapters; duplicate_rate: share of the fragments
    that are PCR copies of others; chimera_*: as in `protocols.Protocol`.
    """

    insert_mean: float
    insert_sd: float
    duplicate_rate: float
    chimera_rate: float
    chimera_near: float
    chimera_bp: float
    chimera_inverted: float


def fragment_model(
    protocol: Protocol, insert_mean: float, insert_sd: float, duplicate_rate: float
) -> FragmentModel:
    """The model of a library made of DNA that was amplified by `protocol`."""
    return FragmentModel(
        insert_mean,
        insert_sd,
        duplicate_rate,
        protocol.chimera_rate,
        protocol.chimera_near,
        protocol.chimera_bp,
        protocol.chimera_inverted,
    )


@dataclass(frozen=True)
class Pool:
    """M molecules with A amplicons, those of one molecule after those of another.

    Of each molecule: cell, copy int32 (M,); origin int8 (M,), code in
    `fragments.ORIGINS`; sequence int32 (M,), index of its letters: own copies 0 to
    n - 1, then the contaminant's; length int64 (M,), its bases; first_amplicon int64
    (M + 1,).
    Of each amplicon: start, end int64 (A,), offsets in its molecule; amount float64
    (A,); cumulated float64 (A,), running sum of amount * (end - start), to which its
    number of fragments is proportional.
    """

    cell: NDArray[np.int32]
    copy: NDArray[np.int32]
    origin: NDArray[np.int8]
    sequence: NDArray[np.int32]
    length: NDArray[np.int64]
    first_amplicon: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    amount: NDArray[np.float64]
    cumulated: NDArray[np.float64]

    @property
    def weight(self) -> float:
        """Sum of amount times length of all amplicons."""
        return float(self.cumulated[-1]) if len(self.cumulated) else 0.0

    def molecule_of(self, amplicon: NDArray[np.int64]) -> NDArray[np.int64]:
        """Molecule of each amplicon."""
        return np.searchsorted(self.first_amplicon, amplicon, side="right") - 1


def make_pool(
    molecules: Sequence[Molecule],
    n_own_copies: int,
    sequences: Sequence[HaplotypeSequence] | None = None,
) -> Pool:
    """The pool of `molecules`, in their order.

    n_own_copies: number of the sample's own copies, behind which the contaminant's
    sequences are numbered. sequences: letters of all of them; without, offsets are
    those of the reference.
    """
    sequence = np.array(
        [one.copy + n_own_copies * one.origin for one in molecules], dtype=np.int32
    )
    edges = [
        one.template.edges
        if sequences is None
        else sequences[index].from_reference(one.template.edges)
        for one, index in zip(molecules, sequence.tolist(), strict=True)
    ]
    nothing = np.zeros(0)
    amount = np.concatenate([nothing, *(one.template.amounts for one in molecules)])
    start = np.concatenate([nothing.astype(np.int64), *(e[:-1] for e in edges)])
    end = np.concatenate([nothing.astype(np.int64), *(e[1:] for e in edges)])
    return Pool(
        cell=np.array([one.cell for one in molecules], dtype=np.int32),
        copy=np.array([one.copy for one in molecules], dtype=np.int32),
        origin=np.array([one.origin for one in molecules], dtype=np.int8),
        sequence=sequence,
        length=np.array([e[-1] for e in edges], dtype=np.int64),
        first_amplicon=np.cumsum([0, *(len(e) - 1 for e in edges)], dtype=np.int64),
        start=start,
        end=end,
        amount=amount,
        cumulated=np.cumsum(amount * (end - start)),
    )


def draw_fragments(
    rng: np.random.Generator, pool: Pool, model: FragmentModel, n: int
) -> Fragments:
    """n fragments of the pool, in order of the molecule and of the start (PCR copies
    lie where their number says). Raises ValueError when the pool is empty.

    Draw batches of at most FRAGMENTS_AT_ONCE.
    """
    if pool.weight <= 0.0:
        raise ValueError("no template is left: nothing to draw fragments from")
    size = np.rint(rng.normal(model.insert_mean, model.insert_sd, n)).astype(np.int64)
    size = np.maximum(size, SHORTEST_BP)
    amplicon, molecule, start = _places(rng, pool, np.sort(rng.random(n)), size)
    size = np.minimum(size, pool.length[molecule])
    order = np.lexsort((start, molecule))
    amplicon, molecule = amplicon[order], molecule[order]
    start, size = start[order], size[order]
    join, second = _chimeras(rng, pool, model, (amplicon, molecule, start), size)
    fragments = Fragments(
        molecule=molecule.astype(np.int32),
        start=start,
        size=size,
        join=join,
        second_molecule=second[1].astype(np.int32),
        second_start=second[2],
        second_reverse=second[3],
        amplicon=amplicon,
        second_amplicon=second[0],
        bottom=rng.random(n) < 0.5,
        swap=rng.random(n) < 0.5,
        duplicate_of=np.full(n, -1, dtype=np.int64),
    )
    return _with_duplicates(rng, fragments, model.duplicate_rate)


def batches(
    rng: np.random.Generator, pool: Pool, model: FragmentModel, n_fragments: int
) -> Iterator[Fragments]:
    """n fragments of a pool, in batches that bound the memory."""
    for begin in range(0, n_fragments, FRAGMENTS_AT_ONCE):
        n = min(FRAGMENTS_AT_ONCE, n_fragments - begin)
        yield draw_fragments(rng, pool, model, n)


def _places(
    rng: np.random.Generator,
    pool: Pool,
    quantile: NDArray[np.float64],
    size: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """(amplicon, molecule, start) of stretches of `size` bases by weight."""
    # METHOD: a fragment's middle lies in its amplicon; its ends may reach into the
    # neighbours. Amplicons overlap and end at random in truth: a hard border would
    # leave gaps of coverage at each, which no protocol shows.
    amplicon = np.searchsorted(
        pool.cumulated, quantile * pool.cumulated[-1], side="right"
    )
    amplicon = np.minimum(amplicon, len(pool.cumulated) - 1)
    molecule = pool.molecule_of(amplicon)
    begin, end = pool.start[amplicon], pool.end[amplicon]
    middle = begin + (rng.random(len(size)) * (end - begin)).astype(np.int64)
    last = np.maximum(pool.length[molecule] - size, 0)
    return amplicon, molecule, np.clip(middle - size // 2, 0, last)


def _chimeras(
    rng: np.random.Generator,
    pool: Pool,
    model: FragmentModel,
    first: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
    size: NDArray[np.int64],
) -> tuple[
    NDArray[np.int64],
    tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]],
]:
    """Length of the first part of each fragment, and (amplicon, molecule, start, is it
    turned) of the second; ordinary fragments repeat the first part's."""
    # METHOD: multiple displacement joins mostly places of one molecule, not far apart,
    # the second turned round (Lasken and Stockwell 2007, BMC Biotechnol 7:19: over 85 %
    # inverted, within one branched molecule); the rest may join any two of the pool.
    n = len(size)
    amplicon, molecule, start = (array.copy() for array in first)
    turned = np.zeros(n, dtype=bool)
    join = size.copy()
    hit = np.flatnonzero((rng.random(n) < model.chimera_rate) & (size > 1))
    join[hit] = 1 + (rng.random(len(hit)) * (size[hit] - 1)).astype(np.int64)
    rest = size[hit] - join[hit]
    far = _places(rng, pool, rng.random(len(hit)), rest)
    near = _near_places(rng, pool, model, (amplicon[hit], start[hit] + join[hit]), rest)
    is_near = rng.random(len(hit)) < model.chimera_near
    amplicon[hit] = np.where(is_near, amplicon[hit], far[0])
    molecule[hit] = np.where(is_near, molecule[hit], far[1])
    start[hit] = np.where(is_near, near, far[2])
    share = np.where(is_near, model.chimera_inverted, 0.5)
    turned[hit] = rng.random(len(hit)) < share
    return join, (amplicon, molecule, start, turned)


def _near_places(
    rng: np.random.Generator,
    pool: Pool,
    model: FragmentModel,
    at: tuple[NDArray[np.int64], NDArray[np.int64]],
    size: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Starts of second parts of `size` bases near the offset in an amplicon of `at`,
    within the same amplicon, since what lies beyond may be lost."""
    amplicon, offset = at
    distance = rng.exponential(model.chimera_bp, len(size)).astype(np.int64) + 1
    side = np.where(rng.random(len(size)) < 0.5, 1, -1)
    begin, end = pool.start[amplicon], pool.end[amplicon]
    # Beyond an end the distance is folded back into the amplicon.
    span = np.maximum(end - begin, 1)
    folded = np.abs((offset + side * distance - begin) % (2 * span))
    inside = begin + np.minimum(folded, 2 * span - 1 - folded)
    last = np.maximum(pool.length[pool.molecule_of(amplicon)] - size, 0)
    return np.asarray(np.clip(inside - size // 2, 0, last), dtype=np.int64)


def _with_duplicates(
    rng: np.random.Generator, fragments: Fragments, rate: float
) -> Fragments:
    """The fragments with a share `rate` of them replaced by copies of the others."""
    n = len(fragments.size)
    is_copy = rng.random(n) < rate
    originals = np.flatnonzero(~is_copy)
    if not len(originals) or not is_copy.any():
        return fragments
    source = np.arange(n)
    source[is_copy] = rng.choice(originals, int(is_copy.sum()))
    duplicate_of = np.where(is_copy, source, -1).astype(np.int64)
    values = {
        name: value[source]
        for name, value in vars(fragments).items()
        if name != "duplicate_of"
    }
    return Fragments(**values, duplicate_of=duplicate_of)
