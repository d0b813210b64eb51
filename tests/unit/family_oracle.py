"""The joint model of a family written out: every state of all embryos at every site.

An oracle for morula.family_chain that shares no code with it, for a few embryos and
sites. The joint state of a site is a tuple of (a, b, k) over the embryos; all sequences
of joint states are weighed one by one (one array axis a site).
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from morula.family_chain import Embryo, Family

ORDERS = ((0, 0), (0, 1), (1, 0), (1, 1))


@dataclass(frozen=True)
class Truth:
    """Marginals as in JointPosterior; second: (2, E, L), P(the second haplotype);
    alt: (2, E, L), P(ALT was inherited); crossover: (2, E, L), P(the embryo's haplotype
    turns otherwise than the phase does); alike: (2, E, E), P(two embryos carry the same
    haplotype at the last site)."""

    vectors: np.ndarray
    genotypes: np.ndarray
    share: np.ndarray
    orders: np.ndarray
    switch: np.ndarray
    second: np.ndarray
    alt: np.ndarray
    crossover: np.ndarray
    alike: np.ndarray


def read_likelihoods(one: Embryo, s: int) -> np.ndarray:
    """Likelihood (4, K) of an embryo's reads at a site by genotype and grid point."""
    n_shares = len(one.shares)
    if not one.has_reads[s]:
        return np.ones((4, n_shares))
    found = np.empty((4, n_shares))
    for g, k in itertools.product(range(4), range(n_shares)):
        ln_ref, ln_alt = one.ln_read[one.site_class[s], g, k]
        found[g, k] = math.exp(one.reads[s, 0] * ln_ref + one.reads[s, 1] * ln_alt)
    mean = (found @ one.share_prior).mean()
    return (1 - one.outlier) * found + one.outlier * mean


class Oracle:
    """All joint paths of `family` and `embryos`."""

    def __init__(self, family: Family, embryos: list[Embryo]) -> None:
        self.family, self.embryos = family, embryos
        self.n_sites = family.orders.shape[1]
        n_shares = len(embryos[0].shares)
        alone = list(itertools.product(range(2), range(2), range(n_shares)))
        self.states = list(itertools.product(alone, repeat=len(embryos)))
        self.joint = np.array(self.states)  # (J, E, 3)
        first = np.array(
            [
                math.prod(
                    0.25 * one.share_prior[state[i][2]] for i, one in enumerate(embryos)
                )
                for state in self.states
            ]
        )
        self.by_order = [self._by_order(s) for s in range(self.n_sites)]
        # One axis a site: the weight of every path.
        paths = first * self.by_order[0].sum(axis=1)
        for s in range(1, self.n_sites):
            emission = self.by_order[s].sum(axis=1)
            step = sum(
                self._step(s, *pair) for pair in itertools.product((0, 1), (0, 1))
            )
            paths = paths[..., None] * step * emission
        self.paths = paths / paths.sum()

    def _by_order(self, s: int) -> np.ndarray:
        """P(reads at s, parents' orders) for each joint state, (J, 16)."""
        likelihood = [read_likelihoods(one, s) for one in self.embryos]
        result = np.empty((len(self.states), 16))
        for j, state in enumerate(self.states):
            for mother, father in itertools.product(range(4), range(4)):
                p = self.family.orders[0, s, mother] * self.family.orders[1, s, father]
                for i, (a, b, k) in enumerate(state):
                    g = 2 * ORDERS[mother][a] + ORDERS[father][b]
                    p *= likelihood[i][g, k]
                result[j, 4 * mother + father] = p
        return result

    def _step(self, s: int, *switches: int) -> np.ndarray:
        """P(step into s, the two parents' phases switch or not), (J, J)."""
        before, after = self.joint[:, None], self.joint[None, :]
        result = np.ones((len(self.states), len(self.states)))
        for parent, is_switch in enumerate(switches):
            w = self.family.switch[parent, s]
            r = self.family.recombination[parent, s]
            turn = 1 - r if is_switch else r
            turned = before[..., parent] != after[..., parent]
            result *= w if is_switch else 1 - w
            result *= np.where(turned, turn, 1 - turn).prod(axis=2)
        for i, one in enumerate(self.embryos):
            x, y = before[..., i, 2], after[..., i, 2]
            fresh = (1 - one.stay[s]) * one.share_prior[y]
            result *= fresh + one.stay[s] * (x == y)
        return result

    def _site(self, s: int) -> np.ndarray:
        """Marginal of the joint state of a site, (J,)."""
        others = tuple(axis for axis in range(self.n_sites) if axis != s)
        return self.paths.sum(axis=others)

    def _pair(self, s: int) -> np.ndarray:
        """Marginal of the states of sites s - 1 and s, (J, J)."""
        others = tuple(axis for axis in range(self.n_sites) if axis not in (s - 1, s))
        return self.paths.sum(axis=others)

    def truth(self) -> Truth:
        """The marginals."""
        n, n_sites = len(self.embryos), self.n_sites
        vectors, genotypes = np.zeros((2, n, n_sites, 4))
        share, orders = np.zeros((n, n_sites)), np.zeros((2, n_sites, 4))
        for s in range(n_sites):
            gamma = self._site(s)
            both = gamma[:, None] * self.by_order[s]
            both /= self.by_order[s].sum(axis=1, keepdims=True)
            pairs = both.sum(axis=0).reshape(4, 4)
            orders[:, s] = pairs.sum(axis=1), pairs.sum(axis=0)
            for i, one in enumerate(self.embryos):
                a, b, k = self.joint[:, i].T
                np.add.at(vectors[i, s], 2 * a + b, gamma)
                share[i, s] = gamma @ one.shares[k]
                for mother, father in itertools.product(range(4), range(4)):
                    m = np.array(ORDERS[mother])[a]
                    f = np.array(ORDERS[father])[b]
                    column = both[:, 4 * mother + father]
                    np.add.at(genotypes[i, s], 2 * m + f, column)
        switch, crossover = self._steps()
        second = np.stack(
            [vectors[..., 2] + vectors[..., 3], vectors[..., 1::2].sum(-1)]
        )
        alt = np.stack(
            [genotypes[..., 2] + genotypes[..., 3], genotypes[..., 1::2].sum(-1)]
        )
        last = self._site(n_sites - 1)
        alike = np.empty((2, n, n))
        for parent, i, j in itertools.product(range(2), range(n), range(n)):
            same = self.joint[:, i, parent] == self.joint[:, j, parent]
            alike[parent, i, j] = last[same].sum()
        return Truth(
            vectors, genotypes, share, orders, switch, second, alt, crossover, alike
        )

    def _steps(self) -> tuple[np.ndarray, np.ndarray]:
        """P(switch), (2, L), and P(crossover), (2, E, L)."""
        n = len(self.embryos)
        switch = np.zeros((2, self.n_sites))
        crossover = np.zeros((2, n, self.n_sites))
        for s in range(1, self.n_sites):
            choices = list(itertools.product((0, 1), (0, 1)))
            parts = {pair: self._step(s, *pair) for pair in choices}
            pair = self._pair(s) / sum(parts.values())
            for chosen, part in parts.items():
                weight = pair * part
                for parent in range(2):
                    switch[parent, s] += weight.sum() * chosen[parent]
                    for i in range(n):
                        bit = self.joint[:, i, parent]
                        turned = (bit[:, None] != bit[None, :]).astype(int)
                        crossed = turned ^ chosen[parent]
                        crossover[parent, i, s] += (weight * crossed).sum()
        return switch, crossover
