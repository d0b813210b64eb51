"""A tiny project with all its files, right in every respect, for tests to spoil.

Two chromosomes of 3000 bp, a panel of three, FAM1 with M1 (FASTQ), P1 (BAM) and the
embryos E1 and E2 (FASTQ).
"""

from __future__ import annotations

import gzip
import random
from collections.abc import Sequence
from pathlib import Path

import pysam
import pytest
import yaml

from morula import settings
from morula.errors import InputError
from morula.input_checks import check_files
from morula.project import load

SCHEMAS = Path(__file__).resolve().parents[2] / "config/schemas"
SCHEMA = settings.read_schema(SCHEMAS / "config.schema.yaml")
LENGTHS = {"chr20": 3000, "chr21": 2400}
PANEL_SAMPLES = ("A", "B", "C")
CONFIG = """\
samples: samples.tsv
units: units.tsv
traits: traits.tsv
reference:
  build: GRCh38
  fasta: genome.fa
  panel: panel/{chrom}.vcf.gz
  panel_samples: panel.tsv
  genetic_map: maps/{chrom}.map
  chromosomes: [chr20, chr21]
"""
SAMPLES = """\
family\tsample\trole\tsex\tcells\tamplification
FAM1\tM1\tmother\tfemale\t\t
FAM1\tP1\tfather\t\t\t
FAM1\tE1\tembryo\t\t5\tMDA
FAM1\tE2\tembryo\t\t5\tMDA
"""
UNITS = """\
sample\tunit\tfq1\tfq2\tbam
M1\t1\tM1_1.fq.gz\tM1_2.fq.gz\t
P1\t1\t\t\tP1.bam
E1\t1\tE1_1.fq.gz\tE1_2.fq.gz\t
E2\t1\tE2_1.fq.gz\tE2_2.fq.gz\t
"""
TRAITS = """\
trait\tscoring_file\tkind\tprevalence
height\theight.txt\tquantitative\t
diabetes\tdiabetes.txt.gz\tdisease\t0.1
"""
SCORE = """\
#pgs_id={id}
#genome_build=GRCh38
chr_name\tchr_position\teffect_allele\tother_allele\teffect_weight
20\t100\tA\tC\t0.5
"""


def build(folder: Path) -> None:
    """Write the project into `folder`."""
    for name, text in (
        ("config.yaml", CONFIG),
        ("samples.tsv", SAMPLES),
        ("units.tsv", UNITS),
        ("traits.tsv", TRAITS),
        ("height.txt", SCORE.format(id="HEIGHT")),
    ):
        (folder / name).write_text(text)
    score = SCORE.format(id="DIABETES").encode()
    (folder / "diabetes.txt.gz").write_bytes(gzip.compress(score))
    write_fasta(folder / "genome.fa", LENGTHS)
    write_bam(folder / "P1.bam", LENGTHS, ["P1"])
    for sample in ("M1", "E1", "E2"):
        write_fastq(folder, sample)
    labels = "".join(f"{name}\tGBR\tEUR\n" for name in PANEL_SAMPLES)
    (folder / "panel.tsv").write_text("sample\tpopulation\tsuperpopulation\n" + labels)
    for chrom in LENGTHS:
        write_vcf(folder / f"panel/{chrom}.vcf.gz", chrom, PANEL_SAMPLES)
        write_map(folder / f"maps/{chrom}.map", chrom)


def write_fasta(path: Path, lengths: dict[str, int]) -> None:
    """Random sequence in lines of 60."""
    rng = random.Random(1)
    with path.open("w") as handle:
        for name, length in lengths.items():
            bases = "".join(rng.choices("ACGT", k=length))
            lines = [bases[at : at + 60] for at in range(0, length, 60)]
            handle.write("\n".join([f">{name} simulated", *lines]) + "\n")


def write_fastq(folder: Path, sample: str) -> None:
    """A pair of files with one read each."""
    for mate in (1, 2):
        record = f"@{sample}:1/{mate}\n{'ACGT' * 10}\n+\n{'F' * 40}\n"
        packed = gzip.compress(record.encode())
        (folder / f"{sample}_{mate}.fq.gz").write_bytes(packed)


def write_bam(path: Path, lengths: dict[str, int], samples: Sequence[str]) -> None:
    """A header and no reads; a read group for each of `samples`."""
    header = {
        "HD": {"VN": "1.6", "SO": "coordinate"},
        "SQ": [{"SN": name, "LN": length} for name, length in lengths.items()],
        "RG": [{"ID": str(n), "SM": name} for n, name in enumerate(samples)],
    }
    with pysam.AlignmentFile(str(path), "wb", header=header):
        pass


def write_vcf(
    path: Path,
    chrom: str,
    samples: Sequence[str],
    genotypes: Sequence[str] = ("0|1", "1|0", "0|0"),
    length: int | None = None,
) -> None:
    """Two sites of `chrom`; bgzipped. The header gives the contig's length."""
    length = length or LENGTHS.get(chrom, 1000)
    columns = "#CHROM POS ID REF ALT QUAL FILTER INFO".split()
    per_sample = ["FORMAT", *samples] if samples else []
    lines = [
        "##fileformat=VCFv4.2",
        f"##contig=<ID={chrom},length={length}>",
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">',
        "\t".join([*columns, *per_sample]),
    ]
    for pos in (100, 200):
        cells = [chrom, str(pos), ".", "A", "C", ".", ".", "."]
        calls = ["GT", *genotypes[: len(samples)]] if samples else []
        lines.append("\t".join(cells + calls))
    path.parent.mkdir(exist_ok=True)
    with pysam.BGZFile(str(path), "wb") as handle:
        handle.write(("\n".join(lines) + "\n").encode())


def write_map(path: Path, chrom: str) -> None:
    """PLINK format, two rows."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{chrom}\t.\t0\t1\n{chrom}\t.\t1.5\t3000\n")


def replace(path: Path, old: str, new: str) -> None:
    """Replace a text that must be there."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def check() -> None:
    """All checks of the project in the working directory."""
    files = ["config.yaml"]
    given = yaml.safe_load(Path("config.yaml").read_text())
    config = settings.complete(given, SCHEMA, files)
    check_files(config, load(config, SCHEMAS), files)


def message() -> str:
    """What the checks refuse it with."""
    with pytest.raises(InputError) as caught:
        check()
    return str(caught.value)
