"""A small genome of a family whose embryos are drawn, learnt, corrected and judged.

For tests of the quality measures: chromosomes of tens of Mb with perfectly known
parents, so that whatever is flagged comes from the embryo. Shapes: L sites.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from drawn_embryo import amplicons, meiosis
from morula import (
    amplification,
    amplification_fit,
    amplification_sites,
    contamination_level,
    embryo_measures,
    embryo_qc,
    inheritance,
)
from morula.amplification import Amplification, Preset
from morula.amplification_record import Record
from morula.embryo_measures import Measures
from morula.embryo_qc import ChromosomeSummary, Evidence
from morula.family_sites import FamilySites
from morula.parental_alleles import Parent, Sites, absent_parent

LENGTH_BP = 24_000_000
N_SITES = 6_000
CM_PER_BP = 1e-6
PRESET = Preset(0.16, 2.0, 10_000.0)


@dataclass(frozen=True)
class Copies:
    """What an embryo has of a chromosome. mother, father: copies from either: "none",
    "one", "both" (of her two homologs) or "twice" (the same one); other_mother,
    other_father: from someone unrelated instead; strangers, mothers_own: share of a
    stranger's and of the mother's DNA."""

    mother: str = "one"
    father: str = "one"
    other_mother: bool = False
    other_father: bool = False
    strangers: float = 0.0
    mothers_own: float = 0.0


@dataclass
class World:
    """A family of founders with allele frequencies of their own, one chromosome."""

    seed: int
    n_sites: int = N_SITES
    rng: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)
        n = self.n_sites
        steps = self.rng.integers(1, 2 * LENGTH_BP // n, n)
        self.pos_bp = np.cumsum(steps).astype(np.int64)
        self.frequency = self.rng.beta(0.5, 1.5, n)
        self.gap_cm = np.diff(self.pos_bp, prepend=self.pos_bp[0]) * CM_PER_BP
        self.mother, self.father, self.stranger = (self.person() for _ in range(3))

    def person(self) -> NDArray[np.int64]:
        """Haplotypes of someone unrelated, (L, 2)."""
        drawn = self.rng.random((self.n_sites, 2)) < self.frequency[:, None]
        return np.asarray(drawn, dtype=np.int64)

    def family(self, known: tuple[bool, bool] = (True, True)) -> FamilySites:
        """The parents as known: perfectly phased, genotypes wrong once in 1,000."""
        parents = []
        for one in (self.mother, self.father):
            alt = np.clip(one.astype(float), 5e-4, 1 - 5e-4)
            both = np.stack([1 - alt, alt], axis=2)
            orders = (both[:, 0, :, None] * both[:, 1, None, :]).reshape(-1, 4)
            is_het = one[:, 0] != one[:, 1]
            none = np.zeros(self.n_sites)
            parents.append(Parent(orders, none, is_het, one.sum(axis=1).astype(float)))
        for side in np.flatnonzero(~np.array(known)):
            parents[side] = absent_parent(self.frequency)
        letters = np.full(self.n_sites, "A")
        cm = np.cumsum(self.gap_cm)
        return FamilySites(
            Sites(self.pos_bp, letters, np.full(self.n_sites, "C")),
            self.frequency,
            np.stack([cm, cm]),
            (parents[0], parents[1]),
            known,
        )

    def passed_on(self, parent: NDArray[np.int64], what: str) -> NDArray[np.int64]:
        """Haplotypes of the copies from one parent, (L, 0 to 2)."""
        first = meiosis(self.gap_cm, self.rng)
        rows = np.arange(self.n_sites)
        kinds = {"none": [], "one": [first], "both": [first, 1 - first]}
        kinds["twice"] = [first, first]
        copies = [parent[rows, one] for one in kinds[what]]
        return np.stack(copies, axis=1) if copies else np.zeros((self.n_sites, 0))

    def reads(
        self, depth: float, copies: Copies, error: float = 0.003, dropout: float = 0.2
    ) -> NDArray[np.float64]:
        """Reads showing REF and ALT, (L, 2)."""
        mother = self.person() if copies.other_mother else self.mother
        father = self.stranger if copies.other_father else self.father
        carried = np.concatenate(
            [
                self.passed_on(mother, copies.mother),
                self.passed_on(father, copies.father),
            ],
            axis=1,
        )
        amount = np.concatenate(
            [amplicons(self.pos_bp, 1e4, dropout, 2.0, self.rng) for _ in range(2)],
            axis=1,
        )[:, : carried.shape[1]]
        alt = (amount * carried).sum(axis=1) / np.maximum(amount.sum(axis=1), 1e-9)
        for share, person in (
            (copies.strangers, self.stranger),
            (copies.mothers_own, self.mother),
        ):
            alt = (1 - share) * alt + share * person.mean(axis=1)
        n_reads = self.rng.poisson(depth * amount.sum(axis=1) / 2)
        n_alt = self.rng.binomial(n_reads, alt * (1 - error) + (1 - alt) * error)
        return np.stack([n_reads - n_alt, n_alt], axis=1).astype(float)


def learn(
    chromosomes: list[tuple[FamilySites, NDArray[np.float64]]],
) -> tuple[Amplification, Record]:
    """What the reads (L, 2) of all chromosomes say of the amplification."""
    choice = amplification_sites.choose(
        [amplification_sites.of_chromosome(*one, 50.0) for one in chromosomes], 60_000
    )
    begin = amplification.start(
        PRESET, 1, 11, 0.003, 0.006, 0.003, 0.002, choice.unseen
    )
    fit = amplification_fit.fit(choice.stretches, begin, 20.0, 50, 0.1)
    learnt = fit.amplification
    dropout = amplification.dropout_of_loci(learnt.dropout, choice.unseen)
    nothing = dict.fromkeys(amplification.Amplification.measured)
    return learnt, Record(
        "E1", learnt, dropout, 0.3, nothing, fit.converged, 1, 1, choice.sites_used
    )


def chain_of(
    family: FamilySites, reads: NDArray[np.float64], learnt: Amplification
) -> inheritance.Chain:
    """The chain of one embryo alone over all sites."""
    alleles = [parent.alleles for parent in family.parents]
    gap_bp = np.diff(family.sites.pos_bp, prepend=family.sites.pos_bp[0])
    return inheritance.Chain(
        amplification.cap_depth(reads, 50.0),
        amplification.site_classes(
            family.sites.error_class,
            alleles[0],
            contamination_level.levels(
                family.sites.pos_bp, reads, np.arange(len(reads))
            ),
        ),
        alleles[0],
        alleles[1],
        family.flip(0),
        family.flip(1),
        np.exp(-gap_bp / learnt.length_bp),
    )


def share_sd(chain: inheritance.Chain, learnt: Amplification) -> float:
    """Spread of the mean of x over the chromosome's amplicons."""
    mean = learnt.share_prior @ learnt.shares
    variance = learnt.share_prior @ (learnt.shares - mean) ** 2
    return float(np.sqrt(variance / (1 + (1 - chain.stay[1:]).sum())))


def summary(
    chrom: str,
    family: FamilySites,
    reads: NDArray[np.float64],
    learnt: Amplification,
) -> ChromosomeSummary:
    """Quality of one chromosome from the chain of this embryo alone."""
    chain = chain_of(family, reads, learnt)
    prior, table = learnt.share_prior, learnt.read_table()
    filtered = inheritance.forward(chain, prior, table)
    posterior = inheritance.backward(chain, filtered, prior, learnt.shares, table)
    rng = np.random.default_rng(1)
    paths = inheritance.sample_paths(chain, filtered, prior, 20, rng)
    flips = [
        float((one[1:] != one[:-1]).sum() / 20)
        for one in (paths.haplotype_maternal, paths.haplotype_paternal)
    ]
    expected = float(chain.flip_maternal[1:].sum())
    shown = Evidence(
        chrom,
        family,
        reads,
        posterior.vectors,
        posterior.share,
        share_sd(chain, learnt),
        (flips[0], flips[1]),
        (expected, expected),
    )
    return embryo_qc.summarise(shown, learnt.error)


def judge(
    depth: float,
    seed: int,
    odd: Copies,
    rest: Copies | None = None,
    n_chromosomes: int = 3,
    known: tuple[bool, bool] = (True, True),
    n_sites: int = N_SITES,
) -> Measures:
    """Measures of an embryo whose chr1 is `odd` and whose others are `rest` (default:
    the same)."""
    chromosomes = []
    for index in range(n_chromosomes):
        world = World(1000 * seed + index, n_sites)
        copies = odd if index == 0 else rest or odd
        chromosomes.append((world.family(known), world.reads(depth, copies)))
    learnt, record = learn(chromosomes)
    summaries = [
        summary(f"chr{index + 1}", family, reads, learnt)
        for index, (family, reads) in enumerate(chromosomes)
    ]
    return embryo_measures.combine(summaries, record)
