"""Panel records: order, repeats, REF checks, and their text."""

from __future__ import annotations

import numpy as np
import pytest

from morula import panel
from morula.errors import InputError
from morula.panel import Allele, Tally


def allele(pos_bp: int, ref: str, alt: str, *haplotypes: int) -> Allele:
    pairs = np.array(haplotypes or (0, 1), dtype=np.int16).reshape(-1, 2)
    phased = np.ones((len(pairs), 1), dtype=np.int16)
    return Allele(pos_bp, ref, alt, np.hstack([pairs, phased]))


def test_groups_are_positions_sorted_without_repeats() -> None:
    tally = Tally()
    alleles = [
        allele(5, "A", "T"),
        allele(5, "A", "C"),
        allele(5, "A", "T", 1, 1),
        allele(9, "AC", "A"),
    ]
    groups = list(panel.by_position(iter(alleles), tally))
    assert [[(a.ref, a.alt) for a in group] for group in groups] == [
        [("A", "C"), ("A", "T")],
        [("AC", "A")],
    ]
    # Of the repeated A>T the first stays.
    assert groups[0][1] is alleles[0]
    assert (tally.kept, tally.snvs, tally.multiallelic_positions) == (3, 2, 1)
    assert tally.dropped == {"repeated": 1}


def test_falling_positions_are_refused() -> None:
    with pytest.raises(InputError, match="7 comes after 8"):
        list(
            panel.by_position(iter([allele(8, "A", "T"), allele(7, "A", "T")]), Tally())
        )


def test_record_text() -> None:
    text = panel.record_text("chr2", allele(5, "A", "T", 0, 1, 1, 0, 1, 1, 0, 0))
    assert text.decode().rstrip("\n").split("\t") == [
        "chr2",
        "5",
        "chr2:5:A:T",
        "A",
        "T",
        ".",
        ".",
        "AC=4;AN=8;AF=0.5",
        "GT",
        "0|1",
        "1|0",
        "1|1",
        "0|0",
    ]


@pytest.mark.parametrize(
    ("text", "plain"),
    [("A", True), ("ACGT", True), ("N", False), ("<DEL>", False), ("*", False)],
)
def test_is_plain(text: str, plain: bool) -> None:
    assert panel.is_plain(text) is plain


def test_wrong_ref_is_refused_from_one_in_a_hundred() -> None:
    tally = Tally(kept=1000)
    for _ in range(10):
        tally.wrong_ref("p.bcf: chr1:7 has REF A, the FASTA has C")
    with pytest.raises(InputError, match=r"chr1:7 .* at 11 of the first 1011"):
        tally.wrong_ref("p.bcf: chr1:9 has REF A, the FASTA has C")


def test_snv_line_holds_all_snvs_of_a_position_and_no_indel() -> None:
    group = [allele(5, "A", "C"), allele(5, "A", "T"), allele(5, "AC", "A")]
    assert panel.snv_line("chr1", group) == "chr1\t5\tA,C,T\n"
    assert panel.snv_line("chr1", group[2:]) == ""


class TestOneCopy:
    """Males on X outside the pseudo-autosomal regions."""

    ALLELE = Allele(
        9, "A", "G", np.array([[1, -2, 0], [0, 1, 1], [0, -2, 1]], dtype=np.int16)
    )

    def test_it_is_written_twice_and_counted_once(self):
        cells = panel.record_text("chrX", self.ALLELE).decode().split()
        assert cells[7] == "AC=2;AN=4;AF=0.5"
        assert cells[9:] == ["1|1", "0|1", "0|0"]

    def test_it_is_accepted_there_alone(self):
        samples = ["m1", "f1", "m2"]
        panel.check_genotypes(self.ALLELE, "x", samples, may_be_single=True)
        with pytest.raises(InputError, match="m1 is missing or not diploid"):
            panel.check_genotypes(self.ALLELE, "x", samples)

    def test_males_alone(self):
        found = panel.pairs(np.array([[1, 1], [0, 1]]))
        assert found.tolist() == [[1, -2, 1], [0, -2, 1]]
