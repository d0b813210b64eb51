"""What the judge knows of a case, and the groups of sites that measures are given for.

Shapes: L sites, E embryos, as in bench/case.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.case import Case

# Every site; those where a parent is heterozygous; SNVs.
ALL, PARENT_HET, SNVS = "all", "parent_het", "snvs"
# Minor allele frequency in the panel: name, from (inclusive), to (exclusive).
FREQUENCY_BINS = (
    ("maf_below_1pct", 0.0, 0.01),
    ("maf_1_to_5pct", 0.01, 0.05),
    ("maf_5_to_50pct", 0.05, 0.51),
)
EVERY_EMBRYO = "all"


class Row(NamedTuple):
    """A measured value. embryo: a name, or EVERY_EMBRYO; n: what it is a share or mean
    of (genotypes, hets, crossovers, scores: as the measure says)."""

    embryo: str
    measure: str
    stratum: str
    value: float
    n: int


@dataclass(frozen=True)
class Truth:
    """The truth of a case.

    copies: int8 (E, L), ALT copies, 0 where not known; known: bool (E, L), False where
    a copy is absent; is_het: bool (2, L), the mother's and the father's true hets;
    minor_is_alt: bool (L,); strata: bool (L,) by name.
    """

    copies: NDArray[np.int8]
    known: NDArray[np.bool_]
    is_het: NDArray[np.bool_]
    minor_is_alt: NDArray[np.bool_]
    strata: dict[str, NDArray[np.bool_]]


def truth_of(case: Case) -> Truth:
    """The truth of a case, with its groups of sites."""
    known = np.asarray((case.alleles >= 0).all(axis=2))
    copies = np.where(known, case.alleles.sum(axis=2), 0).astype(np.int8)
    both = (case.parents >= 0).all(axis=2)
    is_het = both & (case.parents[:, :, 0] != case.parents[:, :, 1])
    return Truth(
        copies=copies,
        known=known,
        is_het=is_het,
        minor_is_alt=case.alt_frequency <= 0.5,
        strata=_strata(case, is_het.any(axis=0)),
    )


def frequency_strata(alt_frequency: NDArray[np.float64]) -> dict[str, NDArray]:
    """Sites by the frequency of the minor allele in the panel, bool (L,) each."""
    minor = np.minimum(alt_frequency, 1.0 - alt_frequency)
    return {name: (minor >= low) & (minor < high) for name, low, high in FREQUENCY_BINS}


def _strata(case: Case, parent_het: NDArray[np.bool_]) -> dict[str, NDArray[np.bool_]]:
    every = np.ones(len(case.pos_bp), dtype=bool)
    strata = {
        ALL: every,
        PARENT_HET: parent_het,
        SNVS: case.is_snv,
        f"{SNVS}_{PARENT_HET}": case.is_snv & parent_het,
    }
    for name, sites in frequency_strata(case.alt_frequency).items():
        strata[f"{ALL}_{name}"] = sites
        strata[f"{PARENT_HET}_{name}"] = sites & parent_het
    return strata


def share(
    embryo: str,
    measure: str,
    stratum: str,
    right: NDArray[np.bool_],
    counted: NDArray[np.bool_],
) -> Iterator[Row]:
    """The share of the counted that are right; no row where none is counted."""
    n = int(counted.sum())
    if n:
        hits = int((right & counted).sum())
        yield Row(embryo, measure, stratum, hits / n, n)
