"""The panel's sites as compact columns, for matching scoring files to them.

A site's key is its chromosome's number, in the order given, above its position; an
allele is a number: A, C, G, T are 0 to 3, so that 3 - number is the complement, and
longer ones are numbered as they appear.
"""

from __future__ import annotations

import io
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from morula.errors import InputError

BASES = ("A", "C", "G", "T")
# The number of an allele that no site has.
UNKNOWN = 2**31 - 1
# Positions are below 2^32.
POSITION_BITS = 32
COLUMNS = {
    "pos_bp": pl.Int64,
    "ref": pl.String,
    "alt": pl.String,
    "ac": pl.Int64,
    "an": pl.Int64,
}


@dataclass
class Alleles:
    """Numbers of alleles; `encode` adds those that are new."""

    numbers: dict[str, int] = field(
        default_factory=lambda: {base: i for i, base in enumerate(BASES)}
    )

    def encode(self, alleles: pl.Series) -> pl.Series:
        """Numbers (UInt32) of alleles (String); null stays null."""
        present = alleles.drop_nulls().unique().sort().to_list()
        if not present:
            return pl.Series(alleles.name, [None] * len(alleles), dtype=pl.UInt32)
        for name in present:
            self.numbers.setdefault(name, len(self.numbers))
        return alleles.replace_strict(
            present, [self.numbers[name] for name in present], return_dtype=pl.UInt32
        )

    def lookup(self, names: NDArray[np.str_]) -> NDArray[np.int32]:
        """Numbers of alleles; UNKNOWN for those that are not there."""
        found = [self.numbers.get(name, UNKNOWN) for name in names.tolist()]
        return np.array(found, dtype=np.int32)

    def decode(self, numbers: pl.Series) -> pl.Series:
        """The alleles of numbers."""
        return pl.Series(list(self.numbers), dtype=pl.String)[numbers]


@dataclass
class PanelSites:
    """table: key, ref, alt (numbers of `alleles`), af, in the order of the files;
    starts: for each chromosome its first row in the table, and the table's end."""

    chromosomes: tuple[str, ...]
    alleles: Alleles
    table: pl.DataFrame
    starts: tuple[int, ...]

    @cached_property
    def keys(self) -> NDArray[np.int64]:
        """Keys of the sites, (L,), in order."""
        return self.table["key"].to_numpy()

    @cached_property
    def pairs(self) -> NDArray[np.int32]:
        """Numbers of REF and ALT, (L, 2)."""
        pair = self.table.select("ref", "alt").to_numpy()
        return np.ascontiguousarray(pair, dtype=np.int32)

    @cached_property
    def frequency(self) -> NDArray[np.float64]:
        """Frequency of ALT, (L,)."""
        return self.table["af"].to_numpy()

    def numbers(self) -> dict[str, int]:
        """Number of each chromosome by its name without `chr`, in upper case."""
        names = (name.removeprefix("chr").upper() for name in self.chromosomes)
        return {name: number for number, name in enumerate(names)}


def read_panel_sites(
    paths: Sequence[str], chromosomes: Sequence[str], threads: int
) -> PanelSites:
    """Sites of prepared panels, a file for each chromosome.

    Raises InputError when bcftools cannot read a file or it has no site.
    """
    alleles = Alleles()
    with ThreadPoolExecutor(threads) as pool:
        tables = [
            pack_sites(sites, number, alleles)
            for number, sites in enumerate(pool.map(_query, paths, chromosomes))
        ]
    starts = [0]
    for table in tables:
        starts.append(starts[-1] + table.height)
    return PanelSites(tuple(chromosomes), alleles, pl.concat(tables), tuple(starts))


def pack_sites(sites: pl.DataFrame, number: int, alleles: Alleles) -> pl.DataFrame:
    """Rows of PanelSites.table from pos_bp, ref, alt, af of one chromosome."""
    return sites.select(
        key=key_of(pl.lit(number), pl.col("pos_bp")),
        ref=alleles.encode(sites["ref"]),
        alt=alleles.encode(sites["alt"]),
        af="af",
    )


def key_of(chrom_number: pl.Expr, pos_bp: pl.Expr) -> pl.Expr:
    """The key of a site; null where either is."""
    return chrom_number.cast(pl.Int64) * 2**POSITION_BITS + pos_bp


def _query(path: str | Path, chrom: str) -> pl.DataFrame:
    """pos_bp, ref, alt, af of a panel's file."""
    command = ["bcftools", "query", "-f", "%POS\t%REF\t%ALT\t%AC\t%AN\n", "-r", chrom]
    done = subprocess.run([*command, str(path)], capture_output=True, check=False)
    if done.returncode or not done.stdout:
        found = done.stderr.decode(errors="replace").strip() or f"no site of {chrom}"
        raise InputError(f"{path}: not a panel with sites of {chrom}: {found}")
    table = pl.read_csv(
        io.BytesIO(done.stdout), separator="\t", has_header=False, schema=COLUMNS
    )
    return table.select("pos_bp", "ref", "alt", af=pl.col("ac") / pl.col("an"))
