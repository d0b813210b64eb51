"""Bring one chromosome of the reference panel to Morula's form.

Split to biallelic and left-aligned (bcftools norm), then checked: REF against the
FASTA, A/C/G/T alleles only, no repeats, every genotype present and phased. Sites that
do not vary in the panel stay. Writes BCF with its index, and the SNV positions in the
format of `bcftools call -C alleles`.
"""

from __future__ import annotations

import argparse
import logging
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import cyvcf2
import pysam

from morula import panel, processes, sex_chromosome
from morula.atomic import written_whole
from morula.cli import run
from morula.errors import InputError
from morula.panel import Allele, Tally
from morula.processes import Job, Pipeline
from morula.reference import contigs_of, read_dictionary

logger = logging.getLogger("prepare_panel")


def check_header(path: Path, chrom: str, contigs: dict[str, int]) -> tuple[str, ...]:
    """Names of the panel's samples; raises InputError for a file that is not VCF/BCF,
    has no samples, or gives `chrom` another length than the FASTA."""
    if not path.is_file():
        raise InputError(f"{path}: no such file; check reference.panel in the config")
    try:
        with pysam.VariantFile(str(path)) as reader:
            header = reader.header
            samples = tuple(header.samples)
            known = {name: header.contigs[name].length for name in header.contigs}
    except (ValueError, OSError) as error:
        raise InputError(f"{path}: not a VCF or BCF file ({error})") from None
    if not samples:
        raise InputError(f"{path}: no samples; expected phased genotypes")
    length = known.get(chrom)
    if length and length != contigs[chrom]:
        raise InputError(
            f"{path}: {chrom} is {length} bp long; in reference.fasta it is"
            f" {contigs[chrom]} bp: the panel is of another build"
        )
    return samples


def start_norm(pipeline: Pipeline, args: argparse.Namespace) -> Job:
    """bcftools view | norm: records of the chromosome, split and left-aligned.

    METHOD: a carrier of another ALT of a split record counts as REF in this one, as
    bcftools does. -c w: wrong REF alleles are judged here, not by norm.
    """
    about = f"on {args.panel}"
    view = ["bcftools", "view", "--no-version", "-Ou", "-t", args.chrom]
    norm = ["bcftools", "norm", "--no-version", "-Ou", "-m", "-any", "-c", "w"]
    norm += ["-f", str(args.genome), "-"]
    first = pipeline.start([*view, str(args.panel)], about=about)
    assert first.process.stdout is not None
    second = pipeline.start(norm, about=about, stdin=first.process.stdout)
    first.process.stdout.close()
    return second


def read_alleles(
    stream: IO[bytes], args: argparse.Namespace, sequence: str, tally: Tally
) -> Iterator[Allele]:
    """Alleles that pass the checks, in the order of the file."""
    reader = cyvcf2.VCF(stream.fileno())
    samples = reader.samples
    first, last = sex_chromosome.single_region(args.chrom, args.build, len(sequence))
    for record in reader:
        where = f"{args.panel}: {args.chrom}:{record.POS}"
        ref, alt = record.REF.upper(), (record.ALT or ["."])[0].upper()
        if alt == ".":
            tally.dropped["no ALT allele"] += 1
            continue
        if not (panel.is_plain(ref) and panel.is_plain(alt)):
            tally.dropped["not A/C/G/T"] += 1
            continue
        found = sequence[record.POS - 1 : record.POS - 1 + len(ref)]
        if found != ref:
            what = f"{where} has REF {ref}, the FASTA has {found or 'nothing'}"
            tally.wrong_ref(what)
            continue
        genotypes = panel.pairs(record.genotype.array())
        allele = Allele(record.POS, ref, alt, genotypes)
        panel.check_genotypes(allele, where, samples, first <= record.POS <= last)
        yield allele


def write_panel(
    pipeline: Pipeline, args: argparse.Namespace, bcf: Path, sites: IO[str]
) -> Tally:
    """Read, check and write all records; returns the counts."""
    contigs = contigs_of(read_dictionary(args.dictionary))
    samples = check_header(args.panel, args.chrom, contigs)
    with pysam.FastaFile(str(args.genome)) as fasta:
        sequence = fasta.fetch(args.chrom).upper()
    tally = Tally()
    norm = start_norm(pipeline, args)
    assert norm.process.stdout is not None
    view = ["bcftools", "view", "--no-version", "-Ob", "--threads", str(args.threads)]
    encoder = pipeline.start(
        [*view, "-o", str(bcf), "-"],
        about=f"while writing {args.output}",
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    sink = encoder.process.stdin
    assert sink is not None
    sink.write(panel.header_text(contigs, samples))
    alleles = read_alleles(norm.process.stdout, args, sequence, tally)
    for group in panel.by_position(alleles, tally):
        for allele in group:
            sink.write(panel.record_text(args.chrom, allele))
        sites.write(panel.snv_line(args.chrom, group))
    sink.close()
    pipeline.wait([norm, encoder])
    return tally


def check_tally(tally: Tally, args: argparse.Namespace) -> None:
    """Raise InputError when nothing is left, or REF is of another build."""
    tally.check_ref()
    if tally.kept == 0:
        with pysam.VariantFile(str(args.panel)) as reader:
            names = ", ".join(str(name) for name in reader.header.contigs)
        raise InputError(
            f"{args.panel}: no usable record of {args.chrom} ({tally.line()}); its"
            f" header names the contigs {names}; expected names as in the FASTA"
        )


def work(args: argparse.Namespace) -> None:
    """Write the BCF, its index, and the sites file with its index."""
    processes.stop_on_sigterm()
    with (
        written_whole(args.output) as bcf,
        written_whole(args.sites) as packed,
        Pipeline() as pipeline,
    ):
        text = packed.with_suffix(".tsv")
        try:
            with text.open("w") as sites:
                tally = write_panel(pipeline, args, bcf, sites)
            check_tally(tally, args)
            pysam.tabix_compress(str(text), str(packed), force=True)
        finally:
            text.unlink(missing_ok=True)
        index_files(args, bcf, packed)
    logger.info("chrom=%s %s", args.chrom, tally.line())


def index_files(args: argparse.Namespace, bcf: Path, sites: Path) -> None:
    """Write `.csi` of the BCF and `.tbi` of the sites beside their final names."""
    with written_whole(f"{args.output}.csi") as partial:
        subprocess.run(
            ["bcftools", "index", "--csi", "-f", "-o", str(partial), str(bcf)],
            check=True,
        )
    with written_whole(f"{args.sites}.tbi") as partial:
        pysam.tabix_index(
            str(sites),
            seq_col=0,
            start_col=1,
            end_col=1,
            index=str(partial),
            force=True,
        )


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--panel", required=True, type=Path, help="the user's VCF/BCF")
    parser.add_argument("--chrom", required=True)
    parser.add_argument("--build", choices=sex_chromosome.BUILDS, help="needed for X")
    parser.add_argument("--genome", required=True, type=Path, help="FASTA with .fai")
    parser.add_argument("--dictionary", required=True, type=Path, help="samtools dict")
    parser.add_argument("--threads", required=True, type=int)
    parser.add_argument("--output", required=True, type=Path, help="BCF; and .csi")
    parser.add_argument("--sites", required=True, type=Path, help=".tsv.gz; and .tbi")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
