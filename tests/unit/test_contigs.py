"""Lengths and names of contigs: samtools faidx as the oracle."""

import gzip
from pathlib import Path

import pysam
import pytest

from morula import contigs
from morula.errors import InputError

FASTA = ">chr1 first > of all\nACGT\nAC\n\n>chr2\n>chr3\tx\nNNNNN\nNN>N"


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 20, 1000])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("packed", [False, True])
def test_scan_in_chunks(tmp_path, monkeypatch, chunk, end, packed):
    monkeypatch.setattr(contigs, "CHUNK_BYTES", chunk)
    data = FASTA.replace("\n", end).encode()
    path = tmp_path / "g.fa"
    path.write_bytes(gzip.compress(data) if packed else data)
    assert contigs.scan_fasta(path) == {"chr1": 6, "chr2": 0, "chr3": 9}


def test_scan_agrees_with_faidx(tmp_path):
    path = tmp_path / "g.fa"
    path.write_text(">a\n" + "ACGTACGT\n" * 40 + "ACG\n>b x\nA\n")
    pysam.faidx(str(path))
    assert contigs.scan_fasta(path) == contigs.read_fai(Path(f"{path}.fai"))


@pytest.mark.parametrize("text", ["ACGT\n", "\n@read\nACGT\n>chr1\nA\n", ""])
def test_what_is_not_fasta(tmp_path, text):
    (tmp_path / "g.fa").write_text(text)
    with pytest.raises(InputError, match="not FASTA"):
        contigs.scan_fasta(tmp_path / "g.fa")


def test_truncated_gzip(tmp_path):
    whole = gzip.compress(FASTA.encode() * 1000)
    (tmp_path / "g.fa.gz").write_bytes(whole[:-9])
    with pytest.raises(InputError, match="cannot be read to its end"):
        contigs.scan_fasta(tmp_path / "g.fa.gz")


def test_what_is_no_index(tmp_path):
    (tmp_path / "g.fa.fai").write_text("chr1\t10\t5\t60\t61\nchr2 10\n")
    with pytest.raises(InputError, match=r"line 2"):
        contigs.read_fai(tmp_path / "g.fa.fai")


@pytest.mark.parametrize(
    ("chrom", "length", "build"),
    [
        ("chr20", 64444167, "GRCh38"),
        ("20", 63025520, "GRCh37"),
        ("chr20", 63025520, "GRCh37"),
        ("chr20", 10_000_000, None),
        ("chr21", 64444167, None),
        ("chr23", 1, None),
        ("scaffold_7", 1, None),
    ],
)
def test_build_of_a_length(chrom, length, build):
    assert contigs.build_of(chrom, length) == build


def test_every_autosome_has_one_length_a_build():
    lengths = [n for build in contigs.AUTOSOME_LENGTHS.values() for n in build]
    assert len(lengths) == 44
    assert len(set(lengths)) == 44


def test_absent_names_the_prefix():
    assert "differ by 'chr'" in contigs.absent("chr20", ["19", "20"], "fix it")
    assert "differ by 'chr'" in contigs.absent("20", ["chr20"], "fix it")
    plain = contigs.absent("20", [f"c{n}" for n in range(30)], "fix it")
    assert "differ" not in plain
    assert "c11, ...; fix it" in plain
