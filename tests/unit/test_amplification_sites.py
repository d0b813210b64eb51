"""Which sites of an embryo tell of its amplification."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from judged_embryo import World
from morula import (
    amplification,
    amplification_fit,
    amplification_sites,
    contamination_level,
    family_sites,
    inheritance,
)

PRESET = amplification.Preset(0.16, 2.0, 10_000.0)


class TestSites:
    def family(self):
        return World(1, 3000).family()

    def test_what_tells(self):
        family = self.family()
        tells = family_sites.is_informative(family)
        dosage = np.stack([parent.dosage for parent in family.parents])
        het = (dosage == 1).any(axis=0)
        np.testing.assert_array_equal(tells, het | (dosage[0] != dosage[1]))

    def test_steps_over_sites_add_up(self):
        flip = np.array([0.2, 0.1, 0.3, 0.05])
        found = family_sites.between(flip, np.array([0, 2, 3]))
        assert found[1] == pytest.approx(0.1 * 0.7 + 0.9 * 0.3)
        assert found[2] == pytest.approx(0.05)

    def test_sites_without_reads_change_nothing(self):
        family = self.family()
        rng = np.random.default_rng(2)
        reads = rng.poisson(0.05, (3000, 2)).astype(float)
        (part, *more), _ = amplification_sites.of_chromosome(family, reads, 50.0)
        assert not more
        alleles = [parent.alleles for parent in family.parents]
        read = np.flatnonzero(reads.any(axis=1))
        pos_bp = family.sites.pos_bp
        used = np.array([False])
        for start in read:
            used = np.isin(pos_bp, pos_bp[start] + np.cumsum(part.gap_bp))
            if used.sum() == len(part.gap_bp):
                break
        whole = inheritance.Chain(
            np.where(used[:, None], reads, 0.0),
            amplification.site_classes(
                family.sites.error_class,
                alleles[0],
                contamination_level.levels(
                    family.sites.pos_bp, reads, np.arange(len(reads))
                ),
            ),
            *alleles,
            family.flip(0),
            family.flip(1),
            np.ones(3000),
        )
        gap_bp = np.diff(family.sites.pos_bp, prepend=family.sites.pos_bp[0])
        begin = amplification.start(PRESET, None, 11, 0.003, 0.006, 0.003, 0.002)
        ln = [
            inheritance.forward(
                one.with_length(1e4), begin.share_prior, begin.read_table()
            ).ln_likelihood
            for one in (part, amplification_fit.Stretch(whole, gap_bp))
        ]
        assert ln[0] == pytest.approx(ln[1], abs=1e-6)

    def test_one_site_of_a_fragment(self):
        pos_bp = np.array([0, 100, 650, 700, 1399, 1400, 9000])
        found = amplification_sites.of_fragments(np.arange(7), pos_bp)
        np.testing.assert_array_equal(found, [0, 3, 5, 6])
        assert len(amplification_sites.of_fragments(np.arange(0), pos_bp)) == 0

    @pytest.mark.parametrize(("depth", "shallow"), [(0.05, True), (4.0, False)])
    def test_shallow_reads_are_known(self, depth, shallow):
        family = self.family()
        reads = np.random.default_rng(3).poisson(depth / 2, (3000, 2)).astype(float)
        parts = [amplification_sites.of_chromosome(family, reads, 50.0)]
        assert amplification_sites.choose(parts, 60_000).is_shallow == shallow

    def test_reads_of_one_fragment_are_not_lost_alleles(self):
        # Even amounts, nothing lost; but sites of a fragment show the same allele.
        family = self.family()
        rng = np.random.default_rng(4)
        mother, father = (p.orders.argmax(axis=1) for p in family.parents)
        alleles = np.stack([mother >> 1, father >> 1], axis=1)  # haplotypes 1
        reads = np.zeros((3000, 2))
        for first in rng.choice(2900, 400, replace=False):
            rows = first + np.arange(5)  # of one fragment
            reads[rows, alleles[rows, rng.integers(2)]] += 1
        begin = amplification.start(PRESET, None, 11, 0.003, 0.006, 0.003, 0.0)
        found = []
        apart = replace(
            family, sites=replace(family.sites, pos_bp=140 * np.arange(3000))
        )
        for one_a_fragment in (False, True):
            stretches, _ = amplification_sites.of_chromosome(
                apart, reads, 50.0, one_a_fragment
            )
            fit = amplification_fit.fit(stretches, begin, 2.0, 50, 0.01)
            found.append(fit.amplification.dropout)
        assert found[1] < 0.5 * found[0]

    def test_of_more_sites_than_asked_for_an_even_choice(self):
        chromosomes = []
        for seed in (1, 2, 3):
            family = World(seed, 6000).family()
            reads = np.ones((6000, 2))
            chromosomes.append(amplification_sites.of_chromosome(family, reads, 50.0))
        whole = amplification_sites.choose(chromosomes, 10**6)
        part = amplification_sites.choose(chromosomes, whole.sites_used // 3)
        assert whole.sites_informative == part.sites_informative
        assert 0.2 < part.sites_used / whole.sites_used <= 0.34
        for stretches, _ in chromosomes:
            kept = sum(
                any(one is other for other in part.stretches) for one in stretches
            )
            assert kept / len(stretches) == pytest.approx(1 / 3, abs=0.2)

    def test_sites_that_were_not_seen(self):
        """Chao's estimate, of Poisson reads."""
        rng = np.random.default_rng(4)
        family = World(5, 40_000).family()
        n_reads = rng.poisson(1.2, 40_000).astype(float)
        reads = np.stack([n_reads, np.zeros(40_000)], axis=1)
        choice = amplification_sites.choose(
            [amplification_sites.of_chromosome(family, reads, 50.0)], 10**6
        )
        assert choice.unseen == pytest.approx(np.exp(-1.2), abs=0.02)
