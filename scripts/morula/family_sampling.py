"""The posterior of a family from as many sweeps of its sampler as it takes.

Model, names and shapes: see morula.family_chain.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from morula.family_chain import Embryo, Family, Sampler
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


def sample_family(
    family: Family,
    embryos: Sequence[Embryo],
    schedule: Schedule,
    rng: np.random.Generator,
    tell: Callable[[int, float], None] = lambda sweeps, change: None,
) -> JointPosterior:
    """Posterior of all embryos and parents, and joint samples.

    tell: called after each block with the number of kept sweeps and the change.
    Raises ValueError where no state explains a site (only without outliers).
    """
    sampler = Sampler(family, embryos, rng)
    n_embryos, n_sites = sampler.state.vectors.shape
    sampler.begin()
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
