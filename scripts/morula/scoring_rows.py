"""The rows of a scoring file as compact columns: numbers instead of words.

An allele is a number: A, C, G, T are 0 to 3, so that 3 - number is the complement, and
longer ones of a file are numbered as they appear.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from morula.panel_sites import BASES, POSITION_BITS

# Why a row cannot be matched, by number; 0: it can.
REASONS = (
    "",
    "interaction",
    "diplotype",
    "haplotype",
    "dominant",
    "recessive",
    "dosage_weights",
    "hla_allele",
    "allele_not_acgt",
    "no_position",
    "repeated",
)
OPEN = 0
NO_POSITION = REASONS.index("no_position")
REPEATED = REASONS.index("repeated")
# In the place of a number that is not given.
ABSENT = -1


# The columns of ScoringRows.
COLUMNS = {
    "chromosomes": np.str_,
    "alleles": np.str_,
    "chrom": np.int16,
    "pos_bp": np.int64,
    "effect": np.int32,
    "other": np.int32,
    "weight": np.float64,
    "frequency": np.float64,
    "reason": np.uint8,
}


@dataclass(frozen=True)
class ScoringRows:
    """The n rows of a scoring file, in its order.

    chromosomes: names without `chr`, in upper case; alleles: names, BASES first; chrom
    int16 (n,) and effect, other int32 (n,): indices of those, ABSENT where not given;
    pos_bp int64 (n,); weight float64 (n,); frequency float64 (n,) of the effect allele,
    NaN where not given; reason uint8 (n,), of REASONS.
    """

    chromosomes: NDArray[np.str_]
    alleles: NDArray[np.str_]
    chrom: NDArray[np.int16]
    pos_bp: NDArray[np.int64]
    effect: NDArray[np.int32]
    other: NDArray[np.int32]
    weight: NDArray[np.float64]
    frequency: NDArray[np.float64]
    reason: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.pos_bp)


def pack(table: pl.DataFrame) -> ScoringRows:
    """Compact columns of a table as `scoring_file.parse` gives it."""
    chromosomes = table["chrom"].drop_nulls().unique(maintain_order=True).to_list()
    used = pl.concat([table["effect"].rename("x"), table["other"].rename("x")])
    longer = [
        name
        for name in used.drop_nulls().unique(maintain_order=True).to_list()
        if name not in BASES
    ]
    alleles = [*BASES, *longer]
    reason = table["reason"].fill_null("")
    return ScoringRows(
        chromosomes=np.array(chromosomes, dtype=str),
        alleles=np.array(alleles, dtype=str),
        chrom=_numbers(table["chrom"], chromosomes).astype(np.int16),
        pos_bp=table["pos_bp"].fill_null(ABSENT).to_numpy(),
        effect=_numbers(table["effect"], alleles),
        other=_numbers(table["other"], alleles),
        weight=table["weight"].to_numpy(),
        frequency=table["frequency"].fill_null(float("nan")).to_numpy(),
        reason=_numbers(reason, list(REASONS)).astype(np.uint8),
    )


def _numbers(words: pl.Series, names: list[str]) -> NDArray[np.int32]:
    """The index in `names` of each word, ABSENT for null."""
    if not names:
        return np.full(len(words), ABSENT, dtype=np.int32)
    numbers = words.replace_strict(
        names, range(len(names)), default=ABSENT, return_dtype=pl.Int32
    )
    return np.asarray(numbers.fill_null(ABSENT).to_numpy())


def mark_repeats(rows: ScoringRows) -> ScoringRows:
    """Give every exact repeat of a row the reason `repeated`."""
    key = (rows.chrom.astype(np.int64) << POSITION_BITS) + rows.pos_bp
    asked = np.flatnonzero(rows.reason == OPEN)
    shared = asked[_is_shared(key[asked])]
    if not len(shared):
        return rows
    seen = set()
    reason = rows.reason.copy()
    columns = (rows.chrom, rows.pos_bp, rows.effect, rows.other, rows.weight)
    whole = zip(*(column[shared].tolist() for column in columns), strict=True)
    for row, one in zip(shared.tolist(), whole, strict=True):
        if one in seen:
            reason[row] = REPEATED
        seen.add(one)
    return replace(rows, reason=reason)


def _is_shared(keys: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each key is there more than once."""
    # Most files are in order of position: neighbours tell.
    order = None
    if (np.diff(keys) < 0).any():
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
    same = np.diff(keys, prepend=keys[:1] - 1, append=keys[-1:] + 1) == 0
    is_shared = same[1:] | same[:-1]
    if order is None:
        return np.asarray(is_shared)
    out = np.empty_like(is_shared)
    out[order] = is_shared
    return out
