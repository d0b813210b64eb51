"""The reference FASTA under results/: its dictionary (samtools dict), and links."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path


def link(source: Path, target: Path) -> None:
    """Make `target` a relative link to `source`, replacing what is there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    target.symlink_to(os.path.relpath(source.resolve(), target.parent.resolve()))


def read_dictionary(path: str | Path) -> list[str]:
    """The @SQ lines of a reference dictionary, in the FASTA's order."""
    with Path(path).open() as handle:
        return [line.rstrip("\n") for line in handle if line.startswith("@SQ\t")]


def sq_tags(sq_lines: Sequence[str]) -> dict[str, dict[str, str]]:
    """Tags (SN, LN, M5, ...) of @SQ lines by contig name, in their order."""
    rows = (
        dict(field.split(":", 1) for field in line.split("\t")[1:]) for line in sq_lines
    )
    return {row["SN"]: row for row in rows}


def contigs_of(sq_lines: Sequence[str]) -> dict[str, int]:
    """Name -> length in bp of @SQ lines, in their order."""
    return {name: int(tags["LN"]) for name, tags in sq_tags(sq_lines).items()}


def with_uri(sq_lines: Sequence[str], genome: Path) -> list[str]:
    """@SQ lines whose UR tag, by which htslib finds the reference, is `genome`."""
    lines = []
    for line in sq_lines:
        fields = [field for field in line.split("\t") if not field.startswith("UR:")]
        lines.append("\t".join((*fields, f"UR:{genome}")))
    return lines
