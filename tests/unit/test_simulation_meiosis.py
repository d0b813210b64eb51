"""Meiosis: chiasmata follow the map and interfere, chromatids come out of a tetrad."""

import numpy as np
import pytest
from scipy import stats

from morula.genetic_map import GeneticMap, haldane
from morula.simulation.meiosis import (
    Chromatid,
    Interference,
    choose,
    draw_chiasmata,
    draw_tetrad,
    resolve,
)
from morula.simulation.streams import stream

NONE = Interference(1.0, 0.0)
STRONG = Interference(8.0, 0.0)
END = 1_000_000


def flat_map(cm: float) -> GeneticMap:
    return GeneticMap(np.array([1, END]), np.array([0.0, cm]))


def gametes(cm: float, interference: Interference, n: int, *names: str) -> list:
    rng = stream(1, "test", *names)
    genetic_map = flat_map(cm)
    drawn = []
    for _ in range(n):
        tetrad = draw_tetrad(rng, genetic_map, END, 400_000, interference)
        drawn.append(choose(rng, tetrad)["gamete"])
    return drawn


@pytest.mark.parametrize(
    "interference", [NONE, STRONG, Interference(8.0, 0.3), Interference(8.0, 1.0)]
)
def test_crossovers_are_one_a_morgan(interference):
    counts = [len(g.breaks_bp) for g in gametes(150, interference, 3000, "counts")]
    assert np.mean(counts) == pytest.approx(1.5, abs=0.06)


def test_interference_makes_counts_even_and_its_escape_undoes_it():
    def variance(interference: Interference) -> float:
        rng = stream(2, "test")
        counts = [len(draw_chiasmata(rng, 300, interference)) for _ in range(3000)]
        assert np.mean(counts) == pytest.approx(6.0, abs=0.15)
        return float(np.var(counts))

    assert variance(NONE) == pytest.approx(6.0, rel=0.1)
    # Asymptotically the mean over the shape, with a constant from the two ends.
    assert variance(STRONG) == pytest.approx(6 / 8 + (1 - 1 / 64) / 6, rel=0.15)
    assert variance(Interference(8.0, 1.0)) == pytest.approx(6.0, rel=0.1)


def test_without_interference_the_model_is_haldanes():
    sites = np.array([1, 400_001])
    drawn = gametes(50, NONE, 6000, "haldane")
    pairs = np.array([gamete.haplotype_at(sites) for gamete in drawn])
    expected = float(haldane(20.0))
    assert (pairs[:, 0] != pairs[:, 1]).mean() == pytest.approx(expected, abs=0.015)
    assert pairs.mean(axis=0) == pytest.approx([0.5, 0.5], abs=0.02)
    counts = np.bincount([len(gamete.breaks_bp) for gamete in drawn], minlength=4)
    poisson = stats.poisson(0.5).pmf(np.arange(4))
    assert counts[:4] / len(drawn) == pytest.approx(poisson, abs=0.02)


@pytest.mark.parametrize("shape", [1.0, 2.6, 8.0])
def test_distances_of_chiasmata_are_gamma(shape):
    rng = stream(3, "test", str(shape))
    chiasmata = draw_chiasmata(rng, 200_000, Interference(shape, 0.0))
    gamma = stats.gamma(shape, scale=50 / shape)
    assert stats.kstest(np.diff(chiasmata), gamma.cdf).pvalue > 0.01


def test_the_first_chiasma_is_that_of_a_process_without_beginning():
    rng = stream(4, "test")
    first = [draw_chiasmata(rng, 1000, STRONG)[0] for _ in range(3000)]
    # The wait from anywhere has density P(interval > x) / mean interval.
    gamma = stats.gamma(8.0, scale=50 / 8)
    grid = np.linspace(0, 250, 2001)
    density = gamma.sf(grid) / 50
    cdf = np.concatenate([[0], np.cumsum((density[1:] + density[:-1]) / 2) * 0.125])
    found = stats.kstest(first, lambda x: np.interp(x, grid, cdf))
    assert found.pvalue > 0.01


def test_distances_of_crossovers_are_a_mixture_of_gammas():
    # A chromatid takes part in a chiasma with probability 1/2, so that the next of its
    # crossovers is the k-th chiasma with probability 2^-k (Broman and Weber 2000).
    rng = stream(5, "test")
    long = GeneticMap(np.array([1, 10**9]), np.array([0.0, 100_000.0]))
    tetrad = draw_tetrad(rng, long, 10**9, 1, STRONG)
    distances = np.diff(choose(rng, tetrad)["gamete"].breaks_bp) / 1e4
    assert len(distances) == pytest.approx(1000, rel=0.1)

    def cdf(x: np.ndarray) -> np.ndarray:
        terms = (0.5**k * stats.gamma.cdf(x, 8 * k, scale=50 / 8) for k in range(1, 40))
        return np.sum(list(terms), axis=0)

    assert stats.kstest(distances, cdf).pvalue > 0.01
    assert stats.kstest(distances, "expon", (0, 100)).pvalue < 1e-6


def test_crossovers_fall_where_the_map_is_steep():
    steep = GeneticMap(
        np.array([1, 500_000, 502_000, END]), np.array([0.0, 0.0, 100.0, 100.0])
    )
    rng = stream(6, "test")
    found = [
        chromatid.breaks_bp
        for _ in range(100)
        for chromatid in draw_tetrad(rng, steep, END, 1, NONE)
    ]
    positions = np.concatenate(found)
    assert len(positions) > 300
    assert ((positions >= 500_000) & (positions <= 502_000)).all()


def test_each_chiasma_joins_two_chromatids_and_leaves_two():
    rng = stream(7, "test")
    chiasmata = np.array([100, 200, 300, 700, 800])
    sites = np.arange(50, 1000, 100)
    for _ in range(50):
        tetrad = resolve(rng, chiasmata, 450)
        haplotypes = np.array([chromatid.haplotype_at(sites) for chromatid in tetrad])
        assert (haplotypes.sum(axis=0) == 2).all()
        at_centromere = [c.haplotype_at(np.array([450]))[0] for c in tetrad]
        assert at_centromere == [0, 0, 1, 1]
        assert [c.centromere for c in tetrad] == [0, 0, 1, 1]
        breaks = np.concatenate([chromatid.breaks_bp for chromatid in tetrad])
        assert np.bincount(breaks)[chiasmata].tolist() == [2] * 5


def test_chiasmata_between_the_same_bases_cancel():
    rng = stream(8, "test")
    for _ in range(20):
        for chromatid in resolve(rng, np.array([5, 5, 5, 9]), 20):
            rows = chromatid.segments(1, 30)
            assert all(start <= end for start, end, _ in rows)
            kinds = [kind for _, _, kind in rows]
            assert all(a != b for a, b in zip(kinds, kinds[1:], strict=False))


def heterozygosity(origin: str, distances_cm: np.ndarray) -> np.ndarray:
    """Share of meioses in which the gamete's chromatid and the extra one differ."""
    rng = stream(9, "test", origin)
    genetic_map = GeneticMap(np.array([1, END]), np.array([0.0, 400.0]))
    sites = 1 + np.round(distances_cm / 400 * (END - 1)).astype(np.int64)
    differ = np.zeros(len(sites))
    for _ in range(2000):
        chosen = choose(rng, draw_tetrad(rng, genetic_map, END, 1, NONE))
        own, other = (chosen[key].haplotype_at(sites) for key in ("gamete", origin))
        differ += own != other
    return differ / 2000


def test_meiosis_1_keeps_heterozygosity_at_the_centromere_and_meiosis_2_loses_it():
    distances = np.array([0.0, 10.0, 50.0, 390.0])
    # Mather 1935: P(second-division segregation) = 2/3 (1 - exp(-3d)), d in Morgans.
    second = 2 / 3 * (1 - np.exp(-3 * distances / 100))
    assert heterozygosity("meiosis_2", distances) == pytest.approx(second, abs=0.03)
    first = 1 - second / 2
    assert heterozygosity("meiosis_1", distances) == pytest.approx(first, abs=0.03)
    assert heterozygosity("meiosis_1", distances)[0] == 1.0
    assert heterozygosity("meiosis_2", distances)[0] == 0.0


def test_a_centromere_beyond_map_and_chromosome_lies_at_the_end():
    rng = stream(10, "test")
    for _ in range(20):
        tetrad = draw_tetrad(rng, flat_map(200), 500_000, 28_000_000, NONE)
        assert [c.haplotype_at(np.array([END]))[0] for c in tetrad] == [0, 0, 1, 1]


def test_segments_partition_and_agree_with_haplotype_at():
    chromatid = Chromatid(0, first=1, breaks_bp=np.array([150, 300, 700]))
    segments = chromatid.segments(100, 1000)
    assert segments[0][0] == 100
    assert segments[-1][1] == 1000
    for (_, end, _), (start, _, _) in zip(segments, segments[1:], strict=False):
        assert start == end + 1
    for start, end, haplotype in segments:
        assert set(chromatid.haplotype_at(np.arange(start, end + 1))) == {haplotype}


def test_streams_depend_on_their_name_and_seed_alone():
    draw = stream(1, "meiosis", "E1").random(4)
    np.testing.assert_array_equal(draw, stream(1, "meiosis", "E1").random(4))
    assert (draw != stream(1, "meiosis", "E2").random(4)).all()
    assert (draw != stream(2, "meiosis", "E1").random(4)).all()
