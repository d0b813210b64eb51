"""Haplotypes copied from a panel, against the sum over all paths, and on drawn data."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from morula import (
    copying,
    copying_kernels,
    inheritance,
    panel_bits,
    state_choice,
    swap_kernels,
)
from morula.copying import Copying, Evidence
from morula.panel_bits import PanelBits
from morula.parental_alleles import Sites


def chain(seed, n_sites=4, n_states=3, n_shares=2):
    """A small chain: alleles, rec, stay, share prior, emission, own."""
    rng = np.random.default_rng(seed)
    alleles = rng.integers(0, 2, (n_sites, n_states)).astype(np.uint8)
    prior = rng.dirichlet(np.ones(n_shares)).astype(np.float32)
    emission = rng.uniform(0.05, 1.0, (n_sites, n_shares, 2)).astype(np.float32)
    own = rng.uniform(0.0, 1.0, emission.shape).astype(np.float32)
    rec, stay = rng.uniform(0.05, 0.9, (2, n_sites))
    return alleles, rec, stay, prior, emission, own


def all_paths(alleles, rec, stay, prior, emission):
    """Every path of (share, state) with its joint probability."""
    n_sites, n_states = alleles.shape
    states = list(product(range(len(prior)), range(n_states)))
    for path in product(states, repeat=n_sites):
        weight = 1.0
        for m, (x, k) in enumerate(path):
            if m == 0:
                weight *= prior[x] / n_states
            else:
                y, j = path[m - 1]
                weight *= rec[m] / n_states + (1 - rec[m]) * (j == k)
                weight *= (1 - stay[m]) * prior[x] + stay[m] * (x == y)
            weight *= emission[m, x, alleles[m, k]]
        yield path, weight


@pytest.mark.parametrize("n_shares", [1, 2])
@pytest.mark.parametrize("seed", [1, 2])
def test_equals_the_sum_over_paths(seed, n_shares):
    alleles, rec, stay, prior, emission, own = chain(seed, n_shares=n_shares)
    n_sites, n_states = alleles.shape
    total, expected = 0.0, np.zeros(n_sites)
    for path, weight in all_paths(alleles, rec, stay, prior, emission):
        total += weight
        for m, (x, k) in enumerate(path):
            expected[m] += weight * own[m, x, alleles[m, k]]
    rows = np.arange(n_sites)
    filtered = np.empty((n_sites, n_shares, n_states), dtype=np.float32)
    ln = copying_kernels.forward(alleles, rows, rec, stay, prior, emission, filtered)
    assert ln == pytest.approx(np.log(total), abs=1e-5)
    found, place = np.empty(n_sites), np.arange(n_sites) * 1.0
    copying_kernels.smooth(
        alleles, rows, rec, stay, prior, emission, own, filtered, place, found
    )
    np.testing.assert_allclose(found, expected / total, atol=1e-5)


def test_paths_are_drawn_as_often_as_they_are_probable():
    alleles, rec, stay, prior, emission, _ = chain(3, n_sites=3, n_states=2)
    paths = list(all_paths(alleles, rec, stay, prior, emission))
    weights = np.array([weight for _, weight in paths])
    number = {path: i for i, (path, _) in enumerate(paths)}
    filtered = np.empty((3, 2, 2), dtype=np.float32)
    rows = np.arange(3)
    copying_kernels.forward(alleles, rows, rec, stay, prior, emission, filtered)
    rng, counts = np.random.default_rng(1), np.zeros(len(paths))
    states, shares = np.empty((2, 3), dtype=np.int64)
    n_draws = 20_000
    for _ in range(n_draws):
        copying_kernels.sample(filtered, rec, stay, prior, rng, states, shares)
        path = tuple(zip(shares.tolist(), states.tolist(), strict=True))
        counts[number[path]] += 1
    expected = n_draws * weights / weights.sum()
    chi2 = ((counts - expected) ** 2 / expected).sum()
    assert chi2 < len(paths) + 5 * np.sqrt(2 * len(paths))


def ln_of_haplotype(alleles, rec, carried, error):
    """ln P(alleles carried), the copied haplotypes summed out."""
    emission = np.where(np.array([0, 1]) == carried[:, None], 1 - error, error)
    filtered = np.empty((len(carried), 1, alleles.shape[1]), dtype=np.float32)
    return copying_kernels.forward(
        alleles,
        np.arange(len(carried)),
        rec,
        np.ones(len(carried)),
        np.ones(1, dtype=np.float32),
        emission[:, None, :].astype(np.float32),
        filtered,
    )


def test_the_order_of_two_hets_is_drawn_from_its_conditional():
    alleles, rec, *_ = chain(5, n_sites=5, n_states=6)
    start = np.array([[0, 1, 0, 1, 1], [0, 0, 0, 0, 1]], dtype=np.uint8)
    turned = start.copy()
    turned[:, 3:] = turned[::-1, 3:]
    ln = [
        sum(ln_of_haplotype(alleles, rec, one, 0.05) for one in both)
        for both in (start, turned)
    ]
    expected = 1.0 / (1.0 + np.exp(ln[0] - ln[1]))
    rng, n_draws, count = np.random.default_rng(2), 4000, 0
    room = np.empty((2, 5, 6), dtype=np.float32)
    for _ in range(n_draws):
        carried = start.copy()
        # Of two heterozygous sites only the order of the second against the first, and
        # the names of both, can change.
        swap_kernels.exchange(alleles, np.arange(5), rec, carried, 0.05, rng, room)
        count += (carried[0, 1] != start[0, 1]) != (carried[0, 3] != start[0, 3])
    assert count / n_draws == pytest.approx(expected, abs=0.03)


def mosaics(alleles, n, rate, rng):
    """n haplotypes that copy those of `alleles`; `rate`: of changes, at every site."""
    n_sites, n_panel = alleles.shape
    jumps = rng.random((n_sites, n)) < rate
    source = rng.integers(0, n_panel, (n_sites, n))
    for s in range(1, n_sites):
        source[s] = np.where(jumps[s], source[s], source[s - 1])
    return np.take_along_axis(alleles, source, axis=1)


class World:
    """A panel of mosaics, two haplotypes that copy it, and reads of them."""

    def __init__(
        self, depth, lost=0.0, seed=7, n_sites=1500, n_panel=40, n_ancestors=0
    ):
        rng = np.random.default_rng(seed)
        frequency = rng.beta(0.5, 1.0, (n_sites, 1))
        self.alleles = (rng.random((n_sites, n_panel)) < frequency).astype(np.uint8)
        if n_ancestors:
            self.alleles = mosaics(self.alleles[:, :n_ancestors], n_panel, 0.01, rng)
        self.place = np.cumsum(rng.exponential(4e-5, n_sites))
        self.truth = mosaics(self.alleles, 2, 0.004, rng)
        share = np.full(n_sites, 0.5)
        block = np.arange(n_sites) // 60
        dice = rng.random(block[-1] + 1)[block]
        share[dice < lost] = 1.0
        share[dice < lost / 2] = 0.0
        alt = share * self.truth[:, 0] + (1 - share) * self.truth[:, 1]
        n = rng.poisson(depth, n_sites)
        n_alt = rng.binomial(n, 0.995 * alt + 0.005 * (1 - alt))
        self.reads = np.stack([n - n_alt, n_alt], axis=1).astype(float)
        self.is_lost = dice < lost
        self.copies = self.truth.sum(axis=1)

    def unaware(self):
        t = np.array([0.005, 0.5, 0.995])
        ln = self.reads[:, :1] * np.log(1 - t) + self.reads[:, 1:] * np.log(t)
        return copying.of_likelihoods(np.exp(ln - ln.max(axis=1, keepdims=True)))

    def aware(self):
        shares = np.array([0.0, 0.5, 1.0])
        m, f = np.array([0, 0, 1, 1.0]), np.array([0, 1.0, 0, 1])
        template = shares * m[:, None] + (1 - shares) * f[:, None]
        prior = np.array([0.15, 0.7, 0.15])
        stay = np.full(len(self.reads), np.exp(-1 / 60))
        table = inheritance.read_table(template[None], *np.full((2, 1), 0.005))
        plain = np.zeros(len(stay), dtype=np.int64)
        return copying.of_reads(self.reads, table, plain, prior, stay, 1e-3)

    def impute(self, evidence, seed=1, **how):
        rng = np.random.default_rng(seed)
        return copying.impute(self.alleles, self.place, evidence, Copying(**how), rng)


def test_one_read_a_site_tells_the_genome():
    world = World(depth=1.0)
    found = world.impute(world.unaware())
    np.testing.assert_allclose(found.genotypes.sum(axis=1), 1.0)
    assert np.corrcoef(found.dosage, world.copies)[0, 1] ** 2 > 0.95
    sure = found.genotypes.max(axis=1) > 0.99
    assert sure.mean() > 0.8
    right = found.genotypes.argmax(axis=1) == world.copies
    assert right[sure].mean() > 0.99


def test_lost_alleles_are_not_taken_for_homozygotes():
    world = World(depth=4.0, lost=0.3)
    places = world.is_lost & (world.copies == 1)
    share_wrong = []
    for evidence in (world.unaware(), world.aware()):
        found = world.impute(evidence)
        sure = (found.genotypes.max(axis=1) > 0.99) & places
        wrong = found.genotypes.argmax(axis=1) != world.copies
        share_wrong.append((wrong & sure).sum() / places.sum())
    assert share_wrong[1] < 0.05
    assert share_wrong[0] > 5 * share_wrong[1] + 0.1


def test_windows_cover_all_and_keep_the_phase():
    world = World(depth=20.0)
    cut = copying.windows(world.place, 0.02, 0.005)
    assert len(cut) > 2
    assert np.concatenate([np.arange(1500)[core] for core, _ in cut]).tolist() == list(
        range(1500)
    )
    for core, whole in cut:
        assert whole.start <= core.start < core.stop <= whole.stop
    found = world.impute(world.unaware(), core_cm=0.02, buffer_cm=0.005)
    hets = np.flatnonzero(world.copies == 1)
    for draw in found.haplotypes:
        order = draw[hets, 0] == world.truth[hets, 0]
        assert (np.diff(order.astype(int)) != 0).mean() < 0.02


def test_without_reads_the_panel_tells():
    world = World(depth=0.0)
    found = world.impute(world.unaware())
    np.testing.assert_allclose(found.dosage, 2 * world.alleles.mean(axis=1), atol=1e-3)


def test_same_seed_same_bytes():
    world = World(depth=0.5)
    first, second = (world.impute(world.aware(), seed=4) for _ in range(2))
    assert first.genotypes.tobytes() == second.genotypes.tobytes()
    assert first.haplotypes.tobytes() == second.haplotypes.tobytes()


def test_evidence_of_likelihoods_is_by_ordered_genotype():
    found = copying.of_likelihoods(np.array([[0.2, 0.4, 0.1]]))
    assert isinstance(found, Evidence)
    np.testing.assert_allclose(found.likelihood[0, :, 0], [0.5, 1.0, 1.0, 0.25])


def test_the_chosen_states_hold_those_that_are_copied():
    world = World(depth=1.0, n_panel=400)
    chosen = state_choice.choose(world.alleles, world.truth, 60)
    assert len(np.unique(chosen)) == 60
    # Long stretches of either haplotype are those of a chosen one.
    block = np.arange(len(world.place)) // 50
    for own in world.truth.T:
        same = world.alleles[:, chosen] == own[:, None]
        whole = [same[block == b].all(axis=0).any() for b in range(block[-1] + 1)]
        assert np.mean(whole) > 0.75


def test_a_large_panel_is_imputed_from_chosen_states():
    world = World(depth=1.0, n_panel=400, n_ancestors=30)
    every = world.impute(world.unaware())
    few = world.impute(world.unaware(), max_states=60)
    r2 = [np.corrcoef(one.dosage, world.copies)[0, 1] ** 2 for one in (every, few)]
    assert r2[1] > r2[0] - 0.03
    assert r2[1] > 0.9


def test_a_packed_panel_gives_the_same(tmp_path):
    world = World(depth=1.0, n_panel=42)
    n_sites = len(world.place)
    text = np.full(n_sites, "A")
    sites = Sites(np.arange(n_sites), text, text)
    packed = PanelBits(sites, text, np.packbits(world.alleles, axis=1), 42)
    panel_bits.save(tmp_path / "panel.npz", packed)
    world_alleles = world.alleles
    plain = world.impute(world.unaware())
    world.alleles = panel_bits.load(tmp_path / "panel.npz")
    assert world.alleles.shape == world_alleles.shape
    again = world.impute(world.unaware())
    assert again.genotypes.tobytes() == plain.genotypes.tobytes()
