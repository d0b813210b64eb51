"""From inheritance vectors and ordered genotypes to what a Result holds.

Shapes: E embryos, L sites; vectors (E, L, 4), P(2 a + b) with a and b the haplotypes
carried of the mother and of the father; ordered genotypes (E, L, 4), P(2 m + f) with m
the maternal and f the paternal allele.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.case import Result, plain_result

Floats = NDArray[np.floating[Any]]


def genotypes(ordered: Floats) -> Floats:
    """P(0, 1, 2 ALT copies), (E, L, 3)."""
    het = ordered[..., 1] + ordered[..., 2]
    return np.stack([ordered[..., 0], het, ordered[..., 3]], axis=-1)


def best_phased(ordered: Floats) -> NDArray[np.int8]:
    """Maternal and paternal allele of the best genotype, (E, L, 2), a het in its more
    probable order."""
    best = genotypes(ordered).argmax(axis=-1)
    maternal_first = ordered[..., 2] > ordered[..., 1]
    maternal = (best == 2) | ((best == 1) & maternal_first)
    paternal = (best == 2) | ((best == 1) & ~maternal_first)
    return np.stack([maternal, paternal], axis=-1).astype(np.int8)


def second_haplotypes(vectors: Floats) -> NDArray[np.float32]:
    """P(the embryo carries haplotype 1) of the mother and of the father, (E, 2, L)."""
    maternal = vectors[..., 2] + vectors[..., 3]
    paternal = vectors[..., 1] + vectors[..., 3]
    return np.stack([maternal, paternal], axis=1).astype(np.float32)


def result(method: str, ordered: Floats, vectors: Floats) -> Result:
    """A result of a method that knows which haplotypes were passed on."""
    return replace(
        plain_result(method, genotypes(ordered)),
        haplotype=second_haplotypes(vectors),
        phased=best_phased(ordered),
    )
