"""What choosing among embryos gains: published formulas against simulated families."""

import numpy as np
import pytest

from morula.disease_risk import flat_curve, lifetime_risk, unknown_parents
from morula.genetic_map import GeneticMap
from morula.ranking import Disease, rank_embryos
from morula.risk import expected_gain, relative_risk_reduction
from morula.segregation import sibling_sd
from morula.simulation.meiosis import Interference, choose, draw_tetrad

COUPLES, EMBRYOS, SITES = 400, 10, 600
# As much as a genome has, in one piece, so that siblings' scores are normal.
GENOME = GeneticMap(np.array([1, 3_500_000_001]), np.array([0.0, 3500.0]))


@pytest.fixture(scope="module")
def scores():
    """Scores (COUPLES, EMBRYOS) with variance 1 in the population, and the SD among
    siblings that the parents' haplotypes tell (COUPLES,)."""
    rng = np.random.default_rng(3)
    pos_bp = np.linspace(1, 3_500_000_000, SITES).astype(np.int64)
    cm = GENOME.cm_at(pos_bp)
    effects = rng.normal(size=SITES)
    effects /= np.sqrt((effects**2).sum() / 2)
    found, spread = np.zeros((COUPLES, EMBRYOS)), np.zeros(COUPLES)
    no_interference = Interference(1.0, 0.0)
    for couple in range(COUPLES):
        parents = rng.integers(0, 2, (2, SITES, 2)).astype(np.int8)
        pair = np.stack([cm, cm])
        spread[couple] = sibling_sd(parents, pair, effects[:, None])[0]
        for parent in parents:
            for embryo in range(EMBRYOS):
                tetrad = draw_tetrad(rng, GENOME, int(pos_bp[-1]), 1, no_interference)
                carried = choose(rng, tetrad)["gamete"].haplotype_at(pos_bp)
                alleles = parent[np.arange(SITES), carried]
                found[couple, embryo] += (alleles - 0.5) @ effects
    return found, spread


def test_siblings_vary_by_half(scores):
    found, spread = scores
    assert (spread**2).mean() == pytest.approx(0.5, abs=0.01)
    within = found.var(axis=1, ddof=1).mean()
    assert within == pytest.approx((spread**2).mean(), abs=0.03)


@pytest.mark.parametrize("n", [2, 5, 10])
def test_gain_of_the_highest(scores, n):
    found = scores[0][:, :n]
    gain = (found.max(axis=1) - found.mean(axis=1)) * np.sqrt(0.3)
    error = gain.std() / np.sqrt(COUPLES)
    assert gain.mean() == pytest.approx(expected_gain(n, 0.3), abs=3.5 * error)


@pytest.mark.parametrize("n", [2, 5, 10])
@pytest.mark.parametrize("prevalence", [0.05, 0.01])
def test_risk_of_the_first_ranked(scores, n, prevalence):
    """The first-ranked by the code that ranks, his risk by the code that gives it."""
    r2, names = 0.1, [f"E{i}" for i in range(n)]
    mean = scores[0][:, :n] * np.sqrt(r2)
    risks = lifetime_risk(mean, flat_curve(prevalence), unknown_parents(r2))
    disease = Disease("d", prevalence, 1.0, 1.0)
    chosen = []
    for risk in risks:
        first = rank_embryos(names, risk[:, None], risk[:, None, None], [disease])[0]
        chosen.append(risk[names.index(first.embryo)])
    reduction = 1.0 - np.mean(chosen) / prevalence
    error = np.std(chosen) / prevalence / np.sqrt(COUPLES)
    expected = relative_risk_reduction(n, prevalence, r2)
    assert reduction == pytest.approx(expected, abs=3.5 * error)
