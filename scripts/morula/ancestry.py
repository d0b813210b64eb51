"""Ancestry: the panel's principal components, projection, and populations.

Shapes: L sites, S panel samples, K components kept, M = up to 2 K components used for
the projection, C populations, P superpopulations, N samples to place.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import allel
import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from morula.atomic import written_whole
from morula.errors import InputError
from morula.panel_samples import Labels

Floats = NDArray[np.float64]

OUTSIDE = "outside"


@dataclass(frozen=True)
class Reference:
    """The panel as it is needed to place other genomes.

    chrom, ref, alt: str (L,); pos_bp: int64 (L,); mean, scale: float64 (L,), a dosage d
    is standardised to (d - mean) / scale; components: float32 (M, L), orthonormal rows;
    coordinates: float64 (S, M), the panel on them; n_kept: int64 (), K; excess:
    float64 (S,), mean square of the standardised genotypes; frequencies: float64
    (P, L) of ALT in the superpopulations; labels of the S samples.
    """

    chrom: NDArray[np.str_]
    pos_bp: NDArray[np.int64]
    ref: NDArray[np.str_]
    alt: NDArray[np.str_]
    mean: Floats
    scale: Floats
    components: NDArray[np.float32]
    coordinates: Floats
    n_kept: NDArray[np.int64]
    excess: Floats
    frequencies: Floats
    superpopulation_names: NDArray[np.str_]
    samples: NDArray[np.str_]
    populations: NDArray[np.str_]
    superpopulations: NDArray[np.str_]

    def labels(self) -> Labels:
        """Labels of the panel's samples."""
        return Labels(self.samples, self.populations, self.superpopulations)


@dataclass(frozen=True)
class Principal:
    """What `principal_components` gives: see Reference for the arrays."""

    mean: Floats
    scale: Floats
    components: NDArray[np.float32]
    coordinates: Floats
    n_kept: int
    excess: Floats


def principal_components(
    copies: NDArray[np.int8], n_components: int, n_populations: int
) -> Principal:
    """PCA of panel genotypes (L, S), scaled as by Patterson et al. (2006).

    The number kept is limited by the data: less than sites, and few enough for the
    spread within populations to be estimated. Raises InputError below 2 sites or
    fewer than 3 samples more than populations.
    """
    n_sites, n_samples = copies.shape
    n_kept = min(n_components, n_sites - 1, n_samples - n_populations - 1)
    if n_kept < 1:
        raise InputError(
            f"ancestry: {n_sites} common unlinked sites and {n_samples} panel samples"
            f" of {n_populations} populations are too few; use a larger panel or more"
            " chromosomes, or lower ancestry.min_maf"
        )
    n_used = min(2 * n_kept, n_sites, n_samples - 1)
    coordinates, model = allel.pca(
        copies.astype(np.float32), n_components=n_used, scaler="patterson"
    )
    # The sign of a component is arbitrary: fixed here, so that equal input gives
    # equal output.
    largest = np.abs(model.components_).argmax(axis=1)
    sign = np.sign(model.components_[np.arange(n_used), largest])
    mean = model.scaler_.mean_[:, 0].astype(np.float64)
    scale = model.scaler_.std_[:, 0].astype(np.float64)
    standardised = (copies - mean[:, None]) / scale[:, None]
    return Principal(
        mean=mean,
        scale=scale,
        components=(model.components_ * sign[:, None]).astype(np.float32),
        coordinates=(coordinates * sign).astype(np.float64),
        n_kept=n_kept,
        excess=np.asarray((standardised**2).mean(axis=0)),
    )


def group_frequencies(
    copies: NDArray[np.int8], labels: NDArray[np.str_]
) -> tuple[NDArray[np.str_], Floats]:
    """Names of the groups (sorted) and frequencies of ALT in each, (P, L), kept off 0
    and 1 by half a copy of either allele."""
    names = np.unique(labels)
    frequencies = [
        (copies[:, labels == name].sum(axis=1) + 0.5)
        / (2.0 * np.count_nonzero(labels == name) + 1.0)
        for name in names
    ]
    return names, np.array(frequencies, dtype=np.float64)


def save(path: str | Path, reference: Reference) -> None:
    """Write the model as .npz, whole or not at all."""
    arrays = {
        field.name: getattr(reference, field.name)
        for field in dataclasses.fields(reference)
    }
    with written_whole(path) as partial:
        np.savez_compressed(partial, **arrays)


def load(path: str | Path) -> Reference:
    """Read what `save` wrote."""
    with np.load(path) as stored:
        return Reference(
            **{name.name: stored[name.name] for name in dataclasses.fields(Reference)}
        )


def project(reference: Reference, dosages: Floats) -> tuple[Floats, Floats]:
    """Coordinates (N, K) and excess (N,) of samples with dosages (L, N).

    METHOD: projecting on the panel's components pulls a sample towards the centre, the
    more the smaller the panel. Online augmentation, decomposition and Procrustes
    (OADP; Zhang, Dey and Lee 2020) undoes that: the sample joins the decomposition,
    and the result is turned back onto the panel's own coordinates.
    """
    standardised = (dosages - reference.mean[:, None]) / reference.scale[:, None]
    on_components = reference.components.astype(np.float64) @ standardised
    squares = (standardised**2).sum(axis=0)
    rest = np.sqrt(np.maximum(squares - (on_components**2).sum(axis=0), 0.0))
    columns = [
        _augmented(
            reference.coordinates, on_components[:, i], rest[i], reference.n_kept
        )
        for i in range(dosages.shape[1])
    ]
    return np.array(columns), np.asarray(squares / len(reference.mean))


def _augmented(
    coordinates: Floats, on_components: Floats, rest: float, n_kept: NDArray[np.int64]
) -> Floats:
    """Coordinates (K,) of one sample by OADP; see `project`."""
    kept, n_used = int(n_kept), coordinates.shape[1]
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


@dataclass(frozen=True)
class Populations:
    """A Gaussian for each of C populations in the space of K components.

    means (C, K); precisions (C, K, K); log_dets (C,) of the covariances; excess_means,
    excess_sds (C,); limit: the largest distance that still counts as inside.
    """

    names: tuple[str, ...]
    superpopulations: tuple[str, ...]
    means: Floats
    precisions: Floats
    log_dets: Floats
    excess_means: Floats
    excess_sds: Floats
    limit: float

    def squared_distances(self, coordinates: Floats, excess: Floats) -> Floats:
        """Squared Mahalanobis distances (N, C), with the excess as one more axis.

        METHOD: a genome from elsewhere may project into the middle of the panel (all
        the more where the panel is one population), but its genotypes are then odder
        than the panel's: only more odd counts, since uncertain dosages look less odd.
        """
        gaps = coordinates[:, None, :] - self.means
        inside = np.einsum("nck,ckl,ncl->nc", gaps, self.precisions, gaps)
        odd = (excess[:, None] - self.excess_means) / self.excess_sds
        return np.asarray(inside + np.maximum(odd, 0.0) ** 2)

    def probabilities(self, coordinates: Floats) -> Floats:
        """Probability of each population (N, C).

        METHOD: superpopulations are equally likely beforehand, and so are the
        populations within one.
        """
        gaps = coordinates[:, None, :] - self.means
        inside = np.einsum("nck,ckl,ncl->nc", gaps, self.precisions, gaps)
        sizes = np.array(
            [self.superpopulations.count(s) for s in self.superpopulations]
        )
        log_joint = -0.5 * (inside + self.log_dets) - np.log(sizes)
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
        precisions=np.linalg.inv(covariances),
        log_dets=np.linalg.slogdet(covariances)[1],
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
    squared = populations.squared_distances(points, reference.excess)
    extra = points.shape[1] + 1
    for c, group in enumerate(groups):
        n = int(np.count_nonzero(group))
        if n < 3:
            continue
        gaps = points[group] - populations.means[c]
        part = np.einsum("nk,kl,nl->n", gaps, populations.precisions[c], gaps)
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
    it is farther from every population than the panel's own samples are."""

    population: str
    population_probability: float | None
    superpopulation: str
    superpopulation_probability: float | None
    nearest_distance: float


def place(
    populations: Populations, coordinates: Floats, excess: Floats
) -> list[Placement]:
    """Most probable population and superpopulation of N samples."""
    nearest = np.sqrt(populations.squared_distances(coordinates, excess).min(axis=1))
    probabilities = populations.probabilities(coordinates)
    return [
        _placement(populations, probability, float(distance))
        for probability, distance in zip(probabilities, nearest, strict=True)
    ]


def _placement(
    populations: Populations, probability: Floats, distance: float
) -> Placement:
    if distance > populations.limit:
        return Placement(OUTSIDE, None, OUTSIDE, None, distance)
    by_super = _sum_by(populations.superpopulations, probability)
    best = int(probability.argmax())
    best_super = max(by_super, key=lambda name: by_super[name])
    return Placement(
        populations.names[best],
        float(probability[best]),
        best_super,
        by_super[best_super],
        distance,
    )


def _sum_by(names: Sequence[str], values: Floats) -> dict[str, float]:
    summed: dict[str, float] = {}
    for name, value in zip(names, values, strict=True):
        summed[name] = summed.get(name, 0.0) + float(value)
    return summed
