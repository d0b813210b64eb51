"""Embryos at all panel sites: their own posterior where there is one, else parents."""

from __future__ import annotations

import numpy as np
import pytest

from morula import embryo_genome
from morula.embryo_genome import PanelParents
from morula.embryo_posterior import EmbryoChromosome
from morula.genetic_map import GeneticMap
from morula.parental_alleles import Phase, Sites

MAP = GeneticMap(np.array([0, 300, 1000]), np.array([0.0, 3.0, 3.7]))
RNG = np.random.default_rng(0)


def sites(*pos):
    return Sites(np.array(pos), np.array(["A"] * len(pos)), np.array(["G"] * len(pos)))


CORRECTED = sites(200, 400)
PANEL = sites(100, 200, 250, 310, 400, 900)


def embryo(n_samples=8):
    draws = [
        {side: RNG.random((n_samples, 2)) < 0.5 for side in ("maternal", "paternal")}
        for _ in range(2)
    ]
    vectors, genotypes = RNG.dirichlet([1] * 4, (2, 2)).astype(np.float32)
    return EmbryoChromosome(CORRECTED, vectors, genotypes, *draws)


def test_places_by_genetic_distance():
    where = embryo_genome.place(PANEL, CORRECTED, MAP)
    assert where.own.tolist() == [-1, 0, -1, -1, 1, -1]
    between = [2, 3]
    assert where.left[between].tolist() == [0, 0]
    assert where.right[between].tolist() == [1, 1]
    # 200 bp lies at 2.0 cM, 400 at 3.1: 250 at 2.5 and 310 at 3.01.
    np.testing.assert_allclose(where.weight[between], [0.5 / 1.1, 1.01 / 1.1])
    assert (where.left[0], where.right[0], where.weight[0]) == (0, 0, 0)
    assert where.left[5] == where.right[5] == 1


def test_own_posterior_or_interpolated_parents():
    one, where = embryo(), embryo_genome.place(PANEL, CORRECTED, MAP)
    maternal, paternal = RNG.random((2, 6, 2))
    found = embryo_genome.genotypes(one, where, maternal, paternal)
    np.testing.assert_allclose(found[[1, 4]], one.genotypes, rtol=1e-6)
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
    weight = 0.5 / 1.1
    vectors = (1 - weight) * one.vectors[0] + weight * one.vectors[1]
    expected = np.zeros(4)
    for v in range(4):
        m, f = maternal[2, v >> 1], paternal[2, v & 1]
        expected += vectors[v] * np.array(
            [(1 - m) * (1 - f), (1 - m) * f, m * (1 - f), m * f]
        )
    np.testing.assert_allclose(found[2], expected, rtol=1e-5)


def test_samples_keep_their_haplotype_between_sites():
    one, where = embryo(), embryo_genome.place(PANEL, CORRECTED, MAP)
    certain = np.tile([0.0, 1.0], (6, 1))
    found = embryo_genome.sampled_alleles(one, where, certain, "paternal", RNG)
    np.testing.assert_array_equal(found[:, [1, 4]], one.alleles["paternal"])
    second = one.haplotypes["paternal"]
    np.testing.assert_array_equal(found[:, [0, 2]], second[:, [0, 0]])
    np.testing.assert_array_equal(found[:, [3, 5]], second[:, [1, 1]])


def test_an_imputed_allele_is_never_certain_and_a_donor_is_the_panel():
    parents = PanelParents(
        sites(1, 2),
        np.array([".", "."], dtype=object),
        np.array([True, False]),
        np.array([0.3, 0.6]),
        {"M": np.array([[0.0, 1.0], [1.0, 1.0]])},
    )
    phase = Phase(
        np.array([[0, 1], [1, 1]], dtype=np.int8), np.array([0.1, 0.0]), np.zeros(2)
    )
    known = embryo_genome.haplotypes_of(parents, "M", {"M": phase}, 0.01)
    # Where the het may stand the other way round either haplotype may carry ALT.
    np.testing.assert_allclose(known[0], [0.102, 0.894])
    assert known[1] == pytest.approx([0.996, 0.996])
    donor = embryo_genome.haplotypes_of(parents, None, {}, 0.01)
    np.testing.assert_allclose(donor, [[0.3, 0.3], [0.6, 0.6]])
