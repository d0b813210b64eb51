"""Sweeps over the sites with reads alone: the same posterior as of all sites."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from morula import sparse_sweeps
from morula.family_chain import Sampler
from morula.family_sampling import sample_family
from morula.sparse_sweeps import SparseSweeps, draw_switches
from test_family_chain import NEVER, Schedule, assert_exact, tiny


def with_reads_at(embryos, rows):
    """The embryos with reads at `rows` alone."""
    changed = []
    for one in embryos:
        reads = np.zeros_like(one.reads)
        reads[rows] = one.reads[rows]
        reads[rows, 0] += 1.0
        changed.append(one._replace(reads=reads, has_reads=reads.sum(axis=1) > 0))
    return changed


class TestPosterior:
    @pytest.mark.parametrize("rows", [[1, 2], [0, 2], [1]])
    def test_against_enumeration(self, rows, monkeypatch):
        monkeypatch.setattr(sparse_sweeps, "MOST_SITES", 1.0)
        family, embryos = tiny(2, 31, n_sites=3)
        embryos = with_reads_at(embryos, rows)
        assert SparseSweeps(Sampler(family, embryos, np.random.default_rng(1))).sweeps
        assert_exact(family, embryos, seed=8)

    def test_same_seed_same_bytes(self):
        family, embryos = tiny(3, 32, n_sites=60)
        embryos = with_reads_at(embryos, [3, 20, 21, 50])
        runs = [
            sample_family(
                family, embryos, Schedule(2, 6, NEVER, 6), np.random.default_rng(seed)
            )
            for seed in (4, 4, 5)
        ]
        assert runs[0].genotypes.tobytes() == runs[1].genotypes.tobytes()
        assert runs[0].genotypes.tobytes() != runs[2].genotypes.tobytes()


class TestSchedule:
    def sweeps(self, n_sites, rows):
        family, embryos = tiny(2, 33, n_sites=n_sites)
        embryos = with_reads_at(embryos, rows)
        return SparseSweeps(Sampler(family, embryos, np.random.default_rng(1))).sweeps

    def test_as_many_as_cost_one_full_sweep(self):
        assert self.sweeps(60, np.arange(0, 60, 10)) == 9
        assert self.sweeps(300, [7]) == sparse_sweeps.MOST_SWEEPS

    def test_none_where_reads_are_many_or_none(self):
        assert self.sweeps(60, np.arange(0, 60, 2)) == 0
        family, embryos = tiny(2, 34, n_sites=20, depth=0.0)
        whole = Sampler(family, embryos, np.random.default_rng(1))
        sparse = SparseSweeps(whole)
        before = whole.state.weights.copy()
        sparse.advance()
        assert sparse.sweeps == 0
        np.testing.assert_array_equal(whole.state.weights, before)


class TestState:
    def test_parity_and_weights_follow(self):
        family, embryos = tiny(3, 35, n_sites=80)
        embryos = with_reads_at(embryos, [5, 30, 31, 70])
        whole = Sampler(family, embryos, np.random.default_rng(2))
        whole.begin()
        sparse = SparseSweeps(whole)
        sparse.advance()
        state, other = whole.state, sparse.sparse.state
        turned = np.bitwise_xor.accumulate(state.switches, axis=1)[:, sparse.rows]
        np.testing.assert_array_equal(
            turned[:, 1:] ^ turned[:, :-1], other.switches[:, 1:]
        )
        np.testing.assert_array_equal(state.weights[sparse.rows], other.weights)
        silent = np.setdiff1d(np.arange(80), sparse.rows)
        np.testing.assert_array_equal(state.weights[silent], state.prior[silent])


class TestDrawSwitches:
    def test_against_enumeration(self):
        switch = np.array([0.0, 0.3, 0.1, 0.45, 0.2, 0.35])
        rows, odd = np.array([1, 4]), np.array([0, 1], dtype=np.uint8)
        exact = np.zeros(6)
        total = 0.0
        for z in product((0, 1), repeat=5):
            if sum(z[1:4]) % 2 == 1:  # steps that end at sites 2 to 4
                p = np.prod(np.where(z, switch[1:], 1 - switch[1:]))
                exact[1:] += p * np.array(z)
                total += p
        n, rng = 40_000, np.random.default_rng(3)
        found = np.zeros(6)
        out = np.zeros(6, dtype=np.uint8)
        for _ in range(n):
            draw_switches(switch, rows, odd, rng, out)
            assert out[2:5].sum() % 2 == 1
            found += out
        np.testing.assert_allclose(found / n, exact / total, atol=5 * 0.5 / n**0.5)

    @pytest.mark.parametrize("odd", [0, 1])
    def test_certain_steps(self, odd):
        switch = np.array([0.0, 0.0, 0.0, 0.5, 0.0])
        out = np.zeros(5, dtype=np.uint8)
        rows, kinds = np.array([0, 4]), np.array([0, odd], dtype=np.uint8)
        draw_switches(switch, rows, kinds, np.random.default_rng(1), out)
        np.testing.assert_array_equal(out, [0, 0, 0, odd, 0])


def test_steps_between_rows():
    family, embryos = tiny(1, 36, n_sites=4)
    found = sparse_sweeps.family_at(family, np.array([0, 2, 3]))
    r = family.recombination
    np.testing.assert_allclose(
        found.recombination[:, 1], r[:, 1] * (1 - r[:, 2]) + (1 - r[:, 1]) * r[:, 2]
    )
    np.testing.assert_allclose(found.switch[:, 2], family.switch[:, 3])
    one = embryos[0]._replace(stay=np.array([1.0, 0.5, 0.4, 0.3]))
    found = sparse_sweeps.embryo_at(one, np.array([1, 2, 3]))
    np.testing.assert_allclose(found.stay[1:], [0.4, 0.3])
