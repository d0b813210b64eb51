"""Reads that are aligned and counted, and counts made at once, agree in distribution.

Both modes sequence the same molecules (same seed) with fragments of their own: what is
left between them is the noise of sequencing. Each measure is compared over blocks of
the genome: the mean difference over its standard error. The same measures must tell a
mode that is changed in one number apart.

Shapes: L sites.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from both_modes import (
    Case,
    World,
    at_once,
    make_world,
    of_reads,
    standard_errors,
)
from morula.simulation import counts as count_mode
from simulated_reads import contaminant_flags, needs_aligner

pytestmark = needs_aligner

# Differences of block means that fixed seeds must not exceed, in standard errors.
LIMIT = 4.0
AMPLIFIED = (
    "--amplification MDA --duplicate-rate 0.1 --set amplicon_bp 1500"
    " --set dropout_rate 0.15 --set locus_dropout_rate 0.05 --set regional_sd 0.3"
    " --set chimera_rate 0.1 --set chimera_bp 1000 --set damage_rate 0.004"
    " --set clonal_error_rate 0.002 --insert-mean 220 --insert-sd 60"
)
POOLED = (
    "--amplification PTA --cells 3 --duplicate-rate 0.03 --set amplicon_bp 1000"
    " --insert-mean 130 --insert-sd 30"
)
FOREIGN = 0.15


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> World:
    return make_world(tmp_path_factory.mktemp("agreement"))


@pytest.fixture(scope="module")
def amplified(world, tmp_path_factory) -> Case:
    """One cell, with all that may befall it."""
    out = tmp_path_factory.mktemp("amplified")
    return Case(
        AMPLIFIED, of_reads(world, out, AMPLIFIED), at_once(world, out, AMPLIFIED)
    )


@pytest.fixture(scope="module")
def pooled(world, tmp_path_factory) -> Case:
    """Three cells and a contaminant; fragments so short that reads pass their end."""
    out = tmp_path_factory.mktemp("pooled")
    extra = POOLED + contaminant_flags(world.folder, "M1", FOREIGN)
    return Case(extra, of_reads(world, out, extra), at_once(world, out, extra))


@pytest.mark.parametrize("case", ["amplified", "pooled"])
class TestAgreement:
    def test_all_measures_agree(self, world, case, request):
        made: Case = request.getfixturevalue(case)
        apart = standard_errors(world, made.reads, made.counts)
        assert {n: z for n, z in apart.items() if abs(z) > LIMIT} == {}, apart

    def test_qualities_agree(self, world, case, request):
        made: Case = request.getfixturevalue(case)
        means = [
            one.quality.sum() / one.depth.sum() for one in (made.reads, made.counts)
        ]
        # The pileup lowers the sum of two mates' qualities beside a bad base (its
        # --delta-BQ), which the counts mode does not see: some tenths of a per cent.
        assert means[0] == pytest.approx(means[1], rel=0.007)

    def test_distributions_agree(self, world, case, request):
        made: Case = request.getfixturevalue(case)
        het = world.alleles.sum(axis=1) == 1
        # Every eighth site: farther apart than the fragments.
        for values in (lambda one: one.depth[::8], lambda one: one.alt_share[het][::8]):
            found = stats.ks_2samp(values(made.reads), values(made.counts))
            assert found.pvalue > 0.001

    def test_depths_differ_by_the_noise_of_sequencing_alone(self, world, case, request):
        made: Case = request.getfixturevalue(case)
        apart = made.reads.depth - made.counts.depth
        total = made.reads.depth + made.counts.depth
        # Two Poisson numbers of one mean; the variance of each alone is larger.
        assert apart.var() / total.mean() == pytest.approx(1.0, abs=0.08)
        assert made.reads.depth.var() / made.reads.depth.mean() > 1.5
        assert np.corrcoef(made.reads.depth, made.counts.depth)[0, 1] > 0.35


@pytest.mark.parametrize(
    ("change", "measures"),
    [
        ("--set dropout_rate 0.3", {"dropout", "imbalance at hets"}),
        ("--set locus_dropout_rate 0.15", {"no reads"}),
        ("--set amplicon_bp 400", {"hets 600 bases apart"}),
        ("--set imbalance_sd 1.0", {"imbalance at hets", "neighbouring hets"}),
        ("--set damage_rate 0.03", {"false alt"}),
        ("--set clonal_error_rate 0.02", {"false ref", "repeated false alt"}),
        ("--set chimera_rate 0.3", {"strand"}),
        ("--error-rate 0.008", {"depth"}),
        ("--duplicate-rate 0.15", {"depth", "squared depth"}),
        ("--min-base-quality 10", {"depth"}),
    ],
)
def test_a_change_of_one_mode_is_seen(world, amplified, tmp_path, change, measures):
    changed = at_once(world, tmp_path, f"{AMPLIFIED} {change}")
    apart = standard_errors(world, amplified.reads, changed)
    assert {name: apart[name] for name in measures if abs(apart[name]) <= LIMIT} == {}


@pytest.fixture(scope="module")
def indels(tmp_path_factory) -> World:
    return make_world(tmp_path_factory.mktemp("indels"), indels=True)


@pytest.fixture(scope="module")
def counted(indels, tmp_path_factory) -> Case:
    """Indels with the sequencer's slips alone: those of polymerases are in the counts
    mode only."""
    out = tmp_path_factory.mktemp("amplified_indels")
    reads = of_reads(indels, out, AMPLIFIED)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(count_mode, "INDEL_ERROR", 0.0)
        return Case(AMPLIFIED, reads, at_once(indels, out, AMPLIFIED))


class TestIndels:
    """The same at indels, half of them in runs of one base."""

    def test_all_measures_agree(self, indels, counted):
        apart = standard_errors(indels, counted.reads, counted.counts)
        assert {n: z for n, z in apart.items() if abs(z) > LIMIT} == {}, apart
        assert counted.reads.depth.mean() > 10

    def test_fewer_reads_span_an_indel_than_show_an_snv(
        self, world, counted, amplified
    ):
        for one, other in (
            (counted.reads, amplified.reads),
            (counted.counts, amplified.counts),
        ):
            assert 0.7 < one.depth.mean() / other.depth.mean() < 0.95

    def test_slips_are_seen(self, indels, counted, tmp_path):
        slipped = at_once(indels, tmp_path, AMPLIFIED)
        apart = standard_errors(indels, counted.reads, slipped)
        assert abs(apart["false alt"]) > LIMIT
        hom = indels.alleles.sum(axis=1) == 2
        wrong = slipped.reads[hom, 0].sum() / slipped.depth[hom].sum()
        assert wrong == pytest.approx(count_mode.INDEL_ERROR, rel=0.4)


def test_less_contamination_of_one_mode_is_seen(world, pooled, tmp_path):
    extra = POOLED + contaminant_flags(world.folder, "M1", 0.8 * FOREIGN)
    changed = at_once(world, tmp_path, extra)
    apart = standard_errors(world, pooled.reads, changed)
    assert abs(apart["foreign alt"]) > LIMIT
