"""Count one sample's reads of REF and ALT at each of its family's sites.

Every line of the site table becomes one record, with zeros where no read lies.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from morula import call_files, pileup
from morula.call_files import Site
from morula.cli import run
from morula.errors import InputError
from morula.processes import Pipeline, stop_on_sigterm

logger = logging.getLogger("count_alleles")

COUNTS = ("AD", "ADF", "ADR", "QS")
KEYS = ":".join(COUNTS)
NONE = ":".join(["0,0"] * len(COUNTS))


def pileup_options(args: argparse.Namespace) -> list[str]:
    """The pileup at the sites, bases only.

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


def site_lines(site: Site, line: str | None) -> Iterator[str]:
    """VCF lines of all alleles of a site; line: its pileup, POS REF ALT and counts."""
    fields = line.split() if line else []
    alleles = fields[2].split(",") if fields else []
    counts = [cell.split(",") for cell in fields[3:]]
    for alt in site.alts:
        cell = NONE
        if fields:
            # An allele that the pileup does not name has no read.
            place = alleles.index(alt) + 1 if alt in alleles else None
            cell = ":".join(
                f"{count[0]},{count[place] if place else 0}" for count in counts
            )
        yield (
            f"{site.chrom}\t{site.pos_bp}\t.\t{site.ref}\t{alt}\t.\t.\t.\t{KEYS}"
            f"\t{cell}\n"
        )


def all_lines(sites: Iterable[Site], piled: Iterable[str]) -> Iterator[str]:
    """VCF lines of all sites. Raises InputError when the pileup's REF differs, or it
    has a position that is no site."""
    lines = iter(piled)
    line = next(lines, None)
    for site in sites:
        position = int(line.split("\t", 1)[0]) if line else -1
        here = position == site.pos_bp
        if here and line and line.split("\t", 2)[1] != site.ref:
            raise InputError(
                f"{site.chrom}:{site.pos_bp}: REF {line.split()[1]} in the reference,"
                f" {site.ref} in the site table; was it made with another reference?"
            )
        yield from site_lines(site, line if here else None)
        if here:
            line = next(lines, None)
    if line:
        raise InputError(f"pileup at {line.split()[0]}, which is not among the sites")


def work(args: argparse.Namespace) -> None:
    """Count and write."""
    output = Path(args.output)
    head = call_files.header(f"{args.genome}.fai", COUNTS, [args.sample])
    columns = "".join(f"\t%{name}" for name in COUNTS)
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
            for line in all_lines(call_files.read_sites(args.sites), lines):
                sink.write(line.encode())
                n_records += 1
        piled.finish(pipeline)
        call_files.publish(finished, output)
    logger.info("sample=%s chrom=%s sites=%d", args.sample, args.chrom, n_records)


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
