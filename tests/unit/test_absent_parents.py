"""Siblings without parents, from reads to the joint posterior: more is right together
than of each by itself, and a stranger's reads stay out."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from drawn_embryo import embryo
from morula import (
    absent_parents,
    amplification,
    copying,
    embryo_evidence,
    family_input,
    family_sampling,
)
from morula.absent_parents import Members
from morula.family_sampling import Schedule
from morula.family_sites import FamilySites
from morula.panel_bits import PanelBits
from morula.parental_alleles import Sites, absent_parent

N_SITES, N_PANEL, MAX_DEPTH, OUTLIER = 2400, 60, 50.0, 0.003


def haplotypes(rng, n):
    """Mosaics of thirty ancestral haplotypes, (L, n)."""
    ancestors = rng.random((N_SITES, 30)) < rng.uniform(0.05, 0.6, (N_SITES, 1))
    turns = rng.random((N_SITES, n)) < 0.01
    source = rng.integers(0, 30, (N_SITES, n))
    for s in range(1, N_SITES):
        source[s] = np.where(turns[s], source[s], source[s - 1])
    return np.take_along_axis(ancestors, source, axis=1).astype(np.uint8)


@pytest.fixture(scope="module")
def world():
    """Four siblings of two founders and a stranger, at two reads a site, amplified."""
    rng = np.random.default_rng(7)
    pos_bp = np.cumsum(rng.integers(800, 1200, N_SITES))
    cm = pos_bp / 1e6
    found = haplotypes(rng, N_PANEL + 8)
    gap = np.diff(cm, prepend=cm[0])
    founders = [found[:, N_PANEL + 2 * k : N_PANEL + 2 * k + 2] for k in range(4)]
    couples = [founders[:2]] * 4 + [founders[2:]]
    embryos = [embryo(*couple, pos_bp, gap, 2.0, rng) for couple in couples]
    sites = Sites(pos_bp, np.full(N_SITES, "A"), np.full(N_SITES, "G"))
    bits = np.packbits(found[:, :N_PANEL], axis=1)
    panel = PanelBits(sites, np.full(N_SITES, "."), bits, N_PANEL)
    frequency = np.clip(panel.frequency(), 0.005, 0.995)
    absent = absent_parent(frequency)
    family = FamilySites(
        sites, frequency, np.stack([cm, cm]), (absent, absent), (False, False)
    )
    preset = amplification.Preset(0.2, 2.0, 10_000.0)
    learnt = amplification.start(preset, 1, 9, 0.005, 0.005, 0.003, 0.0)
    return SimpleNamespace(family=family, panel=panel, embryos=embryos, learnt=learnt)


def members_of(world, numbers):
    reads = [world.embryos[i].counts.astype(float) for i in numbers]
    rows = family_input.informative(world.family)
    learnt = [world.learnt] * len(numbers)
    return Members(world.family, rows, reads, learnt, MAX_DEPTH, OUTLIER)


def stand_in(world, numbers, rng):
    members = members_of(world, numbers)
    embryos = [
        family_input.embryo_of(
            world.family, members.rows, reads, world.learnt, MAX_DEPTH, OUTLIER
        )
        for reads in members.reads
    ]
    return members, absent_parents.find(members, embryos, world.panel, rng)


def right(world, numbers, genotypes, rows):
    """Share of right genotypes of each embryo; genotypes: (E, N, 3)."""
    truth = [world.embryos[i].alleles.sum(axis=1)[rows] for i in numbers]
    return np.array(
        [(g.argmax(axis=1) == t).mean() for g, t in zip(genotypes, truth, strict=True)]
    )


def test_siblings_together_are_better_than_each_alone(world):
    numbers = [0, 1, 2, 3]
    rng = np.random.default_rng(1)
    members, found = stand_in(world, numbers, rng)
    assert (found.ln_odds > 10).all()
    schedule = Schedule(10, 24, 0.0, 10)
    chain = family_input.chain_of(world.family, members.rows)
    joint = family_sampling.sample_family(
        chain, found.embryos, schedule, rng, absent=found.absent
    )
    ordered = joint.genotypes
    together = np.stack(
        [ordered[..., 0], ordered[..., 1] + ordered[..., 2], ordered[..., 3]], axis=-1
    )
    np.testing.assert_allclose(together.sum(axis=-1), 1.0, atol=1e-5)
    alone = []
    for reads in members.reads:
        shown = embryo_evidence.evidence(
            world.panel.sites,
            world.panel.frequency(),
            reads,
            world.learnt,
            MAX_DEPTH,
            OUTLIER,
        )
        place_cm = world.family.cm[0]
        one = copying.impute(world.panel, place_cm, shown, copying.AMPLIFIED, rng)
        alone.append(one.genotypes[members.rows])
    gain = right(world, numbers, together, members.rows) - right(
        world, numbers, alone, members.rows
    )
    assert gain.mean() > 0.01
    # A genotype that is said to be sure is right.
    sure = together.max(axis=-1) > 0.99
    truth = np.stack(
        [world.embryos[i].alleles.sum(axis=1)[members.rows] for i in numbers]
    )
    assert sure.mean() > 0.5
    assert (together.argmax(axis=-1) == truth)[sure].mean() > 0.98


def test_a_stranger_is_left_out(world):
    members, found = stand_in(world, [0, 1, 4, 2], np.random.default_rng(2))
    assert found.ln_odds[2] < -10
    assert (np.delete(found.ln_odds, 2) > 10).all()
    assert not found.embryos[2].has_reads.any()
    for one in (0, 1, 3):
        assert found.embryos[one].has_reads.any()
    assert found.absent.vectors.shape == (4, len(members.rows))


def test_one_embryo_has_no_odds_and_no_panel_no_stand_in(world):
    rng = np.random.default_rng(3)
    members, found = stand_in(world, [0], rng)
    assert found.ln_odds is None
    without = absent_parents.find(members, found.embryos, None, rng)
    assert without.absent.followers == ()
