"""The two haplotypes of an absent parent, copied from the panel, within the sampler of
its embryos (morula.family_chain).

Given what the embryos carry and the known parent's haplotypes, their reads tell of the
orders of the absent parent's alleles; given the haplotypes that it copies, the panel
tells its alleles to the embryos. A round of either follows the other, so that all
embryos of a donor inform its two haplotypes, and these all embryos.

Shapes: L informative sites, N haplotypes of the panel.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from morula import copying
from morula.copying import Copying, Evidence, Window
from morula.family_chain import State
from morula.family_sampling import Schedule
from morula.joint_posterior import BLOCK
from morula.panel_bits import PanelBits
from morula.parental_alleles import Sites

Floats = NDArray[np.float64]
HOW = Copying(core_cm=2.0)
# METHOD: while the embryos are redrawn this share of the donor's alleles is taken to be
# drawn from the panel, not copied; a smaller one (copying itself has 1e-4) pins an
# embryo to what was drawn for it before.
DOUBT = 0.02

# A donor's haplotypes are drawn, not summed out: so many sweeps at least.
BURN_IN, SWEEPS = 10, 24


def schedule(usual: Schedule) -> Schedule:
    """The sweeps of a family with a donor: never fewer, whatever changes."""
    sweeps = max(min(usual.max_sweeps, SWEEPS), BLOCK)
    return Schedule(max(usual.burn_in, BURN_IN), sweeps, 0.0, usual.samples)


def at_sites(panel: PanelBits, sites: Sites) -> PanelBits:
    """The panel at `sites`; where it lacks one, nobody carries ALT."""
    place = panel.sites.places(sites)
    bits = panel.bits[np.maximum(place, 0)]
    bits[place < 0] = 0
    return PanelBits(sites, np.full(len(place), "."), bits, panel.n_haplotypes)


class Donor:
    """The absent parent, 0 mother or 1 father, and its haplotypes as they stand."""

    def __init__(
        self,
        parent: int,
        panel: PanelBits,
        place_cm: Floats,
        orders: Floats,
        rng: np.random.Generator,
    ) -> None:
        """panel: at the informative sites; place_cm: (L,); orders: (L, 4), P(order) of
        the parent as the sampler has it at first."""
        self._parent, self._panel, self._place, self._rng = parent, panel, place_cm, rng
        self._first = np.log(np.maximum(orders, 1e-12))
        self._ln_prior = self._first
        count = panel.frequency() * panel.n_haplotypes
        self._frequency = (count + 0.5) / (panel.n_haplotypes + 1.0)
        self._in_panel = np.asarray(panel.bits.any(axis=1), dtype=bool)
        self._cut = copying.windows(place_cm, HOW.core_cm, HOW.buffer_cm)
        self._alleles: NDArray[np.uint8] | None = None

    def redraw(self, state: State) -> None:
        """Redraw the copied haplotypes; the prior of the orders in `state` follows."""
        evidence = self._evidence(state.weights)
        found = np.empty((len(self._place), 2), dtype=np.uint8)
        for core, whole in self._cut:
            window = Window(
                self._panel[whole],
                self._place[whole],
                evidence.at(whole),
                self._panel.n_haplotypes,
                HOW,
                self._rng,
            )
            before = None if self._alleles is None else self._alleles[whole]
            drawn = window.redraw(before)
            found[core] = drawn[core.start - whole.start : core.stop - whole.start]
        self._alleles = found
        self._tell(state, found)

    def _evidence(self, weights: Floats) -> Evidence:
        """What the embryos show of the orders; weights: (L, 16), see State."""
        both = weights.reshape(-1, 4, 4)
        ln = logsumexp(both, axis=2 if self._parent == 0 else 1) - self._ln_prior
        likelihood = np.exp(ln - ln.max(axis=1, keepdims=True))[:, :, None]
        return Evidence(likelihood, np.ones(1), np.ones(len(likelihood)))

    def _tell(self, state: State, alleles: NDArray[np.uint8]) -> None:
        """Put the prior that follows from the copied alleles, (L, 2), in the place of
        the one before."""
        alt = (1.0 - DOUBT) * alleles + DOUBT * self._frequency[:, None]
        one = np.stack([1.0 - alt, alt], axis=2)
        orders = (one[:, 0, :, None] * one[:, 1, None, :]).reshape(-1, 4)
        now = np.where(self._in_panel.reshape(-1, 1), np.log(orders), self._first)
        self._add(state, now - self._ln_prior)
        self._ln_prior = now

    def exchange(
        self,
        state: State,
        own: int,
        other: Donor,
        theirs: int,
        turned: NDArray[np.bool_],
    ) -> None:
        """Exchange the haplotype `own` with another donor's one, `theirs`, at the sites
        `turned`, (L,); the priors in `state` follow. Raises ValueError before the first
        redraw of both."""
        if self._alleles is None or other._alleles is None:
            raise ValueError("no haplotypes to exchange; redraw both donors first")
        held = self._alleles[turned, own]
        self._alleles[turned, own] = other._alleles[turned, theirs]
        other._alleles[turned, theirs] = held
        self._tell(state, self._alleles)
        other._tell(state, other._alleles)

    def join(self, state: State) -> None:
        """Put the prior as it stands into a fresh state."""
        self._add(state, self._ln_prior - self._first)

    def _add(self, state: State, change: Floats) -> None:
        """Add a change of ln P(order), (L, 4), to the prior of both parents' orders."""
        if self._parent == 0:
            both = np.repeat(change, 4, axis=1)
        else:
            both = np.tile(change, (1, 4))
        state.prior += both
        state.weights += both
