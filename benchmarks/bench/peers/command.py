"""What the command lines of all methods have in common."""

from __future__ import annotations

import argparse
import logging
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.case import Case, Result, load_case, save
from morula.cli import run
from morula.errors import InputError

logger = logging.getLogger("bench")
# What a method makes of a case, with a scratch folder that is removed afterwards.
Infer = Callable[[Case, Path], Result]


def parser(description: str | None, several: bool = False) -> argparse.ArgumentParser:
    """A parser with the flags of every method; several: it takes a list of cases."""
    made = argparse.ArgumentParser(description=description)
    many = {"nargs": "+"} if several else {}
    made.add_argument("--case", required=True, help=".npz, see bench/case.py", **many)
    made.add_argument("--output", required=True, type=Path, help=".npz", **many)
    return made


def run_case(path: str, output: Path, infer: Infer) -> None:
    """Read a case, let the method infer, write the result."""
    case = load_case(path)
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent) as folder:
        result = infer(case, Path(folder))
    save(output, result)
    n_embryos, n_sites, _ = result.gp.shape
    logger.info(
        "%s: %d embryos, %d sites, %.1f %% called",
        result.method,
        n_embryos,
        n_sites,
        100 * result.called.mean(),
    )


def run_method(cases: Sequence[str], outputs: Sequence[Path], infer: Infer) -> int:
    """Run a method on cases, one after the other; returns the exit status."""

    def work() -> None:
        if len(cases) != len(outputs):
            raise InputError(
                f"{len(cases)} cases and {len(outputs)} outputs; expected an output for"
                " each case"
            )
        for path, output in zip(cases, outputs, strict=True):
            run_case(path, output, infer)

    return run(work)
