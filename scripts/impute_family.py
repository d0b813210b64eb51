"""Write a family's genomes of one chromosome, at all panel sites and private variants,
with joint samples at the panel's.
"""

from __future__ import annotations

import argparse
import logging
import sys
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from morula import (
    confirmed_calls,
    dosage_text,
    embryo_genome,
    embryo_posterior,
    embryo_sex,
    family_sites,
    override_table,
    parental_alleles,
    posterior_samples,
    sex_chromosome,
    single_sites,
)
from morula.cli import run
from morula.embryo_genome import PanelParents, Placement
from morula.embryo_posterior import EmbryoChromosome
from morula.errors import InputError
from morula.genetic_map import read_map
from morula.override_table import Followed

logger = logging.getLogger("impute_family")
HEADER = (
    '##INFO=<ID=IMP,Number=0,Type=Flag,Description="Parents imputed, not genotyped">\n'
    '##INFO=<ID=PRIVATE,Number=0,Type=Flag,Description="Variant of a parent that the'
    ' panel lacks">\n'
    + dosage_text.FORMAT_LINES
    + dosage_text.GP_LINE
    + "##morula_embryo_phase="
)


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--parents", help="BCF of impute_parents")
    source.add_argument("--panel", help="BCF of the panel, where no parent is known")
    add("--phased", help="BCF of phase_parents, with --parents")
    add("--mother", help="her name; left out for a donor")
    add("--father", help="his name; left out for a donor")
    add("--family-sites", required=True, help=".npz of prepare_family")
    add("--posterior", required=True, help=".npz of correct_family")
    add("--map", required=True, help="sex-averaged, PLINK format")
    add("--chrom", required=True)
    add("--build", choices=sex_chromosome.BUILDS, help="needed for X")
    add("--sexes", nargs="*", default=[], help="of X: .json of infer_sex, an embryo")
    add("--overrides", help=".tsv of list_overrides: where the reads are followed")
    add("--confirmed", help=".npz of list_overrides: parents' calls confirmed")
    add("--genotype-error", type=float, required=True)
    add("--seed", type=int, required=True)
    add("--genomes", required=True, help="output BCF, indexed too")
    add("--samples", required=True, help="output .npz of joint posterior samples")
    args = parser.parse_args(argv)
    has_parents = bool(args.mother or args.father)
    if not has_parents == bool(args.parents) == bool(args.phased):
        parser.error(
            "expected --parents and --phased with --mother or --father, else --panel"
        )
    return args


def cells_of(
    ordered: NDArray[np.float64], single: NDArray[np.bool_]
) -> NDArray[np.object_]:
    """GT:DS:GP from P(2 m + f), (L, 4); of one copy, m, at `single`, (L,)."""
    cells = dosage_text.gt_ds_gp(ordered)
    alt_share = ordered[single, 2] + ordered[single, 3]
    cells[single] = dosage_text.gt_ds_gp_single(alt_share)
    return cells


def parent_cells(
    args: argparse.Namespace, parents: PanelParents, single: NDArray[np.bool_]
) -> dict[str, NDArray[np.object_]]:
    """GT:DS:GP of the parents, mother first; single: (L,), one copy in males."""
    return {
        name: cells_of(parents.ordered(name), single & (name == args.father))
        for name in (args.mother, args.father)
        if name
    }


def rng_of(args: argparse.Namespace, *words: str) -> np.random.Generator:
    """Random numbers of an embryo (the first word) on this chromosome."""
    words = (*words, args.chrom)
    return np.random.default_rng(
        [args.seed, *(zlib.crc32(word.encode()) for word in words)]
    )


def parental_sides(
    args: argparse.Namespace, parents: PanelParents
) -> dict[str, NDArray[np.float64]]:
    """P(haplotype carries ALT), (L, 2), of the `maternal` and `paternal` side."""
    known = [name for name in (args.mother, args.father) if name]
    phases = (
        parental_alleles.read_phase(args.phased, known, parents.sites) if known else {}
    )
    sides = {
        side: embryo_genome.haplotypes_of(parents, name, phases, args.genotype_error)
        for side, name in (("maternal", args.mother), ("paternal", args.father))
    }
    if args.confirmed:
        confirmed = confirmed_calls.load(args.confirmed)
        rows, left = confirmed_calls.at_sites(parents.sites, confirmed)
        for share, own in zip(sides.values(), left, strict=True):
            share[rows] = confirmed_calls.sharpened(share[rows], own)
    return sides


def genome_of(
    args: argparse.Namespace,
    embryo: EmbryoChromosome,
    name: str,
    where: Placement,
    sides: dict[str, NDArray[np.float64]],
    followed: Sequence[tuple[int, Followed]],
) -> tuple[NDArray[np.float64], dict[str, NDArray[np.bool_]]]:
    """P(2 m + f), (L, 4), and the drawn alleles (S, L) of both sides of an embryo, as
    its reads have them at the rows of `followed`."""
    ordered = embryo_genome.genotypes(embryo, where, *sides.values())
    rng = rng_of(args, name)
    drawn = {
        side: embryo_genome.sampled_alleles(embryo, where, haplotypes, side, rng)
        for side, haplotypes in sides.items()
    }
    # Random numbers of their own: what is drawn elsewhere does not depend on them.
    own = rng_of(args, name, "overrides")
    override_table.follow_samples(*drawn.values(), followed, own)
    return override_table.follow_genotypes(ordered, followed), drawn


def embryo_cells(
    args: argparse.Namespace, parents: PanelParents, single: NDArray[np.bool_]
) -> dict[str, NDArray[np.object_]]:
    """GT:DS:GP of the embryos; writes their joint samples, at the panel's sites alone:
    the score looks a site up by its place among these. single: (L,), where males have
    one copy."""
    sides, genetic_map = parental_sides(args, parents), read_map(args.map, args.chrom)
    cells: dict[str, NDArray[np.object_]] = {}
    draws: dict[str, list[NDArray[np.bool_]]] = {side: [] for side in sides}
    family = embryo_posterior.load(args.posterior)
    where = embryo_genome.place(parents.sites, family.sites, genetic_map)
    logger.info(
        "%d of %d sites (%d private) have a posterior of their own; elsewhere parents"
        " tell",
        (where.own >= 0).sum(),
        len(where.own),
        parents.is_private.sum(),
    )
    is_x = sex_chromosome.is_x(args.chrom)
    sons = embryo_sex.sons(args.sexes, family.embryos) if is_x else set()
    singles = [single & (name in sons) for name in family.embryos]
    shared = np.flatnonzero(~parents.is_private)
    overrides = override_table.read(args.overrides) if args.overrides else {}
    index = parents.sites.index() if overrides else {}
    for name, only in zip(family.embryos, singles, strict=True):
        followed = override_table.placed(overrides.get(name, []), index)
        one = family.embryo(name)
        ordered, drawn = genome_of(args, one, name, where, sides, followed)
        cells[name] = cells_of(ordered, only)
        drawn["paternal"] &= ~only
        for side, alleles in drawn.items():
            draws[side].append(alleles[:, shared])
    posterior_samples.save(
        args.samples,
        parents.sites.pos_bp[shared],
        list(cells),
        draws["maternal"],
        draws["paternal"],
        [only[shared] for only in singles],
    )
    return cells


def read_parents(args: argparse.Namespace) -> PanelParents:
    """The parents, if any, at the panel's sites and their private variants."""
    source = args.parents or args.panel
    parents = embryo_genome.read_parents(source, args.chrom, args.panel is not None)
    for name in (args.mother, args.father):
        if name and name not in parents.alt_share:
            raise InputError(
                f"{args.parents}: no sample {name!r}; it has"
                f" {', '.join(parents.alt_share)}"
            )
    family = family_sites.load(args.family_sites)
    rows = embryo_genome.private_rows(family, parents.sites)
    names = (args.mother, args.father)
    return embryo_genome.with_private(parents, args.chrom, family, rows, names)


def info(imputed: bool, is_private: bool) -> str:
    """INFO of a record."""
    if is_private:
        return "PRIVATE"
    return "IMP" if imputed else "."


def work(args: argparse.Namespace) -> None:
    parents = read_parents(args)
    where = args.chrom, args.build, parents.sites.pos_bp
    single = single_sites.of_file(args.parents or args.panel, *where)
    cells = parent_cells(args, parents, single) | embryo_cells(args, parents, single)
    lines = (
        f"{args.chrom}\t{pos}\t{site}\t{ref}\t{alt}\t.\tPASS\t"
        f"{info(*marks)}\tGT:DS:GP\t" + "\t".join(row) + "\n"
        for pos, site, ref, alt, marks, *row in zip(
            parents.sites.pos_bp.tolist(),
            parents.ids,
            parents.sites.ref,
            parents.sites.alt,
            zip(parents.imputed.tolist(), parents.is_private.tolist(), strict=True),
            *cells.values(),
            strict=True,
        )
    )
    phase = "maternal|paternal\n" if args.parents else "unknown\n"
    header = dosage_text.contig_lines(args.parents or args.panel) + HEADER + phase
    dosage_text.write_bcf(args.genomes, header, cells, lines)


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
