"""A mistake ends Snakemake with one message, before any work: through the command line.

The checks themselves: tests/unit/test_input_checks.py and its neighbours.
"""

import subprocess
from pathlib import Path

import pytest

import input_world
from run_workflow import ENVIRONMENT, PYTHON, REPOSITORY

# What is spoilt (file, text, what stands there instead); words of the message.
CASES = {
    "missing file": (
        ("units.tsv", "E1_1.fq.gz", "E1_one.fq.gz"),
        "units.tsv, line 4, fq1: E1_one.fq.gz: no such file",
    ),
    "misspelt column": (
        ("samples.tsv", "\trole\t", "\trol\t"),
        "samples.tsv, line 1: unknown column 'rol'; did you mean 'role'?",
    ),
    "unknown role": (
        ("samples.tsv", "P1\tfather", "P1\tdonor"),
        "samples.tsv, line 3, role: found 'donor'; expected one of mother, father",
    ),
    "parent without an embryo": (
        ("samples.tsv", "FAM1\tM1", "FAM2\tM1"),
        "samples.tsv, line 2, family: FAM2 has no embryo and no child; expected at",
    ),
    "BAM of another reference": (
        "bam",
        "units.tsv, line 3, bam: P1.bam: contig chr20 has length 64444167",
    ),
    "chromosome that the panel lacks": (
        "panel",
        "config.yaml, line 7, reference.panel: panel/chr21.vcf.gz: no 'chr21', which",
    ),
    "misspelt key": (
        ("config.yaml", "units:", "unit:"),
        "config.yaml, line 2, unit: unknown key 'unit'; did you mean 'units'?",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_one_message(tmp_path, case):
    spoilt, expected = CASES[case]
    input_world.build(tmp_path)
    if spoilt == "panel":
        labels = input_world.PANEL_SAMPLES
        input_world.write_vcf(tmp_path / "panel/chr21.vcf.gz", "chr20", labels)
    elif spoilt == "bam":
        lengths = {"chr20": 64444167, "chr21": 46709983}
        input_world.write_bam(tmp_path / "P1.bam", lengths, ["P1"])
    else:
        name, old, new = spoilt
        input_world.replace(tmp_path / name, old, new)
    before = sorted(tmp_path.iterdir())
    done = run(tmp_path)
    said = done.stdout + done.stderr
    assert done.returncode == 2
    assert expected in said
    assert said.count("error:") == 1
    assert "Traceback" not in said
    assert "WorkflowError" not in said
    # Snakemake opens its own log before it reads the workflow.
    made = set(tmp_path.iterdir()) - set(before)
    assert {path.name for path in made} <= {".snakemake"}


def run(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [PYTHON, "-m", "snakemake", "--cores", "1"]
    command += ["--snakefile", str(REPOSITORY / "Snakefile")]
    command += ["--configfile", "config.yaml"]
    return subprocess.run(
        command,
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
