"""Joined programs: one fails, all stop, and the right one is named."""

from __future__ import annotations

import subprocess
import time

import pytest

from morula.processes import Pipeline, ToolError


def test_success_and_output() -> None:
    with Pipeline() as pipeline:
        job = pipeline.start(["echo", "hello"], about="on nothing")
        assert job.process.stdout is not None
        assert job.process.stdout.read() == b"hello\n"
        pipeline.wait([job])


def test_failed_program_is_named() -> None:
    with (
        pytest.raises(ToolError, match="false ended with status 1 on unit x"),
        Pipeline() as pipeline,
    ):
        pipeline.wait([pipeline.start(["false"], about="on unit x")])


def test_the_one_that_failed_is_named_not_the_one_it_stopped() -> None:
    with Pipeline() as pipeline:
        writer = pipeline.start(["yes"], about="on y")
        assert writer.process.stdout is not None
        reader = pipeline.start(
            ["sh", "-c", "read line; exit 3"],
            about="on z",
            stdin=writer.process.stdout,
            stdout=subprocess.DEVNULL,
        )
        writer.process.stdout.close()
        with pytest.raises(ToolError, match="sh ended with status 3 on z"):
            pipeline.wait([writer, reader])


def test_an_error_stops_all_programs() -> None:
    started = time.monotonic()
    jobs = []

    def fail_midway() -> None:
        with Pipeline() as pipeline:
            jobs.append(pipeline.start(["sleep", "60"], about="on nothing"))
            raise ValueError("midway")

    with pytest.raises(ValueError, match="midway"):
        fail_midway()
    assert jobs[0].process.returncode == -9
    assert time.monotonic() - started < 30


def test_missing_program() -> None:
    with (
        pytest.raises(ToolError, match="no-such-program: not on the PATH"),
        Pipeline() as pipeline,
    ):
        pipeline.start(["no-such-program"], about="on nothing")


def test_no_reference_is_fetched_from_a_server() -> None:
    with Pipeline() as pipeline:
        job = pipeline.start(["sh", "-c", "echo $REF_PATH"], about="on nothing")
        assert job.process.stdout is not None
        assert job.process.stdout.read() == b".\n"
