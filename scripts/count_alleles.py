"""Count one sample's reads of REF and ALT at each of its family's sites.

Every line of the site table becomes one record, with zeros where no read lies. SNVs are
counted in bcftools' pileup, indels in the reads themselves (morula.indel_reads).
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from morula import call_files, indel_reads, indel_windows, pileup
from morula.call_files import Site
from morula.cli import run
from morula.errors import InputError
from morula.indel_reads import Counts, Floors
from morula.indel_windows import Indel
from morula.processes import Pipeline, stop_on_sigterm

logger = logging.getLogger("count_alleles")

COUNTS = ("AD", "ADF", "ADR", "QS")
KEYS = ":".join(COUNTS)
NONE = ":".join(["0,0"] * len(COUNTS))
IndelCounts = Mapping[Indel, Counts]


def pileup_options(args: argparse.Namespace) -> list[str]:
    """The pileup at the sites, bases only (-I).

    METHOD: duplicates, secondary alignments and QC failures are left out (the default),
    and overlapping mates count once (the default). Pairs that are not proper stay (-A):
    amplification makes chimeras, whose two ends are good evidence each; so do
    supplementary alignments. No BAQ (-B): alleles are known here and only counted, what
    BAQ would save near indels is small and is learnt as error by the correct stage.
    """
    annotations = ",".join(f"FORMAT/{name}" for name in COUNTS)
    options = ["-A", "-B", "-I", "-f", args.genome, "-r", args.chrom]
    options += ["-T", args.sites, "-q", str(args.min_mapping_quality)]
    options += ["-Q", str(args.min_base_quality), "-d", str(args.max_depth)]
    return [*options, "-a", annotations, args.alignment]


def indels_of(sites: Iterable[Site], chrom: str) -> list[Indel]:
    """The insertions and deletions among the sites that reads can tell."""
    return [
        Indel(site.pos_bp - 1, site.ref, alt)
        for site in sites
        if site.chrom == chrom
        for alt in site.alts
        if indel_windows.is_counted(site.ref, alt)
    ]


def snv_cell(alt: str, fields: Sequence[str]) -> str:
    """Counts of an SNV; fields: of the pileup's line, POS REF ALT and counts."""
    alleles = fields[2].split(",")
    # An allele that the pileup does not name has no read.
    place = alleles.index(alt) + 1 if alt in alleles else None
    counts = [cell.split(",") for cell in fields[3:]]
    return ":".join(f"{count[0]},{count[place] if place else 0}" for count in counts)


def site_lines(site: Site, fields: Sequence[str], indels: IndelCounts) -> Iterator[str]:
    """VCF lines of all alleles of a site; fields: of the pileup's line, or none."""
    for alt in site.alts:
        cell = NONE
        counts = indels.get(Indel(site.pos_bp - 1, site.ref, alt))
        if counts:
            cell = counts.cells()
        elif len(site.ref) == len(alt) == 1 and fields:
            cell = snv_cell(alt, fields)
        yield (
            f"{site.chrom}\t{site.pos_bp}\t.\t{site.ref}\t{alt}\t.\t.\t.\t{KEYS}"
            f"\t{cell}\n"
        )


def all_lines(
    sites: Iterable[Site], piled: Iterable[str], indels: IndelCounts
) -> Iterator[str]:
    """VCF lines of all sites. Raises InputError when the pileup's REF differs, or it
    has a position that is no site."""
    lines = iter(piled)
    fields = next(lines, "").split()
    for pos_bp, here in groupby(sites, key=lambda site: site.pos_bp):
        is_piled = bool(fields) and int(fields[0]) == pos_bp
        for site in here:
            if is_piled and fields[1] != site.ref[0]:
                raise InputError(
                    f"{site.chrom}:{site.pos_bp}: REF {fields[1]} in the reference,"
                    f" {site.ref} in the site table; was it made with another"
                    " reference?"
                )
            yield from site_lines(site, fields if is_piled else (), indels)
        if is_piled:
            fields = next(lines, "").split()
    if fields:
        raise InputError(f"pileup at {fields[0]}, which is not among the sites")


def work(args: argparse.Namespace) -> None:
    """Count and write."""
    output = Path(args.output)
    head = call_files.header(f"{args.genome}.fai", COUNTS, [args.sample])
    columns = "".join(f"\t%{name}" for name in COUNTS)
    floors = Floors(args.min_mapping_quality, args.min_base_quality, args.max_depth)
    wanted = indels_of(call_files.read_sites(args.sites), args.chrom)
    indels = indel_reads.count(args.alignment, args.genome, args.chrom, wanted, floors)
    n_records = 0
    with call_files.work_folder(output) as folder, Pipeline() as pipeline:
        about = f"counting {args.sample} on {args.chrom}"
        piled = pileup.start(pipeline, pileup_options(args), about, folder)
        query = ["bcftools", "query", "-f", f"%POS\t%REF\t%ALT[{columns}]\n", "-"]
        text = pipeline.start(query, about=about, stdin=piled.output())
        piled.output().close()
        lines = call_files.text_of(pipeline, text)
        finished = folder / "counts.bcf"
        with call_files.bcf_writer(pipeline, finished, head) as sink:
            sites = call_files.read_sites(args.sites)
            for line in all_lines(sites, lines, indels):
                sink.write(line.encode())
                n_records += 1
        piled.finish(pipeline)
        call_files.publish(finished, output)
    numbers = n_records, len(wanted)
    logger.info(
        "sample=%s chrom=%s sites=%d indels=%d", args.sample, args.chrom, *numbers
    )


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Command line of this script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--genome", required=True, help="FASTA with its .fai")
    parser.add_argument("--chrom", required=True)
    parser.add_argument("--sample", required=True, help="name in the output")
    parser.add_argument("--alignment", required=True, help="CRAM or BAM, indexed")
    parser.add_argument("--sites", required=True, help="CHROM POS REF,ALT (.gz)")
    parser.add_argument("--min-mapping-quality", required=True, type=int)
    parser.add_argument("--min-base-quality", required=True, type=int)
    parser.add_argument("--max-depth", required=True, type=int)
    parser.add_argument("--output", required=True, help="BCF; its .csi is made too")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    args = parse_args(argv)
    stop_on_sigterm()
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
