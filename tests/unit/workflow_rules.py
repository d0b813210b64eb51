"""The workflow's own files as data: rules, scripts and what they call and import."""

from __future__ import annotations

import ast
import functools
import re
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "scripts"

# Commands that each conda package brings.
COMMANDS = {
    "bcftools": {"bcftools"},
    "beagle": {"beagle"},
    "bwa": {"bwa"},
    "bwa-mem2": {"bwa-mem2"},
    "fastp": {"fastp"},
    "htslib": {"bgzip", "tabix"},
    "minimac4": {"minimac4"},
    "minimap2": {"minimap2"},
    "mosdepth": {"mosdepth"},
    "multiqc": {"multiqc"},
    "openjdk": {"java"},
    "plink2": {"plink2"},
    "python": {"python"},
    "samtools": {"samtools"},
    "shapeit4": {"shapeit4"},
    "whatshap": {"whatshap"},
}
TOOLS = set().union(*COMMANDS.values()) - {"python"}
# What every POSIX system has, and words of the shell itself.
ALWAYS_THERE = set(
    "[ awk cat cd cmp cp cut echo export false find grep gzip head ln mkdir mktemp mv"
    " printf rm sed set sort tail tee test touch tr trap true wait wc xargs"
    " zcat".split()
)
SHELL_WORDS = {"!", "do", "done", "else", "elif", "fi", "if", "then", "while"}
# Modules by the name of the package that brings them, where the names differ.
PACKAGE_OF = {"allel": "scikit-allel", "yaml": "pyyaml"}
# Packages that conda calls otherwise.
NAME_OF_CONDA = {"python-isal": "isal"}


@dataclass(frozen=True)
class Rule:
    """A rule of a .smk file; directives: the text after each `name:`."""

    name: str
    file: str
    directives: dict[str, str]

    def __str__(self) -> str:
        return f"{self.file}: {self.name}"

    @property
    def shell(self) -> str:
        """The shell command, its string literals joined."""
        text = self.directives.get("shell")
        return str(ast.literal_eval(f"({text}\n)")) if text else ""

    @property
    def env(self) -> Path | None:
        found = re.search(r"envs/[\w-]+\.yaml", self.directives.get("conda", ""))
        return ROOT / found.group() if found else None

    @property
    def is_local(self) -> bool:
        return self.directives.get("localrule", "").strip() == "True"

    @property
    def script(self) -> Path | None:
        """The script that the rule runs: `scripts / "name.py"` among its inputs."""
        found = re.search(r'scripts / "(\w+\.py)"', self.directives.get("input", ""))
        return SCRIPTS / found.group(1) if found else None

    @property
    def library(self) -> set[str]:
        """Modules that `library(...)` names among the inputs, as paths from morula/."""
        calls = re.findall(r"library\((.*?)\)", self.directives.get("input", ""), re.S)
        return {name for call in calls for name in re.findall(r'"([\w/.]+)"', call)}


def smk_files() -> list[Path]:
    return [*ROOT.glob("Snakefile"), *sorted((ROOT / "rules").glob("*.smk"))]


def read_rules(file: Path) -> list[Rule]:
    """The rules of a file, also those indented under an `if`."""
    lines = file.read_text().splitlines()
    rules = []
    for number, line in enumerate(lines):
        if found := re.match(r"( *)(?:rule|checkpoint) (\w+):", line):
            depth = len(found.group(1)) + 4
            directives = read_directives(lines[number + 1 :], depth)
            rules.append(Rule(found.group(2), file.name, directives))
    return rules


def read_directives(lines: list[str], depth: int) -> dict[str, str]:
    directives: dict[str, str] = {}
    name = ""
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if line.strip() and indent < depth:
            break
        if found := re.match(rf" {{{depth}}}(\w+):(.*)", line):
            name = found.group(1)
            directives[name] = found.group(2)
        elif name:
            directives[name] += "\n" + line
    return directives


def shell_commands(shell: str) -> set[str]:
    """First words of all simple commands of a shell line."""
    text = re.sub(r"'[^']*'|\"[^\"]*\"", "Q", shell)
    text = re.sub(r"(\d|&)?>{1,2}(&\d|\s*[^\s()|;&]+)", " ", text)
    commands = set()
    for part in re.split(r"[|;&()\n`]|\$\(", text):
        words = [word for word in part.split() if word not in SHELL_WORDS]
        while words and re.match(r"\w+=", words[0]):
            words.pop(0)
        if words and words[0] != "for":
            commands.add(words[0])
    return commands


def env_packages(env: Path) -> dict[str, str]:
    """Package -> version of an environment file."""
    content = yaml.safe_load(env.read_text())
    return {
        NAME_OF_CONDA.get(name, name): version
        for name, version in (spec.split(" =") for spec in content["dependencies"])
    }


def module_file(name: str) -> Path:
    """File of `haplotypes` or `simulation/reads` in the library."""
    path = SCRIPTS / "morula" / name
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@functools.cache
def imported(file: Path) -> tuple[set[str], set[str]]:
    """(modules of the library, top-level names of all other modules) of one file."""
    own, other = set(), set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            if name.startswith("morula."):
                own.add(library_module(name))
            elif name != "morula":
                other.add(name.split(".")[0])
    return own, other


def library_module(dotted: str) -> str:
    """`morula.simulation.reads.Reads` -> `simulation/reads`."""
    parts = dotted.split(".")[1:]
    while not module_file("/".join(parts)).exists():
        parts.pop()
    return "/".join(parts)


@functools.cache
def closure(script: Path) -> tuple[set[str], set[str], set[str]]:
    """(library modules, other modules, tools called) of a script and all it imports."""
    own: set[str] = set()
    other: set[str] = set()
    tools: set[str] = set()
    waiting = [script]
    while waiting:
        file = waiting.pop()
        more, modules = imported(file)
        other |= modules
        tools |= called_tools(file)
        waiting += [module_file(name) for name in more - own]
        own |= more
    return own, other, tools


@functools.cache
def called_tools(file: Path) -> set[str]:
    """Tools that a script starts: the first string of a list, as in ["bcftools", …]."""
    first = [
        node.elts[0]
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.List) and node.elts
    ]
    values = {node.value for node in first if isinstance(node, ast.Constant)}
    return {value for value in values if isinstance(value, str) and value in TOOLS}
