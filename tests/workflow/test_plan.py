"""What Snakemake would do, by dry runs: for families of all kinds, and after changes.

The files are tiny and right (tests/unit/input_world.py); nothing is computed.
"""

import re
import subprocess
from pathlib import Path

import pytest

import input_world
import run_workflow
from run_workflow import REPOSITORY


def snakemake(folder: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    return run_workflow.call(folder, *flags, cores=1)


def plan(folder: Path, *flags: str) -> set[tuple[str, str]]:
    """Rule and wildcards (`family=FAM1, chrom=chr20`) of the jobs of a dry run."""
    config = ("--configfile", str(folder / "config.yaml"))
    done = snakemake(folder, *config, "--dry-run", "--quiet", "reason", *flags)
    assert done.returncode == 0, done.stdout + done.stderr
    jobs = re.split(r"^(?:local)?rule ", done.stdout + done.stderr, flags=re.M)[1:]
    found = set()
    for job in jobs:
        wildcards = re.search(r"^    wildcards: (.*)$", job, re.M)
        found.add((job[: job.index(":")], wildcards[1] if wildcards else ""))
    return found


def finish(folder: Path) -> None:
    """Make every output, and let Snakemake record how each was made."""
    config = ("--configfile", str(folder / "config.yaml"))
    done = snakemake(folder, *config, "--summary")
    assert done.returncode == 0, done.stdout + done.stderr
    for line in done.stdout.splitlines()[1:]:
        path = folder / line.split("\t")[0]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("made\n")
    done = snakemake(folder, *config, "--touch", "--forceall")
    assert done.returncode == 0, done.stdout + done.stderr
    # Temporary files are gone after a run.
    for path in folder.glob("results/impute/FAM*.chr*.bcf*"):
        path.unlink()


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("finished") / "project"
    folder.mkdir()
    input_world.build(folder)
    finish(folder)
    return folder


def add_row(sheet: Path, row: str) -> None:
    with sheet.open("a") as handle:
        handle.write(row + "\n")


def test_the_demo(tmp_path):
    """The config of the checkout, with nothing there yet."""
    demo = tmp_path / "demo"
    demo.mkdir()
    (demo / "config").symlink_to(REPOSITORY / "config")
    done = snakemake(demo, "--dry-run", "--quiet", "rules")
    assert done.returncode == 0, done.stdout + done.stderr
    assert {path.name for path in demo.iterdir()} <= {"config", ".snakemake"}


def build_three_families(folder: Path) -> None:
    """FAM1 from FASTQ and BAM; B2 of a mother with two units, a child, and no father;
    C3 of parents by VCF, one of its embryos by an array."""
    input_world.build(folder)
    samples = ["B2\tX\tmother", "B2\tE9\tembryo", "B2\tC1\tchild"]
    samples += ["C3\tY\tmother", "C3\tZ\tfather", "C3\tE7\tembryo"]
    samples += ["C3\tE8\tembryo"]
    for row in samples:
        add_row(folder / "samples.tsv", row)
    input_world.replace(folder / "units.tsv", "fq2\tbam", "fq2\tbam\tvcf")
    for sample in ("X", "E9", "C1", "E7"):
        input_world.write_fastq(folder, sample)
        row = f"{sample}\t1\t{sample}_1.fq.gz\t{sample}_2.fq.gz"
        add_row(folder / "units.tsv", row)
    input_world.write_fastq(folder, "L2")
    add_row(folder / "units.tsv", "X\tlane-2\tL2_1.fq.gz\tL2_2.fq.gz")
    input_world.replace(folder / "config.yaml", "[chr20, chr21]", "[chr20]")
    calls = folder / "vcf/chr20.vcf.gz"
    input_world.write_vcf(calls, "chr20", ["Z", "Y", "E8"], ["0/1", "1/1", "0/1"])
    for sample in ("Y", "Z", "E8"):
        add_row(folder / "units.tsv", f"{sample}\t1\t\t\t\tvcf/chr20.vcf.gz")


def test_families_of_all_kinds(tmp_path):
    """The demo's config lies there, too, and must not leak in."""
    build_three_families(tmp_path)
    (tmp_path / "config").symlink_to(REPOSITORY / "config")
    jobs = plan(tmp_path)
    assert {
        ("align_reads", "sample=M1"),
        ("import_alignments", "sample=P1"),
        ("call_variants", "family=FAM1, chrom=chr20"),
        ("unpack_fastp_report", "sample=X, unit=lane-2"),
        ("call_variants", "family=B2, chrom=chr20"),
        ("phase_parents", "family=B2, chrom=chr20"),
        ("learn_amplification", "embryo=C1"),
        ("import_vcf", "sample=Y"),
        ("import_vcf", "sample=Z"),
        ("learn_amplification", "embryo=E7"),
        ("count_alleles", "sample=E7, chrom=chr20"),
        ("import_vcf", "sample=E8"),
        ("count_array", "sample=E8, chrom=chr20"),
        ("learn_amplification", "embryo=E8"),
        ("correct_family", "family=C3, chrom=chr20"),
        ("write_report", "family=FAM1"),
        ("write_report", "family=B2"),
        ("write_report", "family=C3"),
        ("make_multiqc", ""),
        ("all", ""),
    } <= jobs
    assert ("align_reads", "sample=Y") not in jobs
    assert ("call_variants", "family=C3, chrom=chr20") not in jobs
    assert ("count_alleles", "sample=E8, chrom=chr20") not in jobs
    assert not any("simulat" in rule for rule, _ in jobs)


def test_a_family_of_arrays_alone(tmp_path):
    """Nobody has reads: nothing is aligned, and there is no page of their quality."""
    input_world.build(tmp_path)
    rows = ["FAM1\tX\tmother", "FAM1\tY\tfather", "FAM1\tE8\tembryo"]
    text = "\n".join(["family\tsample\trole", *rows])
    (tmp_path / "samples.tsv").write_text(text + "\n")
    names = ["X", "Y", "E8"]
    vcf = tmp_path / "vcf/chr20.vcf.gz"
    input_world.write_vcf(vcf, "chr20", names, ["0/1", "1/1", "0/1"])
    text = "".join(f"{name}\t1\tvcf/chr20.vcf.gz\n" for name in names)
    (tmp_path / "units.tsv").write_text(f"sample\tunit\tvcf\n{text}")
    input_world.replace(tmp_path / "config.yaml", "[chr20, chr21]", "[chr20]")
    jobs = plan(tmp_path)
    rules = {rule for rule, _ in jobs}
    assert {"import_vcf", "count_array", "impute_family", "write_report"} <= rules
    assert not rules & {"align_reads", "count_alleles", "make_multiqc", "link_reads"}


def build_shapes(folder: Path) -> None:
    """A family of each shape: both parents, a mother, a father, embryos alone (one;
    two of them and a child)."""
    input_world.build(folder)
    families = {
        "BOTH": {"M1": "mother", "P1": "father", "E1": "embryo"},
        "HERS": {"M2": "mother", "E2": "embryo"},
        "HIS": {"P3": "father", "E3": "embryo"},
        "ONE": {"E4": "embryo"},
        "THREE": {"E5": "embryo", "E6": "embryo", "C5": "child"},
    }
    samples, units = ["family\tsample\trole"], ["sample\tunit\tfq1\tfq2"]
    for family, roles in families.items():
        for name, role in roles.items():
            samples.append(f"{family}\t{name}\t{role}")
            units.append(f"{name}\t1\t{name}_1.fq.gz\t{name}_2.fq.gz")
            input_world.write_fastq(folder, name)
    (folder / "samples.tsv").write_text("\n".join(samples) + "\n")
    (folder / "units.tsv").write_text("\n".join(units) + "\n")
    input_world.replace(folder / "config.yaml", "[chr20, chr21]", "[chr20]")


def test_families_of_all_shapes(tmp_path):
    """What is of parents is made where there is one, all else for every family."""
    build_shapes(tmp_path)
    jobs = plan(tmp_path)
    config = ("--configfile", str(tmp_path / "config.yaml"))
    said = snakemake(tmp_path, *config, "--dry-run", "--quiet", "rules").stderr
    assert "line 9: family ONE has no parent: E4 is told by reads" in said
    assert "family THREE has no parent: E5, E6, C5 are told by reads" in said
    assert said.count("note: ") == 2

    def families(rule: str) -> set[str]:
        found = (re.match(r"family=(\w+)", w) for name, w in jobs if name == rule)
        return {one[1] for one in found if one}

    known, alone = {"BOTH", "HERS", "HIS"}, {"ONE", "THREE"}
    of_parents = (
        *("call_variants", "join_genotypes", "link_reads", "phase_parents"),
        *("refine_calls", "impute_parents", "list_overrides"),
    )
    for rule in of_parents:
        assert families(rule) == known, rule
    assert families("list_panel_sites") == alone
    # Siblings are told together, one embryo by itself.
    assert families("impute_family") == known | {"THREE"}
    assert families("impute_alone") == {"ONE"}
    of_all = (
        *("prepare_family", "correct_family", "gather_embryos", "gather_overrides"),
        *("infer_ancestry", "score_family", "rank_embryos", "write_report"),
    )
    for rule in of_all:
        assert families(rule) == known | alone, rule
    assert ("pack_panel", "chrom=chr20") in jobs
    embryos = ("E1", "E2", "E3", "E4", "E5", "E6", "C5")
    assert {("learn_amplification", f"embryo={name}") for name in embryos} <= jobs
    assert {("count_alleles", f"sample={n}, chrom=chr20") for n in embryos} <= jobs


def test_comments_and_another_order_of_columns_rerun_nothing(finished):
    sheet = finished / "units.tsv"
    before = sheet.read_text()
    try:
        rows = [line.split("\t") for line in before.splitlines()]
        text = "\n".join("\t".join([*row[2:], *row[:2]]) for row in rows)
        sheet.write_text(f"# our lab\n{text}\n")
        assert plan(finished) == set()
    finally:
        sheet.write_text(before)


def test_a_new_embryo_reruns_only_what_depends_on_it(finished):
    sheets = {
        name: (finished / name).read_text() for name in ("samples.tsv", "units.tsv")
    }
    try:
        input_world.write_fastq(finished, "E3")
        add_row(finished / "samples.tsv", "FAM1\tE3\tembryo\t\t2\tPTA")
        add_row(finished / "units.tsv", "E3\t1\tE3_1.fq.gz\tE3_2.fq.gz\t")
        jobs = plan(finished)
    finally:
        for name, text in sheets.items():
            (finished / name).write_text(text)
    new = {job for job in jobs if "E3" in job[1]}
    assert {("align_reads", "sample=E3"), ("learn_amplification", "embryo=E3")} <= new
    others = {rule for rule, _ in jobs - new}
    assert others == {
        "correct_family",
        "gather_embryos",
        "list_overrides",
        "impute_family",
        "gather_genomes",
        "gather_overrides",
        "infer_ancestry",
        "score_family",
        "rank_embryos",
        "write_report",
        "make_multiqc",
        "all",
    }


def test_a_new_trait_reruns_scores_only(finished):
    sheet = finished / "traits.tsv"
    before = sheet.read_text()
    score = input_world.SCORE.format(id="WEIGHT")
    (finished / "weight.txt").write_text(score)
    try:
        add_row(sheet, "weight\tweight.txt\tquantitative\t")
        rules = {rule for rule, _ in plan(finished)}
    finally:
        sheet.write_text(before)
    assert rules == {
        *("prepare_scores", "score_family", "rank_embryos", "write_report", "all")
    }


def test_a_trait_by_pgs_id_is_fetched_first(finished):
    sheet = finished / "traits.tsv"
    before = sheet.read_text()
    try:
        add_row(sheet, "weight\tPGS000027\tquantitative\t")
        rules = {rule for rule, _ in plan(finished)}
    finally:
        sheet.write_text(before)
    assert {"fetch_scores", "prepare_scores", "score_family"} <= rules
    assert "infer_ancestry" not in rules


def test_a_setting_reruns_its_stage_and_what_follows(finished):
    config = finished / "config.yaml"
    before = config.read_text()
    try:
        config.write_text(before + "score: {min_weight_share: 0.5}\n")
        rules = {rule for rule, _ in plan(finished)}
    finally:
        config.write_text(before)
    assert rules == {"score_family", "rank_embryos", "write_report", "all"}
