"""Checks of a user's BAM/CRAM against the reference before its reads are taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pysam

from morula.errors import InputError


def read_contigs(path: str | Path) -> dict[str, dict[str, str]]:
    """@SQ tags by contig name, in the header's order.

    Raises InputError when the file is missing, truncated, or neither BAM nor CRAM.
    """
    if not Path(path).is_file():
        raise InputError(f"{path}: no such file; check bam in the units sheet")
    try:
        with pysam.AlignmentFile(str(path), check_sq=False) as reader:
            header = reader.header.to_dict()
    except (ValueError, OSError) as error:
        raise InputError(
            f"{path}: not a BAM or CRAM file, or truncated or damaged ({error})"
        ) from None
    rows: Sequence[Mapping[str, object]] = header.get("SQ", [])
    return {
        str(row["SN"]): {tag: str(value) for tag, value in row.items()} for row in rows
    }


def check_contigs(
    path: str | Path,
    reference: Mapping[str, Mapping[str, str]],
    chromosomes: Sequence[str],
) -> list[str]:
    """Compare a file's contigs with the reference's @SQ tags (SN, LN, M5).

    Returns the contigs that the reference lacks: their reads are kept as unmapped.
    Raises InputError when a chromosome of the config is missing in the file, or when
    the length or the checksum of any shared contig differs (another build).
    """
    found = read_contigs(path)
    for chrom in chromosomes:
        if chrom not in found:
            names = ", ".join(list(found)[:30]) or "none"
            raise InputError(
                f"{path}: no contig {chrom!r}, which reference.chromosomes names; it"
                f" has {names}; expected reads aligned to reference.fasta"
            )
    for name in [name for name in found if name in reference]:
        for tag, word in (("LN", "length"), ("M5", "checksum")):
            mine, theirs = reference[name].get(tag), found[name].get(tag)
            if mine and theirs and mine.lower() != theirs.lower():
                raise InputError(
                    f"{path}: contig {name} has {word} {theirs}; reference.fasta has"
                    f" {mine}: the reads were aligned to another reference; give"
                    " their FASTQ files, or the right FASTA"
                )
    return [name for name in found if name not in reference]
