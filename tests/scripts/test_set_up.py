"""envs/set_up.sh on machines that lack something: one message, nothing half made."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMANDS = (
    "awk bash cat cut dirname flock head id mkdir mv pwd rm sed sha256sum sort tail tr"
).split()


@pytest.fixture
def machine(tmp_path):
    """A checkout and a PATH with the shell's commands and Python, but no tools."""
    checkout, commands = tmp_path / "checkout", tmp_path / "bin"
    (checkout / "envs").mkdir(parents=True)
    commands.mkdir()
    shutil.copy(ROOT / "envs/set_up.sh", checkout / "envs")
    shutil.copy(ROOT / "pyproject.toml", checkout)
    for name in COMMANDS:
        if found := shutil.which(name):
            (commands / name).symlink_to(found)
    provide(commands, "python3", f'exec "{sys.executable}" "$@"')
    return checkout, commands


def provide(folder: Path, name: str, body: str) -> None:
    (folder / name).write_text(f"#!{shutil.which('bash')}\n{body}\n")
    (folder / name).chmod(0o755)


def set_up(machine, *flags):
    checkout, commands = machine
    return subprocess.run(
        [checkout / "envs/set_up.sh", *flags],
        env={"PATH": str(commands), "HOME": str(checkout)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_missing_tools_are_named_before_anything_is_installed(machine):
    done = set_up(machine)
    assert done.returncode == 1
    assert "not on the PATH: bwa samtools bcftools tabix bgzip" in done.stderr
    assert "apt-get install --no-install-recommends" in done.stderr
    assert "plink2" not in done.stderr
    assert not (machine[0] / ".venv").exists()


def test_the_tests_need_plink2_too(machine):
    assert "plink2" in set_up(machine, "--test").stderr


def test_a_tool_that_does_not_run_counts_as_missing(machine):
    provide(machine[1], "mosdepth", "echo 'could not load: libhts.so' >&2; exit 1")
    provide(machine[1], "minimap2", "echo 2.28")
    done = set_up(machine)
    assert (
        "mosdepth does not run as it should: could not load: libhts.so" in done.stderr
    )
    assert "libhts-dev" in done.stderr
    assert "minimap2" not in done.stderr


def test_an_old_python_is_refused(machine):
    provide(machine[1], "python3", "exit 1")
    done = set_up(machine)
    assert done.returncode == 1
    assert "no Python of version 3.11 or newer" in done.stderr


def test_conda_at_hand_is_told_to_fetch_the_tools(machine):
    provide(machine[1], "conda", "exit 0")
    provide(machine[1], "python3", '[ "$1" = -c ] || exit 9')
    done = set_up(machine)
    assert "Snakemake will fetch the tools by conda" in done.stdout
    # The virtual environment could not be made: no stamp, so the next call starts anew.
    assert done.returncode == 1
    assert not (machine[0] / ".venv/set-up.stamp").exists()
