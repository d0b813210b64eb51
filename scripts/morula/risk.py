"""Absolute risk and the gain from choosing, under the liability model.

A disease is a liability with mean 0 and variance 1 above a threshold. A score explains
the share `liability_r2` of its variance; siblings' scores vary by half of that.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import integrate, optimize
from scipy.special import expit
from scipy.stats import norm

# Points of the quadrature over people's scores.
NODES = 64


def liability_risk(
    z: ArrayLike, liability_r2: float, prevalence: float
) -> NDArray[np.float64]:
    """Probability of disease given the standardised score (So et al. 2011).

    Raises ValueError unless 0 <= liability_r2 < 1 and 0 < prevalence < 1.
    """
    _check(liability_r2, prevalence)
    threshold = norm.isf(prevalence)
    mean = np.asarray(z, dtype=np.float64) * np.sqrt(liability_r2)
    rest = np.sqrt(1.0 - liability_r2)
    return np.asarray(norm.sf((threshold - mean) / rest), dtype=np.float64)


def r2_of_ratio(ratio: float, affected: float, odds: bool = False) -> float:
    """Variance of the liability that a score explains whose hazard ratio (or odds
    ratio) per SD was `ratio` in a cohort of which the share `affected` fell ill.

    METHOD: P(ill | z) = 1 - exp(-exp(a + z ln ratio)), for odds 1 / (1 + exp(-a - z ln
    ratio)), a such that it averages to `affected`. The score's covariance with the
    disease, E[z P(ill | z)], is sqrt(R2) times the normal density at the threshold
    (Dempster and Lerner 1950, Genetics 35:212).

    Raises ValueError unless ratio >= 1 and 0 < affected < 1.
    """
    _check(0.0, affected)
    if not ratio >= 1.0:
        raise ValueError(f"ratio is {ratio}; expected at least 1")
    z, weight = np.polynomial.hermite_e.hermegauss(NODES)
    weight = weight / weight.sum()
    slope = np.log(ratio) * z

    def risk(start: float) -> NDArray[np.float64]:
        log = start + slope
        return np.asarray(expit(log) if odds else -np.expm1(-np.exp(log)))

    def excess(start: float) -> float:
        return float(weight @ risk(start) - affected)

    low = float(np.log(affected) - slope.max())
    high = float(np.log(affected / (1.0 - affected)) - slope.min())
    start = optimize.brentq(excess, low, high, xtol=1e-12)
    covariance = float(weight @ (z * risk(start)))
    return (covariance / float(norm.pdf(norm.isf(affected)))) ** 2


def expected_maximum(n: int) -> float:
    """Expected largest of n independent standard normal values."""
    if n < 1:
        raise ValueError(f"n is {n}; expected at least 1")

    def integrand(x: float) -> float:
        return float(x * n * norm.pdf(x) * norm.cdf(x) ** (n - 1))

    return float(integrate.quad(integrand, -12.0, 12.0, epsabs=1e-12)[0])


def expected_gain(n: int, r2: float) -> float:
    """Expected gain, in SDs of the trait, of the best-scored of n sibling embryos over
    a random one: E[max of n] sqrt(r2 / 2) (Karavani et al. 2019)."""
    return expected_maximum(n) * float(np.sqrt(r2 / 2.0))


def relative_risk_reduction(n: int, prevalence: float, liability_r2: float) -> float:
    """Relative risk reduction when the lowest-scored of n sibling embryos is chosen
    (Lencz et al. 2021): one minus chosen risk over prevalence."""
    _check(liability_r2, prevalence)
    threshold = norm.ppf(prevalence)
    spread = np.sqrt(1.0 - liability_r2 / 2.0)
    within = np.sqrt(2.0 / liability_r2)

    def integrand(t: float) -> float:
        argument = (threshold - t * spread) * within
        return float(norm.pdf(t) * norm.cdf(argument) ** n)

    risk = integrate.quad(integrand, -12.0, 12.0, epsabs=1e-14)[0]
    return float(1.0 - risk / prevalence)


def _check(liability_r2: float, prevalence: float) -> None:
    if not 0.0 <= liability_r2 < 1.0:
        raise ValueError(f"liability_r2 is {liability_r2}; expected 0 <= r2 < 1")
    if not 0.0 < prevalence < 1.0:
        raise ValueError(f"prevalence is {prevalence}; expected 0 < prevalence < 1")
