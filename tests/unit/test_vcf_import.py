"""Which lines of a parent's VCF are believed, and where it says hom-ref."""

import numpy as np
import pytest

from morula import vcf_import

BASES = "ACGTACGTACGTACGTACGT"
POSITIONS = np.array([2, 5, 9, 13, 20], dtype=np.int64)


def importer() -> vcf_import.Importer:
    return vcf_import.Importer({"1": POSITIONS}, lambda _, start, end: BASES[start:end])


def line(pos_bp, ref, alt, genotype, *, info=".", flt="PASS", form="GT") -> str:
    fields = ["1", str(pos_bp), ".", ref, alt, ".", flt, info, form, genotype]
    return "\t".join(fields) + "\n"


def hom_ref(*texts: str) -> list[int]:
    """Panel positions that are hom-ref after these lines."""
    taker = importer()
    for text in texts:
        taker.take(text)
    return POSITIONS[taker.hom_ref["1"]].tolist()


def test_silence_is_missing():
    assert hom_ref() == []
    assert hom_ref(line(5, "A", "G", "0/1")) == []


def test_hom_ref_lines_of_arrays_and_gvcf_blocks():
    assert hom_ref(line(5, "A", ".", "0/0")) == [5]
    assert hom_ref(line(5, "A", "G", "0|0")) == [5]
    assert hom_ref(line(3, "G", "<NON_REF>", "0/0", info="DP=9;END=13")) == [5, 9, 13]
    assert hom_ref(line(9, "A", "<*>", "0/0", info="END=9")) == [9]


@pytest.mark.parametrize(
    "text",
    [
        line(5, "A", ".", "./."),
        line(3, "G", "<NON_REF>", "./.", info="END=13"),
        line(5, "A", ".", "0/0", flt="LowQual"),
        line(5, "C", ".", "0/0"),  # REF is not the reference's
        line(5, "A", "<DEL>", "0/0", info="END=19"),
        # One ALT of a record A G,T with genotype 2/2: not hom-ref.
        line(5, "A", "G", "0/0", info="MORULA_SPLIT=1|5|A|G,T|1"),
        line(5, "A", "<NON_REF>", "0/0", info="MORULA_SPLIT=1|5|A|G,<NON_REF>|2"),
    ],
)
def test_nothing_is_made_hom_ref_without_a_word(text):
    assert hom_ref(text) == []


def test_kept_line():
    taker = importer()
    text = line(5, "a", "g", "1|0:7,3:99.4:1,2", form="GT:AD:GQ:PL")
    assert taker.take(text) == "1\t5\t.\tA\tG\t.\t.\t.\tGT:AD:GQ\t0/1:7,3:99\n"
    assert taker.take(line(5, "A", "*", "0/1")) is None
    assert taker.take(line(5, "A", "<INS>", "0/1")) is None
    assert taker.take(line(5, "A", "G", "1")) is None
    assert (taker.tally.kept, taker.tally.not_bases, taker.tally.wrong_ref) == (1, 2, 0)


def test_wrong_reference_is_counted_and_named():
    taker = importer()
    assert taker.take(line(5, "C", "G", "0/1")) is None
    assert taker.tally.wrong_ref == 1
    assert taker.tally.first_wrong == "1:5 has REF C, the FASTA A"


@pytest.mark.parametrize(
    ("cell", "genotype"),
    [("1|0", "0/1"), ("0/0", "0/0"), ("1", "./."), (".", "./."), ("./1", "./.")],
)
def test_genotypes(cell, genotype):
    assert vcf_import.genotype_of({"GT": cell}) == genotype


def test_a_masked_reference_is_no_other_build():
    taker = vcf_import.Importer({"1": POSITIONS}, lambda *place: "N")
    assert taker.take(line(5, "A", "G", "0/1")) is None
    assert (taker.tally.masked, taker.tally.wrong_ref, taker.n_usable()) == (1, 0, 0)


@pytest.mark.parametrize(
    ("form", "cell", "expected"),
    [
        ("GT", "1", "1/1"),
        ("GT:PL:GQ", "1:80,0:80", "1/1:80:80,255,0"),
        ("GT:PL:GQ", "1/1:90,12,0:12", "1/1:90,255,0:90"),
        # Two alleles of one copy are an error.
        ("GT:PL", "0/1:50,0,60", None),
    ],
)
def test_a_male_has_one_copy_of_x(form, cell, expected):
    positions, bases = {"1": POSITIONS}, lambda _, start, end: BASES[start:end]
    male = vcf_import.Importer(positions, bases, {"1": (4, 10)})
    found = male.take(line(5, "A", "G", cell, form=form))
    assert (found and found.split()[-1]) == expected
    # Outside the region he is as anybody.
    assert male.take(line(13, "A", "G", "1")) is None
    assert male.take(line(13, "A", "G", "0/1")).split()[-1] == "0/1"
