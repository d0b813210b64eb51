"""P(order of a parent's alleles) from genotypes, phase, imputation and panel."""

from __future__ import annotations

import subprocess

import numpy as np
import pytest

from morula import parental_alleles
from morula.errors import InputError
from morula.parental_alleles import Haplotypes, Phase, Sites

Q = 0.2
SURE = {0: [1, 1e-9, 1e-9], 1: [1e-9, 1, 1e-9], 2: [1e-9, 1e-9, 1], None: [1, 1, 1]}
HARDY_WEINBERG = [(1 - Q) ** 2, (1 - Q) * Q, Q * (1 - Q), Q**2]


def parent(
    copies,
    phase,
    *,
    share=None,
    imputed=False,
    error=0.0,
    flip=0.01,
    likelihoods=None,
):
    given = [SURE[g] for g in copies] if likelihoods is None else likelihoods
    alleles = np.array(phase, dtype=np.int8)
    n = len(alleles)
    shares = alleles.astype(float) if share is None else np.array(share, dtype=float)
    return parental_alleles.parent_of(
        np.array(given, dtype=float),
        Phase(alleles, np.full(n, flip), np.full(n, 0.001)),
        Haplotypes(
            np.full(n, imputed) | (alleles[:, 0] >= 0), shares, np.full(n, imputed)
        ),
        np.full(n, Q),
        error,
    )


def test_homozygous_and_phased_het():
    found = parent([0, 2, 1, 1], [(0, 0), (1, 1), (0, 1), (1, 0)])
    expected = [[0, 0], [1, 1], [0.01, 0.99], [0.99, 0.01]]
    np.testing.assert_allclose(found.alleles, expected, atol=1e-6)
    np.testing.assert_allclose(found.orders[2], [0, 0.99, 0.01, 0], atol=1e-6)
    np.testing.assert_allclose(found.orders[3], [0, 0.01, 0.99, 0], atol=1e-6)
    assert found.is_phased_het.tolist() == [False, False, True, True]
    assert found.dosage.tolist() == [0, 2, 1, 1]
    np.testing.assert_array_equal(found.switch, 0.001)


@pytest.mark.parametrize("phase", [(-1, -1), (0, 1)])
def test_a_het_of_which_the_phase_knows_nothing_is_even(phase):
    found = parent([1], [phase], flip=0.5)
    np.testing.assert_allclose(found.orders, [[0, 0.5, 0.5, 0]], atol=1e-6)
    assert not found.is_phased_het[0]
    assert found.dosage[0] == 1


@pytest.mark.parametrize(
    ("phase", "flip"), [((0, 1), 0.03), ((1, 0), 0.03), ((0, 0), 0.0), ((-1, -1), 0.0)]
)
def test_a_doubtful_genotype_by_hand(phase, flip):
    likelihood = [0.3, 1.0, 0.02]
    error = 0.01
    # Bayes by orders: panel, reads, and the phase for the two orders of a het.
    weights = []
    for order, prior in enumerate(HARDY_WEINBERG):
        first, second = order >> 1, order & 1
        p = prior * likelihood[first + second]
        if first != second and phase in ((0, 1), (1, 0)):
            p *= 2 * (1 - flip if (first, second) == phase else flip)
        weights.append(p)
    right = np.array(weights) / sum(weights)
    expected = (1 - error) * right + error * np.array(HARDY_WEINBERG)
    found = parent([None], [phase], likelihoods=[likelihood], flip=flip, error=error)
    np.testing.assert_allclose(found.orders[0], expected, rtol=1e-12)


def test_a_site_without_genotype_takes_the_imputed_alleles_or_the_frequency():
    imputed = parent([None], [(0, 1)], share=[(0.1, 0.8)], imputed=True)
    np.testing.assert_allclose(imputed.alleles, [[0.1, 0.8]])
    nothing = parent([None], [(-1, -1)])
    np.testing.assert_allclose(nothing.alleles, [[Q, Q]])
    np.testing.assert_allclose(nothing.orders, [HARDY_WEINBERG])
    for found in (imputed, nothing):
        assert np.isnan(found.dosage).all()
        assert not found.is_phased_het.any()


def test_reads_and_a_guessed_genotype_are_combined():
    # The panel says het with haplotype 2 carrying ALT; the reads make that twice as
    # likely as hom-ref: odds of P(0, 1) to P(0, 0) by hand.
    found = parent([None], [(0, 1)], share=[(0.0, 0.9)], likelihoods=[[0.5, 1.0, 1e-9]])
    assert found.alleles[0, 1] == pytest.approx(0.9 / (0.9 + 0.1 * 0.5), rel=1e-6)
    assert found.alleles[0, 0] == pytest.approx(0.0, abs=1e-6)
    assert not found.is_phased_het[0]
    assert np.isnan(found.dosage[0])


def test_no_order_is_certain_with_an_error_rate():
    found = parent([0, 2], [(0, 0), (1, 1)], error=0.01)
    np.testing.assert_allclose(found.alleles[0], 0.01 * Q, rtol=1e-3)
    np.testing.assert_allclose(found.alleles[1], 0.99 + 0.01 * Q, rtol=1e-6)
    assert found.orders.min() >= 0.01 * Q**2 * (1 - 1e-9)
    np.testing.assert_allclose(found.orders.sum(axis=1), 1)


def test_a_donor_has_two_draws_from_the_panel():
    found = parental_alleles.absent_parent(np.array([Q, 0.5]))
    np.testing.assert_allclose(found.orders, [HARDY_WEINBERG, [0.25] * 4])
    np.testing.assert_allclose(found.alleles, [[Q, Q], [0.5, 0.5]])
    assert not found.switch.any()
    assert np.isnan(found.dosage).all()


def test_a_frequency_is_never_zero_or_one():
    found = parental_alleles.panel_frequency(np.array([np.nan, 0, 250, 500]), 500)
    np.testing.assert_allclose(found, [0.5 / 501, 0.5 / 501, 0.5, 500.5 / 501])


HEADER = (
    "##fileformat=VCFv4.2\n##contig=<ID=chr1,length=1000>\n"
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="genotype">\n'
    '##FORMAT=<ID=FP,Number=1,Type=Float,Description="flip">\n'
    '##FORMAT=<ID=SP,Number=1,Type=Float,Description="switch">\n'
)


def write_phase(path, rows, fmt="GT:FP:SP"):
    """A BCF with samples M and P; rows: (pos, ref, alt, cell of M, cell of P)."""
    columns = "#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT M P".replace(" ", "\t")
    lines = [
        f"chr1\t{pos}\t.\t{ref}\t{alt}\t.\t.\t.\t{fmt}\t{one}\t{other}"
        for pos, ref, alt, one, other in rows
    ]
    subprocess.run(
        ["bcftools", "view", "-Ob", "-o", path, "-"],
        input=HEADER + "\n".join([columns, *lines]) + "\n",
        text=True,
        check=True,
    )
    return path


class TestReadPhase:
    sites = Sites(np.array([10, 20, 30]), np.array(["A"] * 3), np.array(["G"] * 3))
    rows = (
        (10, "A", "G", "0|1:0.02:0", "1|1:0:0"),
        (15, "AT", "A", "1|0:0.1:0.2", "0|0:0:0"),  # no site of the embryos
        (20, "A", "T", "0|1:0.01:0.1", "0|0:0:0"),  # another allele
        (30, "A", "G", "1|0:0.5:0.05", "0|1:0.03:0"),
        (40, "A", "G", "0|1:0.02:0.3", "0|1:0.02:0.3"),  # beyond the last site
    )

    def test_switches_at_what_is_no_site_go_to_the_next_one(self, tmp_path):
        path = write_phase(tmp_path / "phase.bcf", self.rows)
        found = parental_alleles.read_phase(path, ["M", "P"], self.sites)
        mother = found["M"]
        assert mother.alleles.tolist() == [[0, 1], [-1, -1], [1, 0]]
        np.testing.assert_allclose(mother.flip, [0.02, 0, 0.5], rtol=1e-6)
        # Step to 20: the switches at 15 and 20 (T): odd number of the two.
        both = 0.2 * 0.9 + 0.8 * 0.1
        np.testing.assert_allclose(mother.switch, [0, both, 0.05], rtol=1e-6)
        assert found["P"].alleles.tolist() == [[1, 1], [-1, -1], [0, 1]]
        np.testing.assert_allclose(found["P"].switch, 0, atol=1e-9)

    def test_a_sample_that_is_not_there(self, tmp_path):
        path = write_phase(tmp_path / "phase.bcf", self.rows)
        with pytest.raises(InputError, match="no sample 'Q'"):
            parental_alleles.read_phase(path, ["M", "Q"], self.sites)

    def test_phase_without_doubt_is_refused(self, tmp_path):
        rows = [(10, "A", "G", "0|1", "1|1")]
        path = write_phase(tmp_path / "phase.bcf", rows, "GT")
        with pytest.raises(InputError, match="chr1:10 has no FP and SP"):
            parental_alleles.read_phase(path, ["M"], self.sites)
