"""How near the genomes of siblings without parents come to the truth, told together and
each by itself, by depth and number of siblings.

Embryos of real couples as impute_genomes.py makes them (single-cell MDA, 20 % dropout
in 10-kb amplicons); nothing of the parents is told to Morula. One row a depth, number
and method; all couples' genotypes are pooled. sibling_ln_odds: the least of any embryo
as a sibling of the others against a stranger; stranger_ln_odds: the largest of an
embryo of the next couple in the place of the last one.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from numpy.typing import NDArray

from bench.case import Case, plain_result
from bench.genotype_measures import null_result
from bench.peers import morula_stages
from bench.steps import named_flags, run_script, section_defaults
from impute_genomes import (
    AMPLIFICATION,
    MEASURES,
    make_couple,
    make_embryos,
    measure,
    pooled,
    prepare_lacking,
)
from morula import siblings, tables
from morula.cli import run
from morula.genetic_map import read_map

logger = logging.getLogger("impute_siblings")
TOGETHER, ALONE = "together", "each alone"
COLUMNS = (
    *("siblings", "depth", "method", "couples", "genotypes", *MEASURES),
    *("cpu_s", "sibling_ln_odds", "stranger_ln_odds"),
)


def asked_of(
    args: argparse.Namespace, case: Case, couple: int, parents: Path, folder: Path
) -> SimpleNamespace:
    """What morula_stages needs to know of the family."""
    return SimpleNamespace(
        family_sites=folder / "family.npz",
        panel_bits=folder / "bits.npz",
        panel=parents / "panel.bcf",
        counts=[str(folder / f"{name}.counts.bcf") for name in case.embryos],
        child_counts=[],
        mother=None,
        father=None,
        amplification=AMPLIFICATION["amplification"],
        cells=AMPLIFICATION["cells"],
        seed=args.seed + couple,
        threads=1,
    )


def tell_together(
    args: argparse.Namespace, case: Case, asked: SimpleNamespace, folder: Path
) -> NDArray[np.float32]:
    """GP (E, L, 3) by all siblings' reads."""
    morula_stages.correct(case, asked, morula_stages.members_of(case, asked), folder)
    flags: list[object] = ["--panel", asked.panel, "--chrom", case.chrom]
    flags += ["--family-sites", asked.family_sites]
    flags += ["--posterior", folder / "posterior.npz", "--seed", asked.seed]
    flags += ["--map", args.world / "average.map"]
    error = section_defaults("correct")["genotype_error"]
    flags += ["--genotype-error", error, "--genomes", folder / "together.bcf"]
    run_script("impute_family", [*flags, "--samples", folder / "together.npz"])
    return morula_stages.read_genomes(case, folder / "together.bcf")[0]


def tell_alone(
    args: argparse.Namespace, case: Case, asked: SimpleNamespace, folder: Path
) -> NDArray[np.float32]:
    """GP (E, L, 3) by each one's own reads."""
    names = case.embryos.tolist()
    flags: list[object] = ["--panel", asked.panel, "--chrom", case.chrom]
    flags += ["--panel-bits", asked.panel_bits, "--family-sites", asked.family_sites]
    flags += ["--map", args.world / "average.map", "--embryos", *names]
    flags += ["--counts", *asked.counts, "--seed", asked.seed, "--amplification"]
    flags += [folder / f"{name}.amplification.json" for name in names]
    defaults = section_defaults("correct")
    flags += named_flags({key: defaults[key] for key in ("max_depth", "outlier")})
    flags += ["--n-samples", 20, "--genomes", folder / "alone.bcf"]
    run_script("impute_alone", [*flags, "--samples", folder / "alone.npz"])
    return morula_stages.read_genomes(case, folder / "alone.bcf")[0]


def ln_odds(
    args: argparse.Namespace, case: Case, gp: Sequence[NDArray[np.float32]]
) -> tuple[float, float]:
    """The least of a sibling, the largest of a stranger; gp: of every couple's embryos,
    each by itself, (E, L, 3)."""
    cm = [
        read_map(args.world / f"{sex}.map", args.chrom).cm_at(case.pos_bp)
        for sex in ("female", "male")
    ]
    where = case.alt_frequency, case.pos_bp, np.stack(cm)
    related, strange = [], []
    for couple, own in enumerate(gp):
        other = gp[(couple + 1) % len(gp)][:1]
        mixed = np.concatenate([own[:-1], other])
        for one, found in ((own, related), (mixed, strange)):
            told = siblings.sibship(siblings.shown(one, *where))
            found.append(told.ln_odds.min() if one is own else told.ln_odds[-1])
    return float(min(related)), float(max(strange))


def rows_of(
    args: argparse.Namespace, n_siblings: int, depth: float
) -> list[dict[str, object]]:
    """Rows of the table for one depth and number of siblings."""
    own = argparse.Namespace(**(vars(args) | {"embryos": n_siblings, "parents": "30x"}))
    cases: list[Case] = []
    gp: dict[str, list[NDArray[np.float32]]] = {TOGETHER: [], ALONE: []}
    cpu_s = dict.fromkeys(gp, 0.0)
    for couple in range(args.couples):
        parents = make_couple(own, couple)
        folder = args.directory / f"siblings_{n_siblings}_{depth:g}" / str(couple)
        case = make_embryos(own, parents, couple, depth, folder)
        sources = ["--panel", parents / "panel.bcf"]
        prepare_lacking(args, parents, folder, sources)
        asked = asked_of(args, case, couple, parents, folder)
        members = morula_stages.members_of(case, asked)
        morula_stages.learn(case, asked, members, folder)
        for name, tell in ((TOGETHER, tell_together), (ALONE, tell_alone)):
            start = time.process_time()
            gp[name].append(tell(args, case, asked, folder))
            cpu_s[name] += time.process_time() - start
        cases.append(case)
        logger.info("%d siblings, depth %g, couple %d", n_siblings, depth, couple)
    odds = ln_odds(args, cases[0], gp[ALONE])
    case = pooled(cases)
    results = [plain_result(name, np.concatenate(found)) for name, found in gp.items()]
    base = {"siblings": n_siblings, "depth": depth, "couples": args.couples}
    base["genotypes"] = results[0].gp.shape[0] * results[0].gp.shape[1]
    own_cells: dict[str, dict[str, object]] = {
        name: {"cpu_s": f"{seconds / args.couples:.1f}"}
        for name, seconds in cpu_s.items()
    }
    own_cells[TOGETHER] |= dict(zip(COLUMNS[-2:], odds, strict=True))
    return [
        dict.fromkeys(COLUMNS)
        | base
        | {"method": result.method}
        | measure(case, result)
        | own_cells.get(result.method, {})
        for result in (*results, null_result(case))
    ]


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--world", type=Path, required=True, help="of make_world.py")
    add("--chrom", default="chr20")
    add("--depths", type=float, nargs="+", default=[4.0, 1.0, 0.1])
    add("--siblings", type=int, nargs="+", default=[5, 2])
    add("--couples", type=int, default=6)
    add("--seed", type=int, default=1000)
    add("--directory", type=Path, required=True, help="for what is made on the way")
    add("--output", type=Path, required=True, help="TSV")
    return parser.parse_args(argv)


def work(args: argparse.Namespace) -> None:
    rows: list[dict[str, object]] = []
    for n_siblings in args.siblings:
        for depth in args.depths:
            rows += rows_of(args, n_siblings, depth)
            # A run that is cut short has told what it found.
            tables.write_tsv(args.output, COLUMNS, rows)


def main(argv: Sequence[str] | None = None) -> int:
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
