"""Populations of the panel as Gaussians, and which of them a genome belongs to.

Shapes: K components, C populations, P superpopulations, N samples to place.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from morula.ancestry import Reference
from morula.ancestry_projection import Projected

Floats = NDArray[np.float64]

OUTSIDE = "outside"


@dataclass(frozen=True)
class Populations:
    """A Gaussian for each of C populations in the space of K components.

    means (C, K); covariances (C, K, K); excess_means, excess_sds (C,); limit: the
    largest distance that still counts as inside.
    """

    names: tuple[str, ...]
    superpopulations: tuple[str, ...]
    means: Floats
    covariances: Floats
    excess_means: Floats
    excess_sds: Floats
    limit: float

    def _gaussians(self, placed: Projected) -> tuple[Floats, Floats]:
        """Squared distances of N samples from the means, (N, C), and the logarithms of
        the determinants of the covariances.

        METHOD: what is not known of a sample's place widens every population by as
        much.
        """
        gaps = placed.coordinates[:, None, :] - self.means
        wide = self.covariances + placed.covariances[:, None]
        solved = np.linalg.solve(wide, gaps[..., None])[..., 0]
        return np.einsum("nck,nck->nc", gaps, solved), np.linalg.slogdet(wide)[1]

    def squared_distances(self, placed: Projected) -> Floats:
        """Squared Mahalanobis distances (N, C), with the excess as one more axis.

        METHOD: a genome from elsewhere may project into the middle of the panel (all
        the more where the panel is one population), but its genotypes are then odder
        than the panel's: only more odd counts.
        """
        inside = self._gaussians(placed)[0]
        odd = (placed.excess[:, None] - self.excess_means) / self.excess_sds
        return np.asarray(inside + np.maximum(odd, 0.0) ** 2)

    def probabilities(self, placed: Projected) -> Floats:
        """Probability of each population (N, C).

        METHOD: superpopulations are equally likely beforehand, and so are the
        populations within one.
        """
        inside, log_dets = self._gaussians(placed)
        sizes = np.array(
            [self.superpopulations.count(s) for s in self.superpopulations]
        )
        log_joint = -0.5 * (inside + log_dets) - np.log(sizes)
        total = logsumexp(log_joint, axis=1, keepdims=True)
        return np.asarray(np.exp(log_joint - total))


def fit_populations(reference: Reference, slack: float) -> Populations:
    """Gaussians of the panel's populations.

    METHOD: a population's covariance is shrunk towards the one pooled over populations
    as if K + 1 more samples had that (regularised discriminant analysis, Friedman
    1989), so that small populations have one.

    METHOD: a sample is outside when it lies farther from every population than `slack`
    times the 99th percentile of the panel samples' own distances, each from what the
    others say: components of few sites are far from Gaussian, so that a chi-square
    limit would be wrong.
    """
    points = reference.coordinates[:, : int(reference.n_kept)]
    names = np.unique(reference.populations)
    groups = [reference.populations == name for name in names]
    scatters = [_scatter(points[group]) for group in groups]
    free = len(points) - len(names)
    extra = points.shape[1] + 1
    covariances = np.array(
        [
            (scatter + extra * sum(scatters) / free) / (group.sum() - 1 + extra)
            for scatter, group in zip(scatters, groups, strict=True)
        ]
    )
    means = [reference.excess[group].mean() for group in groups]
    residual = reference.excess - np.select(groups, means)
    superpopulation_of = reference.labels().superpopulation_of()
    populations = Populations(
        names=tuple(names.tolist()),
        superpopulations=tuple(superpopulation_of[name] for name in names),
        means=np.array([points[group].mean(axis=0) for group in groups]),
        covariances=covariances,
        excess_means=np.array(means),
        excess_sds=np.full(len(names), np.sqrt((residual**2).sum() / free)),
        limit=np.inf,
    )
    squared = _left_out(populations, reference, groups)
    limit = float(slack * np.sqrt(np.quantile(squared, 0.99)))
    return dataclasses.replace(populations, limit=limit)


def _left_out(
    populations: Populations, reference: Reference, groups: Sequence[NDArray[np.bool_]]
) -> Floats:
    """Squared distance of every panel sample (S,) from its nearest population, its own
    population being described without it.

    Without a sample at `d` from the mean of n, the mean is at n / (n - 1) d from it and
    the scatter less by n / (n - 1) d d': the distance follows by Sherman-Morrison.
    Populations of one or two samples say nothing without one of them and are left as
    they are.
    """
    points = reference.coordinates[:, : int(reference.n_kept)]
    squared = populations.squared_distances(Projected.exact(points, reference.excess))
    precisions = np.linalg.inv(populations.covariances)
    extra = points.shape[1] + 1
    for c, group in enumerate(groups):
        n = int(np.count_nonzero(group))
        if n < 3:
            continue
        gaps = points[group] - populations.means[c]
        part = np.einsum("nk,kl,nl->n", gaps, precisions[c], gaps)
        factor, weight = n / (n - 1), n - 1 + extra
        left = factor**2 * (weight - 1) / (weight - factor * part)
        squared[group, c] += part * (left - 1.0)
    return np.asarray(squared.min(axis=1))


def _scatter(points: Floats) -> Floats:
    centred = points - points.mean(axis=0)
    return np.asarray(centred.T @ centred)


@dataclass(frozen=True)
class Placement:
    """Where one sample belongs: labels are `outside`, without probability (None), when
    it is farther from every population than the panel's own samples are.
    superpopulation_probabilities: by name, of the panel's; distances: Mahalanobis, by
    population."""

    population: str
    population_probability: float | None
    superpopulation: str
    superpopulation_probability: float | None
    superpopulation_probabilities: dict[str, float]
    distances: dict[str, float]

    @property
    def nearest_distance(self) -> float:
        """Distance from the nearest population."""
        return min(self.distances.values())


def place(populations: Populations, placed: Projected) -> list[Placement]:
    """Most probable population and superpopulation of N samples."""
    distances = np.sqrt(populations.squared_distances(placed))
    probabilities = populations.probabilities(placed)
    return [
        _placement(populations, *pair)
        for pair in zip(probabilities, distances, strict=True)
    ]


def _placement(
    populations: Populations, probability: Floats, distances: Floats
) -> Placement:
    by_super = _sum_by(populations.superpopulations, probability)
    by_population = dict(zip(populations.names, distances.tolist(), strict=True))
    if distances.min() > populations.limit:
        return Placement(OUTSIDE, None, OUTSIDE, None, by_super, by_population)
    best = int(probability.argmax())
    best_super = max(by_super, key=lambda name: by_super[name])
    return Placement(
        populations.names[best],
        float(probability[best]),
        best_super,
        by_super[best_super],
        by_super,
        by_population,
    )


def _sum_by(names: Sequence[str], values: Floats) -> dict[str, float]:
    summed: dict[str, float] = {}
    for name, value in zip(names, values, strict=True):
        summed[name] = summed.get(name, 0.0) + float(value)
    return dict(sorted(summed.items()))
