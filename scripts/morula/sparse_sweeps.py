"""Sweeps over the sites with reads alone, between those over all sites.

At 0.005x one informative site in fifty has a read of any embryo. What lies between two
of them matters by the parity of its crossovers and switches only: a chain over the
sites with reads has the same posterior there, and a sweep costs as much less.

Names and shapes: see morula.family_chain; N sites with reads of L.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from morula.embryo_kernels import Embryo
from morula.family_chain import Family, Sampler
from morula.family_sites import between
from morula.order_kernels import Bytes, Floats

# METHOD: few reads leave many explanations, and sweeps are slow to go from one to
# another: so as many sparse sweeps are made before each full one as cost the same in
# all, at most MOST_SWEEPS; none where more than MOST_SITES of the sites have reads.
MOST_SWEEPS = 40
MOST_SITES = 0.25


def family_at(family: Family, rows: NDArray[np.int64]) -> Family:
    """The parents at `rows`; steps between them by parity."""
    return Family(
        family.orders[:, rows],
        np.stack([between(one, rows) for one in family.recombination]),
        np.stack([between(one, rows) for one in family.switch]),
    )


def embryo_at(embryo: Embryo, rows: NDArray[np.int64]) -> Embryo:
    """An embryo at `rows`."""
    stays = np.cumsum(np.log(np.maximum(embryo.stay, 1e-300)))[rows]
    return embryo._replace(
        reads=np.ascontiguousarray(embryo.reads[rows]),
        has_reads=np.ascontiguousarray(embryo.has_reads[rows]),
        site_class=np.ascontiguousarray(embryo.site_class[rows]),
        stay=np.exp(np.diff(stays, prepend=stays[0])),
    )


@numba.njit(cache=True, nogil=True)
def draw_switches(
    switch: Floats,
    rows: NDArray[np.int64],
    odd: Bytes,
    rng: np.random.Generator,
    out: Bytes,
) -> None:
    """Fill out, uint8 (L,), with switches drawn by their probabilities, switch (L,),
    given that in the steps that end at rows[k - 1] + 1 to rows[k] their number is odd
    as odd[k] says; steps before the first and behind the last of `rows` are free."""
    n_sites = len(switch)
    out[0] = 0
    for s in range(1, n_sites):
        if s <= rows[0] or s > rows[-1]:
            out[s] = rng.random() < switch[s]
    rest = np.empty(n_sites)
    for k in range(1, len(rows)):
        # rest[s]: 1 - 2 P(an odd number of switches behind step s, to rows[k]).
        rest[rows[k]] = 1.0
        for s in range(rows[k], rows[k - 1] + 1, -1):
            rest[s - 1] = rest[s] * (1.0 - 2.0 * switch[s])
        sign = -1.0 if odd[k] else 1.0
        for s in range(rows[k - 1] + 1, rows[k] + 1):
            turned = switch[s] * (1.0 - sign * rest[s])
            kept = (1.0 - switch[s]) * (1.0 + sign * rest[s])
            # Where rounding leaves neither, the prior decides nothing: no switch.
            out[s] = rng.random() * (turned + kept) < turned
            if out[s]:
                sign = -sign


class SparseSweeps:
    """Sweeps of a sampler's state over the sites at which any embryo has reads."""

    def __init__(self, whole: Sampler) -> None:
        self.whole = whole
        self.rows = np.flatnonzero(whole.state.has_reads.any(axis=0))
        n_sites = whole.state.has_reads.shape[1]
        share = len(self.rows) / n_sites
        is_sparse = 0.0 < share < MOST_SITES
        self.sweeps = min(round(1.0 / share) - 1, MOST_SWEEPS) if is_sparse else 0
        if is_sparse:
            self.sparse = Sampler(
                family_at(whole.family, self.rows),
                [embryo_at(one, self.rows) for one in whole.embryos],
                whole.rng,
            )

    def advance(self) -> None:
        """Make `sweeps` sweeps; the state of the whole sampler follows, but for the
        vectors at sites without reads, which a sweep of all sites redraws first."""
        if not self.sweeps:
            return
        state, other, rows = self.whole.state, self.sparse.state, self.rows
        for name in ("vectors", "grid", "evidence", "ln_evidence"):
            getattr(other, name)[:] = getattr(state, name)[:, rows]
        other.weights[:], other.prior[:] = state.weights[rows], state.prior[rows]
        turned = np.bitwise_xor.accumulate(state.switches, axis=1)[:, rows]
        other.switches[:] = np.diff(turned, axis=1, prepend=turned[:, :1]) & 1
        for _ in range(self.sweeps):
            self.sparse.sweep(None, None, 0)
        for name in ("vectors", "grid", "evidence", "ln_evidence"):
            getattr(state, name)[:, rows] = getattr(other, name)
        state.weights[rows] = other.weights
        for parent in range(2):
            draw_switches(
                self.whole.family.switch[parent],
                rows,
                other.switches[parent],
                self.whole.rng,
                state.switches[parent],
            )
