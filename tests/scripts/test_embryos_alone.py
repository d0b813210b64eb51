"""Embryos without any parent, script by script: what their reads tell stands,
what needs a parent is empty."""

from __future__ import annotations

import json

import cyvcf2
import numpy as np
import pytest

import impute_family
from family_scripts import (
    NAMES,
    correct,
    finish,
    prepare,
    read_genomes,
    write_record,
)
from morula import embryo_qc, family_sites, posterior_samples, segments, tables
from small_family import N_SITES, SmallFamily


@pytest.fixture(scope="module")
def family(tmp_path_factory):
    """The files of the call stage and of the panel."""
    small = SmallFamily(tmp_path_factory.mktemp("family"))
    for name in NAMES:
        write_record(small.folder / f"{name}.json", name)
    return small


@pytest.fixture(scope="module")
def alone(family, tmp_path_factory):
    """What the scripts make of the two embryos without their parents."""
    out = tmp_path_factory.mktemp("alone")
    sites = out / "family.npz"
    assert prepare(family.folder, sites, ()) == 0
    assert correct(family.folder, out, NAMES, (), family_sites=sites) == 0
    assert finish(family.folder, out, (), sites) == 0
    return out


def test_both_sides_have_the_panel_frequencies(family, alone):
    found = family_sites.load(alone / "family.npz")
    assert found.known == (False, False)
    counted = family.panel[family.is_snv]
    np.testing.assert_allclose(
        found.frequency, (counted.sum(axis=1) + 0.5) / (counted.shape[1] + 1)
    )
    for parent in found.parents:
        np.testing.assert_allclose(parent.alleles[:, 0], found.frequency)
        np.testing.assert_allclose(parent.alleles[:, 1], found.frequency)
        assert np.isnan(parent.dosage).all()


def test_the_genomes_follow_the_reads(family, alone):
    samples, _, _, gp = read_genomes(alone / "genomes.bcf")
    assert samples == list(NAMES)
    assert len(gp) == N_SITES
    for column, name in enumerate(NAMES):
        embryo = family.embryos[name]
        truth = embryo.alleles.sum(axis=1)
        copies = gp[:, column].argmax(axis=1)
        seen = family.is_snv & (embryo.counts.sum(axis=1) >= 4)
        null = np.bincount(truth[seen]).max() / seen.sum()
        assert (copies == truth)[seen].mean() > null + 0.1
    drawn = posterior_samples.load(alone / "genomes.npz")
    assert drawn.embryos == NAMES
    assert len(drawn.pos_bp) == N_SITES


def test_what_needs_parents_is_empty(alone):
    assert tables.read_tsv(alone / "inheritance.tsv") == []
    header = (alone / "inheritance.tsv").read_text().split()
    assert tuple(header) == segments.COLUMNS
    mended = cyvcf2.VCF(str(alone / "parents.bcf"))
    assert mended.samples == []
    assert list(mended) == []
    evidence = json.loads((alone / "evidence.json").read_text())
    for name in NAMES:
        one = embryo_qc.summary_from_dict(evidence[name], "evidence.json")
        assert not any(one.known)
        assert one.descent_sites == one.strange_sites == 0


@pytest.mark.parametrize(
    "flags",
    [
        "--mother M --panel p.bcf",
        "--parents i.bcf --phased p.bcf",
        "--mother M --parents i.bcf",
    ],
)
def test_files_that_do_not_fit_the_parents(tmp_path, capsys, flags):
    every = "--family-sites f --posterior p --map m --chrom chr21 --seed 1"
    every += " --genotype-error 0.001"
    every += f" --genomes {tmp_path}/g.bcf --samples {tmp_path}/g.npz"
    with pytest.raises(SystemExit):
        impute_family.main([*every.split(), *flags.split()])
    assert "else --panel" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
