"""Truth and estimates of one family, read and joined site by site.

Shapes: L sites, N members (mother, father, then E embryos).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import cyvcf2
import numpy as np
from numpy.typing import NDArray

from morula.errors import InputError
from morula.haplotypes import read_genotypes
from morula.simulation.accuracy import blocks_of
from morula.simulation.copies import Copy, read_copies

Site = tuple[str, int, str, str]


@dataclass(frozen=True)
class Comparison:
    """Truth and estimates at the same sites.

    true, called: int8 (L, N, 2), called -1 where missing; counted: bool (L, N), False
    where the member does not have two copies in all cells (no two alleles describe it:
    true is 0 there); gp: float64 (L, N, 3); dosage: float64 (L, N); minor_is_alt,
    is_snv: bool (L,); blocks: int64 (L,); sites: the L keys (chrom, pos, ref, alt);
    n_truth: sites that the truth has.
    """

    true: NDArray[np.int8]
    called: NDArray[np.int8]
    counted: NDArray[np.bool_]
    gp: NDArray[np.float64]
    dosage: NDArray[np.float64]
    minor_is_alt: NDArray[np.bool_]
    is_snv: NDArray[np.bool_]
    blocks: NDArray[np.int64]
    sites: list[Site]
    n_truth: int


def _read_truth(
    paths: dict[str, str], members: Sequence[str]
) -> dict[Site, NDArray[np.int8]]:
    """True alleles, int8 (N, 2), of each site."""
    truth = {}
    for chrom, path in paths.items():
        genotypes = read_genotypes(path, chrom, members)
        keys = zip(genotypes.pos_bp.tolist(), genotypes.ref, genotypes.alt, strict=True)
        for (pos, ref, alt), alleles in zip(keys, genotypes.alleles, strict=True):
            truth[(chrom, pos, ref, alt)] = alleles
    return truth


def _read_alt_frequency(paths: Sequence[str]) -> dict[Site, float]:
    """Frequency of ALT in the panel, at each panel site (INFO/AF)."""
    return {
        (record.CHROM, record.POS, record.REF, record.ALT[0]): float(record.INFO["AF"])
        for path in paths
        for record in cyvcf2.VCF(path)
    }


def _columns(reader: cyvcf2.VCF, path: str, names: Sequence[str]) -> list[int]:
    missing = [name for name in names if name not in reader.samples]
    if missing:
        raise InputError(
            f"{path}: no sample {missing[0]!r}; it has {', '.join(reader.samples)}"
        )
    return [reader.samples.index(name) for name in names]


def _read_estimates(
    path: str, members: Sequence[str]
) -> Iterator[tuple[Site, NDArray[np.int16], NDArray[np.float32], NDArray[np.float32]]]:
    """(site, alleles (N, 2), GP (N, 3), DS (N,)) of each record."""
    reader = cyvcf2.VCF(path)
    columns = _columns(reader, path, members)
    for record in reader:
        site = (record.CHROM, record.POS, record.REF, record.ALT[0])
        gp, dosage = record.format("GP"), record.format("DS")
        if gp is None or dosage is None:
            raise InputError(f"{path}: {site[0]}:{site[1]} lacks GP or DS")
        alleles = record.genotype.array()[columns, :2]
        yield site, alleles, gp[columns], dosage[columns, 0]


def has_two_copies(
    copies: Mapping[str, Sequence[Copy]], sites: Sequence[Site]
) -> NDArray[np.bool_]:
    """Whether a member has exactly two copies, in all its cells, at each site: (L,)."""
    chroms = np.array([site[0] for site in sites])
    pos_bp = np.array([site[1] for site in sites], dtype=np.int64)
    result = np.zeros(len(sites), dtype=bool)
    for chrom, members in copies.items():
        here = chroms == chrom
        stretches = [one for copy in members for one in copy.stretches]
        number, whole = np.zeros((2, int(here.sum())), dtype=np.int64)
        for one in stretches:
            inside = (pos_bp[here] >= one.start) & (pos_bp[here] <= one.end)
            number += inside
            whole += inside & (one.cells_from <= 0.0) & (one.cells_to >= 1.0)
        result[here] = (number == 2) & (whole == 2)
    return result


def compare(
    truth_paths: dict[str, str],
    copies_path: str,
    panel_paths: Sequence[str],
    estimates_path: str,
    members: Sequence[str],
) -> Comparison:
    """Join truth, panel frequencies and estimates at the sites that all three have.

    truth_paths: a BCF for each chromosome; copies_path: the table of all members'
    copies. Raises InputError when there is no such site, or a member is missing.
    """
    truth = _read_truth(truth_paths, members)
    frequency = _read_alt_frequency(panel_paths)
    rows = [
        row
        for row in _read_estimates(estimates_path, members)
        if row[0] in truth and row[0] in frequency
    ]
    if not rows:
        raise InputError(f"{estimates_path}: none of its sites is among the true ones")
    sites = [row[0] for row in rows]
    order = {chrom: index for index, chrom in enumerate(truth_paths)}
    counted = np.stack(
        [has_two_copies(read_copies(copies_path, name), sites) for name in members],
        axis=1,
    )
    true = np.stack([truth[site] for site in sites])
    return Comparison(
        true=np.where(counted[:, :, None], true, 0).astype(np.int8),
        counted=counted,
        called=np.stack([row[1] for row in rows]).astype(np.int8),
        gp=np.stack([row[2] for row in rows]).astype(np.float64),
        dosage=np.stack([row[3] for row in rows]).astype(np.float64),
        minor_is_alt=np.array([frequency[site] <= 0.5 for site in sites]),
        is_snv=np.array([len(site[2]) == len(site[3]) == 1 for site in sites]),
        blocks=blocks_of(
            np.array([order[site[0]] for site in sites]),
            np.array([site[1] for site in sites]),
        ),
        sites=sites,
        n_truth=len(truth),
    )


def single_sample_genotypes(
    paths: Sequence[str], embryos: Sequence[str], sites: Sequence[Site]
) -> NDArray[np.int8]:
    """ALT copies by a single-sample caller at SNVs, int8 (L, E); -1: not called.

    paths: BCFs of one embryo each, any number an embryo. A record without ALT is
    homozygous for REF at every site of its position.
    """
    rows_at: dict[tuple[str, int, str], list[int]] = {}
    for row, (chrom, pos, ref, _) in enumerate(sites):
        rows_at.setdefault((chrom, pos, ref), []).append(row)
    copies = np.full((len(sites), len(embryos)), -1, dtype=np.int8)
    for path in paths:
        reader = cyvcf2.VCF(path)
        if len(reader.samples) != 1 or reader.samples[0] not in embryos:
            raise InputError(f"{path}: has {reader.samples}; expected one embryo")
        column = embryos.index(reader.samples[0])
        for record in reader:
            alleles = record.genotype.array()[0, :2].tolist()
            if min(alleles) < 0:
                continue
            names = [record.REF, *record.ALT]
            carried = [names[allele] for allele in alleles]
            for row in rows_at.get((record.CHROM, record.POS, record.REF), []):
                copies[row, column] = carried.count(sites[row][3])
    return copies
