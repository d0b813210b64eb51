"""Checks of FASTQ files that the aligners and fastp do not make.

fastp 0.23 ends with status 0 on a truncated gzip file, on files of unequal length (it
drops the rest) and on a broken record (it stops or skips): each would lose reads in
silence. So the files are counted here, beside the alignment, and fastp's own count has
to agree.
"""

from __future__ import annotations

import gzip
import itertools
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from morula.errors import InputError

GZIP_MAGIC = b"\x1f\x8b"
BLOCK_BYTES = 1 << 18
NAMES_COMPARED = 1000


def open_fastq(path: str | Path) -> BinaryIO:
    """Open for reading bytes, decompressing gzip and bgzip.

    Raises InputError when the file is missing, is a folder, or is gzipped without its
    name saying so (fastp goes by the name), or the other way round.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file; check fq1 and fq2 in the units sheet")
    with path.open("rb") as handle:
        is_gzip = handle.read(2) == GZIP_MAGIC
    if is_gzip != (path.suffix == ".gz"):
        found = "gzipped" if is_gzip else "not gzipped"
        raise InputError(
            f"{path}: the content is {found} and the name says otherwise; expected"
            " .gz at the end of gzipped files and of no others; rename the file"
        )
    return gzip.open(path, "rb") if is_gzip else path.open("rb")  # type: ignore[return-value]


def read_names(path: str | Path, limit: int | None) -> Iterator[str]:
    """Names of the first `limit` reads (None: all), without mate number and comment.

    Raises InputError for a file that is not FASTQ.
    """
    with open_fastq(path) as handle:
        for number in itertools.count() if limit is None else range(limit):
            lines = [handle.readline() for _ in range(4)]
            if not lines[0]:
                return
            if not lines[3]:
                raise InputError(
                    f"{path}, line {4 * number + 1}: the last record is cut off; copy"
                    " the file again"
                )
            if lines[0][:1] != b"@" or lines[2][:1] != b"+":
                raise InputError(
                    f"{path}, line {4 * number + 1}: not a FASTQ record; expected four"
                    " lines: @name, bases, +, qualities"
                )
            words = lines[0][1:].split()
            name = words[0].decode(errors="replace") if words else ""
            yield name[:-2] if name.endswith(("/1", "/2")) else name


def check_pair(
    fq1: str | Path, fq2: str | Path, limit: int | None = NAMES_COMPARED
) -> None:
    """Compare the first `limit` names of the two files of a pair (None: all names).

    Raises InputError when a file is empty or damaged at its start, or the names differ
    (files of two samples, or sorted in two ways).
    """
    number = 0
    try:
        pairs = itertools.zip_longest(read_names(fq1, limit), read_names(fq2, limit))
        for number, (name1, name2) in enumerate(pairs, start=1):
            if name1 is None or name2 is None:
                short = fq1 if name1 is None else fq2
                raise InputError(
                    f"{short}: ends after {number - 1} reads, its partner does not"
                    f" ({fq1}, {fq2}); expected pairs in the same order"
                )
            if name1 != name2:
                raise InputError(
                    f"{fq1} and {fq2}: read {number} is {name1!r} in the first and"
                    f" {name2!r} in the second; expected pairs in the same order"
                )
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{fq1} or {fq2}: damaged or truncated ({error})") from None
    if number == 0:
        raise InputError(f"{fq1} and {fq2}: no reads; expected FASTQ records")


def count_reads(path: str | Path, stop: threading.Event | None = None) -> int:
    """Number of records, by reading all of the file.

    Gives up with 0 once `stop` is set. Raises InputError when the gzip stream is
    truncated or damaged, or when the lines do not make whole records.
    """
    lines, last = 0, b"\n"
    try:
        with open_fastq(path) as handle:
            while block := handle.read(BLOCK_BYTES):
                if stop is not None and stop.is_set():
                    return 0
                lines += block.count(b"\n")
                last = block[-1:]
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(
            f"{path}: damaged or truncated after line {lines} ({error}); copy it again"
        ) from None
    lines += last != b"\n"
    if lines % 4:
        raise InputError(
            f"{path}: {lines} lines; expected a multiple of four: the last record is"
            " cut off; copy the file again"
        )
    return lines // 4


class PairCount:
    """Counts both files of a pair in threads of their own while the reads are aligned.

    zlib releases the interpreter's lock, so that this takes about one hundredth of the
    aligner's time; a broken file is known long before the aligner gets there.
    """

    def __init__(self, fq1: str | Path, fq2: str | Path) -> None:
        self._paths = (fq1, fq2)
        self._stop = threading.Event()
        self._counts = [0, 0]
        self._errors: list[InputError] = []
        self._threads = [
            threading.Thread(target=self._count, args=(index,), daemon=True)
            for index in range(2)
        ]
        for thread in self._threads:
            thread.start()

    def _count(self, index: int) -> None:
        try:
            self._counts[index] = count_reads(self._paths[index], self._stop)
        except InputError as error:
            self._errors.append(error)

    def check(self) -> None:
        """Raise the InputError that a thread met so far, if any."""
        if self._errors:
            raise self._errors[0]

    def stop(self) -> None:
        """End the threads early."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def pairs(self) -> int:
        """Number of pairs, when both files are read; InputError if they differ."""
        for thread in self._threads:
            thread.join()
        self.check()
        first, second = self._counts
        if first != second:
            raise InputError(
                f"{self._paths[0]} has {first} reads, {self._paths[1]} has {second};"
                " expected pairs: the shorter one is cut off, or they do not belong"
                " together"
            )
        return first
