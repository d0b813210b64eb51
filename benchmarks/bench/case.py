"""A case of the benchmark: a couple, its embryos and their counts under one scenario,
with the truth; and what a method makes of it. Both are .npz files.

Shapes: L sites of the panel (biallelic, rising), E embryos. Alleles: 0 REF, 1 ALT.
Order of parents: mother, father. Haplotypes of a parent are numbered 0 and 1.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Case:
    """The inputs that every method gets, and the truth that only the judge looks at.

    chrom: name; pos_bp int64 (L,); ref, alt str (L,); embryos str (E,).
    alt_frequency float64 (L,): in the panel given to the methods.
    counts int32 (E, L, 2): reads showing REF and ALT; is_snv bool (L,).
    cm float64 (2, L): female and male genetic position.
    parent_pl int32 (2, L, 3): parents' genotype likelihoods, Phred, best 0; all 0
    where nothing is known.
    phased int8 (2, L, 2): parents' haplotypes as Morula's phase stage found them, -1
    where it gives none.

    Truth: parents int8 (2, L, 2): true haplotypes; alleles int8 (E, L, 2): maternal and
    paternal allele of each embryo; transmitted int8 (E, 2, L): which true haplotype of
    the mother and of the father each embryo carries.
    true_dropout, true_contamination, true_error float64 (E,): what the simulator did:
    share of the sites with any template that have one allele only; share of the
    reads that are foreign; mean share of wrong bases among those counted.
    """

    chrom: str
    pos_bp: NDArray[np.int64]
    ref: NDArray[np.str_]
    alt: NDArray[np.str_]
    embryos: NDArray[np.str_]
    alt_frequency: NDArray[np.float64]
    counts: NDArray[np.int32]
    is_snv: NDArray[np.bool_]
    cm: NDArray[np.float64]
    parent_pl: NDArray[np.int32]
    phased: NDArray[np.int8]
    parents: NDArray[np.int8]
    alleles: NDArray[np.int8]
    transmitted: NDArray[np.int8]
    true_dropout: NDArray[np.float64]
    true_contamination: NDArray[np.float64]
    true_error: NDArray[np.float64]


@dataclass(frozen=True)
class Result:
    """What a method says of a case; NaN where it says nothing.

    method: its name, with version; gp float32 (E, L, 3): P(0, 1, 2 ALT copies).
    called bool (E, L): whether the method gives the genotype at all (a caller's
    missing call is False; gp then holds what a user would fill in).
    haplotype float32 (E, 2, L): P(the embryo carries haplotype 1 of the parent's phase
    as in Case.phased), NaN where the method does not tell.
    phased int8 (E, L, 2): best-guess maternal and paternal allele, -1 where not given.
    dropout, error, contamination float64 (E,): estimates, NaN where it makes none.
    status str (E,): pass, warn, fail; empty where the method gives none.
    draws uint8 (E, 2, S, ceil(L / 8)): joint samples of the maternal and the paternal
    alleles, packed along the sites; S = 0 where it gives none.
    """

    method: str
    gp: NDArray[np.float32]
    called: NDArray[np.bool_]
    haplotype: NDArray[np.float32]
    phased: NDArray[np.int8]
    dropout: NDArray[np.float64]
    error: NDArray[np.float64]
    contamination: NDArray[np.float64]
    status: NDArray[np.str_]
    draws: NDArray[np.uint8]


def plain_result(method: str, gp: NDArray[np.floating[Any]]) -> Result:
    """A result of genotype probabilities (E, L, 3) alone."""
    n_embryos, n_sites, _ = gp.shape
    nothing = np.full(n_embryos, np.nan)
    return Result(
        method=method,
        gp=gp.astype(np.float32),
        called=np.ones((n_embryos, n_sites), dtype=bool),
        haplotype=np.full((n_embryos, 2, n_sites), np.nan, dtype=np.float32),
        phased=np.full((n_embryos, n_sites, 2), -1, dtype=np.int8),
        dropout=nothing,
        error=nothing,
        contamination=nothing,
        status=np.full(n_embryos, ""),
        draws=np.zeros((n_embryos, 2, 0, -(-n_sites // 8)), dtype=np.uint8),
    )


# What of a case has an entry for each embryo; of a result, all but its method's name.
_OF_EMBRYOS = (
    *("embryos", "counts", "alleles", "transmitted"),
    *("true_dropout", "true_contamination", "true_error"),
)
Kind = TypeVar("Kind", Case, Result)


def one_embryo(what: Kind, row: int) -> Kind:
    """A case or a result with one of its embryos alone."""
    names = [field.name for field in fields(what) if field.name != "method"]
    if isinstance(what, Case):
        names = list(_OF_EMBRYOS)
    return replace(what, **{name: getattr(what, name)[row : row + 1] for name in names})


def save(path: str | Path, what: Case | Result) -> None:
    """Write a case or a result."""
    target = Path(path)
    partial = target.with_name(f".partial-{target.name}")
    with partial.open("wb") as handle:
        np.savez_compressed(handle, **asdict(what))
    partial.replace(target)


def _load(path: str | Path, kind: type) -> Any:
    with np.load(path) as data:
        values = {field.name: data[field.name] for field in fields(kind)}
    return kind(**{k: str(v) if v.ndim == 0 else v for k, v in values.items()})


def load_case(path: str | Path) -> Case:
    """Read a case."""
    case: Case = _load(path, Case)
    return case


def load_result(path: str | Path) -> Result:
    """Read a result."""
    result: Result = _load(path, Result)
    return result
