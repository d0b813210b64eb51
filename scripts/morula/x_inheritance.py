"""Embryos on X: what a son's one copy changes in the chain of a family and in what it
finds.

At sites of which males have one copy a son's template is his mother's: the local
maternal share x is 1 whatever the grid point, and his paternal side carries nothing. A
father has one X to pass on there, his haplotype 1. Shapes: L sites, N informative ones,
E embryos, S joint samples.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from morula import segments
from morula.amplification import Amplification
from morula.family_chain import Embryo
from morula.family_sites import FamilySites
from morula.joint_posterior import JointPosterior
from morula.polished_phase import Bits
from morula.segments import Segment

Rows = NDArray[np.bool_]


def with_sons(
    embryos: Sequence[Embryo],
    learnt: Sequence[Amplification],
    is_single: Rows,
    is_son: Sequence[bool],
) -> list[Embryo]:
    """`embryos`, of which what was learnt of the amplification is given, the sons by
    `of_son`."""
    return [
        of_son(one, len(how.shares), is_single) if son else one
        for one, how, son in zip(embryos, learnt, is_son, strict=True)
    ]


def of_son(embryo: Embryo, n_shares: int, is_single: Rows) -> Embryo:
    """`embryo` with the mother's allele alone at the sites `is_single`, (N,).

    n_shares: points of the grid of x alone; grid point K * j + k is x k with mixture j
    of contamination (morula.contaminant). His sites of one copy have classes of their
    own, in which every x reads as x = 1 does.
    """
    table = embryo.ln_read
    n_classes, _, n_points, _ = table.shape
    last = np.arange(n_points) // n_shares * n_shares + n_shares - 1
    return embryo._replace(
        site_class=np.where(
            is_single, embryo.site_class + n_classes, embryo.site_class
        ),
        ln_read=np.concatenate([table, table[:, :, last]]),
    )


def _cleared(packed: NDArray[np.uint8], rows: Rows) -> NDArray[np.uint8]:
    """Bits packed along the sites, 0 at `rows`."""
    return packed & ~np.packbits(rows)


def folded(
    found: JointPosterior, is_single: Rows, is_son: Sequence[bool]
) -> JointPosterior:
    """`found` where a father has one X, (N,): it is his haplotype 1 that daughters
    carry, and sons, `is_son` (E,), have REF on the paternal side by convention."""
    vectors, genotypes = found.vectors.copy(), found.genotypes.copy()
    draws = found.samples
    haplotype, allele = draws.haplotype.copy(), draws.allele.copy()
    vectors[:, is_single] = _without_second(vectors[:, is_single])
    haplotype[1] = _cleared(haplotype[1], is_single)
    for i, son in enumerate(is_son):
        if son:
            genotypes[i, is_single] = _without_second(genotypes[i, is_single])
            allele[1, i] = _cleared(allele[1, i], is_single)
    samples = replace(draws, haplotype=haplotype, allele=allele)
    return replace(found, vectors=vectors, genotypes=genotypes, samples=samples)


def _without_second(
    pairs: NDArray[np.floating],
) -> NDArray[np.floating]:
    """P(2 m + f), (..., 4), with all f of 1 as f of 0."""
    result = np.zeros_like(pairs)
    result[..., 0] = pairs[..., 0] + pairs[..., 1]
    result[..., 2] = pairs[..., 2] + pairs[..., 3]
    return result


def _parts(is_single: Rows) -> Iterator[tuple[slice, bool]]:
    """Runs of sites, and whether males have one copy there: what a father's meiosis
    does not link."""
    turns = np.flatnonzero(is_single[1:] != is_single[:-1]) + 1
    ends = [0, *turns.tolist(), len(is_single)]
    for start, end in zip(ends[:-1], ends[1:], strict=True):
        yield slice(start, end), bool(is_single[start])


def segments_of(
    family: FamilySites,
    rows: NDArray[np.int64],
    side: int,
    carried: Bits,
    is_son: bool,
) -> Iterator[Segment]:
    """Segments of one embryo and parent, side 0 the mother's, from samples (S, N) of
    what it carries at `rows`, (N,), against the mended phase.

    The father's are told apart by region; where he has one X it is haplotype 1, and a
    son has none.
    """
    pos_bp = family.sites.pos_bp
    whole = [(slice(0, len(pos_bp)), False)]
    for span, is_single in _parts(family.is_single) if side else whole:
        first, end = np.searchsorted(rows, (span.start, span.stop)).tolist()
        if first == end or (is_single and is_son):
            continue
        here = carried[:, first:end]
        if is_single:
            here = np.zeros_like(here)
        yield from segments.of_samples(pos_bp[rows[first:end]], here, pos_bp[span])
