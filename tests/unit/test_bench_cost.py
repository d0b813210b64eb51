"""The drawn family on which correction's cost is measured, and its table."""

from __future__ import annotations

import numpy as np
import pytest

import family_cost
import peer_cost
from bench import drawn_family
from bench.drawn_family import Size, draw_parents, write_family
from morula import allele_counts, family_sites, parental_alleles
from time_methods import Cost

SIZE = Size("chr1", 2_000_000, 20_000, 1500, 30.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("family")
    write_family(np.random.default_rng(1), path, SIZE, ["E1", "E2"])
    return path


def test_the_parents_have_the_asked_hets(folder):
    family = family_sites.load(folder / "family.npz")
    assert len(family.sites.pos_bp) == 20_000
    for parent in family.parents:
        assert parent.is_phased_het.sum() == pytest.approx(1500, rel=0.1)
        np.testing.assert_allclose(parent.orders.sum(axis=1), 1.0)
        assert (parent.switch > 0).sum() == parent.is_phased_het.sum()
        het = parent.orders[parent.is_phased_het]
        assert np.sort(het, axis=1)[:, -2] == pytest.approx(drawn_family.FLIP, abs=1e-3)
    phases = parental_alleles.read_phase(
        folder / "phased.bcf", list(drawn_family.PARENTS), family.sites
    )
    for name, parent in zip(drawn_family.PARENTS, family.parents, strict=True):
        het = parent.is_phased_het
        assert (phases[name].alleles[het, 1] == parent.orders[het].argmax(1) % 2).all()


def test_counts_are_of_children_of_the_parents(folder):
    family = family_sites.load(folder / "family.npz")
    mother, father = (parent.alleles.mean(axis=1) for parent in family.parents)
    for name in ("E1", "E2"):
        counts = allele_counts.read_counts(
            folder / f"{name}.counts.bcf", "chr1", family.sites
        )
        assert counts.sum(axis=1).mean() == pytest.approx(27, rel=0.1)
        alt = counts[:, 1] / np.maximum(counts.sum(axis=1), 1)
        both_ref = (mother < 0.01) & (father < 0.01)
        assert alt[both_ref].mean() < 0.01
        opposite = (mother > 0.99) & (father < 0.01)
        seen = alt[opposite & (counts.sum(axis=1) > 10)]
        assert seen.mean() == pytest.approx(0.5, abs=0.1)
        # Alleles are lost over whole stretches.
        assert 0.02 < (seen < 0.02).mean() < 0.2
    one, other = (
        allele_counts.read_counts(folder / f"{n}.counts.bcf", "chr1", family.sites)
        for n in ("E1", "E2")
    )
    assert (one != other).any()


def test_a_family_is_drawn_alike_for_the_same_seed():
    first, second = (draw_parents(np.random.default_rng(4), SIZE) for _ in range(2))
    assert (first.alleles == second.alleles).all()
    assert (first.sites.pos_bp == second.sites.pos_bp).all()


def test_the_row_extrapolates_to_a_genome(tmp_path):
    size = Size("chr1", family_cost.GENOME_BP // 10, 100, 10, 30.0)
    job = family_cost.Job(tmp_path, size, ["E1", "E2"], 1)
    costs = [Cost(10.0, 8.0, 300.0), Cost(14.0, 16.0, 200.0)]
    row = job.row("some.py", 2, family_cost.mean_cost(costs))
    assert float(row["cpu_s"]) == 12
    assert float(row["max_rss_mb"]) == 300
    assert float(row["genome_cpu_min"]) == pytest.approx(2.0)


@pytest.mark.parametrize("only_informative", [False, True])
def test_peers_get_the_same_family(folder, only_informative):
    job = family_cost.Job(folder, SIZE, ["E1", "E2"], 1)
    case = peer_cost.case_of(job, only_informative)
    family = family_sites.load(folder / "family.npz")
    rows = np.arange(len(family.sites.pos_bp))
    if only_informative:
        rows = np.flatnonzero(family_sites.is_informative(family))
        assert 0.1 < len(rows) / 20_000 < 0.2
    assert (case.pos_bp == family.sites.pos_bp[rows]).all()
    for parent, alleles in zip(family.parents, case.phased, strict=True):
        assert (np.abs(parent.alleles[rows] - alleles) < 0.01).all()
    path = folder / "E2.counts.bcf"
    counts = allele_counts.read_counts(path, "chr1", family.sites)
    assert (case.counts[1] == counts[rows]).all()
