"""prepare_panel and prepare_maps on hand-made files, and bcftools call on the sites."""

from __future__ import annotations

import gzip
import logging
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pysam
import pytest

import prepare_genome
import prepare_maps
import prepare_panel
from morula import genetic_map

pytestmark = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in ("bcftools", "samtools")),
    reason="bcftools and samtools are not on the PATH",
)

# Positions:      1   5    10   15   20   25   30
SEQUENCE = "ACGTACGTACGGGGGTTTACCATCATCATTGACA" * 3
HEADER = """##fileformat=VCFv4.2
##contig=<ID=chr1{length}>
##ALT=<ID=DEL,Description="Deletion">
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
##INFO=<ID=END,Number=1,Type=Integer,Description="End">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ts1\ts2
"""


class Panel:
    """A reference and the command line of prepare_panel."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        fasta = folder / "user.fa"
        fasta.write_text(f">chr1\n{SEQUENCE}\n>chr2\nACGT\n")
        self.genome = folder / "genome.fa"
        self.dictionary = folder / "genome.dict"
        assert not prepare_genome.main(
            ["--fasta", str(fasta), "--chromosomes", "chr1"]
            + ["--genome", str(self.genome), "--fai", f"{self.genome}.fai"]
            + ["--dictionary", str(self.dictionary)]
        )
        self.bcf = folder / "out/chr1.bcf"
        self.sites = folder / "out/chr1.snvs.tsv.gz"

    def write(self, *rows: str, length: int | None = None) -> Path:
        path = self.folder / "panel.vcf"
        text = HEADER.format(length=f",length={length}" if length else "")
        for row in rows:
            pos, ref, alt, *genotypes = row.split()
            cells = ["chr1", pos, "rs1", ref, alt, "50", "PASS", ".", "GT", *genotypes]
            text += "\t".join(cells) + "\n"
        path.write_text(text)
        return path

    def prepare(self, path: Path, chrom: str = "chr1") -> int:
        return prepare_panel.main(
            ["--panel", str(path), "--chrom", chrom, "--genome", str(self.genome)]
            + ["--dictionary", str(self.dictionary), "--threads", "1"]
            + ["--output", str(self.bcf), "--sites", str(self.sites)]
        )

    def records(self) -> list[str]:
        with pysam.VariantFile(str(self.bcf)) as reader:
            return [str(record).rstrip("\n") for record in reader]

    def brief(self) -> list[tuple[str, ...]]:
        """(pos, ref, alt, genotypes) of each record."""
        rows = [record.split("\t") for record in self.records()]
        return [(row[1], row[3], row[4], *row[9:]) for row in rows]

    def site_lines(self) -> list[str]:
        with gzip.open(self.sites, "rt") as handle:
            return handle.read().splitlines()


@pytest.fixture
def panel(tmp_path: Path) -> Panel:
    return Panel(tmp_path)


class TestRecords:
    def test_multiallelic_is_split_and_stays_one_site_line(self, panel: Panel) -> None:
        assert panel.prepare(panel.write("3 G C,A 0|1 2|1", "5 A T 0|0 0|0")) == 0
        assert panel.brief() == [
            ("3", "G", "A", "0|0", "1|0"),
            ("3", "G", "C", "0|1", "0|1"),
            ("5", "A", "T", "0|0", "0|0"),
        ]
        assert panel.site_lines() == ["chr1\t3\tG,A,C", "chr1\t5\tA,T"]

    def test_id_counts_and_monomorphic_sites(self, panel: Panel) -> None:
        assert panel.prepare(panel.write("3 G C 0|1 1|1", "5 A T 0|0 0|0")) == 0
        assert [row.split("\t")[2] for row in panel.records()] == [
            "chr1:3:G:C",
            "chr1:5:A:T",
        ]
        assert [row.split("\t")[7] for row in panel.records()] == [
            "AC=3;AN=4;AF=0.75",
            "AC=0;AN=4;AF=0",
        ]

    def test_indels_are_left_aligned_and_not_among_the_snvs(self, panel: Panel) -> None:
        # One G of the run at 11-15 is deleted: written at its right end, moved left.
        assert SEQUENCE[9:16] == "CGGGGGT"
        assert panel.prepare(panel.write("14 GG G 0|1 0|0", "20 C T 1|0 0|0")) == 0
        assert panel.brief() == [
            ("10", "CG", "C", "0|1", "0|0"),
            ("20", "C", "T", "1|0", "0|0"),
        ]
        assert panel.site_lines() == ["chr1\t20\tC,T"]

    def test_symbolic_star_and_repeats_are_dropped(self, panel: Panel, caplog) -> None:
        caplog.set_level(logging.INFO)
        rows = ["3 G <DEL> 0|1 0|0", "3 G C,* 0|1 0|2", "3 G C 1|1 1|1"]
        assert panel.prepare(panel.write(*rows)) == 0
        assert panel.brief() == [("3", "G", "C", "0|1", "0|0")]
        message = caplog.text
        assert "kept=1" in message
        assert "not A/C/G/T: 2" in message
        assert "repeated: 1" in message

    def test_the_same_indel_written_twice_is_one(self, panel: Panel) -> None:
        assert panel.prepare(panel.write("10 CG C 0|1 0|0", "14 GG G 0|1 0|0")) == 0
        assert panel.brief() == [("10", "CG", "C", "0|1", "0|0")]

    def test_header_contigs_and_index_are_of_the_fasta(self, panel: Panel) -> None:
        assert panel.prepare(panel.write("3 G C 0|1 1|1")) == 0
        assert Path(f"{panel.bcf}.csi").exists()
        with pysam.VariantFile(str(panel.bcf)) as reader:
            assert list(reader.header.contigs) == ["chr1", "chr2"]
            assert reader.header.contigs["chr1"].length == len(SEQUENCE)
            assert len(list(reader.fetch("chr1", 2, 3))) == 1

    def test_unphased_homozygote_has_no_phase_to_miss(self, panel: Panel) -> None:
        assert panel.prepare(panel.write("3 G C 0/0 1/1")) == 0
        assert panel.brief() == [("3", "G", "C", "0|0", "1|1")]

    def test_bcf_and_bgzipped_vcf_with_other_chromosomes(self, panel: Panel) -> None:
        path = panel.write("3 G C,A 0|1 2|1", "20 C T 1|0 0|0")
        path.write_text(
            path.read_text().replace("##ALT", "##contig=<ID=chr2>\n##ALT", 1)
            + "chr2\t1\t.\tA\tC\t.\t.\t.\tGT\t./.\t0/1\n"
        )
        assert panel.prepare(path) == 0
        first = panel.bcf.read_bytes()
        for suffix, mode in ((".bcf", "-Ob"), (".vcf.gz", "-Oz")):
            other = panel.folder / f"p{suffix}"
            subprocess.run(
                ["bcftools", "view", mode, "-o", str(other), str(path)], check=True
            )
            assert panel.prepare(other) == 0
            assert panel.bcf.read_bytes() == first


class TestRefusals:
    @pytest.mark.parametrize(
        ("genotypes", "word"),
        [
            ("./. 0|0", "missing"),
            ("0|1 .|1", "missing"),
            ("0|1 0/1", "not phased"),
            ("0|1 1", "not diploid"),
        ],
    )
    def test_bad_genotype(self, panel: Panel, capfd, genotypes: str, word: str) -> None:
        path = panel.write("3 G C 0|1 1|1", f"20 C T {genotypes}")
        assert panel.prepare(path) == 2
        message = capfd.readouterr().err
        assert "panel.vcf: chr1:20" in message
        assert word in message
        assert ("of s1 " if genotypes.startswith(".") else "of s2 ") in message
        assert list(panel.bcf.parent.iterdir()) == []

    def test_wrong_build_by_ref(self, panel: Panel, capfd) -> None:
        assert panel.prepare(panel.write("3 A C 0|1 1|1", "20 C T 0|1 0|0")) == 2
        message = capfd.readouterr().err
        assert "chr1:3 has REF A, the FASTA has G" in message
        assert "two builds" in message

    def test_few_wrong_ref_are_dropped(self, panel: Panel, caplog) -> None:
        caplog.set_level(logging.INFO)
        rows = []
        for pos in range(1, 103):
            ref = SEQUENCE[pos - 1]
            rows += [f"{pos} {ref} {alt} 0|1 0|0" for alt in "ACGT" if alt != ref]
        wrong = f"50 {'A' if SEQUENCE[49] != 'A' else 'C'} G 0|0 0|0"
        assert panel.prepare(panel.write(*rows[:147], wrong, *rows[147:])) == 0
        message = caplog.text
        assert "REF is not the FASTA's: 1" in message
        assert "chr1:50 has REF" in message
        assert len(panel.records()) == 306
        assert len(panel.site_lines()) == 102

    def test_wrong_build_by_length(self, panel: Panel, capfd) -> None:
        assert panel.prepare(panel.write("3 G C 0|1 1|1", length=99)) == 2
        assert "chr1 is 99 bp long" in capfd.readouterr().err

    def test_chromosome_that_the_panel_lacks(self, panel: Panel, capfd) -> None:
        assert panel.prepare(panel.write("3 G C 0|1 1|1"), chrom="chr2") == 2
        message = capfd.readouterr().err
        assert "no usable record of chr2" in message
        assert "chr1" in message

    def test_no_file_no_samples_no_vcf(self, panel: Panel, capfd) -> None:
        assert panel.prepare(panel.folder / "none.bcf") == 2
        assert "no such file" in capfd.readouterr().err
        text = panel.folder / "text.vcf"
        text.write_text("hello\n")
        assert panel.prepare(text) == 2
        assert "not a VCF or BCF" in capfd.readouterr().err


def write_reads(bam: Path) -> None:
    """Thirty reads over the first 40 bases, half with A and half with C at 3."""
    header = {
        "HD": {"VN": "1.6", "SO": "coordinate"},
        "SQ": [{"SN": "chr1", "LN": len(SEQUENCE)}, {"SN": "chr2", "LN": 4}],
        "RG": [{"ID": "r", "SM": "M1"}],
    }
    with pysam.AlignmentFile(str(bam), "wb", header=header) as writer:
        for number in range(30):
            read = pysam.AlignedSegment(writer.header)
            base = "AC"[number % 2]
            read.query_name = f"r{number}"
            read.query_sequence = SEQUENCE[:2] + base + SEQUENCE[3:40]
            read.query_qualities = pysam.qualitystring_to_array("I" * 40)
            read.flag = 16 * (number % 4 // 2)
            read.reference_id, read.reference_start = 0, 0
            read.mapping_quality, read.cigarstring = 60, "40M"
            read.set_tag("RG", "r")
            writer.write(read)
    pysam.index(str(bam))


class TestCallWithTheSites:
    def test_call_reports_every_site_with_its_alleles(self, panel: Panel) -> None:
        """Reads of a person REF/REF at 5 and A/C at 3, called with -C alleles."""
        rows = ["3 G C,A 0|1 2|1", "5 A T 0|0 0|0"]
        assert panel.prepare(panel.write(*rows)) == 0
        bam = panel.folder / "m.bam"
        write_reads(bam)
        piled = subprocess.run(
            ["bcftools", "mpileup", "-Ou", "-f", str(panel.genome), "-a", "AD"]
            + ["-T", str(panel.sites), str(bam)],
            check=True,
            capture_output=True,
        )
        called = subprocess.run(
            ["bcftools", "call", "-m", "-A", "-C", "alleles", "-T", str(panel.sites)],
            input=piled.stdout,
            check=True,
            capture_output=True,
        )
        rows = [
            line.split("\t")
            for line in called.stdout.decode().splitlines()
            if not line.startswith("#")
        ]
        # call orders the ALT alleles of a site as it likes; -A keeps those unseen.
        found = {row[1]: {row[3], *row[4].split(",")} for row in rows}
        assert found == {"3": {"G", "A", "C"}, "5": {"A", "T"}}
        assert [row[9].split(":")[0] for row in rows] == ["1/2", "0/0"]


class TestMaps:
    def run(self, folder: Path, *maps: str) -> int:
        paths = []
        for number, text in enumerate(maps):
            path = folder / f"user{number}.map"
            path.write_text(text)
            paths.append(str(path))
        flags = [
            word
            for sex in ("female", "male", "average")
            for word in (f"--{sex}", str(folder / f"{sex}.map"))
        ]
        return prepare_maps.main(["--maps", *paths, "--chrom", "chr1", *flags])

    def test_one_map_thrice(self, tmp_path: Path) -> None:
        text = "chr1 rs1 0.5 100\nchr1 . 0.5 100\nchr1 . 1.25 300\nchr2 . 0 5\n"
        assert self.run(tmp_path, text) == 0
        for sex in ("female", "male", "average"):
            written = (tmp_path / f"{sex}.map").read_text()
            assert written == "chr1\t.\t0.5\t100\nchr1\t.\t1.25\t300\n"

    def test_average_is_the_mean_at_every_position(self, tmp_path: Path) -> None:
        female = "chr1 . 0 100\nchr1 . 4 300\nchr1 . 5 900\n"
        male = "chr1 . 1 200\nchr1 . 2 400\n"
        assert self.run(tmp_path, female, male) == 0
        maps = {
            sex: genetic_map.read_map(tmp_path / f"{sex}.map", "chr1")
            for sex in ("female", "male", "average")
        }
        assert list(maps["average"].pos_bp) == [100, 200, 300, 400, 900]
        query = np.arange(100, 901, 50)
        gaps = {sex: np.diff(one.cm_at(query)) for sex, one in maps.items()}
        np.testing.assert_allclose(
            gaps["average"], 0.5 * (gaps["female"] + gaps["male"]), rtol=1e-7
        )

    def test_names_without_chr_are_refused(self, tmp_path: Path, capfd) -> None:
        assert self.run(tmp_path, "1 . 0 100\n1 . 1 200\n") == 2
        assert "fewer than two rows for chr1; it has 1" in capfd.readouterr().err
        assert not (tmp_path / "female.map").exists()
