"""P(ALT | haplotype) from genotypes, phase and panel."""

from __future__ import annotations

import numpy as np
import pytest

from morula import parental_alleles
from morula.parental_alleles import Haplotypes

FREQUENCY = np.full(6, 0.2)
SURE = {0: [1, 1e-9, 1e-9], 1: [1e-9, 1, 1e-9], 2: [1e-9, 1e-9, 1], None: [1, 1, 1]}


def parent(copies, phase, share=None, imputed=False, error=0.0, flip=0.01):
    likelihoods = np.array([SURE[g] for g in copies], dtype=float)
    alleles = np.array(phase, dtype=np.int8)
    n = len(alleles)
    given = alleles.astype(float) if share is None else np.array(share, dtype=float)
    haplotypes = Haplotypes(alleles, given, np.full(n, imputed))
    return parental_alleles.parent_alleles(
        likelihoods, haplotypes, FREQUENCY[:n], np.full(n, flip), error
    )


def test_homozygous_and_phased_het():
    found = parent([0, 2, 1, 1], [(0, 0), (1, 1), (0, 1), (1, 0)])
    expected = [[0, 0], [1, 1], [0.01, 0.99], [0.99, 0.01]]
    np.testing.assert_allclose(found.alleles, expected, atol=1e-6)
    assert found.is_phased_het.tolist() == [False, False, True, True]
    assert found.dosage.tolist() == [0, 2, 1, 1]


def test_a_het_outside_the_phase_is_even():
    found = parent([1], [(-1, -1)])
    np.testing.assert_allclose(found.alleles, [[0.5, 0.5]], atol=1e-6)
    assert not found.is_phased_het[0]


def test_a_site_without_genotype_takes_the_imputed_alleles_or_the_frequency():
    found = parent([None, None], [(0, 1), (-1, -1)], [(0.1, 0.8), (0, 0)], True)
    np.testing.assert_allclose(found.alleles, [[0.1, 0.8], [0.2, 0.2]])
    assert np.isnan(found.dosage).all()
    assert not found.is_phased_het.any()


def test_reads_and_a_guessed_genotype_are_combined():
    # The panel says het with haplotype 2 carrying ALT; the reads make that twice as
    # likely as hom-ref: odds of P(0, 1) to P(0, 0) by hand.
    haplotypes = Haplotypes(
        np.array([[0, 1]], dtype=np.int8), np.array([[0.0, 0.9]]), np.array([False])
    )
    found = parental_alleles.parent_alleles(
        np.array([[0.5, 1.0, 1e-9]]), haplotypes, FREQUENCY[:1], np.full(1, 0.01), 0.0
    )
    assert found.alleles[0, 1] == pytest.approx(0.9 / (0.9 + 0.1 * 0.5), rel=1e-6)
    assert found.alleles[0, 0] == pytest.approx(0.0, abs=1e-6)
    assert not found.is_phased_het[0]
    assert np.isnan(found.dosage[0])


def test_no_allele_is_certain_with_an_error_rate():
    found = parent([0, 2], [(0, 0), (1, 1)], error=0.01)
    np.testing.assert_allclose(found.alleles[0], 0.01 * 0.2, rtol=1e-3)
    np.testing.assert_allclose(found.alleles[1], 0.99 + 0.01 * 0.2, rtol=1e-6)


def test_flips_fall_with_the_panel_count():
    panel = parental_alleles.panel_alleles(np.array([np.nan, 0, 1, 4, 250, 499]), 500)
    flip = panel.phase_flip(0.0025, 0.065)
    np.testing.assert_allclose(
        flip, [0.5, 0.5, 0.0675, 0.0025 + 0.065 / 8, 0.0025 + 0.065 / 250**1.5, 0.0675]
    )
    assert panel.frequency.min() > 0
    assert panel.frequency[1] == pytest.approx(0.5 / 501)
