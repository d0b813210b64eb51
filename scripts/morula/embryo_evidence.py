"""What an amplified embryo's reads show at the panel's sites, for morula.copying."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from morula import amplification, array_signal, copying
from morula.amplification import Amplification
from morula.copying import Evidence
from morula.parental_alleles import Sites

Floats = NDArray[np.float64]
# METHOD: copying draws the share together with the copied haplotype, at a cost that is
# linear in its grid; three points between loss and loss give what nine give (dosage r2
# of 20 Europeans at 4x, 20 % dropout: .9742 with 1, .9742 with 3).
SHARES = np.array([0.0, 0.25, 0.5, 0.75, 1.0])


def coarse(learnt: Amplification) -> Amplification:
    """`learnt` on the grid SHARES: both ends as they are, what lies between at the
    nearest of the others. Without parents the mother's DNA is not told apart."""
    inner = np.abs(learnt.shares[1:-1, None] - SHARES[None, 1:-1]).argmin(axis=1)
    prior = np.zeros(len(SHARES))
    prior[[0, -1]] = learnt.share_prior[[0, -1]]
    np.add.at(prior, inner + 1, learnt.share_prior[1:-1])
    return replace(learnt, shares=SHARES, share_prior=prior, contamination=0.0)


def at_panel(
    everyone: Sequence[Floats], counted: Sites, panel: Sites
) -> Iterator[Floats]:
    """Reads (L, 2) of each embryo at the panel's sites, of those at `counted`; none
    where none were counted (indels that do not vary in the panel)."""
    place = panel.places(counted)
    for reads in everyone:
        found = np.zeros((len(panel.pos_bp), 2))
        found[place[place >= 0]] = reads[place >= 0]
        yield found


def evidence(
    sites: Sites,
    frequency: Floats,
    reads: Floats,
    learnt: Amplification,
    max_depth: float,
    outlier: float,
) -> Evidence:
    """Evidence at `sites`; frequency: (L,), the panel's of ALT; reads: (L, 2), or what
    an array shows."""
    grid = coarse(learnt)
    gap_bp = np.diff(sites.pos_bp, prepend=sites.pos_bp[0])
    if learnt.is_array:
        shown, classes = array_signal.of_sites(reads)
    else:
        no_level = np.zeros(len(gap_bp), dtype=np.int64)
        both = np.repeat(frequency[:, None], 2, axis=1)
        shown = amplification.cap_depth(reads, max_depth)
        classes = amplification.site_classes(sites.error_class, both, no_level)
    return copying.of_reads(
        shown,
        grid.read_table(),
        classes,
        grid.share_prior,
        np.exp(-gap_bp / grid.length_bp),
        outlier,
    )
