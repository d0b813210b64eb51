"""Posteriors, joint samples and genotype text: round trips and identities."""

from __future__ import annotations

import numpy as np
import pytest

from morula import dosage_text, dosages, embryo_posterior, posterior_samples
from morula.errors import InputError
from morula.joint_posterior import JointPosterior, JointSamples
from morula.parental_alleles import Sites

SITES = Sites(np.arange(13) * 100, np.array(["A"] * 13), np.array(["G"] * 13))


def joint_posterior(n_embryos=2, n_sites=13, n_samples=5):
    """A result of the sampler, and its samples before they were packed."""
    rng = np.random.default_rng(0)
    haplotype, allele = rng.random((2, 2, n_embryos, n_samples, n_sites)) < 0.5
    switch = rng.random((2, n_samples, n_sites)) < 0.5
    found = JointPosterior(
        rng.dirichlet([1] * 4, (n_embryos, n_sites)),
        rng.dirichlet([1] * 4, (n_embryos, n_sites)),
        rng.random((n_embryos, n_sites)),
        rng.dirichlet([1] * 4, (2, n_sites)),
        rng.random((2, n_sites)),
        JointSamples(
            *(np.packbits(bits, axis=-1) for bits in (haplotype, allele, switch))
        ),
        6,
        0.01,
    )
    return found, haplotype, allele, switch


class TestFamilyPosterior:
    def test_it_comes_back(self, tmp_path):
        found, haplotype, allele, switch = joint_posterior()
        path = tmp_path / "family.npz"
        stored = embryo_posterior.of_joint(SITES, ["E1", "E2"], found)
        embryo_posterior.save(path, stored)
        assert list(tmp_path.iterdir()) == [path]
        family = embryo_posterior.load(path)
        assert family.embryos == ("E1", "E2")
        one = family.embryo("E2")
        np.testing.assert_array_equal(one.sites.pos_bp, SITES.pos_bp)
        np.testing.assert_allclose(one.vectors, found.vectors[1], atol=1e-7)
        np.testing.assert_allclose(one.genotypes, found.genotypes[1], atol=1e-7)
        for parent, side in enumerate(embryo_posterior.SIDES):
            np.testing.assert_array_equal(one.haplotypes[side], haplotype[parent, 1])
            np.testing.assert_array_equal(one.alleles[side], allele[parent, 1])
        unpacked = embryo_posterior.unpack(family.switch, 13)
        np.testing.assert_array_equal(unpacked, switch)

    def test_an_embryo_that_is_not_there(self):
        stored = embryo_posterior.of_joint(SITES, ["E1", "E2"], joint_posterior()[0])
        with pytest.raises(InputError, match="'E9'; there are those of E1, E2"):
            stored.embryo("E9")

    @pytest.mark.parametrize("kind", ["none", "text", "array", "cut off", "other"])
    def test_a_file_that_is_no_posterior(self, tmp_path, kind):
        path = tmp_path / "family.npz"
        if kind == "text":
            path.write_text("pos\tref\talt\n")
        elif kind == "array":
            with path.open("wb") as handle:
                np.save(handle, np.arange(3))
        elif kind == "cut off":
            stored = embryo_posterior.of_joint(SITES, ["E1"], joint_posterior(1)[0])
            embryo_posterior.save(path, stored)
            path.write_bytes(path.read_bytes()[:-100])
        elif kind == "other":
            np.savez(path, pos_bp=SITES.pos_bp)
        with pytest.raises(InputError, match=rf"{path}: not what a step .* run again"):
            embryo_posterior.load(path)

    def test_the_same_posterior_gives_the_same_bytes(self, tmp_path):
        stored = embryo_posterior.of_joint(SITES, ["E1", "E2"], joint_posterior()[0])
        for name in ("one.npz", "two.npz"):
            embryo_posterior.save(tmp_path / name, stored)
        one, two = ((tmp_path / n).read_bytes() for n in ("one.npz", "two.npz"))
        assert one == two


def test_posterior_samples_come_back(tmp_path):
    rng = np.random.default_rng(1)
    maternal, paternal = (list(rng.random((2, 3, 11)) < 0.5) for _ in range(2))
    path = tmp_path / "family.npz"
    posterior_samples.save(path, np.arange(11), ["E1", "E2"], maternal, paternal)
    samples = posterior_samples.load(path)
    found = samples.alleles("E2")
    np.testing.assert_array_equal(found[0], maternal[1])
    np.testing.assert_array_equal(found[1], paternal[1])
    with np.load(path) as data:
        assert data["maternal"].shape == (2, 3, 2)
        assert int(data["n_sites"]) == 11
    with pytest.raises(InputError, match="E1, E2"):
        samples.alleles("E9")


class TestGenotypeText:
    def test_gp_sums_to_one_in_the_decimals_written(self):
        ordered = np.random.default_rng(2).dirichlet([0.3] * 4, 500)
        for cell, row in zip(dosage_text.gt_ds_gp(ordered), ordered, strict=True):
            gt, ds, gp = cell.split(":")
            parts = [float(part) for part in gp.split(",")]
            assert sum(parts) == pytest.approx(1.0, abs=1e-9)
            assert float(ds) == pytest.approx(parts[1] + 2 * parts[2], abs=1e-9)
            assert float(ds) == pytest.approx(row[1] + row[2] + 2 * row[3], abs=2.1e-4)
            assert int(gt[0]) + int(gt[2]) == int(np.argmax(parts))

    def test_a_het_has_its_more_probable_order(self):
        ordered = np.array([[0, 0.2, 0.8, 0], [0.4, 0.3, 0.3, 0], [0, 0, 0, 1]])
        cells = dosage_text.gt_ds_gp(ordered)
        assert [cell[:3] for cell in cells] == ["1|0", "0|1", "1|1"]

    def test_parents(self):
        cells = dosage_text.gt_ds_ap(
            np.array([[0, 1]], dtype=np.int8), np.array([[0.25, 1.0]])
        )
        assert cells.tolist() == ["0|1:1.2500:0.25:1"]

    def test_one_copy(self):
        cells = dosage_text.gt_ds_gp_single(np.array([0.0, 0.3, 0.98768]))
        assert cells.tolist() == ["0:0.0000:1,0", "0:0.3000:0.7,0.3"] + [
            "1:0.9877:0.0123,0.9877"
        ]


class TestOneCopyInScores:
    def test_samples_count_it_twice(self, tmp_path):
        mother = [np.array([[True, False, True]])]
        father = [np.array([[False, False, False]])]
        single = [np.array([True, True, False])]
        path = tmp_path / "x.npz"
        posterior_samples.save(path, np.arange(3), ["E1"], mother, father, single)
        maternal, paternal = posterior_samples.load(path).counted("E1")
        assert (maternal + 0 + paternal).tolist() == [[2, 0, 1]]
        assert not posterior_samples.load(path).alleles("E1")[1].any()

    def test_dosages_and_variances_count_it_twice(self, tmp_path):
        header = (
            "##contig=<ID=chrX,length=1000>\n"
            + dosage_text.FORMAT_LINES
            + dosage_text.GP_LINE
        )
        pairs = dosage_text.gt_ds_gp(np.array([[0.1, 0.2, 0.3, 0.4]] * 2))
        one = dosage_text.gt_ds_gp_single(np.array([0.3]))[0]
        start = "chrX\t{}\t.\tA\tG\t.\t.\t.\tGT:DS:GP\t"
        lines = [
            start.format(10) + f"{pairs[0]}\t{one}\n",
            start.format(20) + f"{one}\t{one}\n",
        ]
        path = tmp_path / "genomes.bcf"
        dosage_text.write_bcf(path, header, ["D", "S"], lines)
        letters = np.array(["A", "A"]), np.array(["G", "G"])
        sites = dosages.Sites("chrX", np.array([10, 20]), *letters)
        ((rows, values),) = dosages.stream_dosages(path, sites, ["DS", "GP_VARIANCE"])
        assert rows.tolist() == [0, 1]
        np.testing.assert_allclose(values[:, 0], [[1.3, 0.6], [0.6, 0.6]], atol=1e-6)
        pair = 0.5 + 4 * 0.4 - 1.3**2
        np.testing.assert_allclose(
            values[:, 1], [[pair, 0.84], [0.84, 0.84]], atol=1e-6
        )
