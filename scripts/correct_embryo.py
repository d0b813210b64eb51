"""Correct one amplified embryo: which parental haplotypes it carries, what was lost."""

from __future__ import annotations

import argparse
import json
import logging
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from morula import (
    allele_counts,
    amplification,
    embryo_posterior,
    embryo_qc,
    family_sites,
    inheritance,
    segments,
    tables,
)
from morula.amplification import Amplification, Chromosome
from morula.atomic import written_whole
from morula.cli import run
from morula.family_sites import FamilySites

logger = logging.getLogger("correct_embryo")
SEGMENT_COLUMNS = (
    "embryo",
    "parent",
    "chrom",
    "start",
    "end",
    "haplotype",
    "posterior",
)


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--embryo", required=True)
    add("--chromosomes", nargs="+", required=True)
    add("--family-sites", nargs="+", required=True, help=".npz of each chromosome")
    add("--counts", nargs="+", required=True, help="counts BCF of each chromosome")
    add("--cells", type=int, help="cells in the biopsy, where known")
    add("--amplification", required=True, help="a row of --presets")
    add("--presets", required=True, help="table of where EM starts")
    add("--prior-amplicons", type=float, required=True, help="weight of the start")
    add("--read-error", type=float, required=True, help="start")
    add("--damage-error", type=float, required=True, help="start, C>T and G>A")
    add("--contamination", type=float, required=True, help="start; 0: not modelled")
    add("--phase-switch", type=float, required=True, help="between neighbouring hets")
    add("--shares", type=int, required=True, help="grid points of the maternal share")
    add("--max-depth", type=float, required=True, help="reads a site that count")
    add("--em-iterations", type=int, required=True)
    add("--em-tolerance", type=float, required=True, help="natural log units")
    add("--samples", type=int, required=True, help="posterior paths to draw")
    add("--seed", type=int, required=True)
    add("--threads", type=int, required=True)
    add("--posterior", required=True, help="output .npz")
    add("--measures", required=True, help="output .json of quality measures")
    add("--inheritance", required=True, help="output .tsv of segments")
    return parser.parse_args(argv)


def read_chromosome(
    args: argparse.Namespace, chrom: str, sites_path: str, counts_path: str
) -> tuple[FamilySites, NDArray[np.float64], Chromosome]:
    """Family, reads (L, 2) and the prepared chain of one chromosome."""
    family = family_sites.load(sites_path)
    reads = allele_counts.read_counts(counts_path, chrom, family.sites)
    pos_bp = family.sites.pos_bp
    chain = inheritance.Chain(
        amplification.cap_depth(reads, args.max_depth),
        amplification.site_classes(
            family.sites.ref, family.sites.alt, family.parents[0].alleles
        ),
        family.parents[0].alleles,
        family.parents[1].alleles,
        family.flip(0, args.phase_switch),
        family.flip(1, args.phase_switch),
        np.ones(len(pos_bp)),
    )
    return family, reads, Chromosome(chain, np.diff(pos_bp, prepend=pos_bp[0]))


def mean_changes(paths: NDArray[np.uint8]) -> float:
    """Changes of haplotype along a path, (L, S), averaged over the paths."""
    return float((paths[1:] != paths[:-1]).sum() / paths.shape[1])


def share_sd(learnt: Amplification, chain: inheritance.Chain) -> float:
    """Spread of a chromosome's mean share: that of x over its number of amplicons."""
    mean = learnt.share_prior @ learnt.shares
    variance = float(learnt.share_prior @ (learnt.shares - mean) ** 2)
    amplicons = 1.0 + float(np.sum(1.0 - chain.stay[1:]))
    return float(np.sqrt(variance / amplicons))


def conclude(
    args: argparse.Namespace,
    chrom: str,
    family: FamilySites,
    reads: NDArray[np.float64],
    chromosome: Chromosome,
    learnt: Amplification,
) -> tuple[dict[str, NDArray[np.generic]], embryo_qc.Evidence]:
    """Posterior arrays and quality evidence of one chromosome."""
    chain, table = chromosome.with_length(learnt.length_bp), learnt.read_table()
    prior = learnt.share_prior
    filtered = inheritance.forward(chain, prior, table)
    posterior = inheritance.backward(chain, filtered, prior, learnt.shares, table)
    # A stable seed for each embryo and chromosome: neither their order nor their
    # number changes what is drawn.
    seed = [args.seed, zlib.crc32(args.embryo.encode()), zlib.crc32(chrom.encode())]
    rng = np.random.default_rng(seed)
    paths = inheritance.sample_paths(chain, filtered, prior, table, args.samples, rng)
    evidence = embryo_qc.Evidence(
        chrom,
        family,
        reads,
        posterior.vectors,
        posterior.share,
        share_sd(learnt, chain),
        (
            mean_changes(paths.haplotype_maternal),
            mean_changes(paths.haplotype_paternal),
        ),
        (float(chain.flip_maternal[1:].sum()), float(chain.flip_paternal[1:].sum())),
    )
    arrays = embryo_posterior.arrays_of(
        chrom, family.sites, posterior.vectors, posterior.genotypes, paths
    )
    return arrays, evidence


def measure(
    embryo: str,
    evidence: list[embryo_qc.Evidence],
    learnt: Amplification,
    converged: bool,
) -> embryo_qc.Measures:
    depth = np.concatenate([one.reads.sum(axis=1) for one in evidence])
    mother, father = embryo_qc.relationship(evidence, learnt.error)
    known = evidence[0].family.known
    return embryo_qc.Measures(
        embryo=embryo,
        depth=float(depth.mean()),
        breadth=float((depth > 0).mean()),
        ado_rate=learnt.dropout,
        imbalance=learnt.imbalance,
        error_rate=learnt.error,
        error_rate_damage=learnt.error_damage,
        maternal_share=float(np.concatenate([one.share for one in evidence]).mean()),
        contamination=embryo_qc.contamination(evidence),
        relationship_mother=mother,
        relationship_father=father,
        has_mother=known[0],
        has_father=known[1],
        converged=converged,
        chromosomes=tuple(embryo_qc.measure_chromosome(one) for one in evidence),
    )


def segment_rows(
    embryo: str, evidence: list[embryo_qc.Evidence]
) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for one in evidence:
        first = one.vectors.reshape(-1, 2, 2)
        for side, parent in enumerate(family_sites.PARENTS):
            if not one.family.known[side]:
                continue
            haplotype_one = first.sum(axis=2 - side)[:, 0]
            for part in segments.segments(one.family.sites.pos_bp, haplotype_one):
                rows.append(
                    {
                        "embryo": embryo,
                        "parent": parent,
                        "chrom": one.chrom,
                        "start": part.start,
                        "end": part.end,
                        "haplotype": part.haplotype,
                        "posterior": part.posterior,
                    }
                )
    return rows


def learn(
    args: argparse.Namespace, chromosomes: list[Chromosome], has_mother: bool
) -> amplification.Fit:
    begin = amplification.start(
        amplification.read_preset(args.presets, args.amplification),
        args.cells,
        args.shares,
        args.read_error,
        args.damage_error,
        # Without her genotype her reads cannot be told from the embryo's.
        args.contamination if has_mother else 0.0,
    )
    with ThreadPoolExecutor(args.threads) as pool:
        return amplification.fit(
            chromosomes,
            begin,
            args.prior_amplicons,
            args.em_iterations,
            args.em_tolerance,
            pool.map,
        )


def work(args: argparse.Namespace) -> None:
    inputs = [
        read_chromosome(args, *paths)
        for paths in zip(args.chromosomes, args.family_sites, args.counts, strict=True)
    ]
    fit = learn(args, [one for _, _, one in inputs], inputs[0][0].known[0])
    learnt = fit.amplification
    arrays: dict[str, NDArray[np.generic]] = {}
    evidence = []
    for chrom, (family, reads, chromosome) in zip(
        args.chromosomes, inputs, strict=True
    ):
        entries, shown = conclude(args, chrom, family, reads, chromosome, learnt)
        arrays |= entries
        evidence.append(shown)
    measures = measure(args.embryo, evidence, learnt, fit.converged)
    embryo_posterior.save(args.posterior, args.embryo, args.chromosomes, arrays)
    tables.write_tsv(
        args.inheritance, SEGMENT_COLUMNS, segment_rows(args.embryo, evidence)
    )
    with written_whole(args.measures) as partial:
        partial.write_text(json.dumps(measures.as_dict(), indent=1) + "\n")
    logger.info(
        "depth %.3g, dropout %.3f, amplicons %.0f bp, read error %.4f, EM steps %d",
        measures.depth,
        learnt.dropout,
        learnt.length_bp,
        learnt.error,
        len(fit.ln_likelihoods),
    )


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
