"""X and Y: where X is like an autosome, and where a male has one copy of it.

X and Y share two pseudo-autosomal regions (PARs), in which every sample has two copies.
Between them lies the own part of X: two copies in females, one in males. Morula's BCFs
up to the imputed parents give a male's one copy as a homozygous genotype, since the
programs that phase and impute want two alleles. Shapes: L sites.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from morula.errors import InputError

# bp of the chromosome, last bp of PAR1, first bp of PAR2. Source: the Genome Reference
# Consortium's assemblies GCA_000001405.1 (GRCh37) and GCA_000001405.15 (GRCh38).
_REGIONS = {
    ("GRCh37", "X"): (155_270_560, 2_699_520, 154_931_044),
    ("GRCh37", "Y"): (59_373_566, 2_649_520, 59_034_050),
    ("GRCh38", "X"): (156_040_895, 2_781_479, 155_701_383),
    ("GRCh38", "Y"): (57_227_415, 2_781_479, 56_887_903),
}
BUILDS = sorted({build for build, _ in _REGIONS})
Span = tuple[int, int]


def kind_of(chrom: str) -> str:
    """`X`, `Y`, or empty for an autosome; the name may begin with `chr`."""
    name = chrom.removeprefix("chr")
    return name if name in ("X", "Y") else ""


def is_x(chrom: str) -> bool:
    """Whether `chrom` is X."""
    return kind_of(chrom) == "X"


def own_region(build: str | None, kind: str, length_bp: int) -> Span:
    """First and last position between PAR1 and PAR2, which X and Y do not share.

    PAR1 is taken to begin at 1, PAR2 to end with the chromosome. A chromosome that ends
    in PAR1 of the build is a simulated one: the regions shrink in proportion. One that
    ends between them has no PAR2.
    """
    if build is None:
        raise InputError(f"{kind} is split by build; expected --build {BUILDS}")
    whole, first_ends, second_starts = _REGIONS[(build, kind)]
    if length_bp <= first_ends:
        shrunk = length_bp / whole
        return round(first_ends * shrunk) + 1, round(second_starts * shrunk) - 1
    return first_ends + 1, min(second_starts - 1, length_bp)


def single_region(chrom: str, build: str | None, length_bp: int) -> Span:
    """First and last position of which males have one copy; (1, 0) of an autosome."""
    return own_region(build, "X", length_bp) if is_x(chrom) else (1, 0)


def is_within(pos_bp: NDArray[np.int64], region: Span) -> NDArray[np.bool_]:
    """Sites, (L,), that lie in `region`."""
    return np.asarray((pos_bp >= region[0]) & (pos_bp <= region[1]))
