"""Contradictions on X: a son's one copy is of his mother, a father's X is one."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from morula import (
    amplification,
    family_input,
    family_overrides,
    override_table,
    overrides,
    x_inheritance,
)
from morula.embryo_posterior import FamilyPosterior
from x_family import N_SITES, OWN, XFamily

NONE = np.zeros(0)
DEPTH, ERROR = 40.0, 0.002


def in_a_row(family, number, first):
    """Hets of the mother in the own part from the site `first` on, no farther apart
    than a tract allows."""
    hets = np.flatnonzero(family.mother[:, 0] != family.mother[:, 1])
    hets = hets[(hets >= first) & (hets < OWN.stop - 300)]
    near = np.diff(family.pos_bp[hets]) <= overrides.TRACT_GAP_BP
    for start in range(len(hets) - number):
        if near[start : start + number - 1].all():
            return hets[start : start + number]
    raise AssertionError("no such hets; take another seed")


def counted(rng, alleles, has_both):
    """Reads of ordinary DNA, (L, 2), of a (L, 2) genome, the second where has_both."""
    copies = np.where(has_both, 2, 1)
    alt = np.where(has_both, alleles.sum(axis=1), alleles[:, 0])
    share = alt / copies
    reads = rng.poisson(DEPTH * copies / 2)
    shown = rng.binomial(reads, share * (1 - ERROR) + (1 - share) * ERROR)
    return np.stack([reads - shown, shown], axis=1).astype(float)


def listed_of(family, posterior, reads):
    """What is listed of a daughter and a son of ordinary DNA."""
    preset = amplification.Preset(0.001, 200.0, 10_000.0)
    start = amplification.start(preset, 1, 9, ERROR, ERROR, ERROR, 0.0)
    learnt = [overrides.ordinary(start)] * 2
    rows = np.arange(N_SITES)
    members = [
        family_input.embryo_of(family.family, rows, one, how, 60.0, 1e-4)
        for one, how in zip(reads, learnt, strict=True)
    ]
    is_son = [False, True]
    members = x_inheritance.with_sons(members, learnt, family.is_single, is_son)
    where = family.family, rows, posterior
    return family_overrides.of_family(*where, members, is_son)


@pytest.fixture(scope="module")
def found():
    """A daughter and a son, both of the mother's first haplotype, with a conversion
    and, in the son, a new mutation; what is listed of each."""
    family = XFamily(11, spacing=0.2)
    rng = np.random.default_rng(12)
    tracts = {
        "daughter": in_a_row(family, 8, OWN.start + 300),
        "son": in_a_row(family, 8, OWN.start + 1200),
    }
    everywhere = np.ones(N_SITES, dtype=bool)
    genomes = {}
    for name, tract in tracts.items():
        genome = np.stack([family.mother[:, 0], family.father[:, 0]], axis=1)
        genome[tract, 0] = family.mother[tract, 1]
        genomes[name] = genome
    same = (family.mother == 0).all(axis=1) & family.is_single
    mutation = np.flatnonzero(same)[len(np.flatnonzero(same)) // 2]
    genomes["son"][mutation, 0] = 1
    has_both = {"daughter": everywhere, "son": ~family.is_single}
    reads = [counted(rng, genomes[name], has_both[name]) for name in genomes]
    vectors = np.zeros((2, N_SITES, 4), dtype=np.float32)
    vectors[:, :, 0] = 1.0
    posterior = FamilyPosterior(
        family.family.sites, tuple(genomes), vectors, vectors, NONE, NONE, NONE
    )
    listed = listed_of(family, posterior, reads)
    return SimpleNamespace(
        family=family,
        tracts=tracts,
        mutation=mutation,
        reads=reads,
        listed=dict(zip(genomes, listed, strict=True)),
    )


@pytest.mark.parametrize("name", ["daughter", "son"])
def test_a_tract_is_overridden(found, name):
    listed = {one.site: one for one in found.listed[name]}
    tract = found.tracts[name].tolist()
    for s in tract:
        one = listed[s]
        assert one.is_overridden
        assert one.conversion > 0.5
        assert one.inherited ^ one.shown == 2
        assert one.tract == tuple(tract)


def test_a_mutation_of_a_son_is_his_mothers(found):
    (one,) = (one for one in found.listed["son"] if one.site == found.mutation)
    assert (one.inherited, one.shown) == (0, 2)
    assert one.conversion < 1e-3
    assert one.mutation > 0.0


def test_nothing_else_is_listed(found):
    for name, more in (("daughter", []), ("son", [found.mutation])):
        sites = {one.site for one in found.listed[name]}
        assert sites == {*found.tracts[name].tolist(), *more}


def test_one_copy_in_the_table_and_back(found, tmp_path):
    listed, sites = found.listed["son"], found.family.family.sites
    rows = list(
        override_table.rows_of(
            "S1", "chrX", sites, found.reads[1], listed, found.family.is_single
        )
    )
    texts = {(row["inherited"], row["shown"]) for row in rows}
    assert texts <= {("0", "1"), ("1", "0")}
    assert {row["parent"] for row in rows} == {"mother"}
    path = tmp_path / "overrides.tsv"
    override_table.tables.write_tsv(path, override_table.COLUMNS, rows)
    back = override_table.read(path)["S1"]
    overridden = [one for one in listed if one.is_overridden]
    pairs = [(one.inherited, one.shown) for one in back]
    assert pairs == [(one.inherited, one.shown) for one in overridden]


def test_a_donor_mother_leaves_a_sons_one_copy_alone(found):
    """Where nothing is known of the mother nothing of it can be contradicted."""
    expected = overrides.Expected(
        np.arange(2), np.eye(4)[:2], np.full((2, 4, 4), 0.25), *[np.zeros(0)] * 3, (1,)
    )
    one = override_table.Override(1, 0, 1.0, 1, 9.0, (), 0.1, 0.0, 0.9, 0.0)
    kept = family_overrides.of_son(None, expected, [one], np.array([False, True]))
    assert kept == []
    kept = family_overrides.of_son(None, expected, [one], np.array([True, False]))
    assert kept == [one]
