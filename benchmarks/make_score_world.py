"""Make a world of many scoring files: a panel, a family of twelve, and the files.

Written under --directory: panel/{chrom}.bcf (with .csi), panel.tsv (labels),
family.bcf (GT, DS, GP; parents and ten embryos), scores/PGS9*.txt.gz. What is drawn
is in bench/drawn_scores.py. Files that are there are not made again, so that a
world can grow.

    python benchmarks/make_score_world.py --directory WORLD --files 500
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from bench.drawn_scores import (
    BASES,
    DrawnSites,
    draw_rows,
    draw_sites,
    write_scoring_file,
)
from morula.atomic import written_whole
from morula.cli import run
from morula.simulation.streams import stream

logger = logging.getLogger("make_score_world")
CHROMOSOMES = [f"chr{number}" for number in range(1, 23)]
PARENTS = ("M", "F")
BLOCK = 5000
# Copies of ALT that are not sure, in steps that plink2 (1/16384) holds exactly.
DOUBTFUL, STEP = 0.05, 1 / 64
Alleles = NDArray[np.int8]


def header(samples: Sequence[str], formats: Sequence[str]) -> bytes:
    """Header of a VCF of all chromosomes."""
    lines = ["##fileformat=VCFv4.2"]
    lines += [f"##contig=<ID={chrom},length=300000000>" for chrom in CHROMOSOMES]
    lines += ['##INFO=<ID=AC,Number=A,Type=Integer,Description="ALT">']
    lines += ['##INFO=<ID=AN,Number=1,Type=Integer,Description="all">', *formats]
    columns = "#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT".split()
    lines.append("\t".join([*columns, *samples]))
    return ("\n".join(lines) + "\n").encode()


def write_records(
    sink: IO[bytes], sites: DrawnSites, field: str, blocks: Iterator[NDArray[np.str_]]
) -> None:
    """Records of all sites; blocks: cells (b, N) of b sites after the other."""
    at = 0
    for cells in blocks:
        part = slice(at, at + len(cells))
        at += len(cells)
        ref, alt = BASES[sites.ref[part]], BASES[sites.alt[part]]
        for pos, one, other, row in zip(
            sites.pos_bp[part].tolist(), ref, alt, cells.tolist(), strict=True
        ):
            site = f"{sites.chrom}\t{pos}\t{sites.chrom}:{pos}:{one}:{other}"
            info, *texts = row
            line = [site, one, other, ".\t.", info, field, *texts]
            sink.write(("\t".join(line) + "\n").encode())


def write_bcf(
    path: Path, head: bytes, parts: Iterator[tuple[DrawnSites, str, Iterator]]
) -> None:
    """Write a BCF of chromosomes after each other, with its index."""
    with written_whole(path) as partial:
        command = ["bcftools", "view", "--no-version", "-Ob", "-o", str(partial)]
        with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
            assert process.stdin is not None
            process.stdin.write(head)
            for part in parts:
                write_records(process.stdin, *part)
        if process.returncode:
            raise RuntimeError(f"{path}: bcftools failed; its message stands above")
    subprocess.run(["bcftools", "index", "-f", str(path)], check=True)


def panel_cells(
    seed: int, sites: DrawnSites, n_samples: int
) -> Iterator[NDArray[np.str_]]:
    """INFO and genotypes of the panel, block by block."""
    rng = stream(seed, "panel", sites.chrom)
    texts = np.array(["0|0", "0|1", "1|0", "1|1"])
    for start in range(0, len(sites.pos_bp), BLOCK):
        frequency = sites.frequency[start : start + BLOCK, None]
        one, other = rng.random((2, len(frequency), n_samples)) < frequency
        count = (one.sum(axis=1) + other.sum(axis=1)).astype(str)
        info = np.char.add(np.char.add("AC=", count), f";AN={2 * n_samples}")
        yield np.column_stack([info, texts[2 * one + other]])


def family_cells(
    seed: int, sites: DrawnSites, n_embryos: int
) -> Iterator[NDArray[np.str_]]:
    """INFO and GT:DS:GP of parents and embryos; an embryo takes one haplotype of each
    parent all along a chromosome."""
    rng = stream(seed, "family", sites.chrom)
    gametes = rng.integers(0, 2, (n_embryos, 2))
    for start in range(0, len(sites.pos_bp), BLOCK):
        frequency = sites.frequency[start : start + BLOCK, None, None]
        parents = rng.random((len(frequency), 2, 2)) < frequency
        embryos = np.stack(
            [parents[:, 0, gametes[:, 0]], parents[:, 1, gametes[:, 1]]], axis=2
        )
        alleles = np.concatenate([parents, embryos], axis=1).astype(np.int8)
        yield np.column_stack([np.full(len(frequency), "."), _cells(rng, alleles)])


def _cells(rng: np.random.Generator, alleles: Alleles) -> NDArray[np.str_]:
    """GT:DS:GP (b, N); the doubtful lie between their copies and one copy."""
    copies = alleles.sum(axis=2)
    doubt = STEP * rng.integers(1, 32, copies.shape)
    doubt[rng.random(copies.shape) >= DOUBTFUL] = 0.0
    keys, index = np.unique(
        np.stack([alleles[..., 0], alleles[..., 1], doubt / STEP], axis=-1)
        .reshape(-1, 3)
        .astype(int),
        axis=0,
        return_inverse=True,
    )
    texts = []
    for first, second, steps in keys.tolist():
        p = [0.0, 0.0, 0.0]
        p[first + second] = 1.0 - steps * STEP
        p[0 if first + second == 1 else 1] += steps * STEP
        gp = ",".join(f"{one:g}" for one in p)
        texts.append(f"{first}|{second}:{p[1] + 2 * p[2]:g}:{gp}")
    return np.array(texts)[index.reshape(copies.shape)]


def write_genomes(args: argparse.Namespace, sites: Sequence[DrawnSites]) -> None:
    """The panel's and the family's files."""
    gt = '##FORMAT=<ID=GT,Number=1,Type=String,Description="genotype">'
    names = [f"P{number:04}" for number in range(args.panel_samples)]
    for one in sites:
        path = args.directory / f"panel/{one.chrom}.bcf"
        if not path.exists():
            cells = panel_cells(args.seed, one, len(names))
            write_bcf(path, header(names, [gt]), iter([(one, "GT", cells)]))
    rows = [f"{name}\tGBR\tEUR" for name in names]
    labels = "\n".join(["sample\tpopulation\tsuperpopulation", *rows])
    (args.directory / "panel.tsv").write_text(labels + "\n")
    path = args.directory / "family.bcf"
    if path.exists():
        return
    family = [*PARENTS, *(f"E{number + 1}" for number in range(args.embryos))]
    formats = [gt] + [
        f'##FORMAT=<ID={name},Number={number},Type=Float,Description="of ALT">'
        for name, number in (("DS", "1"), ("GP", "G"))
    ]
    parts = (
        (one, "GT:DS:GP", family_cells(args.seed, one, args.embryos)) for one in sites
    )
    write_bcf(path, header(family, formats), parts)


def write_score(args: argparse.Namespace, number: int) -> None:
    """One scoring file."""
    pgs_id = f"PGS9{number + 1:05}"
    path = args.directory / f"scores/{pgs_id}_hmPOS_GRCh38.txt.gz"
    if not path.exists():
        rows = draw_rows(args.seed, pgs_id, sites_of(args), args.rows)
        with written_whole(path) as partial:
            write_scoring_file(partial, pgs_id, rows)


def sites_of(args: argparse.Namespace) -> list[DrawnSites]:
    """The sites of all chromosomes, alike for the same seed."""
    each = args.sites // len(CHROMOSOMES)
    return [draw_sites(args.seed, chrom, each) for chrom in CHROMOSOMES]


def work(args: argparse.Namespace) -> None:
    write_genomes(args, sites_of(args))
    logger.info("panel and family are there")
    # A fork of a process in which polars has threads may never end.
    new = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(args.processes, mp_context=new) as pool:
        waiting = [pool.submit(write_score, args, n) for n in range(args.files)]
        for done in waiting:
            done.result()
    logger.info("%d scoring files of %d rows", args.files, args.rows)


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--directory", type=Path, required=True)
    add("--files", type=int, default=500)
    add("--rows", type=int, default=100_000, help="of each file")
    add("--sites", type=int, default=1_000_000, help="of the panel and the family")
    add("--panel-samples", type=int, default=500)
    add("--embryos", type=int, default=10)
    add("--processes", type=int, default=2)
    add("--seed", type=int, default=1)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
