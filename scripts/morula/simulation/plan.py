"""What the config and the sheet ask of the simulation, for each sample.

The workflow asks it for paths and for flags of the scripts; it needs the standard
library alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from morula.errors import InputError

ROOT = "results/simulate"


class Member(Protocol):
    """A row of the sample sheet."""

    name: str
    family: str
    role: str
    amplification: str


class Sheet(Protocol):
    """The part of `morula.project.Project` that the simulation uses."""

    samples: Mapping[str, Any]
    families: Sequence[str]

    def mother(self, family: str) -> str | None: ...
    def father(self, family: str) -> str | None: ...
    def embryos(self, family: str) -> Sequence[str]: ...


class Plan:
    """Paths and flags of one config; `section` is its `simulate` section."""

    def __init__(
        self, section: Mapping[str, Any], sheet: Sheet, chromosomes: Sequence[str]
    ) -> None:
        """Raises InputError when a family or a parent cannot be simulated."""
        self.section = section
        self.sheet = sheet
        self.chromosomes = chromosomes
        parents = section["parents"]
        for family in sheet.families:
            for role, name in (
                ("mother", sheet.mother(family)),
                ("father", sheet.father(family)),
            ):
                if name is None:
                    raise InputError(
                        f"config, simulate: family {family} has no {role};"
                        " expected both parents in the sample sheet"
                    )
                if name not in parents:
                    raise InputError(
                        f"config, simulate, parents: no founder for {name};"
                        f" expected a line `{name}: <founder>`"
                    )

    @property
    def makes_population(self) -> bool:
        """Whether the world is simulated, too: the config names no founders."""
        return "founders" not in self.section

    def targets(self) -> list[str]:
        """What the workflow's main target asks for."""
        names = ("accuracy.tsv", "truth/crossovers.tsv", "truth/dropout.tsv")
        return [f"{ROOT}/{name}" for name in names]

    def founders(self) -> list[str]:
        """The founders' BCF of each chromosome."""
        pattern = self.section.get("founders", f"{ROOT}/founders.{{chrom}}.bcf")
        return [pattern.format(chrom=chrom) for chrom in self.chromosomes]

    def genomes(self) -> list[str]:
        """The true genome of each sample of the sheet."""
        return [f"{ROOT}/truth/samples/{name}.bcf" for name in self.sheet.samples]

    def embryo_tables(self, kind: str) -> list[str]:
        """A table of each embryo and child: kind is `segments` or `dropout`."""
        return [
            f"{ROOT}/truth/samples/{name}.{kind}.tsv"
            for family in self.sheet.families
            for name in self.sheet.embryos(family)
        ]

    def kinship_flags(self, sample: str) -> list[str]:
        """What `simulate_family.py` is told: a founder, or the parents' founders."""
        member: Member = self.sheet.samples[sample]
        founder_of = self.section["parents"]
        if member.role in ("mother", "father"):
            return ["--founder", founder_of[sample]]
        mother = self.sheet.mother(member.family)
        father = self.sheet.father(member.family)
        return ["--mother", founder_of[mother], "--father", founder_of[father]]

    def amplification_flags(self, sample: str) -> list[str]:
        """Flags of `simulate_reads.py`: none for parents, born children, and embryos
        whose amplification the sheet gives as `none`."""
        member: Member = self.sheet.samples[sample]
        if member.role != "embryo" or member.amplification == "none":
            return []
        flags = ["--amplified"]
        for name, value in self.section["amplification"].items():
            flags += [f"--{name.replace('_', '-')}", str(value)]
        return flags

    def depth(self, sample: str) -> float:
        """Mean depth of a sample's reads."""
        role = self.sheet.samples[sample].role
        group = {"embryo": "embryos", "child": "children"}.get(role, "parents")
        return float(self.section["depth"][group])
