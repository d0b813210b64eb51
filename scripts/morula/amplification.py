"""Amplification of one embryo, learnt by EM over all its chromosomes.

Learnt: the distribution of the local maternal share x (its ends are the allele dropout
rate), the amplicon length, the read error rates by class, and

the share of reads from the mother's own cells.

A site's class is 3 * mother's ALT copies + error class. Error classes, by what a
misread does at the site's two alleles:
    0  neither direction is C>T or G>A
    1  REF read as ALT is C>T or G>A (damage)
    2  ALT read as REF is C>T or G>A (damage)
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from morula import inheritance, tables
from morula.errors import InputError
from morula.inheritance import Chain, Posterior

N_ERROR_CLASSES = 3
N_CLASSES = 9
DAMAGE = frozenset({("C", "T"), ("G", "A")})
LENGTH_BOUNDS_BP = (200.0, 1e7)
# Weight of the starting error rates and contamination: an embryo with few reads keeps
# them, and no rate is ever exactly zero.
PSEUDO_READS = 100.0
ERROR_BOUNDS = (1e-5, 0.4)
CONTAMINATION_BOUNDS = (1e-6, 0.6)


@dataclass(frozen=True)
class Preset:
    """Where EM starts: dropout rate of one cell, shape of the gamma-distributed
    amplification of either allele (share x is Beta(shape, shape)), amplicon length."""

    dropout: float
    shape: float
    length_bp: float


@dataclass(frozen=True)
class Amplification:
    """shares: (K,) grid of x; share_prior: (K,), P(x) at a fresh draw; length_bp: mean
    length of a stretch of constant x; error, error_damage: P(a read shows the site's
    other allele) for ordinary substitutions and for C>T / G>A; contamination: share of
    the template from the mother's own cells (0: none, and none is learnt)."""

    shares: NDArray[np.float64]
    share_prior: NDArray[np.float64]
    length_bp: float
    error: float
    error_damage: float
    contamination: float

    @property
    def dropout(self) -> float:
        """Allele dropout rate: P(x = 0) + P(x = 1)."""
        return float(self.share_prior[0] + self.share_prior[-1])

    @property
    def imbalance(self) -> float:
        """Mean of |2 x - 1| where both alleles are present: 0 is balanced."""
        inner = self.share_prior[1:-1]
        return float(inner @ np.abs(2 * self.shares[1:-1] - 1) / inner.sum())

    @property
    def alt_template(self) -> NDArray[np.float64]:
        """Share of the template that carries ALT, by class: (C, G, K)."""
        mother = np.repeat([0.0, 0.5, 1.0], N_ERROR_CLASSES)[:, None, None]
        embryo = inheritance.alt_template_share(self.shares)
        c = self.contamination
        return np.asarray((1.0 - c) * embryo + c * mother)

    @property
    def errors(self) -> NDArray[np.float64]:
        """P(REF read as ALT) and P(ALT read as REF) by class: (2, C)."""
        plain, damage = self.error, self.error_damage
        return np.tile([[plain, damage, plain], [plain, plain, damage]], 3)

    def read_table(self) -> NDArray[np.float64]:
        """ln P(read | class, genotype, share), see inheritance.read_table."""
        return inheritance.read_table(self.alt_template, *self.errors)


@dataclass(frozen=True)
class Fit:
    """Learnt amplification, ln P(reads) of each iteration, and whether it converged."""

    amplification: Amplification
    ln_likelihoods: list[float]
    converged: bool


@dataclass(frozen=True)
class Chromosome:
    """One chromosome of one embryo: its chain without the step of x, and the gap in bp
    from the site before (0 at the first site), int64 (L,)."""

    chain: Chain
    gap_bp: NDArray[np.int64]

    def with_length(self, length_bp: float) -> Chain:
        """The chain with stay = exp(-gap / length)."""
        return self.chain._replace(stay=np.exp(-self.gap_bp / length_bp))


def site_classes(
    ref: Sequence[str] | NDArray[np.str_],
    alt: Sequence[str] | NDArray[np.str_],
    mother: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Class of each site, int64 (L,); mother: (L, 2), P(her haplotype carries ALT)."""
    error_class = [
        1 if (one, other) in DAMAGE else 2 if (other, one) in DAMAGE else 0
        for one, other in zip(ref, alt, strict=True)
    ]
    copies = np.rint(mother.sum(axis=1)).astype(np.int64)
    return np.array(error_class, dtype=np.int64) + N_ERROR_CLASSES * copies


def read_preset(path: str | Path, name: str) -> Preset:
    """The row of `name` in the table of presets (resources/amplification.tsv)."""
    rows = {row["amplification"]: row for row in tables.read_tsv(path)}
    if name not in rows:
        raise InputError(f"{path}: no amplification {name!r}; it has {', '.join(rows)}")
    row = rows[name]
    return Preset(float(row["dropout"]), float(row["shape"]), float(row["length_bp"]))


def start(
    preset: Preset,
    cells: int | None,
    n_shares: int,
    error: float,
    error_damage: float,
    contamination: float,
) -> Amplification:
    """Where EM starts for an embryo of `cells` cells on a grid of n_shares points."""
    # METHOD: with n cells an allele is lost only where it fails in most of them; the
    # start falls with sqrt(n), as from 0.16-0.20 in one cell to 0.05 in a trophectoderm
    # biopsy (MDA). A start only: EM replaces it wherever there are reads.
    dropout = preset.dropout / math.sqrt(cells or 1)
    shares = np.linspace(0.0, 1.0, n_shares)
    half = 0.5 / (n_shares - 1)
    edges = np.clip(np.append(shares - half, 1.0), 0.0, 1.0)
    inner = np.diff(stats.beta.cdf(edges, preset.shape, preset.shape))
    inner[[0, -1]] = 0.0  # the published dropout holds the most extreme imbalance
    share_prior = (1.0 - dropout) * inner / inner.sum()
    share_prior[[0, -1]] = dropout / 2
    share_prior = np.maximum(share_prior, 1e-6)
    return Amplification(
        shares,
        share_prior / share_prior.sum(),
        preset.length_bp,
        error,
        error_damage,
        contamination,
    )


def cap_depth(reads: NDArray[np.float64], max_depth: float) -> NDArray[np.float64]:
    """Scale a site's reads down to max_depth in all: (L, 2)."""
    # METHOD: beyond some tens of reads the copies of one template carry no more news,
    # and the grid of x is coarser than their sampling error.
    depth = reads.sum(axis=1, keepdims=True)
    return reads * np.minimum(1.0, max_depth / np.maximum(depth, 1.0))


def fit(
    chromosomes: Sequence[Chromosome],
    begin: Amplification,
    prior_amplicons: float,
    max_iterations: int,
    tolerance: float,
    apply: Callable[
        [Callable[[Chromosome], tuple[Posterior, float]], Sequence[Chromosome]],
        Iterable[tuple[Posterior, float]],
    ] = map,
) -> Fit:
    """Learn the amplification by EM until a step gains less than `tolerance` (natural
    log units of the posterior), or max_iterations.

    `apply` is map or the map of a pool of threads; the sums are taken in the order of
    the chromosomes, so that the result does not depend on it.
    """
    now, track = begin, list[float]()
    objective = -math.inf
    for _ in range(max_iterations):
        results = list(apply(functools.partial(_expect, now), chromosomes))
        track.append(math.fsum(value for _, value in results))
        before = objective
        objective = track[-1] + _ln_prior(now, begin, prior_amplicons)
        if objective - before < tolerance:
            return Fit(now, track, True)
        posteriors = [posterior for posterior, _ in results]
        now = _maximise(posteriors, chromosomes, now, begin, prior_amplicons)
    return Fit(now, track, False)


def _expect(now: Amplification, chromosome: Chromosome) -> tuple[Posterior, float]:
    """E step of one chromosome: its posterior and ln P(reads)."""
    chain, table = chromosome.with_length(now.length_bp), now.read_table()
    filtered = inheritance.forward(chain, now.share_prior, table)
    posterior = inheritance.backward(
        chain, filtered, now.share_prior, now.shares, table
    )
    return posterior, filtered.ln_likelihood


def _ln_beta(rate: float, centre: float) -> float:
    """ln of the prior density of an error rate or contamination, up to a constant."""
    if centre == 0.0:
        return 0.0
    return PSEUDO_READS * (centre * math.log(rate) + (1 - centre) * math.log1p(-rate))


def _ln_prior(now: Amplification, begin: Amplification, weight: float) -> float:
    """ln of the prior density that _maximise adds: Dirichlet for the shares, beta for
    the rates, and the amplicon length held by `weight` imaginary amplicons."""
    rates = (
        _ln_beta(now.error, begin.error)
        + _ln_beta(now.error_damage, begin.error_damage)
        + _ln_beta(now.contamination, begin.contamination)
    )
    shares = weight * float(begin.share_prior @ np.log(now.share_prior))
    length = -weight * (math.log(now.length_bp) + begin.length_bp / now.length_bp)
    return shares + rates + length


def _maximise(
    posteriors: Sequence[Posterior],
    chromosomes: Sequence[Chromosome],
    now: Amplification,
    begin: Amplification,
    weight: float,
) -> Amplification:
    """M step: expected counts, plus the start as pseudo-counts; the error rates are
    raised given the new contamination (a conditional maximisation: the likelihood
    still never falls)."""
    draws = sum(p.share_draws for p in posteriors) + weight * begin.share_prior
    gap = np.concatenate([c.gap_bp[1:] for c in chromosomes])
    redraw = np.concatenate([p.redraw[1:] for p in posteriors])
    counts = np.sum([p.read_counts for p in posteriors], axis=0)
    mixed = replace(now, contamination=_best_contamination(counts, now, begin))
    error, error_damage = _error_rates(counts, mixed, begin)
    return Amplification(
        now.shares,
        draws / draws.sum(),
        _best_length(gap, redraw, begin.length_bp, weight),
        error,
        error_damage,
        mixed.contamination,
    )


def _best_contamination(
    counts: NDArray[np.float64], now: Amplification, begin: Amplification
) -> float:
    """Contamination that maximises the expected log-likelihood of the reads."""
    if begin.contamination == 0.0:
        return 0.0

    def loss(rate: float) -> float:
        expected = counts * replace(now, contamination=rate).read_table()
        return -float(expected.sum()) - _ln_beta(rate, begin.contamination)

    best = optimize.minimize_scalar(
        loss, bounds=CONTAMINATION_BOUNDS, method="bounded", options={"xatol": 1e-6}
    )
    # The bounded search is approximate: never step to a worse point.
    found = float(best.x)
    return found if loss(found) < loss(now.contamination) else now.contamination


def _best_length(
    gap_bp: NDArray[np.int64],
    redraw: NDArray[np.float64],
    begin_bp: float,
    weight: float,
) -> float:
    """Length that maximises the expected log-likelihood of the redraws."""
    apart = gap_bp > 0
    gap, drawn = gap_bp[apart].astype(np.float64), redraw[apart]

    def loss(ln_length: float) -> float:
        scaled = gap * math.exp(-ln_length)
        stayed = -scaled * (1.0 - drawn)
        fresh = drawn * np.log(-np.expm1(-scaled))
        prior = -weight * (ln_length + begin_bp * math.exp(-ln_length))
        return -float(np.sum(stayed + fresh) + prior)

    low, high = (math.log(bound) for bound in LENGTH_BOUNDS_BP)
    best = optimize.minimize_scalar(loss, bounds=(low, high), method="bounded")
    return math.exp(float(best.x))


def _error_rates(
    counts: NDArray[np.float64], now: Amplification, begin: Amplification
) -> tuple[float, float]:
    """Error rates of ordinary substitutions and of damage from expected read counts
    (C, G, K, 2)."""
    alt = now.alt_template
    ref_error, alt_error = now.errors[:, :, None, None]
    shows_alt = alt * (1 - alt_error) + (1 - alt) * ref_error
    # Expected misreads and reads of REF templates, then of ALT templates, by class.
    shown_ref, shown_alt = counts[..., 0], counts[..., 1]
    ref_wrong = shown_alt * (1 - alt) * ref_error / shows_alt
    alt_wrong = shown_ref * alt * alt_error / (1 - shows_alt)
    ref_reads = ref_wrong + shown_ref - alt_wrong
    alt_reads = alt_wrong + shown_alt - ref_wrong
    wrong = np.stack([ref_wrong, alt_wrong]).sum(axis=(2, 3))
    reads = np.stack([ref_reads, alt_reads]).sum(axis=(2, 3))
    is_damage = np.tile([[False, True, False], [False, False, True]], 3)
    rates = [
        (wrong[kind].sum() + PSEUDO_READS * centre) / (reads[kind].sum() + PSEUDO_READS)
        for kind, centre in ((~is_damage, begin.error), (is_damage, begin.error_damage))
    ]
    low, high = ERROR_BOUNDS
    return min(max(rates[0], low), high), min(max(rates[1], low), high)
