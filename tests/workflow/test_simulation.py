"""Simulated families through the workflow: counts instead of reads down to the report,
reads with everything that can be wrong with an embryo, and mistakes in the section.
"""

import shutil
from pathlib import Path

import pytest

import run_workflow
from morula.tables import read_tsv
from run_workflow import SEARCH, make

TOOLS = "samtools bcftools shapeit4 beagle".split()

pytestmark = pytest.mark.skipif(
    any(shutil.which(tool, path=SEARCH) is None for tool in TOOLS),
    reason=f"needs {', '.join(TOOLS)}",
)

CONFIG = """\
samples: samples.tsv
units: units.tsv
traits: traits.tsv
reference:
  build: GRCh38
  fasta: results/simulate/genome.fa
  panel: results/simulate/panel/{chrom}.bcf
  panel_samples: results/simulate/panel.samples.tsv
  genetic_map:
    female: results/simulate/maps/{chrom}.female.map
    male: results/simulate/maps/{chrom}.male.map
  chromosomes: [chr21, chr22]
simulate:
  parents: {M1: FEUR001, P1: FEUR002}
  population: {length_bp: 300000, panel_samples: 30, score_variants: 100}
  depth: {parents: 12, embryos: 5, samples: {E2: 0.5}}
"""
HARD = """\
  sex_chromosomes: [chrX, chrY]
  abnormalities:
    - {sample: E1, kind: trisomy, chrom: chr21, parent: mother, origin: meiosis_1}
  contamination: [{sample: E2, by: FEAS001, share: 0.2}]
  swaps: [[E3, E4]]
"""
EMBRYOS = ("E1", "E2", "E3", "E4")


def write_project(folder: Path, more: str) -> Path:
    """A family of four embryos and the config with more lines in `simulate`."""
    folder.mkdir()
    samples = ["family\tsample\trole\tsex\tcells\tamplification"]
    samples += ["FAM1\tM1\tmother\t\t\t", "FAM1\tP1\tfather\t\t\t"]
    samples += [f"FAM1\t{name}\tembryo\tmale\t1\tMDA" for name in EMBRYOS]
    units = ["sample\tunit\tfq1\tfq2"]
    for name in ("M1", "P1", *EMBRYOS):
        mates = (f"results/simulate/reads/{name}_{mate}.fq.gz" for mate in (1, 2))
        units.append("\t".join([name, "1", *mates]))
    traits = ["trait\tscoring_file\tkind"]
    traits += ["height\tresults/simulate/scores/height.txt.gz\tquantitative"]
    for name, lines in (("samples", samples), ("units", units), ("traits", traits)):
        (folder / f"{name}.tsv").write_text("\n".join(lines) + "\n")
    (folder / "config.yaml").write_text(CONFIG + more)
    return folder


def test_counts_take_the_place_of_reads(tmp_path):
    folder = write_project(tmp_path / "counts", "  mode: counts\n")
    make(folder)
    results = folder / "results"
    assert not list(results.rglob("*.fq.gz")) + list(results.rglob("*.cram"))
    assert "E4" in (results / "report/FAM1.html").read_text()
    depth = {
        row["embryo"]: float(row["depth"])
        for row in read_tsv(results / "correct/FAM1.qc.tsv")
    }
    assert depth["E1"] == pytest.approx(5, rel=0.3)
    assert depth["E2"] == pytest.approx(0.5, rel=0.4)
    right = {
        row["sample"]: float(row["value"])
        for row in read_tsv(results / "simulate/accuracy.tsv")
        if row["measure"] == "genotype_accuracy_parent_het"
    }
    assert right["E1"] > 0.85
    (made,) = {
        row["protocol"]
        for row in read_tsv(results / "simulate/truth/amplification.tsv")
    }
    assert made == "MDA_single"


def test_reads_of_a_hard_family(tmp_path):
    folder = write_project(tmp_path / "reads", HARD)
    make(folder, "simulate")
    truth = folder / "results/simulate/truth"
    copies = read_tsv(truth / "copies.tsv")
    third = [row for row in copies if row["copy"] == "3"]
    assert {(row["sample"], row["chrom"], row["parent"]) for row in third} == {
        ("E1", "chr21", "mother")
    }
    assert [
        r["copy"] for r in copies if (r["sample"], r["chrom"]) == ("M1", "chrY")
    ] == [""]
    origins = {
        (row["sample"], row["origin"]): 0.0 for row in read_tsv(truth / "origins.tsv")
    }
    for row in read_tsv(truth / "origins.tsv"):
        origins[row["sample"], row["origin"]] += float(row["share"])
    assert origins["E2", "contaminant"] == pytest.approx(0.2, abs=0.02)
    assert origins["E1", "contaminant"] == 0.0
    assert len(list((folder / "results/simulate/reads").glob("*.fq.gz"))) == 12
    # The stranger's genome is made, but the stranger is nobody of the family.
    assert (truth / "samples/FEAS001.bcf").is_file()
    assert "FEAS001" not in {row["sample"] for row in copies}


def test_a_mistake_is_one_message_with_its_line(tmp_path):
    more = "  swaps: [[E3, E9]]\n  contamination: [{sample: E1, by: E1, share: 0.1}]\n"
    folder = write_project(tmp_path / "wrong", more)
    flags = ("--configfile", str(folder / "config.yaml"), "--dry-run")
    done = run_workflow.call(folder, *flags)
    words = done.stdout + done.stderr
    assert done.returncode != 0
    assert "line 17, simulate.swaps: E9 is not in the sample sheet" in words
    assert "line 18, simulate.contamination.0.by: E1 cannot contaminate itself" in words
    assert "Traceback" not in words
    assert not (folder / "results").exists()
