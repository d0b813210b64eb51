"""Phase: of the parents as the methods get it, and of the embryos as they give it.

Shapes: L sites, E embryos, as in bench/case.py; H hets that are compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.case import Case, Result
from bench.truth import ALL, EVERY_EMBRYO, Row, Truth, frequency_strata, share

PHASE_METHOD = "parents_phase"
PARENTS = ("mother", "father")


@dataclass(frozen=True)
class PhaseErrors:
    """A parent's phase against the truth.

    sites: int64 (H,), true hets at which both haplotypes are given; is_swapped: bool
    (H,), haplotype 0 as found carries the true haplotype 1's allele; is_flip: bool
    (H,), the het alone is turned: it differs in orientation from both its neighbours,
    which agree.
    """

    sites: NDArray[np.int64]
    is_swapped: NDArray[np.bool_]
    is_flip: NDArray[np.bool_]

    def switches(self) -> NDArray[np.bool_]:
        """Changes of orientation between neighbouring hets, bool (H - 1,)."""
        return self.is_swapped[1:] != self.is_swapped[:-1]

    def long_switches(self) -> NDArray[np.bool_]:
        """Changes of orientation between neighbours among the hets without flips."""
        rest = self.is_swapped[~self.is_flip]
        return rest[1:] != rest[:-1]

    def is_swapped_around(self) -> NDArray[np.bool_]:
        """Orientation of the haplotypes around each het, bool (H,): a flip does not
        turn them."""
        rest = np.flatnonzero(~self.is_flip)
        before = np.searchsorted(rest, np.arange(len(self.sites)), side="right") - 1
        return self.is_swapped[rest[np.maximum(before, 0)]]


def phase_errors(true: NDArray[np.int8], found: NDArray[np.int8]) -> PhaseErrors:
    """Compare haplotypes (L, 2) of one parent; -1 where not given.

    A het that was found homozygous cannot be compared.
    """
    given = (true >= 0).all(axis=1) & (found >= 0).all(axis=1)
    is_het = (true[:, 0] != true[:, 1]) & (found[:, 0] != found[:, 1])
    sites = np.flatnonzero(given & is_het)
    swapped = true[sites, 0] != found[sites, 0]
    is_flip = np.zeros(len(sites), dtype=bool)
    is_flip[1:-1] = (swapped[1:-1] != swapped[:-2]) & (swapped[1:-1] != swapped[2:])
    return PhaseErrors(sites, swapped, is_flip)


def parents_phase_rows(
    case: Case, truth: Truth, errors: tuple[PhaseErrors, PhaseErrors]
) -> Iterator[Row]:
    """Flips, long switches, switch error rate of both parents; the denominators are
    the rows' n."""
    groups = {name: (errors[k],) for k, name in enumerate(PARENTS)} | {ALL: errors}
    for name, found in groups.items():
        sides = [PARENTS.index(name)] if name in PARENTS else [0, 1]
        n_hets = int(truth.is_het[sides].sum())
        compared = sum(len(one.sites) for one in found)
        for measure, parts in (
            ("phase_flip_rate", [one.is_flip for one in found]),
            ("phase_long_switch_rate", [one.long_switches() for one in found]),
            ("phase_switch_error_rate", [one.switches() for one in found]),
        ):
            yield from _rate(measure, name, np.concatenate(parts))
        if n_hets:
            share_phased = compared / n_hets
            yield Row(EVERY_EMBRYO, "phased_het_share", name, share_phased, n_hets)
    for name, at in frequency_strata(case.alt_frequency).items():
        parts = [one.is_flip[at[one.sites]] for one in errors]
        yield from _rate("phase_flip_rate", f"{ALL}_{name}", np.concatenate(parts))


def _rate(measure: str, stratum: str, wrong: NDArray[np.bool_]) -> Iterator[Row]:
    every = np.ones_like(wrong)
    yield from share(EVERY_EMBRYO, measure, stratum, wrong, every)


def phased_allele_rows(case: Case, truth: Truth, result: Result) -> Iterator[Row]:
    """Maternal alleles of the embryos where the mother is het, paternal ones where the
    father is: how many are given, and how many of those are right."""
    if (result.phased < 0).all():
        return
    for side, parent in enumerate(PARENTS):
        sites = truth.is_het[side]
        known = truth.known[:, sites]
        found = result.phased[:, sites, side]
        given = found >= 0
        right = found == case.alleles[:, sites, side]
        stratum = f"{parent}_het"
        yield from share(EVERY_EMBRYO, "phased_allele_share", stratum, given, known)
        yield from share(
            EVERY_EMBRYO, "phased_allele_accuracy", stratum, right, known & given
        )
