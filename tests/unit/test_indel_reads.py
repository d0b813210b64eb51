"""Reads of indels by hand: which count, and for what."""

from __future__ import annotations

from pathlib import Path

import pysam
import pytest

from morula import indel_reads
from morula.indel_reads import Floors
from morula.indel_windows import Indel
from morula.processes import ToolError

CHROM = "chrT"
LEFT = "GATTCAGCTTGCATCCGTACGGATTACCTGAACTCGAGCATTGCCAGTGAC"
RIGHT = "GTCCATGATCGGTTCAGTCATTGGCACTAGACCTGATCGTTAGGCATACGA"
ANCHOR0 = len(LEFT) - 1
READ = 60
FLOORS = Floors(20, 20, 1000)


class Bench:
    """A genome of LEFT, a repeat and RIGHT, and reads of its haplotypes."""

    def __init__(self, folder: Path, repeat: str) -> None:
        self.folder, self.genome = folder, LEFT + repeat + RIGHT
        (folder / "genome.fa").write_text(f">{CHROM}\n{self.genome}\n")
        pysam.faidx(str(folder / "genome.fa"))
        self.header = pysam.AlignmentHeader.from_dict(
            {
                "HD": {"VN": "1.6", "SO": "coordinate"},
                "SQ": [{"SN": CHROM, "LN": len(self.genome)}],
            }
        )
        self.reads: list[pysam.AlignedSegment] = []

    def add(
        self, bases: str, start0: int, cigar: str, name: str = "", **changes: object
    ) -> pysam.AlignedSegment:
        read = pysam.AlignedSegment(self.header)
        read.query_name = name or f"r{len(self.reads)}"
        read.query_sequence, read.flag = bases, 0
        read.query_qualities = pysam.qualitystring_to_array("F" * len(bases))
        read.reference_id, read.reference_start = 0, start0
        read.mapping_quality, read.cigarstring = 60, cigar
        for key, value in changes.items():
            setattr(read, key, value)
        self.reads.append(read)
        return read

    def write(self, form: str = "bam") -> Path:
        path = self.folder / f"reads.{form}"
        ordered = sorted(self.reads, key=lambda read: read.reference_start)
        with pysam.AlignmentFile(
            str(path),
            "wc" if form == "cram" else "wb",
            header=self.header,
            reference_filename=str(self.folder / "genome.fa"),
        ) as sink:
            for read in ordered:
                sink.write(read)
        pysam.index(str(path))
        return path

    def count(self, *indels: Indel, floors: Floors = FLOORS, form: str = "bam"):
        genome = str(self.folder / "genome.fa")
        found = indel_reads.count(self.write(form), genome, CHROM, indels, floors)
        return [
            [a + b for a, b in zip(one.forward, one.reverse, strict=True)]
            for one in (found[indel] for indel in indels)
        ]


@pytest.fixture
def homopolymer(tmp_path) -> Bench:
    """CAAAAAAAAG, a deletion of one A."""
    return Bench(tmp_path, "A" * 8)


DELETION = Indel(ANCHOR0, "CA", "C")
SHORT = LEFT + "A" * 7 + RIGHT


class TestDeletionInAHomopolymer:
    def test_reads_of_both_alleles(self, homopolymer):
        homopolymer.add(homopolymer.genome[20:80], 20, "60M")
        for cigar in ("31M1D29M", "35M1D25M", "38M1D22M"):
            homopolymer.add(SHORT[20:80], 20, cigar)
        assert homopolymer.count(DELETION) == [[1, 3]]

    def test_a_read_that_ends_in_the_repeat_tells_nothing(self, homopolymer):
        for end0 in range(ANCHOR0 + 2, ANCHOR0 + 9):
            homopolymer.add(homopolymer.genome[end0 - 40 : end0], end0 - 40, "40M")
        # Its last A is the other allele's G: two wrong bases at the end.
        homopolymer.add(SHORT[20 : ANCHOR0 + 10], 20, f"{ANCHOR0 - 10}M")
        assert homopolymer.count(DELETION) == [[0, 0]]

    def test_both_alleles_need_the_same_room(self, homopolymer):
        """Reads of each start: as many of the deletion as of REF."""
        for start0 in range(51):
            homopolymer.add(homopolymer.genome[start0 : start0 + READ], start0, "60M")
            bases = SHORT[start0 : start0 + READ]
            before = ANCHOR0 + 1 - start0
            if start0 < 49:
                homopolymer.add(bases, start0, f"{before}M1D{READ - before}M")
        ((ref, alt),) = homopolymer.count(DELETION)
        assert ref == alt > 35

    def test_a_clipped_read_counts_by_its_bases(self, homopolymer):
        # The aligner stopped at the repeat, on either side.
        homopolymer.add(SHORT[20:70], 20, f"{ANCHOR0 - 12}M12S")
        begin = ANCHOR0 - 9
        homopolymer.add(SHORT[begin : begin + 50], ANCHOR0 + 9, "17S33M")
        # Bases of elsewhere behind the clip fit neither allele.
        homopolymer.add(SHORT[20:60] + "GTGTCACTGT", 20, "40M10S")
        assert homopolymer.count(DELETION) == [[0, 2]]

    def test_a_read_aligned_without_the_gap_counts_for_what_it_shows(self, homopolymer):
        # Six bases before the repeat, laid one base aside rather than with a gap.
        begin = ANCHOR0 - 5
        homopolymer.add(SHORT[begin : begin + READ - 20], begin + 1, "40M")
        assert homopolymer.count(DELETION) == [[0, 1]]

    def test_another_allele_counts_for_none(self, homopolymer):
        for number, cigar in ((6, "31M2D29M"), (9, "31M1I28M")):
            bases = (LEFT + "A" * number + RIGHT)[20:80]
            homopolymer.add(bases, 20, cigar)
        assert homopolymer.count(DELETION) == [[0, 0]]

    def test_listed_other_alleles_do_not_count_as_ref(self, homopolymer):
        double = Indel(ANCHOR0, "CAA", "C")
        homopolymer.add((LEFT + "A" * 6 + RIGHT)[20:80], 20, "31M2D29M")
        homopolymer.add(SHORT[20:80], 20, "31M1D29M")
        homopolymer.add(homopolymer.genome[20:80], 20, "60M")
        assert homopolymer.count(DELETION, double) == [[1, 1], [1, 1]]

    @pytest.mark.parametrize("place", [ANCHOR0 - 1, ANCHOR0 + 10, ANCHOR0 + 4])
    def test_an_snv_beside_does_not_stop_the_counting(self, homopolymer, place):
        for bases, cigar in ((homopolymer.genome, "60M"), (SHORT, "31M1D29M")):
            changed = bases[:place] + "T" + bases[place + 1 :]
            homopolymer.add(changed[20:80], 20, cigar)
        assert homopolymer.count(DELETION) == [[1, 1]]

    def test_bad_bases_are_not_compared(self, homopolymer):
        bases = list(SHORT[20:80])
        for place in (32, 34, 36):
            bases[place] = "G"
        grades = ["F"] * READ
        for place in (32, 34, 36):
            grades[place] = "#"
        for text in ("".join(grades), "F" * READ, "#" * READ):
            array = pysam.qualitystring_to_array(text)
            homopolymer.add("".join(bases), 20, "31M1D29M", query_qualities=array)
        assert homopolymer.count(DELETION) == [[0, 1]]

    def test_what_the_pileup_leaves_out_is_left_out(self, homopolymer):
        bases = SHORT[20:80]
        for flag in (0x100, 0x200, 0x400):
            homopolymer.add(bases, 20, "31M1D29M", flag=flag)
        homopolymer.add(bases, 20, "31M1D29M", mapping_quality=19)
        homopolymer.add(bases, 20, "31M1D29M", flag=0x800)
        assert homopolymer.count(DELETION) == [[0, 1]]

    def test_no_more_fragments_than_asked_for(self, homopolymer):
        for _ in range(30):
            homopolymer.add(SHORT[20:80], 20, "31M1D29M")
        assert homopolymer.count(DELETION, floors=Floors(20, 20, 7)) == [[0, 7]]


class TestMates:
    def pair(self, bench: Bench, name: str, *haplotypes: str) -> None:
        for flag, bases in zip((99, 147), haplotypes, strict=True):
            cigar = "60M" if bases == bench.genome else "31M1D29M"
            bench.add(bases[20:80], 20, cigar, name, flag=flag)

    def test_they_count_once_where_they_agree_and_not_where_not(self, homopolymer):
        self.pair(homopolymer, "a", SHORT, SHORT)
        self.pair(homopolymer, "b", homopolymer.genome, homopolymer.genome)
        self.pair(homopolymer, "c", SHORT, homopolymer.genome)
        assert homopolymer.count(DELETION) == [[1, 1]]

    def test_their_quality_is_the_sum_up_to_the_mapping_quality(self, homopolymer):
        self.pair(homopolymer, "a", SHORT, SHORT)
        homopolymer.add(SHORT[20:80], 20, "31M1D29M", "b")
        path, genome = homopolymer.write(), str(homopolymer.folder / "genome.fa")
        found = indel_reads.count(path, genome, CHROM, [DELETION], FLOORS)
        assert found[DELETION].quality == [0, 60 + 37]
        assert found[DELETION].cells() == "0,2:0,2:0,0:0,97"


class TestInsertionInARepeat:
    insertion = Indel(ANCHOR0, "C", "CTGTG")

    @pytest.fixture
    def repeat(self, tmp_path) -> Bench:
        return Bench(tmp_path, "TG" * 6)

    def test_reads_of_both_alleles(self, repeat):
        long = LEFT + "TG" * 8 + RIGHT
        repeat.add(repeat.genome[20:90], 20, "70M")
        for cigar in ("31M4I35M", "39M4I27M", "43M4I23M"):
            repeat.add(long[20:90], 20, cigar)
        assert repeat.count(self.insertion) == [[1, 3]]

    def test_a_repeat_of_another_length_counts_for_none(self, repeat):
        for number, cigar in ((5, "31M2D39M"), (7, "31M2I37M"), (9, "31M6I33M")):
            repeat.add((LEFT + "TG" * number + RIGHT)[20:90], 20, cigar)
        assert repeat.count(self.insertion) == [[0, 0]]


class TestNeighbours:
    def test_each_is_counted_on_haplotypes_with_and_without_the_other(self, tmp_path):
        bench = Bench(tmp_path, "")
        one = Indel(ANCHOR0, "CG", "C")
        two = Indel(ANCHOR0 + 7, "G", "GCC")
        assert bench.genome[ANCHOR0 + 7] == "G"
        first = LEFT + RIGHT[1:]
        second = LEFT + RIGHT[:7] + "CC" + RIGHT[7:]
        both = LEFT + RIGHT[1:7] + "CC" + RIGHT[7:]
        bench.add(bench.genome[20:80], 20, "60M")
        bench.add(first[20:80], 20, "31M1D29M")
        bench.add(second[20:80], 20, "38M2I20M")
        bench.add(both[20:80], 20, "31M1D6M2I21M")
        assert bench.count(one, two) == [[2, 2], [2, 2]]


class TestFiles:
    def test_a_cram_of_a_local_reference(self, homopolymer, monkeypatch):
        monkeypatch.setenv("REF_PATH", ".")
        homopolymer.add(homopolymer.genome[20:80], 20, "60M")
        homopolymer.add(SHORT[20:80], 20, "31M1D29M")
        assert homopolymer.count(DELETION, form="cram") == [[1, 1]]

    def test_no_read_and_what_cannot_be_told_give_zeros(self, homopolymer):
        other = Indel(2, "T", "T" + "A" * 40)
        assert homopolymer.count(DELETION, other) == [[0, 0], [0, 0]]

    def test_a_damaged_file_is_refused(self, homopolymer):
        for number in range(4000):
            start0 = number % 40
            homopolymer.add(homopolymer.genome[start0 : start0 + 60], start0, "60M")
        path = homopolymer.write()
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(ToolError, match="could not read all alignments"):
            indel_reads.count(
                path, str(homopolymer.folder / "genome.fa"), CHROM, [DELETION], FLOORS
            )
