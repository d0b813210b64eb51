"""Write the genomes of embryos without parents at all panel sites of one chromosome.

Both haplotypes of an embryo are copied from the panel (morula.copying), by what its
amplified reads show. Which of the two is the maternal one is not known.
"""

from __future__ import annotations

import argparse
import logging
import sys
import zlib

import numpy as np
from numpy.typing import NDArray

from morula import (
    allele_counts,
    amplification_record,
    copying,
    dosage_text,
    embryo_evidence,
    family_sites,
    panel_bits,
    posterior_samples,
)
from morula.cli import run
from morula.copying import AMPLIFIED, Imputed
from morula.genetic_map import read_map
from morula.panel_bits import PanelBits
from morula.parental_alleles import Sites

logger = logging.getLogger("impute_alone")
HEADER = (
    '##INFO=<ID=IMP,Number=0,Type=Flag,Description="Parents imputed, not genotyped">\n'
    + dosage_text.FORMAT_LINES
    + dosage_text.GP_LINE
    + "##morula_embryo_phase=unknown\n"
)


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--panel-bits", required=True, help=".npz of pack_panel")
    add("--panel", required=True, help="BCF of the panel, for the contigs")
    add("--map", required=True, help="sex-averaged, PLINK format")
    add("--chrom", required=True)
    add("--family-sites", required=True, help=".npz of prepare_family")
    add("--embryos", nargs="+", required=True)
    add("--counts", nargs="+", required=True, help="counts BCF of each embryo")
    add("--amplification", nargs="+", required=True, help="learnt .json of each embryo")
    add("--max-depth", type=float, required=True, help="reads a site that count")
    add("--outlier", type=float, required=True, help="P(reads not of the genotype)")
    add("--n-samples", type=int, required=True, help="joint samples to write")
    add("--seed", type=int, required=True)
    add("--genomes", required=True, help="output BCF, indexed too")
    add("--samples", required=True, help="output .npz of joint posterior samples")
    args = parser.parse_args(argv)
    if not len(args.embryos) == len(args.counts) == len(args.amplification):
        parser.error("--embryos, --counts and --amplification: one of each per embryo")
    return args


def read_counts(args: argparse.Namespace, panel: Sites) -> list[NDArray[np.float64]]:
    """Reads (L, 2) of every embryo at the panel's sites."""
    counted = family_sites.load(args.family_sites).sites
    found = allele_counts.read_family(args.counts, args.chrom, counted, args.embryos)
    return list(embryo_evidence.at_panel(found, counted, panel))


def impute(args: argparse.Namespace, panel: PanelBits) -> list[Imputed]:
    """The genome of every embryo."""
    place_cm = read_map(args.map, args.chrom).cm_at(panel.sites.pos_bp)
    frequency = panel.frequency()
    everyone = read_counts(args, panel.sites)
    found = []
    for name, reads, path in zip(
        args.embryos, everyone, args.amplification, strict=True
    ):
        shown = embryo_evidence.evidence(
            panel.sites,
            frequency,
            reads,
            amplification_record.read_learnt(path),
            args.max_depth,
            args.outlier,
        )
        words = (name, args.chrom)
        rng = np.random.default_rng(
            [args.seed, *(zlib.crc32(word.encode()) for word in words)]
        )
        found.append(copying.impute(panel, place_cm, shown, AMPLIFIED, rng))
        sure = (found[-1].genotypes.max(axis=1) > 0.99).mean()
        logger.info("%s: GP above .99 at %.3f of the sites", name, sure)
    return found


def work(args: argparse.Namespace) -> None:
    panel = panel_bits.load(args.panel_bits)
    found = impute(args, panel)
    # Sweeps are few and much alike: they fill the samples by turns.
    turns = np.arange(args.n_samples) % AMPLIFIED.sweeps
    sides = [
        [one.haplotypes[turns, :, side].astype(bool) for one in found]
        for side in range(2)
    ]
    posterior_samples.save(args.samples, panel.sites.pos_bp, args.embryos, *sides)
    cells = [dosage_text.gt_ds_gp(one.ordered) for one in found]
    lines = (
        f"{args.chrom}\t{pos}\t{site}\t{ref}\t{alt}\t.\tPASS\t.\tGT:DS:GP\t"
        + "\t".join(row)
        + "\n"
        for pos, site, ref, alt, *row in zip(
            panel.sites.pos_bp.tolist(),
            panel.ids,
            panel.sites.ref,
            panel.sites.alt,
            *cells,
            strict=True,
        )
    )
    header = dosage_text.contig_lines(args.panel) + HEADER
    dosage_text.write_bcf(args.genomes, header, args.embryos, lines)


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
