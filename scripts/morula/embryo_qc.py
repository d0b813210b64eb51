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
# METHOD: an embryo that fits as a sibling of the others e^10 times worse than as a
# stranger is none (ln odds), or not on this chromosome as it was amplified.
STRANGER = -10.0


@dataclass(frozen=True)
class Evidence:
    """What one chromosome shows.

    reads: (L, 2), uncapped; vectors: P(2 a + b), (L, 4), in the haplotypes of
    family.parents; share: (L,), posterior mean of x; flips: mean number of crossovers
    in what the mother and the father passed on, without switches of their phase;
    expected_flips: the same by the genetic map; share_sd: prior spread of the mean x;
    sibling_ln_odds: of a sibling of the family's other embryos against a stranger, None
    where a parent is known or it is the only one.
    """

    chrom: str
    family: FamilySites
    reads: Floats
    vectors: Floats
    share: Floats
    share_sd: float
    flips: tuple[float, float]
    expected_flips: tuple[float, float]
    sibling_ln_odds: float | None = None


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
    sibling_ln_odds: float | None

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


@dataclass(frozen=True)
class Regression:
    """Sites of a regression. rows: (N,), of the chromosome's L sites; alleles: (N, M),
    the known side; products: (N, M (M + 1) / 2), of its columns."""

    rows: NDArray[np.int64]
    alleles: Floats
    products: Floats


@dataclass(frozen=True)
class Contrast:
    """Sites where one parent is het, the other homozygous. rows: (N,); is_alt: (N,),
    the other parent passes ALT on; alleles: (N, 2), P(the het's haplotype has ALT)."""

    rows: NDArray[np.int64]
    is_alt: NDArray[np.bool_]
    alleles: Floats


@dataclass(frozen=True)
class Places:
    """The sites of a family that tell of quality, the same for all its embryos.

    own_share: (N,), of the alleles of `strange` that the parents' doubtful genotypes
    explain; strange_is_alt: (N,), the parents' common allele is ALT.
    """

    descent: Regression
    strange: Regression
    strange_is_alt: NDArray[np.bool_]
    own_share: Floats
    contrasts: tuple[Contrast, Contrast]


def places(family: FamilySites) -> Places:
    """Where the embryos of `family` tell of quality."""
    strange, is_alt, own = _strange_places(family)
    contrasts = _contrast(family, 0), _contrast(family, 1)
    return Places(_descent_places(family), strange, is_alt, own, contrasts)


def _regression(rows: NDArray[np.int64], alleles: Floats) -> Regression:
    first, second = np.triu_indices(alleles.shape[1])
    return Regression(rows, alleles, alleles[:, first] * alleles[:, second])


def _descent_places(family: FamilySites) -> Regression:
    """The parents' alleles where every known parent is homozygous.

    # METHOD: the embryo's ALT fraction on the parents' alleles, both centred by the
    # panel's frequency, at sites where every known parent is homozygous: there the
    # transmitted allele is known for sure, so that neither phase nor the choice of
    # haplotype adds noise. Dropout falls on both parents alike. The alleles of an
    # absent parent average to the panel's frequency.
    """
    known = np.array(family.known)
    dosage = np.stack([parent.dosage for parent in family.parents], axis=1)
    centre = family.frequency[:, None]
    x = np.where(known, np.nan_to_num(dosage) / 2 - centre, 0.0)
    is_homozygous = (dosage == 0.0) | (dosage == 2.0) | ~known
    tells = np.abs(x) > LEAST_CONTRAST
    use = is_homozygous[:, 0] & is_homozygous[:, 1] & (tells[:, 0] | tells[:, 1])
    rows = np.flatnonzero(use)
    return _regression(rows, x[rows])


def _strange_places(
    family: FamilySites,
) -> tuple[Regression, NDArray[np.bool_], Floats]:
    """A stranger's alleles where both parents are homozygous for the same one, whether
    that is ALT, and the share of the other one that their doubt explains.

    # METHOD: where both parents are homozygous for the same allele, the embryo has no
    # other. The share y of the other one among its reads is that of misreads plus, in
    # proportion to the panel's frequency q of that allele, that of DNA from outside the
    # family. What the parents' doubtful genotypes explain is taken off beforehand.
    """
    mother, father = family.parents
    same = (mother.dosage == father.dosage) & all(family.known)
    rows = np.flatnonzero(same & ((mother.dosage == 0.0) | (mother.dosage == 2.0)))
    is_alt = mother.dosage[rows] == 2.0
    frequency = family.frequency[rows]
    q = np.where(is_alt, 1.0 - frequency, frequency)
    alleles = mother.alleles[rows], father.alleles[rows]
    own_alt = (alleles[0].mean(axis=1) + alleles[1].mean(axis=1)) / 2
    regression = _regression(rows, np.stack([np.ones_like(q), q], axis=1))
    return regression, is_alt, np.where(is_alt, 1.0 - own_alt, own_alt)


def _contrast(family: FamilySites, side: int) -> Contrast:
    """Where the mother (side 0) or the father (1) is het, the other homozygous."""
    het, hom = family.parents[side], family.parents[1 - side]
    is_homozygous = (hom.dosage == 0.0) | (hom.dosage == 2.0)
    rows = np.flatnonzero((het.dosage == 1.0) & is_homozygous)
    return Contrast(rows, hom.dosage[rows] == 2.0, het.alleles[rows])


def _block_ends(n_sites: int) -> NDArray[np.int64]:
    """Where the blocks of range(n_sites) end, as np.array_split has them, (B,)."""
    sizes = np.full(N_BLOCKS, n_sites // N_BLOCKS)
    sizes[: n_sites % N_BLOCKS] += 1
    return np.cumsum(sizes)


def _sums(values: Floats, ends: NDArray[np.int64]) -> list[float]:
    """Sums of (L,) over blocks that end at `ends`."""
    parts = np.split(values, ends[:-1])
    return [float(part.sum()) for part in parts]


def _moments(
    at: Regression, weight: Floats, y: Floats, ends: NDArray[np.int64]
) -> tuple[list[list[float]], int]:
    """Weighted moments by block, (B, 5), and the number of sites: the products of the
    known side, and of each of its columns with y; weight, y: (N,)."""
    cuts = np.searchsorted(at.rows, ends)[:-1]
    found = []
    for part in np.split(np.arange(len(at.rows)), cuts):
        here = slice(part[0], part[-1] + 1) if len(part) else slice(0, 0)
        w = weight[here]
        products = w @ at.products[here], (w * y[here]) @ at.alleles[here]
        found.append(np.concatenate(products).tolist())
    return found, int((weight > 0).sum())


def _descent(
    one: Evidence, at: Regression, depth: Floats, error: float
) -> tuple[list[list[float]], int]:
    """Moments of the regression on the parents' alleles: mm, mf, ff, my, fy."""
    reads = depth[at.rows]
    shown = one.reads[at.rows, 1] / np.maximum(reads, 1.0)
    alt = (shown - error) / (1.0 - 2.0 * error)
    y = 2.0 * (alt - one.family.frequency[at.rows])
    return _moments(at, reads / (1.0 + reads), y, _block_ends(len(depth)))


def _strange(one: Evidence, at: Places, depth: Floats) -> tuple[list[list[float]], int]:
    """Moments of the regression on a stranger's alleles: 1, q, q q, y, q y."""
    rows, reads = at.strange.rows, depth[at.strange.rows]
    other = np.where(at.strange_is_alt, one.reads[rows, 0], one.reads[rows, 1])
    y = other / np.maximum(reads, 1.0) - at.own_share
    return _moments(at.strange, reads / (1.0 + reads), y, _block_ends(len(depth)))


def _contrary(
    one: Evidence, at: Contrast, side: int, depth: Floats
) -> tuple[list[float], list[float], int]:
    """By block, reads of the allele that a het parent did not transmit, and all reads,
    at sites where the other parent is homozygous for the one that was; and the number
    of these sites.

    side: 0 the mother is het, 1 the father.
    """
    haplotype = one.vectors[at.rows].reshape(-1, 2, 2).sum(axis=2 - side)
    carries_alt = (haplotype * at.alleles).sum(axis=1)
    sure = np.where(at.is_alt, carries_alt, 1.0 - carries_alt) > SURE
    rows, is_alt = at.rows[sure], at.is_alt[sure]
    contrary = np.where(is_alt, one.reads[rows, 0], one.reads[rows, 1])
    reads = depth[rows]
    cuts = np.searchsorted(rows, _block_ends(len(depth)))
    return _sums(contrary, cuts), _sums(reads, cuts), int((reads > 0).sum())


def summarise(
    evidence: Evidence, error: float, at: Places | None = None
) -> ChromosomeSummary:
    """Sums of one chromosome; error: the embryo's rate of misread bases; at: `places`
    of its family, for several embryos."""
    family = evidence.family
    at = places(family) if at is None else at
    depth = evidence.reads[:, 0] + evidence.reads[:, 1]
    ends = _block_ends(len(depth))
    descent, descent_sites = _descent(evidence, at.descent, depth, error)
    strange, strange_sites = _strange(evidence, at, depth)
    sides = [_contrary(evidence, at.contrasts[side], side, depth) for side in range(2)]
    return ChromosomeSummary(
        evidence.chrom,
        family.known,
        int(family.sites.pos_bp[-1] - family.sites.pos_bp[0]) + 1,
        np.diff(ends, prepend=0).astype(float).tolist(),
        _sums((depth > 0).astype(np.float64), ends),
        _sums(depth, ends),
        _sums(evidence.share, ends),
        descent,
        descent_sites,
        strange,
        strange_sites,
        np.stack([side[0] for side in sides], axis=1).tolist(),
        np.stack([side[1] for side in sides], axis=1).tolist(),
        (sides[0][2], sides[1][2]),
        evidence.share_sd,
        evidence.flips,
        evidence.expected_flips,
        evidence.sibling_ln_odds,
    )
