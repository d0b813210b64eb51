"""Quality of one embryo: is it this couple's, is it clean, is each chromosome whole.

Measures come from reads and parents; `verdict` turns them into pass, warn or fail with
the reason in plain words. Standard errors are block jackknives over N_BLOCKS stretches
of the genome, since neighbouring sites are not independent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from morula.family_sites import PARENTS, FamilySites

N_BLOCKS = 20
# Fewer informative sites than this say nothing about relationship or contamination.
MIN_SITES = 50
SURE = 0.9


@dataclass(frozen=True)
class Evidence:
    """What one chromosome shows: reads (L, 2) uncapped; vectors and share as in
    inheritance.Posterior; flips: mean number of maternal and paternal changes of
    haplotype on the sampled paths; expected_flips: the same before any read was seen;
    share_sd: prior spread of a chromosome's mean share."""

    chrom: str
    family: FamilySites
    reads: NDArray[np.float64]
    vectors: NDArray[np.float64]
    share: NDArray[np.float64]
    share_sd: float
    flips: tuple[float, float]
    expected_flips: tuple[float, float]


@dataclass(frozen=True)
class ChromosomeMeasure:
    """depth: reads a site; depth_error: its standard error; maternal_share: mean x;
    share_sd, flips, expected_flips: as in Evidence (mother and father together)."""

    chrom: str
    depth: float
    depth_error: float
    maternal_share: float
    share_sd: float
    flips: float
    expected_flips: float


@dataclass(frozen=True)
class Estimate:
    """A number and its standard error; NaN where it cannot be estimated."""

    value: float
    error: float


UNKNOWN = Estimate(math.nan, math.nan)


@dataclass(frozen=True)
class Measures:
    """Everything `verdict` needs, and the columns of the QC table."""

    embryo: str
    depth: float
    breadth: float
    ado_rate: float
    imbalance: float
    error_rate: float
    error_rate_damage: float
    maternal_share: float
    contamination: Estimate
    relationship_mother: Estimate
    relationship_father: Estimate
    has_mother: bool
    has_father: bool
    converged: bool
    chromosomes: tuple[ChromosomeMeasure, ...]

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


def measures_from_dict(data: Mapping[str, object]) -> Measures:
    """Inverse of Measures.as_dict."""
    values = dict(data)
    for key in ("contamination", "relationship_mother", "relationship_father"):
        pair = values[key]
        assert isinstance(pair, dict)
        values[key] = Estimate(**pair)
    chromosomes = values["chromosomes"]
    assert isinstance(chromosomes, (list, tuple))
    values["chromosomes"] = tuple(ChromosomeMeasure(**one) for one in chromosomes)
    return Measures(**values)  # type: ignore[arg-type]


def jackknife(
    numerator: NDArray[np.float64], denominator: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Solve sum(denominator) beta = sum(numerator) and its standard error.

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
    error = np.sqrt((n - 1) / n * ((parts - parts.mean(axis=0)) ** 2).sum(axis=0))
    return whole, error


def _blocks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums of (N, ...) over N_BLOCKS stretches."""
    return np.stack([part.sum(axis=0) for part in np.array_split(values, N_BLOCKS)])


def relationship(
    evidence: Sequence[Evidence], error_rate: float
) -> tuple[Estimate, Estimate]:
    """Relationship to mother and father: 1 a parent, about 0 unrelated.

    # METHOD: regression of the embryo's ALT fraction on the parents' alleles, both
    # centred by the panel's frequency, at sites where every known parent is
    # homozygous: there the transmitted allele is known for sure, so that neither phase
    # nor the choice of haplotype adds noise. Dropout falls on both parents alike.
    """
    known = evidence[0].family.known
    columns = [i for i in range(2) if known[i]]
    xs, ys, ws = [], [], []
    for one in evidence:
        depth = one.reads.sum(axis=1)
        dosage = np.stack([one.family.parents[i].dosage for i in columns], axis=1)
        use = (depth > 0) & np.isin(dosage, (0.0, 2.0)).all(axis=1)
        alt = one.reads[use, 1] / depth[use]
        alt = (alt - error_rate) / (1 - 2 * error_rate)
        centre = one.family.frequency[use]
        xs.append(dosage[use] / 2 - centre[:, None])
        ys.append(2 * (alt - centre))
        ws.append(depth[use] / (1 + depth[use]))
    x, y, w = np.concatenate(xs), np.concatenate(ys), np.concatenate(ws)
    # One column: alleles of the absent parent average to the panel's frequency.
    informative = (np.abs(x) > 0.05).any(axis=1)
    result = [UNKNOWN, UNKNOWN]
    if informative.sum() < MIN_SITES:
        return UNKNOWN, UNKNOWN
    moments = _blocks(w[:, None, None] * x[:, :, None] * x[:, None, :])
    products = _blocks(w[:, None] * x * y[:, None])
    if np.linalg.cond(moments.sum(axis=0)) > 1e6:
        return UNKNOWN, UNKNOWN
    try:
        beta, error = jackknife(products, moments)
    except np.linalg.LinAlgError:
        return UNKNOWN, UNKNOWN
    for column, value, spread in zip(columns, beta, error, strict=True):
        result[column] = Estimate(float(value), float(spread))
    return result[0], result[1]


def _foreign_reads(
    one: Evidence, side: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Reads of the allele that a het parent did not transmit, and all reads, at sites
    where the other parent is homozygous for the one that was; (N,) each.

    side: 0 the mother is het, 1 the father.
    """
    het, hom = one.family.parents[side], one.family.parents[1 - side]
    weight = one.vectors.reshape(-1, 2, 2).sum(axis=2 - side)
    carries_alt = (weight * het.alleles).sum(axis=1)
    other = hom.dosage / 2
    same = np.where(other == 1, carries_alt, 1 - carries_alt)
    use = (het.dosage == 1) & np.isin(hom.dosage, (0.0, 2.0)) & (same > SURE)
    use &= one.reads.sum(axis=1) > 0
    foreign = np.where(other[use] == 1, one.reads[use, 0], one.reads[use, 1])
    return foreign, one.reads[use].sum(axis=1)


def contamination(evidence: Sequence[Evidence]) -> Estimate:
    """Share of the reads that comes from the mother's own cells.

    # METHOD: her cells show the allele that the embryo did not inherit in half of
    # their reads. The father's untransmitted alleles, measured in the same way, hold
    # everything else that looks alike (read errors, flipped hets, wrong genotypes) and
    # are subtracted: his cells are not in the dish.
    """
    shares = []
    for side in range(2):
        pairs = [_foreign_reads(one, side) for one in evidence]
        foreign = np.concatenate([pair[0] for pair in pairs])
        total = np.concatenate([pair[1] for pair in pairs])
        if len(total) < MIN_SITES:
            return UNKNOWN
        try:
            value, error = jackknife(
                _blocks(foreign[:, None]), _blocks(total[:, None, None])
            )
        except np.linalg.LinAlgError:
            return UNKNOWN
        shares.append((float(value[0]), float(error[0])))
    (mother, mother_error), (father, father_error) = shares
    return Estimate(2 * (mother - father), 2 * math.hypot(mother_error, father_error))


def measure_chromosome(one: Evidence) -> ChromosomeMeasure:
    """Depth, share and changes of haplotype of one chromosome."""
    depth = one.reads.sum(axis=1)
    means = np.array([part.mean() for part in np.array_split(depth, N_BLOCKS)])
    known = [i for i in range(2) if one.family.known[i]]
    return ChromosomeMeasure(
        one.chrom,
        float(depth.mean()),
        float(means.std(ddof=1) / math.sqrt(N_BLOCKS)),
        float(one.share.mean()),
        one.share_sd,
        sum(one.flips[i] for i in known),
        sum(one.expected_flips[i] for i in known),
    )


@dataclass(frozen=True)
class Thresholds:
    """Limits of `verdict`; config section correct.qc documents each."""

    min_depth: float
    max_error: float
    max_dropout: float
    warn_contamination: float
    fail_contamination: float
    relationship_low: float
    relationship_high: float
    max_share_deviation: float
    max_depth_deviation: float
    max_flip_ratio: float


def chromosome_flags(measures: Measures, limits: Thresholds) -> dict[str, str]:
    """Reason for each chromosome that looks abnormal, by name."""
    rows = measures.chromosomes
    median = float(np.median([row.depth for row in rows]))
    flags = {}
    for row in rows:
        reasons = []
        deviation = row.maternal_share - 0.5
        if abs(deviation) > limits.max_share_deviation and (
            abs(deviation) > 4 * row.share_sd
        ):
            reasons.append(f"maternal share {row.maternal_share:.2f}, expected 0.50")
        # A median of one or two chromosomes cannot tell which of them is off.
        ratio = row.depth / median if median > 0 else math.nan
        if (
            len(rows) > 2
            and abs(ratio - 1) > limits.max_depth_deviation
            and abs(row.depth - median) > 4 * row.depth_error
        ):
            reasons.append(f"depth {ratio:.2f} of the other chromosomes'")
        excess = row.flips - limits.max_flip_ratio * row.expected_flips
        if excess > 5 * math.sqrt(row.expected_flips + 1):
            reasons.append(
                f"{row.flips:.0f} changes of haplotype, {row.expected_flips:.0f} are"
                " expected"
            )
        if reasons:
            flags[row.chrom] = " and ".join(reasons)
    return flags


def _parent_reasons(
    measures: Measures, limits: Thresholds
) -> tuple[list[str], list[str]]:
    """Reasons to fail and to warn that concern descent."""
    fails, warns = [], []
    for parent in PARENTS:
        if not getattr(measures, f"has_{parent}"):
            continue
        estimate: Estimate = getattr(measures, f"relationship_{parent}")
        low, high = limits.relationship_low, limits.relationship_high
        margin = 2 * estimate.error
        text = f"relationship {estimate.value:.2f} (a parent has 1, a stranger 0)"
        if math.isnan(estimate.value):
            warns.append(f"too few reads to check that this is the {parent}'s embryo")
        elif estimate.value < low:
            fails.append(
                f"not shown to be an embryo of the {parent}: {text}; check for swapped"
                " samples"
            )
        elif estimate.value > high:
            fails.append(
                f"too much of the {parent}'s DNA: {text}; contamination, a uniparental"
                " or triploid embryo, or the parent's own sample"
            )
        elif estimate.value - margin < low or estimate.value + margin > high:
            warns.append(f"descent from the {parent} is not sure: {text}")
    return fails, warns


def verdict(measures: Measures, limits: Thresholds) -> tuple[str, str, list[str]]:
    """Status (pass, warn, fail), reason, and names of the flagged chromosomes."""
    fails, warns = [], []
    if not measures.depth > 0:
        return "fail", "no reads at any site", []
    descent_fails, descent_warns = _parent_reasons(measures, limits)
    fails += descent_fails
    warns += descent_warns
    error = max(measures.error_rate, measures.error_rate_damage)
    if error > limits.max_error:
        fails.append(f"read error rate {error:.3f}, at most {limits.max_error:g}")
    impurity = measures.contamination
    sure = impurity.value - 2 * impurity.error
    if sure > limits.fail_contamination:
        fails.append(f"{impurity.value:.1%} of the reads are the mother's own")
    elif sure > limits.warn_contamination:
        warns.append(f"{impurity.value:.1%} of the reads are the mother's own")
    flags = chromosome_flags(measures, limits)
    for chrom, why in flags.items():
        # METHOD: a chromosome of another share is aneuploid or uniparental: no genome
        # of two copies describes it, so that the embryo's scores are withheld.
        (fails if "share" in why else warns).append(f"{chrom}: {why}")
    if measures.depth < limits.min_depth:
        warns.append(f"depth {measures.depth:.3g}x, below {limits.min_depth:g}x")
    if measures.ado_rate > limits.max_dropout:
        warns.append(f"allele dropout {measures.ado_rate:.0%}")
    if not measures.converged:
        warns.append("the amplification model did not converge")
    status = "fail" if fails else "warn" if warns else "pass"
    return status, "; ".join(fails + warns), list(flags)
