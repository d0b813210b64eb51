"""Versions of the programs that made a family's files, as the files' headers tell.

Headers are asked, not the programs: what is on the PATH when the page is written need
not be what made the files. Only names and versions are taken: the command lines and
dates that headers also hold would put paths and times into the page. The Python parts
are those of the environment that all scripts run in.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

import pysam

from morula.errors import InputError

PYTHON_PARTS = (
    *("cyvcf2", "numba", "numpy", "polars", "pysam", "scikit-allel", "scipy"),
    "whatshap",
)
# VCF header lines that tell a program and its version.
VCF_HEADER_PATTERNS = (
    re.compile(r"^##(?P<name>bcftools|samtools)_\w+?Version=(?P<version>[\w.-]+)"),
    re.compile(
        r"^##source=\"?(?P<name>beagle|shapeit|Minimac)\w*?\.?v?(?P<version>\d[\w.-]*?)(?:\.jar)?\"?$"
    ),
)


def of_alignment(path: Path) -> set[tuple[str, str]]:
    """Programs of a BAM or CRAM header."""
    with pysam.AlignmentFile(str(path), check_sq=False) as handle:
        programs = handle.header.to_dict().get("PG", [])
    return {
        (program.get("PN", program["ID"]), program["VN"])
        for program in programs
        if "VN" in program
    }


def of_variants(path: Path) -> set[tuple[str, str]]:
    """Programs of a VCF or BCF header."""
    with pysam.VariantFile(str(path)) as handle:
        lines = str(handle.header).splitlines()
    return {
        (match["name"], match["version"].split("+")[0])
        for line in lines
        for pattern in VCF_HEADER_PATTERNS
        if (match := pattern.match(line))
    }


READERS = {
    ".cram": of_alignment,
    ".bam": of_alignment,
    ".bcf": of_variants,
    ".gz": of_variants,
}


def versions(paths: Iterable[str]) -> list[tuple[str, str]]:
    """Name and version of every program of the files, sorted by name.

    Raises InputError for a file that cannot be read or is of no known kind.
    """
    found: set[tuple[str, str]] = set()
    for path in map(Path, paths):
        reader = READERS.get(path.suffix)
        if reader is None:
            raise InputError(f"{path}: expected one of {', '.join(READERS)}")
        try:
            found |= reader(path)
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: cannot be read: {error}") from None
    by_name: dict[str, list[str]] = {}
    for name, version in sorted(found):
        by_name.setdefault(name, []).append(version)
    return [
        (name, ", ".join(by_name[name])) for name in sorted(by_name, key=str.casefold)
    ]


def python_versions() -> list[tuple[str, str]]:
    """Versions of Python and of the parts that the results depend on, as far as they
    are there."""
    found = [("Python", platform.python_version())]
    for name in PYTHON_PARTS:
        try:
            found.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            continue
    return found
