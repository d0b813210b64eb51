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
        tmp_path / "a.vcf", tmp_path / "genome.fa.fai", markers, "M1", ["0/1"] * 3
    )
    query = ["bcftools", "query", "-f", "%POS %REF %ALT[ %GT]\n", tmp_path / "a.vcf"]
    done = subprocess.run(query, check=True, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["1000 A G 0/1", "7000 C T 0/1", "8000 G T 0/1"]
