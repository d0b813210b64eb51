"""Write the tables of config/README.md from the schemas."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from morula.atomic import written_whole
from morula.cli import run
from morula.schema_tables import columns_table, keys_table, replaced
from morula.settings import read_schema

SHEETS = ("samples", "units", "traits")


def document(text: str, schemas: Path) -> str:
    """`text` with the tables of the schemas in the folder `schemas`."""
    text = replaced(
        text, "config", keys_table(read_schema(schemas / "config.schema.yaml"))
    )
    for sheet in SHEETS:
        schema = read_schema(schemas / f"{sheet}.schema.yaml")
        text = replaced(text, sheet, columns_table(schema))
    return text


def work(args: argparse.Namespace) -> None:
    """Rewrite the file when a table differs."""
    before = args.readme.read_text(encoding="utf-8")
    after = document(before, args.schemas)
    if after != before:
        with written_whole(args.readme) as partial:
            partial.write_text(after, encoding="utf-8")


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Command line."""
    config = Path(__file__).resolve().parents[1] / "config"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readme", type=Path, default=config / "README.md")
    parser.add_argument("--schemas", type=Path, default=config / "schemas")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
