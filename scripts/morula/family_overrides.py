"""Contradictions of a family's embryos (morula.overrides), each in the light of its
siblings' reads; on X, too.

Shapes: N sites that are looked at, E embryos, G = 4 genotypes 2 m + f, V = 4 vectors.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from morula import family_evidence, overrides
from morula.embryo_kernels import Embryo
from morula.embryo_posterior import FamilyPosterior
from morula.family_evidence import Rows
from morula.family_sites import FamilySites
from morula.override_table import Override
from morula.overrides import Expected


def of_son(
    embryo: Embryo,
    expected: Expected,
    found: Sequence[Override],
    is_single: NDArray[np.bool_],
) -> list[Override]:
    """Contradictions of a son on X, `found` those as of two copies: where he has one,
    is_single (N,), his mother alone can be contradicted. His paternal side is REF there
    by convention."""
    given = expected.given.copy()
    given[is_single, :, 0::2] += given[is_single, :, 1::2]
    given[is_single, :, 1::2] = 0.0
    known = tuple(side for side in expected.known if side == 0)
    kept = [one for one in found if not is_single[one.site]]
    if known:
        hers = replace(expected, given=given, known=known)
        shown = overrides.read_shares(embryo, hers.inherited)
        every = overrides.contradictions(embryo, shown, hers)
        kept += [one for one in every if is_single[one.site]]
    return sorted(kept, key=lambda one: one.site)


def of_family(
    family: FamilySites,
    rows: Rows,
    posterior: FamilyPosterior,
    embryos: Sequence[Embryo],
    is_son: Sequence[bool] | None = None,
) -> Iterator[list[Override]]:
    """Contradictions of each embryo, in the order of the posterior; `site` counts among
    `rows`, (N,), at which `embryos` are given; is_son: on X, of each embryo.

    What the siblings show of the parents' orders is taken from their reads with the
    parents' own data as the prior, each at the haplotypes of its flanks.
    """
    pos_bp, prior = family.sites.pos_bp[rows], family_evidence.prior_pairs(family, rows)
    by_parents = family_evidence.given_vectors(prior)
    beside = family_evidence.switch_beside(family, rows)
    known = tuple(side for side in range(2) if family.known[side])
    flanks, ln_reads = [], []
    for i, one in enumerate(embryos):
        flanks.append(family_evidence.flank_vectors(family, rows, posterior, i))
        vectors = flanks[-1][0]
        shown = overrides.read_shares(one, np.einsum("nv,nvg->ng", vectors, by_parents))
        own = (1.0 - one.outlier) * shown.likelihood
        mixed = own + one.outlier * shown.mean[:, None]
        ln_pairs = family_evidence.ln_pairs(vectors, mixed)
        # A large family's are much memory, and differences of 1e-4 say nothing.
        ln_reads.append(ln_pairs.astype(np.float32))
    every = np.sum(ln_reads, axis=0, dtype=np.float64)
    is_single = family.is_single[rows]
    sons = is_son or [False] * len(embryos)
    everyone = zip(embryos, flanks, ln_reads, sons, strict=True)
    for one, (vectors, doubt), mine, son in everyone:
        others = every - mine
        pairs = family_evidence.posterior_pairs(prior, others)
        turned = family_evidence.ln_turned(pairs, others)
        given = family_evidence.given_vectors(pairs)
        expected = Expected(pos_bp, vectors, given, doubt, beside, turned, known)
        shown = overrides.read_shares(one, expected.inherited)
        found = overrides.contradictions(one, shown, expected)
        yield of_son(one, expected, found, is_single) if son else found
