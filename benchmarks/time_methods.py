"""Time Morula and its peers on the same case, by turns, each as a process of its own.

Every command but the --cold ones runs once without being measured, so that compiled
code is cached, then --repeats times, all commands in each round in an order of its own.
A command is a string; `{folder}` in it is a scratch folder. Of every method: geometric
means of wall and CPU seconds, the largest resident memory of its processes, and the
first method's time over its own with a 95 % interval (t distribution of the logarithms
of the rounds' ratios). What all methods share, e.g. phasing, goes by --shared: timed,
not compared.

    python benchmarks/time_methods.py --repeats 5 --output times.tsv \\
        --method morula "python benchmarks/run_morula.py ... --output {folder}/m.npz" \\
        --method beagle "python benchmarks/run_beagle.py ... --output {folder}/b.npz"
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from bench import launch
from morula import tables
from morula.cli import run
from morula.errors import InputError
from morula.simulation.streams import stream

logger = logging.getLogger("time_methods")
COLUMNS = (
    "method",
    "kind",
    "repeats",
    "wall_s",
    "cpu_s",
    "max_rss_mb",
    "wall_ratio",
    "wall_ratio_low",
    "wall_ratio_high",
    "cpu_ratio",
    "cpu_ratio_low",
    "cpu_ratio_high",
)
# METHOD: one thread each: these libraries otherwise take as many as there are cores.
ONE_THREAD = dict.fromkeys(
    (
        "NUMBA_NUM_THREADS",
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "POLARS_MAX_THREADS",
    ),
    "1",
)


@dataclass(frozen=True)
class Cost:
    """What one run took: seconds of wall and of CPU time, and the resident memory of
    the largest of its processes, MB (2^20 bytes)."""

    wall_s: float
    cpu_s: float
    max_rss_mb: float


def measure(words: Sequence[str], environment: Mapping[str, str] = ONE_THREAD) -> Cost:
    """Run a command and wait for it and its children.

    Raises InputError, with the end of its messages, when it fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cost.json"
        done = subprocess.run(
            [sys.executable, "-S", launch.__file__, str(path), *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=os.environ | dict(environment),
            check=False,
        )
        if done.returncode:
            text = done.stdout.decode(errors="replace")
            raise InputError(
                f"{shlex.join(words)}: ended with status {done.returncode}:"
                f" {text[-2000:]}"
            )
        return Cost(**json.loads(path.read_text()))


def time_by_turns(
    commands: Mapping[str, str], repeats: int, seed: int, cold: Sequence[str] = ()
) -> dict[str, list[Cost]]:
    """Costs of every command, round by round, after a round that does not count; the
    ones in `cold` are not in that."""
    rng = stream(seed, "order of methods")
    names = list(commands)
    costs: dict[str, list[Cost]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        words = {
            name: shlex.split(text.replace("{folder}", folder))
            for name, text in commands.items()
        }
        for number in range(-1, repeats):
            for index in rng.permutation(len(names)).tolist():
                if number < 0 and names[index] in cold:
                    continue
                cost = measure(words[names[index]])
                logger.info("round %d, %s: %.2f s", number, names[index], cost.wall_s)
                if number >= 0:
                    costs[names[index]].append(cost)
    return costs


def ratio(
    first: NDArray[np.float64], other: NDArray[np.float64]
) -> tuple[float, float, float]:
    """Geometric mean of first / other over rounds, (n,) each, and its 95 % interval;
    NaN where there is a single round."""
    ln = np.log(first / other)
    n = len(ln)
    if n < 2:
        return float(np.exp(ln[0])), float("nan"), float("nan")
    half = float(stats.t.ppf(0.975, n - 1)) * float(ln.std(ddof=1)) / np.sqrt(n)
    mean = float(ln.mean())
    return float(np.exp(mean)), float(np.exp(mean - half)), float(np.exp(mean + half))


def row_of(
    name: str, kind: str, costs: Sequence[Cost], first: Sequence[Cost] | None
) -> dict[str, object]:
    """A row of the table; first: costs of the first method, None for no ratio."""
    row: dict[str, object] = {
        "method": name,
        "kind": kind,
        "repeats": len(costs),
        "max_rss_mb": max(cost.max_rss_mb for cost in costs),
    }
    for what in ("wall", "cpu"):
        own = np.array([getattr(cost, f"{what}_s") for cost in costs])
        row[f"{what}_s"] = float(np.exp(np.log(own).mean()))
        if first is not None:
            base = np.array([getattr(cost, f"{what}_s") for cost in first])
            ends = ("", "_low", "_high")
            for end, value in zip(ends, ratio(base, own), strict=True):
                row[f"{what}_ratio{end}"] = value
    return row


def work(args: argparse.Namespace) -> None:
    if not args.method:
        raise InputError(
            "no --method; expected one at least, with a name and a command"
        )
    methods, shared = dict(args.method), dict(args.shared)
    n_given = len(args.method) + len(args.shared)
    if len(methods | shared) != n_given:
        raise InputError("two commands have one name; expected a name for each")
    costs = time_by_turns(methods | shared, args.repeats, args.seed, args.cold)
    first = costs[next(iter(methods))]
    rows = [
        row_of(name, "method", costs[name], None if costs[name] is first else first)
        for name in methods
    ]
    rows += [row_of(name, "shared", costs[name], None) for name in shared]
    empty: dict[str, object] = dict.fromkeys(COLUMNS)
    tables.write_tsv(args.output, COLUMNS, [empty | row for row in rows])
    logger.info("%d commands, %d rounds", len(rows), args.repeats)


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for flag, text in (
        ("--method", "to compare; Morula first"),
        ("--shared", "a step of all methods"),
    ):
        parser.add_argument(
            flag,
            nargs=2,
            action="append",
            default=[],
            metavar=("NAME", "COMMAND"),
            help=text,
        )
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1, help="of the order in a round")
    parser.add_argument(
        "--cold", nargs="*", default=[], metavar="NAME", help="has nothing to cache"
    )
    parser.add_argument("--output", type=Path, required=True, help=".tsv")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
