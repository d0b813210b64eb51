"""Parents of few reads: who is one, and what the panel adds to the likelihoods."""

from __future__ import annotations

import numpy as np
import pytest

from morula import low_pass
from morula.panel_bits import PanelBits
from morula.parental_alleles import Sites

N_SITES, N_PANEL = 1200, 60


class World:
    """A panel of mosaics of ten haplotypes, and a parent that copies two of it."""

    def __init__(self, depth: float, seed: int = 3) -> None:
        rng = np.random.default_rng(seed)
        ancestors = rng.random((N_SITES, 10)) < rng.beta(0.6, 0.9, (N_SITES, 1))
        turns = rng.random((N_SITES, N_PANEL + 2)) < 0.01
        source = rng.integers(0, 10, turns.shape)
        for s in range(1, N_SITES):
            source[s] = np.where(turns[s], source[s], source[s - 1])
        both = np.take_along_axis(ancestors, source, axis=1).astype(np.uint8)
        text = np.full(N_SITES, "A")
        sites = Sites(np.arange(1, N_SITES + 1), text, text)
        packed = np.packbits(both[:, 2:], axis=1)
        self.panel = PanelBits(sites, text, packed, N_PANEL)
        self.place = np.cumsum(np.full(N_SITES, 1e-4))
        self.copies = both[:, :2].sum(axis=1)
        n = rng.poisson(depth, N_SITES)
        shown = np.array([0.005, 0.5, 0.995])
        n_alt = rng.binomial(n, shown[self.copies])[:, None]
        ln = n_alt * np.log(shown) + (n[:, None] - n_alt) * np.log(1 - shown)
        self.likelihoods = np.exp(ln - ln.max(axis=1, keepdims=True))


@pytest.mark.parametrize(("depth", "expected"), [(1, True), (4, True), (30, False)])
def test_few_reads_are_told_by_the_doubt(depth, expected):
    world = World(depth)
    found = low_pass.is_low_pass(world.likelihoods, world.panel.frequency(), 10)
    assert found is expected


def test_an_array_is_not_refined():
    world = World(30)
    world.likelihoods[np.arange(N_SITES) % 10 > 0] = 1.0
    assert not low_pass.is_low_pass(world.likelihoods, world.panel.frequency(), 10)


def test_the_panel_tells_what_the_reads_do_not():
    world = World(1.0)
    rng = np.random.default_rng(1)
    found = low_pass.genotypes(world.panel, world.place, world.likelihoods, rng)
    right = (found.argmax(axis=1) == world.copies).mean()
    by_reads = (world.likelihoods.argmax(axis=1) == world.copies).mean()
    assert right > 0.92
    assert right > by_reads + 0.1


def test_pl_gives_the_posterior_back_with_its_prior():
    posterior = np.array([[0.1, 0.9, 0.0], [0.02, 0.95, 0.03], [0.999, 0.001, 0.0]])
    frequency = np.array([0.5, 0.01, 0.2])
    shown = [cell.split(":") for cell in low_pass.cells(posterior, frequency)]
    assert [cell[0] for cell in shown] == ["0/1", "0/1", "0/0"]
    assert [cell[2] for cell in shown] == ["10", "13", "30"]
    pl = np.array([[int(x) for x in cell[1].split(",")] for cell in shown])
    q = frequency[:, None]
    prior = np.hstack([(1 - q) ** 2, 2 * q * (1 - q), q**2])
    again = 10.0 ** (-0.1 * pl) * prior
    again /= again.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(again, posterior, atol=0.02)
