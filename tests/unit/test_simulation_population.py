"""A small simulated world: populations differ, alleles fit the sequence."""

import numpy as np
import pytest

from morula.simulation.population import (
    draw_maps,
    fasta_text,
    map_text,
    name_alleles,
    random_sequence,
    sample_names,
    simulate_chromosome,
)
from morula.simulation.sequence import decode
from morula.simulation.streams import stream


def small_world(seed=1):
    names = [
        [name for name, _ in sample_names(prefix, size)]
        for prefix, size in (("S", 15), ("F", 2))
    ]
    return simulate_chromosome(
        "chr21", stream(seed, "chr21"), 300_000, 2.0, 0.2, (names[0], names[1])
    )


@pytest.fixture(scope="module")
def world():
    return small_world()


def test_same_seed_same_world(world):
    again = small_world()
    np.testing.assert_array_equal(world.panel.alleles, again.panel.alleles)
    np.testing.assert_array_equal(world.sequence, again.sequence)
    assert (small_world(2).sequence != world.sequence).any()


def test_ref_alleles_are_the_sequence_and_indels_are_left_aligned(world):
    text = decode(world.sequence)
    kinds = set()
    for genotypes in (world.panel, world.founders):
        assert (np.diff(genotypes.pos_bp) > 0).all()
        rows = zip(genotypes.pos_bp, genotypes.ref, genotypes.alt, strict=True)
        end = 0
        for pos, ref, alt in rows:
            assert text[pos - 1 : pos - 1 + len(ref)] == ref
            assert ref != alt
            assert pos > end
            end = pos + len(ref) - 1
            if len(ref) != len(alt):
                assert ref[0] == alt[0]
                assert ref[-1] != alt[-1]
            kinds.add(np.sign(len(alt) - len(ref)))
    assert kinds == {-1, 0, 1}


def test_panel_sites_are_seen_in_the_panel_and_founders_have_their_own(world):
    assert world.panel.alleles.any(axis=(1, 2)).all()
    assert set(world.panel.pos_bp) < set(world.founders.pos_bp)
    assert len(world.panel.samples) == 45
    assert len(world.founders.samples) == 6


def test_reference_carries_the_derived_allele_at_times(world):
    assert 0.02 < (world.panel.alleles.mean(axis=(1, 2)) > 0.5).mean() < 0.4


def test_populations_differ_and_africa_is_most_diverse(world):
    alleles = world.panel.alleles.reshape(len(world.panel.pos_bp), 3, 30)
    p = alleles.mean(axis=2)
    diversity = (2 * p * (1 - p)).sum(axis=0)
    assert diversity[0] == max(diversity)
    mean = p.mean(axis=1)
    fst = p.var(axis=1).sum() / (mean * (1 - mean)).sum()
    assert 0.03 < fst < 0.3


def test_maps_rise_and_the_female_is_longer():
    female, male = draw_maps(stream(1, "map"), 20_000_000, 2.0)
    for genetic_map in (female, male):
        assert genetic_map.pos_bp[0] == 1
        assert (np.diff(genetic_map.pos_bp) > 0).all()
        assert (np.diff(genetic_map.cm) > 0).all()
    assert female.cm[-1] + male.cm[-1] == pytest.approx(80.0)
    assert 1.3 < female.cm[-1] / male.cm[-1] < 2.0
    rates = np.sort(np.diff(female.cm) / np.diff(female.pos_bp))
    assert rates[-1] > 20 * np.median(rates)


def test_sequence_has_realistic_gc_that_varies():
    codes = random_sequence(stream(1, "gc"), 5_000_000)
    gc = ((codes == 1) | (codes == 2)).reshape(-1, 50_000).mean(axis=1)
    assert gc.mean() == pytest.approx(0.41, abs=0.02)
    assert 0.02 < gc.std() < 0.1


def test_transitions_are_two_thirds():
    rng = stream(1, "alleles")
    codes = rng.integers(0, 4, 30_000).astype(np.uint8)
    ref, alt = name_alleles(rng, codes, np.arange(1, 30_001), 0.0)
    pairs = {"AG", "GA", "CT", "TC"}
    share = np.mean([r + a in pairs for r, a in zip(ref, alt, strict=True)])
    assert share == pytest.approx(2 / 3, abs=0.01)


def test_texts():
    assert fasta_text("c", np.array([0, 1, 2, 3, 0]), width=3) == ">c\nACG\nTA\n"
    female, _ = draw_maps(stream(1, "map"), 100_000, 2.0)
    line = map_text("chr21", female).splitlines()[0]
    assert line == "chr21\t.\t0.00000000\t1"
