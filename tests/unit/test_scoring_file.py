"""Scoring files: formats, builds, reasons, and every refusal names its place."""

import gzip

import pytest

from morula import scoring_file, scoring_reader, scoring_rows
from morula.errors import InputError
from morula.scoring_file import canonical_build
from same_rows import assert_same_rows

V2 = """###PGS CATALOG SCORING FILE
#format_version=2.0
##POLYGENIC SCORE (PGS) INFORMATION
#pgs_id=PGS999001
#genome_build=GRCh37
#HmPOS_build=GRCh38
"""
HARMONISED = (
    "rsID\tchr_name\tchr_position\teffect_allele\tother_allele\teffect_weight"
    "\thm_source\thm_chr\thm_pos\thm_inferOtherAllele\n"
)
PLAIN = "chr_name\tchr_position\teffect_allele\tother_allele\teffect_weight\n"
OWN = "#genome_build=GRCh38\n"


def write(tmp_path, text, name="score.txt"):
    path = tmp_path / name
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_bytes(text.encode())
    return path


def read(path, build):
    """Id and table of a file. What the compiled reader says of it is the same."""
    text = scoring_file.unpack(path, scoring_file.read_packed(path))
    layout = scoring_file.layout_of(path, text, build)
    table = scoring_file.parse(layout, text)
    assert_same_rows(scoring_reader.parse(layout, text), scoring_rows.pack(table))
    return layout.given_id, table


def rows(tmp_path, text, build="GRCh38"):
    return read(write(tmp_path, text), build)[1].to_dicts()


class TestFormats:
    @pytest.mark.parametrize("name", ["a.txt", "a.txt.gz"])
    def test_harmonised_columns_serve_their_build(self, tmp_path, name):
        text = V2 + HARMONISED + "rs1\t1\t100\ta\tG\t0.5\tENSEMBL\t1\t200\t\n"
        pgs_id, table = read(write(tmp_path, text, name), "GRCh38")
        assert pgs_id == "PGS999001"
        assert table.to_dicts() == [
            {
                "line": 8,
                "chrom": "1",
                "pos_bp": 200,
                "effect": "A",
                "other": "G",
                "weight": 0.5,
                "frequency": None,
                "reason": None,
            }
        ]

    def test_original_columns_serve_the_other_build(self, tmp_path):
        text = V2 + HARMONISED + "rs1\t1\t100\tA\tG\t0.5\tENSEMBL\t1\t200\t\n"
        assert rows(tmp_path, text, "GRCh37")[0]["pos_bp"] == 100

    def test_format_1_header_and_reference_allele(self, tmp_path):
        text = (
            "### PGS CATALOG SCORING FILE\n# PGS ID = PGS000007\n"
            "# Original Genome Build = hg19\n"
            "rsID\tchr_name\tchr_position\teffect_allele\treference_allele"
            "\teffect_weight\tallelefrequency_effect\n"
            "rs1\tchr2\t30\tC\tT\t-1e-3\t0.2\n"
        )
        pgs_id, table = read(write(tmp_path, text), "GRCh37")
        row = table.row(0, named=True)
        assert pgs_id == "PGS000007"
        assert (row["chrom"], row["other"], row["weight"], row["frequency"]) == (
            "2",
            "T",
            -0.001,
            0.2,
        )

    def test_own_table_is_named_by_its_file(self, tmp_path):
        path = write(tmp_path, OWN + PLAIN + "1\t5\tA\tC\t1\n", "mine.tsv.gz")
        kept = tmp_path / "cache"
        assert scoring_reader.read_rows(path, "GRCh38", kept)[0] == "mine"

    def test_windows_line_ends_blank_lines_and_short_rows(self, tmp_path):
        header = PLAIN.replace("\n", "\tlocus_name\r\n")
        text = OWN + header + "1\t5\tA\tC\t1\r\n\r\n1\t6\tG\tT\t2\tx\r\n"
        assert [row["line"] for row in rows(tmp_path, text)] == [3, 5]

    def test_inferred_other_allele_counts_only_if_single(self, tmp_path):
        header = HARMONISED.replace("\tother_allele", "")
        text = V2 + header + "r\t1\t1\tA\t1\tE\t1\t7\tG\nr\t1\t2\tA\t1\tE\t1\t8\tG/T\n"
        assert [row["other"] for row in rows(tmp_path, text)] == ["G", None]

    def test_names_of_builds(self):
        names = ["hg19", "b37", "GRCh37.p13", "hg38", "NR", "", "hg18"]
        assert [canonical_build(name) for name in names] == [
            "GRCh37",
            "GRCh37",
            "GRCh37",
            "GRCh38",
            None,
            None,
            "hg18",
        ]


class TestReasons:
    @pytest.mark.parametrize(
        ("column", "value", "reason"),
        [
            ("is_haplotype", "True", "haplotype"),
            ("is_diplotype", "TRUE", "diplotype"),
            ("is_interaction", "true", "interaction"),
            ("is_dominant", "True", "dominant"),
            ("is_recessive", "1", "recessive"),
            ("is_recessive", "False", None),
            ("effect_type", "nonadditive", "dosage_weights"),
            ("variant_type", "HLA_AA", "hla_allele"),
        ],
    )
    def test_flag_columns(self, tmp_path, column, value, reason):
        header = PLAIN.replace("\n", f"\t{column}\n")
        text = OWN + header + f"1\t5\tA\tC\t1\t{value}\n"
        assert rows(tmp_path, text)[0]["reason"] == reason

    def test_alleles_and_positions(self, tmp_path):
        text = (
            OWN
            + PLAIN
            + "6\t\tHLA-DQB1*02:01\t\t1.2\n1\t5\tI\tD\t1\n1\t5\tA\t-\t1\n"
            + "1\t\tA\tC\t1\n\t7\tA\tC\t1\n1\t5\tAC\tA\t1\n"
        )
        assert [row["reason"] for row in rows(tmp_path, text)] == [
            "hla_allele",
            "allele_not_acgt",
            "allele_not_acgt",
            "no_position",
            "no_position",
            None,
        ]

    def test_weights_by_dosage_keep_their_size(self, tmp_path):
        header = PLAIN.replace(
            "effect_weight", "dosage_0_weight\tdosage_1_weight\tdosage_2_weight"
        )
        row = rows(tmp_path, OWN + header + "1\t5\tA\tC\t-0.1\t0.2\t0.5\n")[0]
        assert row["reason"] == "dosage_weights"
        assert row["weight"] == pytest.approx(0.3)


class TestRefusals:
    @pytest.mark.parametrize(
        ("text", "words"),
        [
            (OWN + PLAIN + "1\t5\tA\tC\t0.5x\n", ["line 3", "effect_weight", "0.5x"]),
            (
                OWN + PLAIN + "1\t5\tA\tC\t1\n1\t6\tA\tC\t\n",
                ["line 4", "effect_weight"],
            ),
            (OWN + PLAIN + "1\t5\tA\tC\tnan\n", ["line 3", "nan"]),
            (OWN + PLAIN + "1\t5e3\tA\tC\t1\n", ["line 3", "position", "5e3"]),
            (OWN + PLAIN + "1\t0\tA\tC\t1\n", ["line 3", "position"]),
            (OWN + PLAIN + "1\t5\tA\tC\t1\t9\n", ["line 3", "6 cells", "expected 5"]),
            (OWN + PLAIN, ["no variants"]),
            (PLAIN + "1\t5\tA\tC\t1\n", ["genome_build=NR", "expected GRCh38"]),
            ("#genome_build=hg18\n" + PLAIN + "1\t5\tA\tC\t1\n", ["hg18", "GRCh38"]),
            (
                V2.replace("38", "37") + HARMONISED + "r\t1\t1\tA\tG\t1\tE\t1\t2\t\n",
                ["HmPOS_build=GRCh37", "expected GRCh38", "hmPOS_GRCh38"],
            ),
            (OWN + "rsID\teffect_allele\teffect_weight\nr\tA\t1\n", ["chr_position"]),
            (
                OWN
                + PLAIN.replace("effect_weight", "PGS1\tPGS2")
                + "1\t5\tA\tC\t1\t2\n",
                ["no column effect_weight", "one file for each"],
            ),
            (
                OWN
                + PLAIN.replace("effect_weight", "effect_weight\teffect_weight_2")
                + "1\t5\tA\tC\t1\t2\n",
                ["several columns of weights", "effect_weight_2"],
            ),
            (OWN + PLAIN.replace("\t", ","), ["tabs"]),
            (OWN, ["no table"]),
            (OWN + PLAIN.replace("other", "effect") + "1\t5\tA\tC\t1\n", ["twice"]),
        ],
    )
    def test_message_names_the_place(self, tmp_path, text, words):
        with pytest.raises(InputError) as caught:
            scoring_reader.read_rows(
                write(tmp_path, text, "bad.txt"), "GRCh38", tmp_path / "cache"
            )
        assert all(word in str(caught.value) for word in ["bad.txt", *words])

    def test_missing_and_truncated_files(self, tmp_path):
        with pytest.raises(InputError, match="no such scoring file"):
            scoring_reader.read_rows(tmp_path / "none.txt", "GRCh38", tmp_path)
        path = write(tmp_path, OWN + PLAIN + "1\t5\tA\tC\t1\n" * 500, "cut.txt.gz")
        path.write_bytes(path.read_bytes()[:-20])
        with pytest.raises(InputError, match="truncated"):
            scoring_reader.read_rows(path, "GRCh38", tmp_path)
