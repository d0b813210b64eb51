"""Bring a VCF (a parent called elsewhere, an array) into the form of the calls.

Variants are split, atomised, left-aligned and checked against the reference; every SNV
of the panel gets a record, missing where the VCF says nothing.
"""

from __future__ import annotations

import argparse
import heapq
import logging
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import IO

import numpy as np
import pysam
from numpy.typing import NDArray

from morula import biallelic, call_files, sex_chromosome, vcf_import
from morula.biallelic import Record
from morula.cli import run
from morula.errors import InputError
from morula.processes import Job, Pipeline, stop_on_sigterm

logger = logging.getLogger("import_vcf")

PARENT_FIELDS = ("PANEL", *vcf_import.KEPT_KEYS)
ARRAY_FIELDS = ("PANEL", *vcf_import.ARRAY_KEYS)


class Reference:
    """Upper-case bases of a FASTA; keeps the chromosome that was asked for last."""

    def __init__(self, genome: str) -> None:
        self._fasta = pysam.FastaFile(genome)
        self._chrom = ""
        self._bases = ""

    def __call__(self, chrom: str, start0: int, end0: int) -> str:
        if chrom != self._chrom:
            self._chrom, self._bases = chrom, self._fasta.fetch(chrom).upper()
        return self._bases[start0:end0]


def panel_positions(path: str) -> NDArray[np.int64]:
    """Positions of a site table, int64 (L,), rising."""
    places = (site.pos_bp for site in call_files.read_sites(path))
    return np.fromiter(places, dtype=np.int64)


def column_of(vcf: str, sample: str) -> str:
    """The VCF's column of `sample`: the one of that name, or the only one."""
    names = call_files.samples_of(vcf)
    if sample in names:
        return sample
    if len(names) == 1:
        return names[0]
    shown = ", ".join(names[:10]) or "none"
    raise InputError(
        f"{vcf}: no sample {sample!r} (found {shown}); expected the name of the sheet,"
        " or a file of one sample: rename with bcftools reheader -s"
    )


def read_lines(
    pipeline: Pipeline, args: argparse.Namespace, folder: Path
) -> Iterator[str]:
    """Lines of the sample on the chromosomes asked for, one ALT each; the file need
    not be indexed, bgzipped, or sorted."""
    about = f"reading {args.vcf}"
    wanted = folder / "chromosomes.bed"
    contigs = call_files.read_contigs(f"{args.genome}.fai")
    wanted.write_text(
        "".join(f"{chrom}\t0\t{contigs[chrom]}\n" for chrom in args.chromosomes)
    )
    view = ["bcftools", "view", "--no-version", "--no-update", "-Ou"]
    view += ["-s", column_of(args.vcf, args.sample), "-T", str(wanted), args.vcf]
    first = pipeline.start(view, about=about)
    source = first.process.stdout
    split = ["bcftools", "norm", "--no-version", "-m", "-any", "-Ov"]
    split += ["--old-rec-tag", vcf_import.SPLIT_TAG, "-"]
    second = pipeline.start(split, about=about, stdin=source or subprocess.DEVNULL)
    assert source is not None
    source.close()
    yield from call_files.text_of(pipeline, second)
    pipeline.wait([first])


def start_normaliser(
    pipeline: Pipeline, args: argparse.Namespace, folder: Path
) -> tuple[IO[bytes], list[Job]]:
    """A sink for kept lines, in any order; they end up in folder/variants.bcf."""
    about = f"normalising variants of {args.vcf}"
    sort = ["bcftools", "sort", "-Ou", "-T", str(folder / "sort"), "-"]
    first = pipeline.start(sort, about=about, stdin=subprocess.PIPE)
    # METHOD: substitutions of several bases are cut into SNVs (-a), since the panel
    # has SNVs; a variant that is listed twice counts once.
    norm = ["bcftools", "norm", "--no-version", "-a", "-f", args.genome, "-d", "exact"]
    norm += ["-Ob1", "-o", str(folder / "variants.bcf"), "-"]
    source = first.process.stdout
    assert source is not None
    second = pipeline.start(norm, about=about, stdin=source)
    source.close()
    return call_files.input_of(first), [first, second]


def header(args: argparse.Namespace) -> str:
    """The header of what is kept."""
    fields = ARRAY_FIELDS if args.array else PARENT_FIELDS
    return call_files.header(f"{args.genome}.fai", fields, [args.sample])


def check(args: argparse.Namespace, importer: vcf_import.Importer) -> None:
    """Raise InputError when the VCF is of another build, lacks a chromosome, or holds
    no genotype that can be used."""
    tally = importer.tally
    wrong = tally.wrong_ref / max(1, tally.lines - tally.filtered - tally.masked)
    if wrong > args.max_wrong_ref:
        raise InputError(
            f"{args.vcf}: REF differs from the reference at {tally.wrong_ref} of"
            f" {tally.lines} lines (first: {tally.first_wrong}); expected the same"
            " build: lift the VCF over, or correct reference.build and fasta"
        )
    absent = [chrom for chrom in args.chromosomes if chrom not in tally.chromosomes]
    if absent:
        found = first_chromosomes(args.vcf)
        raise InputError(
            f"{args.vcf}: nothing on {absent[0]}; its first chromosomes are {found}:"
            " rename them with bcftools annotate --rename-chrs, or shorten"
            " reference.chromosomes"
        )
    if not importer.n_usable():
        raise InputError(
            f"{args.vcf}: no genotype of {args.sample} can be used: of {tally.lines}"
            f" lines {tally.filtered} have a FILTER, {tally.masked} lie where the"
            " reference has N; expected diploid GT"
            + (", or BAF with INFO/ALLELE_B" if args.array else "")
        )


def first_chromosomes(vcf: str) -> str:
    """Up to five chromosome names of a VCF, in the order of its first lines."""
    command = ["bcftools", "query", "-f", "%CHROM\n", vcf]
    names: dict[str, None] = {}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            names[line.strip()] = None
            if len(names) == 5:
                process.kill()
                break
    return ", ".join(names) or "none"


def read_variants(
    pipeline: Pipeline, args: argparse.Namespace, folder: Path
) -> vcf_import.Importer:
    """Write folder/variants.bcf, and say at which panel sites the VCF is hom-ref."""
    tables = zip(args.chromosomes, args.panel_sites, strict=True)
    panel = {chrom: panel_positions(path) for chrom, path in tables}
    contigs = call_files.read_contigs(f"{args.genome}.fai")
    single = {
        chrom: sex_chromosome.single_region(chrom, args.build, contigs[chrom])
        for chrom in args.chromosomes
        if args.male
    }
    importer = vcf_import.Importer(panel, Reference(args.genome), single, args.array)
    sink, jobs = start_normaliser(pipeline, args, folder)
    head = header(args)
    try:
        sink.write(head.encode())
        for text in read_lines(pipeline, args, folder):
            if line := importer.take(text):
                sink.write(line.encode())
        sink.close()
    except BrokenPipeError:
        pipeline.explain(grace_s=10)
        raise
    pipeline.wait(jobs)
    check(args, importer)
    index = ["bcftools", "index", str(folder / "variants.bcf")]
    pipeline.wait([pipeline.start(index, about="indexing variants")])
    return importer


def panel_records(path: str, hom_ref: NDArray[np.bool_]) -> Iterator[Record]:
    """What the VCF says of each panel SNV if it does not list it as a variant."""
    for site, known in zip(call_files.read_sites(path), hom_ref, strict=True):
        cells = ("0/0" if known else "./.",)
        for alt in site.alts:
            place = (site.chrom, site.pos_bp, site.ref, (alt,))
            yield Record(*place, qual=".", keys=("GT",), cells=cells)


def merged(
    variants: Iterator[Record], fill: Iterator[Record]
) -> Iterator[tuple[Record, bool]]:
    """Variants and panel sites in order, with True for the panel's; a panel site that
    is listed as a variant appears once, as listed."""
    tagged = heapq.merge(
        ((record.pos_bp, False, record) for record in variants),
        ((record.pos_bp, True, record) for record in fill),
        key=lambda item: item[:2],
    )
    for _, group in groupby(tagged, key=lambda item: item[0]):
        items = list(group)
        here = {(r.ref, r.alts): r for _, is_fill, r in items if is_fill}
        for _, is_fill, record in items:
            if not is_fill:
                yield record, here.pop((record.ref, record.alts), None) is not None
        for record in here.values():
            yield record, True


def write_records(
    pipeline: Pipeline,
    args: argparse.Namespace,
    folder: Path,
    importer: vcf_import.Importer,
) -> Path:
    """Merge variants and panel sites of all chromosomes into one BCF."""
    head = header(args)
    finished = folder / "imported.bcf"
    with call_files.bcf_writer(pipeline, finished, head) as sink:
        for chrom, table in zip(args.chromosomes, args.panel_sites, strict=True):
            view = ["bcftools", "view", "-H", "-r", chrom, str(folder / "variants.bcf")]
            lines = call_files.body_lines(pipeline, view, "reading variants")
            variants = map(biallelic.parse_line, lines)
            fill = panel_records(table, importer.hom_ref[chrom])
            for record, is_panel in merged(variants, fill):
                sink.write(record.line(is_panel).encode())
    return finished


def work(args: argparse.Namespace) -> None:
    """Import the VCF and write the BCF."""
    output = Path(args.output)
    with call_files.work_folder(output) as folder, Pipeline() as pipeline:
        importer = read_variants(pipeline, args, folder)
        call_files.publish(write_records(pipeline, args, folder, importer), output)
    tally = importer.tally
    logger.info(
        "sample=%s lines=%d kept=%d filtered=%d masked=%d wrong_ref=%d not_bases=%d"
        " panel_hom_ref=%d",
        args.sample,
        tally.lines,
        tally.kept,
        tally.filtered,
        tally.masked,
        tally.wrong_ref,
        tally.not_bases,
        importer.n_usable() - tally.kept,
    )


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Command line of this script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vcf", required=True, help="VCF or BCF, indexed or not")
    parser.add_argument("--sample", required=True, help="name in the output")
    parser.add_argument("--male", action="store_true", help="of one X")
    parser.add_argument(
        "--array", action="store_true", help="an embryo's or child's: keep BAF, too"
    )
    parser.add_argument("--build", choices=sex_chromosome.BUILDS, help="needed for X")
    parser.add_argument("--genome", required=True, help="FASTA with its .fai")
    parser.add_argument("--chromosomes", required=True, nargs="+")
    parser.add_argument(
        "--panel-sites", required=True, nargs="+", help="a table for each chromosome"
    )
    parser.add_argument(
        "--max-wrong-ref", required=True, type=float, help="share of lines"
    )
    parser.add_argument("--output", required=True, help="BCF; its .csi is made too")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    args = parse_args(argv)
    stop_on_sigterm()
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
