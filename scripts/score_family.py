"""Score the parents and embryos of one family."""

from __future__ import annotations

import argparse
import logging
import math
import sys
from collections.abc import Sequence

import numpy as np

from morula import score_table, score_weights, standardise
from morula.atomic import written_whole
from morula.cli import run
from morula.errors import InputError
from morula.family_scores import FamilyScores, score_family
from morula.panel_samples import Labels
from morula.tables import read_tsv, write_tsv

logger = logging.getLogger("score_family")


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Command line of the script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--genomes", required=True, help="the family's BCF, DS and GP")
    parser.add_argument(
        "--posteriors", nargs="+", required=True, help="one a chromosome"
    )
    parser.add_argument("--chromosomes", nargs="+", required=True)
    parser.add_argument("--weights", required=True, help="of prepare_scores.py")
    parser.add_argument("--panel-scores", required=True, help="of prepare_scores.py")
    parser.add_argument("--ancestry", required=True, help="the family's, TSV")
    parser.add_argument("--qc", required=True, help="the embryos' quality control, TSV")
    parser.add_argument("--samples", nargs="+", required=True)
    parser.add_argument("--roles", nargs="+", required=True, help="one a sample")
    parser.add_argument("--traits", nargs="+", required=True)
    parser.add_argument(
        "--prevalence", nargs="+", type=float, required=True, help="nan: not given"
    )
    parser.add_argument(
        "--liability-r2", nargs="+", type=float, required=True, help="nan: not given"
    )
    parser.add_argument("--min-weight-share", type=float, required=True)
    parser.add_argument("--min-reference-samples", type=int, required=True)
    parser.add_argument("--scores", required=True, help="output: TSV")
    parser.add_argument("--matches", required=True, help="output: TSV")
    parser.add_argument(
        "--paths", required=True, help="output: z of the posterior samples, .npz"
    )
    return parser.parse_args(argv)


def given(value: float) -> float | None:
    """A number of the command line; None for nan."""
    return None if math.isnan(value) else value


def read_traits(
    args: argparse.Namespace, weights: score_weights.Weights
) -> list[tuple[score_table.TraitRisk, int]]:
    """Each trait with the index of its score."""
    if list(args.traits) != weights.traits.tolist():
        raise InputError(
            f"{args.weights}: made for the traits {', '.join(weights.traits)}; expected"
            f" {', '.join(args.traits)}: make it again"
        )
    numbers = zip(args.traits, args.prevalence, args.liability_r2, strict=True)
    traits = [score_table.TraitRisk(n, given(k), given(r)) for n, k, r in numbers]
    return list(zip(traits, weights.score_of_trait.tolist(), strict=True))


def read_qc(path: str, embryos: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Status and reason of every embryo."""
    qc = {row["embryo"]: (row["status"], row["reason"]) for row in read_tsv(path)}
    missing = [name for name in embryos if name not in qc]
    if missing:
        raise InputError(f"{path}: no row for embryo {missing[0]!r}; make it again")
    return qc


def collect(
    args: argparse.Namespace, scores: FamilyScores, qc: dict[str, tuple[str, str]]
) -> list[score_table.SampleScores]:
    """Every sample's scores with what they are compared with."""
    with np.load(args.panel_scores) as stored:
        labels = Labels(
            stored["samples"], stored["populations"], stored["superpopulations"]
        )
        panel_scores = stored["scores"]
    near = {row["sample"]: row["superpopulation"] for row in read_tsv(args.ancestry)}
    roles = dict(zip(args.samples, args.roles, strict=True))
    failed = {name for name, (status, _) in qc.items() if status == "fail"}
    wanted = standardise.family_superpopulations(roles, near, failed)
    collected = []
    for i, name in enumerate(scores.samples):
        group = standardise.choose_group(
            labels, wanted[name], args.min_reference_samples
        )
        status, reason = qc.get(name, ("pass", ""))
        collected.append(
            score_table.SampleScores(
                name=name,
                role=roles[name],
                pgs=scores.pgs[i].tolist(),
                pgs_sd=scores.sd[i].tolist(),
                group=group,
                standard=standardise.standard_of(panel_scores, group),
                qc_status=status,
                qc_reason=reason,
            )
        )
    return collected


def write_paths(
    path: str,
    scores: FamilyScores,
    samples: Sequence[score_table.SampleScores],
    traits: Sequence[tuple[score_table.TraitRisk, int]],
) -> None:
    """Write z (E, D, K) of the embryos' posterior samples for the ranking."""
    standards = {sample.name: sample.standard for sample in samples}
    of_trait = [score for _, score in traits]
    z = [
        (scores.paths[e] - standards[name].mean) / standards[name].sd
        for e, name in enumerate(scores.embryos)
    ]
    with written_whole(path) as partial:
        np.savez_compressed(
            partial,
            embryos=np.array(scores.embryos, dtype=str),
            traits=np.array([trait.name for trait, _ in traits], dtype=str),
            z=np.reshape(z, scores.paths.shape)[:, :, of_trait],
        )


def write_matches(path: str, weights: score_weights.Weights) -> None:
    """Write what became of every scoring file's variants."""
    rows = [
        {
            "pgs_id": str(weights.pgs_ids[score]),
            "reason": str(reason),
            "variants": int(variants),
            "weight_share": float(share),
        }
        for score, reason, variants, share in zip(
            weights.match_score,
            weights.match_reason,
            weights.match_variants,
            weights.match_share,
            strict=True,
        )
    ]
    write_tsv(path, ["pgs_id", "reason", "variants", "weight_share"], rows)


def work(args: argparse.Namespace) -> None:
    """Score the family and write the three outputs."""
    weights = score_weights.load(args.weights)
    traits = read_traits(args, weights)
    roles = zip(args.samples, args.roles, strict=True)
    embryos = [n for n, role in roles if role not in standardise.PARENT_ROLES]
    qc = read_qc(args.qc, embryos)
    posteriors = dict(zip(args.chromosomes, args.posteriors, strict=True))
    scores = score_family(weights, args.genomes, posteriors, args.samples, embryos)
    samples = collect(args, scores, qc)
    rows = [
        score_table.table_row(weights, trait, score, sample, args.min_weight_share)
        for sample in samples
        for trait, score in traits
    ]
    write_paths(args.paths, scores, samples, traits)
    write_matches(args.matches, weights)
    write_tsv(args.scores, score_table.COLUMNS, rows)
    withheld = sum(row["status"] == score_table.WITHHELD for row in rows)
    logger.info(
        "%d scores of %d samples, %d withheld", len(rows), len(samples), withheld
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
