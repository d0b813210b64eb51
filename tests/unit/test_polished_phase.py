"""The mended phase and crossovers against it, from samples made by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from morula import polished_phase

N_SITES = 2000


def turning_at(*places, n_sites=N_SITES):
    """Haplotype or orientation (L,) that turns at each of the places."""
    steps = np.zeros(n_sites, dtype=bool)
    for place in places:
        steps[place] ^= True
    return np.logical_xor.accumulate(steps)


def test_orientation_is_the_parity_of_the_switches():
    switches = np.zeros((2, 8), dtype=bool)
    switches[0, [2, 5]] = switches[1, 7] = True
    found = polished_phase.orientations(switches)
    assert found.astype(int).tolist() == [
        [0, 0, 1, 1, 1, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 0, 1],
    ]


class TestTypical:
    def test_the_phase_of_most_samples(self):
        odd = turning_at(300)
        same = turning_at(1000)
        assert polished_phase.typical(np.array([odd, same, same])) in (1, 2)
        assert polished_phase.typical(np.array([same, odd, odd])) in (1, 2)

    def test_the_middle_of_places_that_differ(self):
        samples = np.array([turning_at(place) for place in (960, 1000, 1040)])
        assert polished_phase.typical(samples) == 1

    def test_a_whole_phase_turned_over_is_the_same_phase(self):
        one = turning_at(500, 1200)
        assert polished_phase.typical(np.array([turning_at(), one, ~one])) in (1, 2)

    @pytest.mark.parametrize("n_sites", [1, 2, 3])
    def test_few_sites(self, n_sites):
        samples = np.zeros((3, n_sites), dtype=bool)
        assert polished_phase.typical(samples) == 0


class TestAgainst:
    polished = turning_at(1000)

    def test_the_same_phase_placed_a_little_otherwise_makes_no_crossover(self):
        # Carried haplotype without any crossover: it turns where the phase does.
        orientation = np.array([turning_at(place) for place in (980, 1000, 1030)])
        found = orientation ^ polished_phase.against(orientation, self.polished)
        assert not found.any()

    def test_a_sample_without_the_switch_turns_once_against_it(self):
        nothing = np.zeros((1, N_SITES), dtype=bool)
        (found,) = nothing ^ polished_phase.against(nothing, self.polished)
        turns = np.flatnonzero(np.diff(found)) + 1
        assert abs(int(turns[0]) - 1000) <= 1
        assert len(turns) == 1

    def test_crossovers_stay(self):
        orientation = np.array([turning_at(1020)])
        carried = orientation ^ turning_at(300) ^ True
        (found,) = carried ^ polished_phase.against(orientation, self.polished)
        np.testing.assert_array_equal(found, ~turning_at(300))


def score(path, gain, cost):
    """What the best path maximises, from its definition."""
    turns = sum(one != two for one, two in zip(path[:-1], path[1:], strict=True))
    return float(np.where(path, gain, -gain).sum()) - cost * turns


@pytest.mark.parametrize("seed", range(6))
def test_the_best_path_is_the_best_of_all(seed):
    rng = np.random.default_rng(seed)
    gain = rng.uniform(-0.5, 0.5, 9)
    cost = rng.uniform(0.0, 1.0)
    best = max(
        score(np.array(path), gain, cost)
        for path in itertools.product([False, True], repeat=9)
    )
    found = polished_phase._best_path(gain, cost)
    assert score(found, gain, cost) == pytest.approx(best, abs=1e-12)


class TestSegmentation:
    def test_place_and_interval_of_a_crossover(self):
        places = [700, *range(690, 709), 712]  # 95 % within 690 and 708
        samples = np.array([turning_at(place) for place in places])
        path, (one,) = polished_phase.segmentation(samples)
        assert abs(one.after - 700) <= 2
        assert np.flatnonzero(np.diff(path)).tolist() == [one.after - 1]
        assert one.low == 690
        assert one.high == pytest.approx(710, abs=2)

    def test_the_direction_of_a_turn_counts(self):
        # Back and forth: the interval of one turn must not take the other's places.
        samples = np.array([turning_at(500 + i, 540 + i) for i in range(-5, 6)])
        _, (first, second) = polished_phase.segmentation(samples)
        assert (first.low, first.high) == (495, 505)
        assert (second.low, second.high) == (535, 545)

    def test_doubt_is_not_cut_into_segments(self):
        rng = np.random.default_rng(0)
        samples = rng.random((40, N_SITES)) < 0.5
        path, crossovers = polished_phase.segmentation(samples)
        assert len(crossovers) <= 2
        assert len(path) == N_SITES

    def test_a_short_stretch_of_certain_haplotype_is_kept(self):
        samples = np.tile(turning_at(900, 930), (10, 1))
        _, crossovers = polished_phase.segmentation(samples)
        assert [one.after for one in crossovers] == [900, 930]

    def test_one_site(self):
        path, crossovers = polished_phase.segmentation(np.ones((3, 1), dtype=bool))
        assert path.tolist() == [True]
        assert crossovers == []


def test_a_turn_is_a_crossover_unless_the_phase_switches_there():
    switches = np.zeros((2, 10), dtype=bool)
    switches[:, 4] = True
    haplotype = np.array(
        [
            turning_at(4, n_sites=10),  # turns with the switch: none
            turning_at(2, n_sites=10),  # one of its own, and none at the switch: two
        ]
    )
    assert polished_phase.crossover_count(haplotype, switches) == 1.0
