"""Whole-genome amplification: how much template each chromosome copy ends up with.

Each copy of a chromosome is covered by amplicons of its own. An amplicon's amount is 0
where the allele was lost, else gamma distributed with mean 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Amplification:
    """What the amplification does to one sample's DNA.

    dropout_rate: share of the sites with any template that have one allele only;
    amplicon_bp: mean length; shape: of the gamma distribution of amounts (large: even).
    """

    dropout_rate: float
    amplicon_bp: float
    shape: float


@dataclass(frozen=True)
class Template:
    """Amounts along one chromosome copy, in coordinates of the reference.

    edges: int64 (A + 1,), rising offsets from the stretch's start; amounts: float64
    (A,): relative number of molecules of each amplicon.
    """

    edges: NDArray[np.int64]
    amounts: NDArray[np.float64]


def allele_loss(dropout_rate: float) -> float:
    """Probability that one given allele is lost.

    METHOD: both alleles are lost independently with probability e. Sites without any
    template are locus dropout, e^2; of the rest 2 e (1 - e) / (1 - e^2) = 2 e / (1 + e)
    keep one allele: that is the allele dropout rate which laboratories report.
    """
    return dropout_rate / (2.0 - dropout_rate)


def ordinary(span_bp: int) -> Template:
    """DNA that was not amplified: the same amount everywhere."""
    return Template(np.array([0, span_bp], dtype=np.int64), np.ones(1))


def amplify(
    rng: np.random.Generator, span_bp: int, amplification: Amplification
) -> Template:
    """Amplicons of one chromosome copy along `span_bp` bases."""
    # METHOD: lengths are exponential, so a dropout's reach is memoryless, as the local
    # maternal share in the correction is Markov; amounts are gamma (over-dispersed
    # exponential growth of few molecules).
    lengths: list[NDArray[np.int64]] = []
    covered = 0
    while covered < span_bp:
        size = 16 + int(1.5 * (span_bp - covered) / amplification.amplicon_bp)
        drawn = np.ceil(rng.exponential(amplification.amplicon_bp, size))
        lengths.append(np.maximum(drawn, 1).astype(np.int64))
        covered += int(lengths[-1].sum())
    ends = np.cumsum(np.concatenate(lengths))
    inner = ends[ends < span_bp]
    edges = np.concatenate([[0], inner, [span_bp]]).astype(np.int64)
    n_amplicons = len(edges) - 1
    amounts = rng.gamma(amplification.shape, 1.0 / amplification.shape, n_amplicons)
    lost = rng.random(n_amplicons) < allele_loss(amplification.dropout_rate)
    amounts[lost] = 0.0
    return Template(edges, amounts)


def shares(
    maternal: Template, paternal: Template
) -> list[tuple[int, int, float | None, float]]:
    """(start0, end0, maternal share, amount) of each stretch in which neither changes.

    The share is None where both alleles are lost; amount is the two copies' mean.
    """
    edges = np.union1d(maternal.edges, paternal.edges)
    starts = edges[:-1]
    m, p = (
        t.amounts[np.searchsorted(t.edges, starts, side="right") - 1]
        for t in (maternal, paternal)
    )
    return [
        (int(start), int(end), float(a / (a + b)) if a + b > 0 else None, (a + b) / 2)
        for start, end, a, b in zip(
            starts, edges[1:], m.tolist(), p.tolist(), strict=True
        )
    ]
