"""Matching the rows of scoring files to the sites of the panel.

All files are matched at once, by position and alleles, in one join for each
chromosome. A row's weight counts copies of its effect allele; here it becomes a
weight on copies of ALT and a constant: w for ALT is (w, 0); w for REF is (-w, 2 w),
since copies of REF are two less copies of ALT.
"""

from __future__ import annotations

import io
import subprocess
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from morula.errors import InputError

# METHOD: an ambiguous (A/T, C/G) variant is told by frequency only where both the
# file's and the panel's frequency are at least this far from one half; nearer to it
# the two strands cannot be told apart (Chen et al. 2018 use 0.4-0.6 as well).
FREQUENCY_MARGIN = 0.1

# Rows matched at a time.
BATCH_ROWS = 1_000_000

MATCHED = (
    "matched",
    "matched_swapped",
    "matched_flipped",
    "matched_flipped_swapped",
    "matched_by_frequency",
)
COMPLEMENT = {"A": "T", "C": "G", "G": "C", "T": "A"}


@dataclass(frozen=True)
class Matches:
    """Outcome of matching the rows of one chromosome.

    rows: score, weight, reason (one of MATCHED, or why it is not used).
    betas: score, site, beta (weight of a copy of ALT; summed over rows).
    constants: score, constant (to be summed over rows).
    """

    rows: pl.DataFrame
    betas: pl.DataFrame
    constants: pl.DataFrame


def read_panel_sites(path: str | Path, chrom: str) -> pl.DataFrame:
    """Sites of a prepared panel: site (index in file order), pos_bp, ref, alt, af.

    Raises InputError when bcftools cannot read the file or it has no site.
    """
    command = ["bcftools", "query", "-f", "%POS\t%REF\t%ALT\t%AC\t%AN\n", "-r", chrom]
    done = subprocess.run([*command, str(path)], capture_output=True, check=False)
    if done.returncode or not done.stdout:
        found = done.stderr.decode(errors="replace").strip() or f"no site of {chrom}"
        raise InputError(f"{path}: not a panel with sites of {chrom}: {found}")
    columns = {
        "pos_bp": pl.Int64,
        "ref": pl.String,
        "alt": pl.String,
        "ac": pl.Int64,
        "an": pl.Int64,
    }
    table = pl.read_csv(
        io.BytesIO(done.stdout), separator="\t", has_header=False, schema=columns
    )
    return table.select(
        pl.int_range(pl.len(), dtype=pl.Int64).alias("site"),
        "pos_bp",
        "ref",
        "alt",
        af=pl.col("ac") / pl.col("an"),
    )


def mark_repeats(variants: pl.DataFrame) -> pl.DataFrame:
    """Give every exact repeat of a row of a file the reason `repeated`."""
    key = pl.struct("chrom", "pos_bp", "effect", "other", "weight")
    usable = pl.col("reason").is_null()
    is_repeat = usable & ~key.is_first_distinct()
    return variants.with_columns(
        reason=pl.when(is_repeat).then(pl.lit("repeated")).otherwise(pl.col("reason"))
    )


def match_chromosome(
    variants: pl.DataFrame, sites: pl.DataFrame, ambiguous: str
) -> Matches:
    """Match the additive rows of one chromosome.

    variants: score, pos_bp, effect, other, weight, frequency. sites: as
    `read_panel_sites` gives them. ambiguous: what to do with A/T and C/G: `drop`,
    `frequency` (keep where the frequencies tell the strand) or `as_written`.
    """
    parts = [_match(batch, sites, ambiguous) for batch in _batches(variants)]
    return Matches(
        rows=pl.concat([part.rows for part in parts]),
        betas=pl.concat([part.betas for part in parts]),
        constants=pl.concat([part.constants for part in parts]),
    )


def _batches(variants: pl.DataFrame) -> list[pl.DataFrame]:
    """Whole scores together, about BATCH_ROWS rows each, to bound the memory."""
    if not variants.height:
        return [variants]
    counts = variants.group_by("score").len().sort("score")
    batch = (pl.col("len").cum_sum() - pl.col("len")) // BATCH_ROWS
    numbered = variants.join(
        counts.select("score", batch=batch), on="score", maintain_order="left"
    )
    return numbered.partition_by("batch", maintain_order=True, include_key=False)


def _match(variants: pl.DataFrame, sites: pl.DataFrame, ambiguous: str) -> Matches:
    """`match_chromosome` for one batch."""
    candidates = _candidates(variants, sites)
    best = (
        candidates.filter(pl.col("fit") < len(FITS))
        .with_columns(n_fits=pl.len().over("row"))
        .sort("row", "fit", "site")
        .unique("row", keep="first", maintain_order=True)
    )
    best = _drop_repeats(_resolve_ambiguous(best, ambiguous))
    at_position = candidates.select("row").unique()
    rows = (
        variants.with_row_index("row")
        .join(best.select("row", "outcome"), on="row", how="left")
        .join(at_position.with_columns(seen=pl.lit(True)), on="row", how="left")
        .select(
            "score",
            "weight",
            reason=pl.coalesce(
                "outcome",
                pl.when(pl.col("seen")).then(pl.lit("alleles_differ")),
                pl.lit("not_in_panel"),
            ),
        )
    )
    used = best.filter(pl.col("outcome").is_in(MATCHED))
    return Matches(rows, _betas(used), _constants(used))


# How a row can fit a site, best first; the number is the rank.
FITS = MATCHED[:4]


def _candidates(variants: pl.DataFrame, sites: pl.DataFrame) -> pl.DataFrame:
    """Every pair of a row and a site of its position, with its fit (4: none)."""
    pairs = variants.with_row_index("row").join(sites, on="pos_bp", how="inner")
    # METHOD: strand flips are looked for at SNVs only: an indel's alleles start with
    # the reference base before it, so that its reverse complement is another record.
    flipped = {
        name: pl.col(name).replace_strict(COMPLEMENT, default=None)
        for name in ("effect", "other")
    }
    fit = pl.lit(len(FITS))
    for rank in reversed(range(len(FITS))):
        first, second = ("alt", "ref") if rank % 2 == 0 else ("ref", "alt")
        effect = pl.col("effect") if rank < 2 else flipped["effect"]
        other = pl.col("other") if rank < 2 else flipped["other"]
        fits = (effect == pl.col(first)) & (
            pl.col("other").is_null() | (other == pl.col(second))
        )
        fit = pl.when(fits.fill_null(False)).then(pl.lit(rank)).otherwise(fit)
    return pairs.with_columns(
        fit=fit,
        palindromic=(
            pl.col("ref").replace_strict(COMPLEMENT, default=None) == pl.col("alt")
        ).fill_null(False),
    )


def _resolve_ambiguous(best: pl.DataFrame, ambiguous: str) -> pl.DataFrame:
    """Add effect_is_alt and outcome; palindromic rows are kept, turned or given up."""
    is_open = pl.col("other").is_null() & (pl.col("n_fits") > 1)
    best = best.with_columns(
        effect_is_alt=pl.col("fit") % 2 == 0,
        outcome=pl.when(is_open)
        .then(pl.lit("other_allele_unknown"))
        .otherwise(pl.col("fit").replace_strict(dict(enumerate(FITS)), default=None)),
    )
    if ambiguous == "as_written":
        return best
    expected = (
        pl.when(pl.col("effect_is_alt")).then(pl.col("af")).otherwise(1 - pl.col("af"))
    )
    is_clear = (
        ((pl.col("frequency") - 0.5).abs() >= FREQUENCY_MARGIN)
        & ((pl.col("af") - 0.5).abs() >= FREQUENCY_MARGIN)
    ).fill_null(False)
    is_told = is_clear & pl.lit(ambiguous == "frequency")
    same_side = (pl.col("frequency") > 0.5) == (expected > 0.5)
    return best.with_columns(
        effect_is_alt=pl.when(pl.col("palindromic") & is_told & ~same_side)
        .then(~pl.col("effect_is_alt"))
        .otherwise(pl.col("effect_is_alt")),
        outcome=pl.when(~pl.col("palindromic") | ~pl.col("outcome").is_in(MATCHED))
        .then(pl.col("outcome"))
        .when(is_told)
        .then(pl.lit("matched_by_frequency"))
        .otherwise(pl.lit("ambiguous")),
    )


def _drop_repeats(best: pl.DataFrame) -> pl.DataFrame:
    """Mark what one site gets twice.

    METHOD: the same effect again (allele-swapped with the weight's sign turned, or
    from the other strand) counts once; the same allele with two different weights is
    a contradiction, so that neither is used; different weights for the two alleles of
    a site are both meant, and add up.
    """
    beta = pl.when("effect_is_alt").then(pl.col("weight")).otherwise(-pl.col("weight"))
    is_used = pl.col("outcome").is_in(MATCHED)
    best = best.with_columns(beta=beta)
    key = pl.struct("score", "site", "beta", pl.col("outcome").is_in(MATCHED))
    best = best.with_columns(
        outcome=pl.when(is_used & ~key.is_first_distinct())
        .then(pl.lit("repeated"))
        .otherwise(pl.col("outcome"))
    )
    weights = pl.len().over("score", "site", "effect_is_alt", is_used)
    return best.with_columns(
        outcome=pl.when(is_used & (weights > 1))
        .then(pl.lit("conflicting_weights"))
        .otherwise(pl.col("outcome"))
    )


def _betas(used: pl.DataFrame) -> pl.DataFrame:
    """Weights on copies of ALT, summed over the rows of a score at a site.

    METHOD: where several ALT alleles share a position, a weight on REF against one of
    them is a weight on that ALT alone, as in the split records that scores are trained
    on: so that a row and its mirror (other allele, other sign) stay the same.
    """
    return (
        used.group_by("score", "site").agg(pl.col("beta").sum()).sort("score", "site")
    )


def _constants(used: pl.DataFrame) -> pl.DataFrame:
    """The constants of the rows with a weight on REF, not summed."""
    return used.filter(~pl.col("effect_is_alt")).select(
        "score", constant=2 * pl.col("weight")
    )
