"""What stands for parents who are absent: haplotypes of the panel that they copy.

One parent absent (a donor): morula.donor_copying. Both: the embryos are siblings, whose
four haplotypes are copied; which of them each carries is first told by the embryos'
genomes as each alone has it (morula.siblings), and their places are mended as they are
sampled (morula.sibling_copying). An embryo that is no sibling of the others is left
out: its reads would spoil theirs.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from morula import copying, donor_copying, embryo_evidence, siblings
from morula.amplification import Amplification
from morula.copying import Copying
from morula.donor_copying import Donor
from morula.embryo_kernels import Embryo
from morula.family_sampling import PRESENT, Absent
from morula.family_sites import FamilySites
from morula.order_kernels import Floats
from morula.panel_bits import PanelBits
from morula.sibling_copying import Exchange
from morula.siblings import Sibship

logger = logging.getLogger(__name__)
# Enough to tell what siblings share; their genomes come from the joint sampler.
ALONE = Copying(burn_in=5, sweeps=8, core_cm=2.0)


@dataclass(frozen=True)
class Members:
    """A family's embryos as its files have them. sites: rows (N,) of the informative
    sites; reads: (L, 2) of each, at the family's L sites; learnt: of each."""

    family: FamilySites
    rows: NDArray[np.int64]
    reads: Sequence[Floats]
    learnt: Sequence[Amplification]
    max_depth: float
    outlier: float


@dataclass(frozen=True)
class Found:
    """absent: for the sampler; embryos: those that it takes; ln_odds: (E,), of each as
    a sibling of the others against a stranger, None where a parent tells or there is
    no other."""

    absent: Absent
    embryos: list[Embryo]
    ln_odds: Floats | None = None


def find(
    members: Members,
    embryos: list[Embryo],
    panel: PanelBits | None,
    rng: np.random.Generator,
) -> Found:
    """Stand-ins for the parents that are not known, where a panel is given."""
    family, rows = members.family, members.rows
    if panel is None or all(family.known):
        return Found(PRESENT, embryos)
    here = donor_copying.at_sites(panel, family.sites.at(rows))
    place_cm = family.cm.mean(axis=0)[rows]
    donors = [
        Donor(side, here, place_cm, family.parents[side].orders[rows], rng)
        for side in range(2)
        if not family.known[side]
    ]
    if any(family.known):
        return Found(Absent(donors), embryos)
    told = siblings_of(members, panel, rng)
    left = [
        without_reads(one) if is_stranger else one
        for one, is_stranger in zip(embryos, told.is_stranger, strict=True)
    ]
    vectors = told.vectors_at(panel.sites.pos_bp, family.sites.pos_bp[rows])
    exchange = Exchange((donors[0], donors[1]), here, place_cm, left, rng)
    ln_odds = told.ln_odds if len(left) > 1 else None
    return Found(Absent([*donors, exchange], vectors), left, ln_odds)


def siblings_of(
    members: Members, panel: PanelBits, rng: np.random.Generator
) -> Sibship:
    """Who is a sibling of the others, and what they share."""
    family, frequency = members.family, panel.frequency()
    cm = np.stack(
        [np.interp(panel.sites.pos_bp, family.sites.pos_bp, one) for one in family.cm]
    )
    alone = []
    everyone = embryo_evidence.at_panel(members.reads, family.sites, panel.sites)
    for reads, learnt in zip(everyone, members.learnt, strict=True):
        shown = embryo_evidence.evidence(
            panel.sites,
            frequency,
            reads,
            learnt,
            members.max_depth,
            members.outlier,
        )
        found = copying.impute(panel, cm.mean(axis=0), shown, ALONE, rng)
        alone.append(found.genotypes)
        logger.info("%d of %d embryos by themselves", len(alone), len(members.reads))
    told = siblings.shown(np.stack(alone), frequency, panel.sites.pos_bp, cm)
    return siblings.sibship(told)


def without_reads(embryo: Embryo) -> Embryo:
    """The embryo as if nothing had been read of it."""
    return embryo._replace(
        reads=np.zeros_like(embryo.reads), has_reads=np.zeros_like(embryo.has_reads)
    )
