"""Phasing of two parents that are mosaics of the panel's haplotypes."""

import shutil
from pathlib import Path

import numpy as np
import pysam
import pytest

import phase_parents
from morula.haplotypes import read_genotypes

CHROM, LENGTH, N_SITES, N_PANEL = "chr7", 2_000_000, 600, 40

pytestmark = pytest.mark.skipif(
    shutil.which("shapeit4") is None, reason="shapeit4 is not on the PATH"
)


def write_vcf(path: Path, samples: list[str], rows: list[str]) -> None:
    """A BCF with index; rows hold INFO and what follows, after the site's columns."""
    columns = "#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT".split()
    head = [
        "##fileformat=VCFv4.2",
        f"##contig=<ID={CHROM},length={LENGTH}>",
        '##INFO=<ID=AC,Number=A,Type=Integer,Description="a">',
        '##INFO=<ID=AN,Number=1,Type=Integer,Description="a">',
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="a">',
        '##FORMAT=<ID=GQ,Number=1,Type=Integer,Description="a">',
        "\t".join([*columns, *samples]),
    ]
    plain = path.with_suffix(".vcf")
    plain.write_text("".join(f"{line}\n" for line in [*head, *rows]))
    with pysam.VariantFile(str(plain)) as source:
        with pysam.VariantFile(str(path), "wb", header=source.header) as sink:
            for record in source:
                sink.write(record)
    pysam.tabix_index(str(path), preset="bcf", csi=True, force=True)


def place(row: int) -> str:
    return f"{CHROM}\t{3000 * (row + 1)}\t.\tA\tG\t.\t."


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Folder, and true haplotypes (parent, copy, site); some genotypes are missing."""
    folder = tmp_path_factory.mktemp("phase")
    rng = np.random.default_rng(4)
    # Haplotypes of few ancestors, so that neighbours tell of each other.
    ancestors = rng.integers(0, 2, (8, N_SITES))
    copied = rng.integers(0, 8, (2 * N_PANEL, 4)).repeat(N_SITES // 4, axis=1)
    panel = ancestors[copied, np.arange(N_SITES)]
    truth = ancestors[[[0, 1], [2, 3]]]
    rows = []
    for row in range(N_SITES):
        cells = [f"{a}|{b}" for a, b in panel[:, row].reshape(-1, 2)]
        info = f"AC={panel[:, row].sum()};AN={2 * N_PANEL}"
        rows.append("\t".join([place(row), info, "GT", *cells]))
    write_vcf(folder / "panel.bcf", [f"R{i}" for i in range(N_PANEL)], rows)
    calls = []
    for row in range(N_SITES):
        cells = [f"{min(t[:, row])}/{max(t[:, row])}:60" for t in truth]
        if row % 10 == 0:
            cells[0] = "./.:."
        if row % 10 == 1:
            cells[1] = "0/0:9"
        if row == 5:
            cells = ["./.:.", "./.:3"]
        calls.append("\t".join([place(row), ".", "GT:GQ", *cells, "1/1:99"]))
    write_vcf(folder / "calls.bcf", ["M1", "P1", "child"], calls)
    cm_rows = [f"{CHROM} . {p / 1e6} {p}" for p in range(1, LENGTH, 200_000)]
    (folder / "map").write_text("".join(f"{row}\n" for row in cm_rows))
    (folder / "genome.fa.fai").write_text(f"{CHROM}\t{LENGTH}\t0\t60\t61\n")
    return folder, truth


def phase(folder: Path, *parents: str, calls: str = "calls.bcf", seed: int = 1) -> int:
    argv = ["--calls", f"{folder}/{calls}", "--parents", *parents]
    argv += ["--panel", f"{folder}/panel.bcf", "--map", f"{folder}/map"]
    argv += ["--genome", f"{folder}/genome.fa", "--chrom", CHROM]
    argv += ["--min-genotype-quality", "10", "--mcmc-iterations", "5b,1p,1b,1p,5m"]
    argv += ["--seed", str(seed), "--output", f"{folder}/out.bcf"]
    return phase_parents.main(argv)


def switches(true: np.ndarray, found: np.ndarray) -> tuple[int, int]:
    """Switches, and intervals, between the heterozygous sites of both (copy, site)."""
    het = (true[0] != true[1]) & (found[0] != found[1])
    same = true[0, het] == found[0, het]
    return int((same[1:] != same[:-1]).sum()), int(het.sum()) - 1


def test_phase_and_marks(world):
    folder, truth = world
    assert phase(folder, "P1", "M1") == 0
    found = read_genotypes(folder / "out.bcf", CHROM)
    assert found.samples == ("P1", "M1")
    rows = found.pos_bp // 3000 - 1
    assert rows.tolist() == [row for row in range(N_SITES) if row != 5]
    assert found.phased.all()
    assert found.alleles.min() == 0
    marks = np.array(
        [
            [sample["FI"] for sample in record.samples.values()]
            for record in pysam.VariantFile(f"{folder}/out.bcf")
        ]
    )
    np.testing.assert_array_equal(marks[:, 0], rows % 10 == 1)
    np.testing.assert_array_equal(marks[:, 1], rows % 10 == 0)
    for column, parent in enumerate((1, 0)):
        haplotypes, true = found.alleles[:, column].T, truth[parent][:, rows]
        given = marks[:, column] == 0
        np.testing.assert_array_equal(
            haplotypes[:, given].sum(axis=0), true[:, given].sum(axis=0)
        )
        # The guesses are good ones: chance would be right at about 3 of 8.
        guessed = haplotypes.sum(axis=0) == true.sum(axis=0)
        assert guessed[~given].mean() > 0.9
        n_switches, n_intervals = switches(true[:, given], haplotypes[:, given])
        assert n_switches <= 0.02 * n_intervals


def test_one_parent_and_same_bytes_again(world):
    folder, truth = world
    assert phase(folder, "M1") == 0
    first = (folder / "out.bcf").read_bytes()
    found = read_genotypes(folder / "out.bcf", CHROM)
    rows = found.pos_bp // 3000 - 1
    n_switches, n_intervals = switches(truth[0][:, rows], found.alleles[:, 0].T)
    assert n_switches <= 0.02 * n_intervals
    assert phase(folder, "M1") == 0
    assert (folder / "out.bcf").read_bytes() == first
    assert str(folder).encode() not in first
    assert not list(folder.glob(".work-*"))


def test_few_sites(world):
    folder, _ = world
    rows = ["\t".join([place(row), ".", "GT:GQ", "0/1:60"]) for row in (1, 2)]
    write_vcf(folder / "few.bcf", ["M1"], rows)
    assert phase(folder, "M1", calls="few.bcf") == 0
    found = read_genotypes(folder / "out.bcf", CHROM)
    assert found.alleles.sum(axis=2).tolist() == [[1], [1]]


def test_nothing_shared_with_the_panel(world, capfd):
    folder, _ = world
    elsewhere = f"{CHROM}\t1001\t.\tC\tT\t.\t.\t.\tGT:GQ\t0/1:60"
    write_vcf(folder / "other.bcf", ["M1"], [elsewhere])
    assert phase(folder, "M1", calls="other.bcf") == 2
    error = capfd.readouterr().err
    assert "No variants to be phased" in error
    assert "at least two genotyped sites" in error


def test_no_genotype_at_all(world, capfd):
    folder, _ = world
    rows = ["\t".join([place(row), ".", "GT:GQ", "./.:."]) for row in (1, 2)]
    write_vcf(folder / "empty.bcf", ["M1"], rows)
    assert phase(folder, "M1", calls="empty.bcf") == 2
    assert "no genotype of M1 on chr7" in capfd.readouterr().err
