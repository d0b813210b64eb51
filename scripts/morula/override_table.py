"""The table of contradictions, and genomes that follow the reads where it says so.

Shapes: L sites of the genomes, S joint samples. Genotypes 2 m + f stand in the table as
`m|f`, of one copy as `m`. Columns: docs/formats.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from morula import tables
from morula.errors import InputError
from morula.parental_alleles import Sites

EXPLANATIONS = ("artefact", "conversion", "mutation", "parents")
COLUMNS = (
    *("embryo", "chrom", "pos", "ref", "alt", "parent", "inherited", "posterior"),
    *("reads_ref", "reads_alt", "shown", "ln_bayes_factor", "tract_start"),
    *("tract_hets", *EXPLANATIONS, "verdict"),
)
OVERRIDDEN, KEPT = "overridden", "kept"
GENOTYPES = ("0|0", "0|1", "1|0", "1|1")
OF_ONE_COPY = ("0", "0", "1", "1")
NUMBERS = {text: number for number, text in enumerate(GENOTYPES)} | {"0": 0, "1": 2}
# Whose allele it is that differs, by the bits that do.
PARENTS = ("", "father", "mother", "")
# Of the shown genotype, for the reads to override what was inherited.
LEAST_EVENT = 0.9
Key = tuple[int, str, str]
Bits = NDArray[np.bool_]


@dataclass(frozen=True)
class Override:
    """A contradiction at row `site` of N sites. inherited, shown: genotypes 2 m + f;
    posterior: of what was inherited, beforehand; ln_bf: of the shown one against it;
    tract: rows of the hets that tell of the other haplotype together, this one too
    (none: a single site); the others: posterior of each explanation."""

    site: int
    inherited: int
    posterior: float
    shown: int
    ln_bf: float
    tract: tuple[int, ...]
    artefact: float
    conversion: float
    mutation: float
    parents: float

    @property
    def event(self) -> float:
        """P(the embryo's genotype is the shown one)."""
        return self.conversion + self.mutation + self.parents

    @property
    def is_overridden(self) -> bool:
        return self.event >= LEAST_EVENT


@dataclass(frozen=True)
class Followed:
    """A site at which an embryo's genome follows its reads. key: pos, ref, alt;
    inherited, shown: genotypes 2 m + f; event: P(the shown one); tract: what the sites
    of one tract share."""

    key: Key
    inherited: int
    shown: int
    event: float
    tract: tuple[str, str]


def rows_of(
    embryo: str,
    chrom: str,
    sites: Sites,
    reads: NDArray[np.float64],
    found: Sequence[Override],
    is_single: Bits,
) -> Iterator[dict[str, object]]:
    """Rows of the table; `found` counts among `sites`, (N,), with reads (N, 2), of
    which the embryo has one copy where is_single, (N,)."""
    for one in found:
        s = one.site
        names = OF_ONE_COPY if is_single[s] else GENOTYPES
        yield {
            "embryo": embryo,
            "chrom": chrom,
            "pos": int(sites.pos_bp[s]),
            "ref": sites.ref[s],
            "alt": sites.alt[s],
            "parent": PARENTS[one.inherited ^ one.shown],
            "inherited": names[one.inherited],
            "posterior": one.posterior,
            "reads_ref": int(reads[s, 0]),
            "reads_alt": int(reads[s, 1]),
            "shown": names[one.shown],
            "ln_bayes_factor": one.ln_bf,
            "tract_start": int(sites.pos_bp[one.tract[0]]) if one.tract else None,
            "tract_hets": len(one.tract),
            **{name: getattr(one, name) for name in EXPLANATIONS},
            "verdict": OVERRIDDEN if one.is_overridden else KEPT,
        }


def read(path: str | Path) -> dict[str, list[Followed]]:
    """The overridden sites of each embryo that has any."""
    found: dict[str, list[Followed]] = {}
    for line, row in enumerate(tables.read_tsv(path), start=2):
        try:
            if row["verdict"] != OVERRIDDEN:
                continue
            one = Followed(
                (int(row["pos"]), row["ref"], row["alt"]),
                NUMBERS[row["inherited"]],
                NUMBERS[row["shown"]],
                1.0 - float(row["artefact"]),
                # Single sites stand for themselves.
                (row["parent"], row["tract_start"] or f"single {row['pos']}"),
            )
        except (KeyError, ValueError) as error:
            no = "no column or genotype " if isinstance(error, KeyError) else ""
            raise InputError(
                f"{path}, line {line}: {no}{error}; expected the table that"
                " list_overrides.py writes: run that step again"
            ) from error
        found.setdefault(row["embryo"], []).append(one)
    return found


def placed(
    followed: Sequence[Followed], index: dict[Key, int]
) -> list[tuple[int, Followed]]:
    """Those at the genomes' sites, whose rows `index` gives, with these rows."""
    return [(index[one.key], one) for one in followed if one.key in index]


def follow_genotypes(
    ordered: NDArray[np.float64], followed: Sequence[tuple[int, Followed]]
) -> NDArray[np.float64]:
    """P(2 m + f), (L, 4), as the reads have it at the rows of `followed`."""
    result = ordered.copy()
    for row, one in followed:
        result[row] = 0.0
        result[row, one.inherited] = 1.0 - one.event
        result[row, one.shown] = one.event
    return result


def follow_samples(
    maternal: Bits,
    paternal: Bits,
    followed: Sequence[tuple[int, Followed]],
    rng: np.random.Generator,
) -> None:
    """Redraw the alleles of the joint samples, (S, L), at the rows of `followed`, in
    place: a tract as a whole."""
    whole = sorted(followed, key=lambda pair: pair[1].tract)
    for _, sites in groupby(whole, key=lambda pair: pair[1].tract):
        u = rng.random(len(maternal))
        for row, one in sites:
            genotype = np.where(u < one.event, one.shown, one.inherited)
            maternal[:, row], paternal[:, row] = genotype >> 1, genotype & 1
