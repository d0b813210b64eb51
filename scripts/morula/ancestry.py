"""Ancestry: the panel as it is needed to place other genomes.

Shapes: L sites, S panel samples, K components kept, M = up to 2 K components used for
the projection, P superpopulations.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import allel
import numpy as np
from numpy.typing import NDArray

from morula import stored_arrays
from morula.errors import InputError
from morula.panel_samples import Labels

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Reference:
    """The panel as it is needed to place other genomes.

    chrom, ref, alt: str (L,); pos_bp: int64 (L,); panel_site: int64 (L,), the site's
    place in its chromosome's panel, from 0; mean, scale: float64 (L,), a dosage d is
    standardised to (d - mean) / scale; components: float32 (M, L), orthonormal rows;
    coordinates: float64 (S, M), the panel on them; n_kept: int64 (), K; excess:
    float64 (S,), mean square of the standardised genotypes; frequencies: float64
    (P, L) of ALT in the superpopulations; labels of the S samples.
    """

    chrom: NDArray[np.str_]
    pos_bp: NDArray[np.int64]
    ref: NDArray[np.str_]
    alt: NDArray[np.str_]
    panel_site: NDArray[np.int64]
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

    def kept(self) -> Floats:
        """The components kept, (K, L)."""
        return self.components[: int(self.n_kept)].astype(np.float64)

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
    stored_arrays.write(path, **arrays)


def load(path: str | Path) -> Reference:
    """Read what `save` wrote."""
    with stored_arrays.opened(path) as stored:
        return Reference(
            **{name.name: stored[name.name] for name in dataclasses.fields(Reference)}
        )
