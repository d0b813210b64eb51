"""What siblings share: the chain over inheritance vectors against enumeration, and who
is a sibling of the others."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from morula import sibling_kernels, siblings
from morula.order_kernels import GENOTYPES

N_SITES, SPAN_BP = 4000, 40_000_000


def tiny_chain(n_siblings, n_sites, seed):
    """What is shown, frequencies and recombination of a tiny chromosome."""
    rng = np.random.default_rng(seed)
    shown = rng.random((n_sites, n_siblings, 4))
    frequency = rng.uniform(0.1, 0.9, n_sites)
    recombination = rng.uniform(0.05, 0.4, (2, n_sites))
    return shown, frequency, recombination


def emission_of(shown, frequency, vectors):
    """P(what a site shows | vectors), the parents' 16 orders summed out."""
    total = 0.0
    for orders in range(16):
        chance = 1.0
        for bit in range(4):
            chance *= frequency if orders >> bit & 1 else 1 - frequency
        for one, v in zip(shown, vectors, strict=True):
            chance *= one[GENOTYPES[v, orders]]
        total += chance
    return total


def turn_of(before, after, recombination):
    """P(one sibling's vector goes from `before` to `after`)."""
    found = 1.0
    for bit, r in ((2, recombination[0]), (1, recombination[1])):
        found *= r if (before ^ after) & bit else 1 - r
    return found


def every_path(shown, frequency, recombination):
    """P of each path of all siblings' vectors, by path."""
    n_sites, n = shown.shape[:2]
    states = list(itertools.product(range(4), repeat=n))
    found = {}
    for path in itertools.product(states, repeat=n_sites):
        chance = 1 / len(states)
        for s, vectors in enumerate(path):
            if s:
                for was, now in zip(path[s - 1], vectors, strict=True):
                    chance *= turn_of(was, now, recombination[:, s])
            chance *= emission_of(shown[s], frequency[s], vectors)
        found[path] = chance
    return found


@pytest.mark.parametrize(("n_siblings", "n_sites"), [(1, 4), (2, 3)])
def test_the_chain_is_that_of_all_paths(n_siblings, n_sites):
    shown, frequency, recombination = tiny_chain(n_siblings, n_sites, n_siblings)
    ln = np.empty((n_sites, 4**n_siblings))
    sibling_kernels.emissions(shown, frequency, ln)
    paths = every_path(shown, frequency, recombination)
    found = sibling_kernels.ln_probability(ln, recombination)
    assert found == pytest.approx(np.log(sum(paths.values())), rel=1e-12)
    vectors = np.empty((n_siblings, n_sites), dtype=np.uint8)
    sibling_kernels.best_path(ln, recombination, vectors)
    best = paths[tuple(map(tuple, vectors.T.tolist()))]
    assert best == pytest.approx(max(paths.values()), rel=1e-12)


def test_one_sibling_given_the_others():
    shown, frequency, _ = tiny_chain(3, 2, 5)
    vectors = np.array([[0, 3], [2, 1]], dtype=np.uint8)
    ln = np.empty((2, 4))
    sibling_kernels.given_others(shown[:, :2], frequency, vectors, shown[:, 2], ln)
    for s, v in itertools.product(range(2), range(4)):
        others = vectors[:, s].tolist()
        both = emission_of(shown[s], frequency[s], [*others, v])
        alone = emission_of(shown[s, :2], frequency[s], others)
        assert ln[s, v] == pytest.approx(np.log(both / alone), rel=1e-12)


class World:
    """Seven siblings and a stranger, whose genotypes are told with some doubt."""

    def __init__(self, seed=1):
        rng = np.random.default_rng(seed)
        self.pos_bp = np.sort(rng.choice(SPAN_BP, N_SITES, replace=False)) + 1
        self.frequency = rng.uniform(0.02, 0.98, N_SITES)
        self.cm = np.stack([self.pos_bp, 0.8 * self.pos_bp]) / 1e6
        parents = rng.random((6, N_SITES)) < self.frequency
        self.vectors = np.empty((7, N_SITES), dtype=np.uint8)
        genotypes = []
        for i in range(7):
            a, b = (self.gamete(rng, cm) for cm in self.cm)
            self.vectors[i] = 2 * a + b
            sites = np.arange(N_SITES)
            genotypes.append(parents[a, sites] + parents[2 + b, sites].astype(int))
        genotypes.append(parents[4] + parents[5].astype(int))
        self.told = np.stack([self.doubted(rng, one) for one in genotypes])

    @staticmethod
    def gamete(rng, cm):
        turns = rng.random(N_SITES) < np.diff(cm, prepend=cm[0]) / 100
        turns[0] = rng.random() < 0.5
        return np.cumsum(turns) % 2

    def doubted(self, rng, genotype):
        """P(0, 1, 2 ALT copies) of an embryo of which half of the sites are known, one
        in a hundred of them wrongly."""
        p = self.frequency
        found = np.stack([(1 - p) ** 2, 2 * p * (1 - p), p**2], axis=1)
        known = rng.random(N_SITES) < 1 / 2
        wrong = known & (rng.random(N_SITES) < 0.01)
        shown = np.where(wrong, rng.integers(0, 3, N_SITES), genotype)
        found[known] = 0.01
        found[known, shown[known]] = 0.98
        return found

    def shown(self, members):
        where = self.frequency, self.pos_bp, self.cm
        return siblings.shown(self.told[members], *where)


@pytest.fixture(scope="module")
def world():
    return World()


def shared(vectors):
    """Haplotypes that each pair of siblings shares, (pairs, L)."""
    pairs = itertools.combinations(vectors, 2)
    return np.array(
        [((one ^ two) < 2).astype(int) + ((one ^ two) & 1 == 0) for one, two in pairs]
    )


@pytest.mark.parametrize("n_siblings", [3, 4, 7])
def test_what_siblings_share(world, n_siblings):
    members = list(range(n_siblings))
    told = siblings.sibship(world.shown(members))
    assert not told.is_stranger.any()
    assert (told.ln_odds > 20).all()
    found = told.vectors_at(world.pos_bp, world.pos_bp)
    right = shared(found) == shared(world.vectors[members])
    assert right.mean() > 0.93


@pytest.mark.parametrize("place", [0, 2])
def test_a_stranger_among_siblings(world, place):
    members = [0, 1, 2, 3]
    members.insert(place, 7)
    told = siblings.sibship(world.shown(members))
    assert np.flatnonzero(told.is_stranger).tolist() == [place]
    assert (np.delete(told.ln_odds, place) > 20).all()
    found = np.delete(told.vectors_at(world.pos_bp, world.pos_bp), place, axis=0)
    assert (shared(found) == shared(world.vectors[:4])).mean() > 0.93


def test_two_strangers_share_nothing(world):
    told = siblings.sibship(world.shown([0, 7]))
    assert (told.ln_odds < 0).all()
    found = told.vectors_at(world.pos_bp, world.pos_bp)
    assert shared(found).mean() < 0.1
    # Who is left alone keeps its reads.
    assert told.is_stranger.sum() <= 1


def test_nothing_told_and_one_embryo(world):
    expected = np.stack(
        [
            (1 - world.frequency) ** 2,
            2 * world.frequency * (1 - world.frequency),
            world.frequency**2,
        ],
        axis=1,
    )
    where = world.frequency, world.pos_bp, world.cm
    told = siblings.sibship(siblings.shown(np.stack([expected, expected]), *where))
    np.testing.assert_allclose(told.ln_odds, 0.0, atol=1e-6)
    one = siblings.sibship(world.shown([3]))
    assert one.vectors.shape[0] == 1
    assert one.ln_odds.tolist() == [0.0]
