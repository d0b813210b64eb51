"""From phased parents and counts to the family's genomes, script by script.

The phase that the scripts get switches in the mother at one place.
"""

from __future__ import annotations

import json
import re

import cyvcf2
import numpy as np
import pytest

import pack_panel
import prepare_family
from family_scripts import (
    BOTH,
    NAMES,
    OUTPUTS,
    SWITCH_AT,
    correct,
    finish,
    prepare,
    read_genomes,
    small_chain,
    write_record,
)
from morula import (
    embryo_posterior,
    embryo_qc,
    family_sites,
    parental_alleles,
    posterior_samples,
    segments,
    tables,
)
from small_family import N_SITES

WRITTEN = sorted([*OUTPUTS, "parents.bcf.csi"])


@pytest.fixture(scope="module")
def family(tmp_path_factory):
    """The family after every script has run."""
    return small_chain(tmp_path_factory.mktemp("family"))


def one_error(capsys):
    """The only error that was printed, without a traceback."""
    shown = capsys.readouterr().err
    (line,) = (line for line in shown.splitlines() if line.startswith("error: "))
    assert "Traceback" not in shown
    return line


class TestPrepare:
    def test_phase_and_its_doubt_arrive(self, family):
        found = family_sites.load(family.folder / "family.npz")
        mother = found.parents[0]
        snvs = np.flatnonzero(family.is_snv)
        is_het = family.mother[snvs].sum(axis=1) == 1
        np.testing.assert_array_equal(mother.is_phased_het, is_het)
        np.testing.assert_allclose(mother.switch, np.where(is_het, 0.002, 0), atol=1e-8)
        second = np.where(snvs >= SWITCH_AT, 0, 1)
        order = np.where(family.mother[snvs, second] == 1, 1, 2)
        right = mother.orders[np.arange(len(snvs)), order]
        np.testing.assert_allclose(right[is_het], 0.99, atol=0.002)
        assert found.known == (True, True)

    def test_phase_of_an_older_version_is_refused(self, family, tmp_path, capsys):
        assert prepare(family.folder, tmp_path / "f.npz", BOTH, "phase.bcf") == 2
        message = one_error(capsys)
        assert "phase.bcf" in message
        assert "run it again" in message
        assert list(tmp_path.iterdir()) == []

    def test_a_parent_who_is_not_there(self, family, tmp_path, capsys):
        parents = ("--mother", "Q", "--father", "P")
        assert prepare(family.folder, tmp_path / "f.npz", parents) == 2
        assert "no sample 'Q'" in one_error(capsys)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        ("flags", "words"),
        [
            ("--mother M --panel p.bcf", "a parent needs --genotypes, --phased"),
            ("--father P --genotypes g.bcf --phased p.bcf", "a parent needs"),
            ("", "expected --panel alone"),
            ("--phased p.bcf --panel p.bcf", "expected --panel alone"),
        ],
    )
    def test_files_that_do_not_fit_the_parents(self, tmp_path, capsys, flags, words):
        every = "--sites s --chrom chr21 --map-female f --map-male m"
        every += f" --genotype-error 0.001 --output {tmp_path}/f.npz"
        with pytest.raises(SystemExit):
            prepare_family.main([*every.split(), *flags.split()])
        assert words in capsys.readouterr().err
        assert list(tmp_path.iterdir()) == []


class TestCorrect:
    def test_the_posterior_is_right(self, family):
        stored = embryo_posterior.load(family.folder / "posterior.npz")
        assert stored.embryos == NAMES
        rows = np.searchsorted(family.pos_bp, stored.sites.pos_bp)
        het = (family.mother[rows].sum(axis=1) == 1) | (
            family.father[rows].sum(axis=1) == 1
        )
        for name, least in zip(NAMES, (0.995, 0.97), strict=True):
            alleles = family.embryos[name].alleles[rows]
            truth = 2 * alleles[:, 0] + alleles[:, 1]
            right = stored.embryo(name).genotypes.argmax(axis=1) == truth
            assert right[het].mean() > least

    def test_the_mended_phase_has_no_switch(self, family):
        snvs = np.flatnonzero(family.is_snv)
        sites = family_sites.read_sites(family.folder / "sites.tsv.gz", "chr21")
        found = parental_alleles.read_phase(
            family.folder / "parents.bcf", ["M", "P"], sites
        )
        given = parental_alleles.read_phase(
            family.folder / "given.bcf", ["M", "P"], sites
        )
        for name, truth in (("M", family.mother), ("P", family.father)):
            for phase, expected in ((found, 0), (given, int(name == "M"))):
                alleles = phase[name].alleles
                same_kind = alleles.sum(axis=1) == truth[snvs].sum(axis=1)
                is_het = same_kind & (truth[snvs].sum(axis=1) == 1)
                assert is_het.sum() > 0.98 * (truth[snvs].sum(axis=1) == 1).sum()
                turned = (alleles[is_het] != truth[snvs][is_het]).any(axis=1)
                # The place of a mended switch is known to a few hets.
                middle = np.median(
                    np.lib.stride_tricks.sliding_window_view(turned, 21), 1
                )
                assert (np.diff(middle) != 0).sum() == expected

    def test_segments_cover_the_chromosome(self, family):
        rows = tables.read_tsv(family.folder / "inheritance.tsv")
        assert tuple(rows[0]) == segments.COLUMNS
        pos = family.pos_bp[family.is_snv]
        for name in NAMES:
            vectors = family.embryos[name].vectors
            for parent, bit in (("mother", 1), ("father", 0)):
                of = [r for r in rows if (r["embryo"], r["parent"]) == (name, parent)]
                assert int(of[0]["start"]) == pos[0]
                assert int(of[-1]["end"]) == pos[-1]
                crossovers = np.count_nonzero(np.diff((vectors >> bit) & 1))
                assert len(of) == 1 + crossovers

    def test_evidence_of_every_embryo(self, family):
        path = family.folder / "evidence.json"
        evidence = json.loads(path.read_text())
        assert tuple(evidence) == NAMES
        for name, one in evidence.items():
            summary = embryo_qc.summary_from_dict(one, str(path))
            counts = family.embryos[name].counts[family.is_snv]
            assert sum(summary.reads) == counts.sum()
            # The switch of the phase is no crossover of the embryo.
            assert max(summary.flips) < 0.5

    def test_a_second_run_gives_the_same_bytes(self, family, tmp_path):
        assert correct(family.folder, tmp_path) == 0
        for name in WRITTEN:
            assert (tmp_path / name).read_bytes() == (family.folder / name).read_bytes()


class TestGenomes:
    def test_embryos_are_right_and_phased(self, family):
        samples, alleles, phased, gp = read_genomes(family.folder / "genomes.bcf")
        assert samples == ["M", "P", *NAMES]
        assert len(alleles) == N_SITES
        np.testing.assert_allclose(gp.sum(axis=2), 1.0, atol=1e-6)
        het = (family.mother.sum(axis=1) == 1) | (family.father.sum(axis=1) == 1)
        seen = het & family.is_snv
        for column, name, least in ((2, "E1", 0.995), (3, "E2", 0.97)):
            assert phased[:, column].all()
            right = (alleles[:, column] == family.embryos[name].alleles).all(axis=1)
            assert right[seen].mean() > least
            assert right[~family.is_snv].mean() > 0.85

    def test_samples_agree_with_the_dosages(self, family):
        _, _, _, gp = read_genomes(family.folder / "genomes.bcf")
        samples = posterior_samples.load(family.folder / "genomes.npz")
        assert samples.embryos == NAMES
        np.testing.assert_array_equal(samples.pos_bp, family.pos_bp)
        for column, name in ((2, "E1"), (3, "E2")):
            maternal, paternal = samples.alleles(name)
            assert maternal.shape == (40, N_SITES)
            drawn = maternal.mean(axis=0) + paternal.mean(axis=0)
            off = np.abs(drawn - gp[:, column] @ [0, 1, 2])
            assert off.mean() < 0.02
            assert off.max() < 0.6

    def test_a_second_run_gives_the_same_bytes(self, family, tmp_path):
        (tmp_path / "posterior.npz").symlink_to(family.folder / "posterior.npz")
        assert finish(family.folder, tmp_path) == 0
        for name in ("genomes.bcf", "genomes.npz"):
            assert (tmp_path / name).read_bytes() == (family.folder / name).read_bytes()

    def test_a_parent_who_is_not_there(self, family, tmp_path, capsys):
        (tmp_path / "posterior.npz").symlink_to(family.folder / "posterior.npz")
        assert finish(family.folder, tmp_path, ("--mother", "Q", "--father", "P")) == 2
        assert "no sample 'Q'; it has M, P" in one_error(capsys)
        assert [one.name for one in tmp_path.iterdir()] == ["posterior.npz"]


class TestOneParent:
    def test_a_donor_has_the_panel_frequencies(self, family, tmp_path):
        world, only = family.folder, BOTH[:2]
        donor = tmp_path / "donor.npz"
        assert prepare(world, donor, only) == 0
        assert correct(world, tmp_path, ("E1",), only, family_sites=donor) == 0
        assert finish(world, tmp_path, only, donor) == 0
        samples, _, _, gp = read_genomes(tmp_path / "genomes.bcf")
        assert samples == ["M", "E1"]
        copies = gp[:, 1].argmax(axis=1)
        seen = family.is_snv & (family.mother.sum(axis=1) == 1)
        truth = family.embryos["E1"].alleles.sum(axis=1)
        assert (copies == truth)[seen].mean() > 0.8
        rows = tables.read_tsv(tmp_path / "inheritance.tsv")
        assert {row["parent"] for row in rows} == {"mother"}
        assert cyvcf2.VCF(str(tmp_path / "parents.bcf")).samples == ["M"]

    def test_the_donor_is_copied_from_the_panel(self, family, tmp_path):
        world, only = family.folder, BOTH[:2]
        donor, bits = tmp_path / "donor.npz", tmp_path / "bits.npz"
        assert prepare(world, donor, only) == 0
        flags = ["--panel", f"{world}/panel.bcf", "--chrom", "chr21"]
        assert pack_panel.main([*flags, "--output", str(bits)]) == 0
        truth = family.embryos["E1"].alleles[family.is_snv, 1]
        wrong = []
        for files in ({}, {"panel_bits": bits}):
            given = {"family_sites": donor} | files
            assert correct(world, tmp_path, ("E1",), only, **given) == 0
            assert finish(world, tmp_path, only, donor) == 0
            _, _, _, gp = read_genomes(tmp_path / "genomes.bcf")
            dosage = gp[family.is_snv, 1] @ [0.0, 1.0, 2.0]
            copies = truth + family.embryos["E1"].alleles[family.is_snv, 0]
            wrong.append(1 - np.corrcoef(dosage, copies)[0, 1] ** 2)
        assert wrong[1] < 0.9 * wrong[0]

    def test_the_father_alone(self, family, tmp_path):
        world, only = family.folder, BOTH[2:]
        donor = tmp_path / "donor.npz"
        assert prepare(world, donor, only) == 0
        assert correct(world, tmp_path, ("E1",), only, family_sites=donor) == 0
        assert finish(world, tmp_path, only, donor) == 0
        samples, alleles, _, gp = read_genomes(tmp_path / "genomes.bcf")
        assert samples == ["P", "E1"]
        truth = family.embryos["E1"].alleles
        is_het = family.is_snv & (family.father.sum(axis=1) == 1)
        right = gp[:, 1].argmax(axis=1) == truth.sum(axis=1)
        assert right[is_het].mean() > 0.8
        # Hom-ref mother and father: what the father gave stands right of the bar.
        is_his = family.is_snv & (family.father.sum(axis=1) == 2)
        assert (alleles[is_his, 1, 1] == 1).mean() > 0.99
        rows = tables.read_tsv(tmp_path / "inheritance.tsv")
        assert {row["parent"] for row in rows} == {"father"}

    def test_other_parents_than_those_prepared(self, family, tmp_path, capsys):
        assert correct(family.folder, tmp_path, parents=BOTH[:2]) == 2
        assert "make it again" in one_error(capsys)
        assert list(tmp_path.iterdir()) == []


class TestRefusals:
    """Wrong input: one clear error, and no file half-written or left alone."""

    def refused(self, family, tmp_path, capsys, message, **files):
        out = tmp_path / "out"
        out.mkdir()
        assert correct(family.folder, out, **files) == 2
        assert re.search(message, one_error(capsys))
        assert list(out.iterdir()) == []

    def counts(self, family, name, rows, cell, fmt="AD"):
        family.write(f"counts.{name}", [name], rows, cell, fmt=fmt)
        write_record(family.folder / f"{name}.json", name)

    def test_counts_of_other_sites(self, family, tmp_path, capsys):
        rows = np.flatnonzero(family.is_snv)[:-3]
        self.counts(family, "E9", rows, lambda row: ["1,1"])
        message = r"counts\.E9\.bcf: 3 of 2700 sites of chr21 have no record"
        self.refused(family, tmp_path, capsys, message, names=("E1", "E9"))

    def test_counts_without_ad(self, family, tmp_path, capsys):
        rows = np.flatnonzero(family.is_snv)
        self.counts(family, "E8", rows, lambda row: ["0/0"], fmt="GT")
        message = r"counts\.E8\.bcf: .* has no AD"
        self.refused(family, tmp_path, capsys, message, names=("E1", "E8"))

    def test_counts_of_another_embryo(self, family, tmp_path, capsys):
        paths = [family.folder / f"counts.{name}.bcf" for name in ("E2", "E1")]
        message = "counts of 'E2'; expected those of 'E1'"
        self.refused(family, tmp_path, capsys, message, counts=paths)

    def test_what_was_learnt_of_another_embryo(self, family, tmp_path, capsys):
        paths = [family.folder / f"{name}.json" for name in ("E2", "E1")]
        message = r"E2\.json: what was learnt of 'E2'; expected 'E1'"
        self.refused(family, tmp_path, capsys, message, amplification=paths)

    def test_another_grid_of_shares(self, family, tmp_path, capsys):
        other = write_record(tmp_path / "other.json", "E2", 7)
        paths = [family.folder / "E1.json", other]
        message = r"other\.json: another grid of shares \(7 points\)"
        self.refused(family, tmp_path, capsys, message, amplification=paths)

    def test_what_is_no_record(self, family, tmp_path, capsys):
        broken = tmp_path / "broken.json"
        broken.write_text('{"embryo": "E2"}')
        paths = [family.folder / "E1.json", broken]
        message = r"broken\.json: .*learn_amplification"
        self.refused(family, tmp_path, capsys, message, amplification=paths)

    def test_an_embryo_without_its_files(self, family, tmp_path, capsys):
        paths = [family.folder / "E1.json"]
        with pytest.raises(SystemExit):
            correct(family.folder, tmp_path, amplification=paths)
        assert "one of each per embryo" in capsys.readouterr().err
