"""Measures of one embryo from the sums of its chromosomes (morula.embryo_qc) and from
what was learnt of its amplification (morula.amplification).

Standard errors are block jackknives over the blocks of all chromosomes;
morula.embryo_verdict judges the measures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from morula.amplification_record import Record
from morula.embryo_qc import ChromosomeSummary

Floats = NDArray[np.float64]
# Fewer informative sites than this say nothing about relationship or contamination.
MIN_SITES = 50
MAX_CONDITION = 1e6
LEAST_READS = 1e-3
Z_95 = 1.96
# METHOD: regions of some 300 kb are amplified alike, with a spread of either allele of
# about 0.4 in the logarithm (resources/simulation.tsv); blocks of short chromosomes are
# no longer than that, and do not show this part of the spread of x.
REGION_SD = 0.14
REGION_BP = 300_000.0


@dataclass(frozen=True)
class Estimate:
    """A number and its standard error; NaN where it cannot be estimated."""

    value: float
    error: float

    @property
    def interval(self) -> tuple[float, float]:
        """95 %."""
        return self.value - Z_95 * self.error, self.value + Z_95 * self.error


UNKNOWN = Estimate(math.nan, math.nan)


@dataclass(frozen=True)
class ChromosomeMeasure:
    """depth: reads a site; maternal_share: mean x; flips, expected_flips: crossovers
    found and expected, mother's and father's together; sibling_ln_odds: of a sibling of
    the family's other embryos against a stranger, NaN where a parent is known."""

    chrom: str
    depth: Estimate
    maternal_share: Estimate
    flips: float
    expected_flips: float
    sibling_ln_odds: float = math.nan


@dataclass(frozen=True)
class Measures:
    """Everything `verdict` needs, and the columns of the QC table.

    depth: reads a site; of an array NaN, as in the chromosomes: how many markers there
    are is by its make, not by the embryo's copies; contamination: share of the reads
    from the mother's own cells; foreign: from outside the family; misfit: of those that
    contradict the alleles that the father passed on; relationship_sum: 2 of two
    parents, whichever of them gave more DNA.
    """

    record: Record
    depth: float
    breadth: float
    maternal_share: float
    contamination: Estimate
    foreign: Estimate
    misfit: Estimate
    relationship_mother: Estimate
    relationship_father: Estimate
    relationship_sum: Estimate
    known: tuple[bool, bool]
    chromosomes: tuple[ChromosomeMeasure, ...]

    @property
    def sibling_ln_odds(self) -> float:
        """Of all chromosomes."""
        return sum(one.sibling_ln_odds for one in self.chromosomes)


def jackknife(numerator: Floats, denominator: Floats) -> tuple[Floats, Floats]:
    """Solve sum(denominator) beta = sum(numerator); beta (P,), its covariance (P, P).

    numerator: (B, P); denominator: (B, P, P), sums over each block.
    """
    whole = np.linalg.solve(denominator.sum(axis=0), numerator.sum(axis=0))
    parts = np.stack(
        [
            np.linalg.solve(
                denominator.sum(axis=0) - denominator[i],
                numerator.sum(axis=0) - numerator[i],
            )
            for i in range(len(numerator))
        ]
    )
    n = len(parts)
    off = parts - parts.mean(axis=0)
    return whole, (n - 1) / n * off.T @ off


def _solved(
    numerator: Floats, denominator: Floats, n_sites: int
) -> tuple[Floats, Floats] | None:
    """`jackknife`, None where the sites do not determine the solution."""
    total = denominator.sum(axis=0)
    if n_sites < MIN_SITES or np.linalg.cond(total) > MAX_CONDITION:
        return None
    try:
        return jackknife(numerator, denominator)
    except np.linalg.LinAlgError:
        return None


def _estimate(
    solved: tuple[Floats, Floats] | None, weights: Sequence[float]
) -> Estimate:
    """Weighted sum of a solution's values."""
    if solved is None:
        return UNKNOWN
    w = np.array(weights)
    return Estimate(float(w @ solved[0]), math.sqrt(float(w @ solved[1] @ w)))


def _stacked(summaries: Sequence[ChromosomeSummary], name: str) -> Floats:
    """The blocks of all chromosomes, one below the other."""
    return np.concatenate([np.array(getattr(one, name)) for one in summaries])


def regional_error(span_bp: float) -> float:
    """Spread of the mean of x over span_bp that regions amplified alike cause."""
    return REGION_SD * math.sqrt(min(2 * REGION_BP / span_bp, 1.0))


def relationship(
    summaries: Sequence[ChromosomeSummary],
) -> tuple[Estimate, Estimate, Estimate]:
    """Relationship to mother and father (1 a parent, about 0 unrelated), and their sum.

    A parent's value is twice its share of the DNA, so that what favours one parent's
    alleles takes from the other what it gives; the sum is free of that.

    # METHOD: a site's weighted residual has a variance of at most about one; a handful
    # of sites in a few blocks can agree by chance, and their jackknife is too narrow.
    """
    known = summaries[0].known
    columns = [side for side in range(2) if known[side]]
    moments = _stacked(summaries, "descent")
    square = moments[:, [[0, 1], [1, 2]]][:, columns][:, :, columns]
    n_sites = sum(one.descent_sites for one in summaries)
    solved = _solved(moments[:, 3:][:, columns], square, n_sites)
    regional = 2 * regional_error(sum(one.span_bp for one in summaries))
    found = [UNKNOWN, UNKNOWN]
    for place, side in enumerate(columns if solved else []):
        one = _estimate(solved, np.eye(len(columns))[place].tolist())
        least = math.sqrt(float(np.linalg.inv(square.sum(axis=0))[place, place]))
        error = math.hypot(max(one.error, least), regional)
        found[side] = Estimate(one.value, error)
    both = _estimate(solved, [1.0, 1.0]) if all(known) else UNKNOWN
    return found[0], found[1], both


def foreign(summaries: Sequence[ChromosomeSummary]) -> Estimate:
    """Share of the reads from outside the family.

    # METHOD: at least as uncertain as one read more or less makes it: without a single
    # odd read the blocks agree, and say nothing of what was not seen.
    """
    moments = _stacked(summaries, "strange")
    n_sites = sum(one.strange_sites for one in summaries)
    square = moments[:, [[0, 1], [1, 2]]]
    found = _estimate(_solved(moments[:, 3:], square, n_sites), [0.0, 1.0])
    one_read = 0.5 / max(float(moments[:, 1].sum()), LEAST_READS)
    return Estimate(found.value, math.hypot(found.error, one_read))


def contrary(summaries: Sequence[ChromosomeSummary], side: int) -> Estimate:
    """Share of the reads that contradict what parent `side` passed on; the spread as
    in `foreign`."""
    shown = _stacked(summaries, "contrary")[:, [side]]
    total = _stacked(summaries, "certain")[:, [side], None]
    n_sites = sum(one.certain_sites[side] for one in summaries)
    found = _estimate(_solved(shown, total, n_sites), [1.0])
    one_read = 1.0 / max(float(total.sum()), LEAST_READS)
    return Estimate(found.value, math.hypot(found.error, one_read))


def contamination(mother: Estimate, father: Estimate) -> Estimate:
    """Share of the reads that comes from the mother's own cells, from what contradicts
    either parent.

    # METHOD: her cells show the allele that the embryo did not inherit in half of
    # their reads. The father's untransmitted alleles, measured in the same way, hold
    # everything else that looks alike (read errors, flipped hets, wrong genotypes) and
    # are subtracted: his cells are not in the dish.
    """
    spread = 2 * math.hypot(mother.error, father.error)
    return Estimate(2 * (mother.value - father.value), spread)


def _ratio(numerator: Sequence[float], denominator: Sequence[float]) -> Estimate:
    over = np.array(denominator)[:, None, None]
    return _estimate(jackknife(np.array(numerator)[:, None], over), [1.0])


def measure_chromosome(one: ChromosomeSummary, is_array: bool) -> ChromosomeMeasure:
    """Depth, share and crossovers of one chromosome.

    # METHOD: the spread of the mean share is what the amplicons allow beforehand or
    # what the blocks show, whichever is more, and that of whole regions: few of them
    # leave a sound chromosome off one half.
    # METHOD: without any parent nothing tells whose copy is whose, and which is called
    # maternal changes along the chromosome: its mean share says nothing.
    """
    share = _ratio(one.share, one.sites)
    spread = math.hypot(max(share.error, one.share_sd), regional_error(one.span_bp))
    return ChromosomeMeasure(
        one.chrom,
        UNKNOWN if is_array else _ratio(one.reads, one.sites),
        Estimate(share.value, spread) if any(one.known) else UNKNOWN,
        sum(one.flips[side] for side in range(2) if one.known[side]),
        sum(one.expected_flips[side] for side in range(2) if one.known[side]),
        math.nan if one.sibling_ln_odds is None else one.sibling_ln_odds,
    )


def combine(summaries: Sequence[ChromosomeSummary], record: Record) -> Measures:
    """Measures of an embryo from all of its chromosomes and what was learnt of it."""
    sites, covered, reads, share = (
        float(_stacked(summaries, name).sum())
        for name in ("sites", "covered", "reads", "share")
    )
    is_array = record.amplification.is_array
    sides = contrary(summaries, 0), contrary(summaries, 1)
    mother, father, both = relationship(summaries)
    return Measures(
        record=record,
        depth=math.nan if is_array else reads / sites,
        breadth=covered / sites,
        maternal_share=share / sites if any(summaries[0].known) else math.nan,
        contamination=contamination(*sides),
        foreign=foreign(summaries),
        misfit=sides[1],
        relationship_mother=mother,
        relationship_father=father,
        relationship_sum=both,
        known=summaries[0].known,
        chromosomes=tuple(measure_chromosome(one, is_array) for one in summaries),
    )
