"""Sex of an embryo by its X chromosome, and whether the X is whole.

Two signs, outside the pseudo-autosomal regions (PARs): the depth relative to the
autosomes (1 of two copies, 0.5 of one), and the share of the reads that come from the
father's X (0.5 in daughters, 0 in sons). In the PARs both sexes have his DNA. Shapes: L
sites of X, N of them that tell, B = N_BLOCKS stretches.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from morula.atomic import written_whole
from morula.embryo_measures import UNKNOWN, Estimate, jackknife
from morula.errors import InputError
from morula.family_sites import FamilySites

Floats = NDArray[np.float64]
Rows = NDArray[np.bool_]
N_BLOCKS = 20
# Fewer sites with reads than this, at which the father's allele differs, say nothing.
MIN_SITES = 20
# METHOD: regions of some 300 kb are amplified alike, each with a spread of about 0.4 in
# the logarithm of its depth (resources/simulation.tsv).
REGION_SD = 0.4
REGION_BP = 300_000.0
# Standard errors: of what decides the sex, and of what withholds an embryo's results.
DECIDES_Z = 2.5
FAILS_Z = 4.0
# Between no DNA of the father's X and as much as of the mother's.
LEAST_PATERNAL, MOST_ABSENT, MOST_PATERNAL = 0.1, 0.25, 0.8
# Between one copy and two; three copies have 1.5 times the depth of two.
ONE_OR_TWO, TWO_OR_THREE = 0.75, 1.25


@dataclass(frozen=True)
class Signs:
    """depth: of X outside the PARs, of that of the autosomes; paternal: share of its
    DNA that is the father's; par: the same in the PARs. NaN: not known."""

    depth: Estimate
    paternal: Estimate
    par: Estimate


@dataclass(frozen=True)
class EmbryoSex:
    """sheet: female, male or unknown; reads: these, or undetermined; used: female or
    male, by which X is corrected; fails, warns: why X is not to be relied on."""

    embryo: str
    sheet: str
    reads: str
    used: str
    signs: Signs
    fails: str
    warns: str


def _surely(found: Estimate, low: float, high: float, z: float) -> bool:
    """Whether the value lies between low and high by z standard errors."""
    off = z * found.error
    return found.value - off > low and found.value + off < high


def depth_of(
    reads: Floats, pos_bp: NDArray[np.int64], autosomal_depth: float
) -> Estimate:
    """Mean depth at sites (N, 2) of X over that of the autosomes, reads a site; UNKNOWN
    where these have none."""
    if len(reads) < MIN_SITES or autosomal_depth <= 0:
        return UNKNOWN
    depth = reads.sum(axis=1) / autosomal_depth
    parts = np.array([part.mean() for part in np.array_split(depth, N_BLOCKS)])
    value = float(depth.mean())
    regions = max(float(pos_bp[-1] - pos_bp[0]) / REGION_BP, 1.0)
    sampling = float(parts.std(ddof=1)) / math.sqrt(N_BLOCKS)
    # No reads at all are as uncertain as one.
    counting = math.sqrt(reads.sum() + 1.0) / (autosomal_depth * len(reads))
    regional = value * REGION_SD / math.sqrt(regions)
    return Estimate(value, math.hypot(max(sampling, counting), regional))


def paternal_share(reads: Floats, family: FamilySites, among: Rows) -> Estimate:
    """Share of the DNA at the sites `among`, (L,), that is the father's.

    # METHOD: where the mother is homozygous, every read of the other allele is the
    # father's or an error: the share y of these reads is e + s f, f being what he has
    # of the other allele (of a donor: the panel's frequency), by least squares. Neither
    # phase nor a model of copies is needed, and dropout only adds spread.
    """
    mother, father = family.parents
    of_father = father.dosage / 2 if family.known[1] else family.frequency
    is_homozygous = (mother.dosage == 0.0) | (mother.dosage == 2.0)
    depth = reads.sum(axis=1)
    rows = np.flatnonzero(among & is_homozygous & np.isfinite(of_father) & (depth > 0))
    is_alt = mother.dosage[rows] == 2.0
    other = np.where(is_alt, reads[rows, 0], reads[rows, 1]) / depth[rows]
    f = np.where(is_alt, 1.0 - of_father[rows], of_father[rows])
    weight = depth[rows] / (1.0 + depth[rows])
    if f.sum() < MIN_SITES or (1.0 - f).sum() < MIN_SITES:
        return UNKNOWN
    known = np.stack([np.ones_like(f), f], axis=1)
    square = (weight[:, None, None] * known[:, :, None]) * known[:, None, :]
    cross = (weight * other)[:, None] * known
    blocks = np.array_split(np.arange(len(rows)), N_BLOCKS)
    try:
        beta, covariance = jackknife(
            np.stack([cross[block].sum(axis=0) for block in blocks]),
            np.stack([square[block].sum(axis=0) for block in blocks]),
        )
    except np.linalg.LinAlgError:
        return UNKNOWN
    # A site shows one allele or two: its spread is at most one half.
    least = 0.5 / math.sqrt(float(weight @ f))
    return Estimate(float(beta[1]), math.hypot(math.sqrt(covariance[1, 1]), least))


def signs_of(reads: Floats, family: FamilySites, autosomal_depth: float) -> Signs:
    """The signs of one embryo; reads: (L, 2) at the family's sites of X."""
    single = family.is_single
    return Signs(
        depth_of(reads[single], family.sites.pos_bp[single], autosomal_depth),
        paternal_share(reads, family, single),
        paternal_share(reads, family, ~single),
    )


def sex_by(signs: Signs) -> str:
    """`female`, `male` or `undetermined`.

    # METHOD: the father's alleles first, which amplification cannot make or take from
    # the whole of X; the depth only where they do not tell.
    """
    if _surely(signs.paternal, LEAST_PATERNAL, math.inf, DECIDES_Z):
        return "female"
    if _surely(signs.paternal, -math.inf, MOST_ABSENT, DECIDES_Z):
        return "male"
    if _surely(signs.depth, ONE_OR_TWO, math.inf, DECIDES_Z):
        return "female"
    if _surely(signs.depth, -math.inf, ONE_OR_TWO, DECIDES_Z):
        return "male"
    return "undetermined"


def is_abnormal(signs: Signs) -> bool:
    """Whether X surely has another number of copies than either sex has, or other
    parents."""
    depth, paternal = signs.depth, signs.paternal
    one = _surely(depth, -math.inf, ONE_OR_TWO, FAILS_Z)
    two = _surely(depth, ONE_OR_TWO, math.inf, FAILS_Z)
    three = _surely(depth, TWO_OR_THREE, math.inf, FAILS_Z)
    has_his = _surely(paternal, LEAST_PATERNAL, math.inf, FAILS_Z)
    has_none_of_his = _surely(paternal, -math.inf, MOST_ABSENT, FAILS_Z)
    only_his = _surely(paternal, MOST_PATERNAL, math.inf, FAILS_Z)
    none_at_all = _surely(signs.par, -math.inf, MOST_ABSENT, FAILS_Z)
    return (
        only_his
        or three
        or (has_his and one)
        or (has_none_of_his and (two or none_at_all))
    )


def judge(embryo: str, sheet: str, signs: Signs) -> EmbryoSex:
    """Sex of an embryo by the sheet and its reads, and what is wrong.

    The messages do not name the sex, which reports withhold. What the reads say goes
    before the sheet, so that a swapped sample does not spoil its siblings; one of
    unknown sex is corrected as if it had two copies, whose share the model learns.
    """
    reads = sex_by(signs)
    fails, warns = [], []
    if is_abnormal(signs):
        fails.append("not the copies of X that either sex has of its two parents")
    if "unknown" != sheet != reads != "undetermined":
        fails.append(
            "X is not that of the sex in the sample sheet: check for swapped samples,"
            " or correct the sheet"
        )
    used = next((one for one in (reads, sheet) if one in ("female", "male")), "")
    if not used:
        used = "female"
        warns.append(
            "the reads do not tell the sex, and the sample sheet does not: X is not to"
            " be relied on; give the sex in the sheet, where it is known"
        )
    return EmbryoSex(
        embryo, sheet, reads, used, signs, "; ".join(fails), "; ".join(warns)
    )


def write(path: str | Path, found: EmbryoSex) -> None:
    """Write `found` as JSON, whole or not at all; NaN as null."""
    data = asdict(found)
    for name, one in data["signs"].items():
        data["signs"][name] = {
            key: None if math.isnan(value) else value for key, value in one.items()
        }
    with written_whole(path) as partial:
        partial.write_text(json.dumps(data, indent=1) + "\n")


def read(path: str | Path) -> EmbryoSex:
    """Read what `write` wrote; raises InputError for any other file."""
    try:
        data = json.loads(Path(path).read_text())
        signs = {
            name: Estimate(*(math.nan if one[key] is None else one[key] for key in one))
            for name, one in data.pop("signs").items()
        }
        return EmbryoSex(signs=Signs(**signs), **data)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path}: {type(error).__name__} {error}; expected the JSON that"
            " infer_sex.py writes: run that step again"
        ) from error


def sons(paths: Sequence[str], embryos: Sequence[str]) -> set[str]:
    """Those of `embryos` whose X is corrected as a male's; paths: of each, in order."""
    found = [read(path) for path in paths]
    if [one.embryo for one in found] != list(embryos):
        shown = ", ".join(one.embryo for one in found) or "none"
        raise InputError(
            f"sexes of {shown}; expected those of {', '.join(embryos)}: X needs the"
            " file of each embryo, in the same order"
        )
    return {one.embryo for one in found if one.used == "male"}
