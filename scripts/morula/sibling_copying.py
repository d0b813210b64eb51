"""Four unknown haplotypes, of both absent parents of siblings, in their right places.

The parents' haplotypes are copied from the panel (morula.donor_copying), each given the
others. A stretch over which a mother's and a father's haplotype changed places fits
the embryos that carry both: only those that carry one of them, and how well each goes
on copying the panel, tell. Exchange mends that after each sweep.

# METHOD: the odds of going on as each other are taken at every step as if it were the
# only one (exact, the copied haplotypes summed out), and a chain over the steps draws
# where the two stand in each other's place. So it is exact for one exchange, nearly so
# for exchanges further apart than the panel's haplotypes are copied.

Shapes: L informative sites, M steps, N haplotypes of the panel, K copied ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from morula import copying, order_kernels, state_choice
from morula import sibling_swap_kernels as kernels
from morula.donor_copying import HOW, Donor
from morula.embryo_kernels import Embryo
from morula.family_chain import State
from morula.order_kernels import Floats
from morula.panel_bits import PanelBits

# Hets, and the common sites between them, tell what is copied.
LEAST_FREQUENCY = 0.05


class Exchange:
    """Mends the places of the haplotypes of a mother and a father, both absent."""

    def __init__(
        self,
        donors: tuple[Donor, Donor],
        panel: PanelBits,
        place_cm: Floats,
        embryos: Sequence[Embryo],
        rng: np.random.Generator,
    ) -> None:
        """donors: of mother and father; panel: at the sites; place_cm: (L,)."""
        self._donors, self._panel, self._place = donors, panel, place_cm
        self._rng = rng
        frequency = panel.frequency()
        rarer = np.minimum(frequency, 1.0 - frequency)
        self._common, self._varies = rarer >= LEAST_FREQUENCY, rarer > 0.0
        self._priors = [one.share_prior for one in embryos]
        with np.errstate(divide="ignore"):
            stays = [np.maximum(np.log(one.stay), -1e3) for one in embryos]
        self._ln_stay = [np.cumsum(one) for one in stays]
        self._seen = [np.flatnonzero(one.has_reads) for one in embryos]

    def join(self, state: State) -> None:
        """Nothing: the donors put their priors."""

    def redraw(self, state: State) -> None:
        """Redraw the places of each of the mother's haplotypes and each of the
        father's."""
        for pair in self._rng.permutation(4):
            self._pair(state, int(pair) >> 1, int(pair) & 1)

    def _pair(self, state: State, a: int, b: int) -> None:
        """Exchange the mother's haplotype a and the father's b where that fits."""
        orders = np.empty(len(self._place), dtype=np.uint8)
        room = np.empty((len(self._place), 16), dtype=np.float32)
        order_kernels.draw_orders(state.weights, self._rng, orders, room)
        carried = np.stack([orders >> (3 - a) & 1, orders >> (1 - b) & 1])
        is_het = carried[0] != carried[1]
        rows = np.flatnonzero((self._common | is_het) & self._varies)
        if not len(rows):
            return
        middle = (self._place[rows[1:]] + self._place[rows[:-1]]) / 2.0
        starts = np.append(0, np.searchsorted(self._place, middle)).astype(np.int64)
        starts = np.maximum(starts, np.append(0, rows[:-1] + 1))
        ln_odds = self._crossing(rows, carried)
        for i, prior in enumerate(self._priors):
            kernels.add_amplicons(
                self._seen[i],
                state.vectors[i],
                state.grid[i],
                self._ln_stay[i],
                prior,
                2 * a + b,
                starts,
                ln_odds,
            )
        ln_told = np.empty(len(self._place))
        known = state.prior, state.ln_evidence, state.has_reads, state.vectors
        kernels.told(*known, orders, a, b, ln_told)
        turned = np.empty(len(rows), dtype=np.uint8)
        kernels.draw(ln_odds, ln_told[rows], self._rng, turned)
        sizes = np.diff(starts, append=len(self._place))
        self._settle(state, a, b, np.repeat(turned, sizes).astype(bool))

    def _crossing(self, rows: NDArray[np.int64], carried: NDArray[np.uint8]) -> Floats:
        """ln odds (M,) of the two haplotypes, carried (2, L), going on as each other
        from each of `rows`, by the panel; in windows, which bound the memory."""
        found = np.zeros(len(rows))
        for core, whole in copying.windows(self._place, HOW.core_cm, HOW.buffer_cm):
            first, last = np.searchsorted(rows, [whole.start, whole.stop])
            inner = slice(*np.searchsorted(rows, [core.start, core.stop]))
            here = rows[first:last]
            if inner.start == inner.stop:
                continue
            alleles = self._panel[whole]
            if alleles.shape[1] > HOW.max_states:
                own = np.ascontiguousarray(carried[:, whole].T)
                chosen = state_choice.choose(alleles, own, HOW.max_states)
                alleles = np.ascontiguousarray(alleles[:, chosen])
            room = np.empty((2, len(here), alleles.shape[1]), dtype=np.float32)
            ln_odds = np.empty(len(here))
            kernels.crossing(
                alleles,
                here - whole.start,
                copying.recombination(self._place[here], self._panel.n_haplotypes),
                np.ascontiguousarray(carried[:, here]),
                HOW.swap_error,
                room,
                ln_odds,
            )
            found[inner] = ln_odds[inner.start - first : inner.stop - first]
        return found

    def _settle(self, state: State, a: int, b: int, turned: NDArray[np.bool_]) -> None:
        """Exchange the two haplotypes at the sites `turned`, (L,), and the shares of
        the embryos that carry both."""
        if not turned.any():
            return
        mother, father = self._donors
        mother.exchange(state, a, father, b, turned)
        for i, prior in enumerate(self._priors):
            kernels.turn_shares(
                turned,
                2 * a + b,
                len(prior) - 1,
                i,
                state.has_reads,
                state.vectors,
                state.grid,
                state.evidence,
                state.ln_evidence,
            )
        reads = state.has_reads, state.ln_evidence, state.vectors
        kernels.weigh(state.prior, *reads, state.weights)
