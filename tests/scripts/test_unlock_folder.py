"""A killed run's lock goes, a working run's lock stays."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

import unlock_folder

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/cwd").exists(), reason="no /proc to tell processes by"
)


@pytest.fixture
def folder(tmp_path):
    locks = tmp_path / "project/.snakemake/locks"
    locks.mkdir(parents=True)
    (locks / "0.output.lock").write_text("results/a\n")
    return tmp_path / "project"


def locks(folder):
    return list((folder / ".snakemake/locks").iterdir())


def test_stale_lock_is_removed(folder, capsys):
    assert unlock_folder.main(["--folder", str(folder)]) == 0
    assert not locks(folder)
    assert "killed" in capsys.readouterr().out


def test_lock_of_a_working_run_stays(folder, tmp_path, capsys):
    program = tmp_path / "snakemake"
    program.write_text("import sys; sys.stdin.read()\n")
    process = subprocess.Popen(
        [sys.executable, str(program)], cwd=folder, stdin=subprocess.PIPE
    )
    try:
        time.sleep(0.2)
        assert unlock_folder.main(["--folder", str(folder)]) == 2
        assert f"process {process.pid}" in capsys.readouterr().err
        assert locks(folder)
    finally:
        process.communicate()
    assert unlock_folder.main(["--folder", str(folder)]) == 0


def test_nothing_to_do(tmp_path, capsys):
    assert unlock_folder.main(["--folder", str(tmp_path)]) == 0
    assert capsys.readouterr().out == ""
