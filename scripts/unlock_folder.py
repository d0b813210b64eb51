"""Take away the lock that a killed Snakemake left behind in a working directory.

Snakemake removes its lock when it ends, also when it is told to stop, but not when it
is killed outright (out of memory, power cut). The lock is stale when no process of
Snakemake works in the folder. Only for folders that no other machine works in.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from morula.cli import run
from morula.errors import InputError


def working_processes(folder: Path, processes: Path = Path("/proc")) -> list[int]:
    """Ids of the Snakemake processes whose working directory is `folder`."""
    found = []
    for entry in processes.glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            place = (entry / "cwd").resolve(strict=True)
        except OSError:  # ended meanwhile, or another user's
            continue
        is_snakemake = any(Path(word.decode()).name == "snakemake" for word in words)
        if is_snakemake and place == folder:
            found.append(int(entry.name))
    return sorted(found)


def unlock(folder: Path) -> None:
    """Remove a stale lock. Raises InputError when a run works in the folder."""
    locks = sorted((folder / ".snakemake/locks").glob("*"))
    if not locks:
        return
    working = working_processes(folder.resolve())
    if working:
        raise InputError(
            f"{folder}: another run works here (process {working[0]}); wait for it, or"
            " stop it"
        )
    for lock in locks:
        lock.unlink()
    print(f"{folder}: an earlier run was killed; this one goes on where it was")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    args = parser.parse_args(argv)
    if not Path("/proc/self/cwd").exists():
        return 0  # no way to tell: Snakemake's own message says what to do
    return run(lambda: unlock(args.folder))


if __name__ == "__main__":
    sys.exit(main())
