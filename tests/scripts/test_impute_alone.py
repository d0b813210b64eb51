"""Embryos without parents, copied from the panel: the scripts on a small family."""

from __future__ import annotations

import json

import cyvcf2
import numpy as np
import pytest

import impute_alone
import pack_panel
from family_scripts import (
    NAMES,
    correct,
    finish,
    prepare,
    read_genomes,
    write_record,
)
from morula import panel_bits, posterior_samples, tables
from small_family import N_SITES, SmallFamily


@pytest.fixture(scope="module")
def family(tmp_path_factory):
    """The files of the call stage and of the panel, packed."""
    small = SmallFamily(tmp_path_factory.mktemp("family"))
    for name in NAMES:
        write_record(small.folder / f"{name}.json", name)
    assert pack(small.folder, small.folder / "bits.npz") == 0
    assert prepare(small.folder, small.folder / "family.npz", ()) == 0
    return small


def pack(folder, output, chrom="chr21"):
    flags = ["--panel", folder / "panel.bcf", "--chrom", chrom, "--output", output]
    return pack_panel.main(list(map(str, flags)))


def impute(folder, out, *more):
    flags = [
        *f"--panel-bits {folder}/bits.npz --panel {folder}/panel.bcf".split(),
        *f"--map {folder}/chr21.map --family-sites {folder}/family.npz".split(),
        *"--chrom chr21".split(),
        "--embryos",
        *NAMES,
        "--counts",
        *(f"{folder}/counts.{name}.bcf" for name in NAMES),
        "--amplification",
        *(f"{folder}/{name}.json" for name in NAMES),
        *"--max-depth 50 --outlier 0.003 --n-samples 30 --seed 1".split(),
        *f"--genomes {out}/genomes.bcf --samples {out}/genomes.npz".split(),
    ]
    return impute_alone.main([*flags, *more])


def test_the_panel_is_packed_as_it_is(family):
    packed = panel_bits.load(family.folder / "bits.npz")
    assert packed.shape == (N_SITES, family.panel.shape[1])
    np.testing.assert_array_equal(packed[:], family.panel)
    np.testing.assert_allclose(packed.frequency(), family.panel.mean(axis=1))


def test_a_panel_of_another_chromosome_is_refused(family, tmp_path, capsys):
    assert pack(family.folder, tmp_path / "bits.npz", "chr22") == 2
    assert "no site of chr22" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def alone(family, tmp_path_factory):
    out = tmp_path_factory.mktemp("alone")
    assert impute(family.folder, out) == 0
    return out


def test_genomes_are_better_than_reads_alone(family, alone, tmp_path):
    sites = family.folder / "family.npz"
    samples, _, phased, gp = read_genomes(alone / "genomes.bcf")
    assert samples == list(NAMES)
    assert len(gp) == N_SITES
    assert phased.all()
    np.testing.assert_allclose(gp.sum(axis=2), 1.0, atol=2e-4)
    truth = family.embryos["E1"].alleles.sum(axis=1)
    dosage = gp[:, 0] @ [0.0, 1.0, 2.0]
    copied = np.corrcoef(dosage, truth)[0, 1] ** 2
    assert copied > 0.88
    # What the reads and the panel's frequencies tell, site by site.
    assert correct(family.folder, tmp_path, NAMES, (), family_sites=sites) == 0
    assert finish(family.folder, tmp_path, (), sites) == 0
    _, _, _, unaided = read_genomes(tmp_path / "genomes.bcf")
    by_site = np.corrcoef(unaided[:, 0] @ [0.0, 1.0, 2.0], truth)[0, 1] ** 2
    assert 1.0 - copied < 0.7 * (1.0 - by_site)
    sure = gp[:, 0].max(axis=1) > 0.99
    assert (gp[:, 0].argmax(axis=1) == truth)[sure].mean() > 0.98
    # Indels, at which no read was counted, are told by their neighbours.
    unread = ~family.is_snv
    assert np.corrcoef(dosage[unread], truth[unread])[0, 1] ** 2 > 0.8


def test_samples_follow_the_genotypes(family, alone):
    stored = posterior_samples.load(alone / "genomes.npz")
    _, _, _, gp = read_genomes(alone / "genomes.bcf")
    assert stored.embryos == tuple(NAMES)
    maternal, paternal = stored.alleles("E1")
    assert maternal.shape == (30, N_SITES)
    mean = maternal.mean(axis=0) + paternal.mean(axis=0)
    assert np.corrcoef(mean, gp[:, 0] @ [0.0, 1.0, 2.0])[0, 1] > 0.98


def test_same_seed_same_records(family, alone, tmp_path):
    assert impute(family.folder, tmp_path) == 0
    first, second = (
        [str(record) for record in cyvcf2.VCF(str(path / "genomes.bcf"))]
        for path in (alone, tmp_path)
    )
    assert first == second


@pytest.fixture(scope="module")
def siblings(family, tmp_path_factory):
    """What is told of E1 and E2 together, without any parent."""
    out = tmp_path_factory.mktemp("siblings")
    sites, bits = family.folder / "family.npz", family.folder / "bits.npz"
    files = {"family_sites": sites, "panel_bits": bits}
    assert correct(family.folder, out, NAMES, (), **files) == 0
    assert finish(family.folder, out, (), sites) == 0
    return out


def test_of_siblings_nobody_knows_the_mother(siblings):
    header = cyvcf2.VCF(str(siblings / "genomes.bcf")).raw_header
    assert "##morula_embryo_phase=unknown" in header
    assert tables.read_tsv(siblings / "inheritance.tsv") == []


def test_how_sure_they_are_siblings(siblings):
    evidence = json.loads((siblings / "evidence.json").read_text())
    assert set(evidence) == set(NAMES)
    for one in evidence.values():
        assert -10 < one["sibling_ln_odds"] < 100
