"""Morula's own scripts, run in this process, as the workflow would run them.

The defaults are those of the config's schema: what users run.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from morula.errors import InputError
from morula.settings import read_schema

ROOT = Path(__file__).resolve().parents[2]
RESOURCES = ROOT / "resources"


@functools.cache
def _schema() -> Mapping[str, Any]:
    return read_schema(ROOT / "config/schemas/config.schema.yaml")


def section_defaults(*names: str) -> dict[str, Any]:
    """Defaults of a section of the config, by its keys: ("correct", "qc")."""
    schema = _schema()
    for name in names:
        schema = schema["properties"][name]
    keys = schema["properties"].items()
    return {name: key["default"] for name, key in keys if "default" in key}


def run_script(name: str, flags: Sequence[object]) -> None:
    """Run scripts/{name}.py with flags; its error message ends the benchmark."""
    script = importlib.import_module(name)
    status = script.main([str(flag) for flag in flags])
    if status:
        raise InputError(f"{name}.py ended with status {status}; its message is above")


def named_flags(values: Mapping[str, object]) -> list[str]:
    """`--max-depth 50` of {"max_depth": 50}."""
    pairs = ((f"--{key.replace('_', '-')}", str(values[key])) for key in values)
    return [word for pair in pairs for word in pair]


def read_values(changes: Mapping[str, object] | None = None) -> dict[str, Any]:
    """How reads are counted, by the config's defaults but for changes."""
    reads = section_defaults("simulate", "reads")
    reads.pop("indel_error_rate")
    reads["min_base_quality"] = section_defaults("call")["min_base_quality"]
    unknown = sorted(set(changes or {}) - set(reads))
    if unknown:
        raise InputError(
            f"reads: no {unknown[0]!r}; a scenario can change {', '.join(reads)}"
        )
    return reads | dict(changes or {})


def meiosis_flags() -> list[str]:
    """Interference and new mutations, by the config's defaults."""
    meiosis = section_defaults("simulate", "meiosis")
    flags = []
    for key in ("interference", "escape"):
        values = (str(meiosis[f"{key}_{sex}"]) for sex in ("female", "male"))
        flags += [f"--{key}", *values]
    for key in ("de_novo_rate", "de_novo_paternal_share"):
        flags += [f"--{key.replace('_', '-')}", str(meiosis[key])]
    return flags


def family_flags(world: Path, chrom: str) -> list[str]:
    """What simulate_family.py is told of a world."""
    flags = ["--founders", str(world / "founders.bcf"), "--chromosomes", chrom]
    flags += ["--female-maps", str(world / "female.map")]
    flags += ["--male-maps", str(world / "male.map")]
    flags += ["--genome-index", str(world / "genome.fa.fai"), "--build", "GRCh38"]
    flags += ["--centromeres", str(RESOURCES / "centromeres.tsv"), *meiosis_flags()]
    return [*flags, "--genome", str(world / "genome.fa")]
