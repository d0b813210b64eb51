"""impute_parents.py on a small family: phase kept, the rest filled in by the panel."""

from __future__ import annotations

import cyvcf2
import numpy as np
import pytest

import impute_parents
from morula import family_sites, parental_alleles
from small_family import N_SITES, SmallFamily


def impute(world, phased, output):
    flags = (
        f"--chrom chr21 --seed 1 --threads 1 --memory-mb 500 --map {world}/chr21.map"
    )
    paths = ["--phased", phased, "--panel", f"{world}/panel.bcf", "--output", output]
    return impute_parents.main([*flags.split(), "--memory-mb", "500", *map(str, paths)])


@pytest.fixture(scope="module")
def family(tmp_path_factory):
    """The family, its parents imputed."""
    small = SmallFamily(tmp_path_factory.mktemp("family"))
    world = small.folder
    assert impute(world, world / "phase.bcf", world / "parents.bcf") == 0
    return small


class TestImputeParents:
    def test_phase_is_kept_and_the_rest_is_filled(self, family):
        reader = cyvcf2.VCF(str(family.folder / "parents.bcf"))
        records = list(reader)
        assert len(records) == N_SITES
        alleles = np.stack([record.genotype.array()[:, :2] for record in records])
        imputed = np.array([record.INFO.get("IMP") is not None for record in records])
        np.testing.assert_array_equal(imputed, ~family.is_snv)
        np.testing.assert_array_equal(alleles[~imputed, 0], family.mother[~imputed])
        np.testing.assert_array_equal(alleles[~imputed, 1], family.father[~imputed])
        assert (alleles[imputed, 0] == family.mother[imputed]).mean() > 0.9
        share = np.stack([record.format("AP1")[:, 0] for record in records])
        assert np.isin(share[~imputed], (0.0, 1.0)).all()

    def test_nothing_to_impute_needs_no_beagle(self, family, tmp_path, monkeypatch):
        def refuse(args, folder):
            raise AssertionError("Beagle was called")

        monkeypatch.setattr(impute_parents, "impute", refuse)
        world = family.folder
        assert impute(world, world / "whole.bcf", tmp_path / "out.bcf") == 0
        assert len(list(cyvcf2.VCF(str(tmp_path / "out.bcf")))) == N_SITES

    def test_one_genotyped_site_is_refused(self, family, tmp_path, capsys):
        def cell(row):
            return ["0|1", "0|0"]

        small = family.write("single", ["M", "P"], [0], cell)
        assert impute(family.folder, small, tmp_path / "out.bcf") == 2
        assert "1 genotyped panel sites on chr21" in capsys.readouterr().err
        assert list(tmp_path.iterdir()) == []

    def test_unphased_parents_are_refused(self, family, tmp_path, capsys):
        assert (
            impute(family.folder, family.folder / "call.bcf", tmp_path / "o.bcf") == 2
        )
        assert "not phased" in capsys.readouterr().err


class TestFilledGenotypes:
    def test_a_genotype_that_phasing_filled_in_is_not_certain(self, family, tmp_path):
        def cell(row):
            both = (family.mother[row], family.father[row])
            return [
                f"{one[0]}|{one[1]}:{mark}"
                for one, mark in zip(both, "10", strict=True)
            ]

        snvs = np.flatnonzero(family.is_snv)
        phased = family.write("filled", ["M", "P"], snvs, cell, fmt="GT:FI")
        assert impute(family.folder, phased, tmp_path / "out.bcf") == 0
        records = [
            record
            for record in cyvcf2.VCF(str(tmp_path / "out.bcf"))
            if record.INFO.get("IMP") is None
        ]
        frequency = np.array([record.INFO["AF"] for record in records])
        mother = np.array([record.format("AP1")[0, 0] for record in records])
        expected = 0.9 * family.mother[snvs, 0] + 0.1 * frequency
        np.testing.assert_allclose(mother, expected, atol=1e-4)
        father = np.array([record.format("AP1")[1, 0] for record in records])
        np.testing.assert_array_equal(father, family.father[snvs, 0])


class TestArrayParents:
    def test_genotypes_without_likelihoods(self, family, tmp_path):
        sites = family_sites.read_sites(family.folder / "sites.tsv.gz", "chr21")
        found = parental_alleles.genotype_likelihoods(
            family.folder / "phase.bcf", "M", sites, 1e-3
        )
        copies = family.mother[family.is_snv].sum(axis=1)
        np.testing.assert_array_equal(found.argmax(axis=1), copies)
        np.testing.assert_allclose(np.sort(found, axis=1)[:, :2], 1e-3)
