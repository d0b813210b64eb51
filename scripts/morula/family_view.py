"""What a couple's children can score: their mean, their spread, how far it can go.

Shapes: E embryos, L sites that some score uses, K scores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cyvcf2
import numpy as np
from numpy.typing import NDArray

from morula import posterior_samples, sex_chromosome
from morula.dosages import Sites
from morula.errors import InputError
from morula.family_scores import FamilyScores
from morula.genetic_map import read_map
from morula.score_weights import Weights
from morula.segregation import Gametes, PhaseDoubt, gametes

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class FamilyView:
    """Of the scores (E, K) that full siblings of an embryo's sex have: mean, standard
    deviation, and how far from the mean the best and the worst attainable are."""

    mean: Floats
    sd: Floats
    reach: Floats


@dataclass(frozen=True)
class Sources:
    """Files by chromosome: the parents' phase as the embryos mend it, posterior
    samples, the two maps."""

    phase: Mapping[str, str]
    posteriors: Mapping[str, str]
    female_map: Mapping[str, str]
    male_map: Mapping[str, str]


@dataclass(frozen=True)
class Hets:
    """Where a parent may be het: pos_bp, rows of the scores' sites (-1: none) (H,),
    haplotypes int8 (H, 2), and the doubt of their phase."""

    pos_bp: NDArray[np.int64]
    rows: NDArray[np.int64]
    haplotypes: NDArray[np.int8]
    doubt: PhaseDoubt


def look(
    weights: Weights, scores: FamilyScores, sources: Sources, parents: Sequence[str]
) -> FamilyView:
    """The view of the family of `parents`, mother and father.

    METHOD: children's mean is that of the parents; their variance is that of the two
    gametes. On X a daughter is as on an autosome; a son has twice his mother's copy,
    also in the few Mb that X and Y share. `reach` is that of gametes with one crossover
    a chromosome at most, best on every one: no couple's best child is far beyond.

    Raises InputError where a file lacks a parent.
    """
    mother, father = (scores.samples.index(name) for name in parents)
    shape = (len(scores.embryos), len(weights.pgs_ids))
    mean = np.tile(weights.constants, (shape[0], 1))
    variance, reach = np.zeros(shape), np.zeros(shape)
    for chrom in weights.chromosomes():
        maternal, paternal = (
            _gametes_of(weights, chrom, sources, name, maps)
            for name, maps in zip(
                parents, (sources.female_map, sources.male_map), strict=True
            )
        )
        own = scores.parts[chrom]
        is_son = np.zeros((shape[0], 1), dtype=bool)
        if sex_chromosome.is_x(chrom):
            single = posterior_samples.has_single(sources.posteriors[chrom])
            is_son[:, 0] = [single[name] for name in scores.embryos]
        both = (own[mother] + own[father]) / 2.0
        mean += np.where(is_son, own[mother], both)
        variance += np.where(
            is_son, 4.0 * maternal.variance, maternal.variance + paternal.variance
        )
        reach += np.where(is_son, 2.0 * maternal.reach, maternal.reach + paternal.reach)
    return FamilyView(mean, np.sqrt(variance), reach)


def _gametes_of(
    weights: Weights,
    chrom: str,
    sources: Sources,
    parent: str,
    maps: Mapping[str, str],
) -> Gametes:
    hets = read_hets(sources.phase[chrom], parent, weights.sites_of(chrom))
    used = hets.rows >= 0
    cm = read_map(maps[chrom], chrom).cm_at(hets.pos_bp)
    rows = weights.rows_of(chrom)[hets.rows[used]]
    of_sites = np.zeros((len(used), len(weights.pgs_ids)))
    of_sites[used] = weights.matrix[rows].toarray()
    return gametes(hets.haplotypes, cm, of_sites, hets.doubt)


def read_hets(path: str | Path, parent: str, sites: Sites) -> Hets:
    """A parent's phased hets (records that are none, too) of one chromosome."""
    keys = zip(sites.pos_bp.tolist(), sites.ref, sites.alt, strict=True)
    row_of = {key: row for row, key in enumerate(keys)}
    reader = cyvcf2.VCF(str(path))
    if parent not in reader.samples:
        raise InputError(f"{path}: no parent {parent!r}; make the file again")
    at = reader.samples.index(parent)
    pos, rows, alleles, flip, switch = [], [], [], [], []
    for record in reader:
        pos.append(record.POS)
        rows.append(row_of.get((record.POS, record.REF, record.ALT[0]), -1))
        alleles.append(record.genotype.array()[at, :2])
        flip.append(float(record.format("FP")[at, 0]))
        switch.append(float(record.format("SP")[at, 0]))
    reader.close()
    return Hets(
        np.array(pos, dtype=np.int64),
        np.array(rows, dtype=np.int64),
        np.array(alleles, dtype=np.int8).reshape(-1, 2),
        PhaseDoubt(np.array(flip), np.array(switch)),
    )
