"""Made-up scoring files in the PGS Catalog's format, as untidy as real ones, on drawn
sites of several chromosomes.

Genotypes of different sites are independent: what is measured on them is time, memory
and whether sums agree, none of which depends on linkage.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from morula.simulation.streams import stream

BASES = np.array(list("ACGT"))
# Sites are at even positions, so that the next one is free.
SPACING_BP, MEAN_GAP_BP = 2, 2800
# METHOD: shares as in files on which peers were measured before: a tenth of the rows
# is of variants that the target lacks, one in thirteen is allele-swapped or written on
# the other strand, one in seven is A/T or C/G, a few are there twice.
AMBIGUOUS, ABSENT, SWAPPED, FLIPPED, REPEATED = 0.135, 0.10, 0.05, 0.026, 0.002
# Large enough that plink2's six digits of a sum below one show 1e-6.
WEIGHT_SD = 1e-3


@dataclass(frozen=True)
class DrawnSites:
    """Biallelic SNVs of one chromosome: pos_bp int64 (L,), even and increasing; ref,
    alt int8 (L,), numbers of BASES, of which 3 - number is the complement; frequency
    float64 (L,) of ALT."""

    chrom: str
    pos_bp: NDArray[np.int64]
    ref: NDArray[np.int8]
    alt: NDArray[np.int8]
    frequency: NDArray[np.float64]


def draw_sites(seed: int, chrom: str, n_sites: int) -> DrawnSites:
    """Sites of a chromosome, MEAN_GAP_BP apart on average."""
    rng = stream(seed, "sites", chrom)
    pos_bp = 10_000 + SPACING_BP * np.cumsum(
        rng.geometric(SPACING_BP / MEAN_GAP_BP, n_sites)
    )
    ref = rng.integers(0, 4, n_sites).astype(np.int8)
    # Neither the base itself nor its complement: one of the two others.
    other = np.where(rng.random(n_sites) < 0.5, ref ^ 1, ref ^ 2)
    alt = np.where(rng.random(n_sites) < AMBIGUOUS, 3 - ref, other).astype(np.int8)
    frequency = np.clip(rng.beta(0.5, 1.0, n_sites), 0.01, 0.99)
    return DrawnSites(chrom, pos_bp, ref, alt, frequency)


def draw_rows(
    seed: int, name: str, sites: list[DrawnSites], n_rows: int
) -> pl.DataFrame:
    """Rows of one scoring file, in order of position, with the Catalog's columns."""
    rng = stream(seed, "scoring file", name)
    counts = [len(one.pos_bp) for one in sites]
    n_repeats = round(n_rows * REPEATED)
    chosen = rng.choice(sum(counts), n_rows - n_repeats, replace=False)
    chosen = np.sort(np.concatenate([chosen, rng.choice(chosen, n_repeats)]))
    chrom = np.repeat(np.arange(len(sites)), counts)[chosen]
    pos_bp, ref, alt, frequency = (
        np.concatenate([getattr(one, field) for one in sites])[chosen]
        for field in ("pos_bp", "ref", "alt", "frequency")
    )
    swapped, flipped, absent = (
        rng.random(n_rows) < share for share in (SWAPPED, FLIPPED, ABSENT)
    )
    effect = np.where(swapped, ref, alt)
    other = np.where(swapped, alt, ref)
    weight = _weights(rng, chosen)
    names = np.array([one.chrom.removeprefix("chr") for one in sites])[chrom]
    share = np.where(swapped, 1 - frequency, frequency)
    hm_pos = pos_bp + absent
    return pl.DataFrame(
        {
            "rsID": np.char.add("rs", chosen.astype(str)),
            "chr_name": names,
            "chr_position": hm_pos + 10_000,
            "effect_allele": BASES[np.where(flipped, 3 - effect, effect)],
            "other_allele": BASES[np.where(flipped, 3 - other, other)],
            "effect_weight": np.where(swapped, -weight, weight),
            "allelefrequency_effect": np.round(share, 4),
            "hm_source": np.full(n_rows, "ENSEMBL"),
            "hm_rsID": np.char.add("rs", chosen.astype(str)),
            "hm_chr": names,
            "hm_pos": hm_pos,
            "hm_inferOtherAllele": pl.Series([None] * n_rows, dtype=pl.String),
        }
    )


def _weights(
    rng: np.random.Generator, chosen: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Weights per copy of ALT; a repeated row has that of the row before."""
    drawn = np.round(rng.normal(0.0, WEIGHT_SD, len(chosen)), 10)
    _, first = np.unique(chosen, return_index=True)
    _, group = np.unique(chosen, return_inverse=True)
    return np.asarray(drawn[first][group])


def write_scoring_file(path: Path, pgs_id: str, rows: pl.DataFrame) -> None:
    """Write rows as a file of the Catalog, format 2.0, harmonised to GRCh38, gzipped
    (the Catalog's own files are)."""
    head = (
        "###PGS CATALOG SCORING FILE - made up, not a score of the Catalog\n"
        "#format_version=2.0\n##POLYGENIC SCORE (PGS) INFORMATION\n"
        f"#pgs_id={pgs_id}\n#pgs_name=made_up_{pgs_id}\n#trait_reported=made up\n"
        "#trait_mapped=made up\n#trait_efo=EFO_0000001\n#genome_build=GRCh37\n"
        f"#variants_number={rows.height}\n#weight_type=beta\n"
        "##SOURCE INFORMATION\n#pgp_id=PGP000001\n#citation=made up\n"
        "##HARMONIZATION DETAILS\n#HmPOS_build=GRCh38\n#HmPOS_date=2022-07-29\n"
        '#HmPOS_match_chr={"True": null, "False": null}\n'
        '#HmPOS_match_pos={"True": null, "False": null}\n'
    )
    body = rows.write_csv(separator="\t")
    path.write_bytes(gzip.compress((head + body).encode(), compresslevel=6, mtime=0))
