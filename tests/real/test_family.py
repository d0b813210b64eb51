"""The whole chain on a real couple: two 1000 Genomes samples that are not in the panel,
the GRCh38 reference, a real panel with indels, a real map and a real score.

Embryos are simulated (10x, 20 % dropout in 10-kb amplicons), so their truth is known.
Takes about four minutes on two cores. The data are not in the repository: they are
looked for in MORULA_SHARED_DATA, or in ../shared/data beside the checkout.
"""

import gzip
from pathlib import Path

import pytest

from morula.tables import read_tsv
from real_data import DATA, needs
from run_workflow import make

EMBRYOS = [f"E{number}" for number in range(1, 5)]
# The real founders that stand for the couple.
MOTHER, FATHER = "HG00115", "HG00148"
REGION = range(1_019_583, 4_019_203)

pytestmark = needs("chr20", "pgs")

CONFIG = """\
samples: samples.tsv
units: units.tsv
traits: traits.tsv
seed: 1
reference:
  build: GRCh38
  fasta: {data}/chr20/genome.fa.gz
  panel: data/{{chrom}}.panel.bcf
  panel_samples: {data}/chr20/panel.samples.tsv
  genetic_map: data/{{chrom}}.map
  chromosomes: [chr20]
simulate:
  founders: data/{{chrom}}.founders.bcf
  parents: {{M1: {mother}, P1: {father}}}
  depth: {{parents: 30, embryos: 10}}
  amplification: {{dropout_rate: 0.2, amplicon_bp: 10000}}
"""


def write_sheets(directory: Path) -> None:
    """The three sheets; reads are where the simulation puts them."""
    samples = ["family\tsample\trole\tamplification"]
    samples += ["FAM1\tM1\tmother\t", "FAM1\tP1\tfather\t"]
    samples += [f"FAM1\t{embryo}\tembryo\tMDA" for embryo in EMBRYOS]
    units = ["sample\tunit\tfq1\tfq2"]
    for sample in ("M1", "P1", *EMBRYOS):
        mates = (f"results/simulate/reads/{sample}_{mate}.fq.gz" for mate in (1, 2))
        units.append("\t".join([sample, "1", *mates]))
    traits = ["trait\tscoring_file\tkind"]
    traits += ["height\tdata/region.txt.gz\tquantitative"]
    traits += ["height_chr20\tdata/chr20.txt.gz\tquantitative"]
    for name, lines in (("samples", samples), ("units", units), ("traits", traits)):
        (directory / f"{name}.tsv").write_text("\n".join(lines) + "\n")


def write_score(path: Path, pgs_id: str, positions: range) -> None:
    """Rows of PGS001229 (height, GRCh38) on chr20, under a PGS Catalog header."""
    with gzip.open(DATA / "pgs" / "PGS001229_hmPOS_GRCh38.txt.gz", "rt") as handle:
        rows = [line.split("\t")[:5] for line in handle]
    columns, rows = rows[0], [row for row in rows if row[0] == "20"]
    rows = [row for row in rows if int(row[1]) in positions]
    lines = [
        "###PGS CATALOG SCORING FILE",
        "#format_version=2.0",
        f"#pgs_id={pgs_id}",
        "#trait_reported=Height",
        "#genome_build=GRCh38",
        f"#variants_number={len(rows)}",
        *("\t".join(row) for row in [columns, *rows]),
    ]
    path.write_bytes(gzip.compress(("\n".join(lines) + "\n").encode(), mtime=0))


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    """Run the chain; the folder of its results."""
    directory = tmp_path_factory.mktemp("real_family")
    links = directory / "data"
    links.mkdir()
    for name, target in (
        ("chr20.panel.bcf", "panel.bcf"),
        ("chr20.founders.bcf", "founders.bcf"),
        ("chr20.map", "chr20.map"),
    ):
        (links / name).symlink_to(DATA / "chr20" / target)
    write_score(links / "region.txt.gz", "PGS001229", REGION)
    write_score(links / "chr20.txt.gz", "PGS901229", range(2**31))
    write_sheets(directory)
    config = CONFIG.format(data=DATA, mother=MOTHER, father=FATHER)
    (directory / "config.yaml").write_text(config)
    make(directory)
    return directory / "results"


@pytest.fixture(scope="module")
def accuracy(results) -> dict[tuple[str, str, str], float]:
    rows = read_tsv(results / "simulate" / "accuracy.tsv")
    for row in rows:
        print("\t".join(row.values()))
    return {(r["sample"], r["measure"], r["method"]): float(r["value"]) for r in rows}


def test_embryo_genotypes_where_a_parent_is_heterozygous(accuracy):
    name = "genotype_accuracy_parent_het"
    assert accuracy["embryos", name, "morula"] >= 0.965
    for embryo in EMBRYOS:
        assert accuracy[embryo, name, "morula"] >= 0.95


def test_correction_beats_the_single_sample_caller(accuracy):
    name = "genotype_accuracy_parent_het_snvs"
    peer = accuracy["embryos", name, "single_sample_caller"]
    assert 0.6 < peer < 0.9
    assert accuracy["embryos", name, "morula"] > peer + 0.08


def test_parents_and_confident_calls(accuracy):
    assert accuracy["M1", "genotype_accuracy", "morula"] > 0.995
    assert accuracy["P1", "genotype_accuracy", "morula"] > 0.995
    assert accuracy["embryos", "confident_accuracy", "morula"] > 0.98
    assert accuracy["embryos", "dosage_r2_minor_allele", "morula"] > 0.95


def test_dropout_is_found_by_the_embryo_qc(results):
    rows = read_tsv(results / "correct" / "FAM1.qc.tsv")
    assert [row["embryo"] for row in rows] == EMBRYOS
    for row in rows:
        assert row["status"] != "fail", row["reason"]
        assert float(row["ado_rate"]) == pytest.approx(0.2, abs=0.08)
        assert float(row["depth"]) == pytest.approx(10, rel=0.2)


def test_score_of_the_region_is_given_and_that_of_the_chromosome_withheld(results):
    rows = read_tsv(results / "score" / "FAM1.tsv")
    by_key = {(row["sample"], row["trait"]): row for row in rows}
    for sample in ("M1", "P1", *EMBRYOS):
        given, withheld = by_key[sample, "height"], by_key[sample, "height_chr20"]
        assert float(given["weight_used"]) > 0.75
        assert abs(float(given["z"])) < 5
        assert float(withheld["weight_used"]) < 0.3
        assert withheld["z"] == ""
        assert withheld["status"] != "pass"


def test_every_promised_file_is_there(results):
    for name in (
        "align/E1.cram",
        "align/E1.cram.crai",
        "qc/multiqc.html",
        "correct/FAM1.inheritance.tsv",
        "impute/FAM1.bcf",
        "impute/FAM1.bcf.csi",
        "ancestry/FAM1.tsv",
        "score/FAM1.ranking.tsv",
        "report/FAM1.html",
    ):
        assert (results / name).stat().st_size > 0
