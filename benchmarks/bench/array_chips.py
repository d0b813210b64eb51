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
AMBIGUOUS = ({"A", "T"}, {"C", "G"})
HEADER = """\
##fileformat=VCFv4.2
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
"""
GENOTYPES = ("0/0", "0/1", "1/1")


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
    path: Path, fai: Path, markers: Markers, name: str, genotypes: Sequence[str]
) -> None:
    """An array's VCF, of genotypes alone."""
    contigs = call_files.read_contigs(fai)
    head = HEADER + "".join(
        f"##contig=<ID={c},length={n}>\n" for c, n in contigs.items()
    )
    columns = "#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT".split()
    lines = ["\t".join([*columns, name]) + "\n"]
    sites = zip(
        markers.pos_bp.tolist(), markers.ref, markers.alt, genotypes, strict=True
    )
    for pos, ref, alt, genotype in sites:
        place = f"{markers.chrom}\t{pos}\t.\t{ref}\t{alt}\t.\t."
        lines.append(f"{place}\t.\tGT\t{genotype}\n")
    path.write_text(head + "".join(lines))
