"""A family drawn site by site, without linkage: for measuring time and memory, where
only the number of sites, hets and reads matters.

Shapes: L sites, E embryos. Written: what learn_amplification.py and correct_family.py
read, family.npz, phased.bcf and {embryo}.counts.bcf.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.given_phase import write_phase
from morula import call_files, family_sites
from morula.family_sites import FamilySites
from morula.genetic_map import haldane
from morula.haplotypes import Genotypes
from morula.parental_alleles import Parent, Sites
from morula.processes import Pipeline

PARENTS = ("M1", "P1")
# Of the sites at which a parent is not het, those where it has ALT twice: the two are
# homozygous for different alleles at about a quarter as many sites as one is het.
ALT_SHARE = 0.0125
# Phase and genotypes as well known as those of parents at 30x.
SWITCH = 0.003
FLIP = 0.004
GENOTYPE_ERROR = 0.001
# Centimorgans a megabase of women and of men.
CM_PER_MB = (1.4, 0.9)
# Single-cell amplification: an allele's amount is lost with DROPOUT over stretches of
# LENGTH_BP, else gamma-distributed.
DROPOUT, LENGTH_BP, SHAPE = 0.1, 10_000.0, 2.0
READ_ERROR = 0.003


@dataclass(frozen=True)
class Size:
    """chrom; span_bp: its length; n_sites; n_hets: of a parent; depth: reads a site."""

    chrom: str
    span_bp: int
    n_sites: int
    n_hets: int
    depth: float


@dataclass(frozen=True)
class Drawn:
    """sites; cm: (2, L), female and male; alleles: int8 (2, L, 2), true haplotypes."""

    sites: Sites
    cm: NDArray[np.float64]
    alleles: NDArray[np.int8]


def draw_parents(rng: np.random.Generator, size: Size) -> Drawn:
    """Sites and the parents' haplotypes: hets at the asked rate, the others mostly
    REF."""
    pos_bp = np.sort(rng.choice(size.span_bp, size.n_sites, replace=False)) + 1
    is_het = rng.random((2, size.n_sites)) < size.n_hets / size.n_sites
    first = rng.random((2, size.n_sites)) < np.where(is_het, 0.5, ALT_SHARE)
    alleles = np.stack([first, first ^ is_het], axis=2).astype(np.int8)
    sites = Sites(
        pos_bp.astype(np.int64),
        np.full(size.n_sites, "A"),
        rng.choice(["C", "G", "T"], size.n_sites),
    )
    return Drawn(sites, np.outer(CM_PER_MB, pos_bp / 1e6), alleles)


def parent_of(alleles: NDArray[np.int8]) -> Parent:
    """What prepare_family.py would say of a parent with these haplotypes (L, 2)."""
    n_sites = len(alleles)
    order = 2 * alleles[:, 0].astype(np.int64) + alleles[:, 1]
    is_het = alleles[:, 0] != alleles[:, 1]
    orders = np.full((n_sites, 4), GENOTYPE_ERROR / 4)
    rows = np.arange(n_sites)
    orders[rows, order] += (1 - GENOTYPE_ERROR) * np.where(is_het, 1 - FLIP, 1.0)
    orders[is_het, 3 - order[is_het]] += (1 - GENOTYPE_ERROR) * FLIP
    copies = alleles.sum(axis=1).astype(np.float64)
    return Parent(orders, np.where(is_het, SWITCH, 0.0), is_het, copies)


def write_parents(folder: Path, size: Size, drawn: Drawn) -> None:
    """genome.fa.fai, phased.bcf (the hets) and family.npz; `drawn`: as the parents are
    known."""
    fai = folder / "genome.fa.fai"
    fai.write_text(f"{size.chrom}\t{size.span_bp}\t7\t60\t61\n")
    here = (drawn.alleles[:, :, 0] != drawn.alleles[:, :, 1]).any(axis=0)
    sites = drawn.sites
    hets = Genotypes(
        size.chrom,
        sites.pos_bp[here],
        sites.ref[here].astype(object),
        sites.alt[here].astype(object),
        drawn.alleles[:, here].swapaxes(0, 1),
        np.ones((int(here.sum()), 2), dtype=bool),
        PARENTS,
    )
    write_phase(folder / "phased.bcf", hets, SWITCH, fai)
    mother, father = (parent_of(one) for one in drawn.alleles)
    frequency = np.clip(drawn.alleles.mean(axis=(0, 2)), 0.01, 0.99)
    family = FamilySites(sites, frequency, drawn.cm, (mother, father), (True, True))
    family_sites.save(folder / "family.npz", family)


def gamete(
    rng: np.random.Generator, alleles: NDArray[np.int8], cm: NDArray[np.float64]
) -> NDArray[np.int8]:
    """Alleles (L,) that a parent with haplotypes (L, 2) passes on."""
    turns = rng.random(len(cm)) < haldane(np.diff(cm, prepend=cm[0]))
    turns[0] = rng.random() < 0.5
    return alleles[np.arange(len(cm)), np.cumsum(turns) % 2]


def draw_embryo(rng: np.random.Generator, drawn: Drawn) -> NDArray[np.int8]:
    """Alleles (L, 2) of an embryo of the parents, the mother's first."""
    pairs = zip(drawn.alleles, drawn.cm, strict=True)
    return np.stack([gamete(rng, *one) for one in pairs], axis=1)


def amplified(
    rng: np.random.Generator, span_bp: int, pos_bp: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Amount of the mother's and of the father's allele after amplification, (L, 2), on
    average one, at rising positions (L,) of a chromosome of span_bp."""
    n_stretches = int(3 * span_bp / LENGTH_BP) + 20
    ends = np.cumsum(rng.exponential(LENGTH_BP, n_stretches))
    amount = rng.gamma(SHAPE, 1 / SHAPE, (n_stretches + 1, 2))
    amount[rng.random(amount.shape) < DROPOUT] = 0.0
    return np.asarray(amount[np.searchsorted(ends, pos_bp)])


def counts_of(
    rng: np.random.Generator,
    depth: float,
    alleles: NDArray[np.int8],
    amount: NDArray[np.float64],
    error: float = READ_ERROR,
) -> NDArray[np.int64]:
    """Reads (L, 2) that show REF and ALT, of an embryo with these alleles, (L, 2), in
    these amounts, (L, 2)."""
    total = amount.sum(axis=1)
    alt = (amount * alleles).sum(axis=1) / np.maximum(total, 1e-12)
    n_reads = rng.poisson(depth * total / 2)
    shown = alt * (1 - error) + (1 - alt) * error
    n_alt = rng.binomial(n_reads, np.clip(shown, 0.0, 1.0))
    return np.stack([n_reads - n_alt, n_alt], axis=1)


def write_counts(
    path: Path,
    name: str,
    fai: Path,
    chrom: str,
    sites: Sites,
    counts: NDArray[np.int64],
) -> None:
    """An embryo's counts, as count_alleles.py writes them."""
    head = call_files.header(fai, ("AD",), [name])
    rows = zip(
        sites.pos_bp.tolist(), sites.ref, sites.alt, counts.tolist(), strict=True
    )
    with Pipeline() as pipeline, call_files.bcf_writer(pipeline, path, head) as sink:
        for pos_bp, ref, alt, (n_ref, n_alt) in rows:
            line = f"{chrom}\t{pos_bp}\t.\t{ref}\t{alt}\t.\t.\t.\tAD\t"
            sink.write(f"{line}{n_ref},{n_alt}\n".encode())


def write_family(
    rng: np.random.Generator, folder: Path, size: Size, embryos: list[str]
) -> None:
    """All files of a family."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = draw_parents(rng, size)
    write_parents(folder, size, drawn)
    for name in embryos:
        alleles = draw_embryo(rng, drawn)
        amount = amplified(rng, size.span_bp, drawn.sites.pos_bp)
        counts = counts_of(rng, size.depth, alleles, amount)
        path, fai = folder / f"{name}.counts.bcf", folder / "genome.fa.fai"
        write_counts(path, name, fai, size.chrom, drawn.sites, counts)
