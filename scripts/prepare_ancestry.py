"""Learn the panel's ancestry model: principal components and allele frequencies."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence

import numpy as np

from morula import ancestry, ancestry_sites, hardy_weinberg
from morula.ancestry_sites import Common
from morula.cli import run
from morula.dosages import sample_names
from morula.errors import InputError
from morula.panel_samples import Labels, read_labels
from morula.tables import write_tsv

logger = logging.getLogger("prepare_ancestry")


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Command line of the script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--panels", nargs="+", required=True, help="a BCF a chromosome")
    parser.add_argument("--chromosomes", nargs="+", required=True)
    parser.add_argument("--panel-samples", required=True, help="labels, TSV")
    parser.add_argument("--components", type=int, required=True)
    parser.add_argument("--min-maf", type=float, required=True)
    parser.add_argument("--thin-bp", type=int, required=True)
    parser.add_argument("--min-hwe-p", type=float, required=True)
    parser.add_argument("--long-range-ld", required=True, help="TSV of spans left out")
    parser.add_argument("--build", required=True)
    parser.add_argument("--max-r2", type=float, required=True)
    parser.add_argument("--max-sites", type=int, required=True)
    parser.add_argument("--model", required=True, help="output: .npz")
    parser.add_argument("--table", required=True, help="output: the panel's PCs, TSV")
    return parser.parse_args(argv)


def read_sites(args: argparse.Namespace, labels: Labels) -> list[Common]:
    """Unlinked common SNVs of each chromosome and the panel's copies of ALT there."""
    found = []
    for path, chrom in zip(args.panels, args.chromosomes, strict=True):
        spans = ancestry_sites.long_range_ld(args.long_range_ld, args.build, chrom)
        common = ancestry_sites.common_snvs(
            path, chrom, args.min_maf, args.thin_bp, spans
        )
        fits = hardy_weinberg.fits(
            common.copies, labels.superpopulations, args.min_hwe_p
        )
        fitting = common.take(np.flatnonzero(fits))
        keep = ancestry_sites.unlinked(fitting.copies, args.max_r2)
        logger.info(
            "%s: %d common SNVs, %d out of Hardy-Weinberg proportions, %d unlinked",
            chrom,
            len(fits),
            len(fits) - len(fitting.copies),
            len(keep),
        )
        found.append(fitting.take(keep))
    return found


def learn(args: argparse.Namespace) -> ancestry.Reference:
    """The model of the panel."""
    samples = sample_names(args.panels[0])
    for path in args.panels[1:]:
        if sample_names(path) != samples:
            raise InputError(
                f"{path}: other samples than {args.panels[0]}; expected the same"
                " samples in the same order in the panel of every chromosome"
            )
    labels = read_labels(args.panel_samples, samples)
    parts = read_sites(args, labels)
    copies = np.concatenate([part.copies for part in parts])
    keep = ancestry_sites.evenly(len(copies), args.max_sites)
    copies = copies[keep]
    principal = ancestry.principal_components(
        copies, args.components, len(np.unique(labels.populations))
    )
    names, frequencies = ancestry.group_frequencies(copies, labels.superpopulations)
    sites = [part.sites for part in parts]
    chrom = np.concatenate([np.repeat(part.chrom, len(part.pos_bp)) for part in sites])
    return ancestry.Reference(
        chrom=chrom[keep],
        pos_bp=np.concatenate([part.pos_bp for part in sites])[keep],
        ref=np.concatenate([part.ref for part in sites])[keep],
        alt=np.concatenate([part.alt for part in sites])[keep],
        panel_site=np.concatenate([part.place for part in parts])[keep],
        mean=principal.mean,
        scale=principal.scale,
        components=principal.components,
        coordinates=principal.coordinates,
        n_kept=np.array(principal.n_kept),
        excess=principal.excess,
        frequencies=frequencies,
        superpopulation_names=names,
        samples=labels.samples,
        populations=labels.populations,
        superpopulations=labels.superpopulations,
    )


def write_table(path: str, reference: ancestry.Reference) -> None:
    """The panel's own coordinates."""
    names = [f"PC{i + 1}" for i in range(int(reference.n_kept))]
    rows = [
        {
            "sample": reference.samples[i],
            "population": reference.populations[i],
            "superpopulation": reference.superpopulations[i],
            **dict(zip(names, reference.coordinates[i].tolist(), strict=False)),
        }
        for i in range(len(reference.samples))
    ]
    write_tsv(path, ["sample", "population", "superpopulation", *names], rows)


def work(args: argparse.Namespace) -> None:
    """Learn the model and write both outputs."""
    reference = learn(args)
    ancestry.save(args.model, reference)
    write_table(args.table, reference)
    logger.info(
        "%d sites, %d samples, %d components",
        len(reference.pos_bp),
        len(reference.samples),
        int(reference.n_kept),
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
