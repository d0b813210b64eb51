"""Placing genomes on the panel's principal components, and how sure their place is.

Shapes: L sites, S panel samples, K components kept, M = up to 2 K components used,
N samples to place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from morula.ancestry import Reference

Floats = NDArray[np.float64]
# Frequencies that a place among the panel's samples gives are kept off 0 and 1.
LEAST_FREQUENCY = 0.01
MOST_STEPS = 500
# Of a coordinate, in units of which the panel's spread by more than one.
TOLERANCE = 1e-3
LEAST = 1e-12


@dataclass(frozen=True)
class Projected:
    """N samples on K components. coordinates: (N, K); covariances: (N, K, K), of their
    error; excess: (N,), mean square of the standardised genotypes."""

    coordinates: Floats
    covariances: Floats
    excess: Floats

    @staticmethod
    def exact(coordinates: Floats, excess: Floats) -> Projected:
        """Samples whose place is known."""
        n, kept = coordinates.shape
        return Projected(coordinates, np.zeros((n, kept, kept)), excess)

    def taken(self, index: NDArray[np.intp]) -> Projected:
        """Some of the samples."""
        return Projected(
            self.coordinates[index], self.covariances[index], self.excess[index]
        )

    @property
    def standard_errors(self) -> Floats:
        """Of the coordinates, (N, K)."""
        return np.sqrt(np.einsum("nkk->nk", self.covariances))


def joined(parts: Sequence[Projected]) -> Projected:
    """All samples in one."""
    return Projected(
        np.concatenate([part.coordinates for part in parts]),
        np.concatenate([part.covariances for part in parts]),
        np.concatenate([part.excess for part in parts]),
    )


def standardised(reference: Reference, dosages: Floats) -> Floats:
    """Dosages (L, N) in units of the panel's spread."""
    return (dosages - reference.mean[:, None]) / reference.scale[:, None]


def project(
    reference: Reference,
    dosages: Floats,
    variances: Floats | None = None,
    covariances: Floats | None = None,
) -> Projected:
    """Place samples by dosages (L, N) whose doubt, if any, does not lean to the panel:
    exact ones, and those of embryos whose parents are known.

    variances: (L, N), of the dosages; covariances: (N, K, K), of the error of a plain
    projection. None: none.

    METHOD: projecting on the panel's components pulls a sample towards the centre, the
    more the smaller the panel. Online augmentation, decomposition and Procrustes
    (OADP; Zhang, Dey and Lee 2020) undoes that: the sample joins the decomposition,
    and the result is turned back onto the panel's own coordinates.
    """
    standard = standardised(reference, dosages)
    squares = standard**2
    if variances is not None:
        squares += variances / reference.scale[:, None] ** 2
    plain = reference.components.astype(np.float64) @ standard
    if covariances is None:
        kept = int(reference.n_kept)
        covariances = np.zeros((dosages.shape[1], kept, kept))
    return _corrected(reference, plain.T, squares.sum(axis=0), covariances)


def project_by_panel(reference: Reference, genotypes: Floats) -> Projected:
    """Place samples by genotype probabilities (L, N, 3) that came from the panel:
    imputed parents, embryos without parents.

    METHOD: such probabilities lean to the panel's frequencies, and a sample that is
    hardly known would lie in the panel's middle. So the frequencies are divided out,
    and put on again as they are at the sample's place: twice the frequency there is the
    mean plus what the components say. The place is where the expected genotypes given
    both project onto it again (as in likelihood projection, Wang et al. 2014 and Zhang
    et al. 2020). The covariance of its error is that of the genotypes, over the share
    that is not the prior's.
    """
    found = [_by_panel(reference, genotypes[:, i]) for i in range(genotypes.shape[1])]
    plain, squares, covariances = zip(*found, strict=True)
    return _corrected(
        reference, np.array(plain), np.array(squares), np.array(covariances)
    )


def _hardy_weinberg(frequency: Floats) -> Floats:
    """P(0, 1, 2 copies), (L, 3)."""
    absent = 1.0 - frequency
    return np.stack([absent**2, 2 * frequency * absent, frequency**2], axis=1)


def _moments(weights: Floats) -> tuple[Floats, Floats]:
    """Mean and variance of the copies, (L,), under weights (L, 3)."""
    share = weights / weights.sum(axis=1, keepdims=True)
    mean = share[:, 1] + 2.0 * share[:, 2]
    return mean, np.maximum(share[:, 1] + 4.0 * share[:, 2] - mean**2, 0.0)


def _by_panel(reference: Reference, genotypes: Floats) -> tuple[Floats, float, Floats]:
    """Plain projection (M,), sum of the squared standardised genotypes, and covariance
    (K, K) of one sample; genotypes: (L, 3)."""
    kept, scale = reference.kept(), reference.scale
    usual = _hardy_weinberg(np.clip(reference.mean / 2, LEAST_FREQUENCY, None))
    likelihood = np.maximum(genotypes, LEAST) / np.maximum(usual, LEAST)
    place = np.zeros(len(kept))
    for _ in range(MOST_STEPS):
        frequency = (reference.mean + scale * (place @ kept)) / 2.0
        frequency = np.clip(frequency, LEAST_FREQUENCY, 1.0 - LEAST_FREQUENCY)
        prior = _hardy_weinberg(frequency)
        mean, variance = _moments(likelihood * prior)
        standard = (mean - reference.mean) / scale
        before, place = place, kept @ standard
        if np.abs(place - before).max() < TOLERANCE:
            break
    doubt = variance / scale**2
    told = np.eye(len(kept)) - (kept * (variance / _moments(prior)[1])) @ kept.T
    inverse = np.linalg.inv(told)
    covariance = inverse @ ((kept * doubt) @ kept.T) @ inverse.T
    plain = reference.components.astype(np.float64) @ standard
    return plain, float((standard**2 + doubt).sum()), covariance


def _corrected(
    reference: Reference, plain: Floats, squares: Floats, covariances: Floats
) -> Projected:
    """Samples by OADP; plain: (N, M), on the components; squares: (N,), sums of the
    squared standardised genotypes; covariances: (N, K, K), of the error of `plain`."""
    kept, n_sites = int(reference.n_kept), len(reference.mean)
    coordinates = np.empty((len(plain), kept))
    turned = np.empty_like(covariances)
    for i, (one, total, covariance) in enumerate(
        zip(plain, squares, covariances, strict=True)
    ):
        rest = float(np.sqrt(max(total - (one**2).sum(), 0.0)))
        coordinates[i] = _augmented(reference, one, rest)
        turned[i] = _turned(reference, one, rest, coordinates[i], covariance)
    return Projected(coordinates, turned, squares / n_sites)


def _turned(
    reference: Reference, plain: Floats, rest: float, here: Floats, covariance: Floats
) -> Floats:
    """Covariance (K, K) after OADP, which is differentiated numerically."""
    spread = np.sqrt(np.diag(covariance))
    if not spread.any():
        return covariance
    slopes = np.zeros_like(covariance)
    for k in np.flatnonzero(spread):
        moved = plain.copy()
        moved[k] += spread[k]
        slopes[:, k] = (_augmented(reference, moved, rest) - here) / spread[k]
    return np.asarray(slopes @ covariance @ slopes.T)


def _augmented(reference: Reference, on_components: Floats, rest: float) -> Floats:
    """Coordinates (K,) of one sample by OADP; see `project`."""
    coordinates, kept = reference.coordinates, int(reference.n_kept)
    n_used = coordinates.shape[1]
    singular = np.linalg.norm(coordinates, axis=0)
    matrix = np.zeros((n_used + 1, n_used + 1))
    matrix[:n_used, :n_used] = np.diag(singular)
    matrix[:n_used, n_used] = on_components
    matrix[n_used, n_used] = rest
    _, values, right = np.linalg.svd(matrix)
    turned = right[:kept].T * values[:kept]
    panel = (coordinates / singular) @ turned[:n_used]
    target = coordinates[:, :kept]
    panel_mean, target_mean = panel.mean(axis=0), target.mean(axis=0)
    centred = panel - panel_mean
    left, strengths, back = np.linalg.svd(centred.T @ (target - target_mean))
    stretch = strengths.sum() / (centred**2).sum()
    sample = (turned[n_used] - panel_mean) @ (left @ back) * stretch
    return np.asarray(sample + target_mean, dtype=np.float64)
