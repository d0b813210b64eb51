"""Which haplotypes of their unknown parents siblings carry, and whether they are any.

Siblings share two, one or none of their haplotypes at a place, and change this only
where one of their parents' gametes crossed over. A chain over all siblings' inheritance
vectors (Lander and Green 1987, doi:10.1073/pnas.84.8.2363), on what reads and panel
tell of each by itself, finds them without any haplotype known: the start that a sampler
of four unknown haplotypes needs (morula.family_sampling).

Which parent is called the mother, and which haplotype of either is the first, is
arbitrary, but the same along a chromosome.

Shapes: L sites of the panel, S of them chosen, E embryos.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from morula import sibling_kernels
from morula.embryo_qc import STRANGER
from morula.genetic_map import haldane
from morula.order_kernels import Floats
from morula.parental_alleles import hardy_weinberg

# METHOD: the chain takes its sites as unlinked in the population, and what is told of
# an embryo was told by linkage: so it looks at one site in as many bp, a common one,
# and each has that part of its weight. Of three couples' siblings at 0.1x, 1x and 4x
# .955 of what they share is then right; .878 with full weight, .861 in 10 kb.
SPACING_BP = 40_000
WEIGHT = 0.6
LEAST_FREQUENCY = 0.05
# So many siblings are looked at together (4^n states); each of the others follows given
# those before.
TOGETHER = 5
# No genotype is impossible.
LEAST = 1e-3


@dataclass(frozen=True)
class Shown:
    """What is told of each embryo by itself at S chosen sites.

    rows: (S,), of the panel's sites; frequency: (S,), of ALT; recombination: (2, S), of
    mother and father in the step that ends at the site; likelihood: (S, E, 4), by
    genotype 2 m + f.
    """

    rows: NDArray[np.int64]
    frequency: Floats
    recombination: Floats
    likelihood: Floats

    def vectors(self, members: NDArray[np.int64]) -> NDArray[np.uint8]:
        """The most probable vectors 2 a + b, uint8 (len(members), S), of embryos that
        are siblings of each other."""
        found = np.empty((len(members), len(self.rows)), dtype=np.uint8)
        first = members[:TOGETHER]
        likelihood = np.ascontiguousarray(self.likelihood[:, first])
        ln = np.empty((len(self.rows), 4 ** len(first)))
        sibling_kernels.emissions(likelihood, self.frequency, ln)
        r = self.recombination
        sibling_kernels.best_path(WEIGHT * ln, r, found[: len(first)])
        for place in range(len(first), len(members)):
            ln = self._given(members[place], members[:place], found[:place])
            sibling_kernels.best_path(ln, r, found[place : place + 1])
        return found

    def _given(
        self, one: np.int64, others: NDArray[np.int64], vectors: NDArray[np.uint8]
    ) -> Floats:
        """Weighted ln P(what an embryo shows | its vector, the others' vectors),
        (S, 4)."""
        ln = np.empty((len(self.rows), 4))
        sibling_kernels.given_others(
            np.ascontiguousarray(self.likelihood[:, others]),
            self.frequency,
            vectors,
            np.ascontiguousarray(self.likelihood[:, one]),
            ln,
        )
        return WEIGHT * ln

    def ln_odds(self, one: int, members: NDArray[np.int64]) -> float:
        """ln odds of an embryo as a sibling of the other members against a stranger."""
        others = members[members != one]
        ln = self._given(np.int64(one), others, self.vectors(others))
        related = sibling_kernels.ln_probability(ln, self.recombination)
        expected = hardy_weinberg(self.frequency)
        stranger = np.log((self.likelihood[:, one] * expected).sum(axis=1)).sum()
        return float(related - WEIGHT * stranger)


def shown(
    genotypes: Floats, frequency: Floats, pos_bp: NDArray[np.int64], cm: Floats
) -> Shown:
    """What is told by genotypes, (E, L, 3), P(0, 1, 2 ALT copies) of each embryo by
    itself; frequency: (L,); cm: (2, L), of mother and father."""
    p = np.clip(frequency, LEAST_FREQUENCY / 10, 1.0 - LEAST_FREQUENCY / 10)
    none, one, other, two = hardy_weinberg(p).T
    expected = np.stack([none, one + other, two], axis=1)
    ratio = np.maximum(genotypes, LEAST) / expected
    told = (genotypes * np.log(ratio)).sum(axis=2).sum(axis=0)
    told[np.minimum(frequency, 1.0 - frequency) < LEAST_FREQUENCY] = 0.0
    # Of each piece the site that tells most.
    piece = pos_bp // SPACING_BP
    order = np.lexsort((-told, piece))
    rows = order[np.diff(piece[order], prepend=-1) > 0]
    rows = rows[told[rows] > 0.0] if (told > 0.0).any() else rows[:1]
    ratio = ratio[:, rows] / ratio[:, rows].max(axis=2, keepdims=True)
    likelihood = np.ascontiguousarray(ratio.swapaxes(0, 1)[:, :, [0, 1, 1, 2]])
    steps = [haldane(np.diff(one[rows], prepend=one[rows[0]])) for one in cm]
    return Shown(rows, p[rows], np.stack(steps), likelihood)


@dataclass(frozen=True)
class Sibship:
    """vectors: uint8 (E, S), at rows (S,) of the panel's sites, 0 of a stranger;
    ln_odds: (E,), of a sibling of the others against a stranger; is_stranger: (E,),
    those left out, who are never all."""

    rows: NDArray[np.int64]
    vectors: NDArray[np.uint8]
    ln_odds: Floats
    is_stranger: NDArray[np.bool_]

    def vectors_at(
        self, panel_bp: NDArray[np.int64], pos_bp: NDArray[np.int64]
    ) -> NDArray[np.uint8]:
        """Vectors (E, N) at pos_bp, those of the nearest of `rows` in panel_bp (L,)."""
        known = panel_bp[self.rows]
        middle = (known[1:] + known[:-1]) / 2.0
        near = self.vectors[:, np.searchsorted(middle, pos_bp)]
        return np.ascontiguousarray(near)


def sibship(told: Shown) -> Sibship:
    """Vectors of all embryos that are siblings of each other.

    The worst stranger is left out before the rest are looked at again: beside one the
    others look worse than they are. The last one stays: its reads spoil nobody's.
    """
    n_embryos = told.likelihood.shape[1]
    ln_odds = np.zeros(n_embryos)
    members = np.arange(n_embryos)
    while len(members) > 1:
        found = [told.ln_odds(int(i), members) for i in members]
        ln_odds[members] = found
        worst = int(np.argmin(found))
        if found[worst] >= STRANGER:
            break
        members = np.delete(members, worst)
    vectors = np.zeros((n_embryos, len(told.rows)), dtype=np.uint8)
    vectors[members] = told.vectors(members)
    is_stranger = np.ones(n_embryos, dtype=bool)
    is_stranger[members] = False
    return Sibship(told.rows, vectors, ln_odds, is_stranger)
