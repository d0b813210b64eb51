"""Embryos at all panel sites: their own posterior where there is one, else parents."""

from __future__ import annotations

import numpy as np
import pytest

from morula import embryo_genome
from morula.embryo_genome import PanelParents
from morula.embryo_posterior import EmbryoChromosome
from morula.family_sites import FamilySites
from morula.genetic_map import GeneticMap
from morula.parental_alleles import Parent, Phase, Sites

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
        np.zeros(2, dtype=bool),
        {"M": np.zeros((0, 4))},
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


def parent(*orders):
    zeros = np.zeros(len(orders))
    return Parent(np.array(orders, dtype=float), zeros, zeros > 0, zeros)


def test_private_variants_that_a_parent_carries_stand_at_their_place():
    half, ref, alt = [0.0, 0.5, 0.5, 0.0], [1.0, 0, 0, 0], [0, 0, 0, 1.0]
    panel = PanelParents(
        sites(100, 200, 300),
        np.array(["a", "b", "c"], dtype=object),
        np.zeros(3, dtype=bool),
        np.full(3, 0.5),
        {"M": np.array([[0.0, 1.0]] * 3)},
        np.zeros(3, dtype=bool),
        {"M": np.zeros((0, 4))},
    )
    private = Sites(
        np.array([100, 150, 200, 250, 400]),
        np.array(["A"] * 5),
        np.array(["G", "G", "T", "G", "G"]),
    )
    family = FamilySites(
        private,
        np.full(5, 0.01),
        np.zeros((2, 5)),
        # Of the donor's own guess nothing is taken for a variant.
        (parent(half, half, alt, ref, ref), parent(ref, ref, ref, alt, ref)),
        (True, False),
    )
    rows = embryo_genome.private_rows(family, panel.sites)
    # 100 A>G is the panel's, at 250 only the donor is said to carry ALT.
    assert rows.tolist() == [1, 2]
    found = embryo_genome.with_private(panel, "chr1", family, rows, ("M", None))
    assert found.sites.pos_bp.tolist() == [100, 150, 200, 200, 300]
    assert found.is_private.tolist() == [False, True, False, True, False]
    assert found.sites.alt.tolist() == ["G", "G", "G", "T", "G"]
    assert found.ids.tolist() == ["a", "chr1:150:A:G", "b", "chr1:200:A:T", "c"]
    # A het that nothing phases is a het for sure.
    np.testing.assert_array_equal(found.ordered("M")[[1, 3]], [half, alt])
    np.testing.assert_array_equal(found.ordered("M")[0], [0, 1, 0, 0])
    phase = Phase(np.zeros((5, 2), dtype=np.int8), np.full(5, 0.5), np.zeros(5))
    sides = embryo_genome.haplotypes_of(found, "M", {"M": phase}, 0.01)
    np.testing.assert_allclose(sides[[1, 3]], [[0.5, 0.5], [1.0, 1.0]])
