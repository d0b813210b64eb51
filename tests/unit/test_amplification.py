"""Amplification learnt by EM from counts whose truth is known, and its pieces."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from drawn_embryo import amplicons, embryo
from morula import (
    amplification,
    amplification_fit,
    amplification_intervals,
    amplification_record,
    contamination_level,
    error_classes,
    inheritance,
)
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
    ref = np.array(["A", "C", "T"], dtype="<U2")[kinds]
    alt = np.array(["C", "T", "C"], dtype="<U2")[kinds]
    ref[::10], alt[::10] = "G", "GA"  # indels
    flip = haldane(gap_cm)
    chain = inheritance.Chain(
        amplification.cap_depth(true.counts.astype(float), 50.0),
        amplification.site_classes(
            error_classes.of_alleles(ref, alt),
            alleles[0],
            contamination_level.levels(
                pos_bp, true.counts.astype(float), np.arange(len(pos_bp))
            ),
        ),
        alleles[0],
        alleles[1],
        flip,
        flip,
        np.ones(n_sites),
    )
    het = (mother.sum(axis=1) == 1) | (father.sum(axis=1) == 1)
    return true, amplification_fit.Stretch(chain, gap_bp), het


def cut(chromosome, n=20):
    """The chromosome in n stretches."""
    parts = np.array_split(np.arange(len(chromosome.gap_bp)), n)
    return [
        amplification_fit.Stretch(
            inheritance.Chain(*(array[part] for array in chromosome.chain)),
            chromosome.gap_bp[part] * (np.arange(len(part)) > 0),
        )
        for part in parts
    ]


def learn(chromosomes, apply=map, iterations=40):
    begin = amplification.start(PRESET, None, 11, 0.003, 0.006, 0.003, 0.002)
    return amplification_fit.fit(chromosomes, begin, 20.0, iterations, 0.1, apply)


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
        assert fit.amplification.error_indel == pytest.approx(0.005, abs=0.002)
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
            assert y[among].mean() == pytest.approx(p[among].mean(), abs=0.04)
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
        learnt = learn([amplification_fit.Stretch(chain, chromosome.gap_bp)])
        assert learnt.amplification.error == pytest.approx(0.005, abs=0.001)
        # C>T misreads of C templates rise by 0.02; T>C at the same cost of T templates
        # belong to the ordinary class.
        assert learnt.amplification.error_damage > 0.012


class TestFit:
    def test_the_objective_never_falls(self):
        _, chromosome, _ = world(7, 2.0, n_sites=2000)
        begin = amplification.start(PRESET, None, 11, 0.003, 0.006, 0.003, 0.002)
        objective = []
        for n in range(1, 8):
            fit = amplification_fit.fit([chromosome], begin, 0.0, n, -1.0)
            objective.append(fit.ln_likelihoods[-1])
        # The beta priors of the rates may cost a little likelihood, no more.
        assert np.diff(objective).min() > -0.05

    def test_no_reads_leave_the_start(self):
        _, chromosome, _ = world(8, 0.0, n_sites=2000)
        fit = learn([chromosome])
        begin = amplification.start(PRESET, None, 11, 0.003, 0.006, 0.003, 0.002)
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


class TestIntervals:
    def found(self, seed, depth, n_sites=N_SITES, **how):
        _, chromosome, _ = world(seed, depth, n_sites, **how)
        begin = amplification.start(PRESET, None, 11, 0.003, 0.006, 0.003, 0.002)
        stretches = cut(chromosome)
        weight = amplification_intervals.LOOSE_AMPLICONS
        fit = amplification_fit.fit(stretches, begin, weight, 40, 0.1)
        return amplification_intervals.intervals(stretches, begin, fit)

    @pytest.mark.parametrize(
        ("depth", "how"),
        [(20.0, {}), (3.0, {"dropout": 0.35, "contamination": 0.05})],
    )
    def test_they_hold_the_truth_about_as_often_as_they_say(self, depth, how):
        truth = {"length_bp": 10_000, "error": 0.005, "error_damage": 0.005}
        truth["contamination"] = how.get("contamination", 0.0)
        hits = []
        for seed in range(8):
            found = self.found(seed, depth, 4000, **how)
            hits += [
                found[name][0] <= value + 1e-4 and value <= found[name][1]
                for name, value in truth.items()
            ]
        assert np.mean(hits) >= 0.85

    def test_reads_narrow_them(self):
        wide, narrow = (self.found(3, depth, 4000) for depth in (0.05, 20.0))
        for name in amplification.Amplification.measured:
            assert narrow[name][1] - narrow[name][0] < 0.5 * (
                wide[name][1] - wide[name][0]
            )

    def test_a_few_reads_are_not_said_to_tell_the_dropout(self):
        low, high = self.found(4, 0.005)["dropout"]
        assert low < 0.02
        assert high > 0.6

    def test_no_interval_for_what_is_not_in_the_model(self):
        _, chromosome, _ = world(5, 1.0, 1000)
        begin = amplification.start(PRESET, None, 11, 0.003, 0.006, 0.003, 0.0)
        fit = amplification_fit.fit([chromosome], begin, 2.0, 10, 0.1)
        found = amplification_intervals.intervals([chromosome], begin, fit)
        assert found["contamination"] is None
        assert found["error"] is not None

    def test_moving_there_and_back(self):
        begin = amplification.start(PRESET, None, 11, 0.003, 0.006, 0.003, 0.002)
        move = np.array([0.1, 0.2, 0.3, 0.01, 0.02, 0.015, 0.005])
        there = amplification_intervals.moved(begin, move)
        assert there.length_bp == pytest.approx(begin.length_bp * np.exp(0.3))
        assert np.arcsin(np.sqrt(there.error)) - np.arcsin(
            np.sqrt(begin.error)
        ) == pytest.approx(0.01)
        assert there.share_prior.sum() == pytest.approx(1.0)
        back = amplification_intervals.moved(there, -move)
        for name in amplification.Amplification.measured:
            assert getattr(back, name) == pytest.approx(getattr(begin, name), rel=1e-6)


class TestSeparateAmplicons:
    def test_dropout_is_counted_by_sites(self):
        """Each allele with amplicons of its own: lost stretches outlast the others."""
        rng = np.random.default_rng(3)
        _, chromosome, _ = world(12, 0.0, 12_000)
        pos_bp = np.cumsum(chromosome.gap_bp)
        amount = np.stack(
            [amplicons(pos_bp, 2e4, 0.3, 2.0, rng)[:, 0] for _ in range(2)], axis=1
        )
        share = amount[:, 0] / np.maximum(amount.sum(axis=1), 1e-9)
        chain = chromosome.chain
        alt = share * (chain.allele_maternal[:, 0] > 0.5)
        alt += (1 - share) * (chain.allele_paternal[:, 0] > 0.5)
        reads = rng.poisson(15.0 * amount.sum(axis=1))
        n_alt = rng.binomial(reads, 0.995 * alt + 0.005 * (1 - alt))
        chain = chain._replace(
            reads=np.stack([reads - n_alt, n_alt], axis=1).astype(float)
        )
        fit = learn([amplification_fit.Stretch(chain, chromosome.gap_bp)])
        covered = reads > 0
        true = np.isin(share[covered], (0.0, 1.0)).mean()
        assert fit.amplification.dropout == pytest.approx(true, abs=0.02)
        assert fit.drawn.dropout < true - 0.03


class TestRecord:
    def record(self):
        begin = amplification.start(PRESET, None, 11, 0.003, 0.006, 0.003, 0.002)
        intervals = {name: (0.1, 0.2) for name in amplification.Amplification.measured}
        intervals["contamination"] = None
        return amplification_record.Record(
            "E1", begin, 0.21, 0.3, intervals, True, 7, 90, 60
        )

    def test_comes_back(self, tmp_path):
        record = self.record()
        amplification_record.write_record(tmp_path / "a.json", record)
        found = amplification_record.read_record(tmp_path / "a.json")
        np.testing.assert_array_equal(
            found.amplification.share_prior, record.amplification.share_prior
        )
        assert (found.dropout, found.imbalance) == (0.21, 0.3)
        assert found.intervals == record.intervals
        assert found.amplification.length_bp == record.amplification.length_bp
        learnt = amplification_record.read_learnt(tmp_path / "a.json")
        assert learnt.contamination == record.amplification.contamination

    @pytest.mark.parametrize("text", ["", "{}", "[1]", '{"shares": "x"}'])
    def test_another_file_is_refused(self, tmp_path, text):
        (tmp_path / "a.json").write_text(text)
        with pytest.raises(InputError, match="learn_amplification.py writes"):
            amplification_record.read_record(tmp_path / "a.json")


class TestPieces:
    @pytest.mark.parametrize("unseen", [0.0, 0.3, 0.9, 0.999])
    @pytest.mark.parametrize("dropout", [0.001, 0.2, 0.6, 0.99])
    def test_dropout_of_sites_with_reads_and_of_all(self, dropout, unseen):
        seen = amplification.dropout_of_seen(dropout, unseen)
        assert seen <= dropout + 1e-12
        assert amplification.dropout_of_loci(seen, unseen) == pytest.approx(dropout)

    def test_dropout_of_sites_with_reads_by_drawing(self):
        rng = np.random.default_rng(1)
        n, z = 400_000, 0.6
        lost = rng.random(n) < 0.3
        first, second = rng.random(n) > z, (rng.random(n) > z) & ~lost
        seen = first | second
        found = amplification.dropout_of_loci(lost[seen].mean(), 1 - seen.mean())
        assert found == pytest.approx(0.3, abs=0.01)

    def test_depth_is_capped_in_proportion(self):
        capped = amplification.cap_depth(np.array([[900.0, 100.0], [3.0, 1.0]]), 50.0)
        np.testing.assert_allclose(capped, [[45.0, 5.0], [3.0, 1.0]])

    def test_site_classes(self):
        mother = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.01, 0.0]])
        level = np.array([0, 0, 2, 8])
        errors = error_classes.of_alleles(
            np.array(list("CTAG")), np.array(list("TCCA"))
        )
        found = amplification.site_classes(errors, mother, level)
        assert found.tolist() == [1, 4 + 2, 24 + 8 + 0, 96 + 1]

    def test_indels_are_a_class_of_their_own(self):
        ref, alt = np.array(["C", "CT", "G"]), np.array(["CT", "C", "A"])
        assert error_classes.of_alleles(ref, alt).tolist() == [3, 3, 1]

    def test_template_and_errors_of_a_class(self):
        learnt = amplification.start(PRESET, None, 11, 0.01, 0.05, 0.02, 0.04)
        template, errors = learnt.alt_template, learnt.errors
        assert len(template) == errors.shape[1] == amplification.N_CLASSES
        for level in range(contamination_level.N_LEVELS):
            c = min(0.97, 0.04 * 2.0 ** (level - 2))
            for copies in range(3):
                for kind in range(4):
                    row = 12 * level + 4 * copies + kind
                    ends = template[row, [0, 3]]
                    own = c * copies / 2
                    np.testing.assert_allclose(ends[0], own)
                    np.testing.assert_allclose(ends[1], 1 - c + own)
                    # The mother's allele of the embryo alone: x = 1.
                    assert template[row, 2, -1] == pytest.approx(1 - c + own)
                    expected = (0.01, 0.01), (0.05, 0.01), (0.01, 0.05), (0.02, 0.02)
                    assert tuple(errors[:, row]) == expected[kind]

    def test_more_cells_lose_fewer_alleles(self):
        one = amplification.start(PRESET, 1, 11, 0.003, 0.006, 0.003, 0.0)
        many = amplification.start(PRESET, 9, 11, 0.003, 0.006, 0.003, 0.0)
        assert one.dropout == pytest.approx(0.16, abs=1e-4)
        assert many.dropout == pytest.approx(0.16 / 3, abs=1e-4)
        assert one.share_prior.sum() == pytest.approx(1.0)

    def test_presets_of_the_project(self):
        for name in ("MDA", "MALBAC", "PicoPLEX", "SurePlex", "PTA", "other", "none"):
            preset = amplification.read_preset("resources/amplification.tsv", name)
            assert 0 <= preset.dropout < 1
        with pytest.raises(InputError, match="no amplification 'PCR'"):
            amplification.read_preset("resources/amplification.tsv", "PCR")
