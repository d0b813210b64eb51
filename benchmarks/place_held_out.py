"""Ancestry of held-out 1000 Genomes samples: shrinkage of PCs, and the word "outside".

Reads ancestry/ of the real data (1,126 samples, random SNVs of 22 autosomes, labels in
1000G.panel). Each repeat holds out 250 samples; a panel is described from the others,
whole or without one superpopulation, from all chromosomes or a few (few sites). Printed
as TSV: how many held-out samples of each superpopulation are called outside, and the
slope of their PCs on those of their populations, with OADP and by plain projection.

    python benchmarks/place_held_out.py --data ../shared/data/ancestry --repeats 3
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cyvcf2
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from morula import ancestry  # noqa: E402
from morula.ancestry_sites import unlinked  # noqa: E402
from morula.settings import read_schema  # noqa: E402

N_HELD_OUT = 250


@dataclass(frozen=True)
class World:
    """copies: int8 (L, N); chromosome: int (L,); labels of the N samples."""

    copies: np.ndarray
    chromosome: np.ndarray
    names: np.ndarray
    populations: np.ndarray
    superpopulations: np.ndarray


def read_world(data: Path) -> World:
    """Complete biallelic SNVs of the 22 autosomes."""
    rows, chromosome = [], []
    for number in range(1, 23):
        reader = cyvcf2.VCF(
            str(data / f"1KG_phase3_subset_chr{number}.vcf.gz"), gts012=True
        )
        names = reader.samples
        for record in reader:
            alleles = [record.REF, *record.ALT]
            if [len(allele) for allele in alleles] != [1, 1]:
                continue
            if (record.gt_types != 3).all():
                rows.append(record.gt_types.astype(np.int8))
                chromosome.append(number)
    with (data / "1000G.panel").open(newline="") as handle:
        labels = {row[0]: row[1:3] for row in csv.reader(handle, delimiter="\t")}
    pairs = np.array([labels[name] for name in names])
    return World(
        np.array(rows), np.array(chromosome), np.array(names), pairs[:, 0], pairs[:, 1]
    )


def describe(
    world: World, train: np.ndarray, chosen: np.ndarray, options: dict[str, float]
) -> tuple[ancestry.Reference, np.ndarray]:
    """The panel's model from the samples `train`, and its sites."""
    frequency = world.copies[:, train].mean(axis=1) / 2
    common = np.minimum(frequency, 1 - frequency) >= options["min_maf"]
    sites = np.flatnonzero(common & chosen)
    sites = sites[unlinked(world.copies[np.ix_(sites, train)], options["max_r2"])]
    copies = world.copies[np.ix_(sites, train)]
    n_populations = len(np.unique(world.populations[train]))
    found = ancestry.principal_components(
        copies, int(options["components"]), n_populations
    )
    names, frequencies = ancestry.group_frequencies(
        copies, world.superpopulations[train]
    )
    text = sites.astype(str)
    reference = ancestry.Reference(
        world.chromosome[sites].astype(str),
        sites,
        text,
        text,
        found.mean,
        found.scale,
        found.components,
        found.coordinates,
        np.array(found.n_kept),
        found.excess,
        frequencies,
        names,
        world.names[train],
        world.populations[train],
        world.superpopulations[train],
    )
    return reference, sites


def slopes(
    world: World,
    reference: ancestry.Reference,
    test: np.ndarray,
    placed: np.ndarray,
    dosages: np.ndarray,
) -> list[tuple[str, float, float]]:
    """(PC, slope with OADP, slope by plain projection) of the first four PCs."""
    standard = (dosages - reference.mean[:, None]) / reference.scale[:, None]
    plain = standard.T @ reference.components.T
    centres = np.array(
        [
            reference.coordinates[reference.populations == population].mean(axis=0)
            for population in world.populations[test]
        ]
    )
    found = []
    for pc in range(min(4, int(reference.n_kept))):
        centre = centres[:, pc]
        scale = centre @ centre
        found.append(
            (
                f"PC{pc + 1}",
                centre @ placed[:, pc] / scale,
                centre @ plain[:, pc] / scale,
            )
        )
    return found


def report(
    world: World,
    train: np.ndarray,
    test: np.ndarray,
    chosen: np.ndarray,
    options: dict[str, float],
    label: str,
    is_whole: bool,
) -> None:
    """Print one panel's rows: who is outside, and, for a whole panel, the slopes."""
    reference, sites = describe(world, train, chosen, options)
    model = ancestry.fit_populations(reference, options["outside_slack"])
    dosages = world.copies[np.ix_(sites, test)].astype(float)
    placed, excess = ancestry.project(reference, dosages)
    found = ancestry.place(model, placed, excess)
    outside = np.array([one.population == "outside" for one in found])
    head = f"{label}\t{len(sites)}"
    for group in np.unique(world.superpopulations):
        own = world.superpopulations[test] == group
        print(f"{head}\toutside\t{group}\t{outside[own].sum()}\t{own.sum()}")
    if is_whole:
        for pc, oadp, plain in slopes(world, reference, test, placed, dosages):
            print(f"{head}\tslope_oadp\t{pc}\t{oadp:.3f}\t{len(test)}")
            print(f"{head}\tslope_plain\t{pc}\t{plain:.3f}\t{len(test)}")


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder ancestry/")
    parser.add_argument("--repeats", type=int, default=3)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    args = parse_args(argv)
    schema = read_schema(ROOT / "config/schemas/config.schema.yaml")
    keys = schema["properties"]["ancestry"]["properties"]
    options = {name: key["default"] for name, key in keys.items()}
    world = read_world(args.data)
    print("repeat\tchromosomes\tleft_out\tsites\tmeasure\tof\tvalue\tn")
    for repeat in range(args.repeats):
        order = np.random.default_rng(repeat).permutation(len(world.names))
        test, rest = order[:N_HELD_OUT], np.sort(order[N_HELD_OUT:])
        for chromosomes, first in (("1-22", 1), ("21-22", 21)):
            chosen = world.chromosome >= first
            for left_out in ("", *np.unique(world.superpopulations)):
                train = rest[world.superpopulations[rest] != left_out]
                label = f"{repeat}\t{chromosomes}\t{left_out}"
                report(world, train, test, chosen, options, label, not left_out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
