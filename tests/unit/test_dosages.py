"""Dosages out of BCF, against what cyvcf2 reads record by record."""

import subprocess

import cyvcf2
import numpy as np
import pytest

from morula.dosages import Sites, stream_dosages
from morula.errors import InputError

SAMPLES = ("A", "B", "C")
FIELDS = ["DS", "GT", "GT_FIRST", "GP_VARIANCE"]
LONG = "ACGTTGCA" * 40


def cell(rng, copies):
    """GT:DS:GP of a sample with one or two copies."""
    alleles = rng.integers(0, 2, copies)
    gp = rng.dirichlet(np.ones(copies + 1)).round(3)
    dosage = float(gp @ np.arange(copies + 1))
    return f"{'|'.join(map(str, alleles))}:{dosage:.3f}:{','.join(map(str, gp))}"


def write(path, chrom, records):
    """records: (pos, ref, alt, cells)."""
    lines = ["##fileformat=VCFv4.2", f"##contig=<ID={chrom},length=100000000>"]
    lines += ['##INFO=<ID=XX,Number=1,Type=String,Description="x">']
    for name, number, kind in (
        ("AD", "R", "Integer"),
        ("GT", "1", "String"),
        ("DS", "1", "Float"),
        ("GP", "G", "Float"),
    ):
        lines.append(
            f'##FORMAT=<ID={name},Number={number},Type={kind},Description="x">'
        )
    names = "#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT".split()
    lines.append("\t".join([*names, *SAMPLES]))
    for pos, ref, alt, cells in records:
        row = [chrom, str(pos), ".", ref, alt, ".", ".", "XX=a", "GT:DS:GP", *cells]
        lines.append("\t".join(row))
    text = ("\n".join(lines) + "\n").encode()
    command = ["bcftools", "view", "-Ob", "-o", str(path)]
    subprocess.run(command, input=text, check=True)
    subprocess.run(["bcftools", "index", "-f", str(path)], check=True)


def draw(rng, path, chrom, n_sites=400):
    """A file with indels, several records of a position and of three alleles; its
    sites of two alleles, one of each three left out, as Sites."""
    records, wanted = [], []
    for number in range(n_sites):
        pos = 100 + 3 * (number // 2)
        ref, alt = ("A", "G") if number % 2 else (LONG, "A")
        if number % 7 == 0:
            alt = "C,T"
        copies = 1 + rng.integers(0, 2, len(SAMPLES)) if chrom == "chrX" else [2] * 3
        cells = [cell(rng, int(count)) for count in copies]
        if "," in alt:
            cells = [".:.:."] * 3
        elif number % 3:
            wanted.append((pos, ref, alt))
        records.append((pos, ref, alt, cells))
    write(path, chrom, records)
    pos, ref, alt = zip(*wanted, strict=True)
    return Sites(chrom, np.array(pos), np.array(ref), np.array(alt))


def expected(path, sites):
    """Values (L, F, N), one record after the other."""
    index = {
        key: i
        for i, key in enumerate(
            zip(sites.pos_bp.tolist(), sites.ref, sites.alt, strict=True)
        )
    }
    out = np.full((len(index), len(FIELDS), len(SAMPLES)), np.nan)
    for record in cyvcf2.VCF(str(path)):
        row = index.get((record.POS, record.REF, record.ALT[0]))
        if row is None or len(record.ALT) != 1:
            continue
        for sample, genotype in enumerate(record.genotypes):
            alleles = genotype[:-1]
            twice = 2 if len(alleles) == 1 else 1
            gp = record.format("GP")[sample].astype(float)[: len(alleles) + 1]
            copies = np.arange(len(gp)) * twice
            out[row, :, sample] = (
                record.format("DS")[sample, 0] * twice,
                sum(alleles) * twice,
                alleles[0],
                max(gp @ copies**2 - (gp @ copies) ** 2, 0),
            )
    return out


@pytest.mark.parametrize("chrom", ["chr1", "chrX"])
@pytest.mark.parametrize("block", [7, 4096])
def test_equal_those_of_cyvcf2(tmp_path, chrom, block):
    rng = np.random.default_rng(1)
    sites = draw(rng, tmp_path / "a.bcf", chrom)
    found = np.full((len(sites.pos_bp), len(FIELDS), len(SAMPLES)), np.nan)
    sizes = []
    for index, values in stream_dosages(tmp_path / "a.bcf", sites, FIELDS, block):
        found[index] = values
        sizes.append(len(index))
    assert sizes[:-1] == [block] * (len(sizes) - 1)
    # GP is written with three digits: it does not sum to one.
    np.testing.assert_allclose(
        found, expected(tmp_path / "a.bcf", sites), rtol=0, atol=5e-3
    )
    np.testing.assert_array_equal(
        found[:, :3], expected(tmp_path / "a.bcf", sites)[:, :3]
    )


@pytest.mark.parametrize(
    ("cells", "field"),
    [
        (["0|1:1:0,1,0", "0|1:.:0,1,0", "0|1:1:0,1,0"], "DS"),
        (["0|1:1:0,1,0", ".|.:1:0,1,0", "0|1:1:0,1,0"], "GT"),
        (["0|1:1:0,1,0", "0|.:1:0,1,0", "0|1:1:0,1,0"], "GT"),
        (["0|1:1:0,1,0", "0|1:1:.", "0|1:1:0,1,0"], "GP_VARIANCE"),
    ],
)
def test_a_missing_value_is_named(tmp_path, cells, field):
    write(tmp_path / "a.bcf", "chr1", [(100, "A", "G", cells)])
    sites = Sites("chr1", np.array([100]), np.array(["A"]), np.array(["G"]))
    with pytest.raises(InputError, match=f"chr1:100 has a missing {field[:2]}"):
        list(stream_dosages(tmp_path / "a.bcf", sites, [field]))


def test_a_field_that_the_file_lacks(tmp_path):
    path = tmp_path / "a.bcf"
    write(path, "chr1", [(100, "A", "G", ["0|1:1:0,1,0"] * 3)])
    command = ["bcftools", "annotate", "-x", "FORMAT/DS", "-Ob", "-o"]
    subprocess.run([*command, f"{tmp_path}/b.bcf", str(path)], check=True)
    subprocess.run(["bcftools", "index", f"{tmp_path}/b.bcf"], check=True)
    sites = Sites("chr1", np.array([100]), np.array(["A"]), np.array(["G"]))
    with pytest.raises(InputError, match="missing DS"):
        list(stream_dosages(tmp_path / "b.bcf", sites, ["DS"]))


def test_what_cannot_be_read_is_told_with_the_reason(tmp_path):
    sites = Sites("chr1", np.array([100]), np.array(["A"]), np.array(["G"]))
    with pytest.raises(InputError, match="No such file"):
        list(stream_dosages(tmp_path / "none.bcf", sites, ["DS"]))
    write(tmp_path / "a.bcf", "chr1", [(100, "A", "G", ["0|1:1:0,1,0"] * 3)])
    (tmp_path / "a.bcf.csi").unlink()
    with pytest.raises(InputError, match="index"):
        list(stream_dosages(tmp_path / "a.bcf", sites, ["DS"]))


def test_no_site_wanted_reads_nothing(tmp_path):
    write(tmp_path / "a.bcf", "chr1", [(100, "A", "G", ["0|1:1:0,1,0"] * 3)])
    nothing = np.array([], dtype=str)
    sites = Sites("chr1", np.array([], dtype=np.int64), nothing, nothing)
    assert list(stream_dosages(tmp_path / "a.bcf", sites, ["DS"])) == []
