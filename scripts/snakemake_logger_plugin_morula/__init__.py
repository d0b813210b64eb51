"""Progress that a person can follow: one line a finished step, in a terminal and a log.

A logger plugin of Snakemake (`snakemake --logger morula`), found by its module's name
because set-up puts this folder on the path of the checkout's Python. Snakemake's own
log, with every detail, is written to .snakemake/log as ever.
"""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import dataclass, field
from logging import LogRecord
from pathlib import Path
from typing import Any

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

QUIET_SECONDS = 60.0
LOG_TAIL_LINES = 15
# What Snakemake says of its own work; a person who waits for results needs none of it.
CHATTER = (
    "Assuming unrestricted shared filesystem",
    "Building DAG of jobs",
    "Complete log(s)",
    "Conda environments: ignored",
    "Elapsed time",
    "Execute ",
    "Exiting because a job execution failed",
    "Reasons:",
    "Select jobs to execute",
    "Shutting down, this might take some time",
    "Using shell",
    "Using workflow specific profile",
    "host: ",
)


@dataclass
class Step:
    """A job: its stage (folder of its outputs under results/), what, since when."""

    stage: str
    name: str
    started: float = field(default_factory=time.monotonic)

    @classmethod
    def of(cls, job: dict[str, Any]) -> Step:
        outputs = [Path(str(path)).parts for path in job["output"]]
        stages = [parts[1] for parts in outputs if len(parts) > 2]
        wildcards = [str(value) for value in (job["wildcards"] or {}).values()]
        name = " ".join([job["rule_name"], *wildcards])
        return cls(stage=stages[0] if stages else "", name=name)

    def __str__(self) -> str:
        return f"{self.stage:<10} {self.name}"

    def seconds(self) -> str:
        return duration(time.monotonic() - self.started)


def duration(seconds: float) -> str:
    """`8 s`, `3 min 20 s`, `2 h 5 min`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def tail(path: str) -> str:
    """The last lines of a step's log, indented."""
    try:
        lines = Path(path).read_text(errors="replace").splitlines()
    except OSError:
        return "    (no log was written)"
    if not lines:
        return "    (the log is empty)"
    return "\n".join(f"    {line}" for line in lines[-LOG_TAIL_LINES:])


class LogHandler(LogHandlerBase):
    """Turns Snakemake's events into lines on stderr."""

    def __post_init__(self) -> None:
        self.running: dict[int, Step] = {}
        self.finished: list[Step] = []
        self.failed: list[Step] = []
        self.total = 0
        self.began = time.monotonic()
        self.last_line = time.monotonic()
        self.stream = sys.stdout if self.common_settings.stdout else sys.stderr
        threading.Thread(target=self._heartbeat, daemon=True).start()

    @property
    def writes_to_stream(self) -> bool:
        return True

    @property
    def writes_to_file(self) -> bool:
        return False

    @property
    def has_filter(self) -> bool:
        return False

    @property
    def has_formatter(self) -> bool:
        return False

    @property
    def needs_rulegraph(self) -> bool:
        return False

    def emit(self, record: LogRecord) -> None:
        event = getattr(record, "event", None)
        name = f"_on_{event.value}" if isinstance(event, LogEvent) else "_on_message"
        getattr(self, name, self._on_message)(record)

    def _print(self, line: str) -> None:
        self.last_line = time.monotonic()
        print(f"{time.strftime('%H:%M:%S')}  {line}", file=self.stream, flush=True)

    def _heartbeat(self) -> None:
        """Say what runs when nothing has been said for a while."""
        while True:
            time.sleep(1.0)
            steps = list(self.running.values())
            if steps and time.monotonic() - self.last_line > QUIET_SECONDS:
                names = ", ".join(f"{step.name} ({step.seconds()})" for step in steps)
                self._print(f"still at work: {names}")

    def _on_message(self, record: LogRecord) -> None:
        text = self.format(record).strip()
        if text and text != "None" and not text.startswith(CHATTER):
            self._print(text)

    def _ignore(self, record: LogRecord) -> None:
        """Nothing that a person waits for."""

    _on_workflow_started = _on_resources_info = _on_shellcmd = _on_debug_dag = _ignore
    _on_rulegraph = _on_job_started = _on_group_info = _ignore

    def _on_run_info(self, record: LogRecord) -> None:
        stats = record.__dict__["stats"]
        self.total = stats.get("total", 0)
        self._print(f"{self.total} steps to do")

    def _on_job_info(self, record: LogRecord) -> None:
        step = Step.of(record.__dict__)
        self.running[record.__dict__["jobid"]] = step
        if self.common_settings.dryrun:
            self._print(f"would do   {step}")

    def _on_job_finished(self, record: LogRecord) -> None:
        step = self.running.pop(record.__dict__["job_id"], None)
        if step:
            self.finished.append(step)

    def _on_progress(self, record: LogRecord) -> None:
        done, total = record.__dict__["done"], record.__dict__["total"]
        width = len(str(total))
        share = f"{100 * done // total:3d} %"
        for step in self.finished:
            self._print(
                f"{done:{width}d} of {total} steps ({share})  {step}  {step.seconds()}"
            )
        self.finished.clear()
        if done == total:
            self._print(f"done in {duration(time.monotonic() - self.began)}")

    def _on_job_error(self, record: LogRecord) -> None:
        job = record.__dict__
        step = self.running.pop(job["jobid"], None) or Step("", job["rule_name"])
        self.failed.append(step)
        self._print(f"FAILED  {step}  after {step.seconds()}")
        for log in job["log"]:
            print(f"  from {log}:\n{tail(str(log))}", file=self.stream, flush=True)

    def _on_error(self, record: LogRecord) -> None:
        exception = record.__dict__.get("exception")
        # A failed shell command is told by its step, with the end of its log.
        if exception == "RuleException" and self.running:
            return
        if exception == "WorkflowError" and self.failed:
            steps = "1 step" if len(self.failed) == 1 else f"{len(self.failed)} steps"
            names = ", ".join(step.name for step in self.failed)
            self._print(f"stopped: {steps} failed: {names}")
            return
        self._on_message(record)
