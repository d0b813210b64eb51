"""Parents of few reads: genotypes from their likelihoods and the panel together.

Shapes: L sites of the panel. Genotype likelihoods (L, 3) as in parental_alleles.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from morula import copying
from morula.biallelic import GENOTYPES, MAX_GQ
from morula.copying import Copying
from morula.panel_bits import PanelBits

Floats = NDArray[np.float64]
COMMON = 0.05
# METHOD: at 8x one genotype in fifty has a GQ below 10, at 4x one in five; above that
# the reads tell more than the panel, and what they find need not be in it.
MOST_DOUBTFUL = 0.1
# Fewer sites than this share with a read at all: an array, not low-pass reads.
LEAST_SEEN = 0.3
MAX_PL = 255


def is_low_pass(likelihoods: Floats, frequency: Floats, min_quality: float) -> bool:
    """Whether too many genotypes at common sites are in doubt: at more than
    MOST_DOUBTFUL the second best is less than min_quality (Phred) behind."""
    common = np.minimum(frequency, 1.0 - frequency) >= COMMON
    second = np.sort(likelihoods[common], axis=1)[:, 1]
    seen = second < 1.0
    if seen.mean() < LEAST_SEEN:
        return False
    doubtful = second > 10.0 ** (-0.1 * min_quality)
    return bool(doubtful.mean() > MOST_DOUBTFUL)


def genotypes(
    panel: PanelBits, place_cm: Floats, likelihoods: Floats, rng: np.random.Generator
) -> Floats:
    """P(0, 1, 2 ALT copies), (L, 3); place_cm: (L,)."""
    evidence = copying.of_likelihoods(likelihoods)
    return copying.impute(panel, place_cm, evidence, Copying(), rng).genotypes


def cells(posterior: Floats, frequency: Floats) -> list[str]:
    """GT:PL:GQ of every site. PL is the posterior without the Hardy-Weinberg prior of
    the panel's frequency, which whoever reads PL puts on it again."""
    alt = np.clip(frequency, 1e-4, 1.0 - 1e-4)
    prior = np.stack([(1 - alt) ** 2, 2 * alt * (1 - alt), alt**2], axis=1)
    ln = np.log10(np.maximum(posterior, 1e-12) / prior)
    pl = np.minimum(np.rint(10.0 * (ln.max(axis=1, keepdims=True) - ln)), MAX_PL)
    best = posterior.argmax(axis=1)
    doubt = np.maximum(1.0 - posterior.max(axis=1), 1e-12)
    quality = np.clip(np.rint(-10.0 * np.log10(doubt)), 0, MAX_GQ)
    return [
        f"{GENOTYPES[g]}:{one[0]},{one[1]},{one[2]}:{gq}"
        for g, one, gq in zip(
            best.tolist(),
            pl.astype(int).tolist(),
            quality.astype(int).tolist(),
            strict=True,
        )
    ]
