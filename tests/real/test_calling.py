"""Align and call real reads by the workflow's own rules, against the NIST truth.

NA12878 (52x, as FASTQ) as a mother, and a trio of 1000 Genomes samples (as BAM, the
child with truth). Takes two minutes. The data are not in the repository: they are
looked for in MORULA_SHARED_DATA, or in ../shared/data beside the checkout.
"""

import gzip
import random
import shutil
import subprocess
from pathlib import Path

import cyvcf2
import pysam
import pytest

from real_data import DATA, needs
from run_workflow import make

READS, TRIO = DATA / "reads_chr20", DATA / "trio_chr20"
PANEL_SAMPLES = 20
TRIO_LAST = 10_010_000

pytestmark = needs("reads_chr20", "trio_chr20", "ancestry")

CONFIG = """\
samples: samples.tsv
units: units.tsv
traits: traits.tsv
reference:
  build: GRCh37
  fasta: {fasta}
  panel: panel.{{chrom}}.vcf
  panel_samples: labels.tsv
  genetic_map: "{{chrom}}.map"
  chromosomes: ["{chrom}"]
"""


def write_table(path: Path, *rows: str) -> None:
    path.write_text("".join(row.replace(" ", "\t") + "\n" for row in rows))


def real_rows(names: list[str], first: int, last: int) -> dict[int, list[str]]:
    """1000 Genomes SNVs of the stretch, by position: REF, ALT and genotypes."""
    rows = {}
    source = DATA / "ancestry" / "1KG_phase3_subset_chr20.vcf.gz"
    with gzip.open(source, "rt") as handle:
        for line in handle:
            fields = line.rstrip("\n").split("\t")
            if line.startswith("#") or not first <= int(fields[1]) <= last:
                continue
            if len(fields[3]) == len(fields[4]) == 1:
                rows[int(fields[1])] = [*fields[3:5], *fields[9 : 9 + len(names)]]
    return rows


def write_panel(
    folder: Path, fasta: pysam.FastaFile, chrom: str, first: int, last: int
) -> set[int]:
    """A panel of the real SNVs there are, and of invented ones every 250 bp; returns
    the invented positions. Neither knows of the truth: an invented site is hom-ref in
    almost everybody, and a wrong call there costs precision."""
    rng = random.Random(1)
    names = [f"R{number}" for number in range(PANEL_SAMPLES)]
    rows = real_rows(names, first, last)
    bases = fasta.fetch(chrom, first - 1, last).upper()
    invented = set(range(first, last, 250)) - set(rows)
    for pos_bp in invented:
        ref = bases[pos_bp - first]
        alt = rng.choice([base for base in "ACGT" if base != ref])
        genotypes = [f"{rng.randint(0, 1)}|{rng.randint(0, 1)}" for _ in names]
        rows[pos_bp] = [ref, alt, *genotypes]
    length = fasta.get_reference_length(chrom)
    lines = ["##fileformat=VCFv4.2", f"##contig=<ID={chrom},length={length}>"]
    lines.append('##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">')
    columns = "#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT".split()
    lines.append("\t".join([*columns, *names]))
    for pos_bp, (ref, alt, *genotypes) in sorted(rows.items()):
        place = [chrom, str(pos_bp), ".", ref, alt, ".", "PASS", ".", "GT"]
        lines.append("\t".join([*place, *genotypes]))
    text = "".join(f"{line}\n" for line in lines)
    (folder / f"panel.{chrom}.vcf").write_text(text)
    write_table(
        folder / "labels.tsv",
        "sample population superpopulation",
        *(f"{name} GBR EUR" for name in names),
    )
    return invented


def cut_tail(fasta: Path, chrom: str) -> None:
    """Keep the first 11.1 Mb, so that the index takes seconds: what follows is N but
    for 225 kb at 59.8 Mb, and the reads are all of 10.0-10.1 Mb. Coordinates stay."""
    bases = pysam.FastaFile(str(fasta)).fetch(chrom, 0, 11_100_000)
    fasta.write_text(f">{chrom}\n{bases}\n")
    Path(f"{fasta}.fai").unlink()


def write_project(
    folder: Path, packed: Path, chrom: str, last: int, is_cut: bool
) -> set[int]:
    """FASTA, panel, map, traits and config; the invented positions of the panel."""
    fasta = folder / "genome.fa"
    fasta.write_bytes(gzip.decompress(packed.read_bytes()))
    if is_cut:
        cut_tail(fasta, chrom)
    invented = write_panel(folder, pysam.FastaFile(str(fasta)), chrom, 10_000_001, last)
    write_table(folder / f"{chrom}.map", f"{chrom} . 0 1", f"{chrom} . 70 63000000")
    score = DATA / "pgs" / "PGS000001_hmPOS_GRCh37.txt.gz"
    write_table(folder / "traits.tsv", "trait scoring_file kind")
    with (folder / "traits.tsv").open("a") as handle:
        handle.write(f"cancer\t{score}\tquantitative\n")
    (folder / "config.yaml").write_text(CONFIG.format(fasta="genome.fa", chrom=chrom))
    return invented


def snv_copies(path: Path, sample: str | None, bed: Path) -> dict[tuple[int, str], int]:
    """Copies of each SNV allele that `sample` carries inside the BED."""
    rows = [line.split() for line in bed.read_text().splitlines()]
    stretches = [range(int(row[1]) + 1, int(row[2]) + 1) for row in rows]
    reader = cyvcf2.VCF(str(path))
    column = reader.samples.index(sample) if sample else 0
    copies = {}
    for record in reader:
        if not any(record.POS in stretch for stretch in stretches):
            continue
        genotype = record.genotypes[column][:2]
        for allele, alt in enumerate(record.ALT, start=1):
            if len(record.REF) == len(alt) == 1 and allele in genotype:
                copies[record.POS, alt] = genotype.count(allele)
    reader.close()
    return copies


def f1_of(truth: dict, called: dict) -> float:
    """F1 of alleles with the right number of copies; prints precision and recall."""
    right = sum(called.get(key) == copies for key, copies in truth.items())
    precision, recall = right / len(called), right / len(truth)
    f1 = 2 * precision * recall / (precision + recall)
    print(
        f"SNPs: truth {len(truth)}, called {len(called)}, right {right};"
        f" precision {precision:.4f}, recall {recall:.4f}, F1 {f1:.4f}"
    )
    return f1


@pytest.fixture(scope="module")
def mother(tmp_path_factory) -> tuple[Path, set[int]]:
    """NA12878 as FASTQ, aligned and called; her folder, the panel's invented sites."""
    folder = tmp_path_factory.mktemp("real_calling")
    invented = write_project(
        folder,
        READS / "ucsc.hg19.chr20.unittest.fasta.gz",
        "chr20",
        10_100_000,
        is_cut=True,
    )
    bam = READS / "NA12878_S1.chr20.10_10p1mb.bam"
    collate = ["samtools", "collate", "-u", "-O", str(bam), str(folder / "collate")]
    fastq = ["samtools", "fastq", "-n", "-1", "r1.fq.gz", "-2", "r2.fq.gz"]
    fastq += ["-0", "/dev/null", "-s", "/dev/null", "-"]
    grouped = subprocess.run(collate, check=True, capture_output=True).stdout
    subprocess.run(fastq, check=True, input=grouped, cwd=folder, capture_output=True)
    # The sheet needs an embryo; nothing of it is made here.
    for mate in "12":
        shutil.copy(folder / f"r{mate}.fq.gz", folder / f"e{mate}.fq.gz")
    write_table(
        folder / "samples.tsv",
        "family sample role sex",
        "FAM1 NA12878 mother female",
        "FAM1 E1 embryo unknown",
    )
    write_table(
        folder / "units.tsv",
        "sample unit fq1 fq2",
        "NA12878 1 r1.fq.gz r2.fq.gz",
        "E1 1 e1.fq.gz e2.fq.gz",
    )
    make(folder, "results/call/FAM1.chr20.bcf")
    return folder, invented


def test_snps_of_na12878(mother):
    folder, _ = mother
    bed = READS / "test_nist.b37_chr20_100kbp_at_10mb.bed"
    truth = snv_copies(bed.with_suffix(".vcf.gz"), None, bed)
    called = snv_copies(folder / "results/call/FAM1.chr20.bcf", "NA12878", bed)
    assert len(truth) >= 40
    assert f1_of(truth, called) >= 0.99


def test_every_panel_site_has_a_genotype(mother):
    """Hom-ref included; almost all of the invented sites are."""
    folder, invented = mother
    genotypes = {}
    for record in cyvcf2.VCF(str(folder / "results/call/FAM1.chr20.bcf")):
        if record.INFO.get("PANEL"):
            genotypes[record.POS] = record.genotypes[0][:2]
            assert record.format("PL").min() == 0
    assert invented <= set(genotypes)
    hom_ref = sum(genotypes[pos_bp] == [0, 0] for pos_bp in invented)
    assert hom_ref >= 0.98 * len(invented)


@pytest.fixture(scope="module")
def trio(tmp_path_factory) -> Path:
    """Mother, father and child as BAM, called jointly."""
    folder = tmp_path_factory.mktemp("real_trio")
    write_project(folder, TRIO / "hs37d5.chr20.fa.gz", "20", TRIO_LAST, is_cut=False)
    write_table(
        folder / "samples.tsv",
        "family sample role sex",
        "FAM1 M1 mother female",
        "FAM1 P1 father male",
        "FAM1 C1 child female",
    )
    names = {"M1": "NA12892", "P1": "NA12891", "C1": "HG001"}
    rows = [
        f"{sample} 1 {TRIO / f'{name}.chr20.10_10p1mb_sorted.bam'}"
        for sample, name in names.items()
    ]
    write_table(folder / "units.tsv", "sample unit bam", *rows)
    make(folder, "results/call/FAM1.20.bcf", "results/call/counts/C1.20.bcf")
    return folder


def test_snps_of_the_child(trio):
    bed = TRIO / "test_giab.b37_chr20_100kbp_at_10mb.bed"
    truth = snv_copies(TRIO / "HG001.truth.vcf.gz", None, bed)
    # The BED goes on for 500 bp after the last read.
    truth = {key: n for key, n in truth.items() if key[0] <= TRIO_LAST}
    called = snv_copies(trio / "results/call/FAM1.20.bcf", "C1", bed)
    assert f1_of(truth, called) >= 0.99


def test_the_trio_is_mendelian(trio):
    reader = cyvcf2.VCF(str(trio / "results/call/FAM1.20.bcf"))
    assert reader.samples == ["M1", "P1", "C1"]
    fit = known = 0
    for record in reader:
        mother, father, child = (set(g[:2]) for g in record.genotypes)
        alleles = record.genotypes[2][:2]
        if -1 in mother | father | child or record.QUAL is None:
            continue
        known += 1
        fit += any(alleles[i] in mother and alleles[1 - i] in father for i in (0, 1))
    assert known > 30
    assert fit >= 0.97 * known
