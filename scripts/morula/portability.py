"""How much less a score tells about people far from those it was learnt from.

Shapes: S panel samples, C principal components, N people.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from morula.family_places import components_of
from morula.tables import read_tsv

Floats = NDArray[np.float64]

# METHOD: R2 of a score learnt from Europeans, relative to Europeans, over 52 traits
# (Alemu et al. 2025, PMC12622163); between, it falls in a line with the distance in
# principal components (Ding et al. 2023, doi:10.1038/s41586-023-06079-4: correlation
# -0.95 between people; Privé et al. 2022, doi:10.1016/j.ajhg.2021.11.008).
MEASURED_IN = "EUR"
RELATIVE_R2 = {"SAS": 0.51, "EAS": 0.37, "AFR": 0.24}


def distances(places: Floats, members: Floats) -> Floats:
    """Distance (N,) of `places` (N, C) from the centre of `members` (S, C), beyond what
    is usual (the median) for a member."""
    centre = members.mean(axis=0)
    usual = np.median(np.linalg.norm(members - centre, axis=1))
    return np.maximum(np.linalg.norm(places - centre, axis=1) - usual, 0.0)


def loss_per_distance(components: Floats, groups: NDArray[np.str_]) -> float | None:
    """Share of R2 lost for each unit of distance: the line through 1 at Europeans that
    fits the measured populations best (least squares); None where the panel has no
    Europeans or none of the others.

    components: (S, C); groups: superpopulations (S,).
    """
    europeans = components[groups == MEASURED_IN]
    if not len(europeans):
        return None
    away, lost = [], []
    for name, relative in RELATIVE_R2.items():
        members = components[groups == name]
        if len(members):
            away.append(float(np.median(distances(members, europeans))))
            lost.append(1.0 - relative)
    if not any(away):
        return None
    return float(np.dot(away, lost) / np.dot(away, away))


def relative_r2(
    places: Floats, components: Floats, groups: NDArray[np.str_], training: str
) -> Floats | None:
    """R2 (N,) of a score at `places` (N, C), relative to that in its training
    population; None where the panel cannot tell: it lacks that population, or, for
    people outside it, the others by which the loss was measured.

    METHOD: scores learnt elsewhere are taken to lose as much with distance as those of
    Europeans do. Never below zero.
    """
    members = components[groups == training]
    if not len(members):
        return None
    away = distances(places, members)
    loss = loss_per_distance(components, groups)
    if loss is None:
        inside = distances(members, members).max(initial=0.0)
        return np.ones(len(away)) if (away <= inside).all() else None
    return np.maximum(1.0 - loss * away, 0.0)


def family_relative_r2(
    ancestry: str,
    panel: str,
    parents: Sequence[str],
    passed: Sequence[str],
    embryos: Sequence[str],
    populations: Collection[str],
) -> dict[tuple[str, str], float | None]:
    """`relative_r2` of every sample of a family, by sample and training population
    ("": not named, nothing is lost), from the tables of the ancestry stage.

    METHOD: siblings share one place, the mean of those that `passed` (or of all): a
    difference between them would be noise of their components.
    """
    rows = {row["sample"]: components_of(row) for row in read_tsv(ancestry)}
    others = read_tsv(panel)
    components = np.array([components_of(row) for row in others])
    groups = np.array([row["superpopulation"] for row in others], dtype=str)
    places = [rows[name] for name in parents]
    if embryos:
        places.append(np.mean([rows[n] for n in passed or embryos], axis=0).tolist())
    found: dict[tuple[str, str], float | None] = {}
    for training in populations:
        values: Sequence[float | None] = [1.0] * len(places)
        if training:
            left = relative_r2(np.array(places), components, groups, training)
            values = [None] * len(places) if left is None else left.tolist()
        found |= {(n, training): v for n, v in zip(parents, values, strict=False)}
        found |= {(name, training): values[-1] for name in embryos}
    return found
