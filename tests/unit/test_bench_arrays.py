"""The benchmark's arrays: which markers they have, and what they show."""

from __future__ import annotations

import subprocess

import numpy as np
import pytest

from bench import array_chips

HEAD = """\
##fileformat=VCFv4.2
##contig=<ID=chr1,length=100000>
##INFO=<ID=AF,Number=A,Type=Float,Description="Frequency">
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tM1
"""


@pytest.fixture
def panel(tmp_path):
    sites = [
        (1000, "A", "G", 0.3, "0|1"),
        (1500, "A", "C", 0.01, "1|1"),  # rare
        (6000, "A", "T", 0.3, "1|1"),  # strand not told
        (6500, "C", "CA", 0.3, "0|1"),  # no SNV
        (7000, "C", "T", 0.95, "1|1"),
        (8000, "G", "T", 0.2, "0|0"),
    ]
    text = "".join(
        f"chr1\t{pos}\t.\t{ref}\t{alt}\t.\t.\tAF={af}\tGT\t{gt}\n"
        for pos, ref, alt, af, gt in sites
    )
    (tmp_path / "panel.vcf").write_text(HEAD + text)
    return tmp_path / "panel.vcf"


def test_one_common_snv_a_window(panel):
    found = array_chips.choose_markers(panel, "chr1", 5000, 0.05, seed=1)
    assert found.pos_bp[0] == 1000
    assert len(found.pos_bp) == 2
    assert found.pos_bp[1] in (7000, 8000)


def test_genotypes_are_the_truth_but_for_the_asked_errors():
    alleles = np.random.default_rng(1).integers(0, 2, (100_000, 2)).astype(np.int8)
    shown = array_chips.unamplified(np.random.default_rng(2), alleles)
    true = [array_chips.GENOTYPES[n] for n in alleles.sum(axis=1)]
    no_call = np.mean([one == "./." for one in shown])
    wrong = np.mean(
        [one not in (two, "./.") for one, two in zip(shown, true, strict=True)]
    )
    assert no_call == pytest.approx(array_chips.NO_CALL, rel=0.2)
    assert wrong == pytest.approx(array_chips.WRONG, rel=0.3)


def test_the_file_has_the_genotypes(panel, tmp_path):
    markers = array_chips.choose_markers(panel, "chr1", 500, 0.05, seed=1)
    alleles = array_chips.alleles_at(panel, "M1", markers)
    assert alleles.tolist() == [[0, 1], [1, 1], [0, 0]]
    (tmp_path / "genome.fa.fai").write_text("chr1\t100000\t6\t60\t61\n")
    array_chips.write_array(
        tmp_path / "a.vcf",
        tmp_path / "genome.fa.fai",
        markers,
        "M1",
        array_chips.Shown(["0/1"] * 3),
    )
    query = ["bcftools", "query", "-f", "%POS %REF %ALT[ %GT]\n", tmp_path / "a.vcf"]
    done = subprocess.run(query, check=True, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["1000 A G 0/1", "7000 C T 0/1", "8000 G T 0/1"]


def test_an_amplified_embryo_shows_the_share_of_alt():
    rng = np.random.default_rng(3)
    reads = np.repeat([[300, 0], [150, 150], [60, 240], [0, 0]], 20_000, axis=0)
    shown = array_chips.amplified(rng, reads, has_fractions=True)
    alt = shown.alt.reshape(4, -1)
    assert np.median(alt[:3], axis=1) == pytest.approx([0, 0.5, 0.8], abs=0.02)
    assert np.isnan(alt[3]).all()
    spread = np.percentile(alt[1], [16, 84])
    assert (spread[1] - spread[0]) / 2 == pytest.approx(array_chips.NOISE, rel=0.1)
    genotypes = np.array(shown.genotypes).reshape(4, -1)
    assert (genotypes[0] == "0/0").mean() > 0.93
    assert (genotypes[1] == "0/1").mean() > 0.93
    assert (genotypes[2] == "1/1").mean() > (genotypes[2] == "0/1").mean()
    assert (genotypes[3] == "./.").all()
    assert (genotypes[2] == "./.").mean() > 0.2


def test_b_is_either_allele_in_the_file(panel, tmp_path):
    markers = array_chips.choose_markers(panel, "chr1", 500, 0.05, seed=1)
    (tmp_path / "genome.fa.fai").write_text("chr1\t100000\t6\t60\t61\n")
    shown = array_chips.Shown(["0/0", "0/1", "./."], np.array([0.1, 0.6, np.nan]))
    path = tmp_path / "a.vcf"
    array_chips.write_array(path, tmp_path / "genome.fa.fai", markers, "E1", shown)
    query = ["bcftools", "query", "-f", "%ALLELE_B[ %GT %BAF]\n", path]
    done = subprocess.run(query, check=True, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["A* 0/0 0.9", "T 0/1 0.6", "G* ./. ."]
