"""A real PGS (height, PGS001229) on real genomes, against plink2."""

import csv
import gzip
import shutil
import subprocess

import numpy as np
import pytest

import prepare_scores
from real_data import DATA, needs
from tiny_panel import CHROMS, split_panel

SCORES = DATA / "pgs"
SCORE = SCORES / "PGS001229_hmPOS_GRCh38.txt.gz"
COMPLEMENT = str.maketrans("ACGT", "TGCA")
PAIRS = {("A", "T"), ("T", "A"), ("C", "G"), ("G", "C")}

pytestmark = [
    needs("pgs"),
    pytest.mark.skipif(shutil.which("plink2") is None, reason="plink2 is not here"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Panel by chromosome, labels, and the scoring file with its build written in."""
    folder = tmp_path_factory.mktemp("real_scores")
    split_panel(folder)
    with (SCORES / "ref.psam").open() as handle:
        rows = list(csv.DictReader(handle, delimiter="\t"))
    lines = [f"{r['#IID']}\t{r['Population']}\t{r['SuperPop']}\n" for r in rows]
    header = "sample\tpopulation\tsuperpopulation\n"
    (folder / "labels.tsv").write_text(header + "".join(lines))
    with gzip.open(SCORE, "rt") as handle:
        (folder / "height.txt").write_text("#genome_build=GRCh38\n" + handle.read())
    return folder


def prepare(folder):
    argv = ["--traits", "height", "--scoring-files", f"{folder}/height.txt"]
    argv += ["--build", "GRCh38", "--ambiguous", "drop", "--chromosomes", *CHROMS]
    argv += ["--panels", *(f"{folder}/{chrom}.bcf" for chrom in CHROMS)]
    argv += ["--panel-samples", f"{folder}/labels.tsv"]
    argv += ["--cache", f"{folder}/cache", "--threads", "2"]
    argv += ["--weights", f"{folder}/w.npz", "--panel-scores", f"{folder}/p.npz"]
    assert prepare_scores.main(argv) == 0


def plink2_sums(folder):
    """Sums by plink2 in units of 1/100, so that its six digits show 1e-6."""
    command = ["bcftools", "query", "-f", r"%CHROM\t%POS\t%REF\t%ALT\n"]
    text = subprocess.run(
        [*command, f"{folder}/all.bcf"], check=True, capture_output=True, text=True
    ).stdout
    sites = [tuple(line.split("\t")) for line in text.splitlines()]
    alleles = {(c, p, frozenset((r, a))): f"{c}:{p}:{r}:{a}" for c, p, r, a in sites}
    lines = {}
    with gzip.open(SCORE, "rt") as handle:
        for row in csv.DictReader(handle, delimiter="\t"):
            given = (row["effect_allele"], row["other_allele"])
            # plink2 would skip rows of the other strand: they are turned for it.
            turned = tuple(allele.translate(COMPLEMENT) for allele in given)
            for pair in {given, turned}:
                key = (row["chr_name"], row["chr_position"], frozenset(pair))
                if key in alleles and pair not in PAIRS and key[0] in CHROMS:
                    weight = float(row["effect_weight"]) / 100
                    lines[f"{alleles[key]}\t{pair[0]}\t{weight!r}\n"] = None
    (folder / "plink.score").write_text("".join(lines))
    command = ["plink2", "--bcf", f"{folder}/all.bcf", "--out", f"{folder}/o"]
    command += ["--chr", "1-22", "--set-all-var-ids", "@:#:$r:$a"]
    command += ["--new-id-max-allele-len", "100"]
    command += ["--score", f"{folder}/plink.score", "1", "2", "3"]
    subprocess.run(
        [*command, "no-mean-imputation", "cols=+scoresums"],
        check=True,
        capture_output=True,
    )
    with (folder / "o.sscore").open() as handle:
        rows = list(csv.DictReader(handle, delimiter="\t"))
    sums = {row["#IID"]: float(row["SCORE1_SUM"]) for row in rows}
    return sums, len(lines)


def test_height_of_3202_people_equals_plink2(folder):
    prepare(folder)
    expected, n_variants = plink2_sums(folder)
    with np.load(folder / "p.npz") as stored, np.load(folder / "w.npz") as weights:
        scores = dict(zip(stored["samples"].tolist(), stored["scores"], strict=True))
        used = dict(
            zip(weights["match_reason"], weights["match_variants"], strict=True)
        )
    assert n_variants > 700
    kinds = ("matched", "matched_swapped", "matched_flipped", "matched_flipped_swapped")
    assert sum(used[kind] for kind in kinds) == n_variants
    assert len(scores) == 3202
    got = np.array([scores[name][0] / 100 for name in expected])
    np.testing.assert_allclose(got, list(expected.values()), rtol=0, atol=1e-6)
