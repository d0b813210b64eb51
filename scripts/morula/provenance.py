"""Which programs made a VCF: the header lines that tell a name and a version."""

from __future__ import annotations

import re
from pathlib import Path

import cyvcf2

# Command lines are left out: they hold paths and dates.
PROGRAM_LINE = re.compile(r"##source=|##\w+Version=")


def program_lines(path: str | Path) -> list[str]:
    """The `##source` and `##...Version` lines of a VCF or BCF, in the file's order."""
    reader = cyvcf2.VCF(str(path))
    lines = str(reader.raw_header).splitlines()
    reader.close()
    return [line for line in lines if PROGRAM_LINE.match(line)]
