"""Simulate a world: reference sequence, panel, founders, genetic maps and scores.

Three populations with an out-of-Africa history. Written under --directory: genome.fa,
panel/{chrom}.bcf, founders.{chrom}.bcf, panel.samples.tsv, maps/{chrom}.{sex}.map,
scores/*.txt.gz.
"""

from __future__ import annotations

import argparse
import gzip
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import pysam

from morula import tables
from morula.atomic import written_whole
from morula.cli import run
from morula.simulation.bcf import write_bcf
from morula.simulation.population import (
    Chromosome,
    fasta_text,
    map_text,
    sample_names,
    simulate_chromosome,
)
from morula.simulation.scores import (
    ScoreInfo,
    draw_score,
    format_1,
    format_2,
    format_2_harmonised,
)
from morula.simulation.streams import stream

logger = logging.getLogger("simulate_population")
# File name: PGS id, trait, share of the asked number of variants, format.
SCORES = {
    "height": ("SIM000001", "sim_height", 1.0, format_2_harmonised),
    "t2d": ("SIM000002", "sim_diabetes", 0.3, format_2),
    "breast_cancer": ("SIM000003", "sim_cancer", 0.1, format_1),
}


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", required=True, type=Path)
    parser.add_argument("--chromosomes", required=True, nargs="+")
    parser.add_argument("--length-bp", required=True, type=int, help="of each")
    parser.add_argument("--cm-per-mb", required=True, type=float, help="sex average")
    parser.add_argument(
        "--panel-samples", required=True, type=int, help="in each population"
    )
    parser.add_argument(
        "--founders", required=True, type=int, help="in each population"
    )
    parser.add_argument("--indel-share", required=True, type=float)
    parser.add_argument(
        "--score-variants", required=True, type=int, help="of the largest score"
    )
    parser.add_argument("--build", required=True, help="that the scores name")
    parser.add_argument("--seed", required=True, type=int)
    return parser.parse_args(argv)


def write_text(path: Path, text: str) -> None:
    """Write a text file, gzipped without a date when its name ends in .gz."""
    data = text.encode("ascii")
    if path.suffix == ".gz":
        data = gzip.compress(data, mtime=0)
    with written_whole(path) as partial:
        partial.write_bytes(data)


def write_genome(path: Path, world: dict[str, Chromosome]) -> None:
    """Write the reference sequence and its .fai."""
    text = "".join(fasta_text(name, c.sequence) for name, c in world.items())
    write_text(path, text)
    pysam.faidx(str(path))


def write_scores(args: argparse.Namespace, world: dict[str, Chromosome]) -> None:
    """Write the scoring files: of autosomes, as the chain scores."""
    panel = [
        chromosome.panel
        for name, chromosome in world.items()
        if name.removeprefix("chr") not in ("X", "Y")
    ]
    for name, (pgs_id, trait, share, to_text) in SCORES.items():
        rng = stream(args.seed, "score", name)
        n_variants = max(round(share * args.score_variants), 1)
        rows = draw_score(rng, panel, n_variants, to_text is not format_1)
        info = ScoreInfo(pgs_id, f"simulated_{name}", trait, args.build)
        write_text(args.directory / f"scores/{name}.txt.gz", to_text(info, rows))


def work(args: argparse.Namespace) -> None:
    logging.getLogger("msprime").setLevel(logging.WARNING)
    panel = sample_names("S", args.panel_samples)
    founders = sample_names("F", args.founders)
    names = ([name for name, _ in panel], [name for name, _ in founders])
    world = {
        chrom: simulate_chromosome(
            chrom,
            stream(args.seed, "population", chrom),
            args.length_bp,
            args.cm_per_mb,
            args.indel_share,
            names,
        )
        for chrom in args.chromosomes
    }
    write_genome(args.directory / "genome.fa", world)
    contigs = dict.fromkeys(world, args.length_bp)
    for chrom, chromosome in world.items():
        write_bcf(args.directory / f"panel/{chrom}.bcf", contigs, [chromosome.panel])
        write_bcf(
            args.directory / f"founders.{chrom}.bcf", contigs, [chromosome.founders]
        )
        for sex in ("female", "male"):
            text = map_text(chrom, getattr(chromosome, sex))
            write_text(args.directory / f"maps/{chrom}.{sex}.map", text)
        logger.info("%s: panel_sites=%d", chrom, len(chromosome.panel.pos_bp))
    tables.write_tsv(
        args.directory / "panel.samples.tsv",
        ("sample", "population", "superpopulation"),
        (
            {"sample": name, "population": population, "superpopulation": population}
            for name, population in panel
        ),
    )
    write_scores(args, world)


def main(argv: Sequence[str] | None = None) -> int:
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
