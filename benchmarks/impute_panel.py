"""Imputation of unrelated people from a panel: accuracy by depth, with and without the
damage of amplification, and what it costs.

Depth is Poisson, 0.5 % of the reads show the other allele. Damaged: in a share of
10-kb blocks all reads come from one haplotype. r2 is coded by the panel's minor allele
and pooled over people; sites that do not vary in the panel are given twice its
frequency, and count in `all` alone.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import cyvcf2
import numpy as np
from numpy.typing import NDArray

from morula import copying, inheritance, tables
from morula.cli import run
from morula.copying import Copying, Evidence
from morula.errors import InputError
from morula.genetic_map import read_map

READ_ERROR = 0.005
BLOCK_BP = 10_000
BINS = (("all", 0.0, 0.5), ("maf_below_1pct", 1e-9, 0.01))
BINS += (("maf_1_to_5pct", 0.01, 0.05), ("maf_5_to_50pct", 0.05, 0.51))
OUTLIER = 0.001
# Grid of the share, and its prior, of an amplified sample: lost, balanced, lost.
SHARES = np.array([0.0, 0.25, 0.5, 0.75, 1.0])


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--panel", required=True, help="phased BCF")
    add("--people", required=True, help="phased BCF of others, same sites")
    add("--map", required=True, help="PLINK format")
    add("--chrom", required=True)
    add("--depths", nargs="+", type=float, default=[0.1, 0.5, 1.0, 4.0])
    add("--lost", type=float, default=0.2, help="share of blocks, in damaged samples")
    add("--seed", type=int, default=5)
    add("--output", required=True, help=".tsv")
    return parser.parse_args(argv)


def read_haplotypes(path: str) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Positions (L,) and alleles (L, 2 n)."""
    reader = cyvcf2.VCF(path)
    rows = [(one.POS, one.genotype.array()[:, :2].reshape(-1)) for one in reader]
    reader.close()
    pos_bp, alleles = zip(*rows, strict=True)
    return np.array(pos_bp), np.array(alleles, dtype=np.uint8)


@dataclass(frozen=True)
class World:
    """alleles: uint8 (L, N), of the panel; people: uint8 (L, 2 n); cm, pos_bp: (L,)."""

    pos_bp: NDArray[np.int64]
    cm: NDArray[np.float64]
    alleles: NDArray[np.uint8]
    people: NDArray[np.uint8]

    @property
    def copies(self) -> NDArray[np.int64]:
        """True ALT copies, (L, n)."""
        return self.people[:, ::2].astype(np.int64) + self.people[:, 1::2]


def read_world(args: argparse.Namespace) -> World:
    pos_bp, alleles = read_haplotypes(args.panel)
    places, people = read_haplotypes(args.people)
    if not np.array_equal(pos_bp, places):
        raise InputError(f"{args.people}: not the sites of {args.panel}; expected them")
    cm = read_map(args.map, args.chrom).cm_at(pos_bp)
    return World(pos_bp, cm, alleles, people)


def draw_reads(
    world: World, depth: float, lost: float, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Reads showing REF and ALT (L, n, 2), and where an allele is lost, (L, n)."""
    block = world.pos_bp // BLOCK_BP
    n_sites, n = world.copies.shape
    alt, is_lost = world.copies / 2.0, np.zeros((n_sites, n), dtype=bool)
    for i in range(n):
        damaged = rng.random(block[-1] + 1) < lost
        kept = rng.integers(0, 2, block[-1] + 1)
        is_lost[:, i] = damaged[block]
        one = world.people[np.arange(n_sites), 2 * i + kept[block]]
        alt[:, i] = np.where(is_lost[:, i], one, alt[:, i])
    count = rng.poisson(depth, (n_sites, n))
    shown = alt * (1 - READ_ERROR) + (1 - alt) * READ_ERROR
    n_alt = rng.binomial(count, shown)
    return np.stack([count - n_alt, n_alt], axis=2).astype(float), is_lost


def unaware(reads: NDArray[np.float64]) -> Evidence:
    """Binomial likelihoods, as a caller gives them."""
    alt = np.array([READ_ERROR, 0.5, 1 - READ_ERROR])
    ln = reads[:, :1] * np.log(1 - alt) + reads[:, 1:] * np.log(alt)
    return copying.of_likelihoods(np.exp(ln - ln.max(axis=1, keepdims=True)))


def aware(
    reads: NDArray[np.float64], pos_bp: NDArray[np.int64], lost: float
) -> Evidence:
    """Likelihoods that know that alleles get lost."""
    prior = np.array([lost / 2, 0.05, 0.9 - lost, 0.05, lost / 2])
    stay = np.exp(-np.diff(pos_bp, prepend=pos_bp[0]) / BLOCK_BP)
    template = inheritance.alt_template_share(SHARES)
    table = inheritance.read_table(template[None], *np.full((2, 1), READ_ERROR))
    plain = np.zeros(len(stay), dtype=np.int64)
    return copying.of_reads(reads, table, plain, prior, stay, OUTLIER)


def measures(
    world: World, genotypes: NDArray[np.float64], is_lost: NDArray[np.bool_]
) -> dict[str, float | None]:
    """r2 by bin, and how often genotypes with GP > 0.99 are wrong."""
    frequency = world.alleles.mean(axis=1)
    minor = np.minimum(frequency, 1 - frequency)
    sign = np.where(frequency > 0.5, -1.0, 1.0)[:, None]
    dosage, truth = genotypes @ [0.0, 1.0, 2.0], world.copies
    found: dict[str, float | None] = {}
    for name, low, high in BINS:
        rows = (minor >= low) & (minor <= high if high == 0.5 else minor < high)
        # Coded by the minor allele: 2 - copies where ALT is the major one.
        shift = np.where(sign[rows] < 0, 2.0, 0.0)
        one = (shift + sign[rows] * dosage[rows]).ravel()
        other = (shift + sign[rows] * truth[rows]).ravel()
        found[f"r2_{name}"] = float(np.corrcoef(one, other)[0, 1] ** 2)
    sure = genotypes.max(axis=2) > 0.99
    wrong = genotypes.argmax(axis=2) != truth
    found["gp99_wrong"] = float(wrong[sure].mean())
    found["lost_gp99_wrong"] = found["lost_common_gp99_wrong"] = None
    for name, rows in (("lost", minor >= 0.0), ("lost_common", minor >= 0.05)):
        places = sure & is_lost & rows[:, None]
        if places.any():
            found[f"{name}_gp99_wrong"] = float(wrong[places].mean())
    best = genotypes.max(axis=2)
    bins = np.minimum((best * 20).astype(int), 19)
    n = np.bincount(bins.ravel(), minlength=20)
    gap = np.bincount(bins.ravel(), (best - ~wrong).ravel(), minlength=20)
    found["calibration_error"] = float(np.abs(gap).sum() / n.sum())
    return found


def impute(
    world: World, reads: NDArray[np.float64], lost: float, seed: int
) -> NDArray[np.float64]:
    """P(0, 1, 2 ALT copies), (L, n, 3)."""
    result = np.empty((*world.copies.shape, 3))
    for i in range(result.shape[1]):
        evidence = (
            aware(reads[:, i], world.pos_bp, lost) if lost else unaware(reads[:, i])
        )
        rng = np.random.default_rng([seed, i])
        how = copying.AMPLIFIED if lost else Copying()
        found = copying.impute(world.alleles, world.cm, evidence, how, rng)
        result[:, i] = found.genotypes
    return result


def rows(args: argparse.Namespace, world: World) -> Iterator[dict[str, object]]:
    """Rows of the table: the null row, then each depth without and with damage."""
    frequency = world.alleles.mean(axis=1)
    null = np.stack(
        [(1 - frequency) ** 2, 2 * frequency * (1 - frequency), frequency**2], axis=1
    )
    everyone = np.repeat(null[:, None], world.copies.shape[1], axis=1)
    nowhere = np.zeros(world.copies.shape, dtype=bool)
    yield (
        {"depth": None, "lost": None, "method": "panel_frequency"}
        | measures(world, everyone, nowhere)
        | {"cpu_s": None}
    )
    impute(world, np.zeros((*world.copies.shape, 2))[:, :1].repeat(20, 1), 0.0, 0)
    for lost in (0.0, args.lost):
        for depth in args.depths:
            rng = np.random.default_rng(args.seed)
            reads, is_lost = draw_reads(world, depth, lost, rng)
            before = time.process_time()
            genotypes = impute(world, reads, lost, args.seed)
            cpu_s = time.process_time() - before
            row = {"depth": depth, "lost": lost, "method": "morula"}
            yield row | measures(world, genotypes, is_lost) | {"cpu_s": round(cpu_s, 1)}
            print(depth, lost, f"{cpu_s:.1f} s", file=sys.stderr)


def work(args: argparse.Namespace) -> None:
    table = list(rows(args, read_world(args)))
    tables.write_tsv(args.output, tuple(table[0]), table)


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
