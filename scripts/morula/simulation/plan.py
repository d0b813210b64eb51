"""What the config and the sheet ask of the simulation, for each sample.

The workflow asks it for paths and for flags of the scripts; it needs the standard
library alone. What the section says of samples and chromosomes is checked when the
plan is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from morula.errors import InputError
from morula.simulation import plan_checks

ROOT = "results/simulate"


def plain_place(path: plan_checks.Path) -> str:
    """`config, simulate.swaps`: a place without file and line."""
    return ", ".join(["config", ".".join(["simulate", *map(str, path)])])


class Member(Protocol):
    """A row of the sample sheet."""

    name: str
    family: str
    role: str
    sex: str
    cells: int | None
    amplification: str


class Sheet(Protocol):
    """The part of `morula.project.Project` that the simulation uses."""

    samples: Mapping[str, Any]
    families: Sequence[str]

    def mother(self, family: str) -> str | None: ...
    def father(self, family: str) -> str | None: ...
    def embryos(self, family: str) -> Sequence[str]: ...


class Plan:
    """Paths and flags of one config; `section` is its `simulate` section, completed
    with the schema's defaults."""

    def __init__(
        self,
        section: Mapping[str, Any],
        sheet: Sheet,
        chromosomes: Sequence[str],
        place: Callable[[plan_checks.Path], str] = plain_place,
    ) -> None:
        """place: what a message calls a place in the section (file and line).

        Raises InputError, with all mistakes found, when the section names samples,
        parents or chromosomes that are not there, or asks for what cannot be."""
        self.section = section
        self.sheet = sheet
        self.n_analysed = len(chromosomes)
        others = [c for c in section["sex_chromosomes"] if c not in chromosomes]
        self.chromosomes = [*chromosomes, *others]
        mistakes = plan_checks.mistakes(section, sheet, self.chromosomes)
        if mistakes:
            lines = (f"{place(path)}: {message}" for path, message in mistakes)
            raise InputError("\n".join(lines))

    @property
    def makes_population(self) -> bool:
        """Whether the world is simulated, too: the config names no founders."""
        return "founders" not in self.section

    @property
    def makes_reads(self) -> bool:
        """Whether reads are made; else allele counts and genotypes."""
        return bool(self.section["mode"] == "reads")

    def targets(self) -> list[str]:
        """What the workflow's main target asks for."""
        return [f"{ROOT}/accuracy.tsv", *self.truth_tables()]

    def truth_tables(self) -> list[str]:
        """Tables of what the simulation did."""
        names = ["copies", "de_novo", "dropout", "amplification"]
        names += ["origins"] if self.makes_reads else []
        return [f"{ROOT}/truth/{name}.tsv" for name in names]

    def founders(self) -> list[str]:
        """The founders' BCF of each chromosome."""
        pattern = self.section.get("founders", f"{ROOT}/founders.{{chrom}}.bcf")
        return [pattern.format(chrom=chrom) for chrom in self.chromosomes]

    def genomes(self) -> list[str]:
        """The true genome of each sample of the sheet."""
        return [self.genome(name) for name in self.sheet.samples]

    def genome(self, name: str) -> str:
        """The true genome of a sample or stranger."""
        return f"{ROOT}/truth/samples/{name}.bcf"

    def copies(self, name: str) -> str:
        """The table of its chromosome copies."""
        return f"{ROOT}/truth/samples/{name}.copies.tsv"

    def strangers(self) -> list[str]:
        """Founders who are nobody of the sheet, but contaminate somebody."""
        names = [one["by"] for one in self.section["contamination"]]
        return sorted({name for name in names if name not in self.sheet.samples})

    def tables_of(self, kind: str) -> list[str]:
        """A table of each sample (`copies`, `de_novo`), or of each whose reads or
        counts are drawn with their template (`dropout`, `amplification`, `origins`)."""
        names: Iterator[str] = iter(self.sheet.samples)
        if kind in ("dropout", "amplification"):
            names = (n for f in self.sheet.families for n in self.sheet.embryos(f))
        return [f"{ROOT}/truth/samples/{name}.{kind}.tsv" for name in names]

    def kinship_flags(self, name: str) -> list[str]:
        """What `simulate_family.py` is told: a founder, or the parents' founders; the
        sex; and what is abnormal."""
        if name not in self.sheet.samples:
            return ["--founder", name, "--sex", "female"]
        member: Member = self.sheet.samples[name]
        founder_of = self.section["parents"]
        sex = ["--sex", member.sex]
        if member.role in ("mother", "father"):
            return ["--founder", founder_of[name], *sex]
        mother = self.sheet.mother(member.family)
        father = self.sheet.father(member.family)
        flags = ["--mother", founder_of[mother], "--father", founder_of[father], *sex]
        for one in self.section["abnormalities"]:
            if one["sample"] == name:
                flags += ["--abnormality", *plan_checks.words_of(one)]
        return flags

    def source(self, name: str) -> str:
        """Whose genome is in the tube that is labelled with the sample's name."""
        for first, second in self.section["swaps"]:
            if name in (first, second):
                return str(second if name == first else first)
        return name

    def contaminant(self, name: str) -> str | None:
        """Whose DNA the sample is contaminated with."""
        for one in self.section["contamination"]:
            if one["sample"] == name:
                return str(one["by"])
        return None

    def made_data(self) -> list[str]:
        """What `make simulate` asks for besides the truth: reads, or counts."""
        if self.makes_reads:
            names = self.sheet.samples
            return [f"{ROOT}/reads/{n}_{mate}.fq.gz" for n in names for mate in (1, 2)]
        analysed = self.chromosomes[: self.n_analysed]
        children = [n for f in self.sheet.families for n in self.sheet.embryos(f)]
        return [
            *(
                f"results/call/{f}.{c}.bcf"
                for f in self.sheet.families
                for c in analysed
            ),
            *(f"results/call/counts/{n}.{c}.bcf" for n in children for c in analysed),
        ]

    def _in_tube(self, name: str) -> list[str]:
        """Whose DNA is in the tube: the sample's own or its swap's, a contaminant's."""
        other = self.contaminant(name)
        return [self.source(name), *([other] if other else [])]

    def genomes_in_tube(self, name: str) -> list[str]:
        """True genomes of all whose DNA is in the tube."""
        return [self.genome(one) for one in self._in_tube(name)]

    def copies_in_tube(self, name: str) -> list[str]:
        """The tables of their copies."""
        return [self.copies(one) for one in self._in_tube(name)]

    def tube_flags(self, name: str) -> list[str]:
        """Whose DNA is in the tube, how it is amplified, and how deep it is read."""
        source = self.source(name)
        return [
            *["--source", source, "--truth", self.genome(source)],
            *["--copies", self.copies(source), "--depth", str(self.depth(name))],
            *self.amplification_flags(name),
            *self.contamination_flags(name),
        ]

    def contamination_flags(self, name: str) -> list[str]:
        """Flags of who contaminates the sample, and how much."""
        for one in self.section["contamination"]:
            if one["sample"] == name:
                return [
                    *["--contaminant", one["by"]],
                    *["--contaminant-truth", self.genome(one["by"])],
                    *["--contaminant-copies", self.copies(one["by"])],
                    *["--contamination", str(one["share"])],
                ]
        return []

    def amplification_flags(self, name: str) -> list[str]:
        """The protocol: ordinary DNA of parents, born children, and embryos whose
        amplification the sheet gives as `none`."""
        member: Member = self.sheet.samples[name]
        if member.role != "embryo" or member.amplification == "none":
            return ["--amplification", "none"]
        flags = ["--amplification", member.amplification or "other"]
        if member.cells:
            flags += ["--cells", str(member.cells)]
        for key, value in self.section["amplification"].items():
            flags += ["--set", key, str(value)]
        return flags

    def read_flags(self) -> list[str]:
        """How reads are made; the counts mode makes no letters, so no indels."""
        left_out = () if self.makes_reads else ("indel_error_rate",)
        return [
            word
            for key, value in self.section["reads"].items()
            if key not in left_out
            for word in (f"--{key.replace('_', '-')}", str(value))
        ]

    def meiosis_flags(self) -> list[str]:
        """Interference, its escape, and new mutations."""
        meiosis = self.section["meiosis"]
        flags = []
        for key in ("interference", "escape"):
            pair = (str(meiosis[f"{key}_{sex}"]) for sex in ("female", "male"))
            flags += [f"--{key}", *pair]
        for key in ("de_novo_rate", "de_novo_paternal_share"):
            flags += [f"--{key.replace('_', '-')}", str(meiosis[key])]
        return flags

    def depth(self, name: str) -> float:
        """Mean depth of a sample's reads."""
        depth = self.section["depth"]
        if name in depth["samples"]:
            return float(depth["samples"][name])
        role = self.sheet.samples[name].role
        group = {"embryo": "embryos", "child": "children"}.get(role, "parents")
        return float(depth[group])
