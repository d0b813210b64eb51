"""The BCF of the parents' mended phase."""

from __future__ import annotations

import cyvcf2
import numpy as np
import pytest

from morula import parental_alleles, polished_parents
from morula.parental_alleles import Sites

CONTIGS = "##contig=<ID=chr1,length=1000>\n"
SITES = Sites(
    np.array([10, 20, 30, 40]), np.array(list("ACAC")), np.array(list("GTGT"))
)
ORDERS = np.array(
    [
        [0.98, 0.01, 0.01, 0.0],
        [0.1, 0.6, 0.3, 0.0],
        [0.0, 0.05, 0.95, 0.0],
        [0.0, 0.0, 0.1, 0.9],
    ]
)
SWITCH = np.array([0.0, 0.02, 0.9, 0.1])
PLAIN, TURNED = np.array([0, 0, 0, 0]) == 1, np.array([0, 0, 1, 1]) == 1


def test_cells_of_the_phase_as_it_was():
    found = polished_parents.cells(ORDERS, SWITCH, PLAIN)
    gt, fp, sp = zip(*(cell.split(":") for cell in found), strict=True)
    assert gt == ("0|0", "0|1", "1|0", "1|1")
    assert [float(value) for value in fp] == pytest.approx(
        [0, 0.3 / 0.9, 0.05, 0], 1e-3
    )
    assert [float(value) for value in sp] == pytest.approx(list(SWITCH))


def test_a_mended_switch_turns_what_follows():
    found = polished_parents.cells(ORDERS, SWITCH, TURNED)
    gt, fp, sp = zip(*(cell.split(":") for cell in found), strict=True)
    assert gt == ("0|0", "0|1", "0|1", "1|1")
    assert float(fp[2]) == pytest.approx(0.05)
    # In the step where it was mended only the doubt that it was there is left.
    assert [float(value) for value in sp] == pytest.approx([0, 0.02, 0.1, 0.1])


def test_it_is_read_back_like_the_output_of_the_phase_stage(tmp_path):
    path = tmp_path / "parents.bcf"
    columns = [
        polished_parents.cells(ORDERS, SWITCH, TURNED),
        polished_parents.cells(ORDERS[::-1], np.zeros(4), PLAIN),
    ]
    polished_parents.write(path, CONTIGS, "chr1", SITES, ["M", "P"], columns)
    assert sorted(one.name for one in tmp_path.iterdir()) == [
        "parents.bcf",
        "parents.bcf.csi",
    ]
    assert all(
        record.genotype.array()[:, 2].all() for record in cyvcf2.VCF(str(path))
    ), "not phased"
    found = parental_alleles.read_phase(path, ["P", "M"], SITES)
    assert found["M"].alleles.tolist() == [[0, 0], [0, 1], [0, 1], [1, 1]]
    np.testing.assert_allclose(found["M"].switch, [0, 0.02, 0.1, 0.1], atol=1e-4)
    np.testing.assert_allclose(found["M"].flip, [0, 1 / 3, 0.05, 0], atol=1e-4)
    assert found["P"].alleles.tolist() == [[1, 1], [1, 0], [0, 1], [0, 0]]
