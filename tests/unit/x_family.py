"""A couple and their embryos on X, drawn with the truth.

Sites: PAR1, the own part, PAR2. Shapes: L sites. A person's haplotypes are (L, 2); a
father has the same X twice in the own part.
"""

from __future__ import annotations

import numpy as np

from morula.family_sites import FamilySites
from morula.parental_alleles import Parent, Sites, absent_parent
from morula.x_map import unlinked
from morula.x_parent import donor_of_one_x

N_SITES = 3000
OWN = slice(500, 2700)


def known_parent(haplotypes: np.ndarray, error: float = 1e-3) -> Parent:
    """A parent of certain genotypes and phase."""
    n = len(haplotypes)
    orders = np.full((n, 4), error / 3)
    is_het = haplotypes[:, 0] != haplotypes[:, 1]
    orders[np.arange(n), 2 * haplotypes[:, 0] + haplotypes[:, 1]] = 1 - error
    dosage = haplotypes.sum(axis=1).astype(float)
    return Parent(orders, np.zeros(n), is_het, dosage)


class XFamily:
    """pos_bp (L,), is_single (L,), mother, father (L, 2); `family` for the chain."""

    def __init__(
        self, seed: int, knows_father: bool = True, spacing: float = 1
    ) -> None:
        self.rng = np.random.default_rng(seed)
        steps = (self.rng.integers(500, 3000, N_SITES) * spacing).astype(np.int64)
        self.pos_bp = np.cumsum(steps)
        self.is_single = np.zeros(N_SITES, dtype=bool)
        self.is_single[OWN] = True
        self.frequency = self.rng.beta(1, 1, N_SITES).clip(0.02, 0.98)
        draws = self.rng.random((2, N_SITES, 2)) < self.frequency[None, :, None]
        self.mother, self.father = draws.astype(np.int8)
        self.father[OWN, 1] = self.father[OWN, 0]
        self.gap_cm = np.diff(self.pos_bp, prepend=self.pos_bp[0]) * 1e-6
        cm = np.cumsum(self.gap_cm)
        male_gaps = np.where(self.is_single, 0.0, self.gap_cm)
        male = unlinked(np.cumsum(male_gaps), self.is_single)
        father = known_parent(self.father)
        if knows_father:
            father.orders[OWN, 1:3] = 0
            father.orders[OWN] /= father.orders[OWN].sum(axis=1, keepdims=True)
        else:
            donor = absent_parent(self.frequency)
            father = donor_of_one_x(donor, self.is_single, self.frequency)
        letters = np.array(["A"] * N_SITES), np.array(["C"] * N_SITES)
        self.family = FamilySites(
            Sites(self.pos_bp, *letters),
            self.frequency,
            np.stack([cm, male]),
            (known_parent(self.mother), father),
            (True, knows_father),
            self.is_single,
        )

    def embryo(self, mothers: int, fathers: int, par_fathers: int, depth: float):
        """Alleles (L, 2) of the first maternal and the paternal copy, and counts
        (L, 2), of an embryo with so many copies of each parent's X, in the PARs one of
        the mother's for each and par_fathers of the father's."""
        rng = self.rng
        turns = rng.random(N_SITES) < 0.5 * -np.expm1(-self.gap_cm / 50)
        a = (np.cumsum(turns) + rng.integers(2)) % 2
        row = np.arange(N_SITES)
        of_mother = self.mother[row, a]
        other = self.mother[row, 1 - a]
        b = rng.integers(2)
        of_father = self.father[:, b]
        n_fathers = np.where(self.is_single, fathers, par_fathers)
        copies = [(of_mother, np.ones(N_SITES)), (other, np.full(N_SITES, mothers - 1))]
        copies = copies[: max(mothers, 0)] if mothers else []
        copies.append((of_father, n_fathers))
        counts = np.zeros((N_SITES, 2))
        for alleles, number in copies:
            amount = self.template() * number * depth / 2
            reads = rng.poisson(amount)
            wrong = rng.binomial(reads, 0.002)
            alt = np.where(alleles == 1, reads - wrong, wrong)
            counts += np.stack([reads - alt, alt], axis=1)
        return np.stack([of_mother, of_father], axis=1), counts

    def template(self) -> np.ndarray:
        """Amount of one copy at the sites: amplicons of 10 kb, 15 % lost."""
        n = int(self.pos_bp[-1] / 8_000) + 50
        ends = np.cumsum(self.rng.exponential(10_000, n))
        block = np.searchsorted(ends, self.pos_bp - self.pos_bp[0])
        amount = self.rng.gamma(2.0, 0.5, n + 1)
        amount[self.rng.random(n + 1) < 0.15] = 0
        return np.asarray(amount[block])
