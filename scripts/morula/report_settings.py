"""What the report says of the family's members and of the run's settings.

The rule turns the checked project and config into one JSON text by `as_json`; the
script reads it back by `parse`. Paths are cut to their last part before anything else
is done with them, so that neither the page nor the digest tells where on a machine the
data lie, and moving the data does not change the page.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

# Sheets are not settings: what they say stands in the page itself.
SHEETS = ("samples", "units", "traits")


class SampleLike(Protocol):
    """What is used of a sample of the sheet."""

    name: str
    role: str
    sex: str
    cells: int | None
    amplification: str


class TraitLike(Protocol):
    """What is used of a trait of the sheet."""

    trait: str
    kind: str


class ProjectLike(Protocol):
    """What is used of a project."""

    samples: dict[str, Any]
    traits: list[Any]

    def members(self, family: str) -> list[str]:
        """Parents, then embryos."""

    def kind(self, sample: str) -> str:
        """Kind of a sample's data: fastq, bam or vcf."""


@dataclass(frozen=True)
class Member:
    """A person or embryo of the family; sex is empty where it is withheld."""

    name: str
    role: str
    data: str
    cells: int | None
    amplification: str
    sex: str


@dataclass(frozen=True)
class Settings:
    """Members (parents first), kind of each trait, settings as text, their digest."""

    members: list[Member]
    trait_kinds: dict[str, str]
    values: dict[str, str]
    digest: str
    show_sex: bool


def without_folders(value: Any) -> Any:
    """A config value with every path cut to its last part."""
    if isinstance(value, Mapping):
        return {str(key): without_folders(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [without_folders(inner) for inner in value]
    if isinstance(value, str):
        return value.rstrip("/").rsplit("/", 1)[-1]
    return value


def _flat(value: Any, name: str) -> Iterator[tuple[str, str]]:
    """Pairs of dotted name and text."""
    if isinstance(value, dict):
        for key in sorted(value):
            yield from _flat(value[key], f"{name}.{key}" if name else key)
    elif isinstance(value, list):
        yield name, ", ".join(str(inner) for inner in value)
    else:
        yield name, "" if value is None else str(value)


def _member(project: ProjectLike, name: str, show_sex: bool) -> Member:
    sample: SampleLike = project.samples[name]
    # Of the embryos only: a parent's sex follows from the role.
    is_hidden = not show_sex or sample.role in ("mother", "father")
    return Member(
        name=name,
        role=sample.role,
        data=project.kind(name),
        cells=sample.cells,
        amplification=sample.amplification,
        sex="" if is_hidden else sample.sex,
    )


def as_json(config: Mapping[str, Any], project: ProjectLike, family: str) -> str:
    """All that the report needs from the config and the sheets, as one line of JSON."""
    kept = {key: value for key, value in config.items() if key not in SHEETS}
    cut = without_folders(kept)
    canonical = json.dumps(cut, sort_keys=True, separators=(",", ":"))
    show_sex = bool(config["report"]["show_sex"])
    settings = Settings(
        members=[_member(project, name, show_sex) for name in project.members(family)],
        trait_kinds={trait.trait: trait.kind for trait in project.traits},
        values=dict(_flat(cut, "")),
        digest=hashlib.sha256(canonical.encode()).hexdigest(),
        show_sex=show_sex,
    )
    return json.dumps(asdict(settings), sort_keys=True, separators=(",", ":"))


def parse(text: str) -> Settings:
    """Settings from what `as_json` gave."""
    stored = json.loads(text)
    return Settings(
        **{**stored, "members": [Member(**member) for member in stored["members"]]}
    )
