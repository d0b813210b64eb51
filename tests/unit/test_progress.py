"""Lines that a person sees while the workflow runs (snakemake --logger morula)."""

from __future__ import annotations

import io
import logging
import re
from types import SimpleNamespace

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

import snakemake_logger_plugin_morula as progress


@pytest.fixture
def handler():
    made = progress.LogHandler(SimpleNamespace(stdout=True, dryrun=False), None)
    made.stream = io.StringIO()
    return made


def shown(handler):
    """Lines since the last call; the time of day is cut off."""
    lines = handler.stream.getvalue().splitlines()
    handler.stream = io.StringIO()
    return [re.sub(r"^\d\d:\d\d:\d\d  ", "", line) for line in lines]


def tell(handler, event=None, message="", **extra):
    record = logging.LogRecord("snakemake", logging.INFO, "", 0, message, None, None)
    record.__dict__.update(extra)
    if event:
        record.event = event
    handler.emit(record)


def start(handler, jobid, rule, output, **wildcards):
    tell(
        handler,
        LogEvent.JOB_INFO,
        jobid=jobid,
        rule_name=rule,
        output=[output],
        wildcards=wildcards,
    )


class TestLines:
    def test_one_line_a_finished_step(self, handler):
        start(handler, 1, "align_reads", "results/align/M1.cram", sample="M1")
        start(handler, 2, "align_reads", "results/align/E1.cram", sample="E1")
        tell(handler, LogEvent.JOB_FINISHED, job_id=2)
        tell(handler, LogEvent.PROGRESS, done=3, total=12)
        assert shown(handler) == [
            " 3 of 12 steps ( 25 %)  align      align_reads E1  0 s"
        ]
        assert list(handler.running) == [1]

    def test_the_last_step_says_that_all_is_done(self, handler):
        start(handler, 1, "all", "results/x")
        tell(handler, LogEvent.JOB_FINISHED, job_id=1)
        tell(handler, LogEvent.PROGRESS, done=1, total=1)
        assert shown(handler)[-1] == "done in 0 s"

    def test_a_failed_step_shows_the_end_of_its_log(self, handler, tmp_path):
        log = tmp_path / "call.log"
        log.write_text("".join(f"line {n}\n" for n in range(40)) + "error: bad cell\n")
        start(handler, 7, "call_variants", "results/call/F.bcf", family="F")
        tell(handler, LogEvent.JOB_ERROR, jobid=7, rule_name="call_variants", log=[log])
        lines = shown(handler)
        assert lines[0].startswith("FAILED  call       call_variants F")
        assert lines[-1] == "    error: bad cell"
        assert len(lines) == 2 + progress.LOG_TAIL_LINES
        tell(handler, LogEvent.ERROR, "At least one job", exception="WorkflowError")
        assert shown(handler) == ["stopped: 1 step failed: call_variants F"]

    def test_chatter_is_left_out_and_warnings_are_not(self, handler):
        for message in ("Select jobs to execute...", "Execute 2 jobs...", ""):
            tell(handler, message=message)
        tell(handler, message="Config file is old")
        assert shown(handler) == ["Config file is old"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")],
)
def test_duration(seconds, text):
    assert progress.duration(seconds) == text
