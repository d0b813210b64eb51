"""A family's genomes at the sites that tell ancestry, and where they lie.

Shapes: L sites, K components, N samples, S posterior samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from morula import ancestry_projection, posterior_samples, segregation
from morula.ancestry import Reference
from morula.ancestry_projection import Projected
from morula.dosages import Sites, sample_names, stream_dosages
from morula.errors import InputError
from morula.genetic_map import read_map

Floats = NDArray[np.float64]
FIELDS = ("DS", "GP_VARIANCE", "GT_FIRST", "GT")


@dataclass(frozen=True)
class Genomes:
    """N samples at L sites. dosage, variance: (L, N), of ALT copies; first, second:
    (L, N), alleles of the haplotypes by best guess."""

    dosage: Floats
    variance: Floats
    first: Floats
    second: Floats

    def genotypes(self, columns: Sequence[int]) -> Floats:
        """P(0, 1, 2 copies) of some samples, (L, n, 3)."""
        mean, variance = self.dosage[:, columns], self.variance[:, columns]
        two = np.clip((variance + mean * (mean - 1.0)) / 2.0, 0.0, 1.0)
        one = np.clip(mean - 2.0 * two, 0.0, 1.0)
        return np.stack([np.maximum(1.0 - one - two, 0.0), one, two], axis=2)


def of_chromosomes(reference: Reference) -> dict[str, NDArray[np.intp]]:
    """Sites of the model by chromosome."""
    names = dict.fromkeys(reference.chrom.tolist())
    return {chrom: np.flatnonzero(reference.chrom == chrom) for chrom in names}


def read_genomes(path: str, reference: Reference, samples: Sequence[str]) -> Genomes:
    """`samples`, in their order, at the model's sites.

    Raises InputError when a sample or a site is not there.
    """
    present = sample_names(path)
    missing = [name for name in samples if name not in present]
    if missing:
        raise InputError(
            f"{path}: no sample {missing[0]!r}; it has {', '.join(present)}"
        )
    columns = [present.index(name) for name in samples]
    found = np.empty((len(FIELDS), len(reference.pos_bp), len(samples)))
    for chrom, rows in of_chromosomes(reference).items():
        sites = Sites(
            chrom, reference.pos_bp[rows], reference.ref[rows], reference.alt[rows]
        )
        for index, block in stream_dosages(path, sites, FIELDS):
            found[:, rows[index]] = block[:, :, columns].transpose(1, 0, 2)
    dosage, variance, first, copies = found
    return Genomes(dosage, variance, first, copies - first)


def draw_covariances(
    reference: Reference, posteriors: Mapping[str, str], embryos: Sequence[str]
) -> Floats:
    """Covariance, (n, K, K), of the plain projections of embryos' posterior samples:
    whole genomes, since errors along a haplotype go together.

    Raises InputError when the samples are of another panel.
    """
    weights = reference.kept() / reference.scale
    found = np.zeros((len(embryos), len(weights), len(weights)))
    for chrom, rows in of_chromosomes(reference).items():
        sampled = posterior_samples.load(posteriors[chrom])
        place = reference.panel_site[rows]
        if place.max() >= len(sampled.pos_bp) or not np.array_equal(
            sampled.pos_bp[place], reference.pos_bp[rows]
        ):
            raise InputError(
                f"{posteriors[chrom]}: other sites of {chrom} than the panel that"
                " ancestry was prepared from; make it again from the same panel"
            )
        for i, name in enumerate(embryos):
            maternal, paternal = sampled.alleles(name)
            copies = maternal[:, place].astype(np.float64) + paternal[:, place]
            if len(copies) > 1:
                found[i] += np.atleast_2d(
                    np.cov(copies @ weights[:, rows].T, rowvar=False)
                )
    return found


def place_family(
    reference: Reference,
    genomes: Genomes,
    parents: Sequence[int],
    embryos: Sequence[int],
    draws: Floats,
) -> Projected:
    """All samples, parents first, on the components; draws: see `draw_covariances`, of
    the embryos.

    METHOD: what is not known of a parent, or of an embryo without parents, leans to the
    panel's frequencies; of an embryo with a parent, to what lies between its parents'
    haplotypes, which is no bias (of a donor's side it leans to the panel all the same).
    """
    by_panel = list(parents) if parents else list(embryos)
    placed = [
        ancestry_projection.project_by_panel(reference, genomes.genotypes(by_panel))
    ]
    if parents and embryos:
        of_embryos = (genomes.dosage[:, embryos], genomes.variance[:, embryos])
        placed.append(ancestry_projection.project(reference, *of_embryos, draws))
    return ancestry_projection.joined(placed)


def between_parents(
    reference: Reference,
    genomes: Genomes,
    parents: tuple[int, int],
    embryos: Sequence[int],
    maps: Mapping[str, str],
) -> list[float]:
    """Probability, for each embryo, of lying as far from the middle of its parents as
    it does, or farther.

    METHOD: plain projections are sums over sites, so that an embryo lies at its
    parents' mean but for which haplotypes it got: the covariance of that is known from
    the phased parents and the map (morula.segregation). The parents' own uncertain
    genotypes add to it.
    """
    weights = (reference.kept() / reference.scale).T
    covariance = np.zeros((weights.shape[1], weights.shape[1]))
    for parent in parents:
        differ = genomes.first[:, parent] - genomes.second[:, parent]
        for chrom, rows in of_chromosomes(reference).items():
            place_cm = read_map(maps[chrom], chrom).cm_at(reference.pos_bp[rows])
            effects = weights[rows] * differ[rows, None]
            covariance += segregation.gamete_covariance(effects, place_cm)
        doubt = genomes.variance[:, parent, None]
        covariance += 0.25 * weights.T @ (weights * doubt)
    covariance += 1e-9 * np.eye(len(covariance))
    middle = genomes.dosage[:, list(parents)].mean(axis=1)
    gaps = (genomes.dosage[:, embryos] - middle[:, None]).T @ weights
    distances = np.einsum("nk,nk->n", gaps, np.linalg.solve(covariance, gaps.T).T)
    return [float(p) for p in chi2.sf(distances, len(covariance))]
