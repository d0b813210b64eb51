"""The mother's own DNA as a part of the local template."""

from __future__ import annotations

import numpy as np
import pytest

from morula import amplification, contaminant, contamination_level, error_classes
from morula.amplification import Amplification

ERROR = 0.003


def learnt(contamination):
    prior = np.array([0.1, 0.2, 0.4, 0.2, 0.1])
    shares = np.linspace(0.0, 1.0, 5)
    return Amplification(shares, prior, 1e4, ERROR, 0.006, 0.003, contamination)


def read_as_alt(template):
    return template * (1 - ERROR) + (1 - template) * ERROR


def test_a_clean_embryo_has_the_grid_of_x_alone():
    clean = learnt(0.002)
    found = contaminant.local_share(clean)
    np.testing.assert_array_equal(found.ln_read, clean.read_table())
    np.testing.assert_array_equal(found.prior, clean.share_prior)


class TestContaminated:
    found = contaminant.local_share(learnt(0.05))

    def shows_alt(self, copies, genotype, share, state):
        """P(a read shows ALT) at a plain site of the middle level."""
        level = -contamination_level.LOWEST
        site_class = (
            amplification.N_OF_LEVEL * level + error_classes.N_ERROR_CLASSES * copies
        )
        return np.exp(self.found.ln_read[site_class, genotype, 5 * state + share, 1])

    def test_the_prior_is_that_of_both(self):
        assert self.found.prior.sum() == pytest.approx(1.0)
        by_share = self.found.prior.reshape(-1, 5).sum(axis=0)
        np.testing.assert_allclose(by_share, [0.1, 0.2, 0.4, 0.2, 0.1])
        np.testing.assert_array_equal(self.found.shares.reshape(-1, 5)[:, 2], 0.5)

    def test_it_shows_the_allele_that_was_not_inherited(self):
        """With a het mother an embryo without ALT shows it by her alone, at any x."""
        state = 1
        for factor in contaminant.FACTORS:
            for _, other in contaminant.MIXTURES:
                expected = read_as_alt(0.05 * factor * other)
                for share in range(5):
                    found = self.shows_alt(1, 0, share, state)
                    assert found == pytest.approx(expected)
                # One that inherited ALT shows REF by her.
                assert self.shows_alt(1, 3, 2, state) == pytest.approx(1 - expected)
                state += 1
        assert state == contaminant.N_STATES

    def test_without_her_dna_there_is_nothing_of_hers(self):
        assert self.shows_alt(1, 0, 2, 0) == pytest.approx(ERROR)
        assert self.shows_alt(1, 2, 2, 0) == pytest.approx(0.5)

    def test_a_homozygous_mother_adds_her_only_allele(self):
        for state in range(contaminant.N_STATES):
            assert self.shows_alt(0, 0, 2, state) == pytest.approx(ERROR)
            assert self.shows_alt(2, 3, 2, state) == pytest.approx(1 - ERROR)

    def test_probabilities(self):
        np.testing.assert_allclose(np.exp(self.found.ln_read).sum(axis=-1), 1.0)
