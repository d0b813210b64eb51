"""A parent's phase from many phasings and from links by reads, with what is doubtful.

Shapes: N sites in order (of the panel, and private ones), H hets, D phasings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from morula import read_links
from morula.phase_consensus import UNKNOWN, Consensus, calibrated, find_consensus
from morula.phase_ensemble import Phasings
from morula.read_links import ALONE, Links, both_wrong

Key = tuple[int, str, str]
NOTHING_KNOWN = 0.5


@dataclass(frozen=True)
class ParentalPhase:
    """alleles: int8 (N, 2), of haplotypes 1 and 2 at hets and at genotypes that were
    filled in, -1 elsewhere; flip: float64 (N,), P(this het is the wrong way round by
    itself); switch: float64 (N,), P(the phase switches between the het before and this
    one); both 0 at sites that are no hets. n_linked: hets that reads link."""

    alleles: NDArray[np.int8]
    flip: NDArray[np.float64]
    switch: NDArray[np.float64]
    n_linked: int


def with_links(
    votes: NDArray[np.uint8], links: Links, link_error: float
) -> tuple[Consensus, Links]:
    """Calibrated consensus of votes (H, D) and links, and the links that were believed.

    link_error: P(a het is linked the wrong way round).
    """
    alone = calibrated(find_consensus(votes))
    if (links.block == ALONE).all():
        return alone, links
    wrong = read_links.doubt(alone, links, link_error)
    kept = links.only(wrong < 0.5)
    turned = find_consensus(read_links.oriented(votes, kept, alone.flip))
    result = calibrated(turned)
    linked = kept.block != ALONE
    # The block may be the wrong way round, or the het in it.
    of_block = turned.flip + wrong - 2.0 * turned.flip * wrong
    is_cut = (links.block != ALONE) & ~linked
    flip = np.where(linked, of_block, np.where(is_cut, alone.flip, result.flip))
    flip = np.where(is_cut & (wrong >= 0.5), 1.0 - wrong, flip)
    inside = linked[1:] & (kept.block[1:] == kept.block[:-1])
    switch = result.switch.copy()
    switch[1:][inside] = both_wrong(switch[1:][inside], link_error)
    return Consensus(result.first, switch, np.minimum(flip, 0.5)), kept


def _votes_of(
    phasings: Phasings,
) -> tuple[NDArray[np.bool_], NDArray[np.uint8], NDArray[np.int64]]:
    """Which of the open sites (U,) are hets, their votes (H, D), and the most frequent
    genotype of every open site, ALT copies (U,)."""
    copies = phasings.alleles.sum(axis=2, dtype=np.uint8)
    seen = np.stack([(copies == g).sum(axis=1) for g in range(3)], axis=1)
    genotype = np.where(phasings.is_missing, seen.argmax(axis=1), 1)
    is_het = genotype == 1
    is_shown = copies[is_het] == 1
    votes = phasings.alleles[is_het, :, 0]
    votes[~is_shown] = UNKNOWN
    return is_het, votes, genotype


def _only_with_panel(links: Links, is_private: NDArray[np.bool_]) -> Links:
    """Links without the blocks that no het of the panel belongs to."""
    anchored = np.unique(links.block[~is_private])
    return links.only(np.isin(links.block, anchored) & (links.block != ALONE))


def find_phase(
    keys: Sequence[Key],
    panel_rows: NDArray[np.int64],
    phasings: Phasings,
    private_rows: NDArray[np.int64],
    linked: dict[Key, tuple[int, int]],
    link_error: float,
) -> ParentalPhase:
    """Phase a parent.

    keys: all sites; panel_rows: int64, row among them of each site of the phasings;
    private_rows: int64, rows of the parent's hets that the panel lacks; linked: as
    read_links gives it; link_error: P(a het is linked the wrong way round).
    """
    n_sites = len(keys)
    alleles = np.full((n_sites, 2), -1, dtype=np.int8)
    flip, switch = np.zeros(n_sites), np.zeros(n_sites)
    is_het, votes, genotype = _votes_of(phasings)
    open_rows = panel_rows[phasings.rows]
    alleles[open_rows[~is_het]] = (genotype[~is_het] // 2)[:, None]
    rows = np.concatenate([open_rows[is_het], private_rows])
    silent = np.full((len(private_rows), votes.shape[1]), UNKNOWN, dtype=np.uint8)
    order = np.argsort(rows, kind="stable")
    votes, rows = np.concatenate([votes, silent])[order], rows[order]
    is_private = np.isin(rows, private_rows)
    links = read_links.links_at(linked, [keys[row] for row in rows.tolist()])
    links = _only_with_panel(links, is_private)
    # A private het that nothing links says nothing of the phase around it.
    lonely = is_private & (links.block == ALONE)
    alleles[rows[lonely]] = 0, 1
    flip[rows[lonely]] = NOTHING_KNOWN
    rows, votes = rows[~lonely], votes[~lonely]
    links = Links(links.block[~lonely], links.first[~lonely])
    found, kept = with_links(votes, links, link_error)
    alleles[rows] = np.stack([found.first, 1 - found.first], axis=1)
    flip[rows], switch[rows] = found.flip, found.switch
    return ParentalPhase(alleles, flip, switch, int((kept.block != ALONE).sum()))
