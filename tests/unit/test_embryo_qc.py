"""Sums of a chromosome against plain loops, and what they say of drawn embryos."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from judged_embryo import Copies, World, judge
from morula import (
    amplification,
    amplification_record,
    embryo_measures,
    embryo_qc,
    embryo_verdict,
)
from morula.embryo_measures import ChromosomeMeasure, Estimate, Measures
from morula.embryo_qc import Evidence
from morula.embryo_verdict import Thresholds
from morula.errors import InputError

SOUND = Copies()
# The shallower the reads, the more sites it takes to tell.
SITES = {30.0: 6_000, 1.0: 10_000, 0.1: 30_000}
LIMITS = Thresholds(
    min_depth=0.002,
    max_error=0.05,
    max_dropout=0.6,
    warn_contamination=0.02,
    fail_contamination=0.1,
    warn_foreign=0.02,
    fail_foreign=0.05,
    max_misfit=0.05,
    relationship_low=0.6,
    relationship_high=1.5,
    max_share_deviation=0.1,
    max_depth_deviation=0.35,
    max_flip_ratio=3.0,
)


def evidence(seed=1, n_sites=400, known=(True, True)):
    """Random posteriors and reads, which no formula can take for granted."""
    world = World(seed, n_sites)
    rng = np.random.default_rng(seed)
    return Evidence(
        "chr1",
        replace(world.family(), known=known),
        rng.poisson(1.0, (n_sites, 2)).astype(float),
        rng.dirichlet(np.full(4, 0.2), n_sites),
        rng.random(n_sites),
        0.02,
        (1.0, 2.0),
        (1.5, 1.5),
    )


def totals(summary, name):
    return np.array(getattr(summary, name)).sum(axis=0)


class TestSummarise:
    def test_blocks_add_up(self):
        one = evidence()
        found = embryo_qc.summarise(one, 0.003)
        assert len(found.sites) == embryo_qc.N_BLOCKS
        assert sum(found.sites) == 400
        assert sum(found.reads) == one.reads.sum()
        assert sum(found.covered) == (one.reads.sum(axis=1) > 0).sum()
        assert sum(found.share) == pytest.approx(one.share.sum())
        pos_bp = one.family.sites.pos_bp
        assert found.span_bp == pos_bp[-1] - pos_bp[0] + 1

    def test_descent_site_by_site(self):
        one = evidence()
        error, expected, n = 0.01, np.zeros(5), 0
        mother, father = one.family.parents
        for s in range(400):
            depth, q = one.reads[s].sum(), one.family.frequency[s]
            copies = mother.dosage[s], father.dosage[s]
            m, f = copies[0] / 2 - q, copies[1] / 2 - q
            if depth == 0 or 1.0 in copies or max(abs(m), abs(f)) <= 0.05:
                continue
            alt = (one.reads[s, 1] / depth - error) / (1 - 2 * error)
            y, w = 2 * (alt - q), depth / (1 + depth)
            expected += w * np.array([m * m, m * f, f * f, m * y, f * y])
            n += 1
        found = embryo_qc.summarise(one, error)
        np.testing.assert_allclose(totals(found, "descent"), expected)
        assert found.descent_sites == n > 50

    def test_contrary_reads_site_by_site(self):
        one = evidence()
        contrary, certain, n = np.zeros(2), np.zeros(2), [0, 0]
        for s in range(400):
            carried = np.array([one.vectors[s, :2].sum(), one.vectors[s, 0::2].sum()])
            for side in range(2):
                het, hom = one.family.parents[side], one.family.parents[1 - side]
                if het.dosage[s] != 1 or hom.dosage[s] == 1:
                    continue
                first = carried[side]
                alt = first * het.alleles[s, 0] + (1 - first) * het.alleles[s, 1]
                allele = int(hom.dosage[s] / 2)
                if (alt if allele else 1 - alt) > 0.9 and one.reads[s].sum() > 0:
                    contrary[side] += one.reads[s, 1 - allele]
                    certain[side] += one.reads[s].sum()
                    n[side] += 1
        found = embryo_qc.summarise(one, 0.003)
        np.testing.assert_allclose(totals(found, "contrary"), contrary)
        np.testing.assert_allclose(totals(found, "certain"), certain)
        assert found.certain_sites == tuple(n)
        assert min(n) > 5

    def test_json_keeps_it(self):
        found = embryo_qc.summarise(evidence(), 0.003)
        text = json.dumps(found.as_dict())
        again = embryo_qc.summary_from_dict(json.loads(text), "e.json")
        assert again.as_dict() == json.loads(text)
        assert again.descent == found.descent

    def test_another_files_json_is_refused(self):
        with pytest.raises(InputError, match="e.json: fields differ in"):
            embryo_qc.summary_from_dict({"chrom": "chr1"}, "e.json")

    def test_an_unknown_parent_enters_nothing(self):
        found = embryo_qc.summarise(evidence(known=(True, False)), 0.003)
        assert totals(found, "descent")[[1, 2, 4]].tolist() == [0, 0, 0]
        assert found.strange_sites == 0


class TestJackknife:
    def test_of_a_mean(self):
        rng = np.random.default_rng(1)
        x = rng.normal(3.0, 2.0, 50)
        value, covariance = embryo_measures.jackknife(x[:, None], np.ones((50, 1, 1)))
        assert value[0] == pytest.approx(x.mean())
        assert covariance[0, 0] == pytest.approx(x.var(ddof=1) / 50)


class TestDrawnEmbryos:
    """Genomes of three chromosomes of 24 Mb; the first is odd, or all are."""

    @pytest.mark.parametrize("depth", [30.0, 1.0, 0.1])
    def test_a_sound_one_passes(self, depth):
        found = judge(depth, 1, SOUND, n_sites=SITES[depth])
        status, reason, _ = embryo_verdict.verdict(found, LIMITS)
        assert status == "pass", reason
        for one in (found.relationship_mother, found.relationship_father):
            assert one.value == pytest.approx(1.0, abs=3 * one.error)
            assert one.error < 0.2
        assert found.foreign.value == pytest.approx(0, abs=4 * found.foreign.error)

    @pytest.mark.parametrize("depth", [30.0, 1.0])
    @pytest.mark.parametrize(
        ("odd", "words"),
        [
            (Copies(mother="none"), "maternal share"),
            (Copies(father="none"), "maternal share"),
            (Copies(mother="twice"), "maternal share"),
            (Copies(father="twice"), "maternal share"),
            (Copies(mother="both"), "crossovers"),
            (Copies(father="both"), "crossovers"),
        ],
    )
    def test_an_aneuploid_chromosome_fails(self, depth, odd, words):
        found = judge(depth, 2, odd, SOUND, n_sites=SITES[depth])
        status, reason, flagged = embryo_verdict.verdict(found, LIMITS)
        assert (status, flagged) == ("fail", ["chr1"]), reason
        assert words in reason
        has_more = odd.mother == "twice" or odd.father == "none"
        if words == "maternal share":
            assert (found.chromosomes[0].maternal_share.value > 0.5) == has_more

    @pytest.mark.parametrize("copies", ["none", "both"])
    def test_an_aneuploid_chromosome_is_flagged_at_a_tenth(self, copies):
        found = judge(0.1, 2, Copies(father=copies), SOUND, n_sites=SITES[0.1])
        assert embryo_verdict.verdict(found, LIMITS)[2] == ["chr1"]

    @pytest.mark.parametrize("depth", [30.0, 1.0, 0.1])
    @pytest.mark.parametrize(
        ("copies", "words"),
        [
            (Copies(other_father=True), "not shown to be an embryo of the father"),
            (
                Copies(other_father=True, other_mother=True),
                "not shown to be an embryo of the mother",
            ),
            (Copies(strangers=0.1), "from outside the family"),
            (Copies(mothers_own=0.2), "of the reads are the mother's own"),
        ],
    )
    def test_other_dna_fails(self, depth, copies, words):
        found = judge(depth, 3, copies, n_sites=SITES[depth])
        status, reason, _ = embryo_verdict.verdict(found, LIMITS)
        assert status == "fail", reason
        assert words in reason

    def test_shares_of_other_dna(self):
        found = judge(30.0, 4, Copies(strangers=0.1))
        assert found.foreign.value == pytest.approx(0.1, abs=0.015)
        assert abs(found.contamination.value) < 0.02
        found = judge(30.0, 4, Copies(mothers_own=0.1))
        assert found.contamination.value == pytest.approx(0.1, abs=0.01)
        assert abs(found.foreign.value) < 0.01

    def test_no_odd_read_is_no_proof_of_none(self):
        found = judge(0.1, 8, SOUND, n_chromosomes=1, n_sites=30_000)
        for one in (found.foreign, found.misfit):
            assert one.error > 1e-3

    def test_a_mother_alone(self):
        found = judge(1.0, 5, SOUND, known=(True, False))
        assert found.relationship_mother.value == pytest.approx(1.0, abs=0.2)
        for one in (found.relationship_father, found.foreign, found.contamination):
            assert np.isnan(one.value)
        assert "father" not in embryo_verdict.verdict(found, LIMITS)[1]

    def test_no_parent(self):
        """What needs a parent is not known, and the embryo is not failed for it."""
        found = judge(5.0, 5, SOUND, known=(False, False))
        assert np.isnan(found.maternal_share)
        for one in (
            *(found.relationship_mother, found.relationship_father),
            *(found.relationship_sum, found.foreign, found.misfit),
            *(found.contamination, found.chromosomes[0].maternal_share),
        ):
            assert np.isnan(one.value)
        assert found.depth == pytest.approx(5.0 * 0.8, rel=0.15)
        assert embryo_verdict.verdict(found, LIMITS) == ("pass", "", [])

    def test_no_parent_and_a_chromosome_of_three_copies(self):
        """Nothing but its depth tells of it: a warning."""
        sound = judge(5.0, 7, SOUND, known=(False, False)).chromosomes
        assert len({one.chrom for one in sound}) == 3
        odd = Copies(mother="both")
        found = judge(5.0, 7, odd, SOUND, known=(False, False))
        status, reason, flagged = embryo_verdict.verdict(found, LIMITS)
        assert (status, flagged) == ("warn", ["chr1"])
        assert "of the other chromosomes'" in reason

    def test_a_few_reads_say_nothing(self):
        found = judge(2e-4, 6, SOUND)
        assert np.isnan(found.relationship_mother.value)
        status, reason, _ = embryo_verdict.verdict(found, LIMITS)
        assert status == "warn"
        assert "too few reads to check" in reason


def record(**changes):
    begin = amplification.start(
        amplification.Preset(0.16, 2.0, 1e4), 1, 11, 0.003, 0.004, 0.003, 0.002
    )
    nothing = dict.fromkeys(amplification.Amplification.measured)
    good = amplification_record.Record("E1", begin, 0.15, 0.3, nothing, True, 9, 10, 10)
    return replace(good, **changes)


def measures(chromosomes=None, **changes):
    good = Measures(
        record=record(),
        depth=1.0,
        breadth=0.6,
        maternal_share=0.5,
        contamination=Estimate(0.001, 0.002),
        foreign=Estimate(0.0, 0.002),
        misfit=Estimate(0.003, 0.001),
        relationship_mother=Estimate(1.0, 0.02),
        relationship_father=Estimate(0.98, 0.02),
        relationship_sum=Estimate(1.98, 0.01),
        known=(True, True),
        chromosomes=tuple(chromosomes or [chromosome()]),
    )
    return replace(good, **changes)


def chromosome(name="chr1", **changes):
    sound = ChromosomeMeasure(name, Estimate(1.0, 0.02), Estimate(0.5, 0.02), 3.0, 3.0)
    return replace(sound, **changes)


class TestVerdict:
    def test_a_good_embryo_passes(self):
        assert embryo_verdict.verdict(measures(), LIMITS) == ("pass", "", [])

    @pytest.mark.parametrize(
        ("changes", "status", "words"),
        [
            (
                {
                    "relationship_father": Estimate(0.1, 0.05),
                    "relationship_sum": Estimate(1.1, 0.05),
                },
                "fail",
                "not shown to be an embryo of the father",
            ),
            (
                {
                    "relationship_father": Estimate(0.1, 0.5),
                    "relationship_sum": Estimate(1.1, 0.5),
                },
                "warn",
                "descent from the father is not sure",
            ),
            (
                # Dropout that favours one parent in a short genome.
                {
                    "relationship_mother": Estimate(1.4, 0.2),
                    "relationship_father": Estimate(0.65, 0.2),
                },
                "pass",
                "",
            ),
            ({"relationship_mother": Estimate(2.0, 0.05)}, "fail", "too much of the"),
            ({"contamination": Estimate(0.2, 0.01)}, "fail", "20.0% of the reads"),
            ({"contamination": Estimate(0.05, 0.01)}, "warn", "5.0% of the reads"),
            ({"contamination": Estimate(0.05, 0.02)}, "pass", ""),
            ({"foreign": Estimate(0.1, 0.01)}, "fail", "from outside the family"),
            ({"foreign": Estimate(0.05, 0.01)}, "warn", "from outside the family"),
            ({"misfit": Estimate(0.1, 0.01)}, "warn", "contradict the alleles"),
            ({"depth": 0.001}, "warn", "depth 0.001x"),
            ({"breadth": 0.0}, "fail", "no reads"),
            ({"record": record(dropout=0.7)}, "warn", "allele dropout 70%"),
            ({"record": record(converged=False)}, "warn", "did not converge"),
        ],
    )
    def test_rules(self, changes, status, words):
        found = embryo_verdict.verdict(measures(**changes), LIMITS)
        assert found[0] == status
        assert words in found[1]
        assert bool(found[1]) == (status != "pass")

    def test_one_that_reads_badly(self):
        noisy = replace(record().amplification, error_damage=0.06)
        status, reason, _ = embryo_verdict.verdict(
            measures(record=record(amplification=noisy)), LIMITS
        )
        assert (status, reason) == ("fail", "read error rate 0.060, at most 0.05")

    @pytest.mark.parametrize(
        ("changes", "status"),
        [
            ({"maternal_share": Estimate(0.66, 0.02)}, "fail"),
            ({"maternal_share": Estimate(0.66, 0.05)}, "pass"),
            ({"depth": Estimate(1.5, 0.02)}, "warn"),
            ({"depth": Estimate(1.5, 0.2)}, "pass"),
            ({"flips": 40.0}, "warn"),
            ({"flips": 40.0, "depth": Estimate(1.5, 0.02)}, "fail"),
        ],
    )
    def test_an_odd_chromosome(self, changes, status):
        rows = [chromosome(f"chr{n}") for n in range(1, 22)]
        rows.append(chromosome("chr22", **changes))
        found = embryo_verdict.verdict(measures(rows), LIMITS)
        assert found[0] == status
        assert found[2] == ([] if status == "pass" else ["chr22"])

    def test_of_two_chromosomes_neither_is_off_in_depth(self):
        two = [chromosome(), chromosome("chr2", depth=Estimate(2.0, 0.02))]
        assert embryo_verdict.verdict(measures(two), LIMITS)[2] == []

    @pytest.mark.parametrize(
        ("ln_odds", "status", "words", "flagged"),
        [
            ([30.0, 25.0], "pass", "", []),
            ([2.0, 3.0], "warn", "not sure to be a sibling", []),
            ([-6.0, -6.0], "fail", "check for swapped samples", []),
            ([40.0, -30.0], "fail", "chr2: no sibling of", ["chr2"]),
        ],
    )
    def test_siblings_without_parents(self, ln_odds, status, words, flagged):
        rows = [
            chromosome(f"chr{n}", sibling_ln_odds=one)
            for n, one in enumerate(ln_odds, start=1)
        ]
        found = embryo_verdict.verdict(measures(rows), LIMITS)
        assert (found[0], found[2]) == (status, flagged)
        assert words in found[1]
