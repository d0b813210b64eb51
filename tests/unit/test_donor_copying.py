"""A donor's haplotypes, copied from the panel within the sampler of its embryos."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from morula import donor_copying
from morula.donor_copying import DOUBT, Donor
from morula.family_sampling import Schedule
from morula.panel_bits import PanelBits
from morula.parental_alleles import Sites

N_SITES, N_PANEL = 400, 30


@pytest.fixture(scope="module")
def world():
    """A panel of 30 haplotypes; the donor has its numbers 3 and 17."""
    rng = np.random.default_rng(1)
    alleles = (rng.random((N_SITES, N_PANEL)) < rng.beta(1, 1, (N_SITES, 1))).astype(
        np.uint8
    )
    alleles[7] = 0
    text = np.full(N_SITES, "A")
    sites = Sites(np.arange(1, N_SITES + 1), text, text)
    panel = PanelBits(sites, text, np.packbits(alleles, axis=1), N_PANEL)
    frequency = (alleles.sum(axis=1) + 0.5) / (N_PANEL + 1)
    one = np.stack([1 - frequency, frequency], axis=1)
    orders = (one[:, :, None] * one[:, None, :]).reshape(-1, 4)
    return SimpleNamespace(
        panel=panel,
        alleles=alleles,
        orders=orders,
        place=np.cumsum(np.full(N_SITES, 1e-4)),
        truth=2 * alleles[:, 3] + alleles[:, 17],
    )


def state_of(world, parent, shown):
    """A state in which the embryos show the donor's true order at the sites `shown`;
    the other parent is known to have order 1."""
    donor = np.log(world.orders)
    other = np.log(np.where(np.arange(4) == 1, 0.97, 0.01))
    both = [donor[:, :, None], other[None, None, :]]
    if parent == 1:
        both = [other[None, :, None], donor[:, None, :]]
    prior = (both[0] + both[1]).reshape(-1, 16)
    weights = prior.copy().reshape(-1, 4, 4)
    for s in np.flatnonzero(shown):
        for order in range(4):
            lost = 0.0 if order == world.truth[s] else 6.0
            if parent == 0:
                weights[s, order] -= lost
            else:
                weights[s, :, order] -= lost
    return SimpleNamespace(prior=prior, weights=weights.reshape(-1, 16))


def donor_orders(prior, parent):
    """P(order of the donor), (L, 4), by the prior of both."""
    both = np.exp(prior).reshape(-1, 4, 4)
    own = both.sum(axis=2 if parent == 0 else 1)
    return own / own.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("parent", [0, 1])
def test_sites_without_reads_are_told_by_what_is_copied(world, parent):
    rng = np.random.default_rng(2)
    shown = rng.random(N_SITES) < 0.3
    state = state_of(world, parent, shown)
    ln_evidence = state.weights - state.prior
    donor = Donor(parent, world.panel, world.place, world.orders, rng)
    for _ in range(6):
        donor.redraw(state)
    found = donor_orders(state.prior, parent)
    hidden = ~shown
    hidden[7] = False
    assert (found.argmax(axis=1) == world.truth)[hidden].mean() > 0.95
    # What the embryos show stays what it was: the prior alone has changed.
    np.testing.assert_allclose(state.weights - state.prior, ln_evidence, atol=1e-9)


def test_a_site_that_the_panel_lacks_keeps_its_prior(world):
    rng = np.random.default_rng(3)
    state = state_of(world, 1, np.zeros(N_SITES, dtype=bool))
    Donor(1, world.panel, world.place, world.orders, rng).redraw(state)
    found = donor_orders(state.prior, 1)
    np.testing.assert_allclose(found[7], world.orders[7], rtol=1e-9)
    varied = found[world.alleles.any(axis=1)]
    assert (varied.max(axis=1) >= (1 - DOUBT) ** 2).all()


def test_the_panel_at_other_sites(world):
    sites = Sites(np.array([3, 9999]), np.array(["A", "A"]), np.array(["A", "A"]))
    found = donor_copying.at_sites(world.panel, sites)
    np.testing.assert_array_equal(found[:][0], world.alleles[2])
    assert not found[:][1].any()


def test_a_donor_has_sweeps_enough_whatever_changes():
    found = donor_copying.schedule(Schedule(3, 60, 0.002, 100))
    assert (found.burn_in, found.max_sweeps, found.tolerance) == (10, 24, 0.0)
    assert donor_copying.schedule(Schedule(30, 8, 0.002, 9)).max_sweeps == 8


def test_a_fresh_state_takes_over_what_was_learnt(world):
    rng = np.random.default_rng(4)
    state = state_of(world, 0, np.ones(N_SITES, dtype=bool))
    donor = Donor(0, world.panel, world.place, world.orders, rng)
    donor.redraw(state)
    fresh = state_of(world, 0, np.zeros(N_SITES, dtype=bool))
    donor.join(fresh)
    np.testing.assert_allclose(fresh.prior, state.prior, atol=1e-9)
    np.testing.assert_allclose(fresh.weights, fresh.prior, atol=1e-9)
