"""From a family's sites to the chain of its informative ones, and the file between."""

from __future__ import annotations

import itertools
from dataclasses import fields

import numpy as np
import pytest

from morula import (
    amplification,
    contamination_level,
    family_input,
    family_sites,
    parental_alleles,
)
from morula.amplification import Preset
from morula.family_sites import FamilySites
from morula.parental_alleles import Parent, Sites

HOM_REF, HOM_ALT = [0.999, 0.0005, 0.0005, 0.0], [0.0, 0.0005, 0.0005, 0.999]
HET, DOUBTFUL = [0.0, 0.99, 0.01, 0.0], [0.95, 0.02, 0.02, 0.01]


def parent(orders, switch=None):
    n = len(orders)
    return Parent(
        np.array(orders, dtype=float),
        np.zeros(n) if switch is None else np.array(switch, dtype=float),
        np.zeros(n, dtype=bool),
        np.full(n, np.nan),
    )


def family_of(mother, father, pos=None, cm=None):
    n = len(mother.switch)
    pos = np.arange(1, n + 1) * 1000 if pos is None else np.array(pos)
    sites = Sites(pos, np.array(["A"] * n), np.array(["G"] * n))
    cm = np.stack([pos * 1e-6, pos * 2e-6]) if cm is None else cm
    return FamilySites(sites, np.full(n, 0.3), cm, (mother, father), (True, True))


class TestInformative:
    def test_hets_doubt_and_opposite_homozygotes(self):
        pairs = [
            (HOM_REF, HOM_REF),  # nothing to learn
            (HET, HOM_REF),
            (HOM_ALT, HET),
            (HOM_REF, HOM_ALT),  # the embryo is het for sure: amplification
            (HOM_ALT, HOM_ALT),
            (HOM_ALT, DOUBTFUL),
        ]
        mother, father = zip(*pairs, strict=True)
        family = family_of(parent(mother), parent(father))
        assert family_input.informative(family).tolist() == [1, 2, 3, 5]

    def test_there_is_always_one(self):
        same = parent([HOM_REF] * 3)
        assert family_input.informative(family_of(same, same)).tolist() == [0]


class TestBetween:
    def test_an_odd_number_of_switches(self):
        switch = np.array([0.4, 0.1, 0.25, 0.02, 0.3])
        rows = np.array([0, 3, 4])
        expected = [0.0]
        for begin, end in itertools.pairwise(rows):
            steps = switch[begin + 1 : end + 1]
            odd = 0.0
            for chosen in itertools.product((0, 1), repeat=len(steps)):
                if sum(chosen) % 2:
                    odd += np.where(chosen, steps, 1 - steps).prod()
            expected.append(odd)
        found = family_sites.between(switch, rows)
        np.testing.assert_allclose(found, expected, rtol=1e-12)

    def test_unknown_phase_stays_unknown_and_certain_stays_certain(self):
        switch = np.array([0.0, 0.5, 0.0, 0.0, 0.3])
        found = family_sites.between(switch, np.array([0, 2, 3, 4]))
        np.testing.assert_allclose(found, [0, 0.5, 0, 0.3], atol=1e-6)

    def test_many_unknown_steps_leave_the_rest_exact(self):
        switch = np.full(100_000, 0.5)
        switch[-10:] = 1e-4
        found = family_sites.between(switch, np.arange(100_000))
        np.testing.assert_allclose(found[-10:], 1e-4, rtol=1e-4)


def test_the_chain_spans_the_sites_left_out():
    rng = np.random.default_rng(0)
    orders = rng.dirichlet([1, 1, 1, 1], (2, 6))
    switch = rng.uniform(0.0, 0.2, (2, 6))
    pos = np.cumsum(rng.integers(1000, 400_000, 6))
    family = family_of(parent(orders[0], switch[0]), parent(orders[1], switch[1]), pos)
    rows = np.array([1, 2, 5])
    found = family_input.chain_of(family, rows)
    np.testing.assert_array_equal(found.orders, orders[:, rows])
    # Of several steps the recombination fractions combine like switches: an odd number.
    for side in range(2):
        r = family_sites.between(family.recombination(side), rows)
        np.testing.assert_allclose(found.recombination[side], r, atol=1e-12)
        w = family_sites.between(switch[side], rows)
        np.testing.assert_allclose(found.switch[side], w, atol=1e-12)
    assert (found.recombination[:, 0] == 0).all()
    assert found.recombination[1, 2] > found.recombination[0, 2] > 0


def test_the_embryo_at_the_informative_sites():
    learnt = amplification.start(
        Preset(0.2, 2.0, 5000.0), None, 5, 0.01, 0.02, 0.003, 0.0
    )
    mother = parent([HOM_REF, HET, HOM_ALT, HET])
    family = family_of(mother, parent([HET] * 4), [1000, 2000, 5000, 15_000])
    reads = np.array([[9, 9], [0, 0], [30, 50], [1, 0]], dtype=float)
    rows = np.array([1, 2, 3])
    found = family_input.embryo_of(family, rows, reads, learnt, 40, 0.001)
    np.testing.assert_allclose(found.reads, [[0, 0], [15, 25], [1, 0]])
    assert found.has_reads.tolist() == [False, True, True]
    # The depth around a site is that of all sites, the ones left out included.
    level = contamination_level.levels(family.sites.pos_bp, reads, rows)
    expected = amplification.site_classes(
        family.sites.error_class[rows], mother.alleles[rows], level
    )
    np.testing.assert_array_equal(found.site_class, expected)
    assert len(set(expected.tolist())) >= 2
    np.testing.assert_allclose(found.stay, np.exp([0, -3000 / 5000, -10_000 / 5000]))
    assert found.outlier == 0.001
    np.testing.assert_array_equal(found.ln_read, learnt.read_table())


def test_nearest_row():
    found = family_input.nearest_row(np.array([2, 3, 6]), 8)
    assert found.tolist() == [0, 0, 0, 1, 1, 1, 2, 2]


class TestFamilySites:
    def test_the_file_gives_back_what_was_saved(self, tmp_path):
        rng = np.random.default_rng(1)
        mother = Parent(
            rng.dirichlet([1, 1, 1, 1], 5),
            rng.uniform(0, 0.5, 5),
            rng.random(5) < 0.5,
            np.array([0, 1, 2, np.nan, 1]),
        )
        family = family_of(mother, donor(5))
        family_sites.save(tmp_path / "family.npz", family)
        found = family_sites.load(tmp_path / "family.npz")
        for one, other in zip(found.parents, family.parents, strict=True):
            for field in fields(Parent):
                np.testing.assert_array_equal(
                    getattr(one, field.name), getattr(other, field.name)
                )
        np.testing.assert_array_equal(found.cm, family.cm)
        np.testing.assert_array_equal(found.sites.pos_bp, family.sites.pos_bp)
        assert found.known == (True, True)

    def test_a_flip_is_a_crossover_or_a_switch_but_not_both(self):
        switch = [0.0, 0.3, 0.5, 0.0]
        family = family_of(
            parent([HET] * 4, switch),
            parent([HET] * 4),
            [1, 10**7, 2 * 10**7, 3 * 10**7],
        )
        r = (1 - np.exp(-2 * 0.1)) / 2  # Haldane, 10 cM
        assert family.recombination(0)[1:] == pytest.approx([r] * 3, rel=1e-3)
        expected = [0, 0.3 * (1 - r) + 0.7 * r, 0.5, r]
        assert family.flip(0) == pytest.approx(expected, rel=1e-3, abs=1e-9)
        np.testing.assert_array_equal(family.flip(1), family.recombination(1))


def donor(n):
    return parental_alleles.absent_parent(np.linspace(0.1, 0.9, n))
