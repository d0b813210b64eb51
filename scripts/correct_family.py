"""Correct a family's embryos together on one chromosome: which parental haplotypes each
carries, where the parents' phase was wrong, what was lost.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import zlib
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from morula import (
    absent_parents,
    allele_counts,
    amplification_record,
    donor_copying,
    dosage_text,
    embryo_posterior,
    embryo_qc,
    embryo_sex,
    family_input,
    family_sampling,
    family_sites,
    panel_bits,
    polished_parents,
    polished_phase,
    segments,
    sex_chromosome,
    tables,
    x_inheritance,
)
from morula.absent_parents import Members
from morula.atomic import written_whole
from morula.cli import run
from morula.embryo_kernels import Embryo
from morula.errors import InputError
from morula.family_sites import FamilySites
from morula.joint_posterior import JointPosterior
from morula.parental_alleles import Sites
from morula.polished_phase import Bits

logger = logging.getLogger("correct_family")


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--chrom", required=True)
    add("--family-sites", required=True, help=".npz of prepare_family")
    add("--mother", help="her name; left out for a donor")
    add("--father", help="his name; left out for a donor")
    add("--embryos", nargs="+", required=True)
    add("--counts", nargs="+", required=True, help="counts BCF of each embryo")
    add("--amplification", nargs="+", required=True, help="learnt .json of each embryo")
    add("--sexes", nargs="*", default=[], help="of X: .json of infer_sex, an embryo")
    add("--max-depth", type=float, required=True, help="reads a site that count")
    add("--burn-in", type=int, required=True, help="sweeps that do not count")
    add("--sweeps", type=int, required=True, help="sweeps that count, at most")
    add("--tolerance", type=float, required=True, help="change at which to stop")
    add("--samples", type=int, required=True, help="joint samples to draw")
    add("--outlier", type=float, required=True, help="P(reads not of the genotype)")
    add("--panel-bits", help=".npz of pack_panel: the donor's side is copied from it")
    add("--seed", type=int, required=True)
    add("--posterior", required=True, help="output .npz")
    add("--evidence", required=True, help="output .json of quality measures")
    add("--inheritance", required=True, help="output .tsv of segments")
    add("--parents", required=True, help="output .bcf of the parents' mended phase")
    args = parser.parse_args(argv)
    if not len(args.embryos) == len(args.counts) == len(args.amplification):
        parser.error("--embryos, --counts and --amplification: one of each per embryo")
    return args


@dataclass(frozen=True)
class Phases:
    """Of mother and father: the samples' switches (S, N), where their haplotypes are
    the others of the polished phase (S, N), and its orientation (N,)."""

    switches: list[Bits]
    turned: list[Bits]
    polished: list[Bits]


def phases_of(found: JointPosterior) -> Phases:
    """The samples' phases and the one nearest to all."""
    n_sites = found.switch.shape[1]
    switches = [embryo_posterior.unpack(one, n_sites) for one in found.samples.switch]
    turned, polished = [], []
    for one in map(polished_phase.orientations, switches):
        polished.append(one[polished_phase.typical(one)])
        turned.append(polished_phase.against(one, polished[-1]))
    return Phases(switches, turned, polished)


def segment_rows(
    args: argparse.Namespace,
    family: FamilySites,
    rows: NDArray[np.int64],
    found: JointPosterior,
    phases: Phases,
    sons: Collection[str],
) -> Iterator[dict[str, object]]:
    """Rows of the table of segments, against the polished phase."""
    for i, embryo in enumerate(args.embryos):
        for side, parent in enumerate(family_sites.PARENTS):
            if not family.known[side]:
                continue
            raw = embryo_posterior.unpack(found.samples.haplotype[side, i], len(rows))
            own = raw ^ phases.turned[side]
            for part in x_inheritance.segments_of(
                family, rows, side, own, embryo in sons
            ):
                yield {
                    "embryo": embryo,
                    "parent": parent,
                    "chrom": args.chrom,
                } | asdict(part)


def evidence_of(
    args: argparse.Namespace,
    members: Members,
    found: JointPosterior,
    phases: Phases,
    ln_odds: NDArray[np.float64] | None,
) -> dict[str, object]:
    """Quality evidence of every embryo, as JSON has it."""
    family, rows, learnt = members.family, members.rows, members.learnt
    at = family_input.nearest_row(rows, len(family.sites.pos_bp))
    expected = [float(family.recombination(side).sum()) for side in range(2)]
    places = embryo_qc.places(family)
    result: dict[str, object] = {}
    for i, embryo in enumerate(args.embryos):
        crossovers = [
            polished_phase.crossover_count(
                embryo_posterior.unpack(found.samples.haplotype[side, i], len(rows)),
                phases.switches[side],
            )
            for side in range(2)
        ]
        shown = embryo_qc.Evidence(
            args.chrom,
            family,
            members.reads[i],
            found.vectors[i][at],
            found.share[i][at],
            family_input.share_sd(learnt[i], family.sites.pos_bp),
            (crossovers[0], crossovers[1]),
            (expected[0], expected[1]),
            None if ln_odds is None else float(ln_odds[i]),
        )
        result[embryo] = asdict(embryo_qc.summarise(shown, learnt[i].misread, places))
    return result


def write_parents(
    args: argparse.Namespace,
    contigs: str,
    sites: Sites,
    found: JointPosterior,
    phases: Phases,
) -> None:
    """The BCF of the parents' mended phase at the informative sites."""
    names, columns = [], []
    for side, name in enumerate((args.mother, args.father)):
        if name:
            names.append(name)
            columns.append(
                polished_parents.cells(
                    found.orders[side], found.switch[side], phases.polished[side]
                )
            )
    polished_parents.write(args.parents, contigs, args.chrom, sites, names, columns)


def write(
    args: argparse.Namespace,
    family: FamilySites,
    rows: NDArray[np.int64],
    found: JointPosterior,
    phases: Phases,
    evidence: dict[str, object],
    sons: Collection[str],
) -> None:
    """All outputs, once all that goes into them is there."""
    contigs = dosage_text.contig_lines(args.counts[0])
    segment_table = list(segment_rows(args, family, rows, found, phases, sons))
    sites = family.sites.at(rows)
    stored = embryo_posterior.of_joint(sites, args.embryos, found)
    embryo_posterior.save(args.posterior, stored)
    tables.write_tsv(args.inheritance, segments.COLUMNS, segment_table)
    with written_whole(args.evidence) as partial:
        partial.write_text(json.dumps(evidence, indent=1) + "\n")
    write_parents(args, contigs, sites, found, phases)


def sons_of(args: argparse.Namespace) -> set[str]:
    """Embryos that have one copy where males have one."""
    if not sex_chromosome.is_x(args.chrom):
        return set()
    return embryo_sex.sons(args.sexes, args.embryos)


def sample(
    args: argparse.Namespace, members: Members, embryos: list[Embryo]
) -> tuple[JointPosterior, NDArray[np.float64] | None]:
    """The joint posterior at the informative sites; and the ln odds of the embryos as
    siblings of each other, where no parent is known."""
    rng = np.random.default_rng([args.seed, zlib.crc32(args.chrom.encode())])
    panel = panel_bits.load(args.panel_bits) if args.panel_bits else None
    stand_in = absent_parents.find(members, embryos, panel, rng)
    schedule = family_sampling.Schedule(
        args.burn_in, args.sweeps, args.tolerance, args.samples
    )
    if stand_in.absent.followers:
        schedule = donor_copying.schedule(schedule)
    found = family_sampling.sample_family(
        family_input.chain_of(members.family, members.rows),
        stand_in.embryos,
        schedule,
        rng,
        lambda sweeps, change: logger.info("%d sweeps, change %.4f", sweeps, change),
        stand_in.absent,
    )
    return found, stand_in.ln_odds


def work(args: argparse.Namespace) -> None:
    family = family_sites.load(args.family_sites)
    if family.known != (bool(args.mother), bool(args.father)):
        raise InputError(
            f"{args.family_sites}: known parents {family.known}, but --mother"
            f" {args.mother} and --father {args.father}: make it again"
        )
    rows = family_input.informative(family)
    reads = allele_counts.read_family(
        args.counts, args.chrom, family.sites, args.embryos
    )
    learnt = amplification_record.read_family(args.amplification, args.embryos)
    embryos = [
        family_input.embryo_of(family, rows, one, how, args.max_depth, args.outlier)
        for one, how in zip(reads, learnt, strict=True)
    ]
    sons = sons_of(args)
    is_son = [name in sons for name in args.embryos]
    is_single = family.is_single[rows]
    embryos = x_inheritance.with_sons(embryos, learnt, is_single, is_son)
    logger.info(
        "%d embryos, %d informative sites of %d",
        len(embryos),
        len(rows),
        len(family.sites.pos_bp),
    )
    how = args.max_depth, args.outlier
    members = Members(family, rows, reads, learnt, *how)
    found, ln_odds = sample(args, members, embryos)
    found = x_inheritance.folded(found, is_single, is_son)
    phases = phases_of(found)
    evidence = evidence_of(args, members, found, phases, ln_odds)
    write(args, family, rows, found, phases, evidence, sons)


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
