"""Ancestry of held-out 1000 Genomes samples: PCs, populations, and the word "outside".

Reads ancestry/ of the real data (1,126 samples, random SNVs of 22 autosomes, labels in
1000G.panel). Each repeat holds out 250 samples; a panel is described from the others,
whole or without one superpopulation, from all chromosomes or a few (few sites).
Printed as TSV, of the held-out samples:
    outside             how many of a superpopulation are called outside
    superpopulation     how many have the right one as the most probable
    slope_joint         slope of their PCs on those of a PCA of 25 of them and the panel
    slope_plain         the same of a plain projection
    slope_READS_joint   the same from genotype probabilities of so many reads a site and
                        the panel's frequencies; slope_READS_exact: on those from exact
                        genotypes; spread_READS: their errors over what is said of them
    z_mean, z_sd        root mean square of a superpopulation's mean z, and its SD, over
                        made-up scores, by the panel's components (z) and in the panel's
                        nearest superpopulation (nearest), the right one if so called

    python benchmarks/place_held_out.py --data ../shared/data/ancestry --repeats 3
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cyvcf2
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from morula import (  # noqa: E402
    ancestry,
    ancestry_populations,
    ancestry_projection,
    standardise,
)
from morula.ancestry_sites import unlinked  # noqa: E402
from morula.settings import read_schema  # noqa: E402

N_HELD_OUT = 250
# A joint PCA of more samples would describe another panel.
N_JOINT = 25
# Of a coordinate; the further ones of 3,000 sites are noise.
N_SLOPES = 4
# Reads a site at which genotypes by likelihood alone have r2 .5, .8 and .95: with 0.5x
# and its neighbours imputation has .95 (docs/benchmarks/imputation/panel.tsv).
READS = (1.5, 4.0, 9.0)
# Made-up scores: how many, and of how many variants.
N_SCORES, N_VARIANTS = 100, 200
SHOWN = np.array([0.005, 0.5, 0.995])


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
        sites,
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


def genotypes_of_reads(
    reference: ancestry.Reference,
    copies: np.ndarray,
    depth: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """P(0, 1, 2 copies), (L, N, 3), by Poisson reads and the panel's frequencies."""
    n = rng.poisson(depth, copies.shape)
    n_alt = rng.binomial(n, SHOWN[copies])[..., None]
    likelihood = SHOWN**n_alt * (1 - SHOWN) ** (n[..., None] - n_alt)
    alt = (reference.mean / 2)[:, None, None]
    prior = [(1 - alt) ** 2, 2 * alt * (1 - alt), alt**2]
    weights = likelihood * np.concatenate(prior, axis=2)
    return np.asarray(weights / weights.sum(axis=2, keepdims=True))


def joint(reference: ancestry.Reference, standard: np.ndarray) -> np.ndarray:
    """Coordinates of samples (L, n), standardised, by a PCA with the panel, turned onto
    the panel's own (orthogonal Procrustes with a stretch)."""
    kept = int(reference.n_kept)
    target = reference.coordinates[:, :kept]
    centred = standard - standard.mean(axis=1, keepdims=True)
    _, values, right = np.linalg.svd(centred, full_matrices=False)
    found = right[:kept].T * values[:kept]
    panel = found[: len(target)]
    middle, centre = panel.mean(axis=0), target.mean(axis=0)
    left, strengths, back = np.linalg.svd((panel - middle).T @ (target - centre))
    stretch = strengths.sum() / ((panel - middle) ** 2).sum()
    rest: np.ndarray = (found[len(target) :] - middle) @ (left @ back) * stretch
    return rest + centre


def slopes(found: np.ndarray, target: np.ndarray) -> list[tuple[str, str]]:
    """Of the first coordinates, over samples, through the origin."""
    pairs = zip(found.T[:N_SLOPES], target.T[:N_SLOPES], strict=True)
    return [
        (f"PC{k}", f"{one @ other / (other @ other):.3f}")
        for k, (one, other) in enumerate(pairs, start=1)
    ]


def slope_rows(
    world: World,
    reference: ancestry.Reference,
    sites: np.ndarray,
    seed: int,
    test: np.ndarray,
) -> Iterator[tuple[str, str, str, int]]:
    """Rows (measure, of, value, n) about coordinates."""
    copies = world.copies[np.ix_(sites, test)]
    few = slice(0, N_JOINT)
    samples = {str(name): k for k, name in enumerate(world.names)}
    panel = [samples[str(name)] for name in reference.samples]
    both = world.copies[np.ix_(sites, [*panel, *test[few]])].astype(float)
    together = joint(reference, ancestry_projection.standardised(reference, both))
    exact = ancestry_projection.project(reference, copies.astype(float))
    plain = ancestry_projection.standardised(reference, copies[:, few].astype(float))
    found = {
        "slope_joint": (exact.coordinates[few], together),
        "slope_plain": (plain.T @ reference.components.T, together),
    }
    rng = np.random.default_rng(seed)
    for reads in READS:
        told = genotypes_of_reads(reference, copies, reads, rng)
        placed = ancestry_projection.project_by_panel(reference, told)
        found[f"slope_{reads:g}_joint"] = (placed.coordinates[few], together)
        found[f"slope_{reads:g}_exact"] = (placed.coordinates, exact.coordinates)
        gaps = (placed.coordinates - exact.coordinates) / placed.standard_errors
        for k in range(N_SLOPES):
            yield (
                f"spread_{reads:g}",
                f"PC{k + 1}",
                f"{gaps[:, k].std():.3f}",
                len(test),
            )
    for name, (one, other) in found.items():
        for of, value in slopes(one, other):
            yield name, of, value, len(one)


def z_rows(
    world: World,
    reference: ancestry.Reference,
    placed: ancestry_projection.Projected,
    seed: int,
    test: np.ndarray,
    nearest: np.ndarray,
) -> Iterator[tuple[str, str, str, int]]:
    """Rows (measure, of, value, n) about z of the held-out samples (by superpopulation)
    for random weights on common variants."""
    rng = np.random.default_rng(seed)
    samples = {str(name): k for k, name in enumerate(world.names)}
    panel = np.array([samples[str(name)] for name in reference.samples])
    frequency = world.copies[:, panel].mean(axis=1) / 2
    common = np.flatnonzero(np.minimum(frequency, 1 - frequency) >= 0.01)
    scores = np.zeros((len(world.names), N_SCORES))
    for k in range(N_SCORES):
        variants = rng.choice(common, N_VARIANTS, replace=False)
        scores[:, k] = rng.normal(size=N_VARIANTS) @ world.copies[variants]
    continuum = standardise.continuum_of(
        scores[panel], reference.coordinates[:, : int(reference.n_kept)]
    )
    z = {name: np.zeros((len(test), N_SCORES)) for name in ("z", "nearest")}
    for i, sample in enumerate(test):
        here = continuum.at(placed.coordinates[i])
        z["z"][i] = (scores[sample] - here.mean) / here.sd
        own = scores[panel[reference.superpopulations == nearest[i]]]
        z["nearest"][i] = (scores[sample] - own.mean(axis=0)) / own.std(axis=0, ddof=1)
    for name, values in z.items():
        for group in np.unique(world.superpopulations):
            own = values[world.superpopulations[test] == group]
            # What chance alone adds to a mean of so few is taken off.
            square = (own.mean(axis=0) ** 2 - own.var(axis=0, ddof=1) / len(own)).mean()
            yield f"{name}_mean", group, f"{max(square, 0) ** 0.5:.3f}", len(own)
            yield f"{name}_sd", group, f"{own.std(axis=0, ddof=1).mean():.3f}", len(own)


def report(
    world: World,
    train: np.ndarray,
    test: np.ndarray,
    chosen: np.ndarray,
    options: dict[str, float],
    label: str,
    is_whole: bool,
) -> None:
    """Print one panel's rows: who is outside, and, for a whole panel, who is placed
    rightly, and the slopes."""
    reference, sites = describe(world, train, chosen, options)
    model = ancestry_populations.fit_populations(reference, options["outside_slack"])
    dosages = world.copies[np.ix_(sites, test)].astype(float)
    placed = ancestry_projection.project(reference, dosages)
    found = ancestry_populations.place(model, placed)
    outside = np.array([one.population == "outside" for one in found])
    by_super = [one.superpopulation_probabilities for one in found]
    best = np.array([max(one, key=lambda name: one[name]) for one in by_super])
    head = f"{label}\t{len(sites)}"
    for group in np.unique(world.superpopulations):
        own = world.superpopulations[test] == group
        print(f"{head}\toutside\t{group}\t{outside[own].sum()}\t{own.sum()}")
        if is_whole:
            right = (best[own] == group).sum()
            print(f"{head}\tsuperpopulation\t{group}\t{right}\t{own.sum()}")
    if is_whole:
        for row in slope_rows(world, reference, sites, len(sites), test):
            print(head, *row, sep="\t")
        for row in z_rows(world, reference, placed, len(sites), test, best):
            print(head, *row, sep="\t")


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
