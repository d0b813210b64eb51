"""Amplification learnt by EM from counts whose truth is known, and its pieces."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from drawn_embryo import embryo
from morula import amplification, inheritance
from morula.errors import InputError
from morula.genetic_map import haldane

N_SITES = 8000
PRESET = amplification.Preset(0.16, 2.0, 10_000.0)


def world(seed, depth, n_sites=N_SITES, cm_per_bp=2e-5, **how):
    """Parents of random, perfectly phased haplotypes; one embryo; its chromosome."""
    rng = np.random.default_rng(seed)
    pos_bp = np.cumsum(rng.integers(1, 300, n_sites))
    frequency = rng.beta(0.5, 1.5, (n_sites, 1))
    mother = (rng.random((n_sites, 2)) < frequency).astype(int)
    father = (rng.random((n_sites, 2)) < frequency).astype(int)
    gap_bp = np.diff(pos_bp, prepend=pos_bp[0])
    gap_cm = gap_bp * cm_per_bp
    true = embryo(mother, father, pos_bp, gap_cm, depth, rng, **how)
    alleles = [
        np.clip(parent.astype(float), 1e-3, 1 - 1e-3) for parent in (mother, father)
    ]
    kinds = rng.integers(0, 3, n_sites)
    ref, alt = np.array(["A", "C", "T"])[kinds], np.array(["C", "T", "C"])[kinds]
    flip = haldane(gap_cm)
    chain = inheritance.Chain(
        amplification.cap_depth(true.counts.astype(float), 50.0),
        amplification.site_classes(ref, alt, alleles[0]),
        alleles[0],
        alleles[1],
        flip,
        flip,
        np.ones(n_sites),
    )
    het = (mother.sum(axis=1) == 1) | (father.sum(axis=1) == 1)
    return true, amplification.Chromosome(chain, gap_bp), het


def learn(chromosomes, apply=map, iterations=40):
    begin = amplification.start(PRESET, None, 11, 0.003, 0.006, 0.002)
    return amplification.fit(chromosomes, begin, 20.0, iterations, 0.1, apply)


def posterior_of(chromosome, learnt):
    chain, table = chromosome.with_length(learnt.length_bp), learnt.read_table()
    filtered = inheritance.forward(chain, learnt.share_prior, table)
    return inheritance.backward(
        chain, filtered, learnt.share_prior, learnt.shares, table
    )


class TestSimulatedTruth:
    def test_deep_embryo(self):
        true, chromosome, het = world(1, 20.0)
        fit = learn([chromosome])
        assert fit.converged
        assert fit.amplification.dropout == pytest.approx(0.2, abs=0.07)
        assert 5000 < fit.amplification.length_bp < 20_000
        assert fit.amplification.error == pytest.approx(0.005, abs=0.001)
        assert fit.amplification.error_damage == pytest.approx(0.005, abs=0.001)
        assert fit.amplification.contamination < 0.01
        posterior = posterior_of(chromosome, fit.amplification)
        found = posterior.genotypes.argmax(axis=1)
        ordered = 2 * true.alleles[:, 0] + true.alleles[:, 1]
        assert (found == ordered)[het].mean() > 0.995
        # The parents' phase is perfect here: only crossovers are left to find.
        assert (posterior.vectors.argmax(axis=1) == true.vectors).mean() > 0.95

    @pytest.mark.parametrize("depth", [0.1, 1.0])
    def test_probabilities_mean_what_they_say(self, depth):
        predicted, happened = [], []
        for seed in range(4):
            # A hot map: crossovers, where the doubt is, are many.
            true, chromosome, het = world(seed, depth, cm_per_bp=1e-3)
            posterior = posterior_of(chromosome, learn([chromosome]).amplification)
            ordered = 2 * true.alleles[:, 0] + true.alleles[:, 1]
            rows = np.flatnonzero(het)
            predicted.append(posterior.genotypes[rows].ravel())
            happened.append((ordered[rows, None] == np.arange(4)).ravel())
        p, y = np.concatenate(predicted), np.concatenate(happened)
        for low, high in ((0.0, 0.1), (0.1, 0.5), (0.5, 0.9), (0.9, 0.99), (0.99, 1)):
            among = (p >= low) & (p <= high)
            assert y[among].mean() == pytest.approx(p[among].mean(), abs=0.03)
        assert y[p >= 0.99].mean() >= 0.99

    def test_contamination_is_found_and_corrected_for(self):
        true, chromosome, het = world(5, 10.0, contamination=0.1)
        learnt = learn([chromosome]).amplification
        assert learnt.contamination == pytest.approx(0.1, abs=0.015)
        found = posterior_of(chromosome, learnt).genotypes.argmax(axis=1)
        ordered = 2 * true.alleles[:, 0] + true.alleles[:, 1]
        assert (found == ordered)[het].mean() > 0.98

    def test_damage_is_told_from_other_errors(self):
        true, chromosome, _ = world(6, 15.0)
        damaged = chromosome.chain.site_class % 3 == 1  # REF C, ALT T
        reads = true.counts.astype(float)
        rng = np.random.default_rng(0)
        extra = rng.binomial(true.counts[:, 0], 0.02) * damaged
        reads += np.stack([-extra, extra], axis=1)
        chain = chromosome.chain._replace(reads=reads)
        learnt = learn([amplification.Chromosome(chain, chromosome.gap_bp)])
        assert learnt.amplification.error == pytest.approx(0.005, abs=0.001)
        # C>T misreads of C templates rise by 0.02; T>C at the same cost of T templates
        # belong to the ordinary class.
        assert learnt.amplification.error_damage > 0.012


class TestFit:
    def test_the_objective_never_falls(self):
        _, chromosome, _ = world(7, 2.0, n_sites=2000)
        begin = amplification.start(PRESET, None, 11, 0.003, 0.006, 0.002)
        objective = []
        for n in range(1, 8):
            fit = amplification.fit([chromosome], begin, 0.0, n, -1.0)
            objective.append(fit.ln_likelihoods[-1])
        # The beta priors of the rates may cost a little likelihood, no more.
        assert np.diff(objective).min() > -0.05

    def test_no_reads_leave_the_start(self):
        _, chromosome, _ = world(8, 0.0, n_sites=2000)
        fit = learn([chromosome])
        begin = amplification.start(PRESET, None, 11, 0.003, 0.006, 0.002)
        assert fit.amplification.dropout == pytest.approx(begin.dropout, rel=1e-3)
        assert fit.amplification.error == pytest.approx(0.003)

    def test_threads_change_nothing(self):
        chromosomes = [world(seed, 3.0, n_sites=1000)[1] for seed in (9, 10, 11)]
        with ThreadPoolExecutor(3) as pool:
            many = learn(chromosomes, pool.map)
        one = learn(chromosomes)
        assert many.ln_likelihoods == one.ln_likelihoods
        np.testing.assert_array_equal(
            many.amplification.share_prior, one.amplification.share_prior
        )


class TestPieces:
    def test_depth_is_capped_in_proportion(self):
        capped = amplification.cap_depth(np.array([[900.0, 100.0], [3.0, 1.0]]), 50.0)
        np.testing.assert_allclose(capped, [[45.0, 5.0], [3.0, 1.0]])

    def test_site_classes(self):
        mother = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.01, 0.0]])
        found = amplification.site_classes(list("CTAG"), list("TCCA"), mother)
        assert found.tolist() == [1, 3 + 2, 6 + 0, 1]

    def test_more_cells_lose_fewer_alleles(self):
        one = amplification.start(PRESET, 1, 11, 0.003, 0.006, 0.0)
        many = amplification.start(PRESET, 9, 11, 0.003, 0.006, 0.0)
        assert one.dropout == pytest.approx(0.16, abs=1e-4)
        assert many.dropout == pytest.approx(0.16 / 3, abs=1e-4)
        assert one.share_prior.sum() == pytest.approx(1.0)

    def test_presets_of_the_project(self):
        for name in ("MDA", "MALBAC", "PicoPLEX", "SurePlex", "PTA", "other", "none"):
            preset = amplification.read_preset("resources/amplification.tsv", name)
            assert 0 <= preset.dropout < 1
        with pytest.raises(InputError, match="no amplification 'PCR'"):
            amplification.read_preset("resources/amplification.tsv", "PCR")
