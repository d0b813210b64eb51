"""The mother's other haplotype among an embryo's reads, as a part of the local share.

What her own cells add of the haplotype that the embryo inherited looks like more of the
embryo's maternal template, and x holds it. What they add of the other one is like
nothing that an embryo has; its share u is hidden on a grid of its own, which multiplies
that of x. Shapes: C classes, G genotypes, K grid points of x, U of u; (x, u) is grid
point U * k + j.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from morula import amplification, contamination_level, inheritance
from morula.amplification import Amplification

Floats = NDArray[np.float64]

# Below this contamination the constant share of morula.amplification is enough.
LEAST = 0.01
# METHOD: the mother's cells are amplified like the embryo's, and as unevenly: her other
# haplotype may be lost, or as deep as the embryo's. Local share over her contamination
# there, and how likely each is; the mean is near the half of an even amplification.
FACTORS = np.array([0.05, 0.5, 1.5, 4.0])
WEIGHTS = np.array([0.4, 0.3, 0.2, 0.1])
MOST = 0.9


@dataclass(frozen=True)
class LocalShare:
    """Grid of the local template for the chain of a family. ln_read: (C, G, K U, 2),
    see inheritance.read_table; prior: (K U,); shares: (K U,), x of each grid point."""

    ln_read: Floats
    prior: Floats
    shares: Floats


def local_share(learnt: Amplification) -> LocalShare:
    """The grid of x alone where the embryo is all but clean, else that of x and u."""
    if learnt.contamination < LEAST:
        return LocalShare(learnt.read_table(), learnt.share_prior, learnt.shares)
    n_of_level = 3 * amplification.N_ERROR_CLASSES
    level = np.repeat(contamination_level.local(learnt.contamination), n_of_level)
    foreign = np.minimum(level[:, None] * FACTORS, MOST)
    copies = np.repeat(np.arange(3.0), amplification.N_ERROR_CLASSES)
    copies = np.tile(copies, contamination_level.N_LEVELS)
    transmitted = np.array([0.0, 0.0, 1.0, 1.0])
    other = np.clip(copies[:, None] - transmitted, 0.0, 1.0)[:, :, None, None]
    own = inheritance.alt_template_share(learnt.shares)[None, :, :, None]
    u = foreign[:, None, None, :]
    alt = (1.0 - u) * own + u * other
    flat = alt.reshape(len(level), 4, -1)
    return LocalShare(
        inheritance.read_table(np.ascontiguousarray(flat), *learnt.errors),
        np.outer(learnt.share_prior, WEIGHTS).ravel(),
        np.repeat(learnt.shares, len(FACTORS)),
    )
