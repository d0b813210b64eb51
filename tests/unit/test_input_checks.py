"""A right project passes; every spoilt file is refused, by its name and its cell."""

import gzip
import os
from pathlib import Path

import pysam
import pytest

from input_world import (
    LENGTHS,
    PANEL_SAMPLES,
    build,
    check,
    message,
    replace,
    write_bam,
    write_fasta,
    write_map,
    write_vcf,
)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    build(tmp_path)
    return tmp_path


def snapshot(folder: Path) -> dict[str, float]:
    return {str(p): p.stat().st_mtime for p in folder.rglob("*")}


def test_a_right_project_passes_and_nothing_is_written(folder):
    before = snapshot(folder)
    check()
    assert snapshot(folder) == before


def remove(path: str) -> None:
    Path(path).unlink()


def spoil_gzip(path: str) -> None:
    Path(path).write_bytes(Path(path).read_bytes()[:15])


def cut_end(path: str) -> None:
    Path(path).write_bytes(Path(path).read_bytes()[:-28])


def pack(path: str) -> None:
    """Compress with bgzip, at the same name."""
    data = Path(path).read_bytes()
    with pysam.BGZFile(path, "wb") as handle:
        handle.write(data)


def other_order() -> None:
    write_vcf(Path("panel/chr21.vcf.gz"), "chr21", PANEL_SAMPLES[::-1])


def second_read_first() -> None:
    text = f"@M1:2/2\n{'ACGT' * 10}\n+\n{'F' * 40}\n"
    Path("M1_2.fq.gz").write_bytes(gzip.compress(text.encode()))


def by_id_with_another_build() -> None:
    replace(Path("traits.tsv"), "height.txt", "PGS001229")
    cached = Path("cache/pgs_catalog/PGS001229_hmPOS_GRCh38.txt.gz")
    cached.parent.mkdir(parents=True)
    text = Path("height.txt").read_text().replace("GRCh38", "GRCh37")
    cached.write_bytes(gzip.compress(text.encode()))


def write(path: str, text: str) -> None:
    Path(path).write_text(text)


def with_dictionaries() -> None:
    """The BAM and the FASTA say the sequence's checksum, and they differ."""
    lines = [f"@SQ\tSN:{n}\tLN:{k}\tM5:{'0' * 32}\n" for n, k in LENGTHS.items()]
    write("genome.dict", "".join(lines))
    sq = [{"SN": n, "LN": k, "M5": "1" * 32} for n, k in LENGTHS.items()]
    with pysam.AlignmentFile("P1.bam", "wb", header={"SQ": sq}):
        pass


def bam(lengths, samples=("P1",)):
    return lambda: write_bam(Path("P1.bam"), lengths, list(samples))


def panel(chrom="chr20", genotypes=("0|1", "1|0", "0|0"), **more):
    path = Path("panel/chr20.vcf.gz")
    samples = more.pop("samples", PANEL_SAMPLES)
    return lambda: write_vcf(path, chrom, samples, genotypes, **more)


CASES = {
    "no FASTA": (
        lambda: remove("genome.fa"),
        ["line 6, reference.fasta", "no such"],
    ),
    "FASTA is empty": (lambda: write("genome.fa", ""), ["reference.fasta", "empty"]),
    "FASTA is a folder": (
        lambda: replace(Path("config.yaml"), "fasta: genome.fa", "fasta: maps"),
        ["line 6, reference.fasta", "maps: not a file"],
    ),
    "FASTA is none": (
        lambda: write("genome.fa", "BAM\n"),
        ["reference.fasta", "genome.fa: not FASTA"],
    ),
    "FASTA lacks a chromosome": (
        lambda: write_fasta(Path("genome.fa"), {"chr20": 3000}),
        ["line 10, reference.chromosomes.1", "genome.fa: no 'chr21'", "found chr20"],
    ),
    "FASTA without chr": (
        lambda: write_fasta(Path("genome.fa"), {"20": 3000, "21": 2400}),
        ["reference.chromosomes.0", "but '20'", "differ by 'chr'", "(and 1 more)"],
    ),
    "build": (
        lambda: write(
            "genome.fa.fai", "chr20\t63025520\t7\t60\t61\nchr21\t1\t1\t1\t2\n"
        ),
        ["line 5, reference.build", "found GRCh38", "63025520 bp, as in GRCh37"],
    ),
    "no panel": (
        lambda: remove("panel/chr21.vcf.gz"),
        ["line 7, reference.panel", "panel/chr21.vcf.gz: no such file"],
    ),
    "panel lacks the chromosome": (
        panel("chr19"),
        ["line 7, reference.panel", "panel/chr20.vcf.gz: no 'chr20'", "found chr19"],
    ),
    "panel without chr": (panel("20"), ["reference.panel", "'20'", "differ by 'chr'"]),
    "panel is not phased": (
        panel(genotypes=("0|1", "0/1", "0|0")),
        ["reference.panel", "chr20:100", "genotype of B is not phased"],
    ),
    "panel has gaps": (
        panel(genotypes=("0|1", ".|.", "0|0")),
        ["panel/chr20.vcf.gz", "genotype of B is missing"],
    ),
    "panel is haploid": (
        panel(genotypes=("0|1", "0|1", "0")),
        ["panel/chr20.vcf.gz", "genotype of C is missing or not diploid"],
    ),
    "panel has no samples": (panel(samples=()), ["reference.panel", "no samples"]),
    "panel of another length": (
        panel(length=63025520),
        ["panel/chr20.vcf.gz: chr20 has 63025520 bp, as in GRCh37", "it has 3000"],
    ),
    "panel is none": (
        lambda: write("panel/chr20.vcf.gz", "chr20\t100\n"),
        ["panel/chr20.vcf.gz: not VCF or BCF"],
    ),
    "panel is truncated": (
        lambda: cut_end("panel/chr20.vcf.gz"),
        ["panel/chr20.vcf.gz: truncated"],
    ),
    "panel in another order": (other_order, ["panel/chr21.vcf.gz", "another order"]),
    "labels lack a sample": (
        lambda: replace(Path("panel.tsv"), "B\tGBR\tEUR\n", ""),
        ["line 8, reference.panel_samples", "panel.tsv", "'B'"],
    ),
    "labels lack a column": (
        lambda: replace(Path("panel.tsv"), "superpopulation", "super"),
        ["reference.panel_samples", "panel.tsv", "'superpopulation'"],
    ),
    "no map": (
        lambda: remove("maps/chr20.map"),
        ["line 9, reference.genetic_map", "maps/chr20.map: no such file"],
    ),
    "map of another chromosome": (
        lambda: write_map(Path("maps/chr20.map"), "20"),
        ["reference.genetic_map", "maps/chr20.map", "differ by 'chr'"],
    ),
    "map with a header": (
        lambda: write("maps/chr20.map", "pos chr cM\n55 20 0.1\n"),
        ["maps/chr20.map, line 1: 3 columns; expected 4"],
    ),
    "BAM of another reference": (
        bam({"chr20": 63025520, "chr21": 2400}),
        ["units.tsv, line 3, bam: P1.bam", "63025520", "3000", "another reference"],
    ),
    "BAM without chr": (
        bam({"20": 3000, "21": 2400}),
        ["units.tsv, line 3, bam: P1.bam", "'20'", "differ by 'chr'"],
    ),
    "BAM lacks a chromosome": (
        bam({"chr20": 3000}),
        ["units.tsv, line 3, bam: P1.bam: no 'chr21'"],
    ),
    "BAM without contigs": (bam({}), ["line 3, bam", "found none", "FASTQ"]),
    "BAM of another sequence": (with_dictionaries, ["line 3, bam", "checksum"]),
    "BAM of two samples": (
        bam(LENGTHS, ["P1", "X"]),
        ["units.tsv, line 3, bam", "reads of 2 samples (P1, X)"],
    ),
    "BAM is truncated": (
        lambda: cut_end("P1.bam"),
        ["units.tsv, line 3, bam: P1.bam: truncated"],
    ),
    "BAM is none": (
        lambda: write("P1.bam", "reads"),
        ["units.tsv, line 3, bam: P1.bam: not a BAM or CRAM"],
    ),
    "no BAM": (
        lambda: remove("P1.bam"),
        ["units.tsv, line 3, bam: P1.bam: no such file"],
    ),
    "no FASTQ": (
        lambda: remove("E1_2.fq.gz"),
        ["units.tsv, line 4, fq2: E1_2.fq.gz: no such file"],
    ),
    "FASTQ is empty": (
        lambda: write("E1_2.fq.gz", ""),
        ["units.tsv, line 4, fq2: E1_2.fq.gz: empty"],
    ),
    "FASTQ without reads": (
        lambda: Path("E1_1.fq.gz").write_bytes(gzip.compress(b"")),
        ["units.tsv, line 4, fq1: E1_1.fq.gz: no reads"],
    ),
    "FASTQ is FASTA": (
        lambda: Path("E1_1.fq.gz").write_bytes(gzip.compress(b">a\nACGT\n>b\nAC\n")),
        ["units.tsv, line 4, fq1: E1_1.fq.gz"],
    ),
    "FASTQ is not gzip": (
        lambda: write("E1_1.fq.gz", "@a\nA\n+\nF\n"),
        ["units.tsv, line 4, fq1: E1_1.fq.gz", "not gzipped"],
    ),
    "FASTQ is cut off": (
        lambda: spoil_gzip("E1_1.fq.gz"),
        ["units.tsv, line 4, fq1: E1_1.fq.gz", "damaged"],
    ),
    "mates of other reads": (
        second_read_first,
        ["units.tsv, line 2, fq2: M1_1.fq.gz begins with", "M1_2.fq.gz with 'M1:2'"],
    ),
    "no scoring file": (
        lambda: remove("height.txt"),
        ["traits.tsv, line 2, scoring_file: height.txt: no such file"],
    ),
    "scoring file of another build": (
        lambda: replace(Path("height.txt"), "GRCh38", "hg19"),
        ["traits.tsv, line 2, scoring_file: height.txt", "GRCh37", "expected GRCh38"],
    ),
    "scoring file without weights": (
        lambda: replace(Path("height.txt"), "effect_weight", "beta"),
        ["traits.tsv, line 2, scoring_file: height.txt", "effect_weight"],
    ),
    "PGS id with a cached file of another build": (
        by_id_with_another_build,
        ["traits.tsv, line 2, scoring_file: cache/pgs_catalog/PGS001229", "GRCh37"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_refused(folder, case):
    spoil, words = CASES[case]
    spoil()
    before = snapshot(folder)
    text = message()
    for word in words:
        assert word in text
    assert "mistakes" not in text
    assert snapshot(folder) == before


def test_a_pgs_id_is_downloaded_by_the_workflow(folder):
    replace(Path("traits.tsv"), "height.txt", "PGS001229")
    check()


def test_all_mistakes_are_told_at_once(folder):
    remove("E1_1.fq.gz")
    remove("P1.bam")
    remove("maps/chr20.map")
    text = message()
    assert text.startswith("3 mistakes:\n")
    for name in ("E1_1.fq.gz", "P1.bam", "maps/chr20.map"):
        assert name in text


def test_mistakes_of_many_files_are_counted(folder):
    remove("panel/chr20.vcf.gz")
    remove("panel/chr21.vcf.gz")
    text = message()
    assert "panel/chr20.vcf.gz: no such file" in text
    assert text.endswith("(and 1 more of these)")


def test_cram_end(folder):
    header = {"SQ": [{"SN": n, "LN": k} for n, k in LENGTHS.items()]}
    with pysam.AlignmentFile("P1.cram", "wc", header=header):
        pass
    replace(Path("units.tsv"), "P1.bam", "P1.cram")
    check()
    Path("P1.cram").write_bytes(Path("P1.cram").read_bytes()[:-10])
    assert "units.tsv, line 3, bam: P1.cram: truncated" in message()


@pytest.mark.parametrize("packed", [False, True])
def test_gzipped_fasta(folder, packed):
    if packed:
        pack("genome.fa")
    else:
        Path("genome.fa").write_bytes(gzip.compress(Path("genome.fa").read_bytes()))
    check()


def test_two_maps(folder):
    old, new = "maps/{chrom}.map", "{female: 'f/{chrom}.map', male: 'maps/{chrom}.map'}"
    replace(Path("config.yaml"), old, new)
    text = message()
    assert "line 9, reference.genetic_map.female: f/chr20.map: no such file" in text
    assert "male: maps" not in text


def test_files_that_the_simulation_makes_need_not_be_there(folder):
    remove("M1_1.fq.gz")
    replace(Path("units.tsv"), "M1_1", "results/simulate/reads/M1_1")
    replace(Path("units.tsv"), "M1_2", "results/simulate/reads/M1_2")
    assert "results/simulate/reads/M1_1.fq.gz: no such file" in message()
    with Path("config.yaml").open("a") as handle:
        handle.write("simulate: {parents: {M1: a, P1: b}}\n")
    check()


def test_founders_are_files_of_the_user(folder):
    with Path("config.yaml").open("a") as handle:
        handle.write("simulate:\n  founders: f/{chrom}.bcf\n  parents: {M1: a}\n")
    assert "line 12, simulate.founders: f/chr20.bcf: no such file" in message()


def test_index_of_an_earlier_run_saves_the_scan(folder, monkeypatch):
    """It counts for the FASTA that it was made of, and never to refuse."""
    own = Path("results/reference")
    own.mkdir(parents=True)
    (own / "genome.fa").symlink_to("../../genome.fa")
    rows = "".join(f"{n}\t{k}\t1\t60\t61\n" for n, k in LENGTHS.items())
    (own / "genome.fa.fai").write_text(rows)

    def no_scan(path):
        raise AssertionError("scanned")

    with monkeypatch.context() as patched:
        patched.setattr("morula.contigs.scan_fasta", no_scan)
        check()
    # Another FASTA, packed, with the decompressed copy of the first.
    write_fasta(Path("genome.fa"), {"chr20": 3000})
    (own / "genome.fa").unlink()
    (own / "genome.fa").write_text(">chr20\nA\n")
    os.utime("genome.fa", (1, 1))
    write("genome.fa.fai", "")
    os.utime("genome.fa.fai", (0, 0))
    (own / "genome.fa.fai").write_text("chr1\t5\t1\t60\t61\n")
    assert "genome.fa: no 'chr21'" in message()
    assert "chr1\n" not in message()
