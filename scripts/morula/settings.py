"""The config: checked against its schema, completed with the schema's defaults."""

from __future__ import annotations

import copy
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from morula.problems import Problems, suggestion
from morula.sex_chromosome import is_x
from morula.sheets import expectation

Schema = Mapping[str, Any]
PathInConfig = Sequence[str | int]

# METHOD: autosomes and X. Y and MT come whole from one parent: the model of haplotypes
# that recombine has nothing to tell of them. PLINK numbers X, Y, XY and MT 23 to 26.
NOT_HANDLED = re.compile(r"(chr)?(x|y|xy|m|mt|2[3-6])", re.IGNORECASE)
PATHS = ("samples", "units", "traits")
REFERENCE_PATHS = ("fasta", "panel", "panel_samples", "genetic_map")


def read_schema(path: str | Path) -> dict[str, Any]:
    """A schema of config/schemas."""
    schema: dict[str, Any] = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    return schema


def complete(
    config: Mapping[str, Any], schema: Schema, files: Sequence[str | Path] = ()
) -> dict[str, Any]:
    """A copy of `config` with defaults filled in and paths normalised.

    `files` are the config files it was read from, later ones over earlier ones: they
    give the line numbers of messages. Raises InputError, with all mistakes found.
    """
    settings = _plain(config)
    _name_chromosomes(settings)
    problems = Problems()
    for file in files:
        _check_repeats(file, problems)
    validator = jsonschema.Draft202012Validator(schema)
    for error in sorted(validator.iter_errors(settings), key=lambda e: list(e.path)):
        for path, message in _explain(error):
            problems.add(f"{place(files, path)}: {message}")
    problems.refuse()
    _fill(settings, schema)
    _check_chromosomes(settings["reference"]["chromosomes"], files, problems)
    _normalise_paths(settings, files, problems)
    problems.refuse()
    return settings


def place(files: Sequence[str | Path], path: PathInConfig) -> str:
    """`config.yaml, line 7, reference.build`: where the config says something."""
    name = ".".join(str(part) for part in path)
    for file in reversed(files):
        line = _line_of(file, path)
        if line:
            return f"{_shown(file)}, line {line}, {name}"
    where = ", ".join(_shown(file) for file in files) or "config"
    return f"{where}, {name}" if name else where


def normal_path(path: str) -> str:
    """`~` filled in, `./` and doubled slashes taken out."""
    return os.path.normpath(Path(path).expanduser())


def _shown(file: str | Path) -> str:
    """The path as short as it can be said from the working directory."""
    relative = os.path.relpath(file)
    return str(file) if relative.startswith("..") else relative


def _compose(file: str | Path) -> yaml.Node | None:
    """The file's YAML with lines; None when it is no plain YAML (templates)."""
    try:
        return yaml.compose(Path(file).read_text(encoding="utf-8-sig"), yaml.SafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return None


def _check_repeats(file: str | Path, problems: Problems) -> None:
    """Note keys that are given twice: YAML would take the last in silence."""
    nodes = [_compose(file)]
    while nodes:
        node = nodes.pop()
        if isinstance(node, yaml.SequenceNode):
            nodes += node.value
        elif isinstance(node, yaml.MappingNode):
            lines: dict[str, int] = {}
            for key, value in node.value:
                line = key.start_mark.line + 1
                if lines.setdefault(key.value, line) != line:
                    problems.add(
                        f"{_shown(file)}, line {line}: key {key.value!r} is in line"
                        f" {lines[key.value]}, too; expected it once: join them"
                    )
                nodes.append(value)


def _line_of(file: str | Path, path: PathInConfig) -> int | None:
    """1-based line of the deepest part of `path` that the file has; None: none."""
    node = _compose(file)
    line = None
    for part in path:
        if isinstance(node, yaml.MappingNode):
            pairs = [(key, value) for key, value in node.value if key.value == part]
            if not pairs:
                break
            line, node = pairs[-1][0].start_mark.line + 1, pairs[-1][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
            line = node.start_mark.line + 1
    return line


def _plain(value: Any) -> Any:
    """Copies of dictionaries and lists, without the classes of the YAML reader."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _name_chromosomes(settings: dict[str, Any]) -> None:
    """Make names of the numbers that YAML reads in `chromosomes: [20, 21]`."""
    reference = settings.get("reference")
    names = reference.get("chromosomes") if isinstance(reference, dict) else None
    if isinstance(names, list):
        names[:] = [str(name) if type(name) is int else name for name in names]


def _explain(
    error: jsonschema.ValidationError,
) -> Iterable[tuple[list[str | int], str]]:
    """Path and message of what the validator found, in words."""
    path = list(error.absolute_path)
    if error.validator == "additionalProperties":
        known = error.schema["properties"]
        for key in error.instance:
            if key not in known:
                here = [*path, str(key)]
                hint = suggestion(str(key), known)
                yield here, f"unknown key {str(key)!r}{hint} (keys: {', '.join(known)})"
    elif error.validator == "required":
        for key in error.validator_value:
            if key not in error.instance:
                wanted = error.schema["properties"][key].get("description", "")
                yield path, f"no key {key!r}; expected it ({wanted.rstrip('.')})"
    elif error.validator == "uniqueItems":
        yield path, f"an item is there twice in {error.instance}"
    elif error.validator in ("minItems", "maxItems"):
        yield path, _length(error)
    elif error.validator == "oneOf":
        yield (
            path,
            (
                f"found {error.instance!r}; expected a path with {{chrom}} in it, or"
                " {female: ..., male: ...} of two"
            ),
        )
    else:
        rules: Schema = error.schema if isinstance(error.schema, dict) else {}
        words = expectation(rules)
        hint = ""
        if "enum" in rules and isinstance(error.instance, str):
            hint = suggestion(error.instance, map(str, rules["enum"]))
        yield path, f"found {error.instance!r}; expected {words}{hint}"


def _length(error: jsonschema.ValidationError) -> str:
    """What is wrong with the length of a list."""
    if not error.instance:
        return "an empty list; expected at least one item"
    bound = "at least" if error.validator == "minItems" else "at most"
    return (
        f"found {error.instance} of {len(error.instance)} items; expected {bound}"
        f" {error.validator_value}"
    )


def _fill(settings: dict[str, Any], schema: Schema) -> None:
    """Fill in the defaults of `schema`, sections within sections."""
    for key, rules in schema.get("properties", {}).items():
        if key not in settings and "default" in rules:
            settings[key] = copy.deepcopy(rules["default"])
        if isinstance(settings.get(key), dict):
            _fill(settings[key], rules)


def _check_chromosomes(
    chromosomes: Sequence[str], files: Sequence[str | Path], problems: Problems
) -> None:
    for index, name in enumerate(chromosomes):
        if NOT_HANDLED.fullmatch(name) and not is_x(name):
            problems.add(
                f"{place(files, ['reference', 'chromosomes', index])}: {name!r} is not"
                " handled: expected chromosomes 1 to 22 and X (named X or chrX), not Y,"
                " MT or a part of X by another name; take it out"
            )
    if all(map(is_x, chromosomes)):
        problems.add(
            f"{place(files, ['reference', 'chromosomes'])}: X alone; expected an"
            " autosome beside it, from which amplification and sex are told: add one"
        )


def _normalise_paths(
    settings: dict[str, Any], files: Sequence[str | Path], problems: Problems
) -> None:
    """Normalise the paths in place; braces other than {chrom} are refused."""

    def normal(section: dict[str, Any], key: str, path: list[str | int]) -> None:
        value = section[key]
        if isinstance(value, dict):
            for part in value:
                normal(value, part, [*path, part])
            return
        pattern = path[-1] not in ("samples", "units", "traits", "fasta")
        rest = value.replace("{chrom}", "") if pattern else value
        if "{" in rest or "}" in rest:
            problems.add(
                f"{place(files, path)}: found {value!r}; expected a path without braces"
                + (" other than {chrom}" if pattern else "")
            )
        section[key] = normal_path(value)

    for key in PATHS:
        normal(settings, key, [key])
    for key in REFERENCE_PATHS:
        normal(settings["reference"], key, ["reference", key])
