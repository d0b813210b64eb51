"""Make of many scoring files the one table that plink2 --score takes, a column each.

What a user of plink2 has to do first: match positions and alleles, turn rows of the
other strand, leave out A/T and C/G, count repeats once, and write all weights on ALT; a
weight on REF is the opposite one on ALT and a constant, written beside. Written with
polars, as quickly as it goes, and independent of Morula's own matching.

    python benchmarks/combine_scores.py --scores FILE... --sites TARGET.pvar \\
        --table combined.tsv --constants constants.tsv
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

COLUMNS = {
    "hm_chr": pl.Int64,
    "hm_pos": pl.Int64,
    "effect_allele": pl.String,
    "other_allele": pl.String,
    "effect_weight": pl.Float64,
}
COMPLEMENT = {"A": "T", "C": "G", "G": "C", "T": "A"}
BLOCK_SITES = 20_000


def read_sites(path: Path) -> pl.DataFrame:
    """place (chromosome and position in one number), id, ref, alt of a .pvar."""
    names = ["chrom", "pos", "id", "ref", "alt"]
    sites = pl.read_csv(path, separator="\t", skip_rows=1, has_header=False)
    sites.columns = names
    return sites.with_columns(place=_place("chrom", "pos")).with_row_index("site")


def _place(chrom: str, pos: str) -> pl.Expr:
    return pl.col(chrom).cast(pl.Int64) * 2**32 + pl.col(pos)


def match(path: Path, sites: pl.DataFrame) -> tuple[pl.DataFrame, float]:
    """site and beta of a file's rows, and its constant."""
    rows = pl.read_csv(
        path,
        separator="\t",
        comment_prefix="#",
        columns=list(COLUMNS),
        schema_overrides=COLUMNS,
    ).with_columns(place=_place("hm_chr", "hm_pos"))
    found = rows.join(sites.select("place", "site", "ref", "alt"), on="place")
    effect, other = pl.col("effect_allele"), pl.col("other_allele")
    turned = [
        allele.replace_strict(COMPLEMENT, default=None) for allele in (effect, other)
    ]
    on_alt, on_ref = (
        ((effect == one) & (other == two)) | ((turned[0] == one) & (turned[1] == two))
        for one, two in ((pl.col("alt"), pl.col("ref")), (pl.col("ref"), pl.col("alt")))
    )
    found = (
        found.filter(turned[0] != other)
        .with_columns(on_alt=on_alt, on_ref=on_ref)
        .filter(pl.col("on_alt") | pl.col("on_ref"))
        .select(
            "site",
            "on_ref",
            weight="effect_weight",
            beta=pl.when("on_ref")
            .then(-pl.col("effect_weight"))
            .otherwise("effect_weight"),
        )
        .unique(["site", "beta"], keep="first", maintain_order=True)
    )
    constant = 2.0 * float(found.filter("on_ref")["weight"].sum())
    return found.group_by("site").agg(pl.col("beta").sum()).sort("site"), constant


def write_table(
    path: Path,
    sites: pl.DataFrame,
    names: Sequence[str],
    entries: tuple[NDArray[np.uint32], NDArray[np.uint16], NDArray[np.float64]],
) -> None:
    """ID, ALT and a column of weights for each score; entries: site, score, beta in
    order of the sites."""
    site, score, beta = entries
    with path.open("wb") as sink:
        for start in range(0, sites.height, BLOCK_SITES):
            part = sites[start : start + BLOCK_SITES]
            first, last = np.searchsorted(site, [start, start + part.height])
            dense = np.zeros((part.height, len(names)))
            dense[site[first:last] - start, score[first:last]] = beta[first:last]
            table = part.select(ID="id", A1="alt").hstack(
                pl.DataFrame(dense, schema=list(names))
            )
            used = np.unique(site[first:last] - start)
            table[used].write_csv(sink, separator="\t", include_header=start == 0)


def work(args: argparse.Namespace) -> None:
    sites = read_sites(args.sites)
    names = [path.name.split("_")[0] for path in args.scores]
    parts, constants = [], []
    for number, path in enumerate(args.scores):
        found, constant = match(path, sites)
        constants.append(constant)
        score = np.full(found.height, number, dtype=np.uint16)
        parts.append((found["site"].to_numpy(), score, found["beta"].to_numpy()))
    site, score, beta = (np.concatenate(one) for one in zip(*parts, strict=True))
    parts.clear()
    order = np.argsort(site, kind="stable")
    write_table(args.table, sites, names, (site[order], score[order], beta[order]))
    pl.DataFrame({"pgs_id": names, "constant": constants}).write_csv(
        args.constants, separator="\t"
    )


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--scores", type=Path, nargs="+", required=True)
    add("--sites", type=Path, required=True, help="#CHROM POS ID REF ALT")
    add("--table", type=Path, required=True)
    add("--constants", type=Path, required=True)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    work(parse_args(argv))
    return 0


if __name__ == "__main__":
    sys.exit(main())
