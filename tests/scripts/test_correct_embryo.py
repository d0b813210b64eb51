"""From parents and counts to the family's genomes, script by script."""

from __future__ import annotations

import cyvcf2
import numpy as np
import pytest

import correct_embryo
import gather_embryos
import impute_family
import impute_parents
import prepare_family
from morula import family_sites, parental_alleles, posterior_samples, tables
from small_family import N_SITES, SmallFamily

MODEL = (
    "--amplification MDA --presets resources/amplification.tsv --prior-amplicons 20"
    " --read-error 0.003 --damage-error 0.006 --contamination 0.002"
    " --phase-switch 0.0033 --shares 11 --max-depth 50 --em-iterations 50"
    " --em-tolerance 0.1 --samples 40 --seed 1 --threads 2"
).split()
LIMITS = (
    "--min-depth 0.002 --max-error 0.05 --max-dropout 0.6 --warn-contamination 0.02"
    " --fail-contamination 0.1 --relationship-low 0.6 --relationship-high 1.5"
    " --max-share-deviation 0.1 --max-depth-deviation 0.35 --max-flip-ratio 3"
).split()
EMBRYOS = ("E1", "E2", "S1")


def impute(world, phased, output):
    flags = (
        f"--chrom chr21 --seed 1 --threads 1 --memory-mb 500 --map {world}/chr21.map"
    )
    paths = ["--phased", phased, "--panel", f"{world}/panel.bcf", "--output", output]
    return impute_parents.main([*flags.split(), "--memory-mb", "500", *map(str, paths)])


def prepare(world, output, parents=("--mother", "M", "--father", "P")):
    return prepare_family.main(
        [
            *f"--sites {world}/sites.tsv.gz --genotypes {world}/call.bcf".split(),
            *f"--imputed {world}/parents.bcf --chrom chr21".split(),
            *f"--map-female {world}/chr21.map --map-male {world}/chr21.map".split(),
            *"--phase-flip 0.0025 --phase-flip-rare 0.065".split(),
            *"--genotype-error 0.001".split(),
            *parents,
            *f"--output {output}".split(),
        ]
    )


def correct(world, name, sites=None, out=None):
    out, sites = out or world, sites or world / "family.npz"
    return correct_embryo.main(
        [
            *f"--embryo {name} --chromosomes chr21".split(),
            *f"--family-sites {sites}".split(),
            *f"--counts {world}/counts.{name}.bcf".split(),
            *MODEL,
            *f"--posterior {out}/{name}.npz --measures {out}/{name}.json".split(),
            *f"--inheritance {out}/{name}.tsv".split(),
        ]
    )


def gather(world, names):
    return gather_embryos.main(
        [
            "--measures",
            *(f"{world}/{name}.json" for name in names),
            "--inheritance",
            *(f"{world}/{name}.tsv" for name in names),
            *LIMITS,
            *f"--qc {world}/qc.tsv --segments {world}/segments.tsv".split(),
        ]
    )


def finish(world, names, genomes, parents=("--mother", "M", "--father", "P")):
    return impute_family.main(
        [
            *f"--parents {world}/parents.bcf --map {world}/chr21.map".split(),
            *"--chrom chr21 --genotype-error 0.001 --seed 1".split(),
            *parents,
            "--embryos",
            *(f"{world}/{name}.npz" for name in names),
            *f"--genomes {world}/{genomes}.bcf --samples {world}/{genomes}.npz".split(),
        ]
    )


@pytest.fixture(scope="module")
def family(tmp_path_factory):
    """The family after every script has run."""
    small = SmallFamily(tmp_path_factory.mktemp("family"))
    world = small.folder
    assert impute(world, world / "phase.bcf", world / "parents.bcf") == 0
    assert prepare(world, world / "family.npz") == 0
    for name in EMBRYOS:
        assert correct(world, name) == 0
    assert gather(world, EMBRYOS) == 0
    assert finish(world, ("E1", "E2"), "genomes") == 0
    return small


def read_genomes(path):
    """Samples, GT alleles (L, N, 2), phased (L, N), DS (L, N), GP (L, N, 3)."""
    reader = cyvcf2.VCF(str(path))
    rows = [
        (
            record.genotype.array(),
            record.format("DS")[:, 0],
            record.format("GP"),
        )
        for record in reader
    ]
    genotype = np.stack([row[0] for row in rows])
    return (
        reader.samples,
        genotype[..., :2],
        genotype[..., 2].astype(bool),
        np.stack([row[1] for row in rows]),
        np.stack([row[2] for row in rows]),
    )


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


class TestGenomes:
    def test_embryos_are_right_and_phased(self, family):
        samples, alleles, phased, dosage, gp = read_genomes(
            family.folder / "genomes.bcf"
        )
        assert samples == ["M", "P", "E1", "E2"]
        np.testing.assert_allclose(gp.sum(axis=2), 1.0, atol=1e-6)
        np.testing.assert_allclose(dosage, gp[..., 1] + 2 * gp[..., 2], atol=1e-4)
        het = (family.mother.sum(axis=1) == 1) | (family.father.sum(axis=1) == 1)
        seen = het & family.is_snv
        for column, name, least in ((2, "E1", 0.995), (3, "E2", 0.97)):
            assert phased[:, column].all()
            truth = family.embryos[name].alleles
            right = (alleles[:, column] == truth).all(axis=1)
            assert right[seen].mean() > least
            assert right[~family.is_snv].mean() > 0.85

    def test_samples_agree_with_the_dosages(self, family):
        _, _, _, dosage, _ = read_genomes(family.folder / "genomes.bcf")
        samples = posterior_samples.load(family.folder / "genomes.npz")
        assert samples.embryos == ("E1", "E2")
        np.testing.assert_array_equal(samples.pos_bp, family.pos_bp)
        for column, name in ((2, "E1"), (3, "E2")):
            maternal, paternal = samples.alleles(name)
            assert maternal.shape == (40, N_SITES)
            drawn = maternal.mean(axis=0) + paternal.mean(axis=0)
            assert np.abs(drawn - dosage[:, column]).mean() < 0.02
            assert np.abs(drawn - dosage[:, column]).max() < 0.6

    def test_the_same_seed_gives_the_same_bytes(self, family, tmp_path):
        world = family.folder
        assert correct(world, "E1", out=tmp_path) == 0
        for suffix in ("npz", "json", "tsv"):
            name = f"E1.{suffix}"
            assert (tmp_path / name).read_bytes() == (world / name).read_bytes()


class TestQuality:
    def rows(self, family):
        return {r["embryo"]: r for r in tables.read_tsv(family.folder / "qc.tsv")}

    def test_own_embryos_pass(self, family):
        rows = self.rows(family)
        assert tuple(rows["E1"]) == gather_embryos.QC_COLUMNS
        for name in ("E1", "E2"):
            assert rows[name]["status"] != "fail", rows[name]["reason"]
        assert float(rows["E1"]["ado_rate"]) == pytest.approx(0.2, abs=0.12)
        assert float(rows["E1"]["relationship_father"]) == pytest.approx(1, abs=0.3)
        assert float(rows["E1"]["breadth"]) > 0.9

    def test_an_embryo_of_another_father_fails(self, family):
        row = self.rows(family)["S1"]
        assert row["status"] == "fail"
        assert "not shown to be an embryo of the father" in row["reason"]
        assert "of the mother" not in row["reason"].split(";")[0]

    def test_segments_cover_the_chromosome(self, family):
        rows = tables.read_tsv(family.folder / "segments.tsv")
        assert tuple(rows[0]) == correct_embryo.SEGMENT_COLUMNS
        pos = family.pos_bp[family.is_snv]
        for parent in ("mother", "father"):
            of = [r for r in rows if (r["embryo"], r["parent"]) == ("E1", parent)]
            assert int(of[0]["start"]) == pos[0]
            assert int(of[-1]["end"]) == pos[-1]


class TestOneParent:
    def test_a_donor_has_the_panel_frequencies(self, family, tmp_path):
        world, only = family.folder, ("--mother", "M")
        assert prepare(world, tmp_path / "donor.npz", only) == 0
        assert correct(world, "E1", tmp_path / "donor.npz", tmp_path) == 0
        for name in ("parents.bcf", "chr21.map"):
            (tmp_path / name).symlink_to(world / name)
        assert finish(tmp_path, ("E1",), "donor", only) == 0
        assert gather(tmp_path, ("E1",)) == 0
        samples, _, _, _, gp = read_genomes(tmp_path / "donor.bcf")
        assert samples == ["M", "E1"]
        truth = family.embryos["E1"].alleles
        copies = gp[:, 1].argmax(axis=1)
        seen = family.is_snv & (family.mother.sum(axis=1) == 1)
        assert (copies == truth.sum(axis=1))[seen].mean() > 0.8
        (row,) = tables.read_tsv(tmp_path / "qc.tsv")
        assert row["relationship_father"] == ""
        assert row["contamination"] == ""
        parents = {r["parent"] for r in tables.read_tsv(tmp_path / "segments.tsv")}
        assert parents == {"mother"}


class TestRefusals:
    def test_counts_of_other_sites(self, family, tmp_path, capsys):
        counts = family.folder / "counts.E9.bcf"
        rows = np.flatnonzero(family.is_snv)[:-3]
        family.write("counts.E9", ["E9"], rows, lambda row: ["1,1"], fmt="AD")
        assert correct(family.folder, "E9", out=tmp_path) == 2
        message = capsys.readouterr().err
        assert str(counts) in message
        assert "3 of 2700 sites of chr21 have no record" in message
        assert list(tmp_path.iterdir()) == []

    def test_a_parent_who_is_not_in_the_file(self, family, tmp_path, capsys):
        parents = ("--mother", "Nobody", "--father", "P")
        assert prepare(family.folder, tmp_path / "f.npz", parents) == 2
        assert "no sample 'Nobody'" in capsys.readouterr().err

    def test_counts_without_ad(self, family, tmp_path, capsys):
        rows = np.flatnonzero(family.is_snv)
        family.write("counts.E8", ["E8"], rows, lambda row: ["0/0"])
        assert correct(family.folder, "E8", out=tmp_path) == 2
        assert "has no AD" in capsys.readouterr().err


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
