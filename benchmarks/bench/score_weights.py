"""Made-up scores of a world, some of few variants and some of many."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from morula.haplotypes import Genotypes
from morula.simulation.scores import draw_effects

FEWEST, MOST = 10, 1000


def draw_weights(
    rng: np.random.Generator, panel: Genotypes, n_scores: int
) -> NDArray[np.float64]:
    """Weights per copy of ALT, (L, n_scores), at the panel's sites; a score's SD in the
    panel is one.

    The scores have from FEWEST to MOST variants (or all common ones, if fewer), in
    equal steps of the logarithm.
    """
    # METHOD: published scores have dozens to a million of variants in the genome, that
    # is, up to 1,000 in the 3 Mb of a small world. Few variants of large effect are
    # lost at one wrong site, many only with the haplotype.
    weights = np.zeros((len(panel.pos_bp), n_scores))
    for column, size in enumerate(np.geomspace(FEWEST, MOST, n_scores)):
        chosen, effects = draw_effects(rng, [panel], round(size))
        weights[[site for _, site in chosen], column] = effects
    return weights
