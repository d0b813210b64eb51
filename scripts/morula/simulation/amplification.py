"""Whole-genome amplification: how much template each chromosome copy ends up with.

Each copy of a chromosome in each cell is covered by amplicons of its own. An amplicon's
amount is 0 where the allele was lost, else log-normal with mean 1, times a slow
log-normal change along the copy, times what its GC content does. Cells are amplified by
themselves and pooled: amounts are summed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from morula.simulation.copies import Copy
from morula.simulation.protocols import Protocol

# GC content is averaged over an amplicon from bins of this size.
GC_BIN_BP = 100
# Amounts are 1 at this GC content, about that of the human genome (Lander 2001).
GC_CENTRE = 0.41


@dataclass(frozen=True)
class Template:
    """Amounts along one chromosome copy, in coordinates of the reference.

    edges: int64 (A + 1,), rising offsets from the stretch's start; amounts: float64
    (A,): relative number of molecules of each amplicon.
    """

    edges: NDArray[np.int64]
    amounts: NDArray[np.float64]

    def amounts_at(self, offsets: NDArray[np.int64]) -> NDArray[np.float64]:
        """Amount at each offset, float64."""
        index = np.searchsorted(self.edges, offsets, side="right") - 1
        return self.amounts[np.minimum(index, len(self.amounts) - 1)]


def allele_loss(dropout_rate: float) -> float:
    """Probability that one given allele is lost.

    METHOD: both alleles are lost independently with probability e. Sites without any
    template are locus dropout, e^2; of the rest 2 e (1 - e) / (1 - e^2) = 2 e / (1 + e)
    keep one allele: that is the allele dropout rate which laboratories report.
    """
    return dropout_rate / (2.0 - dropout_rate)


@dataclass(frozen=True)
class GcContent:
    """GC content along a stretch; cumulated: float64 (B + 1,), sum of the GC shares of
    the bins of GC_BIN_BP before each bin's start."""

    cumulated: NDArray[np.float64]

    def mean_between(self, edges: NDArray[np.int64]) -> NDArray[np.float64]:
        """Mean GC content between neighbouring edges, float64 (A,). A stretch shorter
        than a bin has the bin's content."""
        middle = (edges[1:] + edges[:-1]) / 2.0
        half = np.maximum(np.diff(edges), GC_BIN_BP) / 2.0
        at = np.arange(len(self.cumulated), dtype=np.float64) * GC_BIN_BP
        low, high = np.maximum(middle - half, 0.0), np.minimum(middle + half, at[-1])
        sums = np.interp(high, at, self.cumulated) - np.interp(low, at, self.cumulated)
        return np.asarray(sums * GC_BIN_BP / np.maximum(high - low, 1.0))


def gc_content(codes: NDArray[np.uint8]) -> GcContent:
    """GC content of a stretch of nucleotide codes (see `sequence`); unknown bases
    count as the genome's mean."""
    share = np.array([0.0, 1.0, 1.0, 0.0, GC_CENTRE])
    n_bins = max(-(-len(codes) // GC_BIN_BP), 1)
    sums = np.zeros(n_bins)
    for begin in range(0, n_bins, 10_000):
        part = share[codes[begin * GC_BIN_BP : (begin + 10_000) * GC_BIN_BP]]
        bins = np.add.reduceat(part, np.arange(0, len(part), GC_BIN_BP))
        sums[begin : begin + len(bins)] = bins / GC_BIN_BP
    # The last bin may be short.
    last = len(codes) - (n_bins - 1) * GC_BIN_BP
    sums[-1] *= GC_BIN_BP / max(last, 1)
    return GcContent(np.concatenate([[0.0], np.cumsum(sums)]))


def _edges(rng: np.random.Generator, span_bp: int, mean_bp: float) -> NDArray[np.int64]:
    """Ends of stretches of exponential length along `span_bp` bases, 0 and span too."""
    # METHOD: lengths are exponential, so a dropout's reach is memoryless, as the local
    # maternal share in the correction is Markov.
    pieces = [np.zeros(1, dtype=np.int64)]
    covered = 0
    while covered < span_bp:
        size = 16 + int(1.2 * (span_bp - covered) / mean_bp)
        drawn = np.maximum(np.ceil(rng.exponential(mean_bp, size)), 1).astype(np.int64)
        pieces.append(covered + np.cumsum(drawn))
        covered = int(pieces[-1][-1])
    ends = np.concatenate(pieces)
    return np.append(ends[ends < span_bp], span_bp)


@numba.njit(cache=True)
def _autoregress(
    noise: NDArray[np.float64], keep: NDArray[np.float64]
) -> NDArray[np.float64]:
    """z[k] = keep[k] z[k - 1] + sqrt(1 - keep[k]^2) noise[k]: variance 1 throughout."""
    out = noise.copy()
    for k in range(1, len(noise)):
        out[k] = keep[k] * out[k - 1] + np.sqrt(1.0 - keep[k] ** 2) * noise[k]
    return out


def _ln_regional(
    rng: np.random.Generator, edges: NDArray[np.int64], protocol: Protocol
) -> NDArray[np.float64]:
    """ln of the slow part of the amounts, mean amount 1, at the amplicons' middles."""
    # METHOD: a stationary Ornstein-Uhlenbeck process: amounts of neighbouring amplicons
    # are correlated, as observed over 10 kb to megabases (Zhang 2015, the bin sizes at
    # which MDA's coverage still varies).
    middle = (edges[1:] + edges[:-1]) / 2.0
    gaps = np.diff(middle, prepend=middle[0])
    keep = np.exp(-gaps / protocol.regional_bp)
    z = _autoregress(rng.normal(size=len(middle)), keep)
    return np.asarray(protocol.regional_sd * z - protocol.regional_sd**2 / 2.0)


def amplify(
    rng: np.random.Generator,
    span_bp: int,
    protocol: Protocol,
    gc: GcContent | None = None,
) -> Template:
    """Amplicons of one chromosome copy of one cell along `span_bp` bases."""
    edges = _edges(rng, span_bp, protocol.amplicon_bp)
    n_amplicons = len(edges) - 1
    sd = protocol.imbalance_sd
    ln_amounts = rng.normal(-(sd**2) / 2.0, sd, n_amplicons)
    ln_amounts += _ln_regional(rng, edges, protocol)
    if gc is not None:
        ln_amounts += protocol.gc_slope * (gc.mean_between(edges) - GC_CENTRE)
    amounts = np.exp(ln_amounts)
    amounts[rng.random(n_amplicons) < allele_loss(protocol.dropout_rate)] = 0.0
    return Template(edges, amounts)


def _locus_dropout(
    rng: np.random.Generator, span_bp: int, protocol: Protocol
) -> Template:
    """1 where the cell's locus can be amplified at all, 0 where no copy is."""
    edges = _edges(rng, span_bp, protocol.amplicon_bp)
    kept = rng.random(len(edges) - 1) >= protocol.locus_dropout_rate
    return Template(edges, kept.astype(np.float64))


def times(first: Template, second: Template) -> Template:
    """The product of two amounts along the same region."""
    edges = np.union1d(first.edges, second.edges)
    starts = edges[:-1]
    return Template(edges, first.amounts_at(starts) * second.amounts_at(starts))


def _presence(
    copy: Copy, start0: int, span_bp: int, ends: tuple[int, int], u: float | None
) -> Template:
    """1 where the cell at `u` has the copy, else 0; without u the share of cells that
    have it. ends: first and last position of the chromosome's sites, beyond which a
    stretch that reaches them goes on to the end."""
    bounds, shares = [0], [0.0]
    for one in copy.stretches:
        begin = 0 if one.start <= ends[0] else one.start - 1 - start0
        end = span_bp if one.end >= ends[1] else one.end - start0
        begin, end = max(begin, bounds[-1]), min(end, span_bp)
        if begin >= end:
            continue
        share = one.cells_to - one.cells_from if u is None else one.is_in_cell(u)
        if begin == bounds[-1] and shares[-2:-1] == [share]:
            bounds[-1] = end
            continue
        if begin > bounds[-1]:
            bounds.append(begin)
            shares.append(0.0)
        shares[-1] = float(share)
        bounds.append(end)
        shares.append(0.0)
    if bounds[-1] < span_bp:
        bounds.append(span_bp)
    edges = np.array(bounds, dtype=np.int64)
    return Template(edges, np.array(shares[: len(edges) - 1]))


@dataclass(frozen=True)
class Molecule:
    """One copy of a chromosome in one cell, as amplified.

    cell: its number, from 0; copy: index of the copy in the person's list; origin:
    index in `fragments.ORIGINS`. Cells of one person share the copy's sequence.
    """

    cell: int
    copy: int
    origin: int
    template: Template

    def scaled(self, factor: float) -> Molecule:
        """The same with all amounts times `factor`."""
        template = Template(self.template.edges, self.template.amounts * factor)
        return Molecule(self.cell, self.copy, self.origin, template)


@dataclass(frozen=True)
class Region:
    """The part of a chromosome that is simulated.

    start0: 0-based; span_bp: bases; first, last: positions (1-based) of the outermost
    sites, to which the copies' tables reach; gc: its GC content, None for no GC bias.
    """

    start0: int
    span_bp: int
    first: int
    last: int
    gc: GcContent | None = None


def molecules_of(
    rng: np.random.Generator,
    copies: Sequence[Copy],
    region: Region,
    protocol: Protocol,
    origin: int = 0,
) -> list[Molecule]:
    """The molecules of a person's cells, cell by cell and copy by copy.

    Ordinary DNA is one molecule a copy, with amount 1 (the share of cells that have
    the copy, where it is mosaic).
    """
    span, ends = region.span_bp, (region.first, region.last)
    if not protocol.is_amplified:
        return [
            Molecule(0, k, origin, _presence(copy, region.start0, span, ends, None))
            for k, copy in enumerate(copies)
        ]
    molecules = []
    for cell in range(protocol.cells):
        u = (cell + 0.5) / protocol.cells
        locus = _locus_dropout(rng, span, protocol)
        for k, copy in enumerate(copies):
            has = _presence(copy, region.start0, span, ends, u)
            template = times(amplify(rng, span, protocol, region.gc), locus)
            molecules.append(Molecule(cell, k, origin, times(template, has)))
    return molecules


def summed(molecules: Sequence[Molecule], edges: NDArray[np.int64]) -> NDArray:
    """Sum of the molecules' amounts in each stretch between edges, float64 (A,)."""
    total = np.zeros(len(edges) - 1)
    for one in molecules:
        total += one.template.amounts_at(edges[:-1])
    return total
