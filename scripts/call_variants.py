"""Call a family's parents and born children on one chromosome from their reads.

One pileup feeds two callers: one that discovers variants, and one that genotypes every
SNV of the panel, hom-ref too. Their records are merged, biallelic and normalised.
"""

from __future__ import annotations

import argparse
import heapq
import logging
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from pathlib import Path

import pysam

from morula import biallelic, call_files, male_calls, pileup, sex_chromosome
from morula.biallelic import Record
from morula.call_files import Site
from morula.cli import run
from morula.errors import InputError
from morula.processes import Job, Pipeline, stop_on_sigterm
from morula.provenance import program_lines

logger = logging.getLogger("call_variants")

BLOCK_BYTES = 1 << 20
FIELDS = ("PANEL", "GT", "PL", "DP", "AD", "GQ")


def write_targets(sites: Iterable[Site], path: Path) -> Path:
    """Sites in the form of `call -C alleles`, bgzipped and indexed.

    METHOD: all three other bases are offered at every site, not the panel's alone: a
    parent with a fourth base (A/T where the panel has A>G) would otherwise be forced
    into the panel's alleles. What the panel lacks is dropped again unless carried.
    """
    with path.open("w") as handle:
        for site in sites:
            others = [base for base in "ACGT" if base != site.ref]
            alleles = ",".join([site.ref, *others])
            handle.write(f"{site.chrom}\t{site.pos_bp}\t{alleles}\n")
    packed = Path(f"{path}.gz")
    pysam.tabix_compress(str(path), str(packed), force=True)
    pysam.tabix_index(
        str(packed), seq_col=0, start_col=1, end_col=1, force=True, csi=True
    )
    path.unlink()
    return packed


def pileup_options(args: argparse.Namespace) -> list[str]:
    """The pileup of all samples. METHOD: bcftools' defaults, which realign qualities
    (BAQ) only where reads disagree about an indel, plus a floor of mapping quality."""
    options = ["-f", args.genome, "-r", args.chrom]
    options += ["-q", str(args.min_mapping_quality), "-d", str(args.max_depth)]
    return [*options, "-a", "FORMAT/AD,FORMAT/DP", *args.alignments]


def start_callers(pipeline: Pipeline, targets: Path, folder: Path) -> tuple[Job, Job]:
    """The caller of all variants (normalised to biallelic later) and that of the
    panel's sites; both read a pileup from their stdin."""
    base = ["bcftools", "call", "--ploidy", "2", "-m", "-Ob1"]
    discover = [*base, "-v", "-o", str(folder / "discovered.bcf"), "-"]
    # -i: sites without a read as well; -A: keep alleles that nobody carries.
    panel = [*base, "-A", "-C", "alleles", "-i", "-T", str(targets), "-V", "indels"]
    panel += ["-o", str(folder / "panel.bcf"), "-"]
    return (
        pipeline.start(discover, about="finding variants", stdin=subprocess.PIPE),
        pipeline.start(panel, about="at the panel's sites", stdin=subprocess.PIPE),
    )


def share_pileup(
    pipeline: Pipeline, piled: pileup.Pileup, callers: Sequence[Job]
) -> None:
    """Copy the pileup to both callers and wait; every program must end well."""
    sinks = [call_files.input_of(job) for job in callers]
    try:
        while block := piled.output().read(BLOCK_BYTES):
            for sink in sinks:
                sink.write(block)
        piled.finish(pipeline)
        for sink in sinks:
            sink.close()
    except BrokenPipeError:
        pipeline.explain(grace_s=10)
        raise
    pipeline.wait(callers)


def panel_records(
    lines: Iterable[str], sites: Iterable[Site], min_quality: float
) -> Iterator[tuple[Record, bool]]:
    """Biallelic records of the panel's positions, and whether each is the panel's.

    Another base that a sample carries follows if QUAL reaches min_quality. Raises
    InputError when the caller's records are not exactly the sites.
    """
    for site, line in zip_longest(sites, lines):
        if site is None or line is None:
            place = line.split("\t")[:2] if line else [site.chrom, site.pos_bp]
            raise InputError(f"bcftools call: no pair of site and record at {place}")
        record = biallelic.parse_line(line)
        if (record.pos_bp, record.ref) != (site.pos_bp, site.ref):
            raise InputError(
                f"bcftools call: {record.chrom}:{record.pos_bp} {record.ref} where the"
                f" panel has {site.pos_bp} {site.ref}; is the panel of this reference?"
            )
        for split in biallelic.split(record, site.alts):
            yield split, True
        others = [alt for alt in record.alts if alt not in site.alts]
        for split in biallelic.split(record, others):
            if split.qual != "." and float(split.qual) >= min_quality:
                yield split, False


def normalise(
    pipeline: Pipeline, args: argparse.Namespace, folder: Path, head: str
) -> Path:
    """Discovered variants of enough quality, biallelic, left-aligned, in a BCF."""
    path = folder / "normalised.bcf"
    command = ["bcftools", "norm", "--no-version", "-f", args.genome, "-d", "exact"]
    job = pipeline.start(
        [*command, "-Ob1", "-o", str(path), "-"],
        about="normalising variants",
        stdin=subprocess.PIPE,
    )
    sink = call_files.input_of(job)
    view = ["bcftools", "view", "-H", str(folder / "discovered.bcf")]
    try:
        sink.write(head.encode())
        for line in call_files.body_lines(pipeline, view, "reading variants"):
            record = biallelic.parse_line(line)
            if float(record.qual) < args.min_quality:
                continue
            for split in biallelic.split(record):
                # An ALT that no sample carries is no variant of this family.
                if split.qual != ".":
                    sink.write(split.line(is_panel=False).encode())
        sink.close()
    except BrokenPipeError:
        pipeline.explain(grace_s=10)
        raise
    pipeline.wait([job])
    return path


def merged(
    panel: Iterable[tuple[Record, bool]], discovered: Iterable[Record]
) -> Iterator[tuple[Record, bool]]:
    """Both in order of position; a discovered SNV at a position of the panel is left
    out, since the panel's caller has told of all bases there."""
    last = -1
    for place, is_discovered, record, is_panel in heapq.merge(
        ((r.pos_bp, False, r, flag) for r, flag in panel),
        ((r.pos_bp, True, r, False) for r in discovered),
        key=lambda item: item[:2],
    ):
        if not is_discovered:
            last = place
        elif place == last and record.is_snv():
            continue
        yield record, is_panel


def write_calls(
    pipeline: Pipeline, args: argparse.Namespace, folder: Path
) -> tuple[int, int]:
    """Merge what both callers found into folder/calls.bcf; returns the numbers of the
    panel's records and of others."""
    discovered = folder / "discovered.bcf"
    samples = call_files.samples_of(discovered)
    programs = program_lines(discovered)
    head = call_files.header(f"{args.genome}.fai", FIELDS, samples, programs)
    normalised = normalise(pipeline, args, folder, head)
    about = "merging calls"
    view = ["bcftools", "view", "-H"]
    lines = call_files.body_lines(pipeline, [*view, str(folder / "panel.bcf")], about)
    found = call_files.body_lines(pipeline, [*view, str(normalised)], about)
    sites = call_files.read_sites(args.panel_sites)
    males = {samples.index(name) for name in args.males}
    length_bp = call_files.read_contigs(f"{args.genome}.fai")[args.chrom]
    region = sex_chromosome.single_region(args.chrom, args.build, length_bp)
    n_panel = n_other = 0
    with call_files.bcf_writer(pipeline, folder / "calls.bcf", head) as sink:
        for record, is_panel in merged(
            panel_records(lines, sites, args.min_quality),
            map(biallelic.parse_line, found),
        ):
            known = male_calls.with_single_copies(record, males, region)
            sink.write(known.line(is_panel).encode())
            n_panel += is_panel
            n_other += not is_panel
    return n_panel, n_other


def work(args: argparse.Namespace) -> None:
    """Call the family and write the BCF."""
    output = Path(args.output)
    with call_files.work_folder(output) as folder, Pipeline() as pipeline:
        sites = call_files.read_sites(args.panel_sites)
        targets = write_targets(sites, folder / "targets.tsv")
        about = f"on {args.chrom}"
        piled = pileup.start(pipeline, pileup_options(args), about, folder)
        share_pileup(pipeline, piled, start_callers(pipeline, targets, folder))
        n_panel, n_other = write_calls(pipeline, args, folder)
        call_files.publish(folder / "calls.bcf", output)
    logger.info(
        "chrom=%s samples=%d panel_sites=%d other_variants=%d",
        args.chrom,
        len(args.alignments),
        n_panel,
        n_other,
    )


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Command line of this script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--genome", required=True, help="FASTA with its .fai")
    parser.add_argument("--chrom", required=True)
    parser.add_argument("--build", choices=sex_chromosome.BUILDS, help="needed for X")
    parser.add_argument("--males", nargs="*", default=[], help="names of samples")
    parser.add_argument("--alignments", required=True, nargs="+", help="CRAM or BAM")
    parser.add_argument("--panel-sites", required=True, help="CHROM POS REF,ALT (.gz)")
    parser.add_argument("--min-mapping-quality", required=True, type=int)
    parser.add_argument("--min-quality", required=True, type=float, help="QUAL")
    parser.add_argument("--max-depth", required=True, type=int, help="per sample")
    parser.add_argument("--output", required=True, help="BCF; its .csi is made too")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    args = parse_args(argv)
    stop_on_sigterm()
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
