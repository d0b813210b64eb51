"""Tables of config/README.md, written from the schemas so that the two agree."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from morula.errors import InputError
from morula.sheets import NAME, expectation

Schema = Mapping[str, Any]

HEAD = "| {name} | holds | meaning | default | example |\n|---|---|---|---|---|"


def keys_table(schema: Schema) -> str:
    """Table of a config's keys; keys of sections as `section.key`."""
    rows = [_row(name, rules, needed) for name, rules, needed in keys_of(schema)]
    return "\n".join([HEAD.format(name="key"), *rows])


def columns_table(schema: Schema) -> str:
    """Table of a sheet's columns."""
    rows = [
        _row(name, rules, name in schema["required"])
        for name, rules in schema["properties"].items()
    ]
    return "\n".join([HEAD.format(name="column"), *rows])


def keys_of(schema: Schema, prefix: str = "") -> Iterator[tuple[str, Schema, bool]]:
    """Dotted name and rules of each key that has a value, and whether it must be given
    (if its section is)."""
    for name, rules in schema["properties"].items():
        if "properties" in rules:
            yield from keys_of(rules, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", rules, name in schema.get("required", ())


def _row(name: str, rules: Schema, is_required: bool) -> str:
    default = "required" if is_required else "none given"
    if "default" in rules:
        default = f"`{_text(rules['default'])}`"
    examples = rules.get("examples", [])
    example = f"`{_text(examples[0])}`" if examples else ""
    meaning = " ".join(rules["description"].split())
    cells = [f"`{name}`", _holds(rules), meaning, default, example]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _holds(rules: Schema) -> str:
    if "oneOf" in rules:
        return "a path with {chrom} in it, or two of them"
    if rules.get("pattern") == NAME:
        return "a name"
    return expectation(rules)


def _text(value: object) -> str:
    """As it is written in YAML, on one line."""
    if isinstance(value, float) and "." not in (text := f"{value:g}") and "e" in text:
        # YAML 1.1 takes 5e-06 for a word.
        return text.replace("e", ".0e")
    return value if isinstance(value, str) else json.dumps(value).replace('"', "")


def replaced(text: str, name: str, table: str) -> str:
    """`text` with `table` between the marks `<!-- name -->` and `<!-- end of name -->`.

    Raises InputError when the marks are not there.
    """
    start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    pattern = re.compile(f"{re.escape(start)}.*?{re.escape(end)}", re.DOTALL)
    if not pattern.search(text):
        raise InputError(f"no {start} ... {end}; expected these marks around the table")
    return pattern.sub(lambda _: f"{start}\n{table}\n{end}", text)
