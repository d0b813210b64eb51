"""Posterior samples, segments and genotype text: round trips and identities."""

from __future__ import annotations

import numpy as np
import pytest

from morula import dosage_text, embryo_posterior, posterior_samples, segments
from morula.errors import InputError


def test_packed_draws_come_back():
    draws = np.random.default_rng(0).integers(0, 2, (13, 5), dtype=np.uint8)
    packed = embryo_posterior.pack(draws)
    assert packed.shape == (5, 2)
    np.testing.assert_array_equal(embryo_posterior.unpack(packed, 13), draws.T == 1)


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


class TestSegments:
    def test_they_cover_the_chromosome_once(self):
        pos = np.array([100, 200, 300, 400, 500])
        found = segments.segments(pos, np.array([0.9, 0.8, 0.1, 0.2, 0.7]))
        assert [(one.start, one.end, one.haplotype) for one in found] == [
            (100, 250, 1),
            (251, 450, 2),
            (451, 500, 1),
        ]
        assert found[1].posterior == pytest.approx(0.85)

    def test_one_site(self):
        (only,) = segments.segments(np.array([7]), np.array([0.2]))
        assert (only.start, only.end, only.haplotype) == (7, 7, 2)

    def test_turns_within_one_position_leave_no_gap(self):
        pos = np.array([10, 10, 10, 20])
        found = segments.segments(pos, np.array([0.9, 0.1, 0.9, 0.9]))
        assert found[0].start == 10
        assert found[-1].end == 20
        for one, two in zip(found[:-1], found[1:], strict=True):
            assert two.start == one.end + 1


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
