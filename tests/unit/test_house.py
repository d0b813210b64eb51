"""The house rules that a machine can check: environments, rules, sizes, words."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import workflow_rules
from workflow_rules import ALWAYS_THERE, COMMANDS, PACKAGE_OF, ROOT, SCRIPTS, Rule

ENVS = sorted((ROOT / "envs").glob("*.yaml"))
RULES = [
    rule
    for file in workflow_rules.smk_files()
    for rule in workflow_rules.read_rules(file)
]
JOBS = [rule for rule in RULES if not rule.is_local]
SCRIPTED = [rule for rule in RULES if rule.script]
# What every `library(...)` brings without being named (rules/common.smk).
ALWAYS_LISTED = {"atomic", "cli", "errors", "tables"}
# Run by hand, not by the workflow.
BY_HAND = {"document_config.py", "unlock_folder.py"}
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 40
MAX_DATA_BYTES = 2_000_000
# Spelt in two halves, so that this file does not hold them itself.
FORBIDDEN = ["TO" + "DO", "FIX" + "ME", "py" + "pi.org", "X" + "XX", "/wo" + "rk/"]


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def requirements() -> dict[str, SpecifierSet]:
    wanted = [Requirement(text) for text in project()["dependencies"]]
    return {requirement.name: requirement.specifier for requirement in wanted}


def project_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout: the project's own files are not known")
    paths = [ROOT / line for line in listed.stdout.splitlines()]
    return [path for path in paths if path.is_file()]


def python_files() -> list[Path]:
    return [path for path in project_files() if path.suffix == ".py"]


def lines_of_code(function: ast.FunctionDef) -> int:
    """Lines of a function without its docstring."""
    lines = (function.end_lineno or 0) - function.lineno + 1
    if ast.get_docstring(function) is None:
        return lines
    docstring = function.body[0]
    return lines - ((docstring.end_lineno or 0) - docstring.lineno + 1)


def by_name(rule: Rule) -> str:
    return rule.name


class TestEnvironments:
    @pytest.mark.parametrize("env", ENVS, ids=lambda env: env.stem)
    def test_channels_and_specs(self, env):
        content = yaml.safe_load(env.read_text())
        assert set(content) == {"channels", "dependencies"}
        assert content["channels"] == ["conda-forge", "bioconda", "nodefaults"]
        for spec in content["dependencies"]:
            assert re.fullmatch(r"[a-z0-9-]+ =\d+(\.\w+)+", spec), spec

    @pytest.mark.parametrize("env", ENVS, ids=lambda env: env.stem)
    def test_python_parts_agree_with_pyproject(self, env):
        bounds = {"python": SpecifierSet(project()["requires-python"])}
        bounds |= requirements()
        for package, version in workflow_rules.env_packages(env).items():
            if package in bounds:
                assert bounds[package].contains(f"{version}.99"), package
            else:
                assert package in COMMANDS, f"{package}: neither tool nor Python part"

    def test_a_tool_has_one_version_in_all_environments(self):
        versions: dict[str, set[str]] = {}
        for env in ENVS:
            for package, version in workflow_rules.env_packages(env).items():
                versions.setdefault(package, set()).add(version)
        assert {name: found for name, found in versions.items() if len(found) > 1} == {}

    def test_every_environment_is_used(self):
        assert {rule.env for rule in JOBS} - {None} == set(ENVS)


class TestRules:
    def test_the_parser_finds_them_all(self):
        listed = sum(
            len(re.findall(r"^\s*rule ", file.read_text(), re.M))
            for file in workflow_rules.smk_files()
        )
        assert len(RULES) == listed > 10

    @pytest.mark.parametrize("rule", JOBS, ids=by_name)
    def test_declares_all_that_a_run_needs(self, rule):
        needed = {
            "log",
            "benchmark",
            "conda",
            "threads",
            "resources",
            "shell",
            "output",
        }
        assert needed - set(rule.directives) == set()
        assert re.search(r"\bmem_mb=", rule.directives["resources"])
        assert re.search(r"\bruntime=", rule.directives["resources"])
        assert re.search(rf'"logs/{rule.name}[./]', rule.directives["log"])
        assert re.search(
            rf'"logs/{rule.name}.*\.benchmark\.tsv"', rule.directives["benchmark"]
        )
        assert "{log}" in rule.shell
        assert not {"run", "message", "script"} & set(rule.directives)
        assert not re.search(r"\{(input|output)\[", rule.shell)

    @pytest.mark.parametrize("rule", JOBS, ids=by_name)
    def test_its_environment_provides_every_command(self, rule):
        packages = workflow_rules.env_packages(rule.env)
        provided = set().union(*(COMMANDS.get(name, set()) for name in packages))
        wanted = workflow_rules.shell_commands(rule.shell)
        if rule.script:
            wanted |= workflow_rules.closure(rule.script)[2]
        # The choice of the aligner is the config's; see envs/align.yaml.
        assert wanted - provided - ALWAYS_THERE == set()

    @pytest.mark.parametrize("rule", SCRIPTED, ids=by_name)
    def test_its_environment_provides_every_module(self, rule):
        modules = workflow_rules.closure(rule.script)[1] - sys.stdlib_module_names
        packages = {PACKAGE_OF.get(module, module) for module in modules}
        assert packages - set(workflow_rules.env_packages(rule.env)) == set()

    @pytest.mark.parametrize("rule", SCRIPTED, ids=by_name)
    def test_an_edited_module_reruns_it(self, rule):
        used = workflow_rules.closure(rule.script)[0] - ALWAYS_LISTED
        assert used - rule.library == set(), "imported, not in library(...)"
        assert rule.library - used == set(), "in library(...), not imported"


class TestScripts:
    def test_every_imported_package_is_required(self):
        modules: set[str] = set()
        for file in SCRIPTS.rglob("*.py"):
            if file.parent.name != "snakemake_logger_plugin_morula":
                modules |= workflow_rules.imported(file)[1]
        own = {file.stem for file in SCRIPTS.glob("*.py")} | {"morula"}
        packages = {PACKAGE_OF.get(m, m) for m in modules - sys.stdlib_module_names}
        assert packages - own - set(requirements()) == set()

    def test_every_script_is_run_by_a_rule(self):
        scripts = {file.name for file in SCRIPTS.glob("*.py")}
        run = {rule.script.name for rule in SCRIPTED if rule.script}
        assert scripts - run - BY_HAND == set()

    def test_the_library_knows_neither_snakemake_nor_argparse(self):
        for file in (SCRIPTS / "morula").rglob("*.py"):
            assert not workflow_rules.imported(file)[1] & {"argparse", "snakemake"}, (
                file
            )


class TestSizes:
    def test_files_and_functions_are_short(self):
        long = []
        for file in python_files():
            text = file.read_text()
            if (length := len(text.splitlines())) > MAX_FILE_LINES:
                long.append(f"{file.relative_to(ROOT)}: {length} lines")
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.FunctionDef):
                    if (length := lines_of_code(node)) > MAX_FUNCTION_LINES:
                        long.append(f"{file.name}: {node.name}: {length} lines")
        assert not long, "\n".join(long)

    def test_data_of_demo_and_tests_is_small(self):
        folders = ("tests", "config", "resources")
        files = [
            path
            for path in project_files()
            if path.relative_to(ROOT).parts[0] in folders
        ]
        assert sum(path.stat().st_size for path in files) < MAX_DATA_BYTES


class TestWords:
    def test_no_forbidden_words_and_names(self):
        found = []
        for path in project_files():
            text = path.read_bytes().decode("utf-8", errors="ignore")
            found += [f"{path.name}: {word}" for word in FORBIDDEN if word in text]
            if path.name in ("utils.py", "helpers.py", "misc.py"):
                found.append(f"{path}: a name that says nothing")
        assert not found, f"{found}"

    def test_no_absolute_paths_in_workflow_and_config(self):
        absolute = re.compile(r"""["'\s=](/(?:home|usr|opt|tmp|srv|root|mnt)/\S*)""")
        found = []
        for folder in ("rules", "scripts", "config", "envs", "profiles"):
            for path in (ROOT / folder).rglob("*"):
                if path.suffix in (".smk", ".py", ".yaml", ".tsv"):
                    found += [
                        (path.name, hit) for hit in absolute.findall(path.read_text())
                    ]
        assert not found, f"{found}"


class TestProfilesAndMakefile:
    @pytest.mark.parametrize("name", ["default", "slurm"])
    def test_a_profile_keeps_scratch_files_in_results(self, name):
        file = ROOT / "profiles" / name / "profile.v9+.yaml"
        resources = yaml.safe_load(file.read_text())["default-resources"]
        assert resources["tmpdir"].strip("'").startswith("results/")

    def test_help_names_every_target(self):
        text = (ROOT / "Makefile").read_text()
        phony = re.search(r"^\.PHONY: (.*)$", text, re.M)
        shown = subprocess.run(
            ["make", "-C", ROOT, "help"], capture_output=True, text=True, check=True
        ).stdout
        assert phony
        for target in set(phony.group(1).split()) - {"help"}:
            assert f"make {target}" in shown
