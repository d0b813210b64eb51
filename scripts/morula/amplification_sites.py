"""The sites of an embryo that tell of its amplification, in stretches of its genome.

Shapes: L sites of a chromosome.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from morula import site_signals
from morula.amplification_fit import Stretch
from morula.family_sites import FamilySites, between, is_informative
from morula.inheritance import Chain

# Sites in a stretch: some ten amplicons at full depth.
STRETCH_SITES = 400
# Other sites tell the error rates alone: one for each two informative ones.
PLAIN_SHARE = 0.5
# Sites that are farther apart are rarely on one fragment (bp); and the share of sites
# without reads above which neighbours with reads often are.
FRAGMENT_BP = 700
SHALLOW = 0.2


@dataclass(frozen=True)
class Choice:
    """stretches: in the order of the genome; sites_informative: sites with reads that
    tell of x; sites_used: sites of the stretches; is_array: markers, not reads."""

    stretches: tuple[Stretch, ...]
    sites_informative: int
    sites_used: int
    is_array: bool = False

    @property
    def unseen(self) -> float:
        """Share of the amplified sites that has no reads.

        # METHOD: Chao's estimate from the sites with one and with two reads (Chao
        # 1984), which sites lost with both alleles do not enter. A marker of an array
        # shows all that is amplified.
        """
        if self.is_array:
            return 0.0
        depth = [stretch.chain.reads.sum(axis=1) for stretch in self.stretches]
        single, double = (sum(int((d == n).sum()) for d in depth) for n in (1, 2))
        missed = single * max(single - 1, 0) / (2.0 * (double + 1))
        return missed / max(missed + self.sites_used, 1.0)

    @property
    def is_shallow(self) -> bool:
        """Whether many sites with reads have those of one fragment."""
        return self.unseen > SHALLOW


def evenly(n: int, wanted: int) -> NDArray[np.int64]:
    """At most `wanted` of range(n), evenly spaced."""
    if wanted >= n:
        return np.arange(n)
    return np.asarray((np.arange(wanted) + 0.5) * n / max(wanted, 1), dtype=np.int64)


def of_fragments(
    rows: NDArray[np.int64], pos_bp: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Those of `rows` (rising) that are each FRAGMENT_BP from the one before, so that
    hardly two are of one fragment; pos_bp: (L,)."""
    kept = []
    last = -FRAGMENT_BP
    for row, pos in zip(rows.tolist(), pos_bp[rows].tolist(), strict=True):
        if pos - last >= FRAGMENT_BP:
            kept.append(row)
            last = pos
    return np.array(kept, dtype=np.int64)


def of_chromosome(
    family: FamilySites,
    reads: NDArray[np.float64],
    max_depth: float,
    one_a_fragment: bool = False,
    is_array: bool = False,
) -> tuple[list[Stretch], int]:
    """Stretches of one chromosome and the number of informative sites; reads: (L, 2),
    or what an array shows.

    Sites without reads are left out: the steps over them lose nothing. one_a_fragment:
    of informative sites that one fragment may cover, the first alone.
    """
    has_reads = reads.sum(axis=1) > 0
    tells = is_informative(family)
    rows = np.flatnonzero(has_reads & tells)
    if one_a_fragment:
        rows = of_fragments(rows, family.sites.pos_bp)
    plain = np.flatnonzero(has_reads & ~tells)
    sample = plain[evenly(len(plain), int(PLAIN_SHARE * len(rows)) + 1)]
    chosen = np.sort(np.concatenate([rows, sample]))
    if len(chosen) == 0:
        return [], 0
    chain = Chain(
        *site_signals.at_rows(family, chosen, reads, max_depth, is_array),
        family.parents[0].alleles[chosen],
        family.parents[1].alleles[chosen],
        between(family.flip(0), chosen),
        between(family.flip(1), chosen),
        np.ones(len(chosen)),
    )
    return _cut(chain, family.sites.pos_bp[chosen]), len(rows)


def _cut(chain: Chain, pos_bp: NDArray[np.int64]) -> list[Stretch]:
    """The chain in stretches of about STRETCH_SITES sites."""
    parts = np.array_split(np.arange(len(pos_bp)), -(-len(pos_bp) // STRETCH_SITES))
    return [
        Stretch(
            Chain(
                chain.reads[part],
                chain.site_class[part],
                chain.allele_maternal[part],
                chain.allele_paternal[part],
                chain.flip_maternal[part],
                chain.flip_paternal[part],
                chain.stay[part],
            ),
            np.diff(pos_bp[part], prepend=pos_bp[part[0]]),
        )
        for part in parts
    ]


def choose(
    chromosomes: Sequence[tuple[list[Stretch], int]],
    max_sites: int,
    is_array: bool = False,
) -> Choice:
    """All stretches, or as many of them, evenly spread over the genome, as hold at most
    max_sites sites (one at least); chromosomes: results of `of_chromosome`."""
    every = [stretch for stretches, _ in chromosomes for stretch in stretches]
    n_sites = sum(len(stretch.gap_bp) for stretch in every)
    wanted = max(int(len(every) * min(1.0, max_sites / max(n_sites, 1))), 1)
    kept = tuple(every[index] for index in evenly(len(every), wanted))
    return Choice(
        kept,
        sum(count for _, count in chromosomes),
        sum(len(stretch.gap_bp) for stretch in kept),
        is_array,
    )
