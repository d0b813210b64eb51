"""The embryos of a family together: joint posterior of a chromosome, by Gibbs sampling.

Hidden at every site: for each embryo which maternal (a) and which paternal haplotype
(b) it carries and the local maternal share of its template (x, on a grid); for each
parent the alleles of its two haplotypes (one of four orders) and, between sites,
whether the phase estimate switches. A switch turns a (or b) of all embryos over
together, a crossover that of one. Derivation: docs/methods.md.

A sweep draws in turn, each from its exact conditional distribution:
1. for each embryo its whole path (a, b, x), given the switches and what the other
   embryos say of the parents' orders (summed out, not drawn);
2. for each parent and group of embryos all their a (or b) and all switches at once,
   given the paths of the other parent and of x, the orders summed out again.
The first treats reads of one amplicon as they are: dependent. The second moves a switch
of the phase in all embryos together, which no step of a single embryo could.

Shapes: L sites (informative ones), E embryos, K grid points of x, V = 4 inheritance
vectors, G = 4 ordered genotypes, S joint samples.
    vector v = 2 * a + b      genotype g = 2 * m + f      orders 4 * mother's + father's
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from morula import embryo_kernels as kernels
from morula import group_kernels, order_kernels, orientation_kernels, path_kernels
from morula.embryo_kernels import Embryo as Embryo
from morula.embryo_kernels import Pass, Turns
from morula.group_kernels import Group, Side
from morula.joint_posterior import Draws, Sums
from morula.order_kernels import Floats

# METHOD: up to seven embryos are one group, taken exactly (2^7 states). Larger families
# are cut into groups of nearly equal size, each with one state bit more for the rest as
# it stands: so time is linear in the number of embryos.
GROUP = 7
# Likelihoods of all embryos are kept between sweeps where they fit in this.
KEPT_BYTES = 1_500_000_000
LEAST = 1e-12
# A grid point that no site has.
NOWHERE = 255


@dataclass(frozen=True)
class Family:
    """The parents at the informative sites. orders: (2, L, 4), prior of each order;
    recombination, switch: (2, L), of the step that ends at the site."""

    orders: Floats
    recombination: Floats
    switch: Floats

    def ln_prior(self) -> Floats:
        """ln of the prior of both parents' orders, (L, 16)."""
        mother, father = np.log(np.maximum(self.orders, LEAST))
        both = mother[:, :, None] + father[:, None, :]
        return np.asarray(both.reshape(-1, 16))

    def turns(self, switches: NDArray[np.uint8]) -> Turns:
        """P(turn) of a and b given the switches (2, L)."""
        one, other = np.where(switches, 1.0 - self.recombination, self.recombination)
        return Turns(one, other)

    def blind_turns(self) -> Turns:
        """P(turn) of a and b while nothing is known of the switches."""
        r, w = self.recombination, self.switch
        one, other = r * (1.0 - w) + (1.0 - r) * w
        return Turns(one, other)


class State:
    """What a sweep changes: vectors and grid points (E, L) of the embryos and the
    likelihood of their reads by genotype (E, L, G), over its largest, and its ln;
    switches (2, L) and the probability with which each was drawn; the ln weights
    (L, 16) of the parents' orders that follow from them."""

    def __init__(self, family: Family, embryos: Sequence[Embryo]) -> None:
        n_sites = family.orders.shape[1]
        self.has_reads = np.stack([one.has_reads for one in embryos])
        self.vectors = np.zeros((len(embryos), n_sites), dtype=np.uint8)
        self.grid = np.full_like(self.vectors, NOWHERE)
        self.evidence = np.ones((len(embryos), n_sites, 4), dtype=np.float32)
        self.ln_evidence = np.zeros_like(self.evidence)
        self.switches = np.zeros((2, n_sites), dtype=np.uint8)
        self.switch_share = np.zeros((2, n_sites))
        self.prior = family.ln_prior()
        self.weights = self.prior.copy()

    def family(self) -> group_kernels.Family:
        """What the kernels of the phase need of the embryos."""
        return group_kernels.Family(
            self.has_reads, self.evidence, self.ln_evidence, self.vectors
        )


class Sampler:
    """Gibbs sampler of one family and chromosome."""

    def __init__(
        self, family: Family, embryos: Sequence[Embryo], rng: np.random.Generator
    ) -> None:
        self.family, self.embryos, self.rng = family, embryos, rng
        # What follows each sweep: redraws the prior of the parents' orders.
        self.follow: list[Callable[[State], None]] = []
        self._held: NDArray[np.uint8] | None = None
        n_sites = family.orders.shape[1]
        self._shares = [
            (kernels.padded(one.share_prior), kernels.padded(one.shares))
            for one in embryos
        ]
        grids = [len(shares) for shares, _ in self._shares]
        self.state = State(family, embryos)
        self._keeps = 16 * n_sites * sum(grids) <= KEPT_BYTES
        self._rows = [
            np.zeros((n_sites, 4 * grid), dtype=np.float32)
            for grid in (grids if self._keeps else [max(grids)])
        ]
        if self._keeps:
            for one, rows in zip(embryos, self._rows, strict=True):
                kernels.likelihoods(one, rows)
        self._filtered = {
            grid: np.empty((n_sites, 4, grid), dtype=np.float32) for grid in set(grids)
        }
        self._totals = np.empty((n_sites, 4), dtype=np.float32)
        self._priors = np.empty((n_sites, 16), dtype=np.float32)
        self._path = np.empty((2, n_sites), dtype=np.uint8)
        n_bits = orientation_kernels.bits_of(min(GROUP, len(embryos)))
        n_bits += len(embryos) > GROUP
        # Room of the phase's chains: none is larger than that of a first group.
        self._oriented = np.empty(n_sites << n_bits, dtype=np.float32)

    def hold(self, vectors: NDArray[np.uint8] | None) -> None:
        """Hold the embryos' vectors, uint8 (E, L), as they are from now on: a sweep
        redraws all else; None: no longer."""
        self._held = vectors
        if vectors is not None:
            self.state.vectors[:] = vectors

    def embryo(self, i: int, turns: Turns, sums: Sums | None = None) -> None:
        """Redraw embryo i, the orders summed out; adds its posterior to `sums`."""
        one, state = self.embryos[i], self.state
        order_kernels.priors_without(
            state.weights,
            i,
            state.has_reads,
            state.ln_evidence,
            state.vectors,
            self._priors,
        )
        if self._held is not None:
            order_kernels.hold(self._held[i], self._priors)
        chain = self._filter(i, turns)
        if sums is not None:
            into = (sums.vectors[i], sums.genotypes[i], sums.share[i])
            kernels.smooth(one, turns, chain, *into)
        path_kernels.sample_path(one, turns, chain, self.rng, self._path)
        order_kernels.settle(
            state.weights,
            i,
            state.has_reads,
            chain.rows,
            self._path,
            state.evidence,
            state.ln_evidence,
            state.vectors,
            state.grid,
        )

    def _filter(self, i: int, turns: Turns) -> Pass:
        """Forward pass of embryo i with the genotype priors that stand."""
        shares = self._shares[i]
        grid = len(shares[0])
        rows = self._rows[i if self._keeps else 0][:, : 4 * grid]
        if not self._keeps:
            rows[:] = 0.0
            kernels.likelihoods(self.embryos[i], rows)
        filtered = self._filtered[grid]
        chain = Pass(rows, self._priors, *shares, filtered, self._totals)
        bad = kernels.forward(self.embryos[i], turns, chain)
        if bad >= 0:
            raise ValueError(f"embryo {i} is impossible at site {bad} (from 0)")
        return chain

    def draw(self, turns: Turns, places: NDArray[np.int64], draws: Draws) -> None:
        """Joint samples for `places`.

        Given the switches and the orders, which are drawn here, the embryos are
        independent: any number of paths of each belong together.
        """
        orders = np.empty(len(self.state.weights), dtype=np.uint8)
        order_kernels.draw_orders(self.state.weights, self.rng, orders, self._priors)
        for i, one in enumerate(self.embryos):
            chain = self._filter(i, turns)
            haplotype = draws.haplotype[:, i]
            path_kernels.sample_haplotypes(
                one, turns, chain, self.rng, places, haplotype
            )
        open_sites = order_kernels.open_sites(self.state.weights)
        for place in places:
            own = self._redrawn(open_sites, orders, draws.haplotype[:, :, place])
            for parent in range(2):
                draws.put_alleles(place, parent, own)
        draws.put_switches(places, self.state.switches)

    def _redrawn(
        self,
        sites: NDArray[np.int64],
        orders: NDArray[np.uint8],
        haplotype: NDArray[np.uint8],
    ) -> NDArray[np.uint8]:
        """The orders (L,) for one joint sample of haplotypes (2, E, ceil(L / 8)), drawn
        anew at those of `sites` where the haplotypes of all embryos with reads are
        those that stand.

        METHOD: a doubtful het of a parent is an error that all its embryos share. With
        one draw of the orders for all samples of a sweep, the few sweeps of a well
        covered family would hold that doubt in four draws. Given the haplotypes, the
        orders of different sites are independent, with the weights that stand.
        """
        state, n_sites = self.state, len(orders)
        bits = np.unpackbits(haplotype, axis=2, count=n_sites)[:, :, sites]
        stands = 2 * bits[0] + bits[1] == state.vectors[:, sites]
        free = sites[(stands | ~state.has_reads[:, sites]).all(axis=0)]
        again = np.empty(len(free), dtype=np.uint8)
        room = np.empty((len(free), 16), dtype=np.float32)
        order_kernels.draw_orders(state.weights[free], self.rng, again, room)
        own = orders.copy()
        own[free] = again
        return own

    def parent(self, parent: int) -> None:
        """Redraw the switches of a parent's phase and, group by group, which of its
        haplotypes the embryos carry."""
        everyone = self.rng.permutation(len(self.embryos))
        for members in np.array_split(everyone, -(-len(everyone) // GROUP)):
            self.group(parent, members)

    def group(self, parent: int, members: NDArray[np.int64]) -> None:
        """Redraw a parent's switches together with what `members` carry of it."""
        state, family = self.state, self.family
        group = Group(members, np.setdiff1d(np.arange(len(self.embryos)), members))
        n_bits = orientation_kernels.bits_of(len(members)) + (len(group.others) > 0)
        side = Side(
            parent == 1,
            family.recombination[parent],
            family.switch[parent],
            state.prior,
            state.weights,
        )
        n_states = 1 << n_bits
        filtered = self._oriented[: n_states * len(side.switch)].reshape(-1, n_states)
        embryos, switches = state.family(), state.switches[parent]
        bad = orientation_kernels.filter_forward(
            side, group, embryos, switches, filtered
        )
        if bad >= 0:
            raise ValueError(f"the family is impossible at site {bad} (from 0)")
        shares = state.switch_share[parent]
        orientation_kernels.draw_backward(
            side, group, embryos, filtered, self.rng, switches, shares
        )

    def begin(self) -> None:
        """A first state: the embryos with most reads without knowledge of the phase's
        switches, and these from them; the others given the switches.

        METHOD: embryos that all started blind would each take a switch for a crossover
        of its own, and later groups could not undo that for the rest of the family.
        """
        reads = [one.reads.sum() for one in self.embryos]
        order = np.argsort(reads, kind="stable")[::-1]
        first, rest = order[:GROUP], order[GROUP:]
        for i in first:
            self.embryo(int(i), self.family.blind_turns())
        for parent in range(2):
            self.group(parent, first)
        turns = self.family.turns(self.state.switches)
        for i in rest:
            self.embryo(int(i), turns)

    def burn(self) -> float:
        """A sweep that does not count; returns the share of the vectors that it
        changed."""
        before = self.state.vectors.copy()
        self.sweep(None, None, 0)
        return float((self.state.vectors != before).mean())

    def sweep(self, sums: Sums | None, draws: Draws | None, number: int) -> None:
        """Redraw everything once; number: of the kept sweep, for `draws`."""
        turns = self.family.turns(self.state.switches)
        for i in self.rng.permutation(len(self.embryos)):
            self.embryo(int(i), turns, sums)
        if draws is not None:
            places = draws.places(number, self.rng)
            if len(places):
                self.draw(turns, places, draws)
        for parent in range(2 if self._held is None else 0):
            self.parent(parent)
        for redraw in self.follow:
            redraw(self.state)
        if sums is not None:
            sums.n += 1
            order_kernels.add_orders(self.state.weights, sums.orders)
            sums.switch += self.state.switch_share
