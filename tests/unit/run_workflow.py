"""Snakemake on this checkout's workflow, as the tests run it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PYTHON = str(Path(sys.executable).absolute())
# The commands of this Python's environment first, as the Makefile does it.
SEARCH = f"{Path(PYTHON).parent}{os.pathsep}{os.environ['PATH']}"
ENVIRONMENT = os.environ | {"PATH": SEARCH}


def command(folder: Path, *flags: str, cores: int = 2) -> list[str]:
    """The command line for the project in `folder`."""
    found = [PYTHON, "-m", "snakemake", "--cores", str(cores), *flags]
    found += ["--snakefile", str(REPOSITORY / "Snakefile")]
    return [*found, "--directory", str(folder)]


def call(folder: Path, *flags: str, cores: int = 2) -> subprocess.CompletedProcess[str]:
    """Run it from a folder that is another one; see `returncode`."""
    return subprocess.run(
        command(folder, *flags, cores=cores),
        cwd=folder.parent,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )


def make(folder: Path, *flags: str) -> str:
    """Run it with the folder's config.yaml; what it says, or a failure with that."""
    done = call(folder, *flags, "--configfile", str(folder / "config.yaml"))
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-8000:]
    return done.stdout + done.stderr
