"""What one chromosome of an embryo says of its quality, as sums by block.

`summarise` makes them from reads, parents and the posterior of the haplotypes; a few
numbers a chromosome, so that morula.embryo_verdict can judge the whole genome without
reading it again. Shapes: L sites, B = N_BLOCKS stretches of the chromosome.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from morula.errors import InputError
from morula.family_sites import FamilySites

Floats = NDArray[np.float64]
# Blocks of the jackknife: neighbouring sites are not independent.
N_BLOCKS = 20
SURE = 0.9
# A parent's allele this far from the panel's mean says something of descent.
LEAST_CONTRAST = 0.05


@dataclass(frozen=True)
class Evidence:
    """What one chromosome shows.

    reads: (L, 2), uncapped; vectors: P(2 a + b), (L, 4), in the haplotypes of
    family.parents; share: (L,), posterior mean of x; flips: mean number of crossovers
    in what the mother and the father passed on, without switches of their phase;
    expected_flips: the same by the genetic map; share_sd: prior spread of the mean x.
    """

    chrom: str
    family: FamilySites
    reads: Floats
    vectors: Floats
    share: Floats
    share_sd: float
    flips: tuple[float, float]
    expected_flips: tuple[float, float]


@dataclass(frozen=True)
class ChromosomeSummary:
    """Sums over B blocks.

    span_bp: from the first site to the last; sites, covered, reads, share: sites, those
    with reads, reads, sum of x; descent: (B, 5), weighted moments of `_descent`, from
    descent_sites sites; strange: (B, 5), those of `_strange`, from strange_sites sites;
    contrary, certain: (B, 2), reads that contradict the transmitted alleles, and all
    reads there, from certain_sites (2,) sites, those with the mother het first.
    """

    chrom: str
    known: tuple[bool, bool]
    span_bp: int
    sites: list[float]
    covered: list[float]
    reads: list[float]
    share: list[float]
    descent: list[list[float]]
    descent_sites: int
    strange: list[list[float]]
    strange_sites: int
    contrary: list[list[float]]
    certain: list[list[float]]
    certain_sites: tuple[int, int]
    share_sd: float
    flips: tuple[float, float]
    expected_flips: tuple[float, float]

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


def summary_from_dict(data: Mapping[str, object], path: str) -> ChromosomeSummary:
    """Inverse of ChromosomeSummary.as_dict; path: the file, for the message."""
    names = set(ChromosomeSummary.__dataclass_fields__)
    if set(data) != names:
        odd = ", ".join(sorted(set(data) ^ names))
        raise InputError(
            f"{path}: fields differ in {odd}; expected the evidence that this version's"
            " correct_family.py writes: run that step again"
        )
    return ChromosomeSummary(**data)  # type: ignore[arg-type]


def _by_block(values: Floats) -> list[list[float]]:
    """Sums of (L, N) over the blocks, (B, N)."""
    parts = np.array_split(values, N_BLOCKS)
    return [part.sum(axis=0).tolist() for part in parts]


def _alt_fraction(reads: Floats, error: float) -> tuple[Floats, Floats]:
    """ALT fraction of the reads, read errors taken off, and the weight of a site, (L,);
    0 where there are none."""
    depth = reads.sum(axis=1)
    shown = reads[:, 1] / np.maximum(depth, 1.0)
    weight = depth / (1.0 + depth)
    return (shown - error) / (1.0 - 2.0 * error), weight


def _descent(one: Evidence, error: float) -> tuple[Floats, int]:
    """Moments of the regression on the parents' alleles, (L, 5): mm, mf, ff, my, fy.

    # METHOD: the embryo's ALT fraction on the parents' alleles, both centred by the
    # panel's frequency, at sites where every known parent is homozygous: there the
    # transmitted allele is known for sure, so that neither phase nor the choice of
    # haplotype adds noise. Dropout falls on both parents alike. The alleles of an
    # absent parent average to the panel's frequency.
    """
    known = np.array(one.family.known)
    dosage = np.stack([parent.dosage for parent in one.family.parents], axis=1)
    alt, weight = _alt_fraction(one.reads, error)
    centre = one.family.frequency
    x = np.where(known, np.nan_to_num(dosage) / 2 - centre[:, None], 0.0)
    is_homozygous = np.isin(dosage, (0.0, 2.0)) | ~known
    use = (weight > 0) & is_homozygous.all(axis=1)
    use &= (np.abs(x) > LEAST_CONTRAST).any(axis=1)
    y = 2.0 * (alt - centre)
    m, f = x.T
    moments = np.stack([m * m, m * f, f * f, m * y, f * y], axis=1)
    return moments * np.where(use, weight, 0.0)[:, None], int(use.sum())


def _strange(one: Evidence) -> tuple[Floats, int]:
    """Moments of the regression on a stranger's alleles, (L, 5): 1, q, q q, y, q y.

    # METHOD: where both parents are homozygous for the same allele, the embryo has no
    # other. The share y of the other one among its reads is that of misreads plus, in
    # proportion to the panel's frequency q of that allele, that of DNA from outside the
    # family. What the parents' doubtful genotypes explain is taken off beforehand.
    """
    mother, father = one.family.parents
    same = (mother.dosage == father.dosage) & np.isin(mother.dosage, (0.0, 2.0))
    depth = one.reads.sum(axis=1)
    use = same & (depth > 0)
    is_alt = mother.dosage == 2.0
    q = np.where(is_alt, 1.0 - one.family.frequency, one.family.frequency)
    own_alt = (mother.alleles.mean(axis=1) + father.alleles.mean(axis=1)) / 2
    own = np.where(is_alt, 1.0 - own_alt, own_alt)
    shown = np.where(is_alt, one.reads[:, 0], one.reads[:, 1]) / np.maximum(depth, 1.0)
    y = shown - own
    moments = np.stack([np.ones_like(q), q, q * q, y, q * y], axis=1)
    weight = np.where(use, depth / (1.0 + depth), 0.0)
    return moments * weight[:, None], int(use.sum())


def _contrary(one: Evidence, side: int) -> tuple[Floats, Floats]:
    """Reads of the allele that a het parent did not transmit, and all reads, at sites
    where the other parent is homozygous for the one that was; 0 elsewhere, (L,) each.

    side: 0 the mother is het, 1 the father.
    """
    het, hom = one.family.parents[side], one.family.parents[1 - side]
    haplotype = one.vectors.reshape(-1, 2, 2).sum(axis=2 - side)
    carries_alt = (haplotype * het.alleles).sum(axis=1)
    is_alt = hom.dosage == 2.0
    same = np.where(is_alt, carries_alt, 1.0 - carries_alt)
    use = (het.dosage == 1) & np.isin(hom.dosage, (0.0, 2.0)) & (same > SURE)
    contrary = np.where(is_alt, one.reads[:, 0], one.reads[:, 1])
    return np.where(use, contrary, 0.0), np.where(use, one.reads.sum(axis=1), 0.0)


def summarise(evidence: Evidence, error: float) -> ChromosomeSummary:
    """Sums of one chromosome; error: the embryo's rate of misread bases."""
    family = evidence.family
    depth = evidence.reads.sum(axis=1)
    counts = np.stack([np.ones_like(depth), depth > 0, depth, evidence.share], axis=1)
    sites, covered, reads, share = np.array(_by_block(counts)).T.tolist()
    descent, descent_sites = _descent(evidence, error)
    nothing = np.zeros((len(depth), 5)), 0
    strange, strange_sites = _strange(evidence) if all(family.known) else nothing
    pairs = [_contrary(evidence, side) for side in range(2)]
    return ChromosomeSummary(
        evidence.chrom,
        family.known,
        int(family.sites.pos_bp[-1] - family.sites.pos_bp[0]) + 1,
        sites,
        covered,
        reads,
        share,
        _by_block(descent),
        descent_sites,
        _by_block(strange),
        strange_sites,
        _by_block(np.stack([pair[0] for pair in pairs], axis=1)),
        _by_block(np.stack([pair[1] for pair in pairs], axis=1)),
        (int((pairs[0][1] > 0).sum()), int((pairs[1][1] > 0).sum())),
        evidence.share_sd,
        evidence.flips,
        evidence.expected_flips,
    )
