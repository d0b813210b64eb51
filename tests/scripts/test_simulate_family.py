"""simulate_family: true genomes of founders and children, tables, seeds, errors."""

import subprocess
from pathlib import Path

import numpy as np
import pysam
import pytest

import simulate_family
from morula.haplotypes import read_genotypes
from morula.simulation.bcf import read_copy_alleles
from morula.simulation.copies import read_copies
from morula.tables import read_tsv
from simulated_family import (
    CHROMOSOMES,
    PARENTS,
    digest,
    family_flags,
    make_member,
    make_population,
)

ALL = [*CHROMOSOMES, "chrX", "chrY"]
FILES = ("bcf", "bcf.csi", "copies.tsv", "de_novo.tsv")
FOUNDERS = {"mother": "FEUR001", "father": "FEUR002"}
# What each member is besides a child of its parents.
CHILDREN = {
    "SON": "--sex male --de-novo-rate 1e-4",
    "DAUGHTER": "--sex female",
    "TRISOMIC": (
        "--sex female --abnormality trisomy chr21 mother meiosis_1 0.5 . ."
        " --abnormality segmental_loss chr22 father . . 50000 120000"
        " --de-novo-rate 1e-4"
    ),
    "TURNER": "--sex female --abnormality monosomy chrX father . . . .",
    "TRIPLOID": "--sex male --abnormality triploidy . father dispermy . . .",
}


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("world")
    make_population(directory, chromosomes=ALL)
    return directory


@pytest.fixture(scope="module")
def family(world, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("family")
    make_member(world, out, "M1", "--founder FEUR001 --sex female", ALL)
    make_member(world, out, "P1", "--founder FEUR002 --sex male", ALL)
    for name, extra in CHILDREN.items():
        make_member(world, out, name, f"{PARENTS} {extra}", ALL)
    return out


def founder_alleles(world: Path, chrom: str) -> dict[int, dict[str, np.ndarray]]:
    """Alleles (2,) of each parent at each position."""
    names = list(FOUNDERS.values())
    read = read_genotypes(world / f"founders.{chrom}.bcf", chrom, names)
    pairs = [dict(zip(FOUNDERS, site, strict=True)) for site in read.alleles]
    return dict(zip(read.pos_bp.tolist(), pairs, strict=True))


def test_parent_is_its_founder(world, family):
    for chrom in CHROMOSOMES:
        path = world / f"founders.{chrom}.bcf"
        founder = read_genotypes(path, chrom, ["FEUR001"])
        mother = read_genotypes(family / "M1.bcf", chrom)
        assert mother.samples == ("M1",)
        np.testing.assert_array_equal(mother.alleles, founder.alleles)
        assert mother.phased.all()
    assert read_tsv(family / "M1.de_novo.tsv") == []
    copies = read_copies(family / "M1.copies.tsv", "M1")
    assert {chrom: len(own) for chrom, own in copies.items()} == {
        "chr21": 2,
        "chr22": 2,
        "chrX": 2,
        "chrY": 0,
    }


@pytest.mark.parametrize("name", CHILDREN)
@pytest.mark.parametrize("chrom", ALL)
def test_alleles_follow_the_table_of_copies(world, family, name, chrom):
    pos_bp, _, _, alleles = read_copy_alleles(family / f"{name}.bcf", chrom, name)
    copies = read_copies(family / f"{name}.copies.tsv", name)[chrom]
    assert alleles.shape[1] == len(copies)
    new = {
        (int(row["pos"]), int(row["copy"]) - 1)
        for row in read_tsv(family / f"{name}.de_novo.tsv")
        if row["chrom"] == chrom
    }
    new_sites = {pos for pos, _ in new}
    known = founder_alleles(world, chrom)
    assert not new_sites & set(known)
    for number, copy in enumerate(copies):
        for pos, haplotype, allele in zip(
            pos_bp.tolist(), copy.haplotype_at(pos_bp), alleles[:, number], strict=True
        ):
            expected = -1
            if haplotype >= 0 and pos in new_sites:
                expected = int((pos, number) in new)
            elif haplotype >= 0:
                expected = known[pos][copy.parent][haplotype]
            assert allele == expected


def test_sites_are_complete(world, family):
    for chrom in CHROMOSOMES:
        pos_bp, *_ = read_copy_alleles(family / "DAUGHTER.bcf", chrom, "DAUGHTER")
        assert set(pos_bp.tolist()) >= set(founder_alleles(world, chrom))


def test_karyotypes(family):
    def count(name: str, chrom: str) -> int:
        return len(read_copies(family / f"{name}.copies.tsv", name)[chrom])

    assert [count("SON", chrom) for chrom in ALL] == [2, 2, 2, 1]
    assert [count("DAUGHTER", chrom) for chrom in ALL] == [2, 2, 2, 0]
    assert [count("TRISOMIC", chrom) for chrom in ALL] == [3, 2, 2, 0]
    assert [count("TRIPLOID", chrom) for chrom in CHROMOSOMES] == [3, 3]
    turner = read_copies(family / "TURNER.copies.tsv", "TURNER")
    assert turner["chrX"][1].stretches == ()
    assert turner["chrY"] == []


def test_a_son_has_one_allele_of_x_outside_the_pseudo_autosomal_regions(family):
    pos_bp, _, _, alleles = read_copy_alleles(family / "SON.bcf", "chrX", "SON")
    middle = (pos_bp > 10_000) & (pos_bp < 190_000)
    assert (alleles[middle, 1] == -1).all()
    assert (alleles[middle, 0] >= 0).all()
    assert (alleles[pos_bp < 3_000] >= 0).all()
    pairs = read_genotypes(family / "SON.bcf", "chrX").alleles[:, 0]
    np.testing.assert_array_equal(pairs, alleles)


def test_new_mutations_are_at_bases_of_the_reference(world, family):
    rows = read_tsv(family / "SON.de_novo.tsv")
    # 2 x 1e-4 a bp, of which the sperm has 80 %; one copy of X and Y only.
    assert len(rows) == pytest.approx(2 * 20 * 2 + 4 + 16, abs=30)
    paternal = sum(row["parent"] == "father" for row in rows)
    assert paternal / len(rows) == pytest.approx(0.8, abs=0.12)
    with pysam.FastaFile(world / "genome.fa") as genome:
        for row in rows:
            pos = int(row["pos"])
            assert genome.fetch(row["chrom"], pos - 1, pos) == row["ref"]


def test_members_do_not_depend_on_each_other_and_repeat(world, family, tmp_path):
    for name in ("SON", "TRISOMIC"):
        make_member(world, tmp_path, name, f"{PARENTS} {CHILDREN[name]}", ALL)
        for kind in FILES:
            file = f"{name}.{kind}"
            assert digest(tmp_path / file) == digest(family / file), file
    assert digest(family / "SON.bcf") != digest(family / "DAUGHTER.bcf")


def test_an_abnormality_changes_no_other_chromosome(world, family, tmp_path):
    make_member(world, tmp_path, "TURNER", f"{PARENTS} --sex female", ALL)
    for chrom in CHROMOSOMES:
        pairs = (
            read_copy_alleles(folder / "TURNER.bcf", chrom, "TURNER")[3]
            for folder in (tmp_path, family)
        )
        np.testing.assert_array_equal(*pairs)


def test_truths_of_a_family_merge(family, tmp_path):
    paths = [str(family / f"{name}.bcf") for name in ("M1", "P1", *CHILDREN)]
    merged = str(tmp_path / "all.bcf")
    command = ["bcftools", "merge", "--no-version", "-m", "none", "-Ob", "-o", merged]
    subprocess.run([*command, *paths], check=True)
    found = read_copy_alleles(merged, "chr21", "TRIPLOID")[3]
    assert found.shape[1] == 3
    assert read_genotypes(merged, "chrX").alleles.shape[1:] == (7, 2)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("--founder NOBODY", "no sample 'NOBODY'"),
        ("--mother FEUR001 --father NOBODY", "no sample 'NOBODY'"),
        (f"{PARENTS} --abnormality trisomy chr9 mother mitotic . . .", "not simulated"),
        (f"{PARENTS} --abnormality mosaic chr21 mother . . . .", "no kind 'mosaic'"),
        (f"{PARENTS} --build GRCh37 --centromeres {{empty}}", "no centromere of chr21"),
        ("--founder FEUR001 --genome-index {other}", "no 'chr21'; found chr1"),
    ],
)
def test_user_errors(world, tmp_path, capsys, flags, message):
    (tmp_path / "empty.tsv").write_text("build\tchrom\tpos_bp\n")
    (tmp_path / "other.fai").write_text("chr1\t1000\t6\t60\t61\n")
    flags = flags.format(empty=tmp_path / "empty.tsv", other=tmp_path / "other.fai")
    assert simulate_family.main(family_flags(world, tmp_path, "X", flags)) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.glob("X.*"))


def test_a_founder_of_unknown_sex_is_refused_where_it_matters(world, tmp_path, capsys):
    flags = family_flags(world, tmp_path, "X", "--founder FEUR001", ALL)
    assert simulate_family.main(flags) == 2
    assert "expected female or male" in capsys.readouterr().err
    make_member(world, tmp_path, "X", "--founder FEUR001")


def test_unphased_founders_are_refused(world, tmp_path, capsys):
    broken = tmp_path / "founders.chr21.bcf"
    text = subprocess.run(
        ["bcftools", "view", str(world / "founders.chr21.bcf")],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.replace("0|1", "0/1")
    view = ["bcftools", "view", "-Ob", "-o", str(broken), "-"]
    subprocess.run(view, check=True, input=text, text=True)
    flags = family_flags(world, tmp_path, "X", "--founder FEUR001")
    flags[flags.index(str(world / "founders.chr21.bcf"))] = str(broken)
    assert simulate_family.main(flags) == 2
    assert "unphased" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("--founder FEUR001 --mother FEUR002", "give --founder, or"),
        ("--mother FEUR002", "give --founder, or"),
        ("--founder FEUR001 --founders one.bcf", "one file a chromosome"),
        ("--founder FEUR001 --chromosomes chr21 chr21", "each once"),
        (
            "--founder FEUR001 --abnormality triploidy . mother meiosis_1 . . .",
            "not of a founder",
        ),
        (f"{PARENTS} --interference 0.5 4", "at least 1"),
        (f"{PARENTS} --escape 0 1.5", "from 0 to 1"),
        (f"{PARENTS} --de-novo-rate 0.5", "from 0 to 0.001"),
        (f"{PARENTS} --abnormality triploidy mother", "expected 7 arguments"),
        (f"{PARENTS} --build GRCh39", "invalid choice"),
    ],
)
def test_flags_that_cannot_be_are_refused(world, tmp_path, capsys, flags, message):
    with pytest.raises(SystemExit):
        simulate_family.main(family_flags(world, tmp_path, "X", flags))
    assert message in capsys.readouterr().err
