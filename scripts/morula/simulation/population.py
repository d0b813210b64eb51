"""A simulated world: three populations, a reference sequence, maps and variants.

Shapes: L sites, H haplotypes. Positions `pos_bp` are 1-based, offsets 0-based.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msprime
import numpy as np
from numpy.typing import NDArray

from morula.genetic_map import GeneticMap
from morula.haplotypes import Genotypes
from morula.simulation.sequence import decode, substitute

POPULATIONS = ("AFR", "EUR", "EAS")
MUTATION_RATE = 1.25e-8
# Of the population whose member gave the reference sequence.
_REFERENCE_POPULATION = "EUR"
_HOTSPOT_GAP_BP = 40_000.0
_HOTSPOT_BP = 2_000
_HOTSPOT_SHARE = 0.8
_MAP_STEP_BP = 20_000
_LONGEST_INDEL = 8


@dataclass(frozen=True)
class Chromosome:
    """One simulated chromosome.

    sequence: codes uint8 (length,); panel, founders: genotypes at all their sites;
    female, male: genetic maps.
    """

    sequence: NDArray[np.uint8]
    panel: Genotypes
    founders: Genotypes
    female: GeneticMap
    male: GeneticMap


def sample_names(prefix: str, per_population: int) -> list[tuple[str, str]]:
    """(name, population) of samples, population by population."""
    return [
        (f"{prefix}{population}{number:03d}", population)
        for population in POPULATIONS
        for number in range(1, per_population + 1)
    ]


def out_of_africa() -> msprime.Demography:
    """Three populations after Gutenkunst et al. 2009 (their table 1, rounded)."""
    # METHOD: Gutenkunst et al. 2009, PLoS Genet 5:e1000695: an African population, a
    # bottleneck out of Africa, then a European and an East Asian branch that grow.
    year, final = 25.0, 21_200 / 25.0
    demography = msprime.Demography()
    demography.add_population(name="AFR", initial_size=12_300)
    demography.add_population(
        name="EUR", initial_size=1_000 * np.exp(0.004 * final), growth_rate=0.004
    )
    demography.add_population(
        name="EAS", initial_size=510 * np.exp(0.0055 * final), growth_rate=0.0055
    )
    demography.add_population(name="OOA", initial_size=2_100)
    demography.add_population(name="AMH", initial_size=12_300)
    demography.set_symmetric_migration_rate(["AFR", "EUR"], 3e-5)
    demography.set_symmetric_migration_rate(["AFR", "EAS"], 1.9e-5)
    demography.set_symmetric_migration_rate(["EUR", "EAS"], 9.6e-5)
    demography.add_population_split(final, derived=["EUR", "EAS"], ancestral="OOA")
    demography.add_symmetric_migration_rate_change(final, ["AFR", "OOA"], 2.5e-4)
    demography.add_population_split(
        140e3 / year, derived=["OOA", "AFR"], ancestral="AMH"
    )
    demography.add_population_parameters_change(
        220e3 / year, population="AMH", initial_size=7_300
    )
    return demography


def random_sequence(
    rng: np.random.Generator, length_bp: int, isochore_bp: int = 50_000
) -> NDArray[np.uint8]:
    """Codes of a sequence whose GC content changes from isochore to isochore."""
    n_isochores = -(-length_bp // isochore_bp)
    # METHOD: beta-distributed GC with mean 0.41, as the human genome's isochores.
    gc = np.repeat(rng.beta(41.0, 59.0, n_isochores), isochore_bp)[:length_bp]
    strong = rng.random(length_bp) < gc
    second = rng.integers(0, 2, length_bp)
    return np.where(strong, 1 + second, 3 * second).astype(np.uint8)


def draw_maps(
    rng: np.random.Generator, length_bp: int, cm_per_mb: float
) -> tuple[GeneticMap, GeneticMap]:
    """Female and male map with shared hot spots and a mean rate of `cm_per_mb`."""
    # METHOD: 2-kb hot spots about 40 kb apart carry 80 % of the recombination (Myers
    # et al. 2005); the female map is longer, the male rises towards the telomeres.
    count = int(length_bp / _HOTSPOT_GAP_BP * 3) + 10
    gaps = rng.exponential(_HOTSPOT_GAP_BP, count) + _HOTSPOT_BP
    starts = np.cumsum(gaps).astype(np.int64)
    starts = starts[starts + _HOTSPOT_BP < length_bp]
    grid = np.arange(0, length_bp, _MAP_STEP_BP)
    edges = np.unique(np.concatenate([grid, starts, starts + _HOTSPOT_BP, [length_bp]]))
    middle = (edges[:-1] + edges[1:]) / 2
    nearest = np.searchsorted(starts, middle, side="right") - 1
    hot = (nearest >= 0) & (middle < starts[nearest] + _HOTSPOT_BP)
    heat = rng.gamma(1.0, 1.0, max(len(starts), 1))[nearest]
    width = np.diff(edges)
    weight = np.where(hot, heat * width, 0.0)
    total_cm = cm_per_mb * length_bp / 1e6
    share = _HOTSPOT_SHARE if weight.sum() > 0 else 0.0
    average = (1 - share) * width / length_bp + share * weight / (weight.sum() or 1.0)
    male = 0.77 + 0.5 * np.cos(2 * np.pi * middle / length_bp)
    return tuple(  # type: ignore[return-value]
        GeneticMap(
            pos_bp=np.maximum(edges, 1),
            cm=np.concatenate([[0.0], np.cumsum(total_cm * average * factor)]),
        )
        for factor in (2.0 - male, male)
    )


def draw_haplotypes(
    seed: int,
    length_bp: int,
    maps: tuple[GeneticMap, GeneticMap],
    per_population: int,
) -> tuple[NDArray[np.int64], NDArray[np.int8], NDArray[np.int8]]:
    """Derived alleles of samples drawn from each population, and of the reference.

    Returns pos_bp (L,), alleles int8 (L, P * per_population, 2) in the order of
    POPULATIONS, and the reference haplotype's alleles int8 (L,).
    """
    edges = np.concatenate([[0], maps[0].pos_bp[1:]])
    average_cm = (np.diff(maps[0].cm) + np.diff(maps[1].cm)) / 2
    extra = {_REFERENCE_POPULATION: 1}
    trees = msprime.sim_ancestry(
        samples={p: per_population + extra.get(p, 0) for p in POPULATIONS},
        demography=out_of_africa(),
        recombination_rate=msprime.RateMap(
            position=edges, rate=average_cm / 100 / np.diff(edges)
        ),
        sequence_length=length_bp,
        random_seed=seed,
    )
    trees = msprime.sim_mutations(
        trees,
        rate=MUTATION_RATE,
        model=msprime.BinaryMutationModel(),
        random_seed=seed,
    )
    pos_bp = trees.tables.sites.position.astype(np.int64) + 1
    alleles = trees.genotype_matrix().reshape(trees.num_sites, -1, 2)
    sizes = [per_population + extra.get(p, 0) for p in POPULATIONS]
    last_of = np.cumsum(sizes) - 1
    reference = int(last_of[POPULATIONS.index(_REFERENCE_POPULATION)])
    others = np.delete(np.arange(sum(sizes)), reference)
    return pos_bp, alleles[:, others].astype(np.int8), alleles[:, reference, 0]


def name_alleles(
    rng: np.random.Generator,
    sequence: NDArray[np.uint8],
    pos_bp: NDArray[np.int64],
    indel_share: float,
) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """REF and ALT strings of each site: SNVs, and a share of short indels.

    Indels are anchored at the base before, are left-aligned, and touch no other site.
    """
    bases = sequence[pos_bp - 1]
    ref = np.array(list(decode(bases)), dtype=object)
    alt = np.array(list(decode(substitute(rng, bases))), dtype=object)
    room = np.diff(pos_bp, append=len(sequence)) - 1
    size = np.minimum(rng.geometric(0.5, len(pos_bp)), _LONGEST_INDEL)
    wanted = np.flatnonzero((rng.random(len(pos_bp)) < indel_share) & (room > size))
    deletes = rng.random(len(wanted)) < 0.5
    for site, is_deletion in zip(wanted.tolist(), deletes.tolist(), strict=True):
        begin0, n_bases = int(pos_bp[site]) - 1, int(size[site])
        inserted = rng.integers(0, 4, n_bases).astype(np.uint8)
        if is_deletion:
            inserted = sequence[begin0 + 1 : begin0 + 1 + n_bases]
        # An allele pair that ends in the same base would move left when normalised.
        if inserted[-1] == bases[site]:
            continue
        longer = ref[site] + decode(inserted)
        ref[site], alt[site] = (
            (longer, ref[site]) if is_deletion else (ref[site], longer)
        )
    return ref, alt


def simulate_chromosome(
    chrom: str,
    rng: np.random.Generator,
    length_bp: int,
    cm_per_mb: float,
    indel_share: float,
    names: tuple[Sequence[str], Sequence[str]],
) -> Chromosome:
    """Simulate one chromosome for panel and founder samples.

    names: panel and founder samples, each in the order of `sample_names`.
    The panel holds the sites at which a panel sample has the ALT allele; founders have
    sites of their own besides.
    """
    sequence = random_sequence(rng, length_bp)
    maps = draw_maps(rng, length_bp, cm_per_mb)
    sizes = [len(group) // len(POPULATIONS) for group in names]
    trees_seed = int(rng.integers(1, 2**31))
    pos_bp, derived, reference = draw_haplotypes(
        trees_seed, length_bp, maps, sum(sizes)
    )
    # REF is what the reference haplotype carries: at times the derived allele.
    alleles = (derived != reference[:, None, None]).astype(np.int8)
    # No site at the first base: genomes do not begin with one, and `bcftools call -i`
    # (1.16) loses its place there.
    varies = alleles.any(axis=(1, 2)) & (pos_bp > 1)
    pos_bp, alleles = pos_bp[varies], alleles[varies]
    ref, alt = name_alleles(rng, sequence, pos_bp, indel_share)
    is_panel = np.tile(np.arange(sum(sizes)) < sizes[0], len(POPULATIONS))
    everyone = np.empty(len(is_panel), dtype=object)
    everyone[is_panel], everyone[~is_panel] = names
    phased = np.ones(alleles.shape[:2], dtype=bool)
    world = Genotypes(chrom, pos_bp, ref, alt, alleles, phased, tuple(everyone))
    in_panel = alleles[:, is_panel].any(axis=(1, 2))
    return Chromosome(
        sequence=sequence,
        panel=_part(world, in_panel, is_panel),
        founders=_part(world, np.ones_like(in_panel), ~is_panel),
        female=maps[0],
        male=maps[1],
    )


def _part(
    world: Genotypes, sites: NDArray[np.bool_], columns: NDArray[np.bool_]
) -> Genotypes:
    """Some sites of some samples."""
    return Genotypes(
        chrom=world.chrom,
        pos_bp=world.pos_bp[sites],
        ref=world.ref[sites],
        alt=world.alt[sites],
        alleles=world.alleles[sites][:, columns],
        phased=world.phased[sites][:, columns],
        samples=tuple(np.array(world.samples, dtype=object)[columns]),
    )


def fasta_text(name: str, sequence: NDArray[np.uint8], width: int = 60) -> str:
    """A FASTA record."""
    text = decode(sequence)
    lines = [text[i : i + width] for i in range(0, len(text), width)]
    return f">{name}\n" + "\n".join(lines) + "\n"


def map_text(chrom: str, genetic_map: GeneticMap) -> str:
    """A genetic map in PLINK format (chrom, id, cM, bp)."""
    return "".join(
        f"{chrom}\t.\t{cm:.8f}\t{pos}\n"
        for pos, cm in zip(genetic_map.pos_bp, genetic_map.cm, strict=True)
    )
