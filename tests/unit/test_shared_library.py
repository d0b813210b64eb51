"""Files written whole, tables, genotypes into arrays, genetic maps, exit statuses."""

from __future__ import annotations

import stat
import subprocess

import numpy as np
import pytest

from morula import atomic, cli, genetic_map, haplotypes, tables
from morula.errors import InputError


class TestWrittenWhole:
    def test_a_failing_block_leaves_the_old_file_and_nothing_else(self, tmp_path):
        target = tmp_path / "table.tsv"
        target.write_text("old")

        def fail_midway():
            with atomic.written_whole(target) as partial:
                partial.write_text("half")
                raise RuntimeError("midway")

        with pytest.raises(RuntimeError, match="midway"):
            fail_midway()
        assert target.read_text() == "old"
        assert list(tmp_path.iterdir()) == [target]

    def test_the_result_has_ordinary_permissions_and_a_fresh_folder(self, tmp_path):
        target = tmp_path / "new/table.tsv.gz"
        with atomic.written_whole(target) as partial:
            assert partial.name.endswith(".tsv.gz")
            partial.write_text("whole")
        ordinary = tmp_path / "ordinary"
        ordinary.write_text("")
        assert stat.S_IMODE(target.stat().st_mode) == stat.S_IMODE(
            ordinary.stat().st_mode
        )


class TestTables:
    def test_round_trip_with_missing_values(self, tmp_path):
        path = tmp_path / "t.tsv"
        rows = [
            {"name": "E1", "depth": 1 / 3, "passed": True},
            {"name": None, "depth": float("nan"), "passed": False},
        ]
        tables.write_tsv(path, ["name", "depth", "passed"], rows)
        assert tables.read_tsv(path) == [
            {"name": "E1", "depth": "0.333333", "passed": "yes"},
            {"name": "", "depth": "", "passed": "no"},
        ]

    def test_a_row_with_another_column_is_a_defect(self, tmp_path):
        with pytest.raises(ValueError, match="depht"):
            tables.write_tsv(tmp_path / "t.tsv", ["depth"], [{"depht": 1.0}])
        assert not list(tmp_path.iterdir())

    def test_a_short_line_is_named(self, tmp_path):
        path = tmp_path / "t.tsv"
        path.write_text("a\tb\n1\t2\n3\n")
        with pytest.raises(InputError, match=r"t\.tsv, line 3: 1 cells; expected 2"):
            tables.read_tsv(path)


VCF = """##fileformat=VCFv4.2
##contig=<ID=chr1,length=1000>
##contig=<ID=chr2,length=1000>
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tM1\tP1
chr1\t10\t.\tA\tC\t.\t.\t.\tGT\t0|1\t1/1
chr1\t20\t.\tAT\tA\t.\t.\t.\tGT\t./.\t0|0
chr2\t30\t.\tG\tT\t.\t.\t.\tGT\t1|0\t0|1
"""


class TestGenotypes:
    @pytest.fixture
    def bcf(self, tmp_path):
        vcf = tmp_path / "in.vcf"
        vcf.write_text(VCF)
        path = tmp_path / "in.bcf"
        subprocess.run(["bcftools", "view", "-Ob", "-o", path, vcf], check=True)
        return path

    def test_alleles_phase_and_missing(self, bcf):
        found = haplotypes.read_genotypes(bcf, "chr1")
        np.testing.assert_array_equal(
            found.alleles, [[[0, 1], [1, 1]], [[-1, -1], [0, 0]]]
        )
        np.testing.assert_array_equal(found.phased, [[True, False], [False, True]])
        assert list(found.pos_bp) == [10, 20]
        assert list(found.ref) == ["A", "AT"]

    def test_samples_come_in_the_order_asked(self, bcf):
        found = haplotypes.read_genotypes(bcf, "chr2", ["P1", "M1"])
        assert found.samples == ("P1", "M1")
        np.testing.assert_array_equal(found.alleles, [[[0, 1], [1, 0]]])

    def test_a_chromosome_without_sites_is_empty_not_an_error(self, bcf):
        assert haplotypes.read_genotypes(bcf, "chr9").alleles.shape == (0, 2, 2)

    def test_an_absent_sample_is_named(self, bcf):
        with pytest.raises(InputError, match="no sample 'X'; it has M1, P1"):
            haplotypes.read_genotypes(bcf, "chr1", ["X"])


class TestGeneticMap:
    @pytest.fixture
    def path(self, tmp_path):
        path = tmp_path / "chr1.map"
        path.write_text("chr1 . 0 1000\nchr1 . 1.0 2000\nchr1 . 1.5 4000\n")
        return path

    def test_interpolates_inside_and_goes_on_outside(self, path):
        cm = genetic_map.read_map(path, "chr1").cm_at([1500, 3000, 1000 - 2000, 7000])
        np.testing.assert_allclose(cm, [0.5, 1.25, -1.0, 1.5 + 1.5])

    def test_one_centimorgan_is_a_fraction_of_0_0099(self):
        assert genetic_map.haldane(1.0) == pytest.approx(0.00990066, abs=1e-7)
        assert genetic_map.haldane(1e6) == pytest.approx(0.5)

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("chr1 . 0\n", "line 1: 3 columns; expected 4"),
            ("chr1 . x 10\n", "line 1: found 'x'"),
            ("chr1 . 0 20\nchr1 . 1 10\n", "line 2: 10 bp"),
            ("1 . 0 20\n1 . 1 30\n", "fewer than two rows for chr1; it has 1"),
        ],
    )
    def test_refuses(self, tmp_path, text, message):
        path = tmp_path / "bad.map"
        path.write_text(text)
        with pytest.raises(InputError, match=message):
            genetic_map.read_map(path, "chr1")


class TestRun:
    def test_a_user_error_is_one_line_and_status_2(self, capsys):
        def work() -> None:
            raise InputError("samples.tsv, line 3: role 'mum'")

        assert cli.run(work) == 2
        assert capsys.readouterr().err == "error: samples.tsv, line 3: role 'mum'\n"

    def test_a_defect_keeps_its_traceback(self):
        def work() -> None:
            raise KeyError("defect")

        with pytest.raises(KeyError):
            cli.run(work)
