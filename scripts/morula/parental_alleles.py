"""What is known of a parent's two haplotypes at the embryos' sites.

Shapes: L sites. Genotype likelihoods: (L, 3), for 0, 1, 2 ALT copies, linear, best 1.
Orders: the alleles of haplotypes 1 and 2 as one of 00, 01, 10, 11 (REF 0, ALT 1), in
this sequence.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cyvcf2
import numpy as np
from numpy.typing import NDArray

from morula import error_classes
from morula.errors import InputError


@dataclass(frozen=True)
class Sites:
    """Sites of one chromosome: pos_bp int64 (L,), ref and alt str (L,)."""

    pos_bp: NDArray[np.int64]
    ref: NDArray[np.str_]
    alt: NDArray[np.str_]

    def at(self, rows: NDArray[np.int64]) -> Sites:
        """The sites in `rows`."""
        return Sites(self.pos_bp[rows], self.ref[rows], self.alt[rows])

    @cached_property
    def error_class(self) -> NDArray[np.int64]:
        """Error class of each site, (L,): see morula.error_classes."""
        return error_classes.of_alleles(self.ref, self.alt)

    def index(self) -> dict[tuple[int, str, str], int]:
        """Row of each site."""
        keys = zip(self.pos_bp.tolist(), self.ref, self.alt, strict=True)
        return {key: row for row, key in enumerate(keys)}

    def places(self, wanted: Sites) -> NDArray[np.int64]:
        """Row of each wanted site among these, -1 where it is not one of them."""
        rows = self.index()
        keys = zip(wanted.pos_bp.tolist(), wanted.ref, wanted.alt, strict=True)
        return np.array([rows.get(key, -1) for key in keys], dtype=np.int64)


@dataclass(frozen=True)
class Haplotypes:
    """Imputed parent: is_there bool (L,), whether the file has the site; alt_share
    float64 (L, 2), P(haplotype carries ALT); imputed bool (L,)."""

    is_there: NDArray[np.bool_]
    alt_share: NDArray[np.float64]
    imputed: NDArray[np.bool_]


@dataclass(frozen=True)
class Phase:
    """Phase estimate of a parent. alleles: int8 (L, 2), of haplotypes 1 and 2, -1 where
    the site is not in it; flip: float64 (L,), P(a het is the wrong way round by
    itself); switch: float64 (L,), P(the phase switches in the step that ends at the
    site)."""

    alleles: NDArray[np.int8]
    flip: NDArray[np.float64]
    switch: NDArray[np.float64]


@dataclass(frozen=True)
class Parent:
    """What correction needs of one parent.

    orders: float64 (L, 4), P(alleles of haplotypes 1 and 2 are 00, 01, 10, 11);
    switch: float64 (L,), P(the phase switches in the step that ends at the site);
    is_phased_het: bool (L,); dosage: float64 (L,), best-guess ALT copies of a genotyped
    site, NaN elsewhere.
    """

    orders: NDArray[np.float64]
    switch: NDArray[np.float64]
    is_phased_het: NDArray[np.bool_]
    dosage: NDArray[np.float64]

    @property
    def alleles(self) -> NDArray[np.float64]:
        """P(haplotype carries ALT), (L, 2)."""
        orders = self.orders
        return np.stack([orders[:, 2] + orders[:, 3], orders[:, 1] + orders[:, 3]], 1)


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


def panel_frequency(
    count: NDArray[np.float64], total: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Frequency of ALT, (L,), never 0 or 1, from its counts among `total` alleles; NaN
    at sites that the panel lacks, where no allele was seen among as many as anywhere.
    """
    most = np.nan_to_num(total, nan=0.0).max(initial=1.0)
    seen = np.nan_to_num(total, nan=most)
    return np.asarray((np.nan_to_num(count, nan=0.0) + 0.5) / (seen + 1.0))


def read_haplotypes(
    path: str | Path, samples: list[str], sites: Sites
) -> tuple[dict[str, Haplotypes], NDArray[np.float64]]:
    """Imputed parents at `sites`, and the panel's frequency of ALT, float64 (L,), from
    INFO AC and AN; without `samples` the panel itself will do."""
    reader = cyvcf2.VCF(str(path), gts012=True)
    missing = [name for name in samples if name not in reader.samples]
    if missing:
        raise InputError(f"{path}: no sample {missing[0]!r}; it has {reader.samples}")
    column = {name: reader.samples.index(name) for name in samples}
    rows, n_sites = sites.index(), len(sites.pos_bp)
    is_there = np.zeros(n_sites, dtype=bool)
    share = {name: np.zeros((n_sites, 2)) for name in samples}
    imputed = np.zeros(n_sites, dtype=bool)
    count, total = np.full(n_sites, np.nan), np.full(n_sites, np.nan)
    for record in reader:
        row = rows.get((record.POS, record.REF, record.ALT[0]))
        if row is None:
            continue
        total[row] = record.INFO["AN"]
        count[row] = record.INFO["AC"]
        imputed[row] = record.INFO.get("IMP") is not None
        is_there[row] = True
        for name, place in column.items():
            for haplotype, key in enumerate(("AP1", "AP2")):
                share[name][row, haplotype] = record.format(key)[place, 0]
    reader.close()
    haplotypes = {name: Haplotypes(is_there, share[name], imputed) for name in samples}
    return haplotypes, panel_frequency(count, total)


def read_phase(path: str | Path, samples: list[str], sites: Sites) -> dict[str, Phase]:
    """Phase estimates at `sites` from the BCF of the phase stage (GT, FP, SP).

    Switches at hets that are no sites count in the step to the next site.
    Raises InputError when the file lacks a sample or the fields.
    """
    reader = cyvcf2.VCF(str(path))
    missing = [name for name in samples if name not in reader.samples]
    if missing:
        raise InputError(f"{path}: no sample {missing[0]!r}; it has {reader.samples}")
    columns = [reader.samples.index(name) for name in samples]
    rows, n_sites = sites.index(), len(sites.pos_bp)
    alleles = np.full((len(samples), n_sites, 2), -1, dtype=np.int8)
    flip = np.zeros((len(samples), n_sites))
    unswitched = np.ones((len(samples), n_sites))
    for record in reader:
        if "FP" not in record.FORMAT or "SP" not in record.FORMAT:
            raise InputError(
                f"{path}: {record.CHROM}:{record.POS} has no FP and SP; expected the"
                " output of this version's phase stage: run it again"
            )
        row = rows.get((record.POS, record.REF, record.ALT[0]), -1)
        if row >= 0:
            alleles[:, row] = record.genotype.array()[columns, :2]
            flip[:, row] = record.format("FP")[columns, 0]
        after = row if row >= 0 else int(np.searchsorted(sites.pos_bp, record.POS))
        if after < n_sites:
            unswitched[:, after] *= 1.0 - 2.0 * record.format("SP")[columns, 0]
    reader.close()
    switch = (1.0 - unswitched) / 2.0
    return {
        name: Phase(alleles[i], flip[i], switch[i]) for i, name in enumerate(samples)
    }


def hardy_weinberg(frequency: NDArray[np.float64]) -> NDArray[np.float64]:
    """P(order) of two haplotypes drawn from the panel, (L, 4)."""
    return _independent(np.repeat(frequency[:, None], 2, axis=1))


def _independent(alt: NDArray[np.float64]) -> NDArray[np.float64]:
    """P(order) of haplotypes that carry ALT with probabilities alt (L, 2): (L, 4)."""
    both = np.stack([1.0 - alt, alt], axis=2)
    return (both[:, 0, :, None] * both[:, 1, None, :]).reshape(-1, 4)


def parent_of(
    likelihoods: NDArray[np.float64],
    phase: Phase,
    haplotypes: Haplotypes,
    frequency: NDArray[np.float64],
    error: float,
) -> Parent:
    """Combine genotype likelihoods, phase and imputation into P(order).

    error: P(the parent's genotype is wrong in a way that its likelihoods do not know,
    e.g. mismapped reads).
    """
    alleles, share = phase.alleles, haplotypes.alt_share
    guessed = haplotypes.is_there & (
        haplotypes.imputed | ((share > 0) & (share < 1)).any(axis=1)
    )
    is_het = (alleles >= 0).all(axis=1) & (alleles[:, 0] != alleles[:, 1])
    is_phased_het = is_het & ~guessed & (phase.flip < 0.5)
    panel = frequency[:, None]
    # Prior of the order: from imputation where the genotype was guessed; else
    # Hardy-Weinberg, and the order of a het from its phase.
    # METHOD: a het that neither panel nor reads phase tells nothing about which
    # haplotype carries it: one half each; the embryos' own reads then decide.
    prior = hardy_weinberg(frequency)
    prior[guessed] = _independent((1 - error) * share + error * panel)[guessed]
    second = np.where(alleles[:, 1] == 1, 1 - phase.flip, phase.flip)
    for order, weight in ((1, second), (2, 1 - second)):
        prior[is_phased_het, order] *= 2 * weight[is_phased_het]
    posterior = prior * likelihoods[:, [0, 1, 1, 2]]
    posterior /= posterior.sum(axis=1, keepdims=True)
    orders = (1.0 - error) * posterior + error * hardy_weinberg(frequency)
    copies = np.stack(
        [posterior[:, 0], posterior[:, 1] + posterior[:, 2], posterior[:, 3]], axis=1
    )
    unknown = guessed | (likelihoods == 1.0).all(axis=1)
    dosage = np.where(unknown, np.nan, copies.argmax(axis=1).astype(np.float64))
    return Parent(orders, phase.switch, is_phased_het, dosage)


def absent_parent(frequency: NDArray[np.float64]) -> Parent:
    """A donor without data: both haplotypes carry ALT with the panel's frequency."""
    n_sites = len(frequency)
    return Parent(
        hardy_weinberg(frequency),
        np.zeros(n_sites),
        np.zeros(n_sites, dtype=bool),
        np.full(n_sites, np.nan),
    )
