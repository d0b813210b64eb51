"""Place the samples of one family among the panel's populations."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from morula import admixture, ancestry, ancestry_family, ancestry_populations
from morula.ancestry import Reference
from morula.ancestry_family import Genomes
from morula.ancestry_populations import Placement
from morula.ancestry_projection import Projected
from morula.cli import run
from morula.standardise import PARENT_ROLES
from morula.tables import write_tsv

logger = logging.getLogger("infer_ancestry")
Cells = dict[str, object]


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Command line of the script."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--genomes", required=True, help="the family's BCF, with GT, DS and GP")
    add("--model", required=True, help="of prepare_ancestry.py")
    add("--samples", nargs="+", required=True)
    add("--roles", nargs="+", required=True, help="one a sample")
    add("--chromosomes", nargs="+", required=True)
    add("--posteriors", nargs="+", required=True, help=".npz, one a chromosome")
    add("--maps", nargs="+", required=True, help="sex-averaged, one a chromosome")
    add(
        "--outside-slack",
        type=float,
        required=True,
        help="limit of being inside, in units of the panel's 99th percentile",
    )
    add(
        "--between-p",
        type=float,
        required=True,
        help="an embryo less probable than this is not between its parents",
    )
    add("--output", required=True, help="TSV")
    args = parser.parse_args(argv)
    if not len(args.chromosomes) == len(args.posteriors) == len(args.maps):
        parser.error("--chromosomes, --posteriors and --maps: one of each a chromosome")
    return args


def placed_samples(
    args: argparse.Namespace, reference: Reference, genomes: Genomes
) -> tuple[Projected, list[float | None]]:
    """All samples in their order on the components, and the probability of each to lie
    so far from the middle of its parents (None: these are not both known)."""
    numbers = range(len(args.samples))
    parents = [i for i in numbers if args.roles[i] in PARENT_ROLES]
    embryos = [i for i in numbers if i not in parents]
    of_chrom = dict(zip(args.chromosomes, args.posteriors, strict=True))
    draws = ancestry_family.draw_covariances(
        reference, of_chrom, [args.samples[i] for i in embryos]
    )
    placed = ancestry_family.place_family(reference, genomes, parents, embryos, draws)
    order = np.argsort([*parents, *embryos])
    middle: list[float | None] = [None] * len(args.samples)
    if len(parents) == 2 and embryos:
        maps = dict(zip(args.chromosomes, args.maps, strict=True))
        pair = (parents[0], parents[1])
        found = ancestry_family.between_parents(reference, genomes, pair, embryos, maps)
        for i, p in zip(embryos, found, strict=True):
            middle[i] = p
    return placed.taken(order), middle


def admixture_cells(reference: Reference, dosages: NDArray[np.float64]) -> Cells:
    """Shares of the superpopulations in one sample (L,), then their errors."""
    shares = admixture.proportions(dosages, reference.frequencies)
    errors = admixture.standard_errors(dosages, reference.frequencies, shares)
    names = reference.superpopulation_names.tolist()
    return {
        **dict(zip((f"admixture_{n}" for n in names), shares.tolist(), strict=True)),
        **dict(zip((f"se_admixture_{n}" for n in names), errors.tolist(), strict=True)),
    }


def placement_cells(placement: Placement) -> Cells:
    """Of populations and superpopulations."""
    return {
        "population": placement.population,
        "population_probability": placement.population_probability,
        "superpopulation": placement.superpopulation,
        "superpopulation_probability": placement.superpopulation_probability,
        "nearest_distance": placement.nearest_distance,
        **{
            f"probability_{name}": share
            for name, share in placement.superpopulation_probabilities.items()
        },
        **{f"distance_{name}": far for name, far in placement.distances.items()},
    }


def component_cells(placed: Projected, sample: int) -> Cells:
    """Coordinates of a sample, then their errors."""
    values = placed.coordinates[sample].tolist()
    errors = placed.standard_errors[sample].tolist()
    return {
        **{f"PC{k}": value for k, value in enumerate(values, start=1)},
        **{f"se_PC{k}": error for k, error in enumerate(errors, start=1)},
    }


def work(args: argparse.Namespace) -> None:
    """Place every sample and write the table."""
    reference = ancestry.load(args.model)
    populations = ancestry_populations.fit_populations(reference, args.outside_slack)
    genomes = ancestry_family.read_genomes(args.genomes, reference, args.samples)
    placed, middle = placed_samples(args, reference, genomes)
    placements = ancestry_populations.place(populations, placed)
    rows: list[Cells] = [
        {
            "sample": name,
            "role": args.roles[i],
            "sites": len(reference.pos_bp),
            **component_cells(placed, i),
            **placement_cells(placements[i]),
            **admixture_cells(reference, genomes.dosage[:, i]),
            "between_parents_p": middle[i],
            "between_parents": None
            if middle[i] is None
            else middle[i] >= args.between_p,
        }
        for i, name in enumerate(args.samples)
    ]
    write_tsv(args.output, list(rows[0]), rows)
    outside = sum(one.population == ancestry_populations.OUTSIDE for one in placements)
    logger.info(
        "%d samples at %d sites, %d outside the panel's populations (limit %.2f)",
        len(rows),
        len(reference.pos_bp),
        outside,
        populations.limit,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
