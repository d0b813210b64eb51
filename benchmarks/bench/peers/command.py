"""What the command lines of all methods have in common."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable
from pathlib import Path

from bench.case import Case, Result, load_case, save
from morula.cli import run

logger = logging.getLogger("bench")


def parser(description: str | None) -> argparse.ArgumentParser:
    """A parser with the flags of every method."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument("--case", required=True, help=".npz, see bench/case.py")
    made.add_argument("--output", required=True, type=Path, help="result, .npz")
    return made


def run_method(args: argparse.Namespace, infer: Callable[[Case], Result]) -> int:
    """Read the case, let the method infer, write the result; returns the status."""

    def work() -> None:
        case = load_case(args.case)
        args.output.parent.mkdir(parents=True, exist_ok=True)
        result = infer(case)
        save(args.output, result)
        n_embryos, n_sites, _ = result.gp.shape
        logger.info(
            "%s: %d embryos, %d sites, %.1f %% called",
            result.method,
            n_embryos,
            n_sites,
            100 * result.called.mean(),
        )

    return run(work)
