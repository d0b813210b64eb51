"""What many scores at once cost beside plink2 and the PGS Catalog's tools, in one run.

Two tasks on a world of make_score_world.py. "sums": the sums of all scores of the
family's samples, by Morula (prepare_scores.py with an empty and with a filled cache,
then sum_scores.py), and by plink2 --score, which needs a combined table
(combine_scores.py) and its own genotype format first; the sums are compared. "match":
reading and matching of the first files, by Morula (the whole of prepare_scores.py) and
by pgscatalog-format and pgscatalog-match. Morula's preparation scores the panel, too,
which is not asked of the others. A/T and C/G are left out by all. Everybody may use
--threads threads; every step runs once, after Morula has compiled itself.

    python3 -m venv PEERS && PEERS/bin/pip install pgscatalog-utils==2.0.4
    python benchmarks/score_speed.py --world WORLD --peers PEERS/bin --directory WORK \\
        --output docs/benchmarks/scores/speed.tsv
"""

from __future__ import annotations

import argparse
import logging
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from bench.steps import ROOT
from make_score_world import CHROMOSOMES
from morula import tables
from morula.cli import run
from morula.errors import InputError
from time_methods import ONE_THREAD, Cost, measure

logger = logging.getLogger("score_speed")
COLUMNS = (
    "task tool step files samples wall_s cpu_s max_rss_mb wall_ratio cpu_ratio"
    " memory_ratio max_difference"
).split()
# What the ratios of a task are to.
FIRST = "Morula"
WARM_UP_FILES = 3
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Step:
    """A command: of which task and tool, what it does, on how many scoring files."""

    task: str
    tool: str
    step: str
    files: int
    words: Sequence[object]


def prepare(
    args: argparse.Namespace, files: Sequence[Path], cache: Path, name: str
) -> list[object]:
    """The command of prepare_scores.py, as the workflow has it."""
    panels = [args.world / f"panel/{chrom}.bcf" for chrom in CHROMOSOMES]
    words: list[object] = [sys.executable, ROOT / "scripts/prepare_scores.py"]
    words += ["--traits", *(f"t{number}" for number in range(len(files)))]
    words += ["--scoring-files", *files, "--build", "GRCh38", "--panels", *panels]
    words += ["--chromosomes", *CHROMOSOMES, "--ambiguous", "drop"]
    words += ["--panel-samples", args.world / "panel.tsv", "--cache", cache]
    words += ["--threads", args.threads, "--weights", args.directory / f"{name}.npz"]
    return [*words, "--panel-scores", args.directory / f"{name}.panel.npz"]


def write_target(args: argparse.Namespace) -> Path:
    """The family's sites as the peers take them: .pvar without FILTER, no `chr`."""
    path = args.directory / "target.pvar"
    text = subprocess.run(
        ["bcftools", "query", "-f", r"%CHROM\t%POS\t%ID\t%REF\t%ALT\n"]
        + [str(args.world / "family.bcf")],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    lines = [line.removeprefix("chr") for line in text.splitlines()]
    path.write_text("\n".join(["#CHROM\tPOS\tID\tREF\tALT", *lines]) + "\n")
    return path


def sums_steps(
    args: argparse.Namespace, files: Sequence[Path], target: Path
) -> list[Step]:
    """The steps of the first task."""
    work, family = args.directory, args.world / "family.bcf"
    cache = work / "cache"
    sums = [sys.executable, Path(__file__).with_name("sum_scores.py"), "--genomes"]
    sums += [family, "--weights", work / "sums.npz", "--output", work / "sums.tsv"]
    combine = [sys.executable, Path(__file__).with_name("combine_scores.py")]
    combine += ["--scores", *files, "--sites", target, "--table"]
    combine += [work / "combined.tsv", "--constants", work / "constants.tsv"]
    load = ["plink2", "--threads", args.threads, "--out", work / "family"]
    score = ["plink2", "--threads", args.threads, "--out", work / "family"]
    load += ["--bcf", family, "dosage=DS", "--make-pgen"]
    score += ["--pfile", work / "family", "--score", work / "combined.tsv", 1, 2]
    score += ["header-read", "no-mean-imputation", "cols=+scoresums"]
    score += ["--score-col-nums", f"3-{2 + len(files)}"]
    cold = prepare(args, files, cache, "sums")
    steps = [
        (FIRST, "prepare", cold),
        (FIRST, "sums", sums),
        (f"{FIRST}, files read before", "prepare", cold),
        (f"{FIRST}, files read before", "sums", sums),
        ("plink2", "combine the files", combine),
        ("plink2", "import the genotypes", load),
        ("plink2", "score", score),
    ]
    return [Step("sums", tool, name, len(files), words) for tool, name, words in steps]


def match_steps(
    args: argparse.Namespace, files: Sequence[Path], target: Path
) -> list[Step]:
    """The steps of the second task."""
    own = prepare(args, files, args.directory / "match.cache", "match")
    steps: list[tuple[str, str, list[object]]] = [(FIRST, "prepare", own)]
    if args.peers is not None:
        done, out = args.directory / "formatted", args.directory / "matched"
        for folder in (done, out):
            folder.mkdir(exist_ok=True)
        words: list[object] = [args.peers / "pgscatalog-format", "-s", *files]
        words += ["-t", "GRCh38", "-o", done, "-l", "log.json"]
        words += ["--threads", args.threads]
        steps.append(("pgscatalog-utils", "format", words))
        made = [
            done / f"normalised_{path.stem.removesuffix('.txt')}.txt.gz"
            for path in files
        ]
        words = [args.peers / "pgscatalog-match", "-d", "world", "-s", *made, "-t"]
        words += [target, "--outdir", out, "--combined", "--min_overlap", "0.5"]
        steps.append(("pgscatalog-utils", "match", words))
    return [Step("match", tool, name, len(files), words) for tool, name, words in steps]


def largest_difference(directory: Path) -> float:
    """Between Morula's sums and plink2's, the constants added, in units in which no sum
    of plink2's is above one: it prints six digits, so that only there they show 1e-6.

    Raises InputError when it is more than that.
    """
    own = pl.read_csv(directory / "sums.tsv", separator="\t").sort("sample")
    other = pl.read_csv(directory / "family.sscore", separator="\t").sort("#IID")
    constants = pl.read_csv(directory / "constants.tsv", separator="\t")
    worst = 0.0
    for name, constant in constants.iter_rows():
        found = other[f"{name}_SUM"].to_numpy()
        unit = 10.0 ** np.ceil(np.log10(max(float(np.abs(found).max()), 1.0)))
        gap = float(np.abs(found + constant - own[name].to_numpy()).max()) / unit
        worst = max(worst, gap)
        if gap > TOLERANCE:
            raise InputError(
                f"{name}: sums by Morula and by plink2 differ by {gap:.3g} (in units of"
                f" {unit:g}); expected less than {TOLERANCE}: they did not score the"
                " same"
            )
    return worst


def total(costs: Sequence[Cost]) -> Cost:
    """Of steps after each other."""
    return Cost(
        sum(cost.wall_s for cost in costs),
        sum(cost.cpu_s for cost in costs),
        max(cost.max_rss_mb for cost in costs),
    )


def table_rows(
    costs: Sequence[tuple[Step, Cost]], samples: int, difference: float
) -> list[dict[str, object]]:
    """A row a step, and one a tool with the ratios of its total to Morula's."""
    rows: list[dict[str, object]] = []
    empty: dict[str, object] = dict.fromkeys(COLUMNS)
    for step, cost in costs:
        rows.append(empty | row_of(step, step.step, cost) | {"samples": samples})
    first: dict[str, Cost] = {}
    for task, tool in dict.fromkeys((step.task, step.tool) for step, _ in costs):
        own = [pair for pair in costs if (pair[0].task, pair[0].tool) == (task, tool)]
        whole = total([cost for _, cost in own])
        base = first.setdefault(task, whole)
        row = empty | row_of(own[0][0], "all", whole) | {"samples": samples}
        row["wall_ratio"] = whole.wall_s / base.wall_s
        row["cpu_ratio"] = whole.cpu_s / base.cpu_s
        row["memory_ratio"] = whole.max_rss_mb / base.max_rss_mb
        if tool == "plink2":
            row["max_difference"] = difference
        rows.append(row)
    return rows


def row_of(step: Step, name: str, cost: Cost) -> dict[str, object]:
    """The columns of one cost."""
    return {
        "task": step.task,
        "tool": step.tool,
        "step": name,
        "files": step.files,
        "wall_s": cost.wall_s,
        "cpu_s": cost.cpu_s,
        "max_rss_mb": cost.max_rss_mb,
    }


def measured(
    steps: Sequence[Step], environment: Mapping[str, str]
) -> list[tuple[Step, Cost]]:
    """Every step run once, in order."""
    costs = []
    for step in steps:
        cost = measure([str(word) for word in step.words], environment)
        logger.info("%s, %s: %.1f s", step.tool, step.step, cost.wall_s)
        costs.append((step, cost))
    return costs


def work(args: argparse.Namespace) -> None:
    files = sorted((args.world / "scores").glob("*.txt.gz"))
    if len(files) < max(args.files, args.match_files):
        raise InputError(
            f"{args.world}: {len(files)} scoring files; expected"
            f" {max(args.files, args.match_files)}: make_score_world.py makes more"
        )
    shutil.rmtree(args.directory, ignore_errors=True)
    args.directory.mkdir(parents=True)
    environment = dict.fromkeys(ONE_THREAD, str(args.threads))
    target = write_target(args)
    few = files[:WARM_UP_FILES]
    measured(sums_steps(args, few, target), environment)
    shutil.rmtree(args.directory / "cache")
    costs = measured(sums_steps(args, files[: args.files], target), environment)
    difference = largest_difference(args.directory)
    samples = pl.read_csv(args.directory / "sums.tsv", separator="\t").height
    # Written after each task: the second takes long.
    for more in ([], match_steps(args, files[: args.match_files], target)):
        costs += measured(more, environment)
        tables.write_tsv(args.output, COLUMNS, table_rows(costs, samples, difference))


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--world", type=Path, required=True, help="of make_score_world.py")
    add("--files", type=int, default=500, help="of the first task")
    add("--match-files", type=int, default=100, help="of the second task")
    add("--peers", type=Path, help="folder of pgscatalog-format; without it: not run")
    add("--threads", type=int, default=2)
    add("--directory", type=Path, required=True, help="emptied; for what is made")
    add("--output", type=Path, required=True, help="TSV")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
