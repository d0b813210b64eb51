"""Genomes and joint samples that follow an embryo's reads where these override what was
inherited.
"""

from __future__ import annotations

import numpy as np
import pytest

from family_scripts import NAMES, finish, read_genomes, small_chain
from morula import override_table, posterior_samples, tables
from morula.errors import InputError


@pytest.fixture(scope="module")
def family(tmp_path_factory):
    """The family after every script has run."""
    return small_chain(tmp_path_factory.mktemp("family"))


def write_overrides(family, path, verdicts):
    """A table with a row of E1 for each verdict, at sites of the panel; its rows
    among these. E1 is said to show 1|1 for 0|0."""
    alleles = family.embryos["E1"].alleles.sum(axis=1)
    at = np.flatnonzero(family.is_snv & (alleles == 0))[100 : 100 + len(verdicts)]
    cells = dict.fromkeys(override_table.COLUMNS, "0") | {"embryo": "E1"}
    cells |= {"inherited": "0|0", "shown": "1|1", "artefact": "0.05"}
    cells |= {"parent": "mother", "tract_start": "1", "ref": "A", "alt": "G"}
    rows = [
        cells | {"pos": int(family.pos_bp[row]), "verdict": verdict}
        for row, verdict in zip(at, verdicts, strict=True)
    ]
    tables.write_tsv(path, override_table.COLUMNS, rows)
    return at


def test_reads_are_followed_where_they_override(family, tmp_path):
    (tmp_path / "posterior.npz").symlink_to(family.folder / "posterior.npz")
    verdicts = ["overridden", "kept", "overridden"]
    table = tmp_path / "overrides.tsv"
    first, _, third = write_overrides(family, table, verdicts)
    assert finish(family.folder, tmp_path, overrides=table) == 0
    _, alleles, _, gp = read_genomes(tmp_path / "genomes.bcf")
    _, before, _, gp_before = read_genomes(family.folder / "genomes.bcf")
    changed = np.zeros(alleles.shape[:2], dtype=bool)
    changed[[first, third], 2] = True
    assert (alleles[changed] == 1).all()
    np.testing.assert_allclose(gp[changed], [[0.05, 0, 0.95]] * 2, atol=1e-4)
    np.testing.assert_array_equal(alleles[~changed], before[~changed])
    np.testing.assert_array_equal(gp[~changed], gp_before[~changed])
    one, other = (
        posterior_samples.load(folder / "genomes.npz")
        for folder in (tmp_path, family.folder)
    )
    for name in NAMES:
        for mine, was in zip(one.alleles(name), other.alleles(name), strict=True):
            differs = np.flatnonzero((mine != was).any(axis=0)).tolist()
            assert differs == ([first, third] if name == "E1" else [])
    maternal, paternal = one.alleles("E1")
    assert 0.8 <= maternal[:, first].mean() <= 1.0
    # A tract is drawn as a whole, on both sides.
    for drawn in (paternal[:, first], maternal[:, third], paternal[:, third]):
        np.testing.assert_array_equal(drawn, maternal[:, first])


@pytest.mark.parametrize("verdicts", [[], ["kept"]])
def test_without_overrides_nothing_changes(family, tmp_path, verdicts):
    (tmp_path / "posterior.npz").symlink_to(family.folder / "posterior.npz")
    table = tmp_path / "overrides.tsv"
    write_overrides(family, table, verdicts)
    assert finish(family.folder, tmp_path, overrides=table) == 0
    for name in ("genomes.bcf", "genomes.npz"):
        assert (tmp_path / name).read_bytes() == (family.folder / name).read_bytes()


def test_a_table_of_something_else(family, tmp_path, capsys):
    table = family.folder / "inheritance.tsv"
    (tmp_path / "posterior.npz").symlink_to(family.folder / "posterior.npz")
    assert finish(family.folder, tmp_path, overrides=table) == 2
    assert "list_overrides.py writes" in capsys.readouterr().err


def test_a_genotype_that_is_none_is_named_with_its_line(tmp_path):
    table = tmp_path / "overrides.tsv"
    cells = dict.fromkeys(override_table.COLUMNS, "0") | {"shown": "1|1"}
    kept = cells | {"verdict": "kept", "inherited": "0|0"}
    wrong = cells | {"verdict": "overridden", "inherited": "0|2"}
    tables.write_tsv(table, override_table.COLUMNS, [kept, wrong])
    with pytest.raises(InputError, match=r"overrides.tsv, line 3: .* genotype '0\|2'"):
        override_table.read(table)
