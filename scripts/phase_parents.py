"""Phase a family's parents on one chromosome, and say how far it may be wrong.

Many phasings against the panel (SHAPEIT4 with several seeds, haplotypes drawn from what
each run keeps; Beagle) are joined to a consensus; hets that reads link are phased
together, those that the panel lacks, too.
"""

from __future__ import annotations

import argparse
import heapq
import logging
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from morula import biallelic, call_files, phase_ensemble, phase_target, read_links
from morula.biallelic import Record
from morula.cli import run
from morula.errors import InputError
from morula.genetic_map import read_map
from morula.parental_phase import ParentalPhase, find_phase
from morula.phase_ensemble import Inputs, Phasings
from morula.phase_target import Key, Target
from morula.processes import Pipeline, stop_on_sigterm
from morula.provenance import program_lines

logger = logging.getLogger("phase_parents")

FIELDS = ("PRIVATE", "GT", "FI", "FP", "SP")


@dataclass(frozen=True)
class Sites:
    """All sites in order. keys; is_private: bool (N,), of no panel; panel_rows: int64,
    row of each site of the phasings."""

    keys: list[Key]
    is_private: NDArray[np.bool_]
    panel_rows: NDArray[np.int64]


def all_sites(shared: Sequence[Key], target: Target) -> Sites:
    """The sites shared with the panel, in its order, and the hets that it lacks."""
    known = set(shared)
    private = [key for key in target.hets if key not in known]
    merged = list(
        heapq.merge(
            ((key, False) for key in shared),
            ((key, True) for key in private),
            key=lambda item: item[0][0],
        )
    )
    is_private = np.array([flag for _, flag in merged], dtype=bool)
    return Sites([key for key, _ in merged], is_private, np.flatnonzero(~is_private))


def ensemble(
    pipeline: Pipeline, args: argparse.Namespace, folder: Path
) -> tuple[list[Key], dict[str, Phasings], list[str]]:
    """Sites shared with the panel, phasings of each parent, and header lines."""
    inputs = Inputs(
        target=folder / "target.bcf",
        panel=args.panel,
        chrom=args.chrom,
        map_file=folder / "map.txt",
        plink_map=args.map,
        folder=folder,
        about=args.calls,
    )
    phase_ensemble.write_map(
        read_map(args.map, args.chrom), args.chrom, inputs.map_file
    )
    seeds = range(args.seed, args.seed + args.runs)
    stems = phase_ensemble.run_shapeit(
        pipeline, inputs, args.mcmc_iterations, seeds, args.threads
    )
    sites, phasings = phase_ensemble.draw(stems, args.parents, args.draws, args.seed)
    programs = program_lines(Path(f"{stems[0]}.bcf"))
    if args.beagle_runs:
        seeds = range(args.seed, args.seed + args.beagle_runs)
        paths = phase_ensemble.run_beagle(pipeline, inputs, seeds, args.memory_mb)
        phasings = phase_ensemble.with_beagle(
            phasings, sites, paths, args.chrom, args.draws
        )
        programs += program_lines(paths[0])
    return sites, phasings, programs


def phases_of(
    args: argparse.Namespace,
    sites: Sites,
    target: Target,
    phasings: dict[str, Phasings],
) -> list[ParentalPhase]:
    """Phase of each parent, with a line about each in the log."""
    none: dict[str, dict] = {name: {} for name in args.parents}
    linked = read_links.read_links(args.links, args.parents) if args.links else none
    result = []
    for column, name in enumerate(args.parents):
        private = [
            row
            for row in np.flatnonzero(sites.is_private).tolist()
            if target.hets[sites.keys[row]][column] in phase_target.HETS
        ]
        phase = find_phase(
            sites.keys,
            sites.panel_rows,
            phasings[name],
            np.array(private, dtype=np.int64),
            linked[name],
            args.link_error,
        )
        is_het = phase.alleles.sum(axis=1) == 1
        logger.info(
            "%s: hets=%d linked_by_reads=%d not_in_panel=%d expected_switches=%.1f"
            " expected_flips=%.1f",
            name,
            is_het.sum(),
            phase.n_linked,
            len(private),
            phase.switch.sum(),
            phase.flip[is_het].sum(),
        )
        result.append(phase)
    return result


def cell_of(phase: ParentalPhase, row: int, genotype: str, filled: bool) -> str:
    """A parent's cell: as phased; what was not open keeps its genotype."""
    first, second = phase.alleles[row].tolist()
    if first < 0:
        text = genotype.split(":", 1)[0].replace("/", "|")
        return f"{text}:{int(filled)}:0:0"
    doubts = f"{phase.flip[row]:.4g}:{phase.switch[row]:.4g}"
    return f"{first}|{second}:{int(filled)}:{doubts}"


def records(
    args: argparse.Namespace,
    phased: Iterator[Record],
    sites: Sites,
    target: Target,
    phases: Sequence[ParentalPhase],
) -> Iterator[str]:
    """Lines of the output. phased: records of the shared sites, from SHAPEIT4."""
    unfilled = [False] * len(phases)
    for row, (key, is_private) in enumerate(
        zip(sites.keys, sites.is_private.tolist(), strict=True)
    ):
        cells = target.hets[key] if is_private else next(phased).cells
        marks = unfilled if is_private else target.filled.get(key, unfilled)
        shown = [
            cell_of(phase, row, cell, mark)
            for phase, cell, mark in zip(phases, cells, marks, strict=True)
        ]
        pos_bp, ref, alt = key
        info = "PRIVATE" if is_private else "."
        fields = (args.chrom, str(pos_bp), ".", ref, alt, ".", ".", info)
        yield "\t".join([*fields, ":".join(FIELDS[1:]), *shown]) + "\n"


def write_phased(
    pipeline: Pipeline,
    args: argparse.Namespace,
    folder: Path,
    programs: Sequence[str],
    parts: tuple[Sites, Target, list[ParentalPhase]],
) -> Path:
    """Write the phased parents under a header without dates; returns the BCF."""
    path = folder / "parents.bcf"
    head = call_files.header(f"{args.genome}.fai", FIELDS, args.parents, programs)
    view = ["bcftools", "view", "-H", "-s", ",".join(args.parents)]
    shared = call_files.body_lines(
        pipeline, [*view, f"{folder}/run0.bcf"], "reading SHAPEIT4's output"
    )
    with call_files.bcf_writer(pipeline, path, head) as sink:
        for line in records(args, map(biallelic.parse_line, shared), *parts):
            sink.write(line.encode())
    return path


def work(args: argparse.Namespace) -> None:
    """Phase and write the BCF."""
    output = Path(args.output)
    with call_files.work_folder(output) as folder, Pipeline() as pipeline:
        target = phase_target.write_target(
            pipeline,
            args.calls,
            args.parents,
            f"{args.genome}.fai",
            args.min_genotype_quality,
            folder / "target.bcf",
        )
        if target.n_sites == 0:
            raise InputError(
                f"{args.calls}: no genotype of {' or '.join(args.parents)} on"
                f" {args.chrom}; check that their reads or VCF cover this chromosome"
            )
        shared, phasings, programs = ensemble(pipeline, args, folder)
        sites = all_sites(shared, target)
        phases = phases_of(args, sites, target, phasings)
        parts = (sites, target, phases)
        path = write_phased(pipeline, args, folder, programs, parts)
        call_files.publish(path, output)
    logger.info(
        "chrom=%s parents=%d sites=%d genotypes_filled_in=%d",
        args.chrom,
        len(args.parents),
        len(sites.keys),
        sum(sum(target.filled.get(key, [])) for key in shared),
    )


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Command line of this script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", required=True, help="BCF of the family's calls")
    parser.add_argument("--parents", required=True, nargs="+")
    parser.add_argument("--panel", required=True, help="phased BCF with AC and AN")
    parser.add_argument("--links", help="BCF of link_reads; left out without reads")
    parser.add_argument("--map", required=True, help="PLINK format, sex-averaged")
    parser.add_argument("--genome", required=True, help="FASTA with its .fai")
    parser.add_argument("--chrom", required=True)
    parser.add_argument("--min-genotype-quality", required=True, type=int)
    parser.add_argument("--mcmc-iterations", required=True)
    parser.add_argument("--runs", required=True, type=int, help="runs of SHAPEIT4")
    parser.add_argument("--draws", required=True, type=int, help="phasings of a run")
    parser.add_argument("--beagle-runs", required=True, type=int)
    parser.add_argument("--link-error", required=True, type=float)
    parser.add_argument("--seed", required=True, type=int)
    parser.add_argument("--threads", required=True, type=int, help="runs at a time")
    parser.add_argument("--memory-mb", required=True, type=int, help="Beagle's heap")
    parser.add_argument("--output", required=True, help="BCF; its .csi is made too")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    args = parse_args(argv)
    stop_on_sigterm()
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
