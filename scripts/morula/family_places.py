"""Places of a family and of the panel on the principal components, from the tables of
the ancestry stage.

Shapes: S panel samples, C components.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from morula.standardise import PARENT_ROLES
from morula.tables import read_tsv

Floats = NDArray[np.float64]


def components_of(row: Mapping[str, str]) -> list[float]:
    """Principal components PC1, PC2, ... of a row of the ancestry tables."""
    names = [name for name in row if name.startswith("PC") and name[2:].isdigit()]
    return [float(row[name]) for name in sorted(names, key=lambda name: int(name[2:]))]


def of_panel(path: str, samples: Sequence[str]) -> Floats:
    """Components (S, C) of the panel's `samples`, in their order."""
    rows = {row["sample"]: components_of(row) for row in read_tsv(path)}
    return np.array([rows[str(name)] for name in samples])


def of_family(
    path: str, roles: Mapping[str, str], failed: set[str]
) -> dict[str, Floats]:
    """Components (C,) by sample.

    METHOD: siblings share one place, the mean of those that did not fail (or of all):
    their z must be comparable with each other.
    """
    rows = {row["sample"]: np.array(components_of(row)) for row in read_tsv(path)}
    children = [name for name, role in roles.items() if role not in PARENT_ROLES]
    places = {name: rows[name] for name in roles}
    if children:
        passed = [name for name in children if name not in failed] or children
        shared: Floats = np.mean([rows[name] for name in passed], axis=0)
        places |= {name: shared for name in children}
    return places
