"""Matching the rows of scoring files to the sites of the panel.

Rows of many files are matched at once, by position and alleles, in one join. A row's
weight counts copies of its effect allele; here it becomes a weight on copies of ALT and
a constant: w for ALT is (w, 0); w for REF is (-w, 2 w), since copies of REF are two
less copies of ALT.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from morula.panel_sites import BASES, PanelSites, key_of

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
# How a row can fit a site, best first; the number is the rank.
FITS = MATCHED[:4]
NO_FIT = len(FITS)


@dataclass(frozen=True)
class Matches:
    """Outcome of matching rows.

    rows: score, weight, reason (one of MATCHED, or why it is not used).
    betas: score, site, beta (weight of a copy of ALT; summed over rows).
    constants: score, constant (to be summed over rows).
    """

    rows: pl.DataFrame
    betas: pl.DataFrame
    constants: pl.DataFrame


def mark_repeats(variants: pl.DataFrame) -> pl.DataFrame:
    """Give every exact repeat of a row of a file the reason `repeated`."""
    numbered = variants.with_row_index("row")
    # Most positions are there once: only the others are compared.
    shared = numbered.filter(
        pl.col("reason").is_null() & pl.struct("chrom", "pos_bp").is_duplicated()
    )
    key = pl.struct("chrom", "pos_bp", "effect", "other", "weight")
    repeats = shared.filter(~key.is_first_distinct())["row"]
    return numbered.select(
        pl.exclude("row", "reason"),
        reason=pl.when(pl.col("row").is_in(repeats.implode()))
        .then(pl.lit("repeated"))
        .otherwise(pl.col("reason")),
    )


def match_rows(variants: pl.DataFrame, panel: PanelSites, ambiguous: str) -> Matches:
    """Match rows of whole files.

    variants: score, chrom, pos_bp, effect, other, weight, frequency, reason (null: to
    be matched). ambiguous: what to do with A/T and C/G: `drop`; `frequency` (keep where
    the frequencies tell the strand); `strand` (keep where these or the other rows of
    the file tell it); or `as_written`.
    """
    rows = _placed(variants, panel)
    candidates = _candidates(rows, panel)
    best = _resolve_ambiguous(_best_fits(candidates), ambiguous)
    best = _drop_repeats(best)
    at_position = candidates.select("row", seen=pl.lit(True)).unique("row")
    reasons = (
        rows.select("row", "score", "weight", "reason")
        .join(
            best.select("row", "outcome"), on="row", how="left", maintain_order="left"
        )
        .join(at_position, on="row", how="left", maintain_order="left")
        .select(
            "score",
            "weight",
            reason=pl.coalesce(
                "reason",
                "outcome",
                pl.when(pl.col("seen")).then(pl.lit("alleles_differ")),
                pl.lit("not_in_panel"),
            ),
        )
    )
    used = best.filter(pl.col("outcome").is_in(MATCHED))
    return Matches(reasons, _betas(used), _constants(used))


def _placed(variants: pl.DataFrame, panel: PanelSites) -> pl.DataFrame:
    """The rows with their number, key, alleles by number, and a reason where they are
    of a chromosome that is not analysed."""
    numbers = panel.numbers()
    chrom = pl.col("chrom").replace_strict(
        list(numbers), list(numbers.values()), default=None, return_dtype=pl.Int64
    )
    is_elsewhere = pl.col("reason").is_null() & chrom.is_null()
    return variants.select(
        "score",
        "weight",
        "frequency",
        key=key_of(chrom, pl.col("pos_bp")),
        effect=panel.alleles.encode(variants["effect"]),
        other=panel.alleles.encode(variants["other"]),
        reason=pl.when(is_elsewhere)
        .then(pl.lit("chromosome_not_analysed"))
        .otherwise(pl.col("reason")),
    ).with_row_index("row")


def _candidates(rows: pl.DataFrame, panel: PanelSites) -> pl.DataFrame:
    """Every pair of a row and a site of its position, with its fit (NO_FIT: none)."""
    pairs = (
        rows.filter(pl.col("reason").is_null())
        .drop("reason")
        .join(panel.table.with_row_index("site"), on="key", how="inner")
        .drop("key")
    )
    # METHOD: strand flips are looked for at SNVs only: an indel's alleles start with
    # the reference base before it, so that its reverse complement is another record.
    last = len(BASES) - 1
    flipped = {
        name: pl.when(pl.col(name) <= last).then(last - pl.col(name))
        for name in ("effect", "other", "ref")
    }
    fit = pl.lit(NO_FIT, dtype=pl.UInt8)
    for rank in reversed(range(NO_FIT)):
        first, second = ("alt", "ref") if rank % 2 == 0 else ("ref", "alt")
        effect = pl.col("effect") if rank < 2 else flipped["effect"]
        other = pl.col("other") if rank < 2 else flipped["other"]
        fits = (effect == pl.col(first)) & (
            pl.col("other").is_null() | (other == pl.col(second))
        )
        rank_of = pl.lit(rank, dtype=pl.UInt8)
        fit = pl.when(fits.fill_null(False)).then(rank_of).otherwise(fit)
    return pairs.with_columns(
        fit=fit, palindromic=(flipped["ref"] == pl.col("alt")).fill_null(False)
    )


def _best_fits(candidates: pl.DataFrame) -> pl.DataFrame:
    """The best pair of each row that fits a site, with the number of its fits."""
    fitting = candidates.filter(pl.col("fit") < NO_FIT)
    is_alone = ~pl.col("row").is_duplicated()
    alone = fitting.filter(is_alone).with_columns(n_fits=pl.lit(1, dtype=pl.UInt32))
    several = (
        fitting.filter(~is_alone)
        .with_columns(n_fits=pl.len().over("row").cast(pl.UInt32))
        .sort("row", "fit", "site")
        .unique("row", keep="first", maintain_order=True)
    )
    return pl.concat([alone, several]).sort("row") if several.height else alone


def _resolve_ambiguous(best: pl.DataFrame, ambiguous: str) -> pl.DataFrame:
    """Add effect_is_alt and outcome; palindromic rows are kept, turned or given up."""
    is_open = pl.col("other").is_null() & (pl.col("n_fits") > 1)
    best = best.with_columns(
        effect_is_alt=pl.col("fit") % 2 == 0,
        outcome=pl.when(is_open)
        .then(pl.lit("other_allele_unknown"))
        .otherwise(
            pl.col("fit").replace_strict(list(range(NO_FIT)), list(FITS), default=None)
        ),
    )
    is_asked = pl.col("palindromic") & pl.col("outcome").is_in(MATCHED)
    if ambiguous == "as_written" or not best.filter(is_asked).height:
        return best
    by_frequency, by_strand = pl.lit(None), pl.lit(None)
    if ambiguous in ("frequency", "strand"):
        by_frequency = _turned_by_frequency()
    if ambiguous == "strand":
        best = best.join(_strands(best), on="score", how="left", maintain_order="left")
        by_strand = pl.col("file_is_turned")
    is_turned = pl.coalesce(by_frequency, by_strand).cast(pl.Boolean)
    return best.with_columns(
        effect_is_alt=pl.when(is_asked & is_turned.fill_null(False))
        .then(~pl.col("effect_is_alt"))
        .otherwise(pl.col("effect_is_alt")),
        outcome=pl.when(~is_asked)
        .then(pl.col("outcome"))
        .when(by_frequency.is_not_null())
        .then(pl.lit("matched_by_frequency"))
        .when(is_turned.is_not_null())
        .then(pl.lit("matched_by_strand"))
        .otherwise(pl.lit("ambiguous")),
    )


def _turned_by_frequency() -> pl.Expr:
    """Whether a palindromic row is of the other strand; null where frequencies do not
    tell."""
    expected = (
        pl.when(pl.col("effect_is_alt")).then(pl.col("af")).otherwise(1 - pl.col("af"))
    )
    is_clear = ((pl.col("frequency") - 0.5).abs() >= FREQUENCY_MARGIN) & (
        (pl.col("af") - 0.5).abs() >= FREQUENCY_MARGIN
    )
    is_turned = (pl.col("frequency") > 0.5) != (expected > 0.5)
    return pl.when(is_clear.fill_null(False)).then(is_turned)


def _strands(best: pl.DataFrame) -> pl.DataFrame:
    """score, file_is_turned: whether a file is written on the other strand; null where
    its rows do not agree, or are too few."""
    telling = best.filter(
        ~pl.col("palindromic")
        & pl.col("other").is_not_null()
        & (pl.col("effect") < len(BASES))
        & (pl.col("other") < len(BASES))
    )
    turned = (pl.col("fit") >= 2).mean()
    return (
        telling.group_by("score")
        .agg(turned=turned, rows=pl.len())
        .filter(pl.col("rows") >= STRAND_ROWS)
        .select(
            "score",
            file_is_turned=pl.when(pl.col("turned") >= STRAND_SHARE)
            .then(pl.lit(True))
            .when(pl.col("turned") <= 1 - STRAND_SHARE)
            .then(pl.lit(False)),
        )
    )


def _drop_repeats(best: pl.DataFrame) -> pl.DataFrame:
    """Mark what one site gets twice; adds `beta`.

    METHOD: the same effect again (allele-swapped with the weight's sign turned, or
    from the other strand) counts once; the same allele with two different weights is
    a contradiction, so that neither is used; different weights for the two alleles of
    a site are both meant, and add up.
    """
    beta = pl.when("effect_is_alt").then(pl.col("weight")).otherwise(-pl.col("weight"))
    best = best.with_columns(beta=beta)
    is_used = pl.col("outcome").is_in(MATCHED)
    again = best.filter(is_used)
    again = again.filter(pl.struct("score", "site").is_duplicated())
    if not again.height:
        return best
    is_first = pl.struct("score", "site", "beta").is_first_distinct()
    kept = again.filter(is_first)
    weights = pl.len().over("score", "site", "effect_is_alt")
    marked = pl.concat(
        [
            again.filter(~is_first).select("row", mark=pl.lit("repeated")),
            kept.filter(weights > 1).select("row", mark=pl.lit("conflicting_weights")),
        ]
    )
    best = best.join(marked, on="row", how="left", maintain_order="left")
    return best.with_columns(outcome=pl.coalesce("mark", "outcome")).drop("mark")


def _betas(used: pl.DataFrame) -> pl.DataFrame:
    """Weights on copies of ALT, summed over the rows of a score at a site.

    METHOD: where several ALT alleles share a position, a weight on REF against one of
    them is a weight on that ALT alone, as in the split records that scores are trained
    on: so that a row and its mirror (other allele, other sign) stay the same.
    """
    several = pl.struct("score", "site").is_duplicated()
    summed = (
        used.filter(several)
        .group_by("score", "site", maintain_order=True)
        .agg(pl.col("beta").sum())
    )
    alone = used.filter(~several).select("score", "site", "beta")
    return pl.concat([alone, summed]) if summed.height else alone


def _constants(used: pl.DataFrame) -> pl.DataFrame:
    """The constants of the rows with a weight on REF, not summed."""
    return used.filter(~pl.col("effect_is_alt")).select(
        "score", constant=2 * pl.col("weight")
    )
