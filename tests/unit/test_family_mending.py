"""What the family's chain finds in drawn families: switches and flips of the parents'
phase, crossovers, and an answer at any size and depth.

Mother and father are het at about 40 % of the sites each; distances are so short that
no embryo has a crossover of its own.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from drawn_embryo import embryo
from morula import amplification, embryo_posterior, family_sampling, polished_phase
from morula.family_chain import Embryo, Family
from morula.family_sampling import Schedule

N_SITES = 600
SWITCH_AT, CROSSOVER_AT, FLIPPED = 200, 420, 310
DOUBT, FLIP = 0.002, 0.02
# P(switch) is a mean over sweeps of what each leaves open: few sweeps tell it badly.
SCHEDULE = Schedule(3, 900, -1.0, 60)
PRESET = amplification.Preset(0.25, 2.0, 10_000)


def parent_orders(phase):
    """P(order) of a parent's phased genotypes (L, 2): a little doubt in everything."""
    order = 2 * phase[:, 0] + phase[:, 1]
    orders = np.full((len(phase), 4), DOUBT)
    orders[np.arange(len(phase)), order] = 1 - 3 * DOUBT
    is_het = (order == 1) | (order == 2)
    orders[is_het] = DOUBT, 0, 0, DOUBT
    orders[is_het, order[is_het]] = (1 - 2 * DOUBT) * (1 - FLIP)
    orders[is_het, 3 - order[is_het]] = (1 - 2 * DOUBT) * FLIP
    return orders


def turned_from(haplotypes, start):
    """The same person with haplotypes 1 and 2 exchanged from a site on."""
    result = haplotypes.copy()
    result[start:] = result[start:, ::-1]
    return result


class DrawnFamily:
    """Four embryos, the first of which has a maternal crossover. The mother's phase
    estimate switches at a site and one het of hers is the wrong way round."""

    def __init__(self, depth, seed, n_sites=N_SITES, n_embryos=4):
        rng = np.random.default_rng(seed)
        self.pos_bp = np.cumsum(rng.integers(500, 3500, n_sites))
        self.mother, self.father = (
            (rng.random((n_sites, 2)) < 0.28).astype(np.int8) for _ in range(2)
        )
        for site in (FLIPPED, SWITCH_AT, CROSSOVER_AT):
            self.mother[site], self.father[site] = (0, 1), (0, 0)
        crossed = turned_from(self.mother, CROSSOVER_AT)
        none = np.zeros(n_sites)
        self.true = [
            embryo(
                self.mother if i else crossed,
                self.father,
                self.pos_bp,
                none,
                depth,
                rng,
            )
            for i in range(n_embryos)
        ]
        estimate = turned_from(self.mother, SWITCH_AT)
        estimate[FLIPPED] = estimate[FLIPPED, ::-1].copy()
        self.family = Family(
            np.stack([parent_orders(estimate), parent_orders(self.father)]),
            np.full((2, n_sites), 1e-5),
            np.full((2, n_sites), 1e-3),
        )
        self.estimate = estimate
        self.embryos = [self._embryo(one) for one in self.true]

    def _embryo(self, one):
        learnt = amplification.start(PRESET, None, 7, 0.005, 0.005, 0.003, 0.0)
        reads = one.counts.astype(float)
        gap_bp = np.diff(self.pos_bp, prepend=self.pos_bp[0])
        return Embryo(
            amplification.cap_depth(reads, 50),
            reads.sum(axis=1) > 0,
            np.zeros(len(reads), dtype=np.int64),
            learnt.read_table(),
            learnt.share_prior,
            learnt.shares,
            np.exp(-gap_bp / learnt.length_bp),
            1e-4,
        )

    def run(self, schedule=SCHEDULE, seed=1, embryos=None):
        return family_sampling.sample_family(
            self.family,
            self.embryos if embryos is None else embryos,
            schedule,
            np.random.default_rng(seed),
        )


@pytest.fixture(scope="module")
def drawn():
    return DrawnFamily(8.0, 1)


@pytest.fixture(scope="module")
def found(drawn):
    return drawn.run()


def unpacked(packed):
    return embryo_posterior.unpack(packed, N_SITES)


class TestMending:
    def test_the_switch_is_found_at_its_place(self, found):
        is_near = np.abs(np.arange(N_SITES) - SWITCH_AT) <= 4
        assert found.switch[0, is_near].sum() > 0.95
        assert found.switch[0].sum() == pytest.approx(1.0, abs=0.1)
        assert found.switch[1].sum() < 0.05

    def test_no_crossover_is_invented(self, found):
        for parent, i in itertools.product(range(2), range(4)):
            expected = 1 if (parent, i) == (0, 0) else 0
            count = polished_phase.crossover_count(
                unpacked(found.samples.haplotype[parent, i]),
                unpacked(found.samples.switch[parent]),
            )
            assert count == pytest.approx(expected, abs=0.05), (parent, i)

    def test_the_crossover_of_one_embryo_is_not_taken_for_a_switch(self, found):
        near = slice(CROSSOVER_AT - 10, CROSSOVER_AT + 11)
        assert found.switch[0, near].sum() < 0.05
        switches = unpacked(found.samples.switch[0])
        turned = polished_phase.orientations(switches)
        polished = turned[polished_phase.typical(turned)]
        own = [
            one ^ polished_phase.against(turned, polished)
            for one in unpacked(found.samples.haplotype[0])
        ]
        _, crossovers = polished_phase.segmentation(own[0])
        (one,) = crossovers
        assert abs(one.after - CROSSOVER_AT) <= 6
        assert one.low <= one.after <= one.high
        for other in own[1:]:
            assert polished_phase.segmentation(other)[1] == []

    def test_the_flipped_het_is_turned_back(self, drawn, found):
        estimated = int(2 * drawn.estimate[FLIPPED, 0] + drawn.estimate[FLIPPED, 1])
        assert drawn.family.orders[0, FLIPPED, estimated] > 0.9
        assert found.orders[0, FLIPPED, 3 - estimated] > 0.9
        order = 2 * drawn.estimate[:, 0] + drawn.estimate[:, 1]
        is_het = (order == 1) | (order == 2)
        turned = found.orders[0].argmax(axis=1) != order
        assert turned[is_het].sum() <= 2

    def test_genotypes_are_right(self, drawn, found):
        het = (drawn.mother.sum(axis=1) == 1) | (drawn.father.sum(axis=1) == 1)
        for one, genotypes in zip(drawn.true, found.genotypes, strict=True):
            truth = 2 * one.alleles[:, 0] + one.alleles[:, 1]
            assert (genotypes.argmax(axis=1) == truth)[het].mean() > 0.99
            assert genotypes[np.arange(N_SITES), truth][het].mean() > 0.99

    def test_siblings_help(self, drawn, found):
        """One embryo says less of where the phase switches and of a single het."""
        alone = drawn.run(embryos=drawn.embryos[1:2])
        is_near = np.abs(np.arange(N_SITES) - SWITCH_AT) <= 2
        assert alone.switch[0, is_near].sum() < found.switch[0, is_near].sum() - 0.05
        assert alone.orders[0, FLIPPED].max() < found.orders[0, FLIPPED].max() - 0.05


# Twelve embryos are more than a group: the rest of the family comes in as it stands.
@pytest.mark.parametrize(("n_sites", "n_embryos"), [(100_000, 2), (3_000, 12)])
def test_many_sites_and_embryos_at_great_depth_stay_finite(n_sites, n_embryos):
    large = DrawnFamily(60.0, 2, n_sites, n_embryos)
    found = large.run(Schedule(0, 6, -1.0, 6))
    for name in ("vectors", "genotypes", "orders"):
        values = getattr(found, name)
        assert np.isfinite(values).all()
        np.testing.assert_allclose(values.sum(axis=-1), 1.0, atol=1e-5)
    assert np.isfinite(found.share).all()
    het = large.mother.sum(axis=1) == 1
    for one, genotypes in zip(large.true, found.genotypes, strict=True):
        truth = 2 * one.alleles[:, 0] + one.alleles[:, 1]
        assert (genotypes.argmax(axis=1) == truth)[het].mean() > 0.998
