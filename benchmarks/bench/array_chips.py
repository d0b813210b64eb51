"""SNP arrays of a benchmark's people, as VCF files made of their true genomes.

Shapes: L markers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cyvcf2
import numpy as np
from numpy.typing import NDArray

from morula import call_files
from morula.haplotypes import read_genotypes

# Genotypes of unamplified DNA on an array: wrong ones, and those without a call.
WRONG, NO_CALL = 0.001, 0.005
# Amplified DNA: noise of a marker's BAF, failed probes (any BAF), markers without a
# call whatever they show. A caller's clusters meet at BAF 0.25 and 0.75, and what is
# nearer to these than CLEAR has no call.
NOISE, FAILED, SILENT, CLEAR = 0.05, 0.01, 0.03, 0.04
CLUSTER_ENDS = (0.25, 0.75)
AMBIGUOUS = ({"A", "T"}, {"C", "G"})
HEADER = """\
##fileformat=VCFv4.2
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
##FORMAT=<ID=BAF,Number=1,Type=Float,Description="B allele frequency">
##INFO=<ID=ALLELE_B,Number=1,Type=String,Description="B allele">
"""
GENOTYPES = ("0/0", "0/1", "1/1")


@dataclass(frozen=True)
class Shown:
    """What an array shows. genotypes: GT of each marker; alt: its BAF as fraction of
    ALT, (L,), NaN where there is none; None for an array of genotypes alone."""

    genotypes: Sequence[str]
    alt: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Markers:
    """chrom; pos_bp int64 (L,); ref, alt (L,)."""

    chrom: str
    pos_bp: NDArray[np.int64]
    ref: NDArray[np.object_]
    alt: NDArray[np.object_]


def choose_markers(
    panel: Path, chrom: str, spacing_bp: float, least_maf: float, seed: int
) -> Markers:
    """One common SNV of the panel in each window of spacing_bp; those whose strand
    their letters do not tell (A/T, C/G) are on few arrays, and left out."""
    kept = [
        (record.POS, record.REF, record.ALT[0])
        for record in cyvcf2.VCF(str(panel))
        if record.is_snp
        and least_maf <= record.INFO["AF"] <= 1 - least_maf
        and {record.REF, record.ALT[0]} not in AMBIGUOUS
    ]
    windows = np.array([int(pos / spacing_bp) for pos, _, _ in kept])
    rng = np.random.default_rng(seed)
    rows = [
        int(rng.choice(np.flatnonzero(windows == one))) for one in np.unique(windows)
    ]
    pos, ref, alt = zip(*(kept[row] for row in rows), strict=True)
    letters = (np.array(one, dtype=object) for one in (ref, alt))
    return Markers(chrom, np.array(pos, dtype=np.int64), *letters)


def alleles_at(path: Path, name: str, markers: Markers) -> NDArray[np.int8]:
    """True alleles (L, 2) of a genome at the markers; REF where the file has none."""
    found = read_genotypes(path, markers.chrom, [name])
    keys = zip(found.pos_bp.tolist(), found.ref, found.alt, strict=True)
    rows = {key: row for row, key in enumerate(keys)}
    wanted = zip(markers.pos_bp.tolist(), markers.ref, markers.alt, strict=True)
    at = np.array([rows.get(key, -1) for key in wanted])
    alleles = np.where(at[:, None] >= 0, found.alleles[at, 0], 0)
    return np.asarray(np.maximum(alleles, 0), dtype=np.int8)


def depths_at(path: Path, markers: Markers) -> NDArray[np.int64]:
    """Reads of REF and ALT (L, 2) in an embryo's counts; none where there is no such
    site."""
    found = {
        (record.POS, record.REF, record.ALT[0]): record.format("AD")[0]
        for record in cyvcf2.VCF(str(path))
    }
    wanted = zip(markers.pos_bp.tolist(), markers.ref, markers.alt, strict=True)
    return np.array([found.get(key, (0, 0)) for key in wanted], dtype=np.int64)


def amplified(
    rng: np.random.Generator, reads: NDArray[np.int64], has_fractions: bool
) -> Shown:
    """The array of an amplified embryo; reads: (L, 2), so deep that their ALT fraction
    is the template's."""
    total = reads.sum(axis=1)
    alt = reads[:, 1] / np.maximum(total, 1) + rng.normal(0.0, NOISE, len(total))
    failed = rng.random(len(total)) < FAILED
    alt = np.clip(np.where(failed, rng.random(len(total)), alt), 0.0, 1.0)
    low, high = CLUSTER_ENDS
    copies = (alt > low).astype(int) + (alt > high)
    is_clear = np.minimum(np.abs(alt - low), np.abs(alt - high)) > CLEAR
    is_called = is_clear & (total > 0) & (rng.random(len(total)) >= SILENT)
    genotypes = [
        GENOTYPES[n] if called else "./."
        for n, called in zip(copies.tolist(), is_called.tolist(), strict=True)
    ]
    alt[total == 0] = np.nan
    return Shown(genotypes, alt if has_fractions else None)


def unamplified(rng: np.random.Generator, alleles: NDArray[np.int8]) -> list[str]:
    """GT of each marker."""
    copies = alleles.sum(axis=1)
    wrong = rng.random(len(copies)) < WRONG
    copies = np.where(wrong, (copies + rng.integers(1, 3, len(copies))) % 3, copies)
    absent = rng.random(len(copies)) < NO_CALL
    return [
        "./." if no_call else GENOTYPES[n]
        for n, no_call in zip(copies.tolist(), absent.tolist(), strict=True)
    ]


def write_array(
    path: Path, fai: Path, markers: Markers, name: str, shown: Shown
) -> None:
    """An array's VCF. B is ALT at every other marker, REF at the others."""
    contigs = call_files.read_contigs(fai)
    head = HEADER + "".join(
        f"##contig=<ID={c},length={n}>\n" for c, n in contigs.items()
    )
    columns = "#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT".split()
    lines = ["\t".join([*columns, name]) + "\n"]
    sites = zip(
        markers.pos_bp.tolist(), markers.ref, markers.alt, shown.genotypes, strict=True
    )
    for row, (pos, ref, alt, genotype) in enumerate(sites):
        place = f"{markers.chrom}\t{pos}\t.\t{ref}\t{alt}\t.\t."
        if shown.alt is None:
            lines.append(f"{place}\t.\tGT\t{genotype}\n")
            continue
        of_alt = float(shown.alt[row])
        baf = of_alt if row % 2 else 1.0 - of_alt
        text = "." if np.isnan(baf) else f"{baf:.4f}"
        info = f"ALLELE_B={alt if row % 2 else ref + '*'}"
        lines.append(f"{place}\t{info}\tGT:BAF\t{genotype}:{text}\n")
    path.write_text(head + "".join(lines))
