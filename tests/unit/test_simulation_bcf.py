"""True genotypes of any number of copies: written, and read back."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from morula.errors import InputError
from morula.haplotypes import Genotypes, read_genotypes
from morula.simulation.bcf import read_copy_alleles, write_bcf
from morula.simulation.founders import read_founders

CONTIGS = {"chr1": 1000, "chr2": 1000, "chrX": 5_000_000, "chrY": 5_000_000}


def block(
    chrom: str, alleles: Sequence, samples: tuple[str, ...] = ("E1",), step: int = 10
) -> Genotypes:
    """Sites `step` bp apart; alleles (L, N, P)."""
    n_sites, ploidy = len(alleles), np.shape(alleles)[-1]
    values = np.array(alleles, dtype=np.int8).reshape(n_sites, len(samples), ploidy)
    return Genotypes(
        chrom=chrom,
        pos_bp=np.arange(1, n_sites + 1, dtype=np.int64) * step,
        ref=np.array(["A"] * n_sites, dtype=object),
        alt=np.array(["C"] * n_sites, dtype=object),
        alleles=values,
        phased=np.ones(values.shape[:2], dtype=bool),
        samples=samples,
    )


@pytest.fixture(scope="module")
def truth(tmp_path_factory) -> Path:
    """A sample with two copies of chr1, three of chr2, one of chrX, none of chrY."""
    path = tmp_path_factory.mktemp("truth") / "E1.bcf"
    blocks = [
        block("chr1", [[0, 1], [1, 0]]),
        block("chr2", [[0, 1, 1], [-1, 1, -1]]),
        block("chrX", [[1], [-1]]),
        block("chrY", np.zeros((0, 1))),
    ]
    write_bcf(path, CONTIGS, blocks)
    return path


@pytest.mark.parametrize(
    ("chrom", "expected"),
    [
        ("chr1", [[0, 1], [1, 0]]),
        ("chr2", [[0, 1, 1], [-1, 1, -1]]),
        ("chrX", [[1], [-1]]),
    ],
)
def test_all_copies_are_read_back(truth, chrom, expected):
    pos_bp, ref, alt, alleles = read_copy_alleles(truth, chrom, "E1")
    assert pos_bp.tolist() == [10, 20]
    assert (ref.tolist(), alt.tolist()) == (["A", "A"], ["C", "C"])
    assert alleles.dtype == np.int8
    assert alleles.tolist() == expected


def test_no_copy_is_no_site(truth):
    pos_bp, ref, alt, alleles = read_copy_alleles(truth, "chrY", "E1")
    assert (len(pos_bp), len(ref), len(alt), alleles.shape) == (0, 0, 0, (0, 0))


def test_it_needs_no_index_and_names_a_missing_sample(truth, tmp_path):
    (tmp_path / "E1.bcf").write_bytes(truth.read_bytes())
    with_index = read_copy_alleles(truth, "chr2", "E1")
    without = read_copy_alleles(tmp_path / "E1.bcf", "chr2", "E1")
    for a, b in zip(with_index, without, strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(InputError, match="no sample 'E2'; it has E1"):
        read_copy_alleles(truth, "chr1", "E2")


def test_other_samples_with_more_copies_add_none(truth, tmp_path):
    other = block("chr2", [[1, 0], [0, 1]], ("E2",))
    write_bcf(tmp_path / "E2.bcf", CONTIGS, [other])
    merged = tmp_path / "both.bcf"
    command = ["bcftools", "merge", "-Ob", "-o", str(merged)]
    subprocess.run([*command, str(tmp_path / "E2.bcf"), str(truth)], check=True)
    assert read_copy_alleles(merged, "chr2", "E2")[3].tolist() == [[1, 0], [0, 1]]
    three = read_copy_alleles(merged, "chr2", "E1")[3]
    assert three.tolist() == [[0, 1, 1], [-1, 1, -1]]
    pairs = read_genotypes(merged, "chr2", ["E1", "E2"]).alleles
    assert pairs.tolist() == [[[0, 1], [1, 0]], [[-1, 1], [0, 1]]]


def test_genotypes_of_other_ploidy_are_read_as_pairs(truth):
    assert read_genotypes(truth, "chr1").alleles[:, 0].tolist() == [[0, 1], [1, 0]]
    assert read_genotypes(truth, "chr2").alleles[:, 0].tolist() == [[0, 1], [-1, 1]]
    assert read_genotypes(truth, "chrX").alleles[:, 0].tolist() == [[1, -1], [-1, -1]]


class TestFounders:
    def read(
        self, tmp_path: Path, chrom: str, alleles: Sequence, step: int = 2_000_000
    ) -> Genotypes:
        """Sites at 2 and 4 Mb: in PAR1 and behind it; two samples, or F alone."""
        path = tmp_path / "founders.bcf"
        samples = ("M", "F") if np.ndim(alleles) == 3 else ("F",)
        sites = block(chrom, alleles, samples, step)
        write_bcf(path, CONTIGS, [sites])
        people = [("M", "female"), ("F", "male")]
        return read_founders(str(path), chrom, people, "GRCh38", 5_000_000)

    def test_a_male_needs_one_haplotype_behind_par1(self, tmp_path):
        alleles = [[[0, 1], [0, 1]], [[1, 0], [1, -1]]]
        found = self.read(tmp_path, "chrX", alleles)
        assert found.alleles.tolist() == alleles

    def test_in_par1_he_needs_both(self, tmp_path):
        with pytest.raises(InputError, match="F has a missing .* chrX:2000000"):
            self.read(tmp_path, "chrX", [[[0, 1], [0, -1]], [[1, 0], [1, -1]]])

    def test_a_woman_need_not_be_in_the_file_of_y(self, tmp_path):
        found = self.read(tmp_path, "chrY", [[0], [1], [0]], 1_500_000)
        assert found.samples == ("M", "F")
        assert found.pos_bp.tolist() == [3_000_000, 4_500_000]
        assert found.alleles.tolist() == [[[-1, -1], [1, -1]], [[-1, -1], [0, -1]]]

    def test_too_few_sites_are_refused(self, tmp_path):
        with pytest.raises(InputError, match="fewer than two sites on chr1"):
            self.read(tmp_path, "chr1", [[[0, 1], [0, 1]]])
