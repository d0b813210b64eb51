"""The benchmark's scores: their spread among siblings, and what errors cost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import bench_world as world
from bench.score_measures import (
    chance_chosen,
    choice_rows,
    coverage_rows,
    rank_correlation,
    score_draws,
    score_rows,
)
from bench.score_weights import draw_weights
from bench.truth import truth_of
from morula.genetic_map import GeneticMap
from morula.haplotypes import Genotypes
from morula.segregation import gamete_variance, sibling_sd
from morula.simulation.meiosis import Interference, choose, draw_tetrad


def found(rows) -> dict[str, float]:
    return {row.measure: row.value for row in rows}


class TestSiblingSpread:
    def test_one_het_and_two_linked_ones(self):
        haplotypes = np.array([[0, 1], [1, 0], [1, 1]], dtype=np.int8)
        weights = np.array([[2.0, 2.0], [0.0, 3.0], [5.0, 5.0]])
        variance = gamete_variance(haplotypes, np.array([0.0, 10.0, 20.0]), weights)
        linked = 2.0**2 + 3.0**2 - 2 * 2.0 * 3.0 * np.exp(-0.2)
        np.testing.assert_allclose(variance, [2.0**2 / 4, linked / 4])

    def test_a_copy_that_is_not_there_varies_not(self):
        haplotypes = np.array([[0, -1], [1, -1]], dtype=np.int8)
        variance = gamete_variance(haplotypes, np.arange(2.0), np.ones((2, 1)))
        assert variance.tolist() == [0.0]

    def test_equals_simulated_siblings(self):
        case = world.make_case(n_sites=400, cm_per_mb=100.0)
        weights = world.sparse_weights(case, n_scores=4)
        rng = np.random.default_rng(2)
        scores = np.zeros((4000, 4))
        for side in (0, 1):
            for child in range(len(scores)):
                haplotype = world.gamete(rng, case.cm[side])
                alleles = case.parents[side, np.arange(400), haplotype]
                scores[child] += alleles @ weights
        expected = scores.std(axis=0)
        np.testing.assert_allclose(
            sibling_sd(case.parents, case.cm, weights), expected, rtol=0.05
        )

    def test_interference_changes_it_little(self):
        case = world.make_case(n_sites=400, cm_per_mb=100.0)
        weights = world.sparse_weights(case, n_scores=4)
        rng = np.random.default_rng(4)
        genetic_map = GeneticMap(case.pos_bp, case.cm[0])
        gametes = []
        for _ in range(3000):
            tetrad = draw_tetrad(
                rng, genetic_map, int(case.pos_bp[-1]), 1, Interference(7.4, 0.067)
            )
            haplotype = choose(rng, tetrad)["gamete"].haplotype_at(case.pos_bp)
            gametes.append(case.parents[0, np.arange(400), haplotype] @ weights)
        expected = np.std(gametes, axis=0)
        exact = np.sqrt(gamete_variance(case.parents[0], case.cm[0], weights))
        np.testing.assert_allclose(exact, expected, rtol=0.15)


class TestChoice:
    TRUE = np.array([[1.0, 0.0], [2.0, 1.0], [3.0, 2.0]])

    def test_by_hand(self):
        estimated = np.array([[1.0, 5.0], [2.0, 1.0], [3.0, 2.0]])
        rows = found(choice_rows(self.TRUE, estimated))
        assert rows["pgs_best_chosen"] == 0.5
        # Ranks 1 2 3 and 3 1 2 against 1 2 3.
        assert rows["pgs_spearman"] == pytest.approx((1.0 - 0.5) / 2)
        # Above the means 2 and 1: one chosen embryo is the best, one the worst.
        assert rows["pgs_gain"] == pytest.approx((1.0 - 1.0) / 2)
        assert rows["pgs_gain_possible"] == pytest.approx(1.0)
        assert rows["pgs_gain_lost_share"] == pytest.approx(1.0)

    def test_no_knowledge_is_a_draw_by_lot(self):
        rows = found(choice_rows(self.TRUE, np.zeros((3, 2))))
        assert rows["pgs_best_chosen"] == pytest.approx(1 / 3)
        assert rows["pgs_spearman"] == 0.0
        assert rows["pgs_gain"] == pytest.approx(0.0)

    def test_embryos_that_tie(self):
        scores = np.array([[1.0], [1.0], [0.0]])
        assert chance_chosen(scores).ravel().tolist() == [0.5, 0.5, 0.0]
        tied = np.array([[1.0], [1.0 + 1e-13], [0.0]])
        assert rank_correlation(scores, tied).tolist() == [pytest.approx(1.0)]


class TestScores:
    def test_error_is_in_sibling_sd(self):
        case = world.make_case()
        weights = world.sparse_weights(case, n_scores=1)
        result = world.true_result(case)
        site = int(np.flatnonzero(weights[:, 0])[0])
        gp = result.gp.copy()
        # One embryo's dosage is half a copy wrong at one site of the score.
        copies = int(case.alleles[1, site].sum())
        other = copies + 1 if copies < 2 else copies - 1
        gp[1, site] = 0.0
        gp[1, site, [copies, other]] = 0.5
        rows = found(score_rows(case, truth_of(case), replace(result, gp=gp), weights))
        spread = sibling_sd(case.parents, case.cm, weights)[0]
        error = abs(weights[site, 0]) * 0.5 / spread
        n = len(case.embryos)
        assert rows["pgs_rmse_sibling_sd"] == pytest.approx(error / np.sqrt(n))
        assert rows["pgs_rmse_within_family"] == pytest.approx(error / np.sqrt(n))

    def test_what_siblings_share_does_not_count_within_the_family(self):
        case = world.make_case()
        weights = world.sparse_weights(case, n_scores=1)
        everyone = (case.parents == 0).all(axis=(0, 2)) & (weights[:, 0] != 0)
        result = world.true_result(case)
        gp = result.gp.copy()
        gp[:, everyone] = [0.0, 1.0, 0.0]
        rows = found(score_rows(case, truth_of(case), replace(result, gp=gp), weights))
        assert rows["pgs_rmse_within_family"] == pytest.approx(0.0, abs=1e-6)
        assert rows["pgs_rmse_sibling_sd"] > 0.01
        assert rows["pgs_spearman"] == pytest.approx(1.0)

    def test_an_embryo_that_lacks_a_copy_has_no_score(self):
        case = world.make_case()
        alleles = case.alleles.copy()
        alleles[0, :, 1] = -1
        weights = world.sparse_weights(case, n_scores=3)
        case = replace(case, alleles=alleles)
        rows = score_rows(case, truth_of(case), world.true_result(case), weights)
        sizes = {row.measure: row.n for row in rows}
        assert sizes["pgs_rmse_sibling_sd"] == 3 * (len(case.embryos) - 1)

    def test_scores_that_do_not_vary_are_left_out(self):
        case = world.make_case()
        nothing = np.zeros((len(case.pos_bp), 2))
        result = world.true_result(case)
        assert not list(score_rows(case, truth_of(case), result, nothing))

    def test_draws_are_unpacked(self):
        alleles = np.array([[[0, 1, 1], [1, 1, 0]], [[0, 0, 1], [0, 1, 0]]])
        weights = np.array([[1.0, 0.0], [10.0, 0.0], [100.0, 0.0]])
        scores = score_draws(np.packbits(alleles, axis=2), weights)
        assert scores.tolist() == [[210.0, 0.0], [21.0, 0.0]]

    @pytest.mark.parametrize(
        ("spread", "low", "high"), [(1, 0.92, 0.97), (0.3, 0, 0.5)]
    )
    def test_coverage_of_honest_and_of_narrow_draws(self, spread, low, high):
        rng = np.random.default_rng(1)
        centre = rng.normal(size=(40, 20))
        true = centre + rng.normal(size=(40, 20))
        draws = [one + spread * rng.normal(size=(200, 20)) for one in centre]
        assert low < found(coverage_rows(true, draws))["pgs_coverage_95"] < high

    def test_sure_draws_of_the_truth_cover_it(self):
        case = world.make_case()
        weights = world.sparse_weights(case, n_scores=3)
        rows = score_rows(case, truth_of(case), world.true_result(case), weights)
        assert found(rows)["pgs_coverage_95"] == 1.0


def test_drawn_weights_have_a_spread_of_one_and_few_or_many_variants():
    rng = np.random.default_rng(1)
    alleles = (rng.random((2000, 50, 2)) < rng.uniform(0, 1, (2000, 1, 1))).astype("i1")
    sites = np.full(2000, "A", dtype=object)
    panel = Genotypes(
        chrom="chr20",
        pos_bp=np.arange(2000),
        ref=sites,
        alt=sites,
        alleles=alleles,
        phased=np.ones((2000, 50), dtype=bool),
        samples=tuple(map(str, range(50))),
    )
    weights = draw_weights(np.random.default_rng(7), panel, 5)
    sizes = (weights != 0).sum(axis=0)
    assert sizes.tolist() == [10, 32, 100, 316, 1000]
    scores = alleles.sum(axis=2).T @ weights
    np.testing.assert_allclose(scores.std(axis=0), 1.0)
    again = draw_weights(np.random.default_rng(7), panel, 5)
    assert (weights == again).all()
