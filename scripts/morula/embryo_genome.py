"""Genomes of embryos at all sites of the panel and at private variants, from what
correction knows.

Shapes: L sites (the panel's, and with `with_private` those that it lacks), M corrected
sites (those at which embryos were counted). At a corrected site the embryo's own
posterior stands; at any other site the posterior of the transmitted haplotypes is
interpolated and the parents fill in the alleles.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cyvcf2
import numpy as np
from numpy.typing import NDArray

from morula import dosage_text
from morula.embryo_posterior import EmbryoChromosome
from morula.errors import InputError
from morula.family_sites import FamilySites
from morula.genetic_map import GeneticMap
from morula.parental_alleles import Phase, Sites


@dataclass(frozen=True)
class PanelParents:
    """Parents at the genomes' sites, (L,) each: ids of the sites; imputed: not
    genotyped; frequency: the panel's, of ALT; alt_share: (L, 2) per parent's name,
    P(haplotype carries ALT); is_private: bool (L,), sites that the panel lacks;
    private_orders: float64 (number of these, 4) per parent's name, P(order), see
    morula.parental_alleles."""

    sites: Sites
    ids: NDArray[np.object_]
    imputed: NDArray[np.bool_]
    frequency: NDArray[np.float64]
    alt_share: dict[str, NDArray[np.float64]]
    is_private: NDArray[np.bool_]
    private_orders: dict[str, NDArray[np.float64]]

    def ordered(self, name: str) -> NDArray[np.float64]:
        """P(order) of a parent's own alleles, (L, 4)."""
        share = self.alt_share[name]
        found = dosage_text.independent(share[:, 0], share[:, 1])
        # The two haplotypes of a het that nothing phases are not independent.
        found[self.is_private] = self.private_orders[name]
        return found


def read_parents(path: str | Path, chrom: str, is_panel: bool = False) -> PanelParents:
    """Read the BCF of impute_parents; is_panel: that of the panel, whose sites are
    those of a family without parents."""
    reader = cyvcf2.VCF(str(path))
    pos, ref, alt, ids, imputed, frequency = [], [], [], [], [], []
    shares = []
    for record in reader:
        if record.CHROM != chrom:
            continue
        pos.append(record.POS)
        ref.append(record.REF)
        alt.append(record.ALT[0])
        ids.append(record.ID or ".")
        imputed.append(record.INFO.get("IMP") is not None)
        frequency.append((record.INFO["AC"] + 0.5) / (record.INFO["AN"] + 1.0))
        if not is_panel:
            shares.append(np.hstack([record.format("AP1"), record.format("AP2")]))
    names = [] if is_panel else list(reader.samples)
    reader.close()
    if not pos:
        raise InputError(f"{path}: no site of {chrom}")
    share = np.array(shares, dtype=np.float64)
    return PanelParents(
        Sites(np.array(pos, dtype=np.int64), np.array(ref), np.array(alt)),
        np.array(ids, dtype=object),
        np.array(imputed),
        np.array(frequency),
        {name: share[:, i] for i, name in enumerate(names)},
        np.zeros(len(pos), dtype=bool),
        {name: np.zeros((0, 4)) for name in names},
    )


def private_rows(family: FamilySites, panel: Sites) -> NDArray[np.int64]:
    """Rows of the family's sites that the panel lacks and a known parent carries."""
    known = [
        parent
        for parent, is_known in zip(family.parents, family.known, strict=True)
        if is_known
    ]
    carried = np.zeros(len(family.sites.pos_bp), dtype=bool)
    for parent in known:
        carried |= parent.orders[:, 0] < 0.5
    rows = np.flatnonzero(carried)
    return rows[panel.places(family.sites.at(rows)) < 0]


def with_private(
    parents: PanelParents,
    chrom: str,
    family: FamilySites,
    rows: NDArray[np.int64],
    names: tuple[str | None, str | None],
) -> PanelParents:
    """The parents at the panel's sites and at `rows` of the family's, by position, at
    one position the panel's first; names: of mother and father, None for a donor."""
    private = family.sites.at(rows)
    pos_bp = np.concatenate([parents.sites.pos_bp, private.pos_bp])
    order = np.argsort(pos_bp, kind="stable")
    is_private = np.arange(len(pos_bp)) >= len(parents.ids)

    def joined(first: NDArray[Any], second: Any) -> NDArray[Any]:
        return np.concatenate([first, second])[order]

    share, orders = {}, {}
    for name, parent in zip(names, family.parents, strict=True):
        if name is not None:
            share[name] = joined(parents.alt_share[name], parent.alleles[rows])
            orders[name] = parent.orders[rows]
    ids = [f"{chrom}:{pos}:{ref}:{alt}" for pos, ref, alt in private.index()]
    return PanelParents(
        Sites(
            pos_bp[order],
            joined(parents.sites.ref, private.ref),
            joined(parents.sites.alt, private.alt),
        ),
        joined(parents.ids, np.array(ids, dtype=object)),
        joined(parents.imputed, np.zeros(len(rows), dtype=bool)),
        joined(parents.frequency, family.frequency[rows]),
        share,
        is_private[order],
        orders,
    )


def haplotypes_of(
    parents: PanelParents,
    name: str | None,
    phases: Mapping[str, Phase],
    genotype_error: float,
) -> NDArray[np.float64]:
    """P(haplotype carries ALT), (L, 2); a donor (no name): the panel's frequency.

    phases: of each parent at the sites; genotype_error: share of the panel's frequency
    mixed in, as in correction: an imputed allele is never certain. What is known of a
    private variant has both in it already.
    """
    base = parents.frequency[:, None]
    if name is None:
        return np.repeat(base, 2, axis=1)
    share, flip = parents.alt_share[name], phases[name].flip[:, None]
    # A het at which no embryo was counted may stand the wrong way round.
    either = (1 - flip) * share + flip * share[:, ::-1]
    doubted = (1 - genotype_error) * either + genotype_error * base
    return np.where(parents.is_private[:, None], share, doubted)


@dataclass(frozen=True)
class Placement:
    """Where the genomes' sites lie among the corrected ones.

    own: int64 (L,), row of the same site, -1 where there is none; left, right: int64
    (L,), rows of the neighbours; weight: float64 (L,), of the right one, by genetic
    distance.
    """

    own: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    weight: NDArray[np.float64]


def place(wanted: Sites, corrected: Sites, genetic_map: GeneticMap) -> Placement:
    """Find the genomes' sites among the corrected ones."""
    own = corrected.places(wanted)
    after = np.searchsorted(corrected.pos_bp, wanted.pos_bp, side="right")
    last = len(corrected.pos_bp) - 1
    left, right = np.clip(after - 1, 0, last), np.clip(after, 0, last)
    cm = genetic_map.cm_at(corrected.pos_bp)
    here = genetic_map.cm_at(wanted.pos_bp)
    gap = cm[right] - cm[left]
    into = np.clip(here - cm[left], 0.0, None)
    weight = np.where(gap > 0, into / np.where(gap > 0, gap, 1.0), 0.0)
    return Placement(own, left, right, np.clip(weight, 0.0, 1.0))


def genotypes(
    embryo: EmbryoChromosome,
    where: Placement,
    maternal: NDArray[np.float64],
    paternal: NDArray[np.float64],
) -> NDArray[np.float64]:
    """P(2 m + f) at the genomes' sites, (L, 4)."""
    result = np.empty((len(where.own), 4))
    own = where.own >= 0
    result[own] = embryo.genotypes[where.own[own]]
    rest = ~own
    weight = where.weight[rest, None]
    # METHOD: between two sites a fraction of a millimorgan apart the posterior of the
    # haplotypes is taken as linear in the genetic distance.
    vectors = (1 - weight) * embryo.vectors[where.left[rest]]
    vectors += weight * embryo.vectors[where.right[rest]]
    for g in range(4):
        side_m = maternal[rest] if g >> 1 else 1 - maternal[rest]
        side_f = paternal[rest] if g & 1 else 1 - paternal[rest]
        given = (side_m[:, :, None] * side_f[:, None, :]).reshape(-1, 4)
        result[rest, g] = (vectors * given).sum(axis=1)
    return result / result.sum(axis=1, keepdims=True)


def sampled_alleles(
    embryo: EmbryoChromosome,
    where: Placement,
    haplotypes: NDArray[np.float64],
    side: str,
    rng: np.random.Generator,
) -> NDArray[np.bool_]:
    """Alleles of one side ('maternal' or 'paternal') on every sampled path, (S, L).

    haplotypes: (L, 2), P(the parent's haplotype carries ALT). A site without its own
    posterior takes the haplotype of the nearer neighbour, then a draw of the allele.
    """
    alleles = embryo.alleles[side]
    result = alleles[:, np.maximum(where.own, 0)]
    rest = np.flatnonzero(where.own < 0)
    near = np.where(where.weight[rest] > 0.5, where.right[rest], where.left[rest])
    second = embryo.haplotypes[side][:, near]
    alt = np.where(second, haplotypes[rest, 1], haplotypes[rest, 0])
    result[:, rest] = rng.random(second.shape) < alt
    return result
