"""The amplification of one embryo learnt by EM over stretches of its genome.

Expected counts are exact (morula.inheritance); each maximisation raises the posterior.
Names and shapes as in morula.inheritance and morula.amplification.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from morula import array_signal, inheritance
from morula.amplification import N_CLASSES, Amplification
from morula.array_signal import ArraySignal
from morula.error_classes import N_ERROR_CLASSES
from morula.inheritance import Chain, Posterior

LENGTH_BOUNDS_BP = (200.0, 1e7)
# Weight of the starting error rates and contamination: an embryo with few reads keeps
# them, and no rate is ever exactly zero.
PSEUDO_READS = 100.0
ERROR_BOUNDS = (1e-5, 0.4)
CONTAMINATION_BOUNDS = (1e-6, 0.6)
# No share is impossible, whatever the sites of one embryo show.
LEAST_SHARE = 1e-9


@dataclass(frozen=True)
class Fit:
    """What EM found. drawn: its share_prior is P(x) of a fresh draw; ln_likelihoods: of
    each iteration; occupancy: (J, K), expected sites with reads by stretch and x."""

    drawn: Amplification
    ln_likelihoods: list[float]
    occupancy: NDArray[np.float64]
    converged: bool

    @property
    def amplification(self) -> Amplification:
        """What was learnt; share_prior is P(x) at a site.

        # METHOD: both alleles have amplicons of their own, so that x changes at the
        # ends of either; but while one is lost, the ends of the other do not show, and
        # stretches of x = 0 or 1 are longer than others. Draws therefore count lost
        # stretches too rarely (0.14 for 0.21 at 30x); sites count them as they are.
        """
        return _at_sites(self.drawn, self.occupancy.sum(axis=0))


def _at_sites(drawn: Amplification, sites: NDArray[np.float64]) -> Amplification:
    """`drawn` with the distribution of x over `sites` (K,), if there are any."""
    total = float(sites.sum())
    if total == 0.0:
        return drawn
    prior = np.maximum(sites / total, LEAST_SHARE)
    return replace(drawn, share_prior=prior / prior.sum())


@dataclass(frozen=True)
class Stretch:
    """A stretch of one embryo's genome: its chain without the step of x, and the gap in
    bp from the site before (0 at the first site), int64 (L,)."""

    chain: Chain
    gap_bp: NDArray[np.int64]

    def with_length(self, length_bp: float) -> Chain:
        """The chain with stay = exp(-gap / length)."""
        return self.chain._replace(stay=np.exp(-self.gap_bp / length_bp))


def fit(
    stretches: Sequence[Stretch],
    begin: Amplification,
    prior_amplicons: float,
    max_iterations: int,
    tolerance: float,
    apply: Callable[
        [Callable[[Stretch], tuple[Posterior, float]], Sequence[Stretch]],
        Iterable[tuple[Posterior, float]],
    ] = map,
    first: Amplification | None = None,
) -> Fit:
    """Learn the amplification by EM until a step gains less than `tolerance` (natural
    log units of the posterior), or max_iterations; first: the first guess, `begin`
    where there is none.

    `apply` is map or the map of a pool of threads; the sums are taken in the order of
    the stretches, so that the result does not depend on it.
    """
    now, track = first or begin, list[float]()
    objective = -math.inf
    for _ in range(max_iterations):
        results = list(apply(functools.partial(_expect, now), stretches))
        track.append(math.fsum(value for _, value in results))
        before = objective
        objective = track[-1] + _ln_prior(now, begin, prior_amplicons)
        if objective - before < tolerance:
            return Fit(now, track, _occupancy(results), True)
        posteriors = [posterior for posterior, _ in results]
        now = _maximise(posteriors, stretches, now, begin, prior_amplicons)
    return Fit(now, track, _occupancy(results), False)


def _occupancy(results: Sequence[tuple[Posterior, float]]) -> NDArray[np.float64]:
    """Expected sites with reads by stretch and share, (J, K)."""
    return np.stack([posterior.occupancy for posterior, _ in results])


def _expect(now: Amplification, stretch: Stretch) -> tuple[Posterior, float]:
    """E step of one stretch: its posterior and ln P(reads)."""
    chain, table = stretch.with_length(now.length_bp), now.read_table()
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
    if isinstance(now, ArraySignal) and isinstance(begin, ArraySignal):
        rates = array_signal.ln_prior(now, begin)
    else:
        rates = (
            _ln_beta(now.error, begin.error)
            + _ln_beta(now.error_damage, begin.error_damage)
            + _ln_beta(now.error_indel, begin.error_indel)
            + _ln_beta(now.contamination, begin.contamination)
        )
    shares = weight * float(begin.share_prior @ np.log(now.share_prior))
    length = -weight * (math.log(now.length_bp) + begin.length_bp / now.length_bp)
    return shares + rates + length


def _maximise(
    posteriors: Sequence[Posterior],
    stretches: Sequence[Stretch],
    now: Amplification,
    begin: Amplification,
    weight: float,
) -> Amplification:
    """M step: expected counts, plus the start as pseudo-counts; the error rates are
    raised given the new contamination (a conditional maximisation: the likelihood
    still never falls)."""
    draws = sum(p.share_draws for p in posteriors) + weight * begin.share_prior
    gap = np.concatenate([c.gap_bp[1:] for c in stretches])
    redraw = np.concatenate([p.redraw[1:] for p in posteriors])
    counts = np.sum([p.read_counts for p in posteriors], axis=0)
    return replace(
        now,
        share_prior=draws / draws.sum(),
        length_bp=_best_length(gap, redraw, begin.length_bp, weight),
        **_best_rates(counts, now, begin),
    )


def _best_rates(
    counts: NDArray[np.float64], now: Amplification, begin: Amplification
) -> dict[str, Any]:
    """What is learnt of reads, or of an array's markers, from their expected counts,
    (C, G, K, 2)."""
    if isinstance(now, ArraySignal) and isinstance(begin, ArraySignal):
        return array_signal.best_rates(counts[..., 0], now, begin)
    contamination = _best_contamination(counts, now, begin)
    error, error_damage, error_indel = _error_rates(
        counts, replace(now, contamination=contamination), begin
    )
    return {
        "error": error,
        "error_damage": error_damage,
        "error_indel": error_indel,
        "contamination": contamination,
    }


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
) -> tuple[float, float, float]:
    """Error rates of ordinary substitutions, damage and indels from expected read
    counts (C, G, K, 2)."""
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
    # Direction (REF or ALT misread) by error class.
    damage = [[False, True, False, False], [False, False, True, False]]
    slip = [[False, False, False, True]] * 2
    repeats = N_CLASSES // N_ERROR_CLASSES
    is_damage, is_slip = (np.tile(one, repeats) for one in (damage, slip))

    def rate(kind: NDArray[np.bool_], centre: float) -> float:
        share = wrong[kind].sum() + PSEUDO_READS * centre
        low, high = ERROR_BOUNDS
        return min(max(float(share / (reads[kind].sum() + PSEUDO_READS)), low), high)

    plain = rate(~(is_damage | is_slip), begin.error)
    return plain, rate(is_damage, begin.error_damage), rate(is_slip, begin.error_indel)
