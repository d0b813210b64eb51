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

from morula import stored_arrays
from morula.atomic import written_whole
from morula.dosages import Sites, sample_names, stream_copies, stream_dosages
from morula.match_kernels import add_products
from morula.panel_sites import POSITION_BITS, PanelSites
from morula.score_match import MATCHED, OUTCOMES, Matches
from morula.scoring_rows import REPEATED

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Weights:
    """Weights of T scores on L sites, and what matching left of each file.

    chrom, ref, alt: str (L,); pos_bp, panel_site (index in the panel's file of the
    chromosome): int64 (L,); matrix: float64 CSR (L, T); constants: float64 (T,);
    pgs_ids: str (T,); variants_total, variants_used: int64 (T,) distinct variants;
    weight_used: float64 (T,) share of the total absolute weight; traits: str (K,);
    score_of_trait: int64 (K,); match_*: the rows of the match table.
    """

    chrom: NDArray[np.str_]
    pos_bp: NDArray[np.int64]
    ref: NDArray[np.str_]
    alt: NDArray[np.str_]
    panel_site: NDArray[np.int64]
    matrix: sparse.csr_matrix
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


class Collected:
    """What matching gave, a file after the other; kept small."""

    def __init__(self) -> None:
        self._constants: list[float] = []
        self._entries: list[tuple[NDArray[np.int32], Floats]] = []
        self._tallies: list[pl.DataFrame] = []

    def add(self, matches: Matches) -> None:
        """Add the next score."""
        self._entries.append((matches.sites.astype(np.int32), matches.betas))
        self._tallies.append(_tally(len(self._tallies), matches))
        self._constants.append(matches.constant)

    @property
    def constants(self) -> Floats:
        """Of each score, (T,)."""
        return np.array(self._constants, dtype=np.float64)

    def summary(self) -> pl.DataFrame:
        """score, reason, variants, share of the score's absolute weight."""
        return pl.concat(self._tallies)

    def stack(self) -> tuple[NDArray[np.int64], sparse.csr_matrix]:
        """Sites that are used, (L,) in order, and their weights (L, T). The scores
        are given up, so that they are not there twice."""
        sizes = [len(sites) for sites, _ in self._entries]
        sites, betas = (
            np.concatenate(part) for part in zip(*self._entries, strict=True)
        )
        self._entries.clear()
        is_used = np.zeros(int(sites.max(initial=-1)) + 1, dtype=bool)
        is_used[sites] = True
        row_of = np.cumsum(is_used, dtype=np.int32) - 1
        starts = np.cumsum([0, *sizes])
        shape = (int(is_used.sum()), len(sizes))
        by_score = sparse.csc_matrix((betas, row_of[sites], starts), shape=shape)
        del sites, betas
        return np.flatnonzero(is_used), by_score.tocsr()


def _tally(score: int, matches: Matches) -> pl.DataFrame:
    """Variants and share of the absolute weight, by reason.

    A repeated row has no weight of its own, so its share is zero.
    """
    sizes = np.abs(matches.weights)
    sizes[matches.outcomes == REPEATED] = 0.0
    counts = np.bincount(matches.outcomes, minlength=len(OUTCOMES))
    # numpy sums in the order of the rows: the same input gives the same bytes.
    sums = np.bincount(matches.outcomes, sizes, len(OUTCOMES))
    found = sorted(np.flatnonzero(counts).tolist(), key=OUTCOMES.__getitem__)
    total = sums[found].sum()
    return pl.DataFrame(
        {
            "score": np.full(len(found), score),
            "reason": [OUTCOMES[code] for code in found],
            "variants": counts[found],
            "share": sums[found] / total if total > 0 else np.zeros(len(found)),
        },
        schema_overrides={"reason": pl.String},
    )


def assemble(
    pgs_ids: Sequence[str],
    traits: Sequence[str],
    score_of_trait: Sequence[int],
    collected: Collected,
    panel: PanelSites,
) -> Weights:
    """Weights from what matching to the panel gave."""
    n_scores = len(pgs_ids)
    summary = collected.summary()
    used_rows = summary.filter(pl.col("reason").is_in(MATCHED))
    sites, matrix = collected.stack()
    used = panel.table[sites]
    starts = np.array(panel.starts)
    chrom = np.searchsorted(starts, sites, side="right") - 1
    return Weights(
        chrom=np.array(panel.chromosomes, dtype=str)[chrom],
        pos_bp=used["key"].to_numpy() % 2**POSITION_BITS,
        ref=panel.alleles.decode(used["ref"]).to_numpy().astype(str),
        alt=panel.alleles.decode(used["alt"]).to_numpy().astype(str),
        panel_site=sites - starts[chrom],
        matrix=matrix,
        constants=collected.constants,
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
    with stored_arrays.opened(path) as stored:
        names = [field.name for field in fields(Weights) if field.name != "matrix"]
        arrays = {name: stored[name] for name in names}
        shape = (len(arrays["chrom"]), len(arrays["pgs_ids"]))
        matrix = sparse.csr_matrix(
            (stored["data"], stored["indices"], stored["indptr"]), shape=shape
        )
    return Weights(matrix=matrix, **arrays)


def score_panel(weights: Weights, chrom: str, path: str | Path) -> Floats:
    """Scores (S, T) of the panel's samples from one chromosome, without constants."""
    part = _part(weights, chrom)
    shape = part.shape[1], len(sample_names(path))
    scores = np.zeros(shape)
    for index, copies in stream_copies(path, weights.sites_of(chrom)):
        of_block = np.zeros(shape)
        add_products(part.data, part.indices, part.indptr, index, copies, of_block)
        scores += of_block
    return scores.T


def score_genomes(
    weights: Weights, chrom: str, path: str | Path
) -> tuple[Floats, Floats]:
    """Scores (N, T), without constants, and their variances (N, T) if the sites were
    independent, of a family's genomes from one chromosome."""
    of_chrom = _part(weights, chrom)
    scores, variances = [], []
    fields = ["DS", "GP_VARIANCE"]
    for index, values in stream_dosages(path, weights.sites_of(chrom), fields):
        part = of_chrom[index].T
        scores.append((part @ values[:, 0]).T)
        part.data **= 2
        variances.append((part @ values[:, 1]).T)
    return np.asarray(sum(scores)), np.asarray(sum(variances))


def score_paths(
    weights: Weights,
    chrom: str,
    maternal: NDArray[np.bool_],
    paternal: NDArray[np.bool_],
) -> Floats:
    """Scores (D, T), without constants, of D sampled genomes of one embryo from one
    chromosome; maternal, paternal: ALT carried, (D, sites of the panel)."""
    columns = weights.panel_site[weights.rows_of(chrom)]
    copies = maternal[:, columns].astype(np.float64) + paternal[:, columns]
    return np.asarray((_part(weights, chrom).T @ copies.T).T, dtype=np.float64)


def _part(weights: Weights, chrom: str) -> sparse.csr_matrix:
    """The rows of the matrix on a chromosome: they follow each other."""
    rows = weights.rows_of(chrom)
    return weights.matrix[rows[0] : rows[-1] + 1] if len(rows) else weights.matrix[:0]
