"""Simulated polygenic scores in the formats of the PGS Catalog.

Rows are as untidy as real ones: the effect allele may be REF or ALT, some rows are on
the other strand, some ambiguous (A/T, C/G), some variants are not in the panel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from morula.haplotypes import Genotypes

_COMPLEMENT = str.maketrans("ACGT", "TGCA")
# Between the positions of the two builds of a simulated world.
BUILD_SHIFT_BP = 10_000
_STRAND_FLIPPED = 0.05
_NOT_IN_PANEL = 0.03


@dataclass(frozen=True)
class ScoreRows:
    """The rows of one score, in order of position.

    chrom, effect, other: strings; pos_bp: 1-based; weight: per copy of `effect`;
    frequency: of `effect` in the panel.
    """

    chrom: list[str]
    pos_bp: list[int]
    effect: list[str]
    other: list[str]
    weight: list[float]
    frequency: list[float]


@dataclass(frozen=True)
class ScoreInfo:
    """The head of a scoring file."""

    pgs_id: str
    name: str
    trait: str
    build: str


def is_ambiguous(ref: str, alt: str) -> bool:
    """Whether the alleles are each other's complement."""
    return len(ref) == 1 and ref.translate(_COMPLEMENT) == alt


def draw_score(
    rng: np.random.Generator,
    panel: Sequence[Genotypes],
    n_variants: int,
    flip_ambiguous: bool,
) -> ScoreRows:
    """Weights of `n_variants` common variants; the panel's score has an SD of one.

    flip_ambiguous: whether A/T and C/G variants may be on the other strand, too: then
    only the effect allele's frequency tells.
    """
    chosen, effects = draw_effects(rng, panel, n_variants)
    rows = ScoreRows([], [], [], [], [], [])
    for (chromosome, site), effect in zip(chosen, effects.tolist(), strict=True):
        _add_row(rng, rows, panel[chromosome], site, effect, flip_ambiguous)
    return rows


def draw_effects(
    rng: np.random.Generator, panel: Sequence[Genotypes], n_variants: int
) -> tuple[list[tuple[int, int]], NDArray[np.float64]]:
    """(chromosome, site) of `n_variants` common variants, or of all if there are fewer,
    in order, and their effects per copy of ALT; the panel's score has an SD of one."""
    columns = [
        (chromosome, int(site))
        for chromosome, genotypes in enumerate(panel)
        for site in np.flatnonzero(_minor_frequency(genotypes) >= 0.01)
    ]
    n_variants = min(n_variants, len(columns))
    chosen = sorted(rng.choice(len(columns), n_variants, replace=False).tolist())
    dosage = np.stack(
        [panel[columns[i][0]].alleles[columns[i][1]].sum(axis=1) for i in chosen]
    )
    # METHOD: rarer variants have larger effects (variance ~ (p q)^-0.5, between the
    # infinitesimal and the per-allele model).
    p = dosage.mean(axis=1) / 2
    effects = rng.normal(size=n_variants) * (p * (1 - p)) ** -0.25
    effects /= np.std(effects @ dosage)
    return [columns[i] for i in chosen], effects


def _minor_frequency(genotypes: Genotypes) -> NDArray[np.float64]:
    frequency = genotypes.alleles.mean(axis=(1, 2), dtype=np.float64)
    return np.asarray(np.minimum(frequency, 1 - frequency), dtype=np.float64)


def _add_row(
    rng: np.random.Generator,
    rows: ScoreRows,
    genotypes: Genotypes,
    site: int,
    effect: float,
    flip_ambiguous: bool,
) -> None:
    """Append one variant, swapped or flipped or moved off the panel at times."""
    pos = int(genotypes.pos_bp[site])
    ref, alt = str(genotypes.ref[site]), str(genotypes.alt[site])
    swapped, flipped, absent = rng.random(3) < (0.5, _STRAND_FLIPPED, _NOT_IN_PANEL)
    frequency = float(genotypes.alleles[site].mean())
    pair, weight = (alt, ref), effect
    if swapped:
        pair, weight, frequency = (ref, alt), -effect, 1 - frequency
    is_snv = len(ref) == len(alt) == 1
    if flipped and is_snv and (flip_ambiguous or not is_ambiguous(ref, alt)):
        pair = (pair[0].translate(_COMPLEMENT), pair[1].translate(_COMPLEMENT))
    if absent:
        taken = set(genotypes.pos_bp[max(site - 50, 0) : site + 50].tolist())
        pos = next(p for p in range(pos, pos + 1000) if p not in taken)
    rows.chrom.append(genotypes.chrom.removeprefix("chr"))
    rows.pos_bp.append(pos)
    rows.effect.append(pair[0])
    rows.other.append(pair[1])
    rows.weight.append(weight)
    rows.frequency.append(frequency)


def format_1(info: ScoreInfo, rows: ScoreRows) -> str:
    """Format 1.0: spaces in the header, `reference_allele` for the other allele, no
    allele frequencies."""
    head = (
        "### PGS CATALOG SCORING FILE - simulated, not a score of the Catalog\n"
        "## POLYGENIC SCORE (PGS) INFORMATION\n"
        f"# PGS ID = {info.pgs_id}\n# PGS Name = {info.name}\n"
        f"# Reported Trait = {info.trait}\n# Original Genome Build = {info.build}\n"
        f"# Number of Variants = {len(rows.weight)}\n"
        "## SOURCE INFORMATION\n# PGP ID = SIMULATED\n# Citation = simulated\n"
    )
    columns = _columns(rows, 0)
    columns["reference_allele"] = columns.pop("other_allele")
    del columns["allelefrequency_effect"]
    return head + _body(columns)


def format_2(info: ScoreInfo, rows: ScoreRows) -> str:
    """Format 2.0, positions in the build of the reference."""
    head = _head_2(info, info.build, len(rows.weight))
    return head + _body(_columns(rows, 0))


def format_2_harmonised(info: ScoreInfo, rows: ScoreRows) -> str:
    """Format 2.0, made on the other build and lifted over to that of the reference."""
    original = "GRCh37" if info.build == "GRCh38" else "GRCh38"
    head = _head_2(info, original, len(rows.weight)) + (
        f"##HARMONIZATION DETAILS\n#HmPOS_build={info.build}\n#HmPOS_date=2022-07-29\n"
        '#HmPOS_match_chr={"True": null, "False": null}\n'
        '#HmPOS_match_pos={"True": null, "False": null}\n'
    )
    n_rows = len(rows.weight)
    columns = _columns(rows, BUILD_SHIFT_BP) | {
        "hm_source": ["liftover"] * n_rows,
        "hm_rsID": [""] * n_rows,
        "hm_chr": rows.chrom,
        "hm_pos": rows.pos_bp,
        "hm_inferOtherAllele": [""] * n_rows,
    }
    return head + _body(columns)


def _columns(rows: ScoreRows, shift_bp: int) -> dict[str, Sequence[object]]:
    """The columns of format 2.0, with positions moved by `shift_bp`."""
    return {
        "chr_name": rows.chrom,
        "chr_position": [pos + shift_bp for pos in rows.pos_bp],
        "effect_allele": rows.effect,
        "other_allele": rows.other,
        "effect_weight": [f"{weight:.8g}" for weight in rows.weight],
        "allelefrequency_effect": [f"{share:.4f}" for share in rows.frequency],
    }


def _head_2(info: ScoreInfo, build: str, n_variants: int) -> str:
    return (
        "###PGS CATALOG SCORING FILE - simulated, not a score of the Catalog\n"
        "#format_version=2.0\n##POLYGENIC SCORE (PGS) INFORMATION\n"
        f"#pgs_id={info.pgs_id}\n#pgs_name={info.name}\n"
        f"#trait_reported={info.trait}\n#trait_mapped={info.trait}\n#trait_efo=\n"
        f"#genome_build={build}\n#variants_number={n_variants}\n#weight_type=beta\n"
        "##SOURCE INFORMATION\n#pgp_id=SIMULATED\n#citation=simulated\n"
    )


def _body(columns: Mapping[str, Sequence[object]]) -> str:
    lines = ["\t".join(columns)]
    lines += ["\t".join(map(str, row)) for row in zip(*columns.values(), strict=True)]
    return "\n".join(lines) + "\n"
