"""Records of a VCF/BCF as bytes, a few megabytes at a time, with what its header says.

bcftools reads the file, whatever its compression, and hands on uncompressed BCF: all of
it, or a region by the index. A whole BCF is read without it at an eighth of the cost.
"""

from __future__ import annotations

import re
import struct
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from isal import igzip, igzip_lib
from numpy.typing import NDArray

from morula.errors import InputError

CHUNK_BYTES = 4 << 20
MAGIC = b"BCF\2\2"
# bcftools numbers the fields in the header of every BCF that it writes.
FORMAT_LINE = re.compile(r"##FORMAT=<ID=([^,>]+),.*\bIDX=(\d+)>")
CONTIG_LINE = re.compile(r"##contig=<ID=([^,>]+),.*\bIDX=(\d+)>")
FIXED_COLUMNS = 9
# Of a field, or a chromosome, that the header lacks.
NO_KEY = -1
# Of a gzipped file that is cut off or damaged.
DAMAGED = (EOFError, igzip_lib.IsalError)


@dataclass
class BcfStream:
    """samples: names; keys, chromosomes: number of each FORMAT field and chromosome;
    source: the records."""

    samples: tuple[str, ...]
    keys: dict[str, int]
    chromosomes: dict[str, int]
    source: IO[bytes]

    def chunks(self) -> Iterator[bytes]:
        """The records, cut anywhere."""
        while part := self.source.read(CHUNK_BYTES):
            yield part


@contextmanager
def stored_records(path: str | Path) -> Iterator[BcfStream | None]:
    """All records of a BCF as they are stored; None of a file of any other kind.

    Raises InputError when it is cut off or damaged, OSError when it is not gzipped.
    """
    try:
        with igzip.open(path) as source:
            header = _header(source)
            yield None if header is None else BcfStream(*header, source)
    except DAMAGED as error:  # type: ignore[misc]  # stubs have an instance
        raise InputError(
            f"{path}: cut off or damaged ({error}); make the file again"
        ) from error


@contextmanager
def records_of(path: str | Path, chrom: str) -> Iterator[BcfStream]:
    """The records of a chromosome of a file with an index.

    Raises InputError, with the words of bcftools, when it cannot read the file.
    """
    command = ["bcftools", "view", "--no-version", "-Ou", "-r", chrom, str(path)]
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors) as process,
    ):
        assert process.stdout is not None
        try:
            header = _header(process.stdout)
            if header is not None:
                yield BcfStream(*header, process.stdout)
                process.stdout.read()
        except BaseException:
            process.kill()
            raise
        if process.wait() or header is None:
            errors.seek(0)
            words = errors.read().decode(errors="replace").strip()
            raise InputError(
                f"{path}: records of {chrom} cannot be read by bcftools: {words}"
            )


def letters_of(
    ref: NDArray[np.str_], alt: NDArray[np.str_]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """REF and ALT of L sites as ASCII after each other, and where each starts,
    (2 L + 1,): what the kernels look for."""
    words = np.column_stack([ref, alt]).ravel().tolist()
    starts = np.cumsum([0, *map(len, words)], dtype=np.int64)
    return np.frombuffer("".join(words).encode("ascii"), dtype=np.uint8), starts


def _header(
    source: IO[bytes],
) -> tuple[tuple[str, ...], dict[str, int], dict[str, int]] | None:
    """Samples, numbers of FORMAT fields and chromosomes; None where no BCF comes."""
    start = source.read(len(MAGIC) + 4)
    if start[: len(MAGIC)] != MAGIC:
        return None
    text = source.read(struct.unpack_from("<I", start, len(MAGIC))[0])
    lines = text.rstrip(b"\0").decode().splitlines()
    samples = lines[-1].split("\t")[FIXED_COLUMNS:]
    return tuple(samples), _numbers(FORMAT_LINE, lines), _numbers(CONTIG_LINE, lines)


def _numbers(line_kind: re.Pattern[str], lines: Sequence[str]) -> dict[str, int]:
    """Names in the header's lines of a kind, with their numbers."""
    return {
        found[1]: int(found[2]) for line in lines if (found := line_kind.match(line))
    }
