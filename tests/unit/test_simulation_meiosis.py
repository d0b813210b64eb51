"""Gametes: crossovers follow the map, segments partition the chromosome."""

import numpy as np
import pytest

from morula.genetic_map import GeneticMap, haldane
from morula.simulation.meiosis import Gamete, draw_gamete, haldane_crossovers
from morula.simulation.streams import stream


def flat_map(cm: float) -> GeneticMap:
    return GeneticMap(np.array([1, 1_000_001]), np.array([0.0, cm]))


def test_crossovers_are_one_a_morgan():
    rng = stream(1, "test")
    counts = [len(haldane_crossovers(rng, 20.0, 170.0)) for _ in range(4000)]
    assert np.mean(counts) == pytest.approx(1.5, abs=0.07)
    assert np.var(counts) == pytest.approx(1.5, abs=0.15)


def test_recombination_fraction_is_haldanes():
    rng = stream(2, "test")
    sites = np.array([1, 400_001])
    gametes = [draw_gamete(rng, flat_map(50.0), 1, 1_000_001) for _ in range(6000)]
    pairs = np.array([gamete.haplotype_at(sites) for gamete in gametes])
    expected = float(haldane(20.0))
    assert (pairs[:, 0] != pairs[:, 1]).mean() == pytest.approx(expected, abs=0.015)
    assert pairs.mean(axis=0) == pytest.approx([0.5, 0.5], abs=0.02)


def test_crossovers_fall_where_the_map_is_steep():
    steep = GeneticMap(
        np.array([1, 500_000, 502_000, 1_000_000]), np.array([0.0, 0.0, 100.0, 100.0])
    )
    rng = stream(3, "test")
    breaks = [draw_gamete(rng, steep, 1, 1_000_000).breaks_bp for _ in range(200)]
    positions = np.concatenate(breaks)
    assert len(positions) > 100
    assert ((positions >= 500_000) & (positions <= 502_000)).all()


def test_segments_partition_and_agree_with_haplotype_at():
    gamete = Gamete(first=1, breaks_bp=np.array([150, 300, 300, 700]))
    segments = gamete.segments(100, 1000)
    assert segments[0][0] == 100
    assert segments[-1][1] == 1000
    for (_, end, _), (start, _, _) in zip(segments, segments[1:], strict=False):
        assert start == end + 1
    for start, end, haplotype in segments:
        if start <= end:
            assert set(gamete.haplotype_at(np.arange(start, end + 1))) == {haplotype}


def test_streams_depend_on_their_name_and_seed_alone():
    draw = stream(1, "meiosis", "E1").random(4)
    np.testing.assert_array_equal(draw, stream(1, "meiosis", "E1").random(4))
    assert (draw != stream(1, "meiosis", "E2").random(4)).all()
    assert (draw != stream(2, "meiosis", "E1").random(4)).all()
