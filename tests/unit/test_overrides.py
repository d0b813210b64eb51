"""The parts of the model of contradictions, against sums that are written out."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from morula import amplification, family_evidence, overrides
from morula.embryo_kernels import Embryo
from morula.embryo_posterior import FamilyPosterior
from morula.family_sites import FamilySites
from morula.parental_alleles import Parent, Sites

ORDERS = ((0, 0), (0, 1), (1, 0), (1, 1))
NONE = np.zeros((0,), dtype=np.uint8)


def sites(pos_bp):
    n = len(pos_bp)
    return Sites(np.array(pos_bp), np.array(["A"] * n), np.array(["G"] * n))


def family_of(mother, father, switch=None, pos_bp=None):
    """Parents with the given orders, (L,) each, for certain."""
    parents = []
    for orders in (mother, father):
        n = len(orders)
        known = np.eye(4)[list(orders)]
        is_het = (known[:, 1] + known[:, 2]) > 0
        rate = np.zeros(n) if switch is None else np.array(switch)
        parents.append(Parent(known, rate, is_het, np.zeros(n)))
    pos_bp = 1000 * np.arange(1, n + 1) if pos_bp is None else pos_bp
    frequency = np.full(n, 0.3)
    cm = np.zeros((2, n))
    return FamilySites(sites(pos_bp), frequency, cm, tuple(parents), (True, True))


def embryo(reads, outlier=0.01):
    reads = np.array(reads, dtype=np.float64)
    n, shares = len(reads), np.array([0.0, 0.5, 1.0])
    m, f = np.array([0, 0, 1, 1])[:, None], np.array([0, 1, 0, 1])[:, None]
    alt = 0.98 * (shares * m + (1 - shares) * f) + 0.01
    table = np.log(np.stack([1 - alt, alt], axis=-1))[None]
    return Embryo(
        reads,
        reads.sum(axis=1) > 0,
        np.zeros(n, dtype=np.int64),
        table,
        np.array([0.1, 0.8, 0.1]),
        shares,
        np.full(n, 0.7),
        outlier,
    )


class TestShares:
    def test_likelihoods_are_sums_over_all_paths_of_the_share(self):
        one = embryo([[3, 1], [0, 4], [2, 2], [5, 0]])
        inherited = np.random.default_rng(1).dirichlet([1] * 4, 4)
        shown = overrides.read_shares(one, inherited)
        ln = np.einsum("nr,gkr->ngk", one.reads, one.ln_read[0])
        likelihood = np.exp(ln - ln.max(axis=(1, 2), keepdims=True))
        noise = one.outlier * (likelihood @ one.share_prior).mean(axis=1)
        np.testing.assert_allclose(shown.mean, noise / one.outlier)
        for s in range(4):
            expected = np.zeros(4)
            for path in itertools.product(range(3), repeat=4):
                weight = one.share_prior[path[0]]
                for before, after in itertools.pairwise(path):
                    weight *= 0.7 * (before == after) + 0.3 * one.share_prior[after]
                for other in set(range(4)) - {s}:
                    real = inherited[other] @ likelihood[other, :, path[other]]
                    weight *= (1 - one.outlier) * real + noise[other]
                expected += weight * likelihood[s, :, path[s]]
            found = shown.likelihood[s]
            np.testing.assert_allclose(found / found[0], expected / expected[0], 1e-5)

    def test_ordinary_dna_has_equal_shares(self):
        preset = amplification.Preset(0.2, 2.0, 10_000.0)
        learnt = amplification.start(preset, 1, 3, 0.01, 0.01, 0.01, 0.0)
        assert overrides.ordinary(learnt).share_prior.tolist() == [0, 1, 0]


def test_artefacts_in_a_row_are_sums_over_which_sites_they_are():
    rng = np.random.default_rng(2)
    right, noise, outlier = rng.random((4, 3)), rng.random(4), 0.01
    expected = np.zeros(3)
    for spoilt in itertools.product((False, True), repeat=4):
        weight = outlier if spoilt[0] else 1 - outlier
        for before, after in itertools.pairwise(spoilt):
            share = overrides.CLUSTERED if before else outlier
            weight *= share if after else 1 - share
        reads = [noise[i] if one else right[i] for i, one in enumerate(spoilt)]
        expected += weight * np.prod(np.broadcast_arrays(*reads), axis=0)
    found = overrides.ln_in_a_row(right, noise, outlier)
    np.testing.assert_allclose(np.exp(found), expected)
    long = np.full((5000, 3), 1e-3), np.full(5000, 1e-3)
    np.testing.assert_allclose(
        overrides.ln_in_a_row(*long, outlier), 5000 * np.log(1e-3)
    )


class TestFamily:
    def test_what_siblings_say_of_the_parents(self):
        rng = np.random.default_rng(3)
        vectors, likelihood = rng.dirichlet([1] * 4, (2, 5)), rng.random((2, 5, 4))
        prior = rng.dirichlet([1] * 16, 5)
        weight = prior.copy()
        for s, pair, i in itertools.product(range(5), range(16), range(2)):
            mother, father = ORDERS[pair >> 2], ORDERS[pair & 3]
            weight[s, pair] *= sum(
                vectors[i, s, v] * likelihood[i, s, 2 * mother[v >> 1] + father[v & 1]]
                for v in range(4)
            )
        ln = sum(map(family_evidence.ln_pairs, vectors, likelihood))
        pairs = family_evidence.posterior_pairs(prior, ln)
        np.testing.assert_allclose(pairs, weight / weight.sum(axis=1, keepdims=True))
        given = family_evidence.given_vectors(pairs)
        for v, g in itertools.product(range(4), range(4)):
            fits = [
                2 * ORDERS[p >> 2][v >> 1] + ORDERS[p & 3][v & 1] == g
                for p in range(16)
            ]
            np.testing.assert_allclose(given[:, v, g], pairs[:, fits].sum(axis=1))

    def test_the_other_order_of_a_het(self):
        pairs = np.zeros((2, 16))
        pairs[0, 4 * 1 + 3] = pairs[1, 4 * 0 + 2] = 1.0
        ln = np.arange(32.0).reshape(2, 16) ** 2
        turned = family_evidence.ln_turned(pairs, ln)
        assert turned[0].tolist() == [ln[0, 11] - ln[0, 7], 0.0]
        assert turned[1].tolist() == [0.0, ln[1, 1] - ln[1, 2]]

    def test_switches_beside_a_het(self):
        orders = [1, 0, 2, 1, 3, 1]
        family = family_of(orders, [0] * 6, [0.0, 0.1, 0.1, 0.2, 0.0, 0.3])
        beside = family_evidence.switch_beside(family, np.array([0, 1, 2, 5]))
        twice = 2 * 0.1 * 0.9
        np.testing.assert_allclose(beside[0, 0], [0.5, 0, twice, 0.3], atol=1e-9)
        np.testing.assert_allclose(beside[0, 1], [twice, 0, 0.2, 0.5], atol=1e-9)
        assert not beside[1].any()

    def test_flanks(self):
        family = family_of([1] * 21, [2] * 21)
        vectors = np.zeros((1, 21, 4), dtype=np.float32)
        # The mother's haplotype changes after the 13th site, the father's never.
        vectors[0, :13, 1], vectors[0, 13:, 3] = 1.0, 1.0
        posterior = FamilyPosterior(
            family.sites, ("E1",), vectors, vectors, NONE, NONE, NONE
        )
        rows = np.array([2, 8, 12, 13])
        found, doubt = family_evidence.flank_vectors(family, rows, posterior, 0)
        # 5 kb and three hets to either side: none before the third site.
        np.testing.assert_allclose(doubt[0], [1, 1, 1, 1])
        np.testing.assert_allclose(doubt[1], [1, 0, 0, 0])
        np.testing.assert_allclose(found[1], [0, 0.5, 0, 0.5])
        vectors[0, 13:] = [0.0, 1.0, 0.0, 0.0]
        found, doubt = family_evidence.flank_vectors(family, rows, posterior, 0)
        np.testing.assert_allclose(doubt[:, 1:], 0.0)
        np.testing.assert_allclose(found[1:], [[0, 1, 0, 0]] * 3)

    def test_rows_that_can_contradict(self):
        family = family_of([0, 0, 1, 3, 3], [0, 0, 0, 3, 3])
        reads = np.array([[9, 1], [8, 2], [9, 0], [1, 9], [2, 8]], dtype=np.float64)
        assert family_evidence.rows_to_judge(family, [reads]).tolist() == [1, 2, 4]
        none = np.zeros((5, 2))
        assert family_evidence.rows_to_judge(family, [none, reads]).tolist() == [
            *(1, 2, 4)
        ]
        assert family_evidence.rows_to_judge(family, [none]).tolist() == [2]


class TestSingles:
    def expected(self, given, doubt=0.0):
        """One site at vector 00; given: P(genotype) of the four vectors."""
        return overrides.Expected(
            np.array([1000]),
            np.array([[1.0, 0, 0, 0]]),
            np.eye(4)[list(given)][None] * (1 - doubt) + doubt / 4,
            np.zeros((2, 1)),
            np.zeros((2, 2, 1)),
            np.zeros((2, 1)),
            (0, 1),
        )

    def found(self, expected, reads, outlier):
        one = embryo([reads], outlier)
        shown = overrides.read_shares(one, expected.inherited)
        return overrides.contradictions(one, shown, expected)

    def test_a_conversion_weighs_as_much_as_its_prior(self):
        # The mother is het, and her other haplotype has ALT.
        expected = self.expected((0, 0, 2, 2))
        (one,) = self.found(expected, (15, 15), 1e-5)
        assert (one.inherited, one.shown, one.tract) == (0, 2, ())
        shown = overrides.read_shares(embryo([(15, 15)]), expected.inherited)
        odds = overrides.CONVERSION * shown.likelihood[0, 2] / (1e-5 * shown.mean[0])
        assert one.conversion / one.artefact == pytest.approx(odds, rel=0.01)
        assert one.mutation < 0.01 * one.conversion

    def test_a_mutation_is_the_fathers_four_times_in_five(self):
        (one,) = self.found(self.expected((0, 0, 0, 0)), (15, 15), 1e-9)
        assert (one.inherited, one.shown) == (0, 1)
        assert one.mutation > 0.5
        assert one.conversion == 0.0

    def test_reads_that_fit_are_no_contradiction(self):
        for reads in ((30, 0), (30, 1), (0, 0)):
            assert self.found(self.expected((0, 0, 2, 2)), reads, 1e-5) == []

    def test_what_the_parents_doubt_explains_is_none(self):
        assert self.found(self.expected((0, 0, 0, 0), 0.05), (15, 15), 1e-9) == []
