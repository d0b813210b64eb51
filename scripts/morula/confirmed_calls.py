"""Sites at which embryos' reads confirm that both parents are homozygous, in one .npz
file: what morula.call_confirmation finds, for the embryos' genomes.

Shapes: L sites of the genomes, M confirmed ones. Keys: pos_bp, ref, alt (M,); left.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from morula import stored_arrays
from morula.parental_alleles import Sites

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Confirmed:
    """sites: M of them; left: float32 (2, 2, M), share of the doubt about haplotypes 1
    and 2 of mother and father that the embryos' reads leave, at most 1."""

    sites: Sites
    left: NDArray[np.float32]


def sharpened(alt_share: Floats, left: NDArray[np.float32]) -> Floats:
    """P(haplotype carries ALT), (M, 2), with the doubt that is left, (2, M)."""
    doubt = np.minimum(alt_share, 1.0 - alt_share) * left.T
    return np.asarray(np.where(alt_share > 0.5, 1.0 - doubt, doubt))


def at_sites(
    sites: Sites, confirmed: Confirmed
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Rows of `sites` that are confirmed, (N,), and what is left there, (2, 2, N)."""
    place = confirmed.sites.places(sites)
    rows = np.flatnonzero(place >= 0)
    return rows, confirmed.left[:, :, place[rows]]


def save(path: str | Path, confirmed: Confirmed) -> None:
    """Write the file, whole or not at all."""
    sites = confirmed.sites
    stored_arrays.write(
        path, pos_bp=sites.pos_bp, ref=sites.ref, alt=sites.alt, left=confirmed.left
    )


def load(path: str | Path) -> Confirmed:
    """Read what `save` wrote."""
    with stored_arrays.opened(path) as data:
        sites = Sites(data["pos_bp"], data["ref"], data["alt"])
        return Confirmed(sites, data["left"])
