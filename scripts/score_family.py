"""Score the parents and embryos of one family."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence

import numpy as np

from morula import (
    diseases,
    family_places,
    family_risks,
    family_view,
    portability,
    score_table,
    score_weights,
    standardise,
    stored_arrays,
)
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
    parser.add_argument("--diseases", required=True, help="JSON of morula.diseases")
    parser.add_argument(
        "--ancestry-panel", required=True, help="of infer_ancestry.py, TSV"
    )
    for name, what in (
        ("--parents", "phase as the embryos mend it, BCF"),
        ("--female-maps", "PLINK format"),
        ("--male-maps", "PLINK format"),
    ):
        parser.add_argument(
            name, nargs="+", required=True, help=f"{what}, one a chromosome"
        )
    parser.add_argument("--min-weight-share", type=float, required=True)
    parser.add_argument("--min-reference-samples", type=int, required=True)
    parser.add_argument("--scores", required=True, help="output: TSV")
    parser.add_argument("--matches", required=True, help="output: TSV")
    parser.add_argument(
        "--paths",
        required=True,
        help="output: z and risk of the posterior samples, .npz",
    )
    return parser.parse_args(argv)


def read_traits(
    args: argparse.Namespace, weights: score_weights.Weights
) -> list[tuple[str, int]]:
    """Each trait with the index of its score."""
    if list(args.traits) != weights.traits.tolist():
        raise InputError(
            f"{args.weights}: made for the traits {', '.join(weights.traits)}; expected"
            f" {', '.join(args.traits)}: make it again"
        )
    return list(zip(args.traits, weights.score_of_trait.tolist(), strict=True))


def read_qc(path: str, embryos: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Status and reason of every embryo."""
    qc = {row["embryo"]: (row["status"], row["reason"]) for row in read_tsv(path)}
    missing = [name for name in embryos if name not in qc]
    if missing:
        raise InputError(f"{path}: no row for embryo {missing[0]!r}; make it again")
    return qc


def look_at_family(
    args: argparse.Namespace, weights: score_weights.Weights, scores: FamilyScores
) -> dict[str, score_table.Siblings]:
    """What each embryo's siblings would score; nothing where a parent is not known."""
    of_role = dict(zip(args.roles, args.samples, strict=True))
    parents = [of_role[r] for r in standardise.PARENT_ROLES if r in of_role]
    if len(parents) < 2:
        return {}
    by_chromosome = [
        dict(zip(args.chromosomes, files, strict=True))
        for files in (args.parents, args.posteriors, args.female_maps, args.male_maps)
    ]
    sources = family_view.Sources(*by_chromosome)
    view = family_view.look(weights, scores, sources, parents)
    return {
        name: score_table.Siblings(
            view.mean[e].tolist(), view.sd[e].tolist(), view.reach[e].tolist()
        )
        for e, name in enumerate(scores.embryos)
    }


def compared(
    args: argparse.Namespace,
    scores: FamilyScores,
    roles: dict[str, str],
    failed: set[str],
) -> dict[str, score_table.Reference]:
    """What every sample's scores are compared with."""
    with stored_arrays.opened(args.panel_scores) as stored:
        labels = Labels(
            stored["samples"], stored["populations"], stored["superpopulations"]
        )
        panel_scores = stored["scores"]
    near = {row["sample"]: row["superpopulation"] for row in read_tsv(args.ancestry)}
    wanted = standardise.family_superpopulations(roles, near, failed)
    places = family_places.of_family(args.ancestry, roles, failed)
    components = family_places.of_panel(args.ancestry_panel, labels.samples)
    continuum = standardise.continuum_of(panel_scores, components)
    found = {}
    for i, name in enumerate(scores.samples):
        group = standardise.choose_group(
            labels, wanted[name], args.min_reference_samples
        )
        found[name] = score_table.compare(
            scores.pgs[i], panel_scores, group, continuum, places[name], near[name]
        )
    return found


def collect(
    args: argparse.Namespace,
    scores: FamilyScores,
    siblings: dict[str, score_table.Siblings],
    qc: dict[str, tuple[str, str]],
) -> list[score_table.SampleScores]:
    """Every sample's scores with what they are compared with."""
    roles = dict(zip(args.samples, args.roles, strict=True))
    failed = {name for name, (status, _) in qc.items() if status == "fail"}
    references = compared(args, scores, roles, failed)
    collected = []
    for i, name in enumerate(scores.samples):
        status, reason = qc.get(name, ("pass", ""))
        collected.append(
            score_table.SampleScores(
                name=name,
                role=roles[name],
                pgs=scores.pgs[i].tolist(),
                pgs_sd=scores.sd[i].tolist(),
                reference=references[name],
                qc_status=status,
                qc_reason=reason,
                siblings=siblings.get(name),
            )
        )
    return collected


def risk_models(
    args: argparse.Namespace,
    samples: Sequence[score_table.SampleScores],
    traits: Sequence[tuple[str, int]],
) -> dict[tuple[str, str], family_risks.RiskModel]:
    """How each sample's z becomes a risk, for each trait that has one."""
    settings = diseases.parse(args.diseases)
    parents = [s for s in samples if s.role in standardise.PARENT_ROLES]
    embryos = [s for s in samples if s.role not in standardise.PARENT_ROLES]
    passed = [s.name for s in embryos if s.qc_status != "fail"]
    named = [s.name for s in embryos]
    populations = {name: d.training_population for name, d in settings.diseases.items()}
    left = portability.family_relative_r2(
        args.ancestry,
        args.ancestry_panel,
        [s.name for s in parents],
        passed,
        named,
        set(populations.values()),
    )
    kin = family_risks.Kin(
        parents=[s.name for s in parents],
        embryos=named,
        passed=passed,
        z={(s.name, t): s.z_of(k, s.pgs[k]) for s in samples for t, k in traits},
        parents_z={
            (s.name, t): (embryos or parents)[0].z_of(k, s.pgs[k])
            for s in parents
            for t, k in traits
        },
        family_mean={
            (s.name, t): s.z_of(k, s.siblings.mean[k])
            for s in embryos
            if s.siblings is not None
            for t, k in traits
        },
    )
    relative = {
        (s.name, t): left[s.name, p] for s in samples for t, p in populations.items()
    }
    return family_risks.family_models(settings, kin, relative)


def write_paths(
    args: argparse.Namespace,
    scores: FamilyScores,
    samples: Sequence[score_table.SampleScores],
    traits: Sequence[tuple[str, int]],
    models: dict[tuple[str, str], family_risks.RiskModel],
) -> None:
    """Write z and risk (E, D, K) of the embryos' posterior samples for the ranking."""
    standards = {sample.name: sample.standard for sample in samples}
    of_trait = [score for _, score in traits]
    names = [trait for trait, _ in traits]
    all_z = [
        (scores.paths[e] - standards[name].mean) / standards[name].sd
        for e, name in enumerate(scores.embryos)
    ]
    shape = (len(all_z), scores.paths.shape[1], scores.paths.shape[2])
    z = np.array(all_z).reshape(shape)[:, :, of_trait]
    stored_arrays.write(
        args.paths,
        embryos=np.array(scores.embryos, dtype=str),
        traits=np.array(names, dtype=str),
        z=z,
        risk=family_risks.risk_samples(models, scores.embryos, names, z),
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
    siblings = look_at_family(args, weights, scores)
    samples = collect(args, scores, siblings, qc)
    models = risk_models(args, samples, traits)
    rows = [
        score_table.table_row(
            weights,
            trait,
            score,
            sample,
            models.get((sample.name, trait)),
            args.min_weight_share,
        )
        for sample in samples
        for trait, score in traits
    ]
    write_paths(args, scores, samples, traits, models)
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
