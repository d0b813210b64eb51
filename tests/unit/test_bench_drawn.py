"""Counts of independent sites for the correction, and the table over couples."""

from __future__ import annotations

import numpy as np
import pysam
import pytest

import correct_drawn
from bench import drawn_family
from bench.truth import Row
from morula.parental_alleles import Sites


def test_amounts_are_lost_at_a_fifth_of_the_sites():
    rng = np.random.default_rng(1)
    pos_bp = np.arange(1, 30_000_001, 1000)
    amount = drawn_family.amplified(rng, int(pos_bp[-1]), pos_bp)
    lost = amount == 0
    one = (lost.sum(axis=1) == 1).mean()
    assert one == pytest.approx(0.18, abs=0.02)
    assert amount.mean() == pytest.approx(0.9, abs=0.05)


def test_counts_show_the_share_and_the_errors():
    rng = np.random.default_rng(2)
    alleles = np.tile([0, 1], (20_000, 1)).astype(np.int8)
    amount = np.tile([3.0, 1.0], (20_000, 1))
    counts = drawn_family.counts_of(rng, 10.0, alleles, amount, 0.1)
    assert counts.sum() / len(counts) == pytest.approx(20.0, rel=0.02)
    shown = counts[:, 1].sum() / counts.sum()
    assert shown == pytest.approx(0.25 * 0.9 + 0.75 * 0.1, abs=0.005)


def test_the_sites_of_counts_come_back(tmp_path):
    letters = np.array(["A", "C"], dtype=object), np.array(["G", "CT"], dtype=object)
    sites = Sites(np.array([10, 20]), *letters)
    (tmp_path / "genome.fa.fai").write_text("chr1\t1000\t6\t60\t61\n")
    path, counts = tmp_path / "E1.bcf", np.array([[3, 0], [1, 2]])
    fai = tmp_path / "genome.fa.fai"
    drawn_family.write_counts(path, "E1", fai, "chr1", sites, counts)
    found = correct_drawn.sites_of(path)
    assert found.pos_bp.tolist() == [10, 20]
    assert list(found.alt) == ["G", "CT"]
    with pysam.VariantFile(str(path)) as handle:
        assert [one.samples[0]["AD"] for one in handle] == [(3, 0), (1, 2)]


def test_table_over_couples():
    row = Row("all", "genotype_accuracy", "parent_het", 0.9, 100)
    other = Row("all", "genotype_accuracy", "parent_het", 0.8, 300)
    (one,) = correct_drawn.table_rows({("true", 0.05, "right"): [row, other]})
    assert one["value"] == "0.82500"  # pooled: couples have more and fewer sites
    assert (one["depth"], one["couples"], one["n"]) == ("0.05", 2, 400)
    assert float(one["low"]) < 0.825 < float(one["high"])
