"""Parents that are given as VCF: the right file passes, others are refused."""

import gzip
from pathlib import Path

import pysam
import pytest

from input_world import build, check, message, replace, write_vcf


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    build(tmp_path)
    return tmp_path


def parents_by_vcf(samples, genotypes=("0/1", "1/1", "./."), **more) -> None:
    """M1 is given as VCF."""
    replace(Path("units.tsv"), "fq2\tbam", "fq2\tbam\tvcf")
    replace(Path("units.tsv"), "M1_1.fq.gz\tM1_2.fq.gz\t", "\t\t\tm.vcf.gz")
    replace(Path("config.yaml"), "[chr20, chr21]", "[chr20]")
    write_vcf(Path("m.vcf.gz"), "chr20", samples, genotypes, **more)


@pytest.mark.parametrize("samples", [["M1"], ["somebody"], ["X", "M1"]])
def test_parent_by_vcf(folder, samples):
    parents_by_vcf(samples)
    check()


@pytest.mark.parametrize(
    ("samples", "more", "words"),
    [
        (["X", "Y"], {}, ["no sample 'M1'; found X, Y"]),
        (["M1"], {"length": 63025520}, ["63025520 bp, as in GRCh37"]),
    ],
)
def test_vcf_refused(folder, samples, more, words):
    parents_by_vcf(samples, **more)
    for word in ["units.tsv, line 2, vcf: m.vcf.gz", *words]:
        assert word in message()


def test_vcf_lacks_a_chromosome(folder):
    parents_by_vcf(["M1"])
    replace(Path("config.yaml"), "[chr20]", "[chr20, chr21]")
    assert "units.tsv, line 2, vcf: m.vcf.gz: no 'chr21'" in message()


def test_index_tells_of_a_chromosome_that_only_the_header_has(folder):
    parents_by_vcf(["M1"])
    replace(Path("config.yaml"), "[chr20]", "[chr20, chr21]")
    with gzip.open("m.vcf.gz", "rt") as handle:
        text = handle.read()
    line = "##contig=<ID=chr21,length=2400>\n##FORMAT"
    with pysam.BGZFile("m.vcf.gz", "wb") as packed:
        packed.write(text.replace("##FORMAT", line).encode())
    check()
    pysam.tabix_index("m.vcf.gz", preset="vcf")
    assert "units.tsv, line 2, vcf: m.vcf.gz: no 'chr21'" in message()
