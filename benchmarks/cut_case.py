"""Cut a case of the benchmark to its first sites.

For the timing of methods that compile themselves in every process: what they take on a
few sites is not work on the data.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.case import Case, load_case, save
from morula.cli import run

# Axis of the sites in the arrays that have one.
SITE_AXIS = {
    **dict.fromkeys(("pos_bp", "ref", "alt", "alt_frequency", "is_snv"), 0),
    **dict.fromkeys(("counts", "cm", "parent_pl", "phased", "parents", "alleles"), 1),
    "transmitted": 2,
}


def cut(case: Case, n_sites: int) -> Case:
    """The first n sites of a case."""
    rows = np.arange(min(n_sites, len(case.pos_bp)))
    parts = {
        name: np.take(getattr(case, name), rows, axis=axis)
        for name, axis in SITE_AXIS.items()
    }
    return replace(case, **parts)


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", required=True)
    parser.add_argument("--sites", required=True, type=int)
    parser.add_argument("--output", required=True, type=Path)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    args = parse_args(argv)
    return run(lambda: save(args.output, cut(load_case(args.case), args.sites)))


if __name__ == "__main__":
    sys.exit(main())
