"""Contigs of a reference: lengths, builds, and names with or without `chr`."""

from __future__ import annotations

import gzip
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import BinaryIO, cast

from morula.errors import InputError

# bp of chromosomes 1 to 22. Source: the Genome Reference Consortium's assemblies
# GCA_000001405.1 (GRCh37) and GCA_000001405.15 (GRCh38).
AUTOSOME_LENGTHS = {
    "GRCh37": (
        *(249250621, 243199373, 198022430, 191154276, 180915260, 171115067),
        *(159138663, 146364022, 141213431, 135534747, 135006516, 133851895),
        *(115169878, 107349540, 102531392, 90354753, 81195210, 78077248),
        *(59128983, 63025520, 48129895, 51304566),
    ),
    "GRCh38": (
        *(248956422, 242193529, 198295559, 190214555, 181538259, 170805979),
        *(159345973, 145138636, 138394717, 133797422, 135086622, 133275309),
        *(114364328, 107043718, 101991189, 90338345, 83257441, 80373285),
        *(58617616, 64444167, 46709983, 50818468),
    ),
}
CHUNK_BYTES = 1 << 24
NAMES_SHOWN = 12


def build_of(chrom: str, length_bp: int) -> str | None:
    """The build in which autosome `chrom` has this length; None when in neither, as of
    a simulated contig or a part of one."""
    number = chrom.removeprefix("chr")
    if not number.isdecimal() or not 1 <= int(number) <= 22:
        return None
    for build, lengths in AUTOSOME_LENGTHS.items():
        if lengths[int(number) - 1] == length_bp:
            return build
    return None


def absent(chrom: str, found: Collection[str], fix: str) -> str:
    """Message: `chrom` is not among the names `found`; `fix` says what to do."""
    other = chrom.removeprefix("chr") if chrom.startswith("chr") else f"chr{chrom}"
    if other in found:
        return (
            f"no {chrom!r}, which reference.chromosomes names, but {other!r}: the names"
            f" differ by 'chr'; {fix}"
        )
    shown = ", ".join(list(found)[:NAMES_SHOWN]) or "none"
    more = ", ..." if len(found) > NAMES_SHOWN else ""
    return (
        f"no {chrom!r}, which reference.chromosomes names; found {shown}{more}; {fix}"
    )


def read_fai(path: Path) -> dict[str, int]:
    """Length in bp of each contig of a .fai index.

    Raises InputError for a line that is none of an index.
    """
    lengths = {}
    for line, text in enumerate(path.read_text().splitlines(), start=1):
        cells = text.split("\t")
        if len(cells) < 5 or not cells[1].isdecimal():
            raise InputError(
                f"{path}, line {line}: not a line of a FASTA index; delete the file or"
                " make it anew (samtools faidx)"
            )
        lengths[cells[0]] = int(cells[1])
    return lengths


def scan_fasta(path: Path) -> dict[str, int]:
    """Length in bp of each contig, from the sequence itself; plain or gzipped.

    Raises InputError when the file is not FASTA, or is cut off.
    """
    lengths: dict[str, int] = {}
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    opened = gzip.open(path, "rb") if packed else path.open("rb")
    try:
        with opened as handle:
            _scan(cast(BinaryIO, handle), lengths)
    except (EOFError, OSError) as error:
        raise InputError(f"{path}: cannot be read to its end ({error})") from None
    if not lengths:
        raise InputError(
            f"{path}: not FASTA; expected '>' and a name in its first line"
        )
    return lengths


def _scan(handle: BinaryIO, lengths: dict[str, int]) -> None:
    """Add to `lengths`; adds nothing when the text does not begin with a '>'."""
    name, rest = "", b"\n"
    while True:
        chunk = handle.read(CHUNK_BYTES)
        block = rest + chunk
        # Whole lines only: a header must not be cut in two.
        end = block.rfind(b"\n") if chunk else len(block)
        block, rest = block[:end], block[end:]
        sequence, *records = block.split(b"\n>")
        if name:
            lengths[name] += _bases(sequence)
        elif sequence.strip():
            return
        for record in records:
            header, _, sequence = record.partition(b"\n")
            name = (header.split() or [b"?"])[0].decode("utf-8", "replace")
            lengths[name] = _bases(sequence)
        if not chunk:
            return


def _bases(lines: bytes) -> int:
    return len(lines) - lines.count(b"\n") - lines.count(b"\r")


def is_newer(path: Path, than: Path) -> bool:
    """Whether `path` is there and not older than the file `than`."""
    return path.is_file() and path.stat().st_mtime >= than.stat().st_mtime


def check_lengths(
    path: str | Path,
    found: Mapping[str, int | None],
    expected: Mapping[str, int],
    chromosomes: Collection[str],
) -> None:
    """Raise InputError when a chromosome's length in `found` (None: not given) is not
    the reference's, where `expected` has it."""
    for chrom in chromosomes:
        length = found.get(chrom)
        if length and chrom in expected and length != expected[chrom]:
            build = build_of(chrom, length)
            raise InputError(
                f"{path}: {chrom} has {length} bp{f', as in {build}' if build else ''};"
                f" in reference.fasta it has {expected[chrom]}: the file is of another"
                " reference or build"
            )
