"""Hets that a parent's own reads link, and what links add to a phase.

Shapes: H hets in order of position, D phasings. Votes: see morula.phase_consensus.

Reads that cover several hets link them into blocks: inside a block the phase is known,
how the block lies to other blocks is not. A block is therefore believed as a whole: in
every phasing it is turned the way that most of its hets vote for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cyvcf2
import numpy as np
from numpy.typing import NDArray

from morula.errors import InputError
from morula.phase_consensus import UNKNOWN, Consensus

Key = tuple[int, str, str]
ALONE = -1
# Phasings whose votes are counted at once: their weights take eight bytes a het each.
AT_ONCE = 64


@dataclass(frozen=True)
class Links:
    """block: int64 (H,), number of each het's block (0, 1, ...), or ALONE; first:
    uint8 (H,), allele on the first haplotype of the block, 0 where ALONE."""

    block: NDArray[np.int64]
    first: NDArray[np.uint8]

    @classmethod
    def none(cls, n_hets: int) -> Links:
        """No het is linked to another."""
        return cls(np.full(n_hets, ALONE), np.zeros(n_hets, dtype=np.uint8))

    def only(self, kept: NDArray[np.bool_]) -> Links:
        """Links of the hets that are kept (H,); blocks of a single het are dissolved,
        the others numbered anew in the order of their first hets."""
        block = np.where(kept, self.block, ALONE)
        numbers, first_rows, inverse, size = np.unique(
            block, return_index=True, return_inverse=True, return_counts=True
        )
        is_block = (numbers != ALONE) & (size > 1)
        order = np.argsort(np.where(is_block, first_rows, len(block)), kind="stable")
        rank = np.empty(len(numbers), dtype=np.int64)
        rank[order] = np.arange(len(numbers))
        block = np.where(is_block, rank, ALONE)[inverse]
        return Links(block, np.where(block == ALONE, 0, self.first).astype(np.uint8))


def read_links(path: str | Path, samples: Sequence[str]) -> dict[str, dict[Key, tuple]]:
    """Linked hets of each sample in the BCF of link_reads: (phase set, allele on its
    first haplotype) by key. Samples without reads are not in the file and have none."""
    reader = cyvcf2.VCF(str(path))
    columns = {name: i for i, name in enumerate(reader.samples) if name in samples}
    found: dict[str, dict[Key, tuple]] = {name: {} for name in samples}
    for record in reader:
        if "PS" not in record.FORMAT:
            raise InputError(
                f"{path}: {record.CHROM}:{record.POS} has no PS; expected the output"
                " of link_reads: run the phase stage again"
            )
        genotypes, sets = record.genotypes, record.format("PS")
        for name, column in columns.items():
            first, second, is_phased = genotypes[column]
            if is_phased and first != second and sets[column, 0] > 0:
                key = (record.POS, record.REF, record.ALT[0])
                found[name][key] = (int(sets[column, 0]), first)
    reader.close()
    return found


def links_at(linked: dict[Key, tuple], keys: Sequence[Key]) -> Links:
    """Links among the hets at `keys`."""
    block = np.array([linked.get(key, (ALONE, 0))[0] for key in keys], dtype=np.int64)
    first = np.array([linked.get(key, (ALONE, 0))[1] for key in keys], dtype=np.uint8)
    return Links(block, first).only(block != ALONE)


def both_wrong(one: NDArray, other: NDArray | float) -> NDArray[np.float64]:
    """P(what two independent witnesses say is wrong), from that of each, given that
    they say the same."""
    wrong = one * other
    return np.asarray(wrong / (wrong + (1.0 - one) * (1.0 - other)), dtype=np.float64)


def _votes_for_turn(
    differs: NDArray, weight: NDArray[np.float64], links: Links
) -> NDArray[np.float64]:
    """Weight for the other way round minus weight against it, of every block (B, D).

    differs: int8 (H, D), 1 where a het lies otherwise than its block says, -1 where it
    lies so, 0 unknown.
    """
    linked = np.flatnonzero(links.block != ALONE)
    n_blocks = int(links.block.max(initial=ALONE)) + 1
    votes = np.zeros((n_blocks, differs.shape[1]))
    np.add.at(votes, links.block[linked], differs[linked] * weight[linked, None])
    return votes


def _differs(shown: NDArray[np.uint8], links: Links) -> NDArray[np.int8]:
    """1, -1 or 0 as in _votes_for_turn, of alleles shown (H, D)."""
    signs = 1 - 2 * (shown == links.first[:, None]).astype(np.int8)
    signs[shown == UNKNOWN] = 0
    return signs


def _weight(flip: NDArray[np.float64]) -> NDArray[np.float64]:
    """Natural log of the odds that a het is the right way round."""
    return np.asarray(np.log((1.0 - flip) / flip), dtype=np.float64)


def doubt(consensus: Consensus, links: Links, error: float) -> NDArray[np.float64]:
    """P(a het's link is wrong), (H,), from the reads' error rate and from whether the
    consensus of the phasings has it so, too; a half where ALONE.

    METHOD: the phasings know of alignments to the wrong copy of a repeat, which many
    reads repeat; a link against which they speak more surely than for which reads
    usually speak is not believed. Panel and reads are taken as independent witnesses.
    """
    # A flip of a half says nothing, and a het that never flips says no more than this.
    flip = np.clip(consensus.flip, 1e-6, 0.5)
    differs = _differs(consensus.first[:, None], links)
    votes = _votes_for_turn(differs, _weight(flip), links)
    turned = np.where(votes[:, 0] > 0, 1, -1)
    linked = links.block != ALONE
    agrees = np.ones(len(flip), dtype=bool)
    agrees[linked] = differs[linked, 0] == turned[links.block[linked]]
    wrong = np.where(agrees, both_wrong(flip, error), both_wrong(1.0 - flip, error))
    return np.where(linked, wrong, 0.5)


def oriented(
    votes: NDArray[np.uint8], links: Links, flip: NDArray[np.float64]
) -> NDArray[np.uint8]:
    """The votes (H, D) with every block as it says of itself, turned in each phasing
    the way that its hets vote for, by their certainty; a block for which a phasing
    says nothing stays unknown in it."""
    weight = _weight(np.clip(flip, 1e-6, 0.5))
    linked = np.flatnonzero(links.block != ALONE)
    block, first = links.block[linked], links.first[linked, None]
    result = votes.copy()
    for begin in range(0, votes.shape[1], AT_ONCE):
        part = slice(begin, begin + AT_ONCE)
        of_block = _votes_for_turn(_differs(votes[:, part], links), weight, links)
        turn = np.where(of_block == 0, UNKNOWN, of_block > 0).astype(np.uint8)[block]
        result[linked, part] = np.where(turn == UNKNOWN, UNKNOWN, first ^ turn)
    return result
