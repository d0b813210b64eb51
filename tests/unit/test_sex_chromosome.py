"""Regions of X, a male's calls, maps, and what is known of a father's one X."""

import numpy as np
import pytest

from morula import (
    genetic_map,
    male_calls,
    parental_alleles,
    sex_chromosome,
    x_map,
    x_parent,
)
from morula.biallelic import Record
from morula.errors import InputError
from morula.genetic_map import GeneticMap
from morula.parental_alleles import Haplotypes, Phase

GRCH38_X = 156_040_895


class TestRegions:
    def test_borders_of_the_builds(self):
        assert sex_chromosome.single_region("chrX", "GRCh38", GRCH38_X) == (
            2_781_480,
            155_701_382,
        )
        assert sex_chromosome.single_region("X", "GRCh37", 155_270_560) == (
            2_699_521,
            154_931_043,
        )

    def test_autosomes_have_none_and_need_no_build(self):
        first, last = sex_chromosome.single_region("chr1", None, 1000)
        assert not sex_chromosome.is_within(np.arange(1, 1001), (first, last)).any()

    def test_x_needs_the_build(self):
        with pytest.raises(InputError, match="--build"):
            sex_chromosome.single_region("chrX", None, GRCH38_X)

    def test_first_and_last_base_count(self):
        found = sex_chromosome.is_within(np.array([9, 10, 20, 21]), (10, 20))
        assert found.tolist() == [False, True, True, False]


class TestMaleCalls:
    KEYS = ("GT", "PL", "DP", "AD", "GQ")

    @pytest.mark.parametrize(
        ("cell", "expected"),
        [
            ("0/0:0,30,200:10:10,0:30", "0/0:0,255,200:10:10,0:99"),
            ("1/1:90,9,0:3:0,3:9", "1/1:90,255,0:3:0,3:90"),
            # A het is an error: missing, however sure.
            ("0/1:200,0,255:20:9,11:99", "./.:0,0,0:20:9,11:0"),
            ("./.:0,0,0:0:0,0:0", "./.:0,0,0:0:0,0:0"),
        ],
    )
    def test_cells(self, cell, expected):
        assert male_calls.single_cell(self.KEYS, cell) == expected

    @pytest.mark.parametrize(
        ("genotype", "expected"),
        [("1", "1/1"), ("0", "0/0"), ("1|1", "1/1"), (".", "./."), ("1|0", "./.")],
    )
    def test_genotypes_of_one_or_two_alleles(self, genotype, expected):
        assert male_calls.single_genotype(genotype) == expected

    def test_only_males_and_only_within(self):
        cells = ("0/1:50,0,50", "0/1:50,0,50")
        record = Record("chrX", 15, "A", ("G",), "9", ("GT", "PL"), cells)
        found = male_calls.with_single_copies(record, {1}, (10, 20))
        assert found.cells == (cells[0], "./.:0,0,0")
        assert male_calls.with_single_copies(record, {1}, (16, 20)) == record


class TestMaps:
    def test_fathers_recombine_in_the_pars_alone(self):
        female = GeneticMap(np.array([1, 1000]), np.array([0.0, 10.0]))
        male = GeneticMap(np.array([1, 1000]), np.array([0.0, 30.0]))
        women, men, average = x_map.maps_of_x(female, male, (201, 800))
        assert women is female
        places = np.array([1, 201, 500, 800, 1000])
        own = men.cm_at(places)
        assert own[1] == own[2] == own[3]
        np.testing.assert_allclose(np.diff(own)[[0, 3]], 200 / 999 * 30)
        steps = np.diff(average.cm_at(places))
        np.testing.assert_allclose(steps[0], 200 / 999 * 20)
        np.testing.assert_allclose(steps[1:3], np.array([299, 300]) / 999 * 20 / 3)

    def test_the_pars_are_linked_to_nothing(self):
        single = np.array([False, False, True, True, False])
        cm = x_map.unlinked(np.array([0.0, 1.0, 1.0, 1.0, 2.0]), single)
        r = genetic_map.haldane(np.diff(cm))
        np.testing.assert_allclose(r[[1, 3]], 0.5)
        assert r[0] < 0.01
        assert r[2] == 0


class TestFather:
    def father(self, likelihoods, share=None, imputed=False, frequency=0.3):
        n = len(likelihoods)
        alleles = np.tile(np.array([[0, 1]], dtype=np.int8), (n, 1))
        phase = Phase(alleles, np.full(n, 0.01), np.full(n, 0.2))
        share = np.zeros((n, 2)) if share is None else np.array(share)
        there = Haplotypes(np.ones(n, bool), share, np.full(n, imputed))
        q = np.full(n, frequency)
        given = parental_alleles.parent_of(likelihoods, phase, there, q, 0.001)
        single = np.arange(n) > 0
        return given, x_parent.of_one_x(given, single, likelihoods, there, q, 0.001)

    def test_he_is_never_heterozygous_outside_the_pars(self):
        likelihoods = np.array([[1e-6, 1, 1e-6], [1, 1e-9, 1e-20], [1e-20, 1e-9, 1]])
        given, found = self.father(likelihoods)
        np.testing.assert_array_equal(found.orders[0], given.orders[0])
        assert found.is_phased_het.tolist() == [True, False, False]
        np.testing.assert_allclose(found.orders.sum(axis=1), 1)
        assert (found.orders[1:, 1:3] == 0).all()
        assert found.orders[1, 0] > 0.999
        assert found.orders[2, 3] > 0.999
        assert found.dosage[1:].tolist() == [0.0, 2.0]
        assert found.switch.tolist() == [0.2, 0.0, 0.0]

    def test_unknown_he_is_the_panels_frequency(self):
        _, found = self.father(np.ones((2, 3)), imputed=False, share=[[0.3, 0.3]] * 2)
        assert found.orders[1, 3] == pytest.approx(0.3)
        assert np.isnan(found.dosage[1])

    def test_imputed_he_is_what_imputation_says(self):
        _, found = self.father(np.ones((2, 3)), share=[[0.9, 0.9]] * 2, imputed=True)
        assert found.orders[1, 3] == pytest.approx(0.9, abs=0.002)

    def test_a_donor(self):
        q = np.array([0.3, 0.3])
        donor = parental_alleles.absent_parent(q)
        found = x_parent.donor_of_one_x(donor, np.array([False, True]), q)
        np.testing.assert_allclose(found.orders[0], donor.orders[0])
        np.testing.assert_allclose(found.orders[1], [0.7, 0, 0, 0.3])


def test_a_region_without_sites_changes_nothing():
    q = np.array([0.3])
    donor = parental_alleles.absent_parent(q)
    found = x_parent.donor_of_one_x(donor, np.array([False]), q)
    np.testing.assert_array_equal(found.orders, donor.orders)
