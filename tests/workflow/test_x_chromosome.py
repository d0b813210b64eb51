"""X through the workflow: a family with daughters and sons, from simulated counts to
scores and report. Under a minute on two cores.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import pysam
import pytest

from morula.sex_chromosome import own_region
from morula.tables import read_tsv
from run_workflow import SEARCH, make

TOOLS = "bcftools shapeit4 beagle".split()

pytestmark = pytest.mark.skipif(
    any(shutil.which(tool, path=SEARCH) is None for tool in TOOLS),
    reason=f"needs {', '.join(TOOLS)}",
)

LENGTH_BP = 600_000
CONFIG = f"""\
samples: samples.tsv
units: units.tsv
traits: traits.tsv
reference:
  build: GRCh38
  fasta: results/simulate/genome.fa
  panel: results/simulate/panel/{{chrom}}.bcf
  panel_samples: results/simulate/panel.samples.tsv
  genetic_map:
    female: results/simulate/maps/{{chrom}}.female.map
    male: results/simulate/maps/{{chrom}}.male.map
  chromosomes: [chr21, chrX]
simulate:
  mode: counts
  parents: {{M1: FEUR001, P1: FEUR002}}
  population: {{length_bp: {LENGTH_BP}, panel_samples: 60, score_variants: 100}}
  depth: {{parents: 30, embryos: 10}}
"""
SEXES = {"E1": "female", "E2": "female", "E3": "male", "E4": "male"}


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("x") / "project"
    folder.mkdir()
    samples = ["family\tsample\trole\tsex\tcells\tamplification"]
    samples += ["FAM1\tM1\tmother\t\t\t", "FAM1\tP1\tfather\t\t\t"]
    samples += [f"FAM1\t{name}\tembryo\t{sex}\t1\tMDA" for name, sex in SEXES.items()]
    units = ["sample\tunit\tfq1\tfq2"]
    for name in ("M1", "P1", *SEXES):
        mates = (f"results/simulate/reads/{name}_{mate}.fq.gz" for mate in (1, 2))
        units.append("\t".join([name, "1", *mates]))
    traits = ["trait\tscoring_file\tkind"]
    traits += ["height\tresults/simulate/scores/height.txt.gz\tquantitative"]
    for name, lines in (("samples", samples), ("units", units), ("traits", traits)):
        (folder / f"{name}.tsv").write_text("\n".join(lines) + "\n")
    (folder / "config.yaml").write_text(CONFIG)
    make(folder)
    return folder / "results"


def alleles(path: Path, sample: str) -> dict[tuple, tuple]:
    """Alleles of a sample on X, without those of absent copies, by site."""
    with pysam.VariantFile(str(path)) as reader:
        return {
            (record.pos, record.ref, record.alts[0]): tuple(
                a for a in record.samples[sample].allele_indices if a is not None
            )
            for record in reader.fetch("chrX")
        }


def right(results: Path, sample: str, is_own: bool) -> np.ndarray:
    """Whether the genotypes are right where the mother is truly het, in X's own part or
    in the PARs."""
    start, end = own_region("GRCh38", "X", LENGTH_BP)
    truths = results / "simulate/truth/samples"
    found = alleles(results / "impute/FAM1.bcf", sample)
    true = alleles(truths / f"{sample}.bcf", sample)
    mother = alleles(truths / "M1.bcf", "M1")
    return np.array(
        [
            sorted(found[key]) == sorted(true[key])
            for key in found
            if (start <= key[0] <= end) == is_own
            and sum(mother.get(key, ())) == 1
            and key in true
        ]
    )


def test_genotypes_have_the_copies_of_the_sex_and_are_right(results):
    start, end = own_region("GRCh38", "X", LENGTH_BP)
    for name, sex in [*SEXES.items(), ("M1", "female"), ("P1", "male")]:
        for (pos, *_), found in alleles(results / "impute/FAM1.bcf", name).items():
            is_single = sex == "male" and start <= pos <= end
            assert len(found) == (1 if is_single else 2), (name, pos)
    for name in SEXES:
        own = right(results, name, is_own=True)
        shared = right(results, name, is_own=False)
        print(name, SEXES[name], own.mean(), len(own), shared.mean(), len(shared))
        assert len(own) > 100
        assert own.mean() > 0.97


def test_sex_by_the_reads(results):
    for name, sex in SEXES.items():
        found = json.loads((results / f"correct/embryos/{name}.sex.json").read_text())
        print(found)
        assert found["reads"] == sex == found["used"]
        assert not found["fails"]
    status = {row["embryo"]: row for row in read_tsv(results / "correct/FAM1.qc.tsv")}
    for name in SEXES:
        assert "chrX" not in status[name]["chromosomes_flagged"], status[name]


def test_a_son_has_no_paternal_segment_outside_the_pars(results):
    start, end = own_region("GRCh38", "X", LENGTH_BP)
    for row in read_tsv(results / "correct/FAM1.inheritance.tsv"):
        if row["chrom"] != "chrX" or row["parent"] != "father":
            continue
        is_inside = int(row["start"]) >= start and int(row["end"]) <= end
        is_outside = int(row["end"]) < start or int(row["start"]) > end
        assert is_inside or is_outside
        if is_inside:
            assert SEXES[row["embryo"]] == "female"
            assert row["haplotype"] == "1"


def test_the_report_does_not_tell_the_sex(results):
    page = (results / "report/FAM1.html").read_text()
    assert "inheritance of X" in page
    assert ">chrX<" not in page
