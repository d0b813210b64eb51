"""Place the samples of one family among the panel's populations."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from morula import admixture, ancestry
from morula.cli import run
from morula.dosages import Sites, sample_names, stream_dosages
from morula.errors import InputError
from morula.tables import write_tsv

logger = logging.getLogger("infer_ancestry")


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Command line of the script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--genomes", required=True, help="the family's BCF, with DS")
    parser.add_argument("--model", required=True, help="of prepare_ancestry.py")
    parser.add_argument("--samples", nargs="+", required=True)
    parser.add_argument("--roles", nargs="+", required=True, help="one a sample")
    parser.add_argument(
        "--outside-slack",
        type=float,
        required=True,
        help="limit of being inside, in units of the panel's 99th percentile",
    )
    parser.add_argument("--output", required=True, help="TSV")
    return parser.parse_args(argv)


def read_dosages(
    path: str, reference: ancestry.Reference, samples: Sequence[str]
) -> NDArray[np.float64]:
    """Dosages (L, N) at the model's sites, for `samples` in their order."""
    present = sample_names(path)
    missing = [name for name in samples if name not in present]
    if missing:
        raise InputError(
            f"{path}: no sample {missing[0]!r}; it has {', '.join(present)}"
        )
    columns = [present.index(name) for name in samples]
    dosages = np.empty((len(reference.pos_bp), len(samples)))
    for chrom in dict.fromkeys(reference.chrom.tolist()):
        rows = np.flatnonzero(reference.chrom == chrom)
        sites = Sites(
            chrom, reference.pos_bp[rows], reference.ref[rows], reference.alt[rows]
        )
        for index, block in stream_dosages(path, sites, ["DS"]):
            dosages[rows[index]] = block[:, 0, columns]
    return dosages


def table_row(
    name: str,
    role: str,
    coordinates: NDArray[np.float64],
    placement: ancestry.Placement,
    shares: dict[str, float],
) -> dict[str, object]:
    """One row of the table."""
    return {
        "sample": name,
        "role": role,
        **{f"PC{i + 1}": float(value) for i, value in enumerate(coordinates)},
        "population": placement.population,
        "population_probability": placement.population_probability,
        "superpopulation": placement.superpopulation,
        "superpopulation_probability": placement.superpopulation_probability,
        "nearest_distance": placement.nearest_distance,
        **shares,
    }


def work(args: argparse.Namespace) -> None:
    """Place every sample and write the table."""
    reference = ancestry.load(args.model)
    populations = ancestry.fit_populations(reference, args.outside_slack)
    dosages = read_dosages(args.genomes, reference, args.samples)
    coordinates, excess = ancestry.project(reference, dosages)
    placements = ancestry.place(populations, coordinates, excess)
    groups = [f"admixture_{name}" for name in reference.superpopulation_names]
    rows = []
    for i, (name, role) in enumerate(zip(args.samples, args.roles, strict=True)):
        shares = admixture.proportions(dosages[:, i], reference.frequencies)
        rows.append(
            table_row(
                name,
                role,
                coordinates[i],
                placements[i],
                dict(zip(groups, shares.tolist(), strict=True)),
            )
        )
    write_tsv(args.output, list(rows[0]), rows)
    outside = sum(placement.population == ancestry.OUTSIDE for placement in placements)
    logger.info(
        "%d samples at %d sites, %d outside the panel's populations (limit %.2f)",
        len(rows),
        len(dosages),
        outside,
        populations.limit,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
