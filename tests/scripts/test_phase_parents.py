"""Phasing of two parents that are mosaics of a panel's haplotypes; their reads."""

import shutil
from pathlib import Path

import numpy as np
import pysam
import pytest

import impute_parents
import link_reads
import phase_parents
from morula.haplotypes import read_genotypes

CHROM, LENGTH, N_SITES, N_PANEL = "chr7", 2_000_000, 600, 40

NEEDED = ("shapeit4", "beagle", "whatshap")
ABSENT = [name for name in NEEDED if shutil.which(name) is None]

pytestmark = pytest.mark.skipif(bool(ABSENT), reason=f"not on the PATH: {ABSENT}")


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


def phase(
    folder: Path,
    *parents: str,
    calls: str = "calls.bcf",
    links: str = "",
    threads: int = 2,
) -> int:
    argv = ["--calls", f"{folder}/{calls}", "--parents", *parents]
    argv += ["--links", f"{folder}/{links}"] if links else []
    argv += ["--panel", f"{folder}/panel.bcf", "--map", f"{folder}/map"]
    argv += ["--genome", f"{folder}/genome.fa", "--chrom", CHROM]
    argv += ["--min-genotype-quality", "10", "--mcmc-iterations", "5b,1p,1b,1p,5m"]
    argv += ["--runs", "2", "--draws", "20", "--beagle-runs", "1"]
    argv += ["--threads", str(threads)]
    argv += ["--link-error", "0.001", "--memory-mb", "1000"]
    argv += ["--seed", "1", "--output", f"{folder}/out.bcf"]
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
    assert phase(folder, "M1", threads=1) == 0
    assert (folder / "out.bcf").read_bytes() == first
    assert str(folder).encode() not in first
    assert not list(folder.glob(".work-*"))


def doubts(path: Path) -> dict[tuple, list[tuple[float, float]]]:
    """FP and SP of every sample by position and alleles."""
    with pysam.VariantFile(str(path)) as source:
        return {
            (record.pos, *record.alleles): [
                (sample["FP"], sample["SP"]) for sample in record.samples.values()
            ]
            for record in source
        }


def test_doubts_stand_at_hets_and_are_right(world):
    folder, truth = world
    assert phase(folder, "M1") == 0
    found = read_genotypes(folder / "out.bcf", CHROM)
    rows = found.pos_bp // 3000 - 1
    values = np.array([cells[0] for cells in doubts(folder / "out.bcf").values()])
    is_het = found.alleles[:, 0].sum(axis=1) == 1
    assert (values[~is_het] == 0).all()
    assert (values[is_het, 0] > 0).all()
    assert (values[is_het, 1][1:] > 0).all()
    assert values.max() <= 0.5
    n_switches, n_intervals = switches(truth[0][:, rows], found.alleles[:, 0].T)
    expected = values[:, 1].sum() + 2 * values[is_het, 0].sum()
    assert n_switches <= expected + 3 * np.sqrt(expected) + 1
    assert expected < 0.1 * n_intervals


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


LINKED, LONELY = 21, 45
READ_BP, N_READS, CARRIER = 120, 20, 1


def write_reads(folder: Path, bases: np.ndarray, site_bp: int, alleles: np.ndarray):
    """Reads of M1 over a het of the panel at site_bp, of which its haplotypes carry
    `alleles`, and a private one 50 bp on, ALT on haplotype CARRIER."""
    header = pysam.AlignmentHeader.from_dict(
        {
            "HD": {"VN": "1.6", "SO": "coordinate"},
            "SQ": [{"SN": CHROM, "LN": LENGTH}],
            "RG": [{"ID": "M1.u", "SM": "M1"}],
        }
    )
    with pysam.AlignmentFile(str(folder / "M1.bam"), "wb", header=header) as sink:
        for number in range(N_READS):
            haplotype, start0 = number % 2, site_bp - 60 + number // 2
            read = bases[start0 : start0 + READ_BP].copy()
            read[site_bp - 1 - start0] = "AG"[alleles[haplotype]]
            read[site_bp + 49 - start0] = "CT"[haplotype == CARRIER]
            aligned = pysam.AlignedSegment(header)
            aligned.query_name, aligned.query_sequence = f"r{number}", "".join(read)
            aligned.reference_id, aligned.reference_start = 0, start0
            aligned.mapping_quality, aligned.cigar = 60, [(0, READ_BP)]
            aligned.query_qualities = pysam.qualitystring_to_array("F" * READ_BP)
            aligned.set_tag("RG", "M1.u")
            sink.write(aligned)
    pysam.index(str(folder / "M1.bam"))


@pytest.fixture(scope="module")
def with_reads(world) -> Path:
    """Folder with reads of M1 and calls with two private hets of it, one linked."""
    folder, truth = world
    is_het = truth[0, 0] != truth[0, 1]
    row = next(r for r in range(LINKED, N_SITES) if r % 10 and is_het[r])
    site_bp = 3000 * (row + 1)
    bases = np.random.default_rng(8).choice(list("ACGT"), LENGTH)
    bases[3000 * np.arange(1, N_SITES + 1) - 1] = "A"
    bases[site_bp + 49] = "C"
    (folder / "genome.fa").write_text(f">{CHROM}\n{''.join(bases)}\n")
    (folder / "genome.fa.fai").unlink()
    pysam.faidx(str(folder / "genome.fa"))
    write_reads(folder, bases, site_bp, truth[0, :, row])
    with pysam.VariantFile(str(folder / "calls.bcf")) as source:
        lines = [str(record).rstrip("\n") for record in source]
    for at, ref, cells in (
        (site_bp + 50, "C", "0/1:99\t0/0:99"),
        (3000 * LONELY + 7, "G", "0/1:99\t./.:."),
    ):
        before = sum(int(line.split("\t")[1]) < at for line in lines)
        text = f"{CHROM}\t{at}\t.\t{ref}\tT\t.\t.\t.\tGT:GQ\t{cells}\t0/0:99"
        lines.insert(before, text)
    write_vcf(folder / "more.bcf", ["M1", "P1", "child"], lines)
    return folder


def test_private_hets_are_phased_by_reads(with_reads, world):
    folder, truth = with_reads, world[1][0]
    argv = ["--calls", f"{folder}/more.bcf", "--samples", "M1"]
    argv += ["--alignments", f"{folder}/M1.bam", "--genome", f"{folder}/genome.fa"]
    argv += ["--chrom", CHROM, "--min-genotype-quality", "10"]
    argv += ["--min-mapping-quality", "20", "--output", f"{folder}/links.bcf"]
    assert link_reads.main(argv) == 0
    links = read_genotypes(folder / "links.bcf", CHROM)
    assert links.samples == ("M1",)
    panel_bp, private_bp = links.pos_bp.tolist()
    assert private_bp == panel_bp + 50
    assert phase(folder, "M1", "P1", calls="more.bcf", links="links.bcf") == 0
    assert str(folder).encode() not in (folder / "links.bcf").read_bytes()
    found = read_genotypes(folder / "out.bcf", CHROM)
    row = found.pos_bp.tolist().index
    on_panel, private = found.alleles[row(panel_bp), 0], found.alleles[row(private_bp)]
    # The private ALT lies with the panel's allele that its haplotype carries.
    allele = truth[CARRIER, panel_bp // 3000 - 1]
    assert on_panel[private[0].tolist().index(1)] == allele
    assert private[1].tolist() == [0, 0]
    flips = doubts(folder / "out.bcf")
    assert 0 < flips[private_bp, "C", "T"][0][0] < 0.01
    assert flips[3000 * LONELY + 7, "G", "T"] == [(0.5, 0.0), (0.0, 0.0)]
    with pysam.VariantFile(f"{folder}/out.bcf") as source:
        marked = [record.pos for record in source if "PRIVATE" in record.info]
    assert marked == [private_bp, 3000 * LONELY + 7]


def test_imputation_leaves_private_hets_out(with_reads):
    folder = with_reads
    assert phase(folder, "M1", "P1", calls="more.bcf") == 0
    argv = ["--phased", f"{folder}/out.bcf", "--panel", f"{folder}/panel.bcf"]
    argv += ["--map", f"{folder}/map", "--chrom", CHROM, "--seed", "1"]
    argv += ["--threads", "1", "--memory-mb", "1000"]
    assert impute_parents.main([*argv, "--output", f"{folder}/imputed.bcf"]) == 0
    imputed = read_genotypes(folder / "imputed.bcf", CHROM)
    panel = read_genotypes(folder / "panel.bcf", CHROM)
    np.testing.assert_array_equal(imputed.pos_bp, panel.pos_bp)
