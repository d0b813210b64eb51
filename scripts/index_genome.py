"""bwa index of the reference: links to a complete one beside the user's FASTA, or a
new one under results/."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from morula import processes
from morula.alignment import work_folder
from morula.cli import run
from morula.errors import InputError
from morula.processes import Pipeline
from morula.reference import contigs_of, link, read_dictionary

logger = logging.getLogger("index_genome")

SUFFIXES = (".amb", ".ann", ".bwt", ".pac", ".sa")


def indexed_contigs(ann: Path) -> dict[str, int] | None:
    """Contig lengths in a bwa `.ann` file; None when it is not such a file.

    The first line is: bases, contigs, seed. Then two lines a contig: gi, name and
    comment; offset, length, ambiguous bases (bwa's bntseq.c).
    """
    try:
        lines = ann.read_text().split("\n")
        n_contigs = int(lines[0].split()[1])
        rows = [(lines[1 + 2 * i], lines[2 + 2 * i]) for i in range(n_contigs)]
        return {name.split()[1]: int(sizes.split()[1]) for name, sizes in rows}
    except (OSError, ValueError, IndexError):
        return None


def find_index(fasta: Path, contigs: dict[str, int]) -> Path | None:
    """Prefix of a complete index beside `fasta`, made from the same contigs and not
    older than the FASTA; None when there is none."""
    plain = fasta.with_suffix("") if fasta.suffix == ".gz" else fasta
    for prefix in dict.fromkeys((fasta, plain)):
        files = [Path(f"{prefix}{suffix}") for suffix in SUFFIXES]
        if not all(path.is_file() and path.stat().st_size for path in files):
            continue
        if indexed_contigs(files[1]) != contigs:
            logger.info("%s.ann: an index of other contigs; not used", prefix)
        elif min(path.stat().st_mtime for path in files) < fasta.stat().st_mtime:
            logger.info("%s.*: an index older than the FASTA; not used", prefix)
        else:
            return prefix
    return None


def work(args: argparse.Namespace) -> None:
    """Link or make the five files `args.genome` + suffix."""
    processes.stop_on_sigterm()
    contigs = contigs_of(read_dictionary(args.dictionary))
    found = find_index(args.fasta, contigs)
    targets = [Path(f"{args.genome}{suffix}") for suffix in SUFFIXES]
    if found is not None:
        for suffix, target in zip(SUFFIXES, targets, strict=True):
            link(Path(f"{found}{suffix}"), target)
        logger.info("linked the index %s.*", found)
        return
    with work_folder(args.genome) as folder, Pipeline() as pipeline:
        prefix = folder / args.genome.name
        job = pipeline.start(
            ["bwa", "index", "-p", str(prefix), str(args.genome)],
            about=f"on {args.fasta}",
            stdout=sys.stderr.fileno(),
        )
        pipeline.wait([job])
        made = [Path(f"{prefix}{suffix}") for suffix in SUFFIXES]
        if indexed_contigs(made[1]) != contigs:
            raise InputError(f"{args.fasta}: bwa indexed other contigs than samtools")
        for path, target in zip(made, targets, strict=True):
            path.replace(target)
    logger.info("made the index of %d contigs", len(contigs))


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fasta", required=True, type=Path, help="the user's file")
    parser.add_argument("--genome", required=True, type=Path, help="plain FASTA")
    parser.add_argument("--dictionary", required=True, type=Path, help="samtools dict")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
