"""Scores of one family from its genomes and the posterior samples of its embryos.

Shapes: N samples, E embryos, T scores, D posterior samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from morula import posterior_samples
from morula.dosages import sample_names
from morula.errors import InputError
from morula.score_weights import Weights, score_genomes, score_paths

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class FamilyScores:
    """samples: N names; embryos: E names; pgs, sd: (N, T); paths: (E, D, T) scores of
    the joint posterior samples; parts: pgs of each chromosome, without constants."""

    samples: tuple[str, ...]
    embryos: tuple[str, ...]
    pgs: Floats
    sd: Floats
    paths: Floats
    parts: dict[str, Floats]


def score_family(
    weights: Weights,
    genomes: str | Path,
    posteriors: Mapping[str, str],
    samples: Sequence[str],
    embryos: Sequence[str],
) -> FamilyScores:
    """Score `samples` (of which `embryos` have posterior samples, a file of them for
    each chromosome).

    METHOD: the SD of an embryo's score comes from whole sampled genomes (see
    `embryo_variance`); chromosomes are independent of each other, so that variances
    within chromosomes add up. A parent's comes from the genotype probabilities, site by
    site.

    Raises InputError when a sample, a chromosome or a site is not there.
    """
    columns = _columns(genomes, samples)
    pgs = np.tile(weights.constants, (len(samples), 1))
    variance = np.zeros_like(pgs)
    paths: Floats | None = None
    parts: dict[str, Floats] = {}
    of_embryos = [samples.index(name) for name in embryos]
    for chrom in weights.chromosomes():
        scores, independent = score_genomes(weights, chrom, genomes)
        parts[chrom] = scores[columns]
        pgs += parts[chrom]
        part = independent[columns]
        if embryos:
            sampled = _score_posterior(weights, chrom, posteriors[chrom], embryos)
            part[of_embryos] = embryo_variance(sampled, part[of_embryos])
            paths = sampled if paths is None else paths + sampled
        variance += part
    if paths is None:
        paths = np.zeros((len(embryos), 1, len(weights.pgs_ids)))
    return FamilyScores(
        samples=tuple(samples),
        embryos=tuple(embryos),
        pgs=pgs,
        sd=np.sqrt(variance),
        paths=paths + weights.constants,
        parts=parts,
    )


def embryo_variance(sampled: Floats, independent: Floats) -> Floats:
    """Variance (E, T) of scores from those of sampled genomes (E, D, T) and, from the
    genotype probabilities, as if sites were independent (E, T).

    METHOD: errors along a haplotype go together, which only whole genomes show; but of
    a doubt of less than one in D the D samples may show nothing, which the genotype
    probabilities do. The larger of the two counts.
    """
    return np.maximum(sampled.var(axis=1, ddof=1), independent)


def _columns(genomes: str | Path, samples: Sequence[str]) -> list[int]:
    present = sample_names(genomes)
    missing = [name for name in samples if name not in present]
    if missing:
        raise InputError(
            f"{genomes}: no sample {missing[0]!r}; it has {', '.join(present)}"
        )
    return [present.index(name) for name in samples]


def _score_posterior(
    weights: Weights, chrom: str, path: str, embryos: Sequence[str]
) -> Floats:
    """Scores (E, D, T), without constants, of the posterior samples of a chromosome."""
    sampled = posterior_samples.load(path)
    rows = weights.rows_of(chrom)
    sites = weights.panel_site[rows]
    in_range = len(sampled.pos_bp) > sites.max(initial=-1)
    if not in_range or (sampled.pos_bp[sites] != weights.pos_bp[rows]).any():
        raise InputError(
            f"{path}: other sites of {chrom} than the panel that the scores were"
            " matched to; make it again from the same panel"
        )
    absent = [name for name in embryos if name not in list(sampled.embryos)]
    if absent:
        raise InputError(f"{path}: no embryo {absent[0]!r}; make the file again")
    scores = [score_paths(weights, chrom, *sampled.counted(name)) for name in embryos]
    return np.array(scores)
