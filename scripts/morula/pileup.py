"""bcftools mpileup, watched: it ends with status 0 even if it could not read a read."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from morula.processes import Job, Pipeline, ToolError

# How htslib begins its error messages.
ERROR_MARK = b"[E::"


@dataclass(frozen=True)
class Pileup:
    """A started pileup; words holds what it says."""

    job: Job
    words: Path

    def output(self) -> IO[bytes]:
        """The pipe that the pileup is written to."""
        assert self.job.process.stdout is not None
        return self.job.process.stdout

    def finish(self, pipeline: Pipeline) -> None:
        """Wait for the end; raises ToolError if the pileup failed, or left out reads.

        mpileup takes damaged alignments, and a CRAM whose reference is missing, for
        the end of the file: depth 0 from there on.
        """
        self.job.process.wait()
        with self.words.open("rb") as source:
            shutil.copyfileobj(source, sys.stderr.buffer)
        sys.stderr.flush()
        pipeline.wait([self.job])
        if ERROR_MARK in self.words.read_bytes():
            raise unreadable(self.job.name, f"{self.job.about} (its message is above)")


def unreadable(name: str, about: str) -> ToolError:
    """What to raise when `name` could not read a part of the alignments."""
    return ToolError(
        f"{name} could not read all alignments {about}: a file is damaged, or is not of"
        " this reference; remove it under results/align, so that it is made again"
    )


def start(
    pipeline: Pipeline, options: Sequence[str], about: str, folder: Path
) -> Pileup:
    """Start `bcftools mpileup` with `options`; BCF on its stdout."""
    words = folder / "pileup.log"
    command = ["bcftools", "mpileup", "--no-version", "-Ou", *options]
    with words.open("wb") as sink:
        return Pileup(pipeline.start(command, about=about, stderr=sink), words)
