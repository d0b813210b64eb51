"""What a simulated amplification shows by the definitions of published measurements.

A synthetic chromosome: half of the sites are heterozygous. Genotypes are the likeliest
of the reads (`morula.simulation.calls`), where they are MIN_QUALITY better than the
second: without any knowledge of amplification, as in the published comparisons.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from morula.parental_alleles import Sites
from morula.simulation.amplification import Region
from morula.simulation.calls import call_sample
from morula.simulation.copies import ordinary_pair
from morula.simulation.counts import Counted, CountModel, count_tube
from morula.simulation.loci import Chromosome
from morula.simulation.molecules import draw_fragments, fragment_model, make_pool
from morula.simulation.protocols import Protocol
from morula.simulation.streams import stream
from morula.simulation.tube import Carrier, Tube

# As many amplicons as give a share to about a tenth of itself, within limits of time.
SPAN_AMPLICONS = 800
SPAN_LIMITS_BP = (4_000_000, 22_000_000)
GAP_BP = 100
# Phred: the likeliest genotype is a hundred times likelier than the next.
MIN_QUALITY = 20.0
MODEL = CountModel(150, 350.0, 60.0, 0.004, 0.05, 20)
# Coverage's autocorrelation: bins, and the range of distances of the fit.
BIN_BP = 1_000
LONGEST_BP = 100_000
CORRELATION_SPAN_BP = 60_000_000


def _sites(span_bp: int, gap_bp: int, seed: int) -> tuple[Sites, Carrier]:
    """Sites with random letters, and a person who is heterozygous at half of them."""
    rng = stream(seed, "sites")
    pos_bp = np.arange(500, span_bp - 500, gap_bp, dtype=np.int64)
    n = len(pos_bp)
    ref = rng.integers(0, 4, n)
    alt = (ref + rng.integers(1, 4, n)) % 4
    letters = np.array(list("ACGT"), dtype=object)
    first = rng.integers(0, 2, n)
    other = np.where(rng.random(n) < 0.5, first, 1 - first)
    alleles = np.column_stack([first, other]).astype(np.int8)
    rows = Sites(pos_bp, letters[ref].astype(str), letters[alt].astype(str))
    copies = ordinary_pair(1, span_bp)
    person = Carrier("chr1", pos_bp, letters[ref], letters[alt], alleles, copies)
    return rows, person


def _span(protocol: Protocol) -> int:
    """Length of the synthetic chromosome."""
    low, high = SPAN_LIMITS_BP
    return int(min(max(SPAN_AMPLICONS * protocol.amplicon_bp, low), high))


def _count(
    protocol: Protocol, depth: float, seed: int, span_bp: int, gap_bp: int
) -> tuple[Counted, Carrier]:
    rows, person = _sites(span_bp, gap_bp, seed)
    region = Region(0, span_bp, 1, span_bp)
    chromosome = Chromosome(person, None, region, rows)
    tube = Tube("cell", protocol, 0.0, seed)
    ((counted, _),) = count_tube(tube, [chromosome], depth, MODEL)
    return counted, person


def genotype_measures(protocol: Protocol, depth: float, seed: int) -> dict[str, float]:
    """allele_dropout: share of the genotyped het sites that are called homozygous;
    het_genotyped: share of the het sites that are genotyped; false_het: share of the
    genotyped homozygous sites that are called het; covered: share of the sites with a
    read."""
    counted, person = _count(protocol, depth, seed, _span(protocol), GAP_BP)
    cost = call_sample(counted.tally).cost
    genotyped = np.sort(cost, axis=1)[:, 1] >= MIN_QUALITY
    called_het = cost.argmin(axis=1) == 1
    het = person.alleles[:, 0] != person.alleles[:, 1]
    return {
        "allele_dropout": float((~called_het)[het & genotyped].mean()),
        "het_genotyped": float(genotyped[het].mean()),
        "false_het": float(called_het[~het & genotyped].mean()),
        "covered": float((counted.tally.seen[:, :, :2].sum(axis=(1, 2)) > 0).mean()),
    }


def chimeric_pairs(protocol: Protocol, depth: float, seed: int) -> dict[str, float]:
    """Share of the pairs of which two parts lie apart."""
    del depth
    tube = Tube("cell", protocol, 0.0, seed)
    span = _span(protocol)
    region = Region(0, span, 1, span)
    contents = tube.chromosome("chr1", ordinary_pair(1, span), [], region)
    drawing = fragment_model(
        protocol, MODEL.insert_mean, MODEL.insert_sd, MODEL.duplicate_rate
    )
    pool = make_pool(contents.molecules, 2)
    fragments = draw_fragments(stream(seed, "chimeras"), pool, drawing, 100_000)
    return {"chimeric_pairs": float(fragments.is_chimera.mean())}


def _decay(
    distance: NDArray[np.float64], floor: float, height: float, length: float
) -> NDArray[np.float64]:
    return np.asarray(floor + height * np.exp(-distance / length))


def correlation_length(protocol: Protocol, depth: float, seed: int) -> dict[str, float]:
    """Distance over which coverage stays alike, bp: an exponential decay and a floor
    fitted to its autocorrelation from 1 to 100 kb (Zhang 2015)."""
    gap_bp = BIN_BP // 4
    counted, _ = _count(protocol, depth, seed, CORRELATION_SPAN_BP, gap_bp)
    reads = counted.depths.sum(axis=1)
    bins = reads[: len(reads) // 4 * 4].reshape(-1, 4).sum(axis=1)
    bins = bins / bins.mean() - 1.0
    lags = np.arange(1, LONGEST_BP // BIN_BP + 1)
    products = np.array([np.mean(bins[lag:] * bins[:-lag]) for lag in lags])
    start = (0.0, float(products[0]), 20_000.0)
    found, _ = optimize.curve_fit(_decay, lags * float(BIN_BP), products, p0=start)
    return {"correlation_length": float(found[2])}


# Which function gives a measure.
MEASURES: Mapping[str, Callable[[Protocol, float, int], dict[str, float]]] = {
    "allele_dropout": genotype_measures,
    "het_genotyped": genotype_measures,
    "false_het": genotype_measures,
    "covered": genotype_measures,
    "chimeric_pairs": chimeric_pairs,
    "correlation_length": correlation_length,
}
