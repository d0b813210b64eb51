"""The accuracy table on files whose errors were put in by hand."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

import evaluate_accuracy
from morula import tables
from morula.haplotypes import Genotypes
from morula.simulation.bcf import write_bcf
from morula.simulation.copies import COLUMNS, Copy, Stretch, ordinary_pair, rows_of
from morula.simulation.streams import stream
from morula.tables import read_tsv

N_SITES = 400
MEMBERS = ("M1", "P1", "E1", "E2")
PAIR = ordinary_pair(1, 1_000_000)
HEAD = (
    "##fileformat=VCFv4.2\n##contig=<ID=chr21,length=1000000>\n"
    '##INFO=<ID=AF,Number=A,Type=Float,Description="">\n'
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="">\n'
    '##FORMAT=<ID=DS,Number=1,Type=Float,Description="">\n'
    '##FORMAT=<ID=GP,Number=G,Type=Float,Description="">\n'
    "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t"
)


@pytest.fixture
def truth() -> Genotypes:
    """Random parents, embryos with their first haplotypes; site 7 is an indel."""
    parents = stream(1, "parents").integers(0, 2, (N_SITES, 2, 2)).astype(np.int8)
    embryo = parents[:, :, 0][:, None, :]
    ref = np.full(N_SITES, "A", dtype=object)
    alt = np.full(N_SITES, "C", dtype=object)
    alt[7] = "ACC"
    return Genotypes(
        chrom="chr21",
        pos_bp=np.arange(1, N_SITES + 1) * 2000,
        ref=ref,
        alt=alt,
        alleles=np.concatenate([parents, embryo, embryo], axis=1),
        phased=np.ones((N_SITES, 4), dtype=bool),
        samples=MEMBERS,
    )


def to_bcf(path: Path, text: str) -> Path:
    view = ["bcftools", "view", "-Ob", "-o", str(path), "-"]
    subprocess.run(view, check=True, input=text, text=True)
    return path


def site_text(truth: Genotypes, row: int, info: str, keys: str) -> str:
    cells = (truth.pos_bp[row], ".", truth.ref[row], truth.alt[row], ".", ".")
    return "\t".join(["chr21", *map(str, cells), info, keys])


def imputed_text(truth: Genotypes, alleles: np.ndarray, sure: np.ndarray) -> str:
    """VCF text: GP 1 where `sure`, else 0.7 for the genotype given."""
    lines = [HEAD + "\t".join(MEMBERS)]
    for row, genotypes in enumerate(alleles):
        cells = [site_text(truth, row, "AF=0.3", "GT:DS:GP")]
        for pair, is_sure in zip(genotypes.tolist(), sure[row], strict=True):
            gp = np.full(3, 0.0 if is_sure else 0.15)
            gp[sum(pair)] = 1.0 if is_sure else 0.7
            dosage = gp[1] + 2 * gp[2]
            numbers = ",".join(f"{value:g}" for value in gp)
            cells.append(f"{pair[0]}|{pair[1]}:{dosage:g}:{numbers}")
        lines.append("\t".join(cells))
    return "\n".join(lines) + "\n"


def peer_text(truth: Genotypes, name: str) -> str:
    """Calls of one embryo: right, but every second site is not called."""
    lines = [HEAD + name]
    for row in range(N_SITES):
        copies = int(truth.alleles[row, 2].sum())
        genotype = "./." if row % 2 else ("0/0", "0/1", "1/1")[copies]
        lines.append(site_text(truth, row, ".", "GT") + f"\t{genotype}")
    return "\n".join(lines) + "\n"


def write_copies(path: Path, of_second: list[Copy]) -> Path:
    """Ordinary members, but for the second embryo."""
    pair = ordinary_pair(1, 1_000_000)
    copies = dict.fromkeys(MEMBERS, pair) | {"E2": of_second}
    rows = [r for n, each in copies.items() for r in rows_of(n, {"chr21": each})]
    tables.write_tsv(path, COLUMNS, rows)
    return path


@pytest.fixture
def evaluate(truth, tmp_path):
    """Run the script on estimates; returns {(sample, measure, method): row}."""
    write_bcf(tmp_path / "truth.bcf", {"chr21": 1_000_000}, [truth])
    everyone = np.ones((N_SITES, 4), dtype=bool)
    panel = to_bcf(tmp_path / "panel.bcf", imputed_text(truth, truth.alleles, everyone))
    peers = [to_bcf(tmp_path / f"{n}.bcf", peer_text(truth, n)) for n in MEMBERS[2:]]

    def run(alleles, sure=everyone, embryos="E1 E2", copies=PAIR):
        imputed = to_bcf(tmp_path / "imputed.bcf", imputed_text(truth, alleles, sure))
        flags = (
            f"--family FAM1 --mother M1 --father P1 --embryos {embryos}"
            f" --chromosomes chr21 --truth {tmp_path / 'truth.bcf'} --panel {panel}"
            f" --copies {write_copies(tmp_path / 'copies.tsv', copies)}"
            f" --imputed {imputed} --output {tmp_path / 'accuracy.tsv'}"
            f" --single-sample {' '.join(map(str, peers))}"
        )
        code = evaluate_accuracy.main(flags.split())
        if code:
            return code
        rows = read_tsv(tmp_path / "accuracy.tsv")
        return {(r["sample"], r["measure"], r["method"]): r for r in rows}

    return run


def test_perfect_estimates_score_one(evaluate, truth):
    rows = evaluate(truth.alleles)
    morula = [row for (_, _, method), row in rows.items() if method == "morula"]
    assert len(morula) > 12
    assert {row["value"] for row in morula} == {"1"}
    assert len(rows) < 40


def test_errors_are_counted_where_they_are(evaluate, truth):
    alleles = truth.alleles.copy()
    het = (truth.alleles[:, :2].sum(axis=2) == 1).any(axis=1)
    wrong = np.flatnonzero(het & (np.arange(N_SITES) != 7))[:30]
    alleles[wrong, 2, 0] = 1 - alleles[wrong, 2, 0]
    rows = evaluate(alleles)
    name = "genotype_accuracy_parent_het"
    assert float(rows["E1", name, "morula"]["value"]) == pytest.approx(
        1 - 30 / het.sum(), abs=1e-5
    )
    assert rows["E2", name, "morula"]["value"] == "1"
    both = rows["embryos", name, "morula"]
    assert float(both["value"]) == pytest.approx(1 - 15 / het.sum(), abs=1e-5)
    assert int(both["n"]) == 2 * het.sum()
    assert float(both["low"]) < float(both["value"]) < float(both["high"])
    mother_het = truth.alleles[:, 0].sum(axis=1) == 1
    maternal = rows["embryos", "allele_accuracy_mother_het", "morula"]
    expected = 1 - mother_het[wrong].sum() / (2 * mother_het.sum())
    assert float(maternal["value"]) == pytest.approx(expected, abs=1e-5)
    assert rows["embryos", "allele_accuracy_father_het", "morula"]["value"] == "1"


def test_caller_that_misses_half_gets_half(evaluate, truth):
    rows = evaluate(truth.alleles)
    name = "genotype_accuracy_parent_het_snvs"
    het = (truth.alleles[:, :2].sum(axis=2) == 1).any(axis=1)
    het[7] = False
    expected = (het & (np.arange(N_SITES) % 2 == 0)).sum() / het.sum()
    value = rows["embryos", name, "single_sample_caller"]["value"]
    assert float(value) == pytest.approx(expected, abs=1e-5)


def test_unsure_genotypes_are_not_confident(evaluate, truth):
    sure = np.ones((N_SITES, 4), dtype=bool)
    sure[:100] = False
    rows = evaluate(truth.alleles, sure)
    share = rows["embryos", "confident_share", "morula"]["value"]
    assert float(share) == pytest.approx(0.75)
    assert rows["embryos", "confident_accuracy", "morula"]["value"] == "1"
    r2 = float(rows["embryos", "dosage_r2_minor_allele", "morula"]["value"])
    assert 0.5 < r2 < 1.0


def test_what_has_not_two_copies_is_not_counted(evaluate, truth):
    """A gain of the middle in some cells; nothing there is right or wrong."""
    middle = (Stretch(200_000, 399_999, 0, 0.0, 0.4),)
    alleles = truth.alleles.copy()
    alleles[100:199, 3] = 1 - alleles[100:199, 3]
    rows = evaluate(alleles, copies=[*PAIR, Copy("mother", middle)])
    row = rows["E2", "genotype_accuracy_parent_het", "morula"]
    het = (truth.alleles[:, :2].sum(axis=2) == 1).any(axis=1)
    inside = (truth.pos_bp >= 200_000) & (truth.pos_bp <= 399_999)
    assert row["value"] == "1"
    assert int(row["n"]) == (het & ~inside).sum()


def test_missing_embryo_is_a_user_error(evaluate, truth, capsys):
    assert evaluate(truth.alleles, embryos="E1 E9") == 2
    assert "E9" in capsys.readouterr().err
