"""The weights of all scores on the panel's sites, as one sparse matrix.

Shapes: L sites that some score uses, T scores (distinct scoring files), K traits.
Score t of a genome with d copies of ALT is `d @ matrix[:, t] + constants[t]`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse

from morula.atomic import written_whole
from morula.dosages import Sites, stream_dosages
from morula.score_match import MATCHED, Matches

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Weights:
    """Weights of T scores on L sites, and what matching left of each file.

    chrom, ref, alt: str (L,); pos_bp, panel_site (index in the panel's file of the
    chromosome): int64 (L,); matrix: float64 CSC (L, T); constants: float64 (T,);
    pgs_ids: str (T,); variants_total, variants_used: int64 (T,) distinct variants;
    weight_used: float64 (T,) share of the total absolute weight; traits: str (K,);
    score_of_trait: int64 (K,); match_*: the rows of the match table.
    """

    chrom: NDArray[np.str_]
    pos_bp: NDArray[np.int64]
    ref: NDArray[np.str_]
    alt: NDArray[np.str_]
    panel_site: NDArray[np.int64]
    matrix: sparse.csc_matrix
    constants: NDArray[np.float64]
    pgs_ids: NDArray[np.str_]
    variants_total: NDArray[np.int64]
    variants_used: NDArray[np.int64]
    weight_used: NDArray[np.float64]
    traits: NDArray[np.str_]
    score_of_trait: NDArray[np.int64]
    match_score: NDArray[np.int64]
    match_reason: NDArray[np.str_]
    match_variants: NDArray[np.int64]
    match_share: NDArray[np.float64]

    def chromosomes(self) -> list[str]:
        """Chromosomes with at least one used site, in the order of the sites."""
        return list(dict.fromkeys(self.chrom.tolist()))

    def rows_of(self, chrom: str) -> NDArray[np.intp]:
        """Rows of the matrix that lie on a chromosome."""
        return np.flatnonzero(self.chrom == chrom)

    def sites_of(self, chrom: str) -> Sites:
        """The sites of a chromosome, in the order of `rows_of`."""
        rows = self.rows_of(chrom)
        return Sites(chrom, self.pos_bp[rows], self.ref[rows], self.alt[rows])

    def main_loss(self, score: int) -> str:
        """The reason that costs a score most weight, with its share; empty if none."""
        is_lost = (self.match_score == score) & ~np.isin(self.match_reason, MATCHED)
        lost = np.flatnonzero(is_lost & (self.match_share > 0))
        if not len(lost):
            return ""
        worst = lost[np.argmax(self.match_share[lost])]
        return f"{self.match_reason[worst]} {self.match_share[worst]:.3g}"


def summarise_matches(rows: pl.DataFrame) -> pl.DataFrame:
    """Variants and share of the absolute weight, by score and reason.

    rows: score, weight, reason of every row of every file. A repeated row has no
    weight of its own, so its share is zero.
    """
    weight = pl.col("weight").abs().fill_null(0.0)
    size = pl.when(pl.col("reason") == "repeated").then(0.0).otherwise(weight)
    groups = rows.select("score", "reason").unique().sort("score", "reason")
    numbered = rows.select("score", "reason", size=size).join(
        groups.with_row_index("group"), on=["score", "reason"], maintain_order="left"
    )
    # numpy sums in the order of the rows: the same input gives the same bytes.
    group = numbered["group"].to_numpy()
    sizes = np.bincount(group, numbered["size"].to_numpy(), groups.height)
    of_group = groups["score"].to_numpy().astype(np.int64)
    totals = np.bincount(of_group, sizes)[of_group]
    shares = np.divide(sizes, totals, out=np.zeros_like(sizes), where=totals > 0)
    return groups.with_columns(
        variants=pl.Series(np.bincount(group, minlength=groups.height)),
        share=pl.Series(shares),
    )


def assemble(
    pgs_ids: Sequence[str],
    traits: Sequence[str],
    score_of_trait: Sequence[int],
    summary: pl.DataFrame,
    by_chromosome: Sequence[tuple[str, Matches, pl.DataFrame]],
) -> Weights:
    """Weights from what `score_match` gave for each chromosome (name, matches, its
    panel sites) and the summary of all rows."""
    n_scores = len(pgs_ids)
    sites, matrix, constants = _stack(n_scores, by_chromosome)
    used_rows = summary.filter(pl.col("reason").is_in(MATCHED))
    return Weights(
        chrom=sites["chrom"].to_numpy().astype(str),
        pos_bp=sites["pos_bp"].to_numpy(),
        ref=sites["ref"].to_numpy().astype(str),
        alt=sites["alt"].to_numpy().astype(str),
        panel_site=sites["site"].to_numpy(),
        matrix=matrix,
        constants=constants,
        pgs_ids=np.array(pgs_ids, dtype=str),
        variants_total=_per_score(
            summary.filter(pl.col("reason") != "repeated"), "variants", n_scores
        ).astype(np.int64),
        variants_used=_per_score(used_rows, "variants", n_scores).astype(np.int64),
        weight_used=_per_score(used_rows, "share", n_scores),
        traits=np.array(traits, dtype=str),
        score_of_trait=np.array(score_of_trait, dtype=np.int64),
        match_score=summary["score"].to_numpy().astype(np.int64),
        match_reason=summary["reason"].to_numpy().astype(str),
        match_variants=summary["variants"].to_numpy().astype(np.int64),
        match_share=summary["share"].to_numpy().astype(np.float64),
    )


def _stack(
    n_scores: int, by_chromosome: Sequence[tuple[str, Matches, pl.DataFrame]]
) -> tuple[pl.DataFrame, sparse.csc_matrix, Floats]:
    """Used sites of all chromosomes (L rows), their weights (L, T), constants (T,)."""
    constants = np.zeros(n_scores)
    parts, blocks = [], []
    for chrom, matches, sites in by_chromosome:
        used = sites.filter(pl.col("site").is_in(matches.betas["site"].implode()))
        row_of = np.full(sites.height, -1, dtype=np.int64)
        row_of[used["site"].to_numpy()] = np.arange(used.height)
        score, site, beta = (
            matches.betas[name].to_numpy() for name in ("score", "site", "beta")
        )
        shape = (used.height, n_scores)
        blocks.append(sparse.csc_matrix((beta, (row_of[site], score)), shape=shape))
        parts.append(used.with_columns(chrom=pl.lit(chrom)))
        np.add.at(
            constants,
            matches.constants["score"].to_numpy(),
            matches.constants["constant"].to_numpy(),
        )
    return pl.concat(parts), sparse.csc_matrix(sparse.vstack(blocks)), constants


def _per_score(table: pl.DataFrame, column: str, n_scores: int) -> Floats:
    out = np.zeros(n_scores)
    np.add.at(out, table["score"].to_numpy().astype(np.int64), table[column].to_numpy())
    return out


def save(path: str | Path, weights: Weights) -> None:
    """Write the weights as .npz, whole or not at all."""
    arrays = {
        field.name: getattr(weights, field.name)
        for field in fields(weights)
        if field.name != "matrix"
    }
    matrix = weights.matrix
    with written_whole(path) as partial:
        np.savez(
            partial,
            data=matrix.data,
            indices=matrix.indices,
            indptr=matrix.indptr,
            **arrays,
        )


def load(path: str | Path) -> Weights:
    """Read what `save` wrote."""
    with np.load(path) as stored:
        names = [field.name for field in fields(Weights) if field.name != "matrix"]
        arrays = {name: stored[name] for name in names}
        shape = (len(arrays["chrom"]), len(arrays["pgs_ids"]))
        matrix = sparse.csc_matrix(
            (stored["data"], stored["indices"], stored["indptr"]), shape=shape
        )
    return Weights(matrix=matrix, **arrays)


def score_panel(weights: Weights, chrom: str, path: str | Path) -> Floats:
    """Scores (S, T) of the panel's samples from one chromosome, without constants."""
    rows, by_row = weights.rows_of(chrom), weights.matrix.tocsr()
    parts = [
        (by_row[rows[index]].T @ values[:, 0]).T
        for index, values in stream_dosages(path, weights.sites_of(chrom), ["GT"])
    ]
    return np.asarray(sum(parts), dtype=np.float64)


def score_genomes(
    weights: Weights, chrom: str, path: str | Path
) -> tuple[Floats, Floats]:
    """Scores (N, T), without constants, and their variances (N, T) if the sites were
    independent, of a family's genomes from one chromosome."""
    rows, by_row = weights.rows_of(chrom), weights.matrix.tocsr()
    scores, variances = [], []
    fields = ["DS", "GP_VARIANCE"]
    for index, values in stream_dosages(path, weights.sites_of(chrom), fields):
        part = by_row[rows[index]]
        scores.append((part.T @ values[:, 0]).T)
        variances.append((part.multiply(part).T @ values[:, 1]).T)
    return np.asarray(sum(scores)), np.asarray(sum(variances))


def score_paths(
    weights: Weights,
    chrom: str,
    maternal: NDArray[np.bool_],
    paternal: NDArray[np.bool_],
) -> Floats:
    """Scores (D, T), without constants, of D sampled genomes of one embryo from one
    chromosome; maternal, paternal: ALT carried, (D, sites of the panel)."""
    rows = weights.rows_of(chrom)
    columns = weights.panel_site[rows]
    copies = maternal[:, columns].astype(np.float64) + paternal[:, columns]
    return np.asarray((weights.matrix[rows].T @ copies.T).T, dtype=np.float64)
