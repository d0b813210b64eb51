"""What an embryo inherited at a site by everything but its own reads there.

Shapes: L sites of the family, N of them that are looked at (`rows`), E embryos. Vectors
v = 2 a + b, genotypes g = 2 m + f; a pair of the parents' orders is 4 M + F, see
morula.order_kernels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from morula.embryo_posterior import FamilyPosterior
from morula.family_sites import FamilySites, between, is_informative
from morula.order_kernels import GENOTYPES

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
# METHOD: gene conversions are some hundred bp long (Williams et al. 2015
# doi:10.7554/eLife.04637). The haplotype that an embryo carries is therefore told from
# beyond this distance on both sides: there it is the same with and without one, even
# where the chain took a conversion for two crossovers; and from the third het there, so
# that others tell of it, too.
FLANK_BP = 5000
FLANK_HETS = 3
# Where both parents are homozygous for the same allele, fewer reads of the other one
# contradict nothing.
LEAST_READS = 2
# Beyond the first and last het of a parent nothing bounds a stretch of his phase.
UNBOUNDED = 0.5
LEAST = 1e-300


def rows_to_judge(family: FamilySites, reads: Sequence[Floats]) -> Rows:
    """Rows, (N,), of the informative sites, and of those where both parents have one
    allele and an embryo's reads, (L, 2) each, show another; of the first site where
    there is none."""
    alt = sum(parent.alleles.sum(axis=1) for parent in family.parents)
    unexpected = np.where(np.asarray(alt) > 2.0, 0, 1)
    chosen = is_informative(family)
    for one in reads:
        chosen |= one[np.arange(len(one)), unexpected] >= LEAST_READS
    rows = np.flatnonzero(chosen)
    return rows if len(rows) else np.zeros(1, dtype=np.int64)


def hets_of(family: FamilySites, side: int) -> Rows:
    """Rows where mother (0) or father (1) is probably het."""
    orders = family.parents[side].orders
    return np.flatnonzero(orders[:, 1] + orders[:, 2] > 0.5)


def flank_vectors(
    family: FamilySites, rows: Rows, posterior: FamilyPosterior, embryo: int
) -> tuple[Floats, Floats]:
    """P(vector) by both flanks of the sites `rows`, (N, 4), rows sum to one; and how
    far the flanks may disagree on a side, (2, N): all, where one is missing."""
    pos_bp, known = family.sites.pos_bp, posterior.sites.pos_bp
    vectors = posterior.vectors[embryo].astype(np.float64)
    sides, doubt = [], []
    for side, second in enumerate(([2, 3], [1, 3])):
        hets = pos_bp[hets_of(family, side)]
        left = np.searchsorted(hets, pos_bp[rows] - FLANK_BP, "right") - FLANK_HETS
        right = np.searchsorted(hets, pos_bp[rows] + FLANK_BP) + FLANK_HETS - 1
        is_there = (left >= 0) & (right < len(hets))
        share = vectors[np.searchsorted(known, hets)][:, second].sum(axis=1)
        both = np.zeros((2, len(rows)))
        one, other = share[left[is_there]], share[right[is_there]]
        both[:, is_there] = (1.0 - one) * (1.0 - other), one * other
        doubt.append(np.clip(1.0 - both.sum(axis=0), 0.0, 1.0))
        # Where they disagree either haplotype is as likely.
        sides.append(both + 0.5 * doubt[-1])
    a, b = sides
    return np.stack([a[v >> 1] * b[v & 1] for v in range(4)], axis=1), np.stack(doubt)


def prior_pairs(family: FamilySites, rows: Rows) -> Floats:
    """P(pair of orders) by the parents' own data, (N, 16)."""
    mother, father = (parent.orders[rows] for parent in family.parents)
    return np.asarray((mother[:, :, None] * father[:, None, :]).reshape(-1, 16))


def ln_pairs(vectors: Floats, likelihood: Floats) -> Floats:
    """ln P(an embryo's reads | pair of orders), (N, 16), from its vectors (N, 4) and
    the likelihoods of its genotypes (N, 4)."""
    found = np.zeros((len(vectors), 16))
    for v in range(4):
        found += vectors[:, v, None] * likelihood[:, GENOTYPES[v]]
    return np.log(np.maximum(found, LEAST))


def posterior_pairs(prior: Floats, ln_others: Floats) -> Floats:
    """P(pair of orders | reads of the other embryos), (N, 16)."""
    weight = prior * np.exp(ln_others - ln_others.max(axis=1, keepdims=True))
    return np.asarray(weight / weight.sum(axis=1, keepdims=True))


def given_vectors(pairs: Floats) -> Floats:
    """P(genotype | vector), (N, V, G), from P(pair of orders)."""
    found = np.zeros((len(pairs), 4, 4))
    for v in range(4):
        for g in range(4):
            found[:, v, g] = pairs[:, GENOTYPES[v] == g].sum(axis=1)
    return found


def ln_turned(pairs: Floats, ln_others: Floats) -> Floats:
    """ln Bayes factor of the other embryos' reads for the other order of each parent's
    het, mother first, (2, N); 0 where he is homozygous."""
    rows = np.arange(len(pairs))
    best = pairs.argmax(axis=1)
    turned = []
    for shift in (2, 0):
        order = (best >> shift) & 3
        is_het = (order == 1) | (order == 2)
        other = np.where(is_het, best ^ (3 << shift), best)
        turned.append(ln_others[rows, other] - ln_others[rows, best])
    return np.stack(turned)


def switch_beside(family: FamilySites, rows: Rows) -> Floats:
    """P(a parent's phase estimate switches between his neighbouring het and the one at
    a row), [left, right] of mother and father: (2, 2, N), parents first; 0 where he is
    not het."""
    found = np.zeros((2, 2, len(rows)))
    for side, parent in enumerate(family.parents):
        hets = hets_of(family, side)
        if not len(hets):
            continue
        inner = between(parent.switch, hets)[1:]
        steps = np.concatenate([[UNBOUNDED], inner, [UNBOUNDED]])
        at = np.minimum(np.searchsorted(hets, rows), len(hets) - 1)
        is_het = hets[at] == rows
        found[side, 0] = np.where(is_het, steps[at], 0.0)
        found[side, 1] = np.where(is_het, steps[at + 1], 0.0)
    return found
