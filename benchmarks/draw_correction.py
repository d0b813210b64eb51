"""Draw what the joint correction does to one family of the benchmark: the dropout track
of an embryo, and phase errors of a parent found and mended.

    python benchmarks/draw_correction.py --parents FOLDER --case FOLDER \\
        --learnt FOLDER --output docs/correction.svg

FOLDERs are those of make_parents.py, make_case.py and run_morula.py.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from bench.case import Case, load_case
from bench.figure_parts import drawing, panels, save
from bench.steps import section_defaults
from morula import (
    allele_counts,
    amplification_record,
    embryo_posterior,
    family_input,
    family_sampling,
    family_sites,
    polished_phase,
    tables,
)
from morula.cli import run
from morula.family_sites import FamilySites
from morula.joint_posterior import JointPosterior
from morula.report_svg import BLUE, GREY, VERMILLION

TRACK_BP = 500_000


@dataclass(frozen=True)
class Corrected:
    """A family of the benchmark and its posterior at the informative sites `rows`."""

    case: Case
    family: FamilySites
    rows: NDArray[np.int64]
    found: JointPosterior

    @property
    def pos_mb(self) -> NDArray[np.float64]:
        return np.asarray(self.family.sites.pos_bp[self.rows] / 1e6)


def correct(args: argparse.Namespace) -> Corrected:
    """The joint posterior, as correct_family.py makes it."""
    case = load_case(args.case / "case.npz")
    family = family_sites.load(args.parents / "family.npz")
    rows = family_input.informative(family)
    options = section_defaults("correct")
    embryos = [
        family_input.embryo_of(
            family,
            rows,
            allele_counts.read_counts(
                args.case / f"{name}.counts.bcf", case.chrom, family.sites
            ),
            amplification_record.read_learnt(
                args.learnt / f"{name}.amplification.json"
            ),
            options["max_depth"],
            options["outlier"],
        )
        for name in case.embryos
    ]
    schedule = family_sampling.Schedule(
        options["burn_in"], options["sweeps"], options["tolerance"], options["samples"]
    )
    found = family_sampling.sample_family(
        family_input.chain_of(family, rows),
        embryos,
        schedule,
        np.random.default_rng(args.seed),
    )
    return Corrected(case, family, rows, found)


def true_orders(what: Corrected, parent: int) -> NDArray[np.int8]:
    """True alleles of a parent's haplotypes at the informative sites, (N, 2); -1 at
    sites that are not in the case."""
    sites = what.case
    keys = zip(sites.pos_bp.tolist(), sites.ref, sites.alt, strict=True)
    row_of = {key: row for row, key in enumerate(keys)}
    here = what.family.sites.at(what.rows)
    rows = np.array(
        [
            row_of.get(key, -1)
            for key in zip(here.pos_bp.tolist(), here.ref, here.alt, strict=True)
        ]
    )
    alleles = what.case.parents[parent][np.maximum(rows, 0)]
    return np.where(rows[:, None] >= 0, alleles, -1).astype(np.int8)


def draw_track(axes: Axes, what: Corrected, truth: Path) -> None:
    """Maternal share along a stretch: true (the simulator's) and found."""
    first = what.pos_mb[0] + 1.0
    last = first + TRACK_BP / 1e6
    for row in tables.read_tsv(truth):
        begin, end = float(row["start"]) / 1e6, float(row["end"]) / 1e6
        if row["maternal_share"] and end > first and begin < last:
            share = float(row["maternal_share"])
            axes.plot([begin, end], [share, share], color=GREY, lw=4, alpha=0.7)
    within = (what.pos_mb >= first) & (what.pos_mb <= last)
    axes.plot(
        what.pos_mb[within],
        what.found.share[0][within],
        color=BLUE,
        lw=1,
        marker="o",
        ms=2,
    )
    axes.set(xlabel="position, Mb", ylabel="maternal share x", xlim=(first, last))
    axes.set_title("Dropout track of an embryo")
    axes.text(0.99, 0.02, "grey: true", transform=axes.transAxes, ha="right", size=7)


def draw_mending(axes: Axes, what: Corrected, parent: int) -> None:
    """Orientation of a parent's hets against the truth, before and after."""
    truth = true_orders(what, parent)
    het = truth[:, 0] + truth[:, 1] == 1
    known = what.family.parents[parent].is_phased_het[what.rows] & het
    prior = what.family.parents[parent].orders[what.rows][known]
    after = what.found.orders[parent][known]
    switches = embryo_posterior.unpack(
        what.found.samples.switch[parent], len(what.rows)
    )
    turned = polished_phase.orientations(switches)
    polished = turned[polished_phase.typical(turned)][known]
    is_second = truth[known, 0] == 0
    before = (prior[:, 1] > prior[:, 2]) != is_second
    mended = ((after[:, 1] > after[:, 2]) ^ polished) != is_second
    pos = what.pos_mb[known]
    for level, wrong, colour, label in (
        (1.0, before, VERMILLION, "phase estimate"),
        (0.0, mended ^ (mended.mean() > 0.5), BLUE, "mended"),
    ):
        axes.plot(pos, level + 0.7 * wrong, color=colour, lw=1.2, drawstyle="steps-mid")
        axes.text(pos[0], level + 0.78, label, color=colour, size=8)
    axes.set(xlabel="position, Mb", yticks=[0, 0.7, 1, 1.7], ylim=(-0.1, 2.0))
    axes.set_yticklabels(["as true", "turned"] * 2)
    axes.set_title("A parent's phase against the truth")


def work(args: argparse.Namespace) -> None:
    what = correct(args)
    with drawing():
        figure, grid = panels(1, 2, shares_y=False)
        embryo = what.case.embryos[0]
        draw_track(grid[0, 0], what, args.case / f"{embryo}.template.tsv")
        draw_mending(grid[0, 1], what, 0)
        save(figure, args.output)


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parents", type=Path, required=True, help="make_parents.py's")
    parser.add_argument("--case", type=Path, required=True, help="make_case.py's")
    parser.add_argument(
        "--learnt", type=Path, required=True, help="folder of the JSONs"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, required=True, help=".svg")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
