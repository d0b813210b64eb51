"""The posterior of a family from as many sweeps of its sampler as it takes.

Model, names and shapes: see morula.family_chain.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from morula.amplification import cap_depth
from morula.family_chain import Embryo, Family, Sampler, State
from morula.joint_posterior import BLOCK, Draws, JointPosterior, JointSamples, Sums
from morula.sparse_sweeps import SparseSweeps


@dataclass(frozen=True)
class Schedule:
    """burn_in: sweeps that are left out, at most: they end when one redraws a smaller
    share of the haplotypes than `tolerance`; max_sweeps: kept sweeps at most;
    tolerance: sampling stops when the posterior of the haplotypes changes on average by
    less from one block of sweeps to the next; samples: joint samples to return."""

    burn_in: int
    max_sweeps: int
    tolerance: float
    samples: int


class Follower(Protocol):
    """What redraws the prior of a parent's orders (morula.donor_copying)."""

    def redraw(self, state: State) -> None:
        """Redraw it by the weights in `state`, in which it is then replaced."""

    def join(self, state: State) -> None:
        """Put it as it stands into a fresh `state`."""


# METHOD: many reads hold the first wrong guess fast: an embryo that is het where the
# mother is has her allele from either side, and what it then gives the donor makes its
# siblings lose that allele over many amplicons. So the reads of a site weigh as much as
# WARM_DEPTHS reads at most, one after the other, before they count in full; only what
# was learnt of the donor goes from one to the next.
WARM_DEPTHS = (0.05, 0.1, 0.2, 0.4, 1.0, 3.0)
WARM_SWEEPS = 6


@dataclass(frozen=True)
class Absent:
    """Absent parents. followers: redraw what is known of them, after each sweep;
    vectors: uint8 (E, L), which of their haplotypes the embryos are taken to carry
    while these are still unknown, None where a parent is known."""

    followers: Sequence[Follower]
    vectors: NDArray[np.uint8] | None = None


def begun(
    family: Family,
    embryos: Sequence[Embryo],
    absent: Absent,
    rng: np.random.Generator,
) -> Sampler:
    """A sampler with its first state; where vectors are given they still hold."""
    sampler = Sampler(family, embryos, rng)
    sampler.follow.extend(one.redraw for one in absent.followers)
    for one in absent.followers:
        one.join(sampler.state)
    if absent.vectors is None:
        sampler.begin()
    else:
        sampler.hold(absent.vectors)
        for _ in range(WARM_SWEEPS):
            sampler.burn()
    return sampler


def warm_up(
    family: Family,
    embryos: Sequence[Embryo],
    absent: Absent,
    rng: np.random.Generator,
) -> None:
    """Bring the donors' haplotypes near the truth, by less weight of the reads."""
    for depth in WARM_DEPTHS:
        shallow = [one._replace(reads=cap_depth(one.reads, depth)) for one in embryos]
        sampler = begun(family, shallow, absent, rng)
        for _ in range(WARM_SWEEPS if absent.vectors is None else 0):
            sampler.burn()


PRESENT = Absent(())


def sample_family(
    family: Family,
    embryos: Sequence[Embryo],
    schedule: Schedule,
    rng: np.random.Generator,
    tell: Callable[[int, float], None] = lambda sweeps, change: None,
    absent: Absent = PRESENT,
) -> JointPosterior:
    """Posterior of all embryos and parents, and joint samples.

    tell: called after each block with the number of kept sweeps and the change.
    Raises ValueError where no state explains a site (only without outliers).
    """
    if absent.followers:
        warm_up(family, embryos, absent, rng)
    sampler = begun(family, embryos, absent, rng)
    sampler.hold(None)
    n_embryos, n_sites = sampler.state.vectors.shape
    sparse = SparseSweeps(sampler)
    for _ in range(schedule.burn_in):
        sparse.advance()
        if sampler.burn() < schedule.tolerance:
            break
    sums = Sums(n_embryos, n_sites)
    draws = Draws(n_embryos, n_sites, schedule.samples)
    change = math.inf
    while sums.n < schedule.max_sweeps and change > schedule.tolerance:
        for _ in range(2):
            for _ in range(BLOCK // 2):
                sparse.advance()
                sampler.sweep(sums, draws, sums.n)
            change = sums.change()
        tell(sums.n, change)
    return JointPosterior(
        sums.vectors / sums.n,
        sums.genotypes / sums.n,
        sums.share / sums.n,
        sums.orders / sums.n,
        sums.switch / sums.n,
        JointSamples(draws.haplotype, draws.allele, draws.switch),
        sums.n,
        change,
    )
