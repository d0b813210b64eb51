"""A mother's and a father's haplotype that stand in each other's place are found: each
kernel against enumeration, and the whole on a family."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import numpy as np
import pytest

from morula import copying
from morula import sibling_swap_kernels as kernels
from morula.donor_copying import Donor
from morula.order_kernels import GENOTYPES
from morula.panel_bits import PanelBits
from morula.parental_alleles import Sites
from morula.sibling_copying import Exchange

ERROR = 1e-2


def copied(alleles, rec, carried):
    """P(a haplotype's alleles), the copied ones summed out."""
    n = alleles.shape[1]
    now = np.full(n, 1 / n)
    for m, allele in enumerate(carried):
        if m:
            now = (1 - rec[m]) * now + rec[m] * now.sum() / n
        now = now * np.where(alleles[m] == allele, 1 - ERROR, ERROR)
    return now.sum()


def test_crossing_is_the_ratio_of_both_ways():
    rng = np.random.default_rng(1)
    alleles = rng.integers(0, 2, (7, 5)).astype(np.uint8)
    rec = rng.uniform(0.05, 0.5, 7)
    carried = rng.integers(0, 2, (2, 7)).astype(np.uint8)
    found, room = np.empty(7), np.empty((2, 7, 5), dtype=np.float32)
    kernels.crossing(alleles, np.arange(7), rec, carried, ERROR, room, found)
    assert found[0] == 0.0
    for m in range(1, 7):
        turned = [np.append(carried[i, :m], carried[1 - i, m:]) for i in range(2)]
        keep, turn = (
            copied(alleles, rec, one) * copied(alleles, rec, two)
            for one, two in (carried, turned)
        )
        assert found[m] == pytest.approx(np.log(turn / keep), abs=1e-4)


def test_places_are_drawn_by_their_weights():
    rng = np.random.default_rng(2)
    ln_odds, ln_told = rng.normal(-1, 1, 4), rng.normal(0, 1, 4)
    ln_odds[0] = 0.0
    weights = {}
    for places in itertools.product((0, 1), repeat=4):
        changes = np.diff(places, prepend=places[0]) != 0
        weights[places] = np.exp(ln_odds[changes].sum() + ln_told @ places)
    counts = dict.fromkeys(weights, 0)
    out, n_draws = np.empty(4, dtype=np.uint8), 40_000
    for _ in range(n_draws):
        kernels.draw(ln_odds, ln_told, rng, out)
        counts[tuple(out.tolist())] += 1
    total = sum(weights.values())
    for places, weight in weights.items():
        expected = weight / total
        spread = np.sqrt(expected * (1 - expected) / n_draws)
        assert abs(counts[places] / n_draws - expected) < 5 * spread


@pytest.mark.parametrize(("a", "b"), [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_what_reads_tell_of_places(a, b):
    rng = np.random.default_rng(3)
    n_sites = 40
    prior = np.log(rng.dirichlet(np.ones(16), n_sites))
    ln_evidence = np.log(rng.random((3, n_sites, 4))).astype(np.float32)
    has_reads = rng.random((3, n_sites)) < 0.7
    vectors = rng.integers(0, 4, (3, n_sites)).astype(np.uint8)
    orders = rng.integers(0, 16, n_sites).astype(np.uint8)
    found = np.empty(n_sites)
    reads = ln_evidence, has_reads, vectors
    kernels.told(prior, *reads, orders, a, b, found)
    own, others = (3 - a, 1 - b), (2 + a, b)
    for s in range(n_sites):
        now = [int(orders[s]) >> bit & 1 for bit in own]
        total = [0.0, 0.0]
        for alleles in itertools.product((0, 1), repeat=2):
            known = sum(x << bit for x, bit in zip(alleles, others, strict=True))
            for turned in range(2):
                mine = now[::-1] if turned else now
                full = known + sum(x << bit for x, bit in zip(mine, own, strict=True))
                stands = known + sum(x << bit for x, bit in zip(now, own, strict=True))
                ln = prior[s, stands]
                for i in np.flatnonzero(has_reads[:, s]):
                    if vectors[i, s] != 2 * a + b:
                        ln += ln_evidence[i, s, GENOTYPES[vectors[i, s], full]]
                total[turned] += np.exp(ln)
        expected = np.log(total[1] / total[0])
        assert found[s] == pytest.approx(expected, abs=1e-5)


def test_an_amplicon_goes_on_with_its_share():
    """The share of 0 that goes on as 0 is against a change of places between; its
    opposite is for it; one half tells nothing."""
    prior = np.array([0.25, 0.5, 0.25])
    seen, starts = np.array([0, 10, 20, 30]), np.array([0, 5, 15, 25, 35])
    vectors = np.zeros(40, dtype=np.uint8)
    vectors[30:] = 1
    grid = np.full(40, 255, dtype=np.uint8)
    grid[seen] = [0, 0, 2, 2]
    ln_odds = np.zeros(5)
    ln_stay = -0.01 * np.arange(40)
    kernels.add_amplicons(seen, vectors, grid, ln_stay, prior, 0, starts, ln_odds)
    stay = np.exp(-0.1)
    expected = np.log((1 - stay) * 0.25 / ((1 - stay) * 0.25 + stay))
    # Behind the last site with reads, and where the vector changes, nothing is told.
    np.testing.assert_allclose(ln_odds, [0, expected, -expected, 0, 0], rtol=1e-9)
    half = np.zeros(5)
    grid[seen] = 1
    kernels.add_amplicons(seen, vectors, grid, ln_stay, prior, 0, starts, half)
    np.testing.assert_allclose(half, 0.0, atol=1e-12)


N_SITES, N_PANEL = 600, 40


def family_state(rng, alleles, places):
    """Two siblings that carry (0, 0) and (0, 1) of founders `alleles` (4, L): M0, M1,
    F0, F1; the second and the share of the first tell M0 and F0 apart where they have
    reads. places: bool (L,), where M0 and F0 are held to be in each other's place."""
    held = alleles.copy()
    held[0, places], held[2, places] = alleles[2, places], alleles[0, places]
    vectors = np.array([np.zeros(N_SITES), np.ones(N_SITES)], dtype=np.uint8)
    evidence = np.full((2, N_SITES, 4), 1.0, dtype=np.float32)
    has_reads = rng.random((2, N_SITES)) < 0.4
    for i, (one, two) in enumerate(((0, 2), (0, 3))):
        genotype = 2 * alleles[one] + alleles[two]
        same = np.array([0, 1, 1, 2])
        for s in np.flatnonzero(has_reads[i]):
            fits = same == same[genotype[s]]
            evidence[i, s] = np.where(fits, 1.0, 0.05)
    prior = np.full((N_SITES, 16), np.log(1 / 16))
    grid = np.where(has_reads, 1, 255).astype(np.uint8)
    state = SimpleNamespace(
        prior=prior,
        weights=prior.copy(),
        vectors=vectors,
        has_reads=has_reads,
        evidence=evidence,
        ln_evidence=np.log(evidence),
        grid=grid,
    )
    return state, held


def test_a_stretch_in_the_wrong_place_is_mended():
    rng = np.random.default_rng(4)
    ancestors = rng.random((N_SITES, N_PANEL)) < rng.uniform(0.2, 0.8, (N_SITES, 1))
    panel_alleles = ancestors.astype(np.uint8)
    text = np.full(N_SITES, "A")
    sites = Sites(np.arange(1, N_SITES + 1), text, text)
    panel = PanelBits(sites, text, np.packbits(panel_alleles, axis=1), N_PANEL)
    founders = panel_alleles[:, [1, 8, 20, 33]].T.copy()
    places = np.zeros(N_SITES, dtype=bool)
    places[200:400] = True
    state, held = family_state(rng, founders, places)
    place_cm = np.cumsum(np.full(N_SITES, 1e-4))
    quarter = np.full((N_SITES, 4), 0.25)
    donors = tuple(Donor(side, panel, place_cm, quarter, rng) for side in range(2))
    for side, donor in enumerate(donors):
        donor._alleles = np.ascontiguousarray(held[2 * side : 2 * side + 2].T)
        donor._tell(state, donor._alleles)
    embryo = SimpleNamespace(
        share_prior=np.array([0.1, 0.8, 0.1]), stay=np.full(N_SITES, 0.9)
    )
    embryos = [
        SimpleNamespace(**vars(embryo), has_reads=state.has_reads[i]) for i in range(2)
    ]
    kernels.weigh(
        state.prior, state.has_reads, state.ln_evidence, state.vectors, state.weights
    )
    exchange = Exchange(donors, panel, place_cm, embryos, rng)
    for _ in range(3):
        exchange.redraw(state)
    mended = donors[0]._alleles[:, 0]
    wrong = (mended != founders[0])[founders[0] != founders[2]].mean()
    assert wrong < 0.02
    # What stands of the weights is what prior and evidence make.
    weights = np.empty_like(state.weights)
    kernels.weigh(
        state.prior, state.has_reads, state.ln_evidence, state.vectors, weights
    )
    np.testing.assert_allclose(state.weights, weights, atol=1e-6)


def test_an_exchange_before_the_first_redraw_is_a_defect():
    text, bits = np.array(["A"]), np.zeros((1, 1), dtype=np.uint8)
    panel = PanelBits(Sites(np.array([1]), text, text), text, bits, 4)
    known = np.zeros(1), np.full((1, 4), 0.25), np.random.default_rng(1)
    donors = [Donor(side, panel, *known) for side in range(2)]
    with pytest.raises(ValueError, match="redraw both"):
        donors[0].exchange(None, 0, donors[1], 0, np.ones(1, dtype=bool))


def test_recombination_of_the_panel():
    found = copying.recombination(np.array([1.0, 1.0, 1.5]), 500)
    np.testing.assert_allclose(found, [0.0, 0.0, 1 - np.exp(-4.0)])
