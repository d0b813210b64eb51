"""The mother's own DNA among an embryo's reads, as a part of the local template.

Beside the share x of the embryo's two alleles, the mixture with her DNA is hidden: how
much of it there is at a place, and of which of her haplotypes, the one that the embryo
inherited or her other one. Shapes: C classes, G genotypes, K grid points of x, U
mixtures; (mixture j, x k) is grid point K * j + k.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from morula import contamination_level, inheritance
from morula.amplification import Amplification
from morula.error_classes import N_ERROR_CLASSES

Floats = NDArray[np.float64]

# Below this contamination the constant share of morula.amplification is enough.
LEAST = 0.01
# METHOD: the mother's few cells are amplified like the embryo's, and as unevenly: a
# place has none of her DNA, or several times the usual share, of both her haplotypes or
# of one of them. Flat weights and a coarse grid: how uneven her cells are is not known.
FACTORS = (1.0, 3.0, 9.0)
# Weight of the haplotype that the embryo inherited, and of her other one.
MIXTURES = ((0.5, 0.5), (1.0, 0.0), (0.0, 1.0))
N_STATES = 1 + len(FACTORS) * len(MIXTURES)
MOST = 0.97


@dataclass(frozen=True)
class LocalShare:
    """Grid of the local template for the chain of a family. ln_read: (C, G, K U, 2),
    see inheritance.read_table; prior: (K U,); shares: (K U,), x of each grid point."""

    ln_read: Floats
    prior: Floats
    shares: Floats


def local_share(learnt: Amplification) -> LocalShare:
    """The grid of x alone where the embryo is all but clean, else of x and mixture."""
    if learnt.contamination < LEAST:
        return LocalShare(learnt.read_table(), learnt.share_prior, learnt.shares)
    n_of_level = 3 * N_ERROR_CLASSES
    level = np.repeat(contamination_level.local(learnt.contamination), n_of_level)
    copies = np.repeat(np.arange(3.0), N_ERROR_CLASSES)
    copies = np.tile(copies, contamination_level.N_LEVELS)
    transmitted = np.array([0.0, 0.0, 1.0, 1.0])
    other = np.clip(copies[:, None] - transmitted, 0.0, 1.0)[:, :, None]
    own = inheritance.alt_template_share(learnt.shares)
    states = [np.broadcast_to(own, (len(level), *own.shape))]
    for factor in FACTORS:
        c = np.minimum(factor * level, MOST)[:, None, None]
        for same, not_same in MIXTURES:
            hers = same * transmitted[:, None] + not_same * other
            states.append((1.0 - c) * own + c * hers)
    return LocalShare(
        inheritance.read_table(np.concatenate(states, axis=2), *learnt.errors),
        np.tile(learnt.share_prior / N_STATES, N_STATES),
        np.tile(learnt.shares, N_STATES),
    )
