"""From reads grouped by name to one CRAM: the header, and fixmate | sort | markdup.

The header is written here, not taken from the tools, so that it is the same whatever
the number of threads and holds no path of the user's machine: the contigs of the
reference dictionary, one read group a unit, one program line a tool.
"""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from morula.atomic import written_whole
from morula.errors import InputError
from morula.processes import Job, Pipeline
from morula.reference import contigs_of

logger = logging.getLogger("alignment")

COPY_BYTES = 1 << 20


@dataclass(frozen=True)
class ReadGroup:
    """Read group of one unit; SM is the sample's name in the sheet."""

    sample: str
    unit: str

    def fields(self) -> tuple[str, ...]:
        """TAG:value of the @RG line. The sheet knows no libraries: one a sample."""
        name = f"{self.sample}.{self.unit}"
        return (
            f"ID:{name}",
            f"SM:{self.sample}",
            "PL:ILLUMINA",
            f"LB:{self.sample}",
            f"PU:{name}",
        )

    def line(self, separator: str = "\t") -> str:
        """The @RG line; aligners want the two characters `\\t` between fields."""
        return separator.join(("@RG", *self.fields()))


@dataclass(frozen=True)
class Outputs:
    """Where the results of one sample go."""

    cram: Path
    markdup_stats: Path


def program_line(name: str, version: str, command: str) -> str:
    """A @PG line whose command holds neither paths nor numbers of threads."""
    return f"@PG\tID:{name}\tPN:{name}\tVN:{version}\tCL:{command}"


def tool_version(name: str) -> str:
    """Version of samtools or fastp, from the first line that `--version` prints."""
    done = subprocess.run([name, "--version"], capture_output=True, check=False)
    # Some builds name their developers in Latin-1 further down.
    words = (done.stdout + done.stderr).split(b"\n")[0].decode().split()
    return words[1] if len(words) > 1 else "unknown"


def header_text(
    sq_lines: Sequence[str], groups: Sequence[ReadGroup], programs: Sequence[str]
) -> bytes:
    """SAM header of reads grouped by name."""
    lines = ["@HD\tVN:1.6\tSO:unsorted\tGO:query", *sq_lines]
    lines += [group.line() for group in groups]
    lines += programs
    lines.append(
        program_line(
            "samtools",
            tool_version("samtools"),
            "samtools fixmate -m | samtools sort | samtools markdup -c",
        )
    )
    return "".join(line + "\n" for line in lines).encode()


def split_header(stream: IO[bytes]) -> tuple[list[str], bytes]:
    """Header lines of a SAM stream, and its first record (empty when there is none)."""
    header = []
    while (line := stream.readline()).startswith(b"@"):
        header.append(line.decode().rstrip("\n"))
    return header, line


@contextmanager
def work_folder(cram: Path) -> Iterator[Path]:
    """A folder beside the CRAM for sort's spill and unfinished files; removed in the
    end. Its name is fixed, so that what a killed run left is removed by the next."""
    folder = cram.parent / f".work-{cram.stem}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class CramWriter:
    """samtools fixmate | sort | markdup, fed with SAM text grouped by name."""

    def __init__(
        self,
        pipeline: Pipeline,
        folder: Path,
        threads: int,
        sort_memory_mb: int,
    ) -> None:
        self._pipeline = pipeline
        self._cram = folder / "out.cram"
        self._stats = folder / "markdup.txt"
        # Between the tools the reads travel uncompressed (-u): compressing them only
        # to decompress them in the next tool would be a tenth of the work.
        fixmate = ["samtools", "fixmate", "-m", "-u", "--no-PG", "--verbosity", "2"]
        sort = ["samtools", "sort", "-u", "--no-PG", "-@", str(threads)]
        sort += ["-m", f"{max(1, sort_memory_mb // threads)}M"]
        sort += ["-T", str(folder / "sort"), "-"]
        markdup = ["samtools", "markdup", "-c", "-s", "-f", str(self._stats)]
        markdup += ["--no-PG", "-@", str(threads), "-T", str(folder / "markdup")]
        # The reference is found by the UR tag of the header, a relative path: with
        # --reference, samtools would put the absolute path into the CRAM.
        markdup += ["-O", "cram", "-", str(self._cram)]
        about = f"while writing {self._cram.parent.name.removeprefix('.work-')}.cram"
        first = pipeline.start([*fixmate, "-", "-"], about=about, stdin=subprocess.PIPE)
        second = pipeline.start(sort, about=about, stdin=output_of(first))
        last = pipeline.start(
            markdup,
            about=about,
            stdin=output_of(second),
            stdout=subprocess.DEVNULL,
        )
        hand_over(first)
        hand_over(second)
        self._jobs: tuple[Job, ...] = (first, second, last)
        assert first.process.stdin is not None
        self._sink = first.process.stdin

    def write(self, data: bytes) -> None:
        """Pass on SAM text; raises ToolError when a program of the chain failed."""
        try:
            self._sink.write(data)
        except BrokenPipeError:
            self._pipeline.explain(grace_s=10)
            raise

    def close(self) -> None:
        """End of the reads: wait until the CRAM is written, then index it."""
        try:
            self._sink.close()
        except BrokenPipeError:
            self._pipeline.explain(grace_s=10)
            raise
        self._pipeline.wait(self._jobs)
        index = self._pipeline.start(
            ["samtools", "index", str(self._cram)], about="while indexing the CRAM"
        )
        self._pipeline.wait([index])

    def flagstat(self) -> dict[str, int]:
        """Numbers of `samtools flagstat`, passed and failed reads together. Only the
        flags are decoded, which takes a thousandth of the alignment's time."""
        option = "required_fields=0x2"
        job = self._pipeline.start(
            ["samtools", "flagstat", "-O", "json", "--input-fmt-option", option]
            + [str(self._cram)],
            about="while counting the CRAM's reads",
        )
        counts = json.load(output_of(job))
        self._pipeline.wait([job])
        passed, failed = counts["QC-passed reads"], counts["QC-failed reads"]
        return {
            key: value + failed[key]
            for key, value in passed.items()
            if isinstance(value, int)
        }

    def publish(self, outputs: Outputs) -> None:
        """Move the finished files to their places, the CRAM last."""
        with written_whole(outputs.markdup_stats) as partial:
            partial.write_text(without_command(self._stats.read_text()))
        index = self._cram.with_suffix(".cram.crai")
        index.replace(outputs.cram.with_suffix(".cram.crai"))
        self._cram.replace(outputs.cram)


def output_of(job: Job) -> IO[bytes]:
    """The pipe that `job` writes to."""
    assert job.process.stdout is not None
    return job.process.stdout


def hand_over(job: Job) -> None:
    """Close our copy of a pipe that another program reads, so that the writer is told
    when that reader dies."""
    output_of(job).close()


def without_command(stats: str) -> str:
    """markdup's report with a command line that is the same on every machine."""
    lines = stats.split("\n")
    lines = [
        "COMMAND: samtools markdup -c -s" if line.startswith("COMMAND:") else line
        for line in lines
    ]
    return "\n".join(lines)


def copy_records(source: IO[bytes], first: bytes, writer: CramWriter) -> Iterator[int]:
    """Pass the records of a SAM stream to `writer`; yields the bytes copied so far
    after each block, so that the caller can look after its other programs."""
    copied = len(first)
    writer.write(first)
    while block := source.read(COPY_BYTES):
        writer.write(block)
        copied += len(block)
        yield copied


def check_contigs(header: Sequence[str], sq_lines: Sequence[str], what: str) -> None:
    """Raise InputError when an aligner's contigs are not those of the reference: its
    index was made from another FASTA."""
    found = contigs_of([line for line in header if line.startswith("@SQ\t")])
    expected = contigs_of(sq_lines)
    if list(found.items()) != list(expected.items()):
        odd = sorted(set(found.items()) ^ set(expected.items()))
        raise InputError(
            f"{what}: its contigs are not those of the reference FASTA"
            f" (they differ in {odd[0][0] if odd else 'their order'}); the index was"
            " made from another FASTA: remove it, or move the FASTA away from it"
        )
