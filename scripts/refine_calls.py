"""Give parents of few reads the genotypes that their likelihoods and the panel tell.

Everyone else's genotypes, and sites that the panel lacks, stay as they were called.
"""

from __future__ import annotations

import argparse
import logging
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from morula import biallelic, call_files, low_pass, panel_bits, parental_alleles
from morula.cli import run
from morula.genetic_map import read_map
from morula.panel_bits import PanelBits
from morula.processes import Pipeline, stop_on_sigterm

logger = logging.getLogger("refine_calls")
FIELDS = ("PANEL", "GT", "PL", "DP", "AD", "GQ")
# A genotype without PL says its own GT only.
NO_PL_ERROR = 1e-3
REFINED = ("GT", "PL", "GQ")


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--calls", required=True, help="BCF of the call stage")
    add("--parents", nargs="+", required=True)
    add("--panel-bits", required=True, help=".npz of pack_panel")
    add("--map", required=True, help="sex-averaged, PLINK format")
    add("--genome", required=True, help="FASTA with its .fai")
    add("--chrom", required=True)
    add("--min-genotype-quality", type=float, required=True)
    add("--seed", type=int, required=True)
    add("--output", required=True, help="BCF; its .csi is made too")
    return parser.parse_args(argv)


def refine(args: argparse.Namespace, panel: PanelBits) -> dict[str, list[str]]:
    """GT:PL:GQ at the panel's sites of each parent of few reads."""
    frequency = panel.frequency()
    place_cm = read_map(args.map, args.chrom).cm_at(panel.sites.pos_bp)
    found = {}
    for name in args.parents:
        likelihoods = parental_alleles.genotype_likelihoods(
            args.calls, name, panel.sites, NO_PL_ERROR
        )
        is_low = low_pass.is_low_pass(likelihoods, frequency, args.min_genotype_quality)
        logger.info("%s: %s", name, "refined" if is_low else "as called")
        if is_low:
            words = (name, args.chrom)
            rng = np.random.default_rng(
                [args.seed, *(zlib.crc32(word.encode()) for word in words)]
            )
            posterior = low_pass.genotypes(panel, place_cm, likelihoods, rng)
            found[name] = low_pass.cells(posterior, frequency)
    return found


def with_refined(keys: tuple[str, ...], cell: str, refined: str) -> str:
    """A sample's cell with other GT, PL, GQ."""
    values = dict(zip(keys, cell.split(":"), strict=False))
    values.update(zip(REFINED, refined.split(":"), strict=True))
    return ":".join(values.get(key, ".") for key in keys)


def lines(
    records: Iterator[str],
    names: list[str],
    panel: PanelBits,
    refined: dict[str, list[str]],
) -> Iterator[str]:
    """Lines with the refined parents' genotypes."""
    rows = panel.sites.index()
    for text in records:
        record = biallelic.parse_line(text)
        row = rows.get((record.pos_bp, record.ref, ",".join(record.alts)))
        fields = text.rstrip("\n").split("\t")
        # AC and AN are of the genotypes as called.
        fields[7] = "PANEL" if "PANEL" in fields[7].split(";") else "."
        for column, name in enumerate(names, start=9):
            if name in refined and row is not None and "PL" in record.keys:
                cell = refined[name][row]
                fields[column] = with_refined(record.keys, fields[column], cell)
        yield "\t".join(fields) + "\n"


def work(args: argparse.Namespace) -> None:
    panel = panel_bits.load(args.panel_bits)
    refined = refine(args, panel)
    output, names = Path(args.output), call_files.samples_of(args.calls)
    head = call_files.header(f"{args.genome}.fai", FIELDS, names)
    with call_files.work_folder(output) as folder, Pipeline() as pipeline:
        path = folder / "refined.bcf"
        view = ["bcftools", "view", "-H", args.calls]
        with call_files.bcf_writer(pipeline, path, head) as sink:
            body = call_files.body_lines(pipeline, view, f"reading {args.calls}")
            for line in lines(body, names, panel, refined):
                sink.write(line.encode())
        call_files.publish(path, output)


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    stop_on_sigterm()
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
