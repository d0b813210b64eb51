"""Calls of males outside the pseudo-autosomal regions of X, where they have one copy.

It is given as a homozygous genotype: callers, and the programs that phase and impute,
want two alleles. A record's cells are text, as in morula.biallelic.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from morula.biallelic import MAX_GQ, Record
from morula.sex_chromosome import Span

# PL of a genotype that cannot be: as certain as bcftools ever is.
IMPOSSIBLE_PL = 255
MISSING = {"PL": "0,0,0", "GQ": "0"}


def single_genotype(genotype: str) -> str:
    """The genotype of one copy, given twice: 0/0, 1/1 or ./.; GT of one or two alleles.

    METHOD: a male who seems heterozygous outside the PARs is an error (reads of Y, or
    of another place): his genotype is missing there.
    """
    alleles = set(genotype.replace("|", "/").split("/"))
    only = alleles.pop() if len(alleles) == 1 else "."
    return f"{only}/{only}" if only in ("0", "1") else "./."


def single_likelihoods(pl: str) -> tuple[str, int]:
    """PL of three genotypes without the heterozygous one, and GQ; pl: of REF and ALT,
    or of three genotypes."""
    numbers = [int(number) for number in pl.split(",")]
    first, last = numbers[0], numbers[-1]
    least = min(first, last)
    quality = min(abs(first - last), MAX_GQ)
    return f"{first - least},{IMPOSSIBLE_PL},{last - least}", quality


def single_cell(keys: tuple[str, ...], cell: str) -> str:
    """A male's cell of a biallelic record where he has one copy."""
    values = dict(zip(keys, cell.split(":"), strict=False))
    values["GT"] = single_genotype(values["GT"])
    if "." in values["GT"]:
        values |= {key: empty for key, empty in MISSING.items() if key in values}
    elif "PL" in values and "." not in values["PL"]:
        values["PL"], quality = single_likelihoods(values["PL"])
        if "GQ" in values:
            values["GQ"] = str(quality)
    return ":".join(values.values())


def with_single_copies(record: Record, males: Collection[int], region: Span) -> Record:
    """`record` with the cells of `males` (columns) as of one copy, if it lies in
    `region`."""
    if not males or not region[0] <= record.pos_bp <= region[1]:
        return record
    cells = tuple(
        single_cell(record.keys, cell) if column in males else cell
        for column, cell in enumerate(record.cells)
    )
    return replace(record, cells=cells)
