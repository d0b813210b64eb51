"""SNP arrays of embryos: what a marker shows, and the errors of the array.

A marker shows the fraction of the signal that is ALT's, of an array's BAF (B allele
frequency) column, or a called genotype alone. Both are kept as a pair of numbers for
REF and ALT, as counts of reads are: (FRACTION_STEPS - n, n) for a fraction n /
FRACTION_STEPS, and the (2, 0), (1, 1), (0, 2) copies of a call; (0, 0) shows nothing.

METHOD: the signal of a sound marker is the ALT share p of the template, x m + (1 - x) f
with the local maternal share x of reads, plus normal noise; what lies beyond 0 or 1 is
reported as 0 or 1. A call tells on which side of CALL_BOUNDS the signal lies. A marker
shows anything at all with probability `error`: probes fail, or bind elsewhere. Allele
dropout and drop-in are thus told apart: the one is x = 0 or 1, shared by the markers of
an amplicon, the other is noise or a failed probe of one marker.

Shapes: L sites; C = N_SYMBOLS classes, what a marker can show; G genotypes, K shares.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from morula import inheritance
from morula.amplification import Amplification
from morula.errors import InputError

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

FRACTION_STEPS = 50
COPIES = 2
# Between the clusters of the genotypes, half-way.
CALL_BOUNDS = (0.25, 0.75)
N_FRACTIONS, N_CALLS = FRACTION_STEPS + 1, COPIES + 1
N_SYMBOLS = N_FRACTIONS + N_CALLS
NOISE_BOUNDS = (0.005, 0.5)
ERROR_BOUNDS = (1e-5, 0.4)
# Weight of the starting error rate, in markers, and SD of the logarithm of the noise:
# an array that shows little keeps them.
PSEUDO_MARKERS = 100.0
NOISE_LN_SD = 0.5


@dataclass(frozen=True)
class ArraySignal(Amplification):
    """The amplification of an embryo that has an array.

    error: P(a marker shows anything at all); noise: SD of the signal of one marker, in
    fractions of ALT; error_damage, error_indel and contamination are not of arrays: 0.
    """

    error_damage: float = 0.0
    error_indel: float = 0.0
    contamination: float = 0.0
    noise: float = math.nan

    measured = ("dropout", "imbalance", "length_bp", "error", "noise")
    is_array = True

    @property
    def misread(self) -> float:
        """See Amplification.misread: half of what a wrong marker shows is REF's."""
        return self.error / 2

    def read_table(self) -> Floats:
        """ln P(what a marker shows | class, genotype, share), (C, G, K, 2); the class
        is what it shows, so that there is nothing in the last place."""
        shown = shown_by(inheritance.alt_template_share(self.shares), self)
        return np.stack([np.log(shown), np.zeros_like(shown)], axis=-1)


def start(begin: Amplification, error: float, noise: float) -> ArraySignal:
    """Where EM starts for an array; begin: for reads of the same DNA."""
    return ArraySignal(
        begin.shares, begin.share_prior, begin.length_bp, error, noise=noise
    )


@functools.cache
def _bounds() -> tuple[Floats, Floats]:
    """Lower and upper bound of the signal of each class, (C,) each."""
    inner = (np.arange(FRACTION_STEPS) + 0.5) / FRACTION_STEPS
    low = np.concatenate([[-np.inf], inner, [-np.inf], CALL_BOUNDS])
    high = np.concatenate([inner, [np.inf], CALL_BOUNDS, [np.inf]])
    return low, high


def shown_by(alt_share: Floats, of: ArraySignal) -> Floats:
    """P(what a marker shows) by class, (C, ...); alt_share: (...), ALT share of the
    template. The N_FRACTIONS fractions sum to one, and so do the N_CALLS calls."""
    low, high = (
        bound.reshape(-1, *[1] * alt_share.ndim) - alt_share for bound in _bounds()
    )
    inside = special.ndtr(high / of.noise) - special.ndtr(low / of.noise)
    evenly = np.repeat([1.0 / N_FRACTIONS, 1.0 / N_CALLS], [N_FRACTIONS, N_CALLS])
    wrong = of.error * evenly.reshape(-1, *[1] * alt_share.ndim)
    return np.asarray((1.0 - of.error) * inside + wrong)


def of_sites(signals: Floats) -> tuple[Floats, Whole]:
    """What stands for reads in a chain, (L, 2): one of what the marker shows; and the
    class of each site, int64 (L,). signals: (L, 2), see this module.

    Raises InputError for pairs that an array does not show.
    """
    total = signals.sum(axis=1)
    is_fraction, is_call = total == FRACTION_STEPS, total == COPIES
    if not (is_fraction | is_call | (total == 0.0)).all():
        raise InputError(
            f"a site shows {total.max():g} in all; expected an array's fraction (of"
            f" {FRACTION_STEPS}) or call (of {COPIES} copies): import the array again"
        )
    alt = signals[:, 1].astype(np.int64)
    shown = np.zeros_like(signals)
    shown[:, 0] = total > 0.0
    return shown, alt + np.where(is_call, N_FRACTIONS, 0)


def best_rates(
    counts: Floats, now: ArraySignal, begin: ArraySignal
) -> dict[str, float]:
    """Error and noise of the M step, one after the other, given expected markers by
    class, genotype and share, (C, G, K); neither lowers the posterior."""
    markers = counts.reshape(N_SYMBOLS, -1)
    used = np.flatnonzero(markers.sum(axis=0))
    markers = markers[:, used]
    share = inheritance.alt_template_share(now.shares).ravel()[used]

    def loss(error: float, noise: float) -> float:
        made = start(now, error, noise)
        expected = float((markers * np.log(shown_by(share, made))).sum())
        return -expected - ln_prior(made, begin)

    error = _least(lambda rate: loss(rate, now.noise), now.error, ERROR_BOUNDS)
    noise = _least(lambda sd: loss(error, sd), now.noise, NOISE_BOUNDS)
    return {"error": error, "noise": noise}


def _least(
    loss: Callable[[float], float], now: float, bounds: tuple[float, float]
) -> float:
    """The place of the least loss, on the scale of logarithms; never worse than now."""
    low, high = (math.log(bound) for bound in bounds)
    best = optimize.minimize_scalar(
        lambda x: loss(math.exp(x)), bounds=(low, high), method="bounded"
    )
    found = math.exp(float(best.x))
    return found if loss(found) < loss(now) else now


def ln_prior(now: ArraySignal, begin: ArraySignal) -> float:
    """ln of the prior density of error (beta) and noise (log-normal), up to a
    constant."""
    error = begin.error * math.log(now.error)
    error += (1.0 - begin.error) * math.log1p(-now.error)
    off = math.log(now.noise / begin.noise) / NOISE_LN_SD
    return PSEUDO_MARKERS * error - 0.5 * off**2
