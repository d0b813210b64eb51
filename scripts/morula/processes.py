"""Programs joined by pipes: all of them succeed, or all are stopped."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import FrameType, TracebackType
from typing import IO

from morula.errors import InputError

logger = logging.getLogger("processes")


class ToolError(InputError):
    """A program ended with an error. It is shown as a user's mistake is, without a
    traceback: what stopped the program is above, in the program's own words."""


@dataclass(frozen=True)
class Job:
    """A started program, and what it worked on in the words of an error message."""

    name: str
    process: subprocess.Popen[bytes]
    about: str

    def failed(self) -> bool:
        return self.process.poll() not in (None, 0)


class Pipeline:
    """Context in which programs run; on leaving it by an error all are killed.

    Programs write their messages to this process's stderr, which is the rule's log.
    """

    def __init__(self) -> None:
        self._jobs: list[Job] = []

    def __enter__(self) -> Pipeline:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for job in self._jobs:
            if job.process.poll() is None:
                job.process.kill()
            job.process.wait()
            for stream in (job.process.stdin, job.process.stdout):
                close_quietly(stream)

    def start(
        self,
        command: Sequence[str],
        *,
        about: str,
        stdin: IO[bytes] | int = subprocess.DEVNULL,
        stdout: IO[bytes] | int = subprocess.PIPE,
        stderr: IO[bytes] | None = None,
        pass_fds: Sequence[int] = (),
        variables: Mapping[str, str] | None = None,
    ) -> Job:
        """Start `command`, with `variables` in its environment; raises ToolError when
        it is not installed.

        REF_PATH is set so that htslib never asks a server for a reference sequence.
        """
        name = " ".join(command[:2]) if command[0] in SUITES else command[0]
        try:
            process = subprocess.Popen(
                command,
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                pass_fds=pass_fds,
                bufsize=1 << 20,
                env={**os.environ, "REF_PATH": ".", **(variables or {})},
            )
        except FileNotFoundError:
            raise ToolError(
                f"{command[0]}: not on the PATH; install it, or run Snakemake with"
                " --sdm conda"
            ) from None
        job = Job(name, process, about)
        self._jobs.append(job)
        return job

    def wait(self, jobs: Iterable[Job]) -> None:
        """Wait for `jobs` to end; raise ToolError naming the one that failed."""
        for job in jobs:
            job.process.wait()
        self.check()

    def check(self) -> None:
        """Raise ToolError if a program has failed. One that was stopped since nobody
        read its output any more is named only if no other failed."""
        failed = [job for job in self._jobs if job.failed()]
        if not failed:
            return
        for job in failed:
            if job.process.returncode != -signal.SIGPIPE:
                break
        else:
            job = failed[0]
        raise ToolError(
            f"{job.name} ended with status {job.process.returncode} {job.about};"
            " its own message stands above"
        )

    def explain(self, grace_s: float) -> None:
        """Give the programs `grace_s` seconds to end after a broken pipe, then raise
        ToolError for the one that failed, if any did."""
        for job in self._jobs:
            try:
                job.process.wait(timeout=grace_s)
            except subprocess.TimeoutExpired:
                continue
        self.check()


# Programs whose first argument says which program it is.
SUITES = frozenset({"bwa", "bwa-mem2", "samtools", "bcftools"})


def close_quietly(stream: IO[bytes] | None) -> None:
    """Close our end of a pipe whose other end may be gone."""
    if stream is None:
        return
    try:
        stream.close()
    except BrokenPipeError:
        logger.debug("the reader of a pipe was gone when it was closed")


def stop_on_sigterm() -> None:
    """Let SIGTERM (the way schedulers stop a job) unwind the stack as Ctrl-C does, so
    that programs are stopped and partial files removed."""

    def unwind(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, unwind)
