"""Phase a family's parents on one chromosome against the panel, with SHAPEIT4."""

from __future__ import annotations

import argparse
import logging
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from morula import biallelic, call_files
from morula.biallelic import Record
from morula.cli import run
from morula.errors import InputError
from morula.genetic_map import GeneticMap, read_map
from morula.processes import Pipeline, ToolError, stop_on_sigterm
from morula.provenance import program_lines

logger = logging.getLogger("phase_parents")

MISSING = "./."
FIELDS = ("GT", "FI")
Key = tuple[int, str, str]


def doubtful(record: Record, cell: str, min_quality: int) -> bool:
    """Whether a sample's genotype is missing, or its GQ below min_quality (a genotype
    without GQ is believed)."""
    values = dict(zip(record.keys, cell.split(":"), strict=False))
    if "." in values["GT"]:
        return True
    quality = values.get("GQ", ".")
    return quality != "." and float(quality) < min_quality


def key_of(record: Record) -> Key:
    """Position and alleles of a biallelic record."""
    return record.pos_bp, record.ref, record.alts[0]


def usable(
    lines: Iterator[str], min_quality: int
) -> Iterator[tuple[Record, list[bool]]]:
    """Records with doubtful genotypes set missing, and which samples' those are;
    records without any genotype are left out.

    METHOD: a genotype that its own reads leave in doubt is better guessed from the
    haplotypes around it; SHAPEIT4 fills it in, and FI marks it in the output.
    """
    for line in lines:
        record = biallelic.parse_line(line)
        doubts = [doubtful(record, cell, min_quality) for cell in record.cells]
        if all(doubts):
            continue
        cells = tuple(
            MISSING if doubt else cell.split(":", 1)[0]
            for doubt, cell in zip(doubts, record.cells, strict=True)
        )
        yield (
            Record(
                record.chrom,
                record.pos_bp,
                record.ref,
                record.alts,
                qual=".",
                keys=("GT",),
                cells=cells,
            ),
            doubts,
        )


def counted(line: str, cells: Sequence[str]) -> str:
    """`line` with the INFO fields AC and AN, without which SHAPEIT4 stops."""
    alleles = [allele for cell in cells for allele in cell.replace("|", "/").split("/")]
    fields = line.split("\t")
    fields[7] = f"AC={alleles.count('1')};AN={len(alleles) - alleles.count('.')}"
    return "\t".join(fields)


def write_target(
    pipeline: Pipeline, args: argparse.Namespace, path: Path
) -> dict[Key, list[bool]]:
    """Write the genotypes to be phased; returns the sites where some are missing."""
    about = f"reading {args.calls}"
    view = ["bcftools", "view", "-H", "-s", ",".join(args.parents), args.calls]
    fields = ("AC", "AN", "GT")
    head = call_files.header(f"{args.genome}.fai", fields, args.parents)
    filled: dict[Key, list[bool]] = {}
    n_sites = 0
    with call_files.bcf_writer(pipeline, path, head) as sink:
        lines = call_files.body_lines(pipeline, view, about)
        for record, doubts in usable(lines, args.min_genotype_quality):
            sink.write(counted(record.line(False), record.cells).encode())
            n_sites += 1
            if any(doubts):
                filled[key_of(record)] = doubts
    if n_sites == 0:
        raise InputError(
            f"{args.calls}: no genotype of {' or '.join(args.parents)} on {args.chrom};"
            " check that their reads or VCF cover this chromosome"
        )
    return filled


def write_map(genetic_map: GeneticMap, chrom: str, path: Path) -> None:
    """A genetic map in SHAPEIT4's form: pos, chr, cM, with a header."""
    rows = zip(genetic_map.pos_bp.tolist(), genetic_map.cm.tolist(), strict=True)
    lines = [f"{pos_bp}\t{chrom}\t{cm:.8f}\n" for pos_bp, cm in rows]
    path.write_text("pos\tchr\tcM\n" + "".join(lines))


def run_shapeit(pipeline: Pipeline, args: argparse.Namespace, folder: Path) -> Path:
    """Phase folder/target.bcf; returns the BCF that SHAPEIT4 wrote.

    METHOD: one thread, since with more the random numbers reach the samples in another
    order at every run; --sequencing is SHAPEIT4's setting for genome-wide density.
    """
    phased = folder / "phased.bcf"
    command = ["shapeit4", "--input", str(folder / "target.bcf")]
    command += ["--reference", args.panel, "--map", str(folder / "map.txt")]
    command += ["--region", args.chrom, "--sequencing", "--seed", str(args.seed)]
    command += ["--mcmc-iterations", args.mcmc_iterations, "--thread", "1"]
    command += ["--output", str(phased), "--log", str(folder / "shapeit.log")]
    # Its log holds what its output does, without the bars of progress.
    job = pipeline.start(command, about="", stdout=subprocess.DEVNULL)
    status = job.process.wait()
    if (words := folder / "shapeit.log").is_file():
        sys.stderr.write(words.read_text())
    if status:
        raise ToolError(
            f"SHAPEIT4 ended with status {status} on {args.chrom} (its own words stand"
            f" above); expected at least two genotyped sites that {args.calls} shares"
            f" with {args.panel}: are both of one build, and do the parents' reads or"
            " VCF cover this chromosome?"
        )
    return phased


def write_phased(
    pipeline: Pipeline,
    args: argparse.Namespace,
    phased: Path,
    filled: dict[Key, list[bool]],
) -> tuple[Path, int, int]:
    """Copy SHAPEIT4's genotypes under a header without dates; returns the BCF, the
    number of sites, and of genotypes that were filled in."""
    programs = program_lines(phased)
    head = call_files.header(f"{args.genome}.fai", FIELDS, args.parents, programs)
    path = phased.with_name("parents.bcf")
    view = ["bcftools", "view", "-H", "-s", ",".join(args.parents), str(phased)]
    n_sites = n_filled = 0
    known = [False] * len(args.parents)
    with call_files.bcf_writer(pipeline, path, head) as sink:
        lines = call_files.body_lines(pipeline, view, "reading SHAPEIT4's output")
        for line in lines:
            record = biallelic.parse_line(line)
            marks = filled.get(key_of(record), known)
            cells = tuple(
                f"{cell.split(':', 1)[0]}:{int(mark)}"
                for cell, mark in zip(record.cells, marks, strict=True)
            )
            out = Record(
                args.chrom, record.pos_bp, record.ref, record.alts, ".", FIELDS, cells
            )
            sink.write(out.line(False).encode())
            n_sites += 1
            n_filled += sum(marks)
    return path, n_sites, n_filled


def work(args: argparse.Namespace) -> None:
    """Phase and write the BCF."""
    output = Path(args.output)
    genetic_map = read_map(args.map, args.chrom)
    with call_files.work_folder(output) as folder, Pipeline() as pipeline:
        filled = write_target(pipeline, args, folder / "target.bcf")
        write_map(genetic_map, args.chrom, folder / "map.txt")
        phased = run_shapeit(pipeline, args, folder)
        path, n_sites, n_filled = write_phased(pipeline, args, phased, filled)
        call_files.publish(path, output)
    logger.info(
        "chrom=%s parents=%d sites=%d genotypes_filled_in=%d",
        args.chrom,
        len(args.parents),
        n_sites,
        n_filled,
    )


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Command line of this script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", required=True, help="BCF of the family's calls")
    parser.add_argument("--parents", required=True, nargs="+")
    parser.add_argument("--panel", required=True, help="phased BCF with AC and AN")
    parser.add_argument("--map", required=True, help="PLINK format, sex-averaged")
    parser.add_argument("--genome", required=True, help="FASTA with its .fai")
    parser.add_argument("--chrom", required=True)
    parser.add_argument("--min-genotype-quality", required=True, type=int)
    parser.add_argument("--mcmc-iterations", required=True)
    parser.add_argument("--seed", required=True, type=int)
    parser.add_argument("--output", required=True, help="BCF; its .csi is made too")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    args = parse_args(argv)
    stop_on_sigterm()
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
