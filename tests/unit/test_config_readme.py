"""config/README.md, the schemas and the rules agree on keys, columns and defaults."""

import re
from pathlib import Path

import yaml

import document_config
from morula import settings
from morula.schema_tables import keys_of

CONFIG = Path(__file__).resolve().parents[2] / "config"
RULES = CONFIG.parent / "rules"
SCHEMA = settings.read_schema(CONFIG / "schemas/config.schema.yaml")
README = (CONFIG / "README.md").read_text(encoding="utf-8")
SHEETS = {
    name: settings.read_schema(CONFIG / f"schemas/{name}.schema.yaml")
    for name in ("samples", "units", "traits")
}


def cells(name: str) -> list[str]:
    """Cells of the README's row of a key or column."""
    (row,) = [line for line in README.splitlines() if line.startswith(f"| `{name}` |")]
    return [cell.strip() for cell in row.split(" | ")]


def test_tables_are_those_of_the_schemas():
    """If this fails: python scripts/document_config.py"""
    assert document_config.document(README, CONFIG / "schemas") == README


def test_every_key_and_its_default_is_in_the_readme():
    for key, rules, _ in keys_of(SCHEMA):
        if key not in ("samples", "units", "traits"):
            row = cells(key)
            assert len(row) == 5
            if "default" in rules:
                assert yaml.safe_load(row[3].strip("`")) == rules["default"]


def test_every_column_is_in_the_readme():
    for name, schema in SHEETS.items():
        table = README.split(f"<!-- {name} -->")[1].split(f"<!-- end of {name} -->")[0]
        for column in schema["properties"]:
            assert f"| `{column}` |" in table


# Whose keys are the user's own names.
MAPPINGS = {("simulate", "parents"), ("simulate", "depth", "samples")}


def sections(schema, path=()):
    yield path, schema
    for name, rules in schema.get("properties", {}).items():
        if rules.get("type") == "object":
            yield from sections(rules, (*path, name))


def test_every_section_is_strict_and_every_key_described():
    for path, section in sections(SCHEMA):
        if path not in MAPPINGS:
            assert section["additionalProperties"] is False, path
        required = section.get("required", [])
        for name, rules in section.get("properties", {}).items():
            assert rules["description"], (*path, name)
            # What replaces a protocol's number has none of its own.
            is_optional = path == ("simulate", "amplification")
            is_optional |= (*path, name) in {("simulate",), ("simulate", "founders")}
            assert is_optional or ("default" in rules) != (name in required), name


def test_keys_that_the_rules_read_are_in_the_schema():
    """A rule that reads an unknown key fails only when its job starts."""
    known = {key for key, _, _ in keys_of(SCHEMA)}
    known |= {".".join(path) for path, _ in sections(SCHEMA)}
    read = set()
    for path in RULES.glob("*.smk"):
        text = path.read_text()
        read |= {
            key.replace("/", ".")
            for key in re.findall(r'lookup\(\s*"([^"]+)",\s*within=config', text)
        }
        for names in re.findall(r'\bconfig((?:\["\w+"\])+)', text):
            read.add(".".join(re.findall(r'"(\w+)"', names)))
        for param, keys in re.findall(r"(\w+)=config\[\"(\w+)\"\],", text):
            used = re.findall(rf"params\.{param}\[(\w+)\]", text)
            read |= {f"{keys}.{name}" for name in used}
    assert len(read) > 30
    assert read <= known


def test_the_readmes_example_is_a_whole_config():
    example = README.split("```yaml\n")[1].split("```")[0]
    completed = settings.complete(yaml.safe_load(example), SCHEMA)
    assert completed["reference"]["chromosomes"] == ["chr1", "chr2", "chr3"]


def test_script_rewrites_a_stale_table(tmp_path):
    stale = tmp_path / "README.md"
    stale.write_text(README.replace("| `seed` |", "| `seeds` |"))
    assert document_config.main(["--readme", str(stale)]) == 0
    assert stale.read_text() == README


def test_script_refuses_a_file_without_marks(tmp_path, capsys):
    (tmp_path / "README.md").write_text("# Config\n")
    assert document_config.main(["--readme", str(tmp_path / "README.md")]) == 2
    assert "<!-- config -->" in capsys.readouterr().err
