"""Where centromeres are: resources/centromeres.tsv, by build and chromosome."""

from __future__ import annotations

from pathlib import Path

from morula import tables
from morula.errors import InputError


def read_centromere(path: str | Path, build: str, chrom: str) -> int:
    """Position in bp of the centromere of `chrom`, whose name may begin with `chr`.

    Raises InputError when the table has no such chromosome of the build.
    """
    name = chrom.removeprefix("chr")
    for row in tables.read_tsv(path):
        if (row["build"], row["chrom"]) == (build, name):
            return int(row["pos_bp"])
    raise InputError(
        f"{path}: no centromere of {chrom} in build {build}; expected a line of it"
    )
