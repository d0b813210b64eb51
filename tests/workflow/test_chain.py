"""The whole chain, run for real on a world of 2 x 0.3 Mb: outputs, a killed run, a new
embryo, and families that bring CRAM and VCF. About a minute on two cores.
"""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pysam
import pytest

from morula.tables import read_tsv
from run_workflow import ENVIRONMENT, PYTHON, REPOSITORY, SEARCH, command, make

TOOLS = "bwa samtools bcftools fastp mosdepth shapeit4 beagle multiqc".split()

pytestmark = pytest.mark.skipif(
    any(shutil.which(tool, path=SEARCH) is None for tool in TOOLS),
    reason=f"needs {', '.join(TOOLS)}",
)

REFERENCE = """\
reference:
  build: GRCh38
  fasta: {world}/genome.fa
  panel: {world}/panel/{{chrom}}.bcf
  panel_samples: {world}/panel.samples.tsv
  genetic_map:
    female: {world}/maps/{{chrom}}.female.map
    male: {world}/maps/{{chrom}}.male.map
  chromosomes: [chr21, chr22]
"""
SHEETS = "samples: samples.tsv\nunits: units.tsv\ntraits: traits.tsv\n"
SIMULATE = """\
simulate:
  parents: {M1: FEUR001, P1: FEUR002}
  depth: {parents: 15, embryos: 6, children: 10}
  population: {length_bp: 300000, panel_samples: 30, score_variants: 100}
"""
# Section 2 of the design: files that other programs rely on, and columns in them.
COLUMNS = {
    "correct/FAM1.qc.tsv": "embryo depth breadth ado_rate imbalance error_rate"
    " contamination relationship_mother relationship_father chromosomes_flagged status"
    " reason",
    "correct/FAM1.inheritance.tsv": "embryo parent chrom start end haplotype posterior"
    " start_low start_high",
    "ancestry/FAM1.tsv": "sample PC1 population population_probability superpopulation"
    " superpopulation_probability admixture_EUR",
    "score/FAM1.tsv": "sample trait pgs_id variants_total variants_used weight_used pgs"
    " pgs_sd z z_low z_high percentile reference risk risk_low risk_high",
    "score/FAM1.ranking.tsv": "embryo index index_low index_high probability_best"
    " expected_gain",
    "simulate/accuracy.tsv": "family sample measure method value",
}


def write_rows(path: Path, *rows: str) -> None:
    path.write_text("".join(row.replace(" ", "\t") + "\n" for row in rows))


def unit(sample: str, folder: str = "results/simulate/reads") -> str:
    return f"{sample} 1 {folder}/{sample}_1.fq.gz {folder}/{sample}_2.fq.gz"


def kill_midway(folder: Path) -> None:
    """Start a run and kill all of it while it aligns; its lock stays behind."""
    process = subprocess.Popen(
        command(folder, "--configfile", str(folder / "config.yaml")),
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    end = time.monotonic() + 300
    while not list(folder.glob("results/align/*.cram")):
        assert process.poll() is None, "the run ended before it aligned"
        assert time.monotonic() < end, "no alignment in five minutes"
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert list((folder / ".snakemake/locks").iterdir())


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A finished project of one family: a first run killed, a second one whole."""
    folder = tmp_path_factory.mktemp("chain")
    world = REFERENCE.format(world="results/simulate")
    (folder / "config.yaml").write_text(SHEETS + world + SIMULATE)
    roles = {"M1": "mother", "P1": "father", "E1": "embryo", "E2": "embryo"}
    roles["C1"] = "child"
    members = [f"{name} FAM1 {role}" for name, role in roles.items()]
    write_rows(folder / "samples.tsv", "sample family role", *members)
    write_rows(folder / "units.tsv", "sample unit fq1 fq2", *map(unit, roles))
    scores = "results/simulate/scores"
    write_rows(
        folder / "traits.tsv",
        "trait scoring_file kind prevalence liability_r2 daly_weight",
        f"height {scores}/height.txt.gz quantitative   ",
        f"diabetes {scores}/t2d.txt.gz disease 0.1 0.1 5",
    )
    kill_midway(folder)
    subprocess.run(
        [PYTHON, REPOSITORY / "scripts/unlock_folder.py", "--folder", folder],
        check=True,
    )
    first = {path: path.stat().st_mtime_ns for path in finished_reads(folder)}
    make(folder)
    for path, made in first.items():
        assert path.stat().st_mtime_ns == made, f"{path} was made again"
    return folder


def finished_reads(folder: Path) -> list[Path]:
    return list(folder.glob("results/simulate/reads/*.fq.gz"))


def test_all_files_with_their_columns(project):
    results = project / "results"
    for name, columns in COLUMNS.items():
        rows = read_tsv(results / name)
        assert rows, name
        assert set(columns.split()) <= set(rows[0]), name
    for name in ("qc/multiqc.html", "report/FAM1.html"):
        assert "E2" in (results / name).read_text()
    for sample in ("M1", "P1", "E1", "E2", "C1"):
        pysam.quickcheck(str(results / f"align/{sample}.cram"))
        assert (results / f"align/{sample}.cram.crai").stat().st_size
    with pysam.VariantFile(str(results / "impute/FAM1.bcf")) as genomes:
        assert list(genomes.header.samples) == ["M1", "P1", "E1", "E2", "C1"]
        record = next(iter(genomes))
        assert {"GT", "DS", "GP"} <= set(record.format)
        assert all(sample.phased for sample in record.samples.values())
    assert (results / "impute/FAM1.bcf.csi").is_file()


def test_nothing_big_stays_but_the_cram(project):
    results = project / "results"
    assert not list(results.rglob("*.bam")) + list(results.rglob("*.sam"))
    assert not list(results.rglob(".partial-*"))
    assert not list(results.rglob(".work-*"))


def test_the_embryos_are_right(project):
    rows = read_tsv(project / "results/simulate/accuracy.tsv")
    right = {
        (row["sample"], row["method"]): float(row["value"])
        for row in rows
        if row["measure"] == "genotype_accuracy_parent_het_snvs"
    }
    assert right["embryos", "morula"] > 0.9
    assert right["embryos", "morula"] > right["embryos", "single_sample_caller"] + 0.05


def test_a_finished_run_does_nothing(project):
    assert "Nothing to be done" in make(project)


def build_cram_and_vcf(project: Path, folder: Path) -> None:
    """A couple by CRAM and VCF, one of its embryos by an array; beside it a mother
    alone, the father a donor."""
    results = project / "results"
    (folder / "config.yaml").write_text(
        SHEETS + REFERENCE.format(world=results / "simulate")
    )
    shutil.copy(results / "align/M1.cram", folder / "copy.cram")
    parts = [str(results / f"call/FAM1.{chrom}.bcf") for chrom in ("chr21", "chr22")]
    vcf = folder / "father.vcf.gz"
    subprocess.run(["bcftools", "concat", "-Oz", "-o", vcf, *parts], check=True)
    write_rows(
        folder / "samples.tsv",
        "sample family role",
        *["M1 A mother", "P1 A father", "E1 A embryo", "EA A embryo"],
        *["MB B mother", "E2 B embryo"],
    )
    reads = str(results / "simulate/reads")
    write_rows(
        folder / "units.tsv",
        "sample unit fq1 fq2 bam vcf",
        f"M1 1   {results}/align/M1.cram ",
        f"P1 1    {vcf}",
        f"{unit('E1', reads)}  ",
        f"EA 1    {write_array(project, folder)}",
        "MB 1   copy.cram ",
        f"{unit('E2', reads)}  ",
    )
    score = results / "simulate/scores/height.txt.gz"
    write_rows(
        folder / "traits.tsv",
        "trait scoring_file kind",
        f"height {score} quantitative",
    )


def test_families_that_bring_cram_and_vcf(project, tmp_path):
    build_cram_and_vcf(project, tmp_path)
    make(tmp_path)
    made = tmp_path / "results"
    with pysam.VariantFile(str(made / "impute/B.bcf")) as genomes:
        assert list(genomes.header.samples) == ["MB", "E2"]
    assert dosage_r2(project, made / "impute/A.bcf", "EA", of="E2") > 0.9
    by_reads, by_array = read_tsv(made / "correct/A.qc.tsv")
    assert by_array["embryo"] == "EA"
    assert by_array["status"] in ("pass", "warn"), by_array["reason"]
    assert by_array["depth"] == by_array["error_rate_damage"] == ""
    assert by_reads["signal_noise"] == "" != by_array["signal_noise"]
    assert "EA" in (made / "report/A.html").read_text()
    (row,) = read_tsv(made / "correct/B.qc.tsv")
    assert row["relationship_father"] == ""
    assert float(row["relationship_mother"]) > 0.5
    ranking = read_tsv(made / "score/A.ranking.tsv")
    assert ranking[0]["index"] == ""
    assert ranking[0]["reason"]


def write_array(project: Path, folder: Path) -> Path:
    """An array of embryo E2, by another name: every fourth of its true SNVs."""
    truth = project / "results/simulate/truth/samples/E2.bcf"
    path = folder / "array.vcf"
    kept = 0
    with pysam.VariantFile(str(truth)) as given:
        given.header.formats.add("BAF", 1, "Float", "B allele frequency")
        given.header.info.add("ALLELE_B", 1, "String", "B allele")
        with pysam.VariantFile(str(path), "w", header=given.header) as array:
            for number, record in enumerate(given):
                if number % 4 or len(record.ref) > 1 or len(record.alts[0]) > 1:
                    continue
                record.info["ALLELE_B"] = record.alts[0]
                record.samples[0]["BAF"] = sum(record.samples[0]["GT"]) / 2
                array.write(record)
                kept += 1
    assert kept > 500
    return path


def dosage_r2(project: Path, genomes: Path, sample: str, of: str = "") -> float:
    """Squared correlation of a sample's dosages with the truth, that of `of` or its
    own, at all sites."""
    truth_path = project / f"results/simulate/truth/samples/{of or sample}.bcf"
    with pysam.VariantFile(str(truth_path)) as truth:
        copies = {
            (one.chrom, one.pos, one.alts): sum(one.samples[0]["GT"]) for one in truth
        }
    with pysam.VariantFile(str(genomes)) as given:
        dosages = {
            (one.chrom, one.pos, one.alts): one.samples[sample]["DS"] for one in given
        }
    shared = sorted(copies.keys() & dosages.keys())
    assert len(shared) > 1000
    pairs = [(copies[key], dosages[key]) for key in shared]
    return float(np.corrcoef(np.array(pairs).T)[0, 1] ** 2)


@pytest.fixture(scope="module")
def lacking(project, tmp_path_factory) -> Path:
    """Results of a father and his child, the mother a donor, and of embryos alone."""
    folder = tmp_path_factory.mktemp("lacking")
    results = project / "results"
    (folder / "config.yaml").write_text(
        SHEETS + REFERENCE.format(world=results / "simulate")
    )
    write_rows(
        folder / "samples.tsv",
        "sample family role",
        *["P1 HIS father", "C1 HIS child", "E1 ALONE embryo", "E2 ALONE embryo"],
    )
    reads = str(results / "simulate/reads")
    write_rows(
        folder / "units.tsv",
        "sample unit fq1 fq2 bam",
        f"P1 1   {results}/align/P1.cram",
        *(f"{unit(name, reads)} " for name in ("C1", "E1", "E2")),
    )
    score = results / "simulate/scores/t2d.txt.gz"
    write_rows(
        folder / "traits.tsv",
        "trait scoring_file kind prevalence liability_r2 daly_weight",
        f"diabetes {score} disease 0.1 0.1 5",
    )
    make(folder)
    return folder / "results"


def test_genomes_and_scores_with_one_parent_or_none(project, lacking):
    for family, members in (("HIS", ["P1", "C1"]), ("ALONE", ["E1", "E2"])):
        with pysam.VariantFile(str(lacking / f"impute/{family}.bcf")) as genomes:
            assert list(genomes.header.samples) == members
        placed = read_tsv(lacking / f"ancestry/{family}.tsv")
        assert [row["sample"] for row in placed] == members
        for row in read_tsv(lacking / f"score/{family}.tsv"):
            assert float(row["z_low"]) <= float(row["z"]) <= float(row["z_high"])
        for name in members[family == "HIS" :]:
            genomes = lacking / f"impute/{family}.bcf"
            assert dosage_r2(project, genomes, name) > 0.75


def test_a_donor_mother(lacking):
    (his,) = read_tsv(lacking / "correct/HIS.qc.tsv")
    assert his["relationship_mother"] == his["ado_rate"] == ""
    assert float(his["relationship_father"]) > 0.5
    inherited = read_tsv(lacking / "correct/HIS.inheritance.tsv")
    assert {row["parent"] for row in inherited} == {"father"}


def test_embryos_alone(lacking):
    assert read_tsv(lacking / "correct/ALONE.inheritance.tsv") == []
    for row in read_tsv(lacking / "correct/ALONE.qc.tsv"):
        assert row["status"] in ("pass", "warn")
        assert float(row["depth"]) > 1
        for column in ("maternal_share", "relationship_father", "contamination"):
            assert row[column] == ""
    ranking = read_tsv(lacking / "score/ALONE.ranking.tsv")
    assert [row["rank"] for row in ranking] == ["1", "2"]
    page = (lacking / "report/ALONE.html").read_text()
    assert "There are no data of any parent" in page
    for stage in ("call", "phase", "impute/parents"):
        assert not list((lacking / stage).glob("ALONE.*.bcf")), stage


def test_a_new_embryo_reruns_only_what_depends_on_it(project):
    """Last: it changes the project."""
    results = project / "results"
    kept = [
        path
        for pattern in ("align/*.cram", "call/FAM1.*", "phase/*", "correct/embryos/*")
        for path in results.glob(pattern)
    ]
    kept += [results / "score/weights.npz", results / "ancestry/reference.npz"]
    before = {path: path.stat().st_mtime_ns for path in kept}
    assert len(before) > 20
    with (project / "samples.tsv").open("a") as sheet:
        sheet.write("E3\tFAM1\tembryo\n")
    with (project / "units.tsv").open("a") as sheet:
        sheet.write(unit("E3").replace(" ", "\t") + "\n")
    make(project)
    for path, made in before.items():
        assert path.stat().st_mtime_ns == made, f"{path} was made again"
    embryos = {row["embryo"] for row in read_tsv(results / "correct/FAM1.qc.tsv")}
    assert embryos == {"E1", "E2", "C1", "E3"}
