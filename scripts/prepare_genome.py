"""Bring the reference FASTA to results/: linked if plain, else decompressed; with its
.fai and its dictionary. Nothing is written beside the user's file."""

from __future__ import annotations

import argparse
import gzip
import logging
import shutil
import subprocess
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path

from morula.atomic import written_whole
from morula.cli import run
from morula.errors import InputError
from morula.fastq import GZIP_MAGIC
from morula.reference import contigs_of, link, read_dictionary

logger = logging.getLogger("prepare_genome")


def place_fasta(fasta: Path, target: Path) -> None:
    """Link or decompress `fasta`; raises InputError when it is not a FASTA file."""
    if not fasta.is_file():
        raise InputError(f"{fasta}: no such file; check reference.fasta in the config")
    with fasta.open("rb") as handle:
        start = handle.read(2)
    if start != GZIP_MAGIC:
        if start[:1] != b">":
            raise InputError(
                f"{fasta}: starts with {start!r}; expected FASTA ('>' and a name),"
                " plain or gzipped"
            )
        link(fasta, target)
        return
    try:
        with (
            gzip.open(fasta, "rb") as packed,
            written_whole(target) as partial,
            partial.open("wb") as plain,
        ):
            shutil.copyfileobj(packed, plain, 1 << 20)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(
            f"{fasta}: damaged or truncated ({error}); copy it again"
        ) from None


def samtools_to(target: Path, genome: Path, *command: str) -> None:
    """Run a samtools command whose last option names its output, written whole."""
    with written_whole(target) as partial:
        done = subprocess.run(
            ["samtools", *command, str(partial), str(genome)], check=False
        )
        if done.returncode:
            raise InputError(
                f"{genome}: samtools {command[0]} failed (its message is above);"
                " expected a FASTA file"
            )


def check_chromosomes(fasta: Path, dictionary: Path, chromosomes: list[str]) -> None:
    """Raise InputError when a chromosome of the config is not in the FASTA."""
    contigs = contigs_of(read_dictionary(dictionary))
    for chrom in chromosomes:
        if chrom not in contigs:
            names = ", ".join(list(contigs)[:30])
            raise InputError(
                f"{fasta}: no contig {chrom!r}, which reference.chromosomes names; it"
                f" has {names}"
            )
    logger.info(
        "contigs=%d bases=%d chromosomes=%s",
        len(contigs),
        sum(contigs.values()),
        ",".join(chromosomes),
    )


def work(args: argparse.Namespace) -> None:
    """Place the FASTA, index it, check it."""
    place_fasta(args.fasta, args.genome)
    samtools_to(args.fai, args.genome, "faidx", "--fai-idx")
    samtools_to(
        args.dictionary, args.genome, "dict", "--uri", str(args.genome), "--output"
    )
    check_chromosomes(args.fasta, args.dictionary, args.chromosomes)


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fasta", required=True, type=Path, help="the user's file")
    parser.add_argument("--chromosomes", required=True, nargs="+")
    parser.add_argument("--genome", required=True, type=Path)
    parser.add_argument("--fai", required=True, type=Path)
    parser.add_argument("--dictionary", required=True, type=Path)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
