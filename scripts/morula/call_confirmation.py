"""How far embryos' reads confirm that both parents are homozygous for one allele.

Such a site tells nothing of haplotypes and is not in the chain. What may be wrong in
the parents' calls (correct.genotype_error) is then doubt about every embryo, though
each has its own reads there.

Shapes: L sites of the family, M of them that are looked at (`rows`), E embryos. Orders
are relative to the parent's call: 1 haplotype 2 has the other allele, 2 haplotype 1, 3
both.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from morula import embryo_kernels, family_input
from morula.confirmed_calls import Confirmed
from morula.embryo_kernels import Embryo
from morula.embryo_posterior import FamilyPosterior
from morula.family_sites import FamilySites, is_informative
from morula.order_kernels import Floats

Rows = NDArray[np.int64]
# Less doubt about a haplotype is not worth a look.
LEAST_DOUBT = 1e-7
# Of a vector 2 a + b: those with the mother's, the father's second haplotype.
SECOND = ([2, 3], [1, 3])


def _relative(
    family: FamilySites, rows: Rows
) -> tuple[list[Floats], NDArray[np.bool_]]:
    """P(order) of mother and father relative to the allele that both have, (M, 4) each;
    and whether that is ALT, (M,)."""
    alt = sum(parent.alleles[rows].sum(axis=1) for parent in family.parents)
    is_alt = np.asarray(alt) > 2.0
    place = np.arange(4) ^ np.where(is_alt, 3, 0)[:, None]
    found = [
        np.take_along_axis(parent.orders[rows], place, axis=1)
        for parent in family.parents
    ]
    return found, is_alt


def rows_to_confirm(family: FamilySites) -> Rows:
    """Rows, (M,), of two copies where both known parents probably have one allele, and
    may yet have the other."""
    if not all(family.known):
        return np.zeros(0, dtype=np.int64)
    rows = np.flatnonzero(~is_informative(family) & ~family.is_single)
    orders, _ = _relative(family, rows)
    doubt = np.max([one[:, 1:].max(axis=1) for one in orders], axis=0)
    return rows[doubt > LEAST_DOUBT]


def likelihoods(embryo: Embryo) -> Floats:
    """P(reads | genotype 2 m + f) up to a factor, (M, 4), x summed out at each site by
    itself.

    Most sites have one of few pairs of counts: each is computed once.
    """
    reads = np.rint(embryo.reads).astype(np.int64)
    most = int(reads.max(initial=0)) + 1
    key = (embryo.site_class * most + reads[:, 0]) * most + reads[:, 1]
    _, first, same = np.unique(key, return_index=True, return_inverse=True)
    pairs = embryo._replace(
        reads=reads[first].astype(np.float64),
        has_reads=reads[first].sum(axis=1) > 0,
        site_class=embryo.site_class[first],
    )
    prior = embryo_kernels.padded(embryo.share_prior)
    rows = np.ones((len(first), 4 * len(prior)), dtype=np.float32)
    embryo_kernels.likelihoods(pairs, rows)
    found = rows.reshape(len(first), 4, len(prior)).astype(np.float64) @ prior
    return np.asarray(found[same])


def ln_bayes(
    vectors: Floats, likelihood: Floats, is_alt: NDArray[np.bool_], side: int
) -> Floats:
    """ln P(an embryo's reads | order of a side's parent) for orders 1, 2, 3, over that
    of the call, (3, M), the other parent as called; vectors, likelihood: (M, 4)."""
    row, called = np.arange(len(vectors)), np.where(is_alt, 3, 0)
    other = likelihood[row, called ^ (2 >> side)] / likelihood[row, called]
    second = vectors[:, SECOND[side]].sum(axis=1)
    carries = np.stack([second, 1.0 - second, np.ones(len(vectors))])
    return np.asarray(np.log1p(carries * (other - 1.0)))


def confirm(
    family: FamilySites,
    rows: Rows,
    posterior: FamilyPosterior,
    embryos: Sequence[Embryo],
) -> Confirmed:
    """What the reads of all embryos, given at `rows`, leave of the doubt.

    # METHOD: the reads only take doubt away. Where they speak for the other allele they
    # are listed as a contradiction (morula.overrides), since mismapped reads, which
    # look alike in all embryos, are as good an explanation as a parent's wrong call.
    """
    orders, is_alt = _relative(family, rows)
    informative = family_input.informative(family)
    at = family_input.nearest_row(informative, len(family.sites.pos_bp))[rows]
    ln = np.zeros((2, 3, len(rows)))
    for i, embryo in enumerate(embryos):
        vectors = posterior.vectors[i][at].astype(np.float64)
        likelihood = likelihoods(embryo)
        for side in range(2):
            ln[side] += ln_bayes(vectors, likelihood, is_alt, side)
    left = np.ones((2, 2, len(rows)))
    for side, prior in enumerate(orders):
        before = prior[:, 1:].T
        after = before * np.exp(np.minimum(ln[side], 0.0))
        for haplotype, has_other in enumerate(([1, 2], [0, 2])):
            doubt = before[has_other].sum(axis=0)
            kept = after[has_other].sum(axis=0)
            np.divide(kept, doubt, out=left[side, haplotype], where=doubt > 0.0)
    return Confirmed(family.sites.at(rows), left.astype(np.float32))
