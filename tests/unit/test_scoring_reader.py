"""The compiled reader of scoring files, against Python's numbers and the table's
reader; and the cache."""

import gzip
import logging

import numpy as np
import pytest

from morula import scoring_file, scoring_kernels, scoring_reader, scoring_rows
from morula.scoring_kernels import INEXACT, NO_NUMBER, READ
from same_rows import assert_same_rows

HEAD = "#pgs_id=PGS999001\n#genome_build=GRCh38\n"
COLUMNS = (
    "rsID\tchr_name\tchr_position\teffect_allele\tother_allele\teffect_weight"
    "\tallelefrequency_effect\tlocus\n"
)


def number(text):
    raw = np.frombuffer(text.encode(), dtype=np.uint8)
    return scoring_kernels.number(raw, 0, len(raw))


def drawn_file(rng, n_rows):
    """A plain file with all that plain files have."""
    places = np.sort(rng.integers(1, 10**8, n_rows))
    lines = []
    for pos in places.tolist():
        effect = "".join(rng.choice(list("ACGTacgt"), rng.integers(1, 4)))
        other = "".join(rng.choice(list("ACGT"), rng.integers(0, 3)))
        weight = float(rng.normal() * 10.0 ** rng.integers(-30, 5))
        form = ("{!r}", "{:.3f}", "{:+.7e}", "{:.20f}")[rng.integers(4)]
        share = rng.choice(["", "0.25", "1", ".5", "3e-05"])
        chrom = rng.choice(["1", "chr2", "X", "", "22"])
        place = rng.choice([str(pos), ""], p=[0.9, 0.1])
        row = ["rs1", chrom, place, effect, other, form.format(weight), share]
        lines.append("\t".join([*row, "a locus"]))
    return HEAD + COLUMNS + "\n".join(lines)


def both(text):
    """What the compiled reader says (None: it leaves the file), and the table's."""
    layout = scoring_file.layout_of("score.txt", text.encode(), "GRCh38")
    plain = scoring_reader._parse_plain(layout, text.encode())
    return plain, scoring_rows.pack(scoring_file.parse(layout, text.encode()))


class TestNumbers:
    @pytest.mark.parametrize(
        "text", ["1", "-0.5", "+.25", "7.", "1e3", "-1.5E-07", "0.1", "123456789e-9"]
    )
    def test_are_rightly_rounded(self, text):
        assert number(text) == (float(text), READ)

    def test_any_decimal_is_right_or_left_to_python(self):
        rng = np.random.default_rng(1)
        for _ in range(2000):
            digits = "".join(map(str, rng.integers(0, 10, rng.integers(1, 20))))
            point = rng.integers(0, len(digits) + 1)
            text = f"{digits[:point]}.{digits[point:]}e{rng.integers(-30, 30)}"
            value, how = number(text)
            assert how == INEXACT or value == float(text), text

    @pytest.mark.parametrize("text", ["0.1234567890123456789", "1e-23", "1e300"])
    def test_that_need_more_care_are_left(self, text):
        assert number(text)[1] == INEXACT

    @pytest.mark.parametrize(
        "text",
        ["", ".", "-", "x", "1x", "1e", "1e+", "nan", "inf", "1.2.3", " 1", "1,5"],
    )
    def test_what_is_none(self, text):
        assert number(text)[1] == NO_NUMBER


class TestPlainFiles:
    @pytest.mark.parametrize("seed", range(5))
    def test_are_read_as_the_table(self, seed):
        text = drawn_file(np.random.default_rng(seed), 300)
        found, expected = both(text)
        assert found is not None
        assert_same_rows(found, expected)

    @pytest.mark.parametrize("end", ["\r\n", "\n"])
    def test_line_ends(self, end):
        text = drawn_file(np.random.default_rng(9), 50).replace("\n", end)
        found, expected = both(text + end)
        assert_same_rows(found, expected)

    @pytest.mark.parametrize(
        "row",
        [
            "rs1\t1\t5\tA\tC\t1",
            "rs1\t1\t5\tA\tC\t1\t0.5\t",
            "rs1\t1\t 5\tA\tC\t1\t0.5\tx",
            "rs1\t1\t5\tA\t-\t1\t0.5\tx",
            "rs1\t1\t5\tHLA-A\t\t1\t0.5\tx",
            "rs1\t1\t5\tA\tC\t1\tn/a\tx",
            "rs1\t1\t5\tA\tC\t1\t0.5\tlócus",
            "rs1\tchr1_KI270706v1\t5\tA\tC\t1\t0.5\tx",
            "",
        ],
    )
    def test_of_others_the_table_tells(self, row):
        good = "rs1\t1\t5\tA\tC\t1\t0.5\tx\n"
        text = HEAD + COLUMNS + good + row + "\n" + good
        found, expected = both(text)
        if found is not None:
            assert_same_rows(found, expected)
        layout = scoring_file.layout_of("score.txt", text.encode(), "GRCh38")
        assert_same_rows(scoring_reader.parse(layout, text.encode()), expected)


class TestCache:
    @pytest.fixture
    def path(self, tmp_path):
        path = tmp_path / "score.txt.gz"
        text = drawn_file(np.random.default_rng(3), 100)
        path.write_bytes(gzip.compress(text.encode()))
        return path

    def test_a_second_reading_is_the_same_and_needs_no_text(
        self, path, tmp_path, monkeypatch
    ):
        first = scoring_reader.read_rows(path, "GRCh38", tmp_path / "cache")
        monkeypatch.setattr(scoring_file, "unpack", None)
        second = scoring_reader.read_rows(path, "GRCh38", tmp_path / "cache")
        assert first[0] == second[0] == "PGS999001"
        assert_same_rows(second[1], first[1])

    @pytest.mark.parametrize("harm", [lambda b: b[:-40], lambda b: b"", None])
    def test_a_damaged_entry_is_told_and_made_again(self, path, tmp_path, caplog, harm):
        kept = tmp_path / "cache"
        first = scoring_reader.read_rows(path, "GRCh38", kept)
        (entry,) = kept.iterdir()
        whole = entry.read_bytes()
        middle = len(whole) // 2
        flipped = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
        entry.write_bytes(harm(whole) if harm else flipped)
        with caplog.at_level(logging.WARNING):
            again = scoring_reader.read_rows(path, "GRCh38", kept)
        assert "damaged" in caplog.text
        assert_same_rows(again[1], first[1])
        assert entry.read_bytes() == whole
        assert list(kept.iterdir()) == [entry]

    def test_content_and_build_have_entries_of_their_own(self, path, tmp_path):
        kept = tmp_path / "cache"
        scoring_reader.read_rows(path, "GRCh38", kept)
        text = gzip.decompress(path.read_bytes()).decode()
        path.write_bytes(text.replace("GRCh38", "GRCh37").encode())
        scoring_reader.read_rows(path, "GRCh37", kept)
        assert len(list(kept.iterdir())) == 2
