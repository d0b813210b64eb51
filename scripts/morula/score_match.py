"""Matching the rows of a scoring file to the sites of the panel.

A row's weight counts copies of its effect allele; here it becomes a weight on copies of
ALT and a constant: w for ALT is (w, 0); w for REF is (-w, 2 w), since copies of REF are
two less copies of ALT. Shapes: n rows of the file, m rows that fit a site.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from morula import match_kernels
from morula.match_kernels import FLIPPED, LAST_BASE, NO_FIT
from morula.panel_sites import POSITION_BITS, PanelSites
from morula.scoring_rows import ABSENT, OPEN, REASONS, REPEATED, ScoringRows

# METHOD: an ambiguous (A/T, C/G) variant is told by frequency only where both the
# file's and the panel's frequency are at least this far from one half; nearer to it
# the two strands cannot be told apart (Chen et al. 2018 use 0.4-0.6 as well).
FREQUENCY_MARGIN = 0.1

# METHOD: one that frequency does not tell is on the strand of its file, if the file has
# one: that of nearly all its rows whose alleles tell the strand. With less than one in
# 200 of these on the other strand as few of the ambiguous ones are wrong, while leaving
# all out costs a seventh of a score's variants.
STRAND_SHARE = 0.995
STRAND_ROWS = 100

MATCHED = (
    "matched",
    "matched_swapped",
    "matched_flipped",
    "matched_flipped_swapped",
    "matched_by_frequency",
    "matched_by_strand",
)
# What becomes of a row, by number: why it cannot be matched, or how it was, in the
# order of match_kernels' fits, or why not.
OUTCOMES = (
    *REASONS,
    *MATCHED,
    "other_allele_unknown",
    "ambiguous",
    "conflicting_weights",
    "alleles_differ",
    "not_in_panel",
    "chromosome_not_analysed",
)
_CODES = {name: code for code, name in enumerate(OUTCOMES)}
FIRST_MATCHED, LAST_MATCHED = _CODES[MATCHED[0]], _CODES[MATCHED[-1]]
BY_FREQUENCY, BY_STRAND = LAST_MATCHED - 1, LAST_MATCHED

Codes = NDArray[np.uint8]
Flags = NDArray[np.bool_]
Indices = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Matches:
    """Outcome of matching the rows of one file.

    outcomes (n,): of OUTCOMES; weights (n,): of the rows; sites (k,), increasing, and
    betas (k,): weights of a copy of ALT; constant: to be added to every sum.
    """

    outcomes: Codes
    weights: Floats
    sites: Indices
    betas: Floats
    constant: float


@dataclass(frozen=True)
class _Fits:
    """The rows that fit a site, each with its best; all (m,). fits: of match_kernels;
    is_alt: the effect allele is ALT."""

    rows: Indices
    sites: Indices
    n_fits: Indices
    fits: Codes
    outcomes: Codes
    is_alt: Flags

    @property
    def is_used(self) -> Flags:
        return is_matched(self.outcomes)


def is_matched(outcomes: Codes) -> Flags:
    """Whether outcomes are among MATCHED."""
    return (outcomes >= FIRST_MATCHED) & (outcomes <= LAST_MATCHED)


def match_rows(rows: ScoringRows, panel: PanelSites, ambiguous: str) -> Matches:
    """Match the rows of a file.

    ambiguous: what to do with A/T and C/G: `drop`; `frequency` (keep where the
    frequencies tell the strand); `strand` (keep where these or the other rows of the
    file tell it); or `as_written`.
    """
    outcomes = rows.reason.copy()
    alleles = _panel_alleles(rows, panel)
    best = _best_fits(rows, panel, alleles, outcomes)
    best = _resolve_ambiguous(best, rows, panel, alleles, ambiguous)
    betas = np.where(best.is_alt, 1.0, -1.0) * rows.weight[best.rows]
    best = _drop_repeats(best, betas)
    outcomes[best.rows] = best.outcomes
    used = best.is_used
    sites, betas = _sum_by_site(best.sites[used], betas[used])
    on_ref = 2.0 * rows.weight[best.rows[used & ~best.is_alt]]
    # One after the other, so that the same file gives the same bytes.
    constant = float(np.cumsum(on_ref)[-1]) if len(on_ref) else 0.0
    return Matches(outcomes, rows.weight, sites, betas, constant)


def _panel_alleles(rows: ScoringRows, panel: PanelSites) -> NDArray[np.int32]:
    """The panel's numbers of effect and other allele, (n, 2); ABSENT: not given."""
    # The last one is what the index ABSENT finds.
    of_file = np.append(panel.alleles.lookup(rows.alleles), np.int32(ABSENT))
    return np.column_stack([of_file[rows.effect], of_file[rows.other]])


def _best_fits(
    rows: ScoringRows,
    panel: PanelSites,
    alleles: NDArray[np.int32],
    outcomes: Codes,
) -> _Fits:
    """The best site of each row that fits one; the others' outcomes are put in."""
    of_name = panel.numbers()
    names = [of_name.get(name, ABSENT) for name in rows.chromosomes.tolist()]
    chrom = np.array([*names, ABSENT], dtype=np.int64)[rows.chrom]
    outcomes[(outcomes == OPEN) & (chrom < 0)] = _CODES["chromosome_not_analysed"]
    asked = np.flatnonzero(outcomes == OPEN)
    keys = (chrom[asked] << POSITION_BITS) + rows.pos_bp[asked]
    sites, fits, n_fits = match_kernels.best_fits(
        keys, alleles[asked], panel.keys, panel.pairs
    )
    outcomes[asked] = np.where(
        sites < 0, _CODES["not_in_panel"], _CODES["alleles_differ"]
    )
    fitting = fits < NO_FIT
    fits, n_fits, found = fits[fitting], n_fits[fitting], asked[fitting]
    is_open = (alleles[found, 1] == ABSENT) & (n_fits > 1)
    return _Fits(
        rows=found,
        sites=sites[fitting],
        n_fits=n_fits,
        fits=fits,
        outcomes=np.where(
            is_open, _CODES["other_allele_unknown"], FIRST_MATCHED + fits
        ).astype(np.uint8),
        is_alt=fits % 2 == 0,
    )


def _resolve_ambiguous(
    best: _Fits,
    rows: ScoringRows,
    panel: PanelSites,
    alleles: NDArray[np.int32],
    ambiguous: str,
) -> _Fits:
    """Palindromic rows are kept, turned or given up."""
    ref, alt = panel.pairs[best.sites].T
    palindromic = (ref <= LAST_BASE) & (LAST_BASE - ref == alt)
    asked = np.flatnonzero(palindromic & best.is_used)
    if ambiguous == "as_written" or not len(asked):
        return best
    is_turned = np.zeros(len(asked), dtype=bool)
    outcome = np.full(len(asked), _CODES["ambiguous"], dtype=np.uint8)
    if ambiguous == "strand":
        file_is_turned = _strand(best, alleles, palindromic)
        if file_is_turned is not None:
            is_turned[:] = file_is_turned
            outcome[:] = BY_STRAND
    if ambiguous in ("frequency", "strand"):
        af = panel.frequency[best.sites[asked]]
        expected = np.where(best.is_alt[asked], af, 1 - af)
        frequency = rows.frequency[best.rows[asked]]
        is_clear = np.abs(frequency - 0.5) >= FREQUENCY_MARGIN
        is_clear &= np.abs(af - 0.5) >= FREQUENCY_MARGIN
        differs = (frequency > 0.5) != (expected > 0.5)
        is_turned = np.where(is_clear, differs, is_turned)
        outcome[is_clear] = BY_FREQUENCY
    outcomes, is_alt = best.outcomes.copy(), best.is_alt.copy()
    outcomes[asked] = outcome
    is_alt[asked] ^= is_turned
    return replace(best, outcomes=outcomes, is_alt=is_alt)


def _strand(best: _Fits, alleles: NDArray[np.int32], palindromic: Flags) -> bool | None:
    """Whether a file is written on the other strand; None where its rows do not agree,
    or are too few."""
    pair = alleles[best.rows]
    telling = ~palindromic & ((pair >= 0) & (pair <= LAST_BASE)).all(axis=1)
    if np.count_nonzero(telling) < STRAND_ROWS:
        return None
    turned = float((best.fits[telling] >= FLIPPED).mean())
    if turned >= STRAND_SHARE:
        return True
    return False if turned <= 1 - STRAND_SHARE else None


def _drop_repeats(best: _Fits, betas: Floats) -> _Fits:
    """Mark what one site gets twice.

    METHOD: the same effect again (allele-swapped with the weight's sign turned, or
    from the other strand) counts once; the same allele with two different weights is
    a contradiction, so that neither is used; different weights for the two alleles of
    a site are both meant, and add up.
    """
    used = np.flatnonzero(best.is_used)
    order = used[np.argsort(best.sites[used], kind="stable")]
    again = np.diff(best.sites[order]) == 0
    if not again.any():
        return best
    shared = order[np.append(again, False) | np.append(False, again)]
    outcomes = best.outcomes.copy()
    columns = (best.sites, betas, best.is_alt)
    whole = list(zip(*(one[shared].tolist() for one in columns), strict=True))
    seen: set[tuple[int, float]] = set()
    kept: list[tuple[int, tuple[int, bool]]] = []
    for row, (site, beta, is_alt) in zip(shared.tolist(), whole, strict=True):
        if (site, beta) in seen:
            outcomes[row] = REPEATED
        else:
            seen.add((site, beta))
            kept.append((row, (site, is_alt)))
    weights = Counter(side for _, side in kept)
    for row, side in kept:
        if weights[side] > 1:
            outcomes[row] = _CODES["conflicting_weights"]
    return replace(best, outcomes=outcomes)


def _sum_by_site(sites: Indices, betas: Floats) -> tuple[Indices, Floats]:
    """Weights on copies of ALT, summed over the rows of a site.

    METHOD: where several ALT alleles share a position, a weight on REF against one of
    them is a weight on that ALT alone, as in the split records that scores are trained
    on: so that a row and its mirror (other allele, other sign) stay the same.
    """
    if (np.diff(sites) > 0).all():
        return sites, betas
    unique, index = np.unique(sites, return_inverse=True)
    return unique, np.bincount(index, betas, len(unique)).astype(np.float64)
