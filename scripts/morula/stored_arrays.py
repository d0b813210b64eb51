"""Arrays that a step leaves in an .npz file for later ones."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.npyio import NpzFile

from morula.atomic import written_whole
from morula.errors import InputError

# Of a file that is missing, no .npz, cut off, or lacks an array that is asked for.
UNREADABLE = (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile)


def write(path: str | Path, **arrays: Any) -> None:
    """Write the arrays by their names, compressed, whole or not at all."""
    # A handle: to a path without .npz numpy would add it.
    with written_whole(path) as partial, partial.open("wb") as handle:
        np.savez_compressed(handle, **arrays)


@contextmanager
def opened(path: str | Path) -> Iterator[NpzFile]:
    """The arrays by their names. Raises InputError when the file cannot be read, or the
    block asks for an array that it lacks."""
    try:
        with Path(path).open("rb") as handle:
            stored = np.load(handle)
            if not isinstance(stored, NpzFile):
                raise ValueError("a single array")
            with stored:
                yield stored
    except UNREADABLE as error:
        raise InputError(
            f"{path}: not what a step of this version of Morula stored"
            f" ({type(error).__name__}: {error}); remove the file and run again"
        ) from error
