"""Quality measures against simulated truth, and the verdict's rules."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from drawn_embryo import embryo
from morula import embryo_qc
from morula.embryo_qc import ChromosomeMeasure, Estimate, Measures, Thresholds
from morula.family_sites import FamilySites
from morula.parental_alleles import Parent, Sites

N_SITES = 20_000
LIMITS = Thresholds(
    min_depth=0.002,
    max_error=0.05,
    max_dropout=0.6,
    warn_contamination=0.02,
    fail_contamination=0.1,
    relationship_low=0.6,
    relationship_high=1.5,
    max_share_deviation=0.1,
    max_depth_deviation=0.35,
    max_flip_ratio=3.0,
)


def evidence(depth, true_father=None, known=(True, True), **how):
    """An embryo of the mother and `true_father` (default: the father), on his paper."""
    rng = np.random.default_rng(1)
    frequency = rng.beta(0.5, 1.5, N_SITES)
    people = [
        (rng.random((N_SITES, 2)) < frequency[:, None]).astype(int) for _ in "mfs"
    ]
    mother, father = people[0], people[1]
    source = people[2] if true_father == "stranger" else father
    pos_bp = np.arange(1, N_SITES + 1) * 200
    gap_cm = np.full(N_SITES, 2e-4)
    true = embryo(mother, source, pos_bp, gap_cm, depth, rng, **how)
    parents = [
        Parent(one.astype(float), one[:, 0] != one[:, 1], one.sum(axis=1).astype(float))
        for one in (mother, father)
    ]
    letters = np.full(N_SITES, "A")
    family = FamilySites(
        Sites(pos_bp, letters, letters),
        frequency,
        np.stack([np.cumsum(gap_cm)] * 2),
        (parents[0], parents[1]),
        known,
    )
    return embryo_qc.Evidence(
        "chr1",
        family,
        true.counts.astype(float),
        np.eye(4)[true.vectors],
        true.share,
        0.02,
        (1.0, 1.0),
        (1.0, 1.0),
    )


class TestRelationship:
    @pytest.mark.parametrize("depth", [0.05, 1.0, 30.0])
    def test_parents_have_one(self, depth):
        for found in embryo_qc.relationship([evidence(depth)], 0.005):
            assert found.value == pytest.approx(1.0, abs=max(4 * found.error, 0.05))
            assert found.error < 0.2

    @pytest.mark.parametrize("depth", [0.05, 1.0, 30.0])
    def test_a_stranger_has_none(self, depth):
        shown = evidence(depth, true_father="stranger")
        mother, father = embryo_qc.relationship([shown], 0.005)
        assert mother.value == pytest.approx(1.0, abs=max(4 * mother.error, 0.05))
        assert father.value == pytest.approx(0.0, abs=max(4 * father.error, 0.05))

    def test_one_known_parent(self):
        shown = evidence(1.0, known=(True, False))
        mother, father = embryo_qc.relationship([shown], 0.005)
        assert mother.value == pytest.approx(1.0, abs=0.1)
        assert math.isnan(father.value)

    def test_a_few_reads_say_nothing(self):
        assert math.isnan(embryo_qc.relationship([evidence(1e-4)], 0.005)[0].value)


class TestContamination:
    @pytest.mark.parametrize("share", [0.0, 0.05, 0.2])
    def test_is_found(self, share):
        found = embryo_qc.contamination([evidence(10.0, contamination=share)])
        assert found.value == pytest.approx(share, abs=4 * found.error + 0.01 * share)
        assert found.error < 0.01


def measures(chromosomes=None, **changes):
    good = Measures(
        embryo="E1",
        depth=1.0,
        breadth=0.6,
        ado_rate=0.15,
        imbalance=0.4,
        error_rate=0.003,
        error_rate_damage=0.004,
        maternal_share=0.5,
        contamination=Estimate(0.001, 0.002),
        relationship_mother=Estimate(1.0, 0.02),
        relationship_father=Estimate(0.98, 0.02),
        has_mother=True,
        has_father=True,
        converged=True,
        chromosomes=tuple(chromosomes or [chromosome()]),
    )
    return replace(good, **changes)


def chromosome(name="chr1", **changes):
    return replace(ChromosomeMeasure(name, 1.0, 0.02, 0.5, 0.02, 3.0, 3.0), **changes)


class TestVerdict:
    def test_a_good_embryo_passes(self):
        assert embryo_qc.verdict(measures(), LIMITS) == ("pass", "", [])

    @pytest.mark.parametrize(
        ("changes", "status", "words"),
        [
            ({"relationship_father": Estimate(0.1, 0.05)}, "fail", "of the father"),
            ({"relationship_mother": Estimate(0.3, 0.5)}, "fail", "of the mother"),
            ({"relationship_mother": Estimate(2.0, 0.1)}, "fail", "the mother's DNA"),
            ({"relationship_mother": Estimate(0.9, 0.3)}, "warn", "is not sure"),
            (
                {"relationship_mother": Estimate(math.nan, math.nan)},
                "warn",
                "too few reads",
            ),
            ({"contamination": Estimate(0.05, 0.005)}, "warn", "the mother's own"),
            ({"contamination": Estimate(0.3, 0.01)}, "fail", "the mother's own"),
            ({"contamination": Estimate(0.3, 0.2)}, "pass", ""),
            ({"error_rate_damage": 0.08}, "fail", "error rate 0.080"),
            ({"depth": 0.0}, "fail", "no reads"),
            ({"depth": 0.001}, "warn", "below 0.002x"),
            ({"ado_rate": 0.7}, "warn", "dropout 70%"),
            ({"converged": False}, "warn", "did not converge"),
        ],
    )
    def test_each_reason(self, changes, status, words):
        found = embryo_qc.verdict(measures(**changes), LIMITS)
        assert found[0] == status
        assert words in found[1]

    def test_a_chromosome_from_one_parent_only_fails(self):
        rows = [chromosome("chr1"), chromosome("chr2", maternal_share=0.97)]
        status, reason, flagged = embryo_qc.verdict(measures(rows), LIMITS)
        assert (status, flagged) == ("fail", ["chr2"])
        assert "chr2: maternal share 0.97" in reason

    def test_an_odd_depth_is_flagged_where_the_others_agree(self):
        rows = [chromosome(f"chr{i}") for i in range(1, 5)]
        rows.append(chromosome("chr5", depth=0.5))
        status, reason, flagged = embryo_qc.verdict(measures(rows), LIMITS)
        assert (status, flagged) == ("warn", ["chr5"])
        assert "depth 0.50" in reason
        two = [chromosome("chr1"), chromosome("chr2", depth=0.5)]
        assert embryo_qc.verdict(measures(two), LIMITS)[2] == []

    def test_too_many_turns_are_flagged(self):
        rows = [chromosome(flips=40.0)]
        status, reason, _ = embryo_qc.verdict(measures(rows), LIMITS)
        assert status == "warn"
        assert "40 changes of haplotype" in reason

    def test_measures_survive_json(self):
        once = measures()
        assert embryo_qc.measures_from_dict(once.as_dict()) == once
