"""What embryos' reads leave of the doubt about two homozygous parents, against sums
over orders, vectors and shares that are written out.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from morula import call_confirmation, confirmed_calls
from morula.embryo_kernels import Embryo
from morula.embryo_posterior import FamilyPosterior
from morula.family_sites import FamilySites
from morula.parental_alleles import Parent, Sites

NONE = np.zeros((0,), dtype=np.uint8)
ORDERS = ((0, 0), (0, 1), (1, 0), (1, 1))
SHARES, PRIOR = np.array([0.0, 0.5, 1.0]), np.array([0.1, 0.8, 0.1])
ERROR = 1e-3
HET = [0.0, 0.5, 0.5, 0.0]


def hom(allele, rng=None):
    """P(order) of a parent called homozygous, with a little doubt."""
    doubt = np.array([4e-4, 5e-4, 1e-4]) if rng is None else rng.random(3) * 3e-4
    found = np.array([1 - doubt.sum(), *doubt])
    return found if allele == 0 else found[::-1]


def family_of(mother, father, single=None, known=(True, True)):
    n = len(mother)
    parents = tuple(
        Parent(np.array(orders), np.zeros(n), np.zeros(n, bool), np.zeros(n))
        for orders in (mother, father)
    )
    alleles = np.array(["A"] * n), np.array(["G"] * n)
    sites = Sites(1000 * np.arange(1, n + 1), *alleles)
    where = np.full(n, 0.3), np.zeros((2, n))
    return FamilySites(sites, *where, parents, known, single)


def embryo_of(reads, outlier=0.0):
    reads = np.array(reads, dtype=np.float64)
    m, f = np.array([0, 0, 1, 1])[:, None], np.array([0, 1, 0, 1])[:, None]
    alt = SHARES * m + (1 - SHARES) * f
    alt = (1 - ERROR) * alt + ERROR * (1 - alt)
    n, table = len(reads), np.log(np.stack([1 - alt, alt], axis=-1))[None]
    site_class = np.zeros(n, dtype=np.int64)
    has_reads = reads.sum(axis=1) > 0
    return Embryo(
        reads, has_reads, site_class, table, PRIOR, SHARES, np.ones(n), outlier
    )


def posterior_of(family, vectors):
    """Of embryos with the same vectors, (4,) each, at all informative sites."""
    from_first = np.array(vectors, dtype=np.float32)[:, None]
    rows = np.flatnonzero(call_confirmation.is_informative(family))
    stored = np.repeat(from_first, len(rows), axis=1)
    names = tuple(f"E{i}" for i in range(len(vectors)))
    sites = family.sites.at(rows)
    return FamilyPosterior(sites, names, stored, stored, NONE, NONE, NONE)


def written_out(orders, other_call, reads, vectors, side):
    """P(order | reads of the embryos) over P(order), up to a factor, (4,): of the
    parent of `side`, the other one as called."""
    found = []
    for order in range(4):
        value = 1.0
        for (ref, alt), of_vector in zip(reads, vectors, strict=True):
            total = 0.0
            for v, (x, p) in itertools.product(
                range(4), zip(SHARES, PRIOR, strict=True)
            ):
                own = ORDERS[order][(v >> (1 - side)) & 1]
                m, f = (own, other_call) if side == 0 else (other_call, own)
                share = x * m + (1 - x) * f
                share = (1 - ERROR) * share + ERROR * (1 - share)
                total += of_vector[v] * p * (1 - share) ** ref * share**alt
            value *= total
        found.append(value)
    return np.array(found)


@pytest.mark.parametrize("allele", [0, 1])
def test_what_is_left_is_a_sum_over_all_there_is(allele):
    rng = np.random.default_rng(allele)
    mother, father = hom(allele, rng), hom(allele, rng)
    family = family_of([HET, mother], [[1, 0, 0, 0], father])
    vectors = rng.dirichlet([1] * 4, 3)
    counts = [(7, 0), (3, 1), (12, 0)]
    counts = [one if allele == 0 else one[::-1] for one in counts]
    rows = call_confirmation.rows_to_confirm(family)
    assert rows.tolist() == [1]
    embryos = [embryo_of([one]) for one in counts]
    posterior = posterior_of(family, vectors)
    found = call_confirmation.confirm(family, rows, posterior, embryos)
    for side, orders in enumerate((mother, father)):
        told = written_out(orders, allele, counts, vectors, side)
        factor = np.minimum(told / told[3 * allele], 1.0)
        for haplotype in range(2):
            other = [o for o in range(4) if ORDERS[o][haplotype] != allele]
            expected = (orders * factor)[other].sum() / orders[other].sum()
            assert found.left[side, haplotype, 0] == pytest.approx(expected, rel=1e-4)


def test_rows_to_confirm():
    sure = [1.0, 0.0, 0.0, 0.0]
    mother = [hom(0), HET, hom(1), hom(0), sure, hom(0)]
    father = [hom(0), hom(0), hom(1), hom(1), sure, sure]
    single = np.array([False, False, False, False, False, True])
    family = family_of(mother, father, single)
    # Not where a parent may be het, their alleles differ, nothing is in doubt, or
    # males have one copy.
    assert call_confirmation.rows_to_confirm(family).tolist() == [0, 2]
    donor = replace(family, known=(True, False))
    none = call_confirmation.rows_to_confirm(donor)
    assert len(none) == 0
    found = call_confirmation.confirm(donor, none, posterior_of(donor, [HET]), [])
    assert found.left.shape == (2, 2, 0)


def left_by(vectors, reads, outlier=0.0):
    family = family_of([HET, hom(0)], [[1, 0, 0, 0], hom(0)])
    rows = call_confirmation.rows_to_confirm(family)
    embryos = [embryo_of([one], outlier) for one in reads]
    posterior = posterior_of(family, vectors)
    return call_confirmation.confirm(family, rows, posterior, embryos).left[..., 0]


def test_what_reads_confirm():
    first, both = [1, 0, 0, 0], [[1, 0, 0, 0], [0, 0, 0, 1]]
    np.testing.assert_array_equal(left_by(both, [(0, 0), (0, 0)]), 1.0)
    # Reads of the other allele are no confirmation, and take none of the doubt away.
    np.testing.assert_array_equal(left_by(both, [(10, 10), (10, 10)]), 1.0)
    # 30 reads of one allele: but for what either haplotype may have lost.
    left = left_by(both, [(30, 0), (30, 0)])
    np.testing.assert_allclose(left, 0.1, rtol=0.2)
    assert (left_by(both * 2, [(30, 0)] * 4) < 0.02).all()
    # Nobody carries the second haplotypes.
    left = left_by([first] * 3, [(30, 0)] * 3)
    assert (left[:, 0] < 0.01).all()
    assert (left[:, 1] > 0.7).all()
    # Where reads may be of anything they confirm less.
    assert (
        left_by(both * 2, [(30, 0)] * 4, 0.05) > left_by(both * 2, [(30, 0)] * 4)
    ).all()


def test_many_sites_are_as_each_by_itself():
    rng = np.random.default_rng(5)
    reads = rng.integers(0, [12, 3], (500, 2))
    each = [call_confirmation.likelihoods(embryo_of([one], 0.01))[0] for one in reads]
    together = call_confirmation.likelihoods(embryo_of(reads, 0.01))
    np.testing.assert_allclose(together, each, rtol=1e-6)


def test_it_is_stored_and_applied(tmp_path):
    sites = Sites(np.array([100, 200]), np.array(["A", "C"]), np.array(["G", "T"]))
    left = np.array([[[0.1, 0.5], [0.2, 1.0]], [[0.3, 0.0], [0.4, 0.25]]], np.float32)
    path = tmp_path / "confirmed.npz"
    confirmed_calls.save(path, confirmed_calls.Confirmed(sites, left))
    stored = confirmed_calls.load(path)
    wanted = Sites(
        np.array([50, 100, 100, 200]),
        np.array(["A", "A", "A", "C"]),
        np.array(["G", "C", "G", "T"]),
    )
    rows, there = confirmed_calls.at_sites(wanted, stored)
    assert rows.tolist() == [2, 3]
    np.testing.assert_array_equal(there, left)
    share = np.array([[1e-3, 2e-3], [0.999, 1.0]])
    found = confirmed_calls.sharpened(share, there[0])
    np.testing.assert_allclose(found, [[1e-4, 4e-4], [0.9995, 1.0]], rtol=1e-6)
