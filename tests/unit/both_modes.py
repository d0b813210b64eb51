"""One sample counted in both modes of the simulator: its reads aligned and counted, and
its counts made at once.

Shapes: L sites.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cyvcf2
import numpy as np
import pysam

import count_alleles
import simulate_counts
from morula import tables
from morula.haplotypes import Genotypes
from morula.simulation import copies
from morula.simulation.bcf import write_bcf
from morula.simulation.copies import ordinary_pair
from morula.simulation.sequence import decode
from morula.simulation.streams import stream
from simulated_reads import align, index_world, make_reads, tube_flags

LENGTH = 600_000
SPACING = 60
BLOCKS = 40
DEPTH = 25.0


@dataclass(frozen=True)
class World:
    """folder: genome, and the truth of E1 and M1 in it; alleles: int8 (L, 2), of E1;
    foreign: bool (L,), E1 has no ALT, M1 has two."""

    folder: Path
    pos_bp: np.ndarray
    alleles: np.ndarray
    foreign: np.ndarray


def write_truth(
    folder: Path,
    name: str,
    pos_bp: np.ndarray,
    letters: tuple[list[str], list[str]],
    alleles: np.ndarray,
) -> None:
    """The BCF and the table of copies of one person."""
    ref, alt = (np.array(words, dtype=object) for words in letters)
    phased = np.ones((len(pos_bp), 1), dtype=bool)
    content = Genotypes("chr21", pos_bp, ref, alt, alleles[:, None], phased, (name,))
    write_bcf(folder / f"{name}.bcf", {"chr21": LENGTH}, [content])
    rows = copies.rows_of(name, {"chr21": ordinary_pair(1, LENGTH)})
    tables.write_tsv(folder / f"{name}.copies.tsv", copies.COLUMNS, rows)


def indel_alleles(codes: np.ndarray, pos_bp: np.ndarray) -> tuple[list[str], list[str]]:
    """REF and ALT of an insertion or a deletion of up to six bases behind each
    position, at every other one in a run of one base that is put into `codes`."""
    rng = stream(1, "indels")
    ref, alt = [], []
    for number, pos in enumerate(pos_bp.tolist()):
        size, base = int(rng.integers(1, 7)), int(rng.integers(0, 4))
        motif = rng.integers(0, 4, size).astype(np.uint8)
        if number % 2:
            codes[pos : pos + int(rng.integers(6, 13))] = motif[:] = base
            codes[pos - 1] = (base + 1) % 4
        anchor = decode(codes[pos - 1 : pos])
        is_deletion = rng.random() < 0.5
        more = codes[pos : pos + size] if is_deletion else motif
        ref.append(anchor + decode(more) if is_deletion else anchor)
        alt.append(anchor if is_deletion else anchor + decode(more))
    return ref, alt


def make_world(folder: Path, indels: bool = False) -> World:
    """A random genome with an SNV each 60 bases, or an indel each 120, half of them
    heterozygous in E1."""
    rng = stream(1, "agreement")
    codes = rng.integers(0, 4, LENGTH).astype(np.uint8)
    pos_bp = np.arange(400, LENGTH - 400, SPACING) + rng.integers(0, 30, 9_987)
    ref = codes[pos_bp - 1]
    alt = (ref + rng.integers(1, 4, len(ref))) % 4
    letters = list(decode(ref)), list(decode(alt.astype(np.uint8)))
    if indels:
        pos_bp = pos_bp[::2]
        letters = indel_alleles(codes, pos_bp)
    (folder / "genome.fa").write_text(f">chr21\n{decode(codes)}\n")
    pysam.faidx(str(folder / "genome.fa"))
    index_world(folder)
    people = {}
    for name in ("E1", "M1"):
        pairs = np.array([[0, 1], [1, 0], [0, 0], [1, 1]], dtype=np.int8)
        kinds = rng.choice(4, len(pos_bp), p=[0.25, 0.25, 0.3, 0.2])
        people[name] = pairs[kinds]
        write_truth(folder, name, pos_bp, letters, people[name])
    with pysam.BGZFile(str(folder / "sites.tsv.gz"), "wb") as handle:
        for pos, one, other in zip(pos_bp, *letters, strict=True):
            handle.write(f"chr21\t{pos}\t{one},{other}\n".encode())
    pysam.tabix_index(
        str(folder / "sites.tsv.gz"), seq_col=0, start_col=1, end_col=1, force=True
    )
    sums = [people[name].sum(axis=1) for name in ("E1", "M1")]
    return World(folder, pos_bp, people["E1"], (sums[0] == 0) & (sums[1] == 2))


@dataclass(frozen=True)
class Counts:
    """reads: REF and ALT, float (L, 2); reverse: of both alleles, quality: sum of base
    qualities, float (L,)."""

    reads: np.ndarray
    reverse: np.ndarray
    quality: np.ndarray

    @property
    def depth(self) -> np.ndarray:
        return self.reads.sum(axis=1)

    @property
    def alt_share(self) -> np.ndarray:
        return self.reads[:, 1] / np.maximum(self.depth, 1)


def read_counts(path: Path) -> Counts:
    rows = [
        [record.format(key)[0] for key in ("AD", "ADR", "QS")]
        for record in cyvcf2.VCF(str(path))
    ]
    found = np.array(rows, dtype=float)
    return Counts(found[:, 0], found[:, 1].sum(axis=1), found[:, 2].sum(axis=1))


def tube(world: World) -> list[str]:
    return tube_flags(
        world.folder, world.folder, "E1", chromosomes=["chr21"], depth=DEPTH
    )


def of_reads(world: World, out: Path, extra: str) -> Counts:
    """Reads, aligned and counted as the chain does it."""
    make_reads(tube(world), out, "E1", extra)
    flags = f"--genome {world.folder / 'genome.fa'} --chrom chr21 --sample E1"
    flags += f" --alignment {align(world.folder, out, 'E1')}"
    flags += f" --sites {world.folder / 'sites.tsv.gz'} --min-mapping-quality 20"
    flags += f" --min-base-quality 20 --max-depth 5000 --output {out / 'reads.bcf'}"
    assert count_alleles.main(flags.split()) == 0
    return read_counts(out / "reads.bcf")


def at_once(world: World, out: Path, extra: str) -> Counts:
    """The counts mode."""
    flags = f"--min-base-quality 20 --sites {world.folder / 'sites.tsv.gz'}"
    flags += f" --outputs {out / 'counts.bcf'} --template {out / 'template.tsv'}"
    flags += f" --summary {out / 'summary.tsv'} {extra}"
    assert simulate_counts.main([*tube(world), *flags.split()]) == 0
    return read_counts(out / "counts.bcf")


@dataclass(frozen=True)
class Case:
    """One protocol in both modes; extra: its flags."""

    extra: str
    reads: Counts
    counts: Counts


def together(world: World, one: Counts, lag: int) -> np.ndarray:
    """Product of the deviations from 1/2 of the maternal shares of a site and of that
    `lag` sites on; NaN where one has no reads or is homozygous."""
    het = (world.alleles.sum(axis=1) == 1) & (one.depth > 0)
    share = np.where(world.alleles[:, 0] == 1, one.alt_share, 1 - one.alt_share)
    away = np.where(het, share - 0.5, np.nan)
    return away * np.append(away[lag:], np.full(lag, np.nan))


def lost(one: Counts) -> np.ndarray:
    return np.where(one.depth >= 6, (one.reads == 0).any(axis=1), np.nan)


# Value of each site, and which sites count, by the number of ALT alleles (all: None).
MEASURES: dict[str, tuple[Callable[[World, Counts], np.ndarray], int | None]] = {
    "depth": (lambda _, one: one.depth, None),
    "squared depth": (lambda _, one: one.depth**2, None),
    "no reads": (lambda _, one: (one.depth == 0) * 1.0, None),
    "alt share at hets": (lambda _, one: one.alt_share, 1),
    "imbalance at hets": (lambda _, one: np.abs(one.alt_share - 0.5), 1),
    "dropout": (lambda _, one: lost(one), 1),
    "neighbouring hets": (lambda world, one: together(world, one, 1), 1),
    "hets 600 bases apart": (lambda world, one: together(world, one, 10), 1),
    "false alt": (lambda _, one: one.reads[:, 1], 0),
    "false ref": (lambda _, one: one.reads[:, 0], 2),
    "repeated false alt": (lambda _, one: (one.reads[:, 1] >= 3) * 1.0, 0),
    "foreign alt": (
        lambda world, one: np.where(world.foreign, one.reads[:, 1], np.nan),
        0,
    ),
    "strand": (lambda _, one: one.reverse - one.depth / 2, None),
}


def standard_errors(world: World, one: Counts, other: Counts) -> dict[str, float]:
    """Of each measure, the difference between two countings in its standard errors."""
    block = (world.pos_bp * BLOCKS) // LENGTH
    doses = world.alleles.sum(axis=1)
    found = {}
    for name, (measure, dose) in MEASURES.items():
        difference = measure(world, one) - measure(world, other)
        used = np.isfinite(difference) & ((doses == dose) | (dose is None))
        n = np.bincount(block[used], minlength=BLOCKS)
        sums = np.bincount(block[used], difference[used], minlength=BLOCKS)
        means = sums[n > 0] / n[n > 0]
        error = means.std(ddof=1) / np.sqrt(len(means))
        found[name] = float(means.mean() / error) if error > 0 else 0.0
    return found
