"""Checks of FASTQ files: damage that fastp passes over in silence."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from morula import fastq
from morula.errors import InputError


def records(n: int, mate: int = 1) -> str:
    return "".join(f"@r{i}/{mate} x\nACGT\n+\nIIII\n" for i in range(n))


def write(path: Path, text: str) -> Path:
    data = text.encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


@pytest.mark.parametrize("name", ["a.fq", "a.fq.gz"])
@pytest.mark.parametrize("n", [0, 1, 5000])
def test_count(tmp_path: Path, name: str, n: int) -> None:
    assert fastq.count_reads(write(tmp_path / name, records(n))) == n


def test_count_without_the_last_newline(tmp_path: Path) -> None:
    assert fastq.count_reads(write(tmp_path / "a.fq", records(3).rstrip("\n"))) == 3


def test_count_of_joined_gzip_files(tmp_path: Path) -> None:
    path = write(tmp_path / "a.fq.gz", records(7))
    path.write_bytes(path.read_bytes() * 3)
    assert fastq.count_reads(path) == 21


@pytest.mark.parametrize("keep", [0.3, 0.9, 0.999])
def test_truncated_gzip_is_refused(tmp_path: Path, keep: float) -> None:
    path = write(tmp_path / "a.fq.gz", records(5000))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(InputError, match=r"a\.fq\.gz: damaged or truncated"):
        fastq.count_reads(path)


def test_flipped_byte_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.fq.gz", records(5000))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(bytes(data))
    with pytest.raises(InputError, match=r"a\.fq\.gz: damaged or truncated"):
        fastq.count_reads(path)


def test_lines_that_make_no_whole_record(tmp_path: Path) -> None:
    path = write(tmp_path / "a.fq", records(3) + "@r9\nAC")
    with pytest.raises(InputError, match=r"a\.fq: 14 lines"):
        fastq.count_reads(path)


def test_pair_with_mate_numbers_and_comments(tmp_path: Path) -> None:
    fq1 = write(tmp_path / "a_1.fq", records(3, 1))
    fq2 = write(tmp_path / "a_2.fq.gz", records(3, 2))
    fastq.check_pair(fq1, fq2)
    assert list(fastq.read_names(fq2, None)) == ["r0", "r1", "r2"]
    count = fastq.PairCount(fq1, fq2)
    assert count.pairs() == 3


def test_pair_of_unequal_length(tmp_path: Path) -> None:
    fq1 = write(tmp_path / "a_1.fq", records(3, 1))
    fq2 = write(tmp_path / "a_2.fq", records(2, 2))
    with pytest.raises(InputError, match=r"a_2\.fq: ends after 2 reads"):
        fastq.check_pair(fq1, fq2)
    with pytest.raises(InputError, match=r"a_1\.fq has 3 reads, .*a_2\.fq has 2"):
        fastq.PairCount(fq1, fq2).pairs()


def test_empty_pair(tmp_path: Path) -> None:
    paths = [write(tmp_path / name, "") for name in ("a_1.fq", "a_2.fq")]
    with pytest.raises(InputError, match="no reads"):
        fastq.check_pair(*paths)


def test_not_fastq(tmp_path: Path) -> None:
    path = write(tmp_path / "a.fq", ">r1\nACGT\n>r2\nACGT\n")
    with pytest.raises(InputError, match="line 1: not a FASTQ record"):
        fastq.check_pair(path, path)
