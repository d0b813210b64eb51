"""Probability that each haplotype of a parent carries ALT, at the embryos' sites.

Shapes: L sites. Genotype likelihoods: (L, 3), for 0, 1, 2 ALT copies, linear, best 1.
Phase: int8 (L, 2), alleles of haplotypes 1 and 2; -1 where the site is not phased.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cyvcf2
import numpy as np
from numpy.typing import NDArray

from morula.errors import InputError


@dataclass(frozen=True)
class Sites:
    """Sites of one chromosome: pos_bp int64 (L,), ref and alt str (L,)."""

    pos_bp: NDArray[np.int64]
    ref: NDArray[np.str_]
    alt: NDArray[np.str_]

    def index(self) -> dict[tuple[int, str, str], int]:
        """Row of each site."""
        keys = zip(self.pos_bp.tolist(), self.ref, self.alt, strict=True)
        return {key: row for row, key in enumerate(keys)}


@dataclass(frozen=True)
class Haplotypes:
    """Imputed parent: alleles int8 (L, 2) (-1 where the site is not there), alt_share
    float64 (L, 2), P(haplotype carries ALT), imputed bool (L,)."""

    alleles: NDArray[np.int8]
    alt_share: NDArray[np.float64]
    imputed: NDArray[np.bool_]


@dataclass(frozen=True)
class Parent:
    """What the chain needs of one parent.

    alleles: float64 (L, 2), P(haplotype carries ALT); is_phased_het: bool (L,);
    dosage: float64 (L,), best-guess ALT copies of a genotyped site, NaN elsewhere.
    """

    alleles: NDArray[np.float64]
    is_phased_het: NDArray[np.bool_]
    dosage: NDArray[np.float64]


def genotype_likelihoods(
    path: str | Path, sample: str, sites: Sites, default_error: float
) -> NDArray[np.float64]:
    """Likelihoods (L, 3) of `sample` at `sites`, all ones where it has no genotype.

    From PL; without PL from GT with GQ as the distance to the other genotypes, else
    with default_error. Raises InputError when the file lacks the sample.
    """
    reader = cyvcf2.VCF(str(path), gts012=True)
    if sample not in reader.samples:
        raise InputError(f"{path}: no sample {sample!r}; it has {reader.samples}")
    reader.set_samples([sample])
    rows = sites.index()
    result = np.ones((len(rows), 3))
    for record in reader:
        if len(record.ALT) != 1:
            continue
        row = rows.get((record.POS, record.REF, record.ALT[0]))
        if row is None:
            continue
        pl = record.format("PL") if "PL" in record.FORMAT else None
        if pl is not None and pl.shape[1] == 3 and pl[0].min() >= 0 and pl[0].max() > 0:
            result[row] = 10.0 ** (-0.1 * (pl[0] - pl[0].min()))
            continue
        copies = int(record.gt_types[0])
        if copies > 2:
            continue
        other = default_error
        quality = record.format("GQ") if "GQ" in record.FORMAT else None
        if quality is not None and quality[0, 0] > 0:
            other = 10.0 ** (-0.1 * float(quality[0, 0]))
        result[row] = other
        result[row, copies] = 1.0
    reader.close()
    return result


@dataclass(frozen=True)
class PanelAlleles:
    """What the panel says of each site: frequency of ALT, float64 (L,), never 0 or 1;
    minor_count: float64 (L,), how often the panel shows its rarer allele."""

    frequency: NDArray[np.float64]
    minor_count: NDArray[np.float64]

    def phase_flip(self, common: float, rare: float) -> NDArray[np.float64]:
        """P(a het is phased the wrong way round by itself), (L,)."""
        # METHOD: single flipped hets are those of rare alleles. Measured on 20 samples
        # phased by SHAPEIT4 against 250 others (chr20), by how often the panel has the
        # allele: never .43, once .068, twice .034, 3-5 times .006, more often .0026.
        count = np.maximum(self.minor_count, 1.0)
        return np.where(
            self.minor_count > 0, np.minimum(common + rare * count**-1.5, 0.5), 0.5
        )


def panel_alleles(count: NDArray[np.float64], total: int) -> PanelAlleles:
    """From ALT counts (L,), NaN at sites that the panel lacks, of `total` alleles."""
    known = np.nan_to_num(count, nan=0.0)
    return PanelAlleles((known + 0.5) / (total + 1.0), np.minimum(known, total - known))


def read_haplotypes(
    path: str | Path, samples: list[str], sites: Sites
) -> tuple[dict[str, Haplotypes], PanelAlleles]:
    """Imputed parents at `sites`, and the panel's alleles, from INFO AC and AN."""
    reader = cyvcf2.VCF(str(path), gts012=True)
    missing = [name for name in samples if name not in reader.samples]
    if missing:
        raise InputError(f"{path}: no sample {missing[0]!r}; it has {reader.samples}")
    column = {name: reader.samples.index(name) for name in samples}
    rows, n_sites = sites.index(), len(sites.pos_bp)
    alleles = {name: np.full((n_sites, 2), -1, dtype=np.int8) for name in samples}
    share = {name: np.zeros((n_sites, 2)) for name in samples}
    imputed = np.zeros(n_sites, dtype=bool)
    count, total = np.full(n_sites, np.nan), 1
    for record in reader:
        row = rows.get((record.POS, record.REF, record.ALT[0]))
        if row is None:
            continue
        total = record.INFO["AN"]
        count[row] = record.INFO["AC"]
        imputed[row] = record.INFO.get("IMP") is not None
        genotype = record.genotype.array()
        first, second = record.format("AP1"), record.format("AP2")
        for name, place in column.items():
            alleles[name][row] = genotype[place, :2]
            share[name][row] = first[place, 0], second[place, 0]
    reader.close()
    haplotypes = {
        name: Haplotypes(alleles[name], share[name], imputed) for name in samples
    }
    return haplotypes, panel_alleles(count, total)


def parent_alleles(
    likelihoods: NDArray[np.float64],
    haplotypes: Haplotypes,
    frequency: NDArray[np.float64],
    flip: NDArray[np.float64],
    error: float,
) -> Parent:
    """Combine genotype likelihoods, phase and imputation into P(ALT | haplotype).

    flip: (L,), P(a phased het is the other way round); error: P(the parent's genotype
    is wrong in a way that its likelihoods do not know, e.g. mismapped reads).
    """
    phase, share = haplotypes.alleles, haplotypes.alt_share
    is_there = phase[:, 0] >= 0
    guessed = is_there & (haplotypes.imputed | ((share > 0) & (share < 1)).any(axis=1))
    is_phased_het = is_there & ~guessed & (phase[:, 0] != phase[:, 1])
    # Prior of the two haplotypes' alleles, (L, 2, 2): from imputation where the
    # genotype was guessed; else Hardy-Weinberg, and the order of a het from its phase.
    # METHOD: a het outside the phase (a private variant) tells nothing about which
    # haplotype carries it: one half each; the embryo's own reads then decide.
    panel = frequency[:, None]
    alt = np.where(guessed[:, None], (1 - error) * share + error * panel, panel)
    both = np.stack([1 - alt, alt], axis=2)
    prior = both[:, 0, :, None] * both[:, 1, None, :]
    first_carries = np.where(phase[:, 0] == 1, 1 - flip, flip)
    for order, weight in (((1, 0), first_carries), ((0, 1), 1 - first_carries)):
        prior[is_phased_het, *order] *= 2 * weight[is_phased_het]
    posterior = prior * likelihoods[:, [[0, 1], [1, 2]]]
    posterior /= posterior.sum(axis=(1, 2), keepdims=True)
    alleles = np.stack(
        [posterior[:, 1].sum(axis=1), posterior[:, :, 1].sum(axis=1)], axis=1
    )
    alleles = (1.0 - error) * alleles + error * panel
    het = posterior[:, 0, 1] + posterior[:, 1, 0]
    copies = np.stack([posterior[:, 0, 0], het, posterior[:, 1, 1]], axis=1)
    unknown = guessed | (likelihoods == 1.0).all(axis=1)
    dosage = np.where(unknown, np.nan, copies.argmax(axis=1).astype(np.float64))
    return Parent(alleles, is_phased_het, dosage)


def absent_parent(frequency: NDArray[np.float64]) -> Parent:
    """A donor without data: both haplotypes carry ALT with the panel's frequency."""
    n_sites = len(frequency)
    return Parent(
        np.repeat(frequency[:, None], 2, axis=1),
        np.zeros(n_sites, dtype=bool),
        np.full(n_sites, np.nan),
    )
