"""Splitting multi-allelic calls, against likelihoods of single reads."""

import itertools
import math

import pytest

from morula import biallelic

ALLELES = "ACGT"
ERROR = 0.01


def phred_likelihoods(bases: str, alleles: str) -> list[int]:
    """PL of all genotypes of `alleles`, in VCF's order."""
    values = {}
    for a, b in itertools.combinations_with_replacement(range(len(alleles)), 2):
        total = 0.0
        for base in bases:
            match = [(1 - ERROR) if base == alleles[i] else ERROR / 3 for i in (a, b)]
            total += math.log10(sum(match) / 2)
        values[b * (b + 1) // 2 + a] = -10 * total
    best = min(values.values())
    return [round(values[i] - best) for i in range(len(values))]


def cell_of(bases: str, alleles: str) -> str:
    """A sample's GT:PL:DP:AD as a caller that offers `alleles` writes it."""
    pl = phred_likelihoods(bases, alleles)
    best = pl.index(0)
    pairs = itertools.combinations_with_replacement(range(len(alleles)), 2)
    a, b = next((a, b) for a, b in pairs if b * (b + 1) // 2 + a == best)
    counts = ",".join(str(bases.count(allele)) for allele in alleles)
    return f"{a}/{b}:{','.join(map(str, pl))}:{len(bases)}:{counts}"


def record_of(*cells: str) -> biallelic.Record:
    line = ["chr1", "100", ".", "A", "C,G,T", "50", ".", ".", "GT:PL:DP:AD", *cells]
    return biallelic.parse_line("\t".join(line) + "\n")


def split_of(record: biallelic.Record) -> dict[str, dict[str, str]]:
    """ALT -> fields of the first sample."""
    return {
        split.alts[0]: dict(zip(split.keys, split.cells[0].split(":"), strict=True))
        for split in biallelic.split(record)
    }


@pytest.mark.parametrize(
    ("bases", "expected"),
    [
        ("A" * 12, {"C": "0/0", "G": "0/0", "T": "0/0"}),
        ("AAAAAAGGGGGG", {"C": "0/0", "G": "0/1", "T": "0/0"}),
        ("T" * 12, {"C": "0/0", "G": "0/0", "T": "1/1"}),
        ("CCCCCCTTTTTT", {"C": "0/1", "G": "0/0", "T": "0/1"}),
    ],
)
def test_each_alt_is_counted_by_itself(bases, expected):
    fields = split_of(record_of(cell_of(bases, ALLELES)))
    assert {alt: field["GT"] for alt, field in fields.items()} == expected
    for alt, field in fields.items():
        assert field["AD"] == f"{bases.count('A')},{bases.count(alt)}"
        likelihoods = [int(value) for value in field["PL"].split(",")]
        assert min(likelihoods) == 0
        assert likelihoods.index(0) == "0/0 0/1 1/1".split().index(field["GT"])
        # The other bases leave no doubt about this one.
        assert int(field["GQ"]) >= 25


def test_two_alleles_keep_their_likelihoods():
    """With only A and G seen, the record A>G has the PL of a biallelic caller."""
    for bases in ("AAAAG", "AAGG", "GGGGG", "AG"):
        field = split_of(record_of(cell_of(bases, ALLELES)))["G"]
        expected = ",".join(map(str, phred_likelihoods(bases, "AG")))
        assert field["PL"] == expected


def test_no_reads_is_missing_never_hom_ref():
    for cell in ("./.:0,0,0,0,0,0,0,0,0,0:0:0,0,0,0", "./."):
        record = record_of(cell)
        for split in biallelic.split(record):
            assert split.cells == (biallelic.NO_READS,)
            assert split.qual == "."
    assert biallelic.NO_READS.startswith("./.")


def test_quality_is_that_of_carried_alleles():
    record = record_of(cell_of("A" * 9, ALLELES), cell_of("AAAAGGGG", ALLELES))
    quals = {split.alts[0]: split.qual for split in biallelic.split(record)}
    assert quals == {"C": ".", "G": "50", "T": "."}


def test_wanted_alleles_only_and_in_order():
    record = record_of(cell_of("AAAA", ALLELES))
    assert [s.alts for s in biallelic.split(record, ("T", "C"))] == [("T",), ("C",)]
    with pytest.raises(ValueError, match="not in tuple"):
        list(biallelic.split(record, ("N",)))


def test_classes_partition_all_genotypes():
    for n_alleles in range(2, 6):
        for allele in range(1, n_alleles):
            classes = biallelic.classes_of(n_alleles, allele)
            places = sorted(place for members in classes for place in members)
            assert places == list(range(n_alleles * (n_alleles + 1) // 2))
            assert [len(members) for members in classes[1:]] == [n_alleles - 1, 1]


@pytest.mark.parametrize(
    ("genotype", "copies"),
    [("0/0", 0), ("0|1", 1), ("1/1", 2), ("2/1", 1), ("2/2", 0), ("./.", None)],
)
def test_copies(genotype, copies):
    assert biallelic.copies_of(genotype, 1) == copies
