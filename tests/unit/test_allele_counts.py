"""Reading an embryo's counts: each record's AD at its own site, and what is refused."""

from __future__ import annotations

import os
import shutil
import subprocess

import numpy as np
import pytest

from morula.allele_counts import read_counts, read_family
from morula.errors import InputError
from morula.parental_alleles import Sites

SITES = [(100, "A", "G"), (100, "A", "T"), (150, "C", "T"), (200, "AT", "A")]
AD = ["3,1", "3,0", ".,7", "0,12"]
EXPECTED = [[3, 1], [3, 0], [0, 7], [0, 12]]
HEADER = (
    "##fileformat=VCFv4.2\n##contig=<ID=chr1,length=1000>\n"
    "##contig=<ID=chr10,length=1000>\n"
)
AD_LINE = '##FORMAT=<ID=AD,Number=.,Type=Integer,Description="reads">\n'
DP_LINE = '##FORMAT=<ID=DP,Number=1,Type=Integer,Description="reads">\n'


def sites_of(rows):
    pos, ref, alt = zip(*rows, strict=True)
    return Sites(np.array(pos), np.array(ref), np.array(alt))


@pytest.fixture
def write(tmp_path):
    """Writes a BCF of records (CHROM, POS, REF, ALT, AD); returns its path."""

    def written(records, name="E1", samples=("E1",), lines=AD_LINE + DP_LINE, key="AD"):
        columns = "#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT".split()
        columns = columns if samples else columns[:-1]
        text = HEADER + lines + "\t".join([*columns, *samples]) + "\n"
        for chrom, pos, ref, alt, ad in records:
            cells = [chrom, str(pos), ".", ref, alt, ".", ".", ".", key]
            text += "\t".join([*cells, *[ad] * len(samples)]) + "\n"
        path = tmp_path / f"{name}.bcf"
        command = ["bcftools", "view", "-Ob", "-o", str(path), "-"]
        subprocess.run(command, input=text, text=True, check=True)
        return path

    return written


def records(ad=AD, order=(0, 1, 2, 3)):
    return [("chr1", *SITES[i], ad[i]) for i in order]


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (1, 0, 2, 3), (3, 1, 0, 2)])
def test_counts_stand_at_their_sites_in_any_order(write, order):
    counts = read_counts(write(records(order=order)), "chr1", sites_of(SITES), "E1")
    assert counts.dtype == np.float64
    np.testing.assert_array_equal(counts, EXPECTED)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (1, 0, 3, 2)])
def test_other_chromosomes_and_records_of_no_or_many_alts_are_left_out(write, order):
    others = [
        ("chr1", 100, "A", "G,T", "9,9,9"),
        ("chr1", 120, "A", ".", "9"),
        ("chr10", 100, "A", "G", "9,9"),
    ]
    path = write(others[:2] + records(order=order) + others[2:])
    np.testing.assert_array_equal(read_counts(path, "chr1", sites_of(SITES)), EXPECTED)


def test_many_random_counts_are_read_as_they_were_written(write):
    rng = np.random.default_rng(1)
    counts = rng.integers(0, 300, (5000, 2)) * rng.integers(0, 2, (5000, 2))
    rows = [(10 + 2 * i, "A", "ACGT"[1 + i % 3]) for i in range(5000)]
    lines = [
        ("chr1", *row, f"{ref},{alt}")
        for row, (ref, alt) in zip(rows, counts.tolist(), strict=True)
    ]
    sites = sites_of(rows)
    np.testing.assert_array_equal(read_counts(write(lines), "chr1", sites), counts)
    shuffled = [lines[i] for i in rng.permutation(len(lines))]
    np.testing.assert_array_equal(read_counts(write(shuffled), "chr1", sites), counts)


def test_a_family_s_counts_are_those_of_each_file(write):
    other = ["0,0", "1,1", "2,2", "5,6"]
    paths = [
        write(records()),
        write(records(ad=other, order=(1, 0, 2, 3)), name="E2", samples=("E2",)),
    ]
    found = read_family(paths, "chr1", sites_of(SITES), ["E1", "E2"])
    np.testing.assert_array_equal(found[0], EXPECTED)
    np.testing.assert_array_equal(found[1], [[0, 0], [1, 1], [2, 2], [5, 6]])
    with pytest.raises(InputError, match=r"E1\.bcf: counts of 'E1'; expected .*'E2'"):
        read_family(paths, "chr1", sites_of(SITES), ["E2", "E1"])


@pytest.mark.parametrize(("samples", "n"), [((), 0), (("E1", "E2"), 2)])
def test_a_file_of_another_number_of_samples_is_refused(write, samples, n):
    path = write(records() if samples else [], samples=samples)
    with pytest.raises(InputError, match=rf"E1\.bcf: {n} samples; expected one embryo"):
        read_counts(path, "chr1", sites_of(SITES))


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (1, 0, 2, 3)])
@pytest.mark.parametrize("ad", [".", "5", "1,2,3", "1,-2"])
def test_an_ad_that_is_not_of_two_alleles_is_refused(write, ad, order):
    path = write(records(ad=[*AD[:2], ad, AD[3]], order=order))
    with pytest.raises(InputError, match=r"E1\.bcf: chr1:150 C>T .* counts again"):
        read_counts(path, "chr1", sites_of(SITES))


def test_a_file_without_ad_is_refused(write):
    path = write(records(ad=["3"] * 4), lines=DP_LINE, key="DP")
    with pytest.raises(InputError, match=r"chr1:100 A>G .* no AD of two alleles"):
        read_counts(path, "chr1", sites_of(SITES))


def test_a_record_that_is_no_site_is_refused(write):
    for stray in ((150, "C", "G"), (151, "C", "T"), (150, "G", "T")):
        path = write([*records(), ("chr1", *stray, "1,1")])
        pos, ref, alt = stray
        with pytest.raises(InputError, match=rf"chr1:{pos} {ref}>{alt} is not one"):
            read_counts(path, "chr1", sites_of(SITES))


def test_sites_without_record_are_refused(write):
    path = write(records(order=(0, 3)))
    expected = r"E1\.bcf: 2 of 4 sites of chr1 have no record, the first 100 A>T;"
    with pytest.raises(InputError, match=expected):
        read_counts(path, "chr1", sites_of(SITES))


def test_an_empty_file_and_a_chromosome_that_it_lacks_are_refused(write):
    cases = (write([]), "chr1"), (write(records(), name="E2"), "chr2")
    for path, chrom in cases:
        with pytest.raises(InputError, match=rf"4 of 4 sites of {chrom} have no reco"):
            read_counts(path, chrom, sites_of(SITES))


def test_a_site_with_two_records_is_refused(write):
    path = write(records(order=(0, 1, 2, 2, 3)))
    expected = r"1 of 4 sites of chr1 have several records, the first 150 C>T;"
    with pytest.raises(InputError, match=expected):
        read_counts(path, "chr1", sites_of(SITES))


def test_a_file_cut_off_is_refused(write):
    rows = [(10 + i, "A", "G") for i in range(20_000)]
    rng = np.random.default_rng(2)
    path = write([("chr1", *row, f"{rng.integers(1 << 20)},1") for row in rows])
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(InputError, match=rf"{path}: cut off or damaged"):
        read_counts(path, "chr1", sites_of(rows))


def test_an_error_of_bcftools_is_not_overlooked(write, tmp_path, monkeypatch):
    path = write(records(order=(3, 1, 0, 2)))
    tool = tmp_path / "bin/bcftools"
    tool.parent.mkdir()
    tool.write_text(
        f'#!/bin/sh\n{shutil.which("bcftools")} "$@"\n[ "$2" = -l ] || exit 3\n'
    )
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tool.parent), prepend=os.pathsep)
    with pytest.raises(InputError, match=rf"bcftools query .* while reading {path}"):
        read_counts(path, "chr1", sites_of(SITES))


def test_a_file_that_is_no_bcf_is_refused(tmp_path):
    path = tmp_path / "E1.bcf"
    with pytest.raises(InputError, match="E1.bcf: not a VCF or BCF that bcftools can"):
        read_counts(path, "chr1", sites_of(SITES))


def test_in_order_and_not_are_read_alike(write):
    """By compiled code, of whole numbers of 8, 16 and 32 bits; and as text."""
    rng = np.random.default_rng(1)
    rows = [(10 + i // 2, "AC"[: 1 + i % 2], "GT"[: 1 + i % 2]) for i in range(5000)]
    ad = rng.integers(0, [100, 100_000], (len(rows), 2)) // rng.choice(
        [1, 100, 1000], (len(rows), 1)
    )
    lines = [("chr1", *row, f"{a},{b}") for row, (a, b) in zip(rows, ad, strict=True)]
    expected = sites_of(rows)
    for name, written in (("E1", lines), ("E2", lines[::-1])):
        path = write(written, name=name)
        np.testing.assert_array_equal(read_counts(path, "chr1", expected), ad)
