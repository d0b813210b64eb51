"""The sheets together: who belongs to whom, and what contradicts itself."""

from pathlib import Path

import pytest
import yaml

from input_world import CONFIG, SAMPLES, TRAITS, UNITS, replace
from morula.errors import InputError
from morula.project import load, notices

SCHEMAS = Path(__file__).resolve().parents[2] / "config/schemas"


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """Sheets only: nothing else is read here."""
    monkeypatch.chdir(tmp_path)
    for name, text in (("samples", SAMPLES), ("units", UNITS), ("traits", TRAITS)):
        Path(f"{name}.tsv").write_text(text)
    return tmp_path


def project():
    return load(yaml.safe_load(CONFIG), SCHEMAS)


def test_one_family(folder):
    p = project()
    assert p.families == ["FAM1"]
    assert (p.mother("FAM1"), p.father("FAM1")) == ("M1", "P1")
    assert p.parents("FAM1") == ["M1", "P1"]
    assert p.embryos("FAM1") == ["E1", "E2"]
    assert p.members("FAM1") == ["M1", "P1", "E1", "E2"]
    assert [p.kind(s) for s in p.samples] == ["fastq", "bam", "fastq", "fastq"]
    assert p.called("FAM1") == ["M1", "P1"]
    assert p.read_samples() == ["M1", "P1", "E1", "E2"]
    assert [p.samples[s].sex for s in p.samples] == [
        *("female", "male", "unknown", "unknown")
    ]
    assert (p.samples["E1"].cells, p.samples["E1"].amplification) == (5, "MDA")
    assert (p.samples["M1"].cells, p.samples["M1"].amplification) == (None, "")
    assert p.samples["E2"].line == 5
    assert p.units["P1"][0].bam == "P1.bam"
    assert p.units["P1"][0].fq1 == p.units["P1"][0].vcf == ""
    assert [t.prevalence for t in p.traits] == [None, 0.1]
    assert p.traits[1].daly_weight is None


def test_two_families_children_and_vcf_parents(folder):
    Path("samples.tsv").write_text(
        "sample\trole\tfamily\nE9\tembryo\tB\nC1\tchild\tB\nD\tfather\tB\n"
        "E1\tembryo\tA\nM\tmother\tA\nE0\tembryo\tB\n"
    )
    Path("units.tsv").write_text(
        "sample\tunit\tbam\tvcf\nE9\t1\te9.bam\nE9\t2\te9b.bam\nE0\t1\te0.bam\n"
        "C1\t1\t./c//1.bam\nD\t1\t\td.vcf\nE1\t1\te1.bam\nM\t1\t\td.vcf\n"
    )
    p = project()
    assert p.families == ["B", "A"]
    assert p.parents("B") == ["D"]
    assert p.mother("B") is None
    assert p.embryos("B") == ["E9", "E0", "C1"]
    assert p.members("B") == ["D", "E9", "E0", "C1"]
    assert p.called("B") == ["C1"]
    assert p.called("A") == []
    assert p.read_samples() == ["E9", "C1", "E1", "E0"]
    assert [u.unit for u in p.units["E9"]] == ["1", "2"]
    assert p.units["C1"][0].bam == "c/1.bam"


@pytest.mark.parametrize("role", ["embryo", "child"])
def test_a_family_without_parents(folder, role):
    """Its embryos and children are siblings; nobody is genotyped for them."""
    replace(Path("samples.tsv"), "FAM1\tE2\tembryo", f"B\tE2\t{role}")
    p = project()
    assert p.families == ["FAM1", "B"]
    assert (p.mother("B"), p.father("B")) == (None, None)
    assert p.parents("B") == []
    assert p.embryos("B") == p.members("B") == ["E2"]
    assert p.called("B") == []
    (notice,) = notices(p, "samples.tsv")
    assert notice.startswith("samples.tsv, line 5: family B has no parent: E2 is told")
    assert notice.endswith("is the family's name right?")


def test_no_notice_where_a_parent_is_there(folder):
    replace(Path("samples.tsv"), "FAM1\tP1\tfather", "FAM1\tP1\tembryo")
    assert notices(project(), "samples.tsv") == []
    replace(Path("samples.tsv"), "FAM1\tM1\tmother\tfemale", "FAM1\tM1\tchild\t")
    (notice,) = notices(project(), "samples.tsv")
    assert "P1, E1, E2, M1 are told by reads and panel alone as full siblings" in notice


def test_a_name_that_is_no_family(folder):
    """A blank family cell does not make a family of its own."""
    replace(Path("samples.tsv"), "FAM1\tE2", "\tE2")
    with pytest.raises(InputError, match=r"samples\.tsv, line 5, family: empty"):
        project()


@pytest.mark.parametrize(
    ("sheet", "old", "new", "words"),
    [
        ("samples", "FAM1\tM1", "FAM1\tE1", ["line 4, sample", "'E1' is in line 2"]),
        (
            "samples",
            "mother\tfemale",
            "mother\tmale",
            ["line 2, sex", "expected female"],
        ),
        ("samples", "father\t", "mother\t", ["line 3, role", "second mother", "FAM1"]),
        (
            "samples",
            "FAM1\tP1",
            "FAM2\tP1",
            ["line 3, family", "FAM2 has no embryo", "expected at least one"],
        ),
        ("samples", "FAM1\tE2", "panel\tE2", ["line 5, family", "named 'panel'"]),
        (
            "samples",
            "E2\tembryo\t\t5\tMDA\n",
            "E2\tembryo\t\t5\tMDA\nFAM1\tE3\tembryo\n",
            ["samples.tsv, line 6, sample", "E3 has no row in units.tsv"],
        ),
        ("units", "E2\t1", "E3\t1", ["line 5, sample", "'E3' is not in the sample"]),
        ("units", "E2\t1\tE2", "E1\t1\tE2", ["line 5, unit", "'1' of E1 is in line 4"]),
        ("units", "\tM1_2.fq.gz", "\t", ["line 2, fq2", "empty"]),
        ("units", "\tM1_1.fq.gz", "\t", ["line 2, fq1", "empty"]),
        ("units", "P1.bam", "", ["line 3, fq1", "none of them"]),
        ("units", "\t\t\tP1.bam", "\ta\tb\tP1.bam", ["line 3", "fq1 and fq2 and bam"]),
        ("units", "E1_2.fq.gz", "E1_1.fq.gz", ["line 4, fq2", "given twice", "line 4"]),
        (
            "units",
            "E2_1.fq.gz",
            "./M1_1.fq.gz",
            ["line 5, fq1", "twice", "line 2, fq1"],
        ),
        ("units", "E2_1.fq.gz", "{s}.fq.gz", ["line 5, fq1", "braces"]),
        (
            "units",
            "E2\t1\tE2_1",
            "E1\t2\tE2_1",
            ["samples.tsv, line 5", "E2 has no row"],
        ),
        (
            "traits",
            "diabetes\t",
            "height\t",
            ["line 3, trait", "'height' is in line 2"],
        ),
        (
            "traits",
            "\tdisease",
            "\tquantitative",
            ["line 3, prevalence", "of diseases"],
        ),
        ("traits", "\t0.1", "\t10 %", ["line 3, prevalence", "'10 %'"]),
    ],
)
def test_refused(folder, sheet, old, new, words):
    replace(Path(f"{sheet}.tsv"), old, new)
    with pytest.raises(InputError) as caught:
        project()
    for word in [f"{sheet}.tsv", *words]:
        assert word in str(caught.value)


def test_one_kind_of_files_a_sample(folder):
    with Path("units.tsv").open("a") as handle:
        handle.write("M1\t2\t\t\tM1.bam\n")
    with pytest.raises(InputError, match=r"line 6, bam: M1 has fastq in line 2"):
        project()


def test_an_embryo_may_have_an_array(folder):
    replace(Path("units.tsv"), "fq2\tbam", "fq2\tvcf")
    replace(Path("units.tsv"), "E1_1.fq.gz\tE1_2.fq.gz\t", "\t\te.vcf")
    found = project()
    assert [name for name in found.samples if found.is_array(name)] == ["E1"]
    # A parent's VCF is called, not an amplified cell's array.
    assert found.kind("P1") == "vcf"
    assert "E1" not in found.read_samples()


def test_one_vcf_a_parent(folder):
    Path("units.tsv").write_text(
        "sample\tunit\tbam\tvcf\nM1\t1\t\ta.vcf\nM1\t2\t\tb.vcf\nP1\t1\tp.bam\n"
        "E1\t1\te1.bam\nE2\t1\te2.bam\n"
    )
    with pytest.raises(InputError, match=r"line 3, vcf: M1 has a VCF in line 2"):
        project()
