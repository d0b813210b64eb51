"""Amplification of one embryo: the model of its reads, and what was learnt of it.

The distribution of the local maternal share x (its ends are the allele dropout rate),
the amplicon length, the read error rates by class, and the share of reads from the
mother's own cells. morula.amplification_fit learns them.

A site's class is 12 * level of contamination (morula.contamination_level) + 4 *
mother's ALT copies + error class (morula.error_classes).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import special

from morula import contamination_level, inheritance, tables
from morula.error_classes import N_ERROR_CLASSES
from morula.errors import InputError

# Of one level of contamination: three of the mother's copies, four of errors.
N_OF_LEVEL = 3 * N_ERROR_CLASSES
N_CLASSES = N_OF_LEVEL * contamination_level.N_LEVELS
# Of the fixed point of dropout_of_loci, which contracts quickly.
UNSEEN_ROUNDS = 30
LEAST_KEPT = 1e-9


@dataclass(frozen=True)
class Preset:
    """Where EM starts: dropout rate of one cell, shape of the gamma-distributed
    amplification of either allele (share x is Beta(shape, shape)), amplicon length."""

    dropout: float
    shape: float
    length_bp: float


@dataclass(frozen=True)
class Amplification:
    """shares: (K,) grid of x; share_prior: (K,), P(x) at a fresh draw; length_bp: mean
    length of a stretch of constant x; error, error_damage, error_indel: P(a read shows
    the site's other allele) for ordinary substitutions, for C>T / G>A, and at indels;
    contamination: share of all reads from the mother's own cells (0: none, and none is
    learnt)."""

    shares: NDArray[np.float64]
    share_prior: NDArray[np.float64]
    length_bp: float
    error: float
    error_damage: float
    error_indel: float
    contamination: float

    # What has an interval in the record of what was learnt; whether markers of an array
    # show what is amplified (morula.array_signal), or reads.
    measured: ClassVar[tuple[str, ...]] = (
        "dropout",
        "imbalance",
        "length_bp",
        "error",
        "error_damage",
        "error_indel",
        "contamination",
    )
    is_array: ClassVar[bool] = False

    @property
    def misread(self) -> float:
        """P(what shows one allele is the other's), at an ordinary substitution."""
        return self.error

    @property
    def worst_error(self) -> float:
        """The rate of ordinary substitutions or of damage, whichever is more."""
        return max(self.error, self.error_damage)

    @property
    def dropout(self) -> float:
        """Allele dropout at a site with reads: P(x = 0) + P(x = 1)."""
        return float(self.share_prior[0] + self.share_prior[-1])

    @property
    def imbalance(self) -> float:
        """Mean of |2 x - 1| where both alleles are present: 0 is balanced."""
        inner = self.share_prior[1:-1]
        return float(inner @ np.abs(2 * self.shares[1:-1] - 1) / inner.sum())

    @property
    def alt_template(self) -> NDArray[np.float64]:
        """Share of the template that carries ALT, by class: (C, G, K)."""
        copies = np.repeat([0.0, 0.5, 1.0], N_ERROR_CLASSES)
        mother = np.tile(copies, contamination_level.N_LEVELS)[:, None, None]
        embryo = inheritance.alt_template_share(self.shares)
        local = contamination_level.local(self.contamination)
        c = np.repeat(local, N_OF_LEVEL)[:, None, None]
        return np.asarray((1.0 - c) * embryo + c * mother)

    @property
    def errors(self) -> NDArray[np.float64]:
        """P(REF read as ALT) and P(ALT read as REF) by class: (2, C)."""
        plain, damage, slip = self.error, self.error_damage, self.error_indel
        of_class = [[plain, damage, plain, slip], [plain, plain, damage, slip]]
        return np.tile(of_class, N_CLASSES // N_ERROR_CLASSES)

    def read_table(self) -> NDArray[np.float64]:
        """ln P(read | class, genotype, share), see inheritance.read_table."""
        return inheritance.read_table(self.alt_template, *self.errors)


def site_classes(
    errors: NDArray[np.int64],
    mother: NDArray[np.float64],
    level: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Class of each site, int64 (L,); errors: (L,), its error class; mother: (L, 2),
    P(her haplotype carries ALT); level: (L,), of contamination_level.levels."""
    copies = np.rint(mother.sum(axis=1)).astype(np.int64)
    return errors + N_ERROR_CLASSES * copies + N_OF_LEVEL * level


def read_preset(path: str | Path, name: str) -> Preset:
    """The row of `name` in the table of presets (resources/amplification.tsv)."""
    rows = {row["amplification"]: row for row in tables.read_tsv(path)}
    if name not in rows:
        raise InputError(f"{path}: no amplification {name!r}; it has {', '.join(rows)}")
    row = rows[name]
    return Preset(float(row["dropout"]), float(row["shape"]), float(row["length_bp"]))


def start(
    preset: Preset,
    cells: int | None,
    n_shares: int,
    error: float,
    error_damage: float,
    error_indel: float,
    contamination: float,
    unseen: float = 0.0,
) -> Amplification:
    """Where EM starts for an embryo of `cells` cells on a grid of n_shares points;
    unseen: share of the amplified sites that has no reads."""
    # METHOD: with n cells an allele is lost only where it fails in most of them; the
    # start falls with sqrt(n), as from 0.16-0.20 in one cell to 0.05 in a trophectoderm
    # biopsy (MDA). A start only: EM replaces it wherever there are reads.
    dropout = dropout_of_seen(preset.dropout / math.sqrt(cells or 1), unseen)
    shares = np.linspace(0.0, 1.0, n_shares)
    half = 0.5 / (n_shares - 1)
    edges = np.clip(np.append(shares - half, 1.0), 0.0, 1.0)
    inner = np.diff(special.betainc(preset.shape, preset.shape, edges))
    inner[[0, -1]] = 0.0  # the published dropout holds the most extreme imbalance
    share_prior = (1.0 - dropout) * inner / inner.sum()
    share_prior[[0, -1]] = dropout / 2
    share_prior = np.maximum(share_prior, 1e-6)
    return Amplification(
        shares,
        share_prior / share_prior.sum(),
        preset.length_bp,
        error,
        error_damage,
        error_indel,
        contamination,
    )


def _unread(dropout: float, unseen: float) -> float:
    """P(no reads of an allele that is amplified): z of dropout_of_seen."""
    kept = max(1.0 - dropout, LEAST_KEPT)
    return (math.sqrt(dropout**2 + 4 * kept * unseen) - dropout) / (2 * kept)


def dropout_of_seen(dropout: float, unseen: float) -> float:
    """Allele dropout at the sites with reads, from that of all amplified sites;
    unseen: share of the amplified sites that has no reads.

    # METHOD: an amplified allele gives no reads with probability z; with allele dropout
    # d then a share d z + (1 - d) z^2 of the sites is unseen, and of the seen ones
    # d (1 - z) / (d (1 - z) + (1 - d) (1 - z^2)) show dropout: the shallower the reads,
    # the more rarely a site with a lost allele is among those with reads.
    """
    z = _unread(dropout, unseen)
    return dropout / (dropout + (1.0 - dropout) * (1.0 + z))


def dropout_of_loci(seen: float, unseen: float) -> float:
    """Inverse of dropout_of_seen."""
    rate = seen
    for _ in range(UNSEEN_ROUNDS):
        z = _unread(rate, unseen)
        rate = seen * (1.0 + z) / (1.0 + seen * z)
    return rate


def cap_depth(reads: NDArray[np.float64], max_depth: float) -> NDArray[np.float64]:
    """Scale a site's reads down to max_depth in all: (L, 2)."""
    # METHOD: beyond some tens of reads the copies of one template carry no more news,
    # and the grid of x is coarser than their sampling error.
    depth = reads.sum(axis=1, keepdims=True)
    return reads * np.minimum(1.0, max_depth / np.maximum(depth, 1.0))
