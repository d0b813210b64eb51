"""Flags that the scripts which simulate reads, counts and calls have in common.

Each flag with what a parser of the command line is told about it; and what the values
must fulfil together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from morula.simulation.quality import error_rate_limits

_MUST: dict[str, Any] = {"required": True}
# Whose DNA is in a tube, and how it is amplified.
TUBE: dict[str, dict[str, Any]] = {
    "--source": _MUST | {"help": "whose genome is in the tube"},
    "--truth": _MUST | {"help": "BCF of the source's copies"},
    "--copies": _MUST | {"help": "TSV of the source's copies"},
    "--chromosomes": _MUST | {"nargs": "+"},
    "--protocols": _MUST | {"help": "resources/simulation.tsv"},
    "--amplification": _MUST,
    "--cells": {"type": int},
    "--set": {
        "nargs": 2,
        "action": "append",
        "default": [],
        "metavar": ("KEY", "VALUE"),
        "help": "replaces a number of the protocol",
    },
    "--contaminant": {"help": "whose DNA is in the tube, too"},
    "--contaminant-truth": {"help": "BCF of the contaminant's copies"},
    "--contaminant-copies": {"help": "TSV of the contaminant's copies"},
    "--contamination": {"type": float, "default": 0.0, "help": "share"},
    "--depth": _MUST | {"type": float},
    "--template": _MUST | {"help": "TSV: truth of the template"},
    "--summary": _MUST | {"help": "TSV: asked and obtained"},
}
# How it is read.
READS: dict[str, dict[str, Any]] = {
    "--read-length": _MUST | {"type": int, "help": "bp"},
    "--insert-mean": _MUST | {"type": float, "help": "bp"},
    "--insert-sd": _MUST | {"type": float, "help": "bp"},
    "--error-rate": _MUST | {"type": float},
    "--duplicate-rate": _MUST | {"type": float},
    "--seed": _MUST | {"type": int},
}
_SHARES = ("duplicate_rate", "indel_error_rate", "contamination")


def mistake(values: Mapping[str, Any]) -> str | None:
    """What is wrong with the values of these flags, by their names with `_`; None where
    nothing is."""
    smallest, largest = error_rate_limits()
    if not smallest <= values["error_rate"] <= largest:
        return f"--error-rate: expected {smallest:.4f} to {largest:.4f}"
    for name in _SHARES:
        if not 0.0 <= values.get(name, 0.0) < 1.0:
            return f"--{name.replace('_', '-')}: expected 0 to less than 1"
    if "contaminant" in values:
        ends = ("", "_truth", "_copies")
        foreign = [values[f"contaminant{end}"] for end in ends]
        if any((one is None) == (values["contamination"] > 0) for one in foreign):
            return "--contamination needs the three --contaminant flags, and they it"
    return None
