"""Genetic maps of X: what recombines in mothers, and in fathers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from morula.genetic_map import GeneticMap
from morula.sex_chromosome import Span

# METHOD: of a population's X chromosomes two in three are in women, and those in men do
# not recombine outside the pseudo-autosomal regions (PARs): the rate of an average
# generation is two thirds of the female one.
SHARE_IN_FEMALES = 2.0 / 3.0
# A gap that links nothing: a recombination fraction of one half.
UNLINKED_CM = 10_000.0


def _with_own_part(
    pos_bp: NDArray[np.int64],
    shared: NDArray[np.float64],
    own: NDArray[np.float64],
    region: Span,
) -> GeneticMap:
    """Map with the steps of `shared` outside `region` and of `own` in it; both: cM at
    pos_bp, which holds the region's borders."""
    step_is_own = (pos_bp[1:] > region[0]) & (pos_bp[1:] <= region[1])
    steps = np.where(step_is_own, np.diff(own), np.diff(shared))
    return GeneticMap(pos_bp, shared[0] + np.concatenate([[0.0], np.cumsum(steps)]))


def maps_of_x(
    female: GeneticMap, male: GeneticMap, region: Span
) -> tuple[GeneticMap, GeneticMap, GeneticMap]:
    """Female, male and average map of X from the maps as given.

    METHOD: outside the PARs men's X does not recombine, whatever a map says. A single
    map given for both sexes is taken for the female one there, which is what maps of X
    are (about 180 cM, that of Kong et al. 2002, doi:10.1038/ng917, and of HapMap's).
    """
    start, end = region
    given = np.union1d(female.pos_bp, male.pos_bp)
    low, high = given[0], given[-1]
    borders = [one for one in (start, end) if low < one < high]
    pos_bp = np.union1d(given, np.array(borders, dtype=np.int64))
    of_women, of_men = female.cm_at(pos_bp), male.cm_at(pos_bp)
    flat = np.zeros(len(pos_bp))
    both = 0.5 * (of_women + of_men)
    return (
        female,
        _with_own_part(pos_bp, of_men, flat, region),
        _with_own_part(pos_bp, both, SHARE_IN_FEMALES * of_women, region),
    )


def unlinked(
    cm: NDArray[np.float64], is_single: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """A father's genetic positions, (L,), with his PARs linked to nothing else.

    METHOD: his X and Y pair and recombine in PAR1 only, so that a PAR goes with sex the
    more, the nearer it lies; which of his haplotypes there is that of X the phase does
    not tell. The PARs are chains of their own on his side. The mother's X is one chain.
    """
    border = np.diff(is_single.astype(np.int8), prepend=is_single[:1]) != 0
    return np.asarray(cm + UNLINKED_CM * np.cumsum(border))
