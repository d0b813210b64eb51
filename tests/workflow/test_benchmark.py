"""The benchmark's workflow: its configs plan, and one small case runs to its rows."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from bench.plan import BenchPlan
from morula.errors import InputError
from morula.tables import read_tsv
from run_workflow import ENVIRONMENT, PYTHON, REPOSITORY, SEARCH

BENCHMARKS = REPOSITORY / "benchmarks"
TOOLS = "bcftools shapeit4 beagle".split()
SMALL = """\
name: small
docs: page
seed: 1
worlds:
  simulated: {chrom: chr20, length_bp: 400000, panel_samples: 20, n_founders: 2,
    n_scores: 3, couples: 1}
methods: [morula, four_state, single_sample]
switch_rate: 0.01
timed: {scenario: depth_5, worlds: [simulated], repeats: 1, alone: false,
  few_sites: false}
protocol_seeds: [1]
defaults: {worlds: [simulated], embryos: 2, depth: 5, amplification: MDA, cells: 1,
  set: {dropout_rate: 0.2}, parents_depth: 20, panel: 0, phase: estimated,
  methods: [morula, four_state, single_sample]}
scenarios:
  depth_5: {axis: depth, value: 5}
  stranger:
    contamination: [{sample: E1, by: stranger, share: 0.2}]
    fails: contamination is modelled as the mother's
"""


def run(folder: Path, config: Path, *flags: str) -> str:
    """Snakemake on the benchmark in `folder`; what it says."""
    command = [PYTHON, "-m", "snakemake", *flags, "--cores", "2"]
    command += ["--snakefile", BENCHMARKS / "Snakefile", "--directory", folder]
    command += ["--configfile", config, "--workflow-profile", "none"]
    done = subprocess.run(
        command, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout + done.stderr


@pytest.mark.parametrize("name", ["quick", "full"])
def test_the_configs_plan_without_real_data(tmp_path, name):
    said = run(tmp_path, BENCHMARKS / f"config/{name}.yaml", "--dry-run", "--quiet")
    assert "left out" in said
    assert "chr20" in said


@pytest.mark.parametrize("name", ["quick", "full"])
def test_every_axis_of_a_config_has_values(name):
    config = yaml.safe_load((BENCHMARKS / f"config/{name}.yaml").read_text())
    plan = BenchPlan(config)
    assert plan.command == ("make bench" if name == "full" else "make bench-quick")
    for row in plan.scenario_rows():
        assert bool(row["axis"]) == bool(row["value"]), row["scenario"]
        assert row["label"]
    assert any(row["fails"] for row in plan.scenario_rows())


def test_an_unknown_method_is_refused():
    config = yaml.safe_load(SMALL)
    config["scenarios"]["depth_5"]["methods"] = ["morula", "guesswork"]
    with pytest.raises(InputError, match="scenario depth_5: unknown guesswork"):
        BenchPlan(config)


@pytest.mark.skipif(
    any(shutil.which(tool, path=SEARCH) is None for tool in TOOLS),
    reason=f"needs {', '.join(TOOLS)}",
)
def test_a_small_case_from_its_world_to_its_rows(tmp_path):
    config = tmp_path / "small.yaml"
    config.write_text(SMALL)
    wanted = [f"cases/simulated/{name}/0/rows.tsv" for name in ("depth_5", "stranger")]
    run(tmp_path, config, *wanted)
    right = {}
    for path in wanted:
        for row in read_tsv(tmp_path / path):
            if (row["measure"], row["stratum"]) == ("genotype_accuracy", "parent_het"):
                right[row["scenario"], row["method"], row["embryo"]] = float(
                    row["value"]
                )
    methods = {method.split()[0] for _, method, _ in right}
    assert {"Morula", "four-state", "bcftools", "panel_frequency"} <= methods
    (ours,) = {method for _, method, _ in right if method.startswith("Morula")}
    (caller,) = {method for _, method, _ in right if method.startswith("bcftools")}
    assert right["depth_5", ours, "all"] > right["depth_5", caller, "all"] + 0.1
    assert "Nothing to be done" in run(tmp_path, config, *wanted)
