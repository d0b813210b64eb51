"""The project: samples, units and traits of the sheets, checked against each other.

    project = load(config, schemas)        # config as `settings.complete` gives it
    project.parents("FAM1")                # ["M1", "P1"], mother first
    project.embryos("FAM1")                # embryos, then born children

Only the sheets are read here; whether the files that they name are there and fit
together is `morula.input_checks`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from morula.problems import Problems
from morula.settings import normal_path, read_schema
from morula.sheets import Row, read_sheet
from morula.trait_sheet import Trait, read_health, read_traits

PARENTS = ("mother", "father")
SEX_OF_PARENT = {"mother": "female", "father": "male"}
FILE_COLUMNS = ("fq1", "fq2", "bam", "vcf")
# results/ancestry/panel.tsv is the panel's own table.
RESERVED_FAMILIES = ("panel",)


@dataclass(frozen=True)
class Sample:
    """A row of the sample sheet. cells: None, amplification: "", where not given;
    sex is the role's for parents; line is the row's in the sheet."""

    name: str
    family: str
    role: str
    sex: str
    cells: int | None
    amplification: str
    line: int


@dataclass(frozen=True)
class Unit:
    """A row of the unit sheet; the files that it does not have are ""."""

    sample: str
    unit: str
    fq1: str
    fq2: str
    bam: str
    vcf: str
    line: int

    @property
    def kind(self) -> str:
        """`fastq`, `bam` or `vcf`."""
        if self.fq1:
            return "fastq"
        return "bam" if self.bam else "vcf"


@dataclass(frozen=True)
class Project:
    """Samples by name, units by sample, traits; all in the sheets' order. health: of
    parents, whether they have or had a disease, where the sheet says so."""

    samples: dict[str, Sample]
    units: dict[str, list[Unit]]
    traits: list[Trait]
    health: dict[str, dict[str, bool]]

    @property
    def families(self) -> list[str]:
        """Families in the sheet's order."""
        return list(dict.fromkeys(sample.family for sample in self.samples.values()))

    def _named(self, family: str, role: str) -> list[str]:
        return [
            sample.name
            for sample in self.samples.values()
            if sample.family == family and sample.role == role
        ]

    def mother(self, family: str) -> str | None:
        """The mother's name; None when the sheet has none."""
        return next(iter(self._named(family, "mother")), None)

    def father(self, family: str) -> str | None:
        """The father's name; None when the sheet has none."""
        return next(iter(self._named(family, "father")), None)

    def parents(self, family: str) -> list[str]:
        """None, one or two names, the mother first."""
        return [name for role in PARENTS for name in self._named(family, role)]

    def embryos(self, family: str) -> list[str]:
        """Embryos, then born children: the next stages treat both alike."""
        return self._named(family, "embryo") + self._named(family, "child")

    def members(self, family: str) -> list[str]:
        """Parents, embryos, children."""
        return self.parents(family) + self.embryos(family)

    def kind(self, sample: str) -> str:
        """What a sample has: `fastq`, `bam` or `vcf`."""
        return self.units[sample][0].kind

    def is_array(self, sample: str) -> bool:
        """Whether an embryo or born child has an array, not reads."""
        return self.samples[sample].role not in PARENTS and self.kind(sample) == "vcf"

    def read_samples(self) -> list[str]:
        """Samples that have reads."""
        return [name for name in self.samples if self.kind(name) != "vcf"]

    def called(self, family: str) -> list[str]:
        """Parents and children with reads: those genotyped jointly. Nobody where no
        parent is there: genotypes are for parents' haplotypes."""
        if not self.parents(family):
            return []
        return [
            name
            for name in self.members(family)
            if self.samples[name].role != "embryo" and self.kind(name) != "vcf"
        ]


def load(config: Mapping[str, Any], schemas: Path) -> Project:
    """Read the three sheets that `config` names.

    Raises InputError with all mistakes of a sheet, or of the sheets together.
    """
    rows = {
        key: read_sheet(config[key], read_schema(schemas / f"{key}.schema.yaml"), key)
        for key in ("samples", "units", "traits")
    }
    problems = Problems()
    samples = _samples(rows["samples"], problems)
    units = _units(rows["units"], samples, problems)
    traits = read_traits(rows["traits"], problems)
    health = read_health(rows["samples"], traits, problems)
    problems.refuse()
    project = Project(samples, units, traits, health)
    _check_families(project, config["samples"], problems)
    _check_units(project, config["samples"], config["units"], problems)
    problems.refuse()
    return project


def notices(project: Project, sheet: str) -> list[str]:
    """What is no mistake, but may be one: families without any parent, since a name
    that is misspelt makes one, too; sheet: the samples' path."""
    alone = [name for name in project.families if not project.parents(name)]
    found = []
    for family in alone:
        names = project.embryos(family)
        whose = f"{names[0]} is" if len(names) == 1 else f"{', '.join(names)} are"
        siblings = "" if len(names) == 1 else " as full siblings"
        found.append(
            f"{sheet}, line {project.samples[names[0]].line}: family {family} has no"
            f" parent: {whose} told by reads and panel alone{siblings}; is the family's"
            " name right?"
        )
    return found


def _samples(rows: Sequence[Row], problems: Problems) -> dict[str, Sample]:
    samples: dict[str, Sample] = {}
    for row in rows:
        cells = row.cells
        name, role, sex = cells["sample"], cells["role"], cells["sex"]
        if name in samples:
            problems.add(
                f"{row.where('sample')}: {name!r} is in line {samples[name].line}, too;"
                " expected a name of its own in every row"
            )
            continue
        if cells["family"] in RESERVED_FAMILIES:
            problems.add(
                f"{row.where('family')}: a family cannot be named {cells['family']!r};"
                " give another name"
            )
        expected = SEX_OF_PARENT.get(role)
        if expected and sex not in (expected, "unknown"):
            problems.add(
                f"{row.where('sex')}: {name} is a {role} and {sex}; expected"
                f" {expected}: correct role or sex"
            )
        samples[name] = Sample(
            name=name,
            family=cells["family"],
            role=role,
            sex=expected or sex,
            cells=cells["cells"],
            amplification=cells["amplification"] or "",
            line=row.line,
        )
    return samples


def _units(
    rows: Sequence[Row], samples: Mapping[str, Sample], problems: Problems
) -> dict[str, list[Unit]]:
    units: dict[str, list[Unit]] = {name: [] for name in samples}
    seen: dict[str, str] = {}
    for row in rows:
        name = row.cells["sample"]
        if name not in samples:
            problems.add(
                f"{row.where('sample')}: {name!r} is not in the sample sheet; expected"
                " one of its samples: correct the name or add a row there"
            )
            continue
        _check_row_files(row, seen, problems)
        files = {key: row.cells[key] or "" for key in FILE_COLUMNS}
        paths = {key: normal_path(path) if path else "" for key, path in files.items()}
        unit = Unit(name, row.cells["unit"], line=row.line, **paths)
        same = [other.line for other in units[name] if other.unit == unit.unit]
        if same:
            problems.add(
                f"{row.where('unit')}: {unit.unit!r} of {name} is in line {same[0]},"
                " too; expected a name of its own for each unit of a sample"
            )
        units[name].append(unit)
    return units


def _check_row_files(row: Row, seen: dict[str, str], problems: Problems) -> None:
    """One kind of file a row; both mates; no file of reads twice (`seen`: by path)."""
    given = [column for column in FILE_COLUMNS if row.cells[column]]
    kinds = {column.rstrip("12") for column in given}
    if len(kinds) != 1:
        found = " and ".join(given) or "none of them"
        problems.add(
            f"{row.where('fq1')}: found {found}; expected either fq1 and fq2, or bam,"
            " or vcf"
        )
    elif kinds == {"fq"} and len(given) == 1:
        missing = "fq2" if given == ["fq1"] else "fq1"
        problems.add(
            f"{row.where(missing)}: empty; expected the other mates' FASTQ: reads must"
            " be paired"
        )
    for column in given:
        path = normal_path(row.cells[column])
        if "{" in path or "}" in path:
            problems.add(f"{row.where(column)}: {path!r} has braces; rename the file")
        if column == "vcf":
            continue
        if path in seen:
            problems.add(
                f"{row.where(column)}: {path} is given twice, in {seen[path]}, too;"
                " expected each file of reads once"
            )
        seen.setdefault(path, f"line {row.line}, {column}")


def _check_families(project: Project, sheet: str, problems: Problems) -> None:
    """One mother and one father at most, and at least one embryo or child. A family
    without any parent is as good: its embryos are full siblings."""
    for family in project.families:
        people = [s for s in project.samples.values() if s.family == family]
        for role, count in Counter(person.role for person in people).items():
            if role in PARENTS and count > 1:
                second = [person for person in people if person.role == role][1]
                problems.add(
                    f"{sheet}, line {second.line}, role: {second.name} is a second"
                    f" {role} of family {family}; expected one: half-siblings"
                    " are projects of their own"
                )
        offspring = [person for person in people if person.role not in PARENTS]
        if not offspring:
            problems.add(
                f"{sheet}, line {people[0].line}, family: {family} has no embryo and no"
                " child; expected at least one: add it or take the family out"
            )


def _check_units(
    project: Project, samples: str, units: str, problems: Problems
) -> None:
    """Every sample has units, of one kind, and one VCF at most."""
    for sample in project.samples.values():
        rows = project.units[sample.name]
        if not rows:
            problems.add(
                f"{samples}, line {sample.line}, sample: {sample.name} has no row in"
                f" {units}; add its reads or its VCF there"
            )
            continue
        for row in rows:
            if row.kind == rows[0].kind == "vcf" and row is not rows[0]:
                problems.add(
                    f"{units}, line {row.line}, vcf: {sample.name} has a VCF in line"
                    f" {rows[0].line}; expected one of all chromosomes: join them"
                    " (bcftools concat)"
                )
            if row.kind != rows[0].kind:
                problems.add(
                    f"{units}, line {row.line}, {row.kind}: {sample.name} has"
                    f" {rows[0].kind} in line {rows[0].line}; expected one kind of"
                    " files a sample"
                )
