"""True scores from the weights, and the errors of reported ones."""

import numpy as np
import pytest
from scipy import sparse

from morula.score_weights import Weights
from morula.simulation.score_accuracy import score_measures, true_scores


@pytest.fixture
def weights() -> Weights:
    empty = np.zeros(0, dtype=np.int64)
    return Weights(
        chrom=np.array(["chr21", "chr21", "chr22"]),
        pos_bp=np.array([10, 20, 10]),
        ref=np.array(["A", "C", "G"]),
        alt=np.array(["C", "T", "GA"]),
        panel_site=np.array([0, 1, 0]),
        matrix=sparse.csc_matrix(np.array([[1.0, 0.0], [0.5, 2.0], [0.0, -1.0]])),
        constants=np.array([0.0, 3.0]),
        pgs_ids=np.array(["SIM000001", "SIM000002"]),
        variants_total=np.array([2, 2]),
        variants_used=np.array([2, 2]),
        weight_used=np.array([1.0, 1.0]),
        traits=np.array(["b", "a"]),
        score_of_trait=np.array([1, 0]),
        match_score=empty,
        match_reason=np.zeros(0, dtype=str),
        match_variants=empty,
        match_share=np.zeros(0),
    )


SITES = [
    ("chr22", 10, "G", "GA"),
    ("chr21", 10, "A", "C"),
    ("chr21", 20, "C", "T"),
    ("chr21", 20, "C", "G"),
]
COPIES = np.array([[2, 0], [1, 0], [0, 2], [2, 2]])


def test_true_scores_find_their_sites(weights):
    scores = true_scores(weights, SITES, COPIES)
    np.testing.assert_allclose(scores, [[1.0, 1.0], [1.0, 7.0]])


def test_score_with_an_unknown_site_is_not_given(weights):
    scores = true_scores(weights, SITES[1:], COPIES[1:])
    np.testing.assert_allclose(scores, [[1.0, np.nan], [1.0, np.nan]])


def test_errors_are_in_panel_sd_and_coverage_is_counted(weights):
    true = true_scores(weights, SITES, COPIES)
    panel = np.array([[0.0, 0.0], [2.0, 8.0]])
    reported = [
        {"sample": "E1", "trait": "b", "pgs": "1.4", "pgs_sd": "0.1"},
        {"sample": "E2", "trait": "b", "pgs": "7", "pgs_sd": "0.1"},
        {"sample": "E1", "trait": "a", "pgs": "1.1", "pgs_sd": "0.1"},
        {"sample": "E2", "trait": "a", "pgs": "", "pgs_sd": ""},
    ]
    measures = dict(score_measures(weights, panel, true, reported, ["E1", "E2"]))
    assert measures["pgs_rmse_sd_b"].value == pytest.approx(np.sqrt(0.08) / 4)
    assert measures["pgs_rmse_sd_a"].value == pytest.approx(0.1)
    assert measures["pgs_rmse_sd_a"].n == 1
    assert measures["pgs_interval_coverage"].value == pytest.approx(2 / 3)
