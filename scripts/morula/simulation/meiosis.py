"""Meiosis: chiasmata of a bivalent, and the four chromatids that come out of it.

Haplotypes of a parent are numbered 0 and 1 in arrays, 1 and 2 in tables. The four
chromatids of a tetrad are numbered 0 to 3: 0 and 1 have haplotype 0 at the centromere,
2 and 3 haplotype 1; k and k ^ 1 are sisters there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from morula.genetic_map import GeneticMap

# Chiasmata a cM of the map: two a Morgan, since a chromatid takes part in every second.
_CHIASMATA_PER_CM = 0.02


@dataclass(frozen=True)
class Interference:
    """How chiasmata keep away from each other.

    shape: of the gamma distribution of the distances between chiasmata that interfere
    (1: none, Haldane's model); escape: share of the chiasmata that do not interfere.
    """

    shape: float
    escape: float


@dataclass(frozen=True)
class Chromatid:
    """One chromosome as a gamete may get it.

    centromere: haplotype (0, 1) there; first: haplotype at the start; breaks_bp: int64
    (C,), rising without repeats: the last position before each crossover.
    """

    centromere: int
    first: int
    breaks_bp: NDArray[np.int64]

    def haplotype_at(self, pos_bp: NDArray[np.int64]) -> NDArray[np.int8]:
        """Haplotype (0, 1) at each position."""
        crossed = np.searchsorted(self.breaks_bp, pos_bp, side="left")
        return np.asarray((self.first + crossed) % 2, dtype=np.int8)

    def segments(self, start: int, end: int) -> list[tuple[int, int, int]]:
        """(start, end, haplotype) with 1-based inclusive bp and haplotype 0 or 1."""
        inside = self.breaks_bp[(self.breaks_bp >= start) & (self.breaks_bp < end)]
        starts = [start, *(inside + 1).tolist()]
        ends = [*inside.tolist(), end]
        kinds = self.haplotype_at(np.array(starts, dtype=np.int64)).tolist()
        return list(zip(starts, ends, kinds, strict=True))


def draw_chiasmata(
    rng: np.random.Generator, length_cm: float, interference: Interference
) -> NDArray[np.float64]:
    """Chiasmata of one bivalent, in cM from its start, rising."""
    # METHOD: two pathways (Copenhaver, Housworth and Stahl 2002, Genetics 160:1631;
    # Housworth and Stahl 2003, Am J Hum Genet 73:188): a share of the chiasmata is a
    # Poisson process, the others a gamma renewal process, which describes human
    # crossovers best and runs on across the centromere (Broman and Weber 2000, Am J Hum
    # Genet 66:1911). Estimates by chromosome and sex: Campbell et al. 2015, Nat Commun
    # 6:6260; medians over the autosomes are shape 7.4 and escape 0.067 in females, 8.9
    # and 0.060 in males.
    free = _CHIASMATA_PER_CM * interference.escape
    bound = _CHIASMATA_PER_CM - free
    escaped = rng.uniform(0.0, length_cm, rng.poisson(free * length_cm))
    if bound <= 0:
        return np.sort(escaped)
    scale = 1.0 / (bound * interference.shape)
    # A stationary renewal process: the interval that covers the start is drawn in
    # proportion to its length (shape + 1), and the start lies anywhere within it.
    at = rng.uniform() * rng.gamma(interference.shape + 1.0, scale)
    kept = []
    while at < length_cm:
        kept.append(at)
        at += rng.gamma(interference.shape, scale)
    return np.sort(np.concatenate([escaped, kept]))


def _participants(rng: np.random.Generator, count: int) -> list[tuple[int, int]]:
    """The two chromatids that each chiasma of an arm joins, from the centromere out."""
    # METHOD: no chromatid interference (Zhao, Speed and McPeek 1995, Genetics
    # 139:1045): at each chiasma one of the two strands that carry haplotype 0 there,
    # and one of those with haplotype 1, whatever the chiasmata before it did.
    carriers = [[0, 1], [2, 3]]
    pairs = []
    for i, j in rng.integers(0, 2, (count, 2)).tolist():
        one, other = carriers[0][i], carriers[1][j]
        pairs.append((one, other))
        carriers[0][i], carriers[1][j] = other, one
    return pairs


def resolve(
    rng: np.random.Generator, chiasmata_bp: NDArray[np.int64], centromere_bp: int
) -> tuple[Chromatid, ...]:
    """The four chromatids of a tetrad with chiasmata (rising) at these positions."""
    n_left = int(np.searchsorted(chiasmata_bp, centromere_bp, side="left"))
    arms = (chiasmata_bp[:n_left][::-1], chiasmata_bp[n_left:])
    breaks: list[list[int]] = [[], [], [], []]
    turns = [0, 0, 0, 0]
    for is_left, arm in zip((True, False), arms, strict=True):
        pairs = _participants(rng, len(arm))
        for bp, pair in zip(arm.tolist(), pairs, strict=True):
            for chromatid in pair:
                breaks[chromatid].append(bp)
                turns[chromatid] += is_left
    chromatids = []
    for number, found in enumerate(breaks):
        # Two crossovers between the same two bases are none.
        where, times = np.unique(np.array(found, dtype=np.int64), return_counts=True)
        centromere = number // 2
        first = (centromere + turns[number]) % 2
        chromatids.append(Chromatid(centromere, first, where[times % 2 == 1]))
    return tuple(chromatids)


def draw_tetrad(
    rng: np.random.Generator,
    genetic_map: GeneticMap,
    end_bp: int,
    centromere_bp: int,
    interference: Interference,
) -> tuple[Chromatid, ...]:
    """The chromatids of a chromosome from position 1 to `end_bp`, or to the map's end
    where that is farther.

    A centromere beyond that is moved to it: the chromosome is telocentric.
    """
    last = max(end_bp, int(genetic_map.pos_bp[-1]))
    inside = (genetic_map.pos_bp > 1) & (genetic_map.pos_bp < last)
    grid_bp = np.concatenate([[1], genetic_map.pos_bp[inside], [last]])
    grid_cm = genetic_map.cm_at(grid_bp)
    length_cm = float(grid_cm[-1] - grid_cm[0])
    chiasmata_cm = grid_cm[0] + draw_chiasmata(rng, length_cm, interference)
    chiasmata_bp = np.interp(chiasmata_cm, grid_cm, grid_bp).astype(np.int64)
    return resolve(rng, chiasmata_bp, min(centromere_bp, last))


def choose(
    rng: np.random.Generator,
    tetrad: Sequence[Chromatid],
    centromere: int | None = None,
) -> dict[str, Chromatid]:
    """The gamete's chromatid, and the one that it would get besides by nondisjunction.

    centromere: haplotype that the gamete must have there. Keys: `gamete`; `meiosis_1`:
    a chromatid of the other homologue; `meiosis_2`: the sister.
    """
    # METHOD: nondisjunction in meiosis I keeps both homologues together, in meiosis II
    # both sisters; each carries the chiasmata that it had, so that heterozygosity at
    # the centromere tells one from the other.
    pair, first, second = rng.integers(0, 2, 3).tolist()
    if centromere is not None:
        pair = centromere
    own = 2 * pair + first
    return {
        "gamete": tetrad[own],
        "meiosis_1": tetrad[2 * (1 - pair) + second],
        "meiosis_2": tetrad[own ^ 1],
    }
