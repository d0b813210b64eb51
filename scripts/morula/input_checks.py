"""Checks of the files that config and sheets name, before any work starts.

Quick, so that they run at every start: starts, headers and ends of files. What takes
reading a file is checked by the step that reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from morula import (
    contigs,
    diseases,
    file_checks,
    panel_samples,
    pgs_catalog,
    scoring_file,
)
from morula.errors import InputError
from morula.problems import Problems
from morula.project import Project, Unit
from morula.reference import read_dictionary, sq_tags
from morula.settings import place
from morula.trait_sheet import RATE_COLUMNS

SIMULATED = "results/simulate/"
OWN_GENOME = Path("results/reference/genome.fa")
OWN_INDEX = Path("results/reference/genome.fa.fai")


@dataclass
class Inputs:
    """What the checks share; `lengths` (bp by contig) is empty while the FASTA is not
    made or not readable."""

    config: Mapping[str, Any]
    project: Project
    config_files: Sequence[str | Path]
    lengths: dict[str, int] = field(default_factory=dict)
    problems: Problems = field(default_factory=Problems)

    @property
    def reference(self) -> dict[str, Any]:
        """The config's section."""
        section: dict[str, Any] = self.config["reference"]
        return section

    @property
    def chromosomes(self) -> list[str]:
        """Chromosomes to work on."""
        return list(self.reference["chromosomes"])

    def is_made(self, path: str) -> bool:
        """Whether the workflow makes the file itself, so that it need not be there."""
        return "simulate" in self.config and path.startswith(SIMULATED)

    @contextmanager
    def at(self, where: str) -> Iterator[None]:
        """Note an InputError of the block as a mistake at `where`."""
        try:
            yield
        except InputError as error:
            self.problems.add(f"{where}: {error}")

    @contextmanager
    def at_key(self, *path: str | int) -> Iterator[None]:
        """Note an InputError of the block as a mistake of that key of the config."""
        try:
            yield
        except InputError as error:
            self.problems.add(f"{place(self.config_files, path)}: {error}")

    def check_each(
        self, key: Sequence[str], pattern: str, check: Callable[[str, str], None]
    ) -> None:
        """`check(path, chrom)` of each chromosome's file; the first mistake is told,
        the others are counted."""
        errors = []
        for chrom in self.chromosomes:
            path = pattern.replace("{chrom}", chrom)
            if not self.is_made(path):
                try:
                    check(path, chrom)
                except InputError as error:
                    errors.append(str(error))
        if errors:
            more = f" (and {len(errors) - 1} more of these)" if errors[1:] else ""
            where = place(self.config_files, key)
            self.problems.add(f"{where}: {errors[0]}{more}")


def check_files(
    config: Mapping[str, Any], project: Project, config_files: Sequence[str | Path]
) -> None:
    """Raise InputError, with all mistakes found, for files that are missing, damaged,
    or do not fit together."""
    lengths, is_sure = _own_lengths(config["reference"]["fasta"])
    inputs = Inputs(config, project, config_files, lengths)
    _check(inputs)
    if inputs.problems.messages and not is_sure:
        inputs = Inputs(config, project, config_files)
        _check(inputs)
    inputs.problems.refuse()


def _own_lengths(fasta: str) -> tuple[dict[str, int], bool]:
    """Lengths that an earlier run indexed, and whether they are surely of this FASTA
    (a decompressed copy may be of the one that the config named before)."""
    if not (Path(fasta).is_file() and contigs.is_newer(OWN_INDEX, Path(fasta))):
        return {}, True
    same = OWN_GENOME.is_file() and OWN_GENOME.samefile(fasta)
    if OWN_GENOME.is_symlink() and not same:
        return {}, True
    try:
        return contigs.read_fai(OWN_INDEX), same
    except InputError:
        return {}, True


def _check(inputs: Inputs) -> None:
    _check_fasta(inputs)
    if inputs.problems.messages:
        # What follows would be told for the same reason again.
        return
    _check_panel(inputs)
    _check_maps(inputs)
    tags = _reference_tags(inputs)
    for units in inputs.project.units.values():
        for unit in units:
            _check_unit(inputs, unit, tags)
    _check_scoring_files(inputs)
    _check_rates(inputs)
    founders = inputs.config.get("simulate", {}).get("founders")
    if founders:
        key = ("simulate", "founders")
        inputs.check_each(key, founders, lambda path, _: file_checks.check_there(path))


def _check_fasta(inputs: Inputs) -> None:
    fasta, build = inputs.reference["fasta"], inputs.reference["build"]
    if inputs.is_made(fasta):
        inputs.lengths = {}
        return
    with inputs.at_key("reference", "fasta"):
        file_checks.check_there(fasta)
        file_checks.check_end(fasta)
        if not inputs.lengths:
            beside = Path(f"{fasta}.fai")
            indexed = contigs.is_newer(beside, Path(fasta))
            read = contigs.read_fai if indexed else contigs.scan_fasta
            inputs.lengths = read(beside if indexed else Path(fasta))
    if not inputs.lengths:
        return
    absent = [chrom for chrom in inputs.chromosomes if chrom not in inputs.lengths]
    if absent:
        more = f" (and {len(absent) - 1} more)" if absent[1:] else ""
        index = inputs.chromosomes.index(absent[0])
        with inputs.at_key("reference", "chromosomes", index):
            fix = (
                f"expected the names of the FASTA: correct reference.chromosomes{more}"
            )
            message = contigs.absent(absent[0], inputs.lengths, fix)
            raise InputError(f"{fasta}: {message}")
        return
    for chrom in inputs.chromosomes:
        found = contigs.build_of(chrom, inputs.lengths[chrom])
        if found and found != build:
            with inputs.at_key("reference", "build"):
                raise InputError(
                    f"found {build}, but {chrom} of {fasta} has {inputs.lengths[chrom]}"
                    f" bp, as in {found}; correct build or fasta"
                )
            return


def _check_panel(inputs: Inputs) -> None:
    labels = inputs.reference["panel_samples"]
    first: list[str] = []

    def check(path: str, chrom: str) -> None:
        samples = file_checks.check_panel(path, chrom, inputs.lengths)
        if not first:
            first.extend(samples)
        if samples != first:
            raise InputError(
                f"{path}: {len(samples)} samples, other than the {len(first)} of"
                f" {inputs.chromosomes[0]} or in another order; expected the same"
                " samples in every file of the panel"
            )

    inputs.check_each(("reference", "panel"), inputs.reference["panel"], check)
    if not inputs.is_made(labels):
        with inputs.at_key("reference", "panel_samples"):
            file_checks.check_there(labels)
            panel_samples.read_labels(labels, first)


def _check_maps(inputs: Inputs) -> None:
    setting = inputs.reference["genetic_map"]
    patterns = {"": setting} if isinstance(setting, str) else setting
    for sex, pattern in patterns.items():
        key = ("reference", "genetic_map", *([sex] if sex else []))
        inputs.check_each(key, pattern, file_checks.check_map)


def _reference_tags(inputs: Inputs) -> dict[str, dict[str, str]]:
    """SN, LN and, where a dictionary of the FASTA is there, M5 of each contig."""
    tags = {name: {"LN": str(length)} for name, length in inputs.lengths.items()}
    fasta = Path(inputs.reference["fasta"])
    beside = (fasta.with_suffix(".dict"), Path(f"{fasta}.dict"))
    for path in beside:
        if fasta.is_file() and contigs.is_newer(path, fasta):
            for name, found in sq_tags(read_dictionary(path)).items():
                if name in tags and "M5" in found:
                    tags[name]["M5"] = found["M5"]
    return tags


def _check_unit(
    inputs: Inputs, unit: Unit, tags: Mapping[str, Mapping[str, str]]
) -> None:
    where = f"{inputs.config['units']}, line {unit.line}"
    before = len(inputs.problems.messages)
    for column in ("fq1", "fq2"):
        path = getattr(unit, column)
        if path and not inputs.is_made(path):
            with inputs.at(f"{where}, {column}"):
                file_checks.check_fastq(path)
    is_made = inputs.is_made(unit.fq1) or inputs.is_made(unit.fq2)
    if unit.fq1 and not is_made and len(inputs.problems.messages) == before:
        with inputs.at(f"{where}, fq2"):
            file_checks.check_mates(unit.fq1, unit.fq2)
    if unit.bam and not inputs.is_made(unit.bam):
        with inputs.at(f"{where}, bam"):
            file_checks.check_bam(unit.bam, tags, inputs.chromosomes)
    if unit.vcf and not inputs.is_made(unit.vcf):
        with inputs.at(f"{where}, vcf"):
            file_checks.check_vcf(
                unit.vcf,
                unit.sample,
                inputs.lengths,
                inputs.chromosomes,
                inputs.project.is_array(unit.sample),
            )


def _check_rates(inputs: Inputs) -> None:
    for trait in inputs.project.traits:
        for column in RATE_COLUMNS:
            path = getattr(trait, column)
            where = f"{inputs.config['traits']}, line {trait.line}, {column}"
            if path and not inputs.is_made(path):
                with inputs.at(where):
                    diseases.read_rates(path)


def _check_scoring_files(inputs: Inputs) -> None:
    for trait in inputs.project.traits:
        where = f"{inputs.config['traits']}, line {trait.line}, scoring_file"
        path, build = trait.scoring_file, inputs.reference["build"]
        if pgs_catalog.is_id(path):
            path = str(pgs_catalog.cached_path(path, build))
            if not Path(path).exists():
                continue
        if inputs.is_made(path):
            continue
        with inputs.at(where):
            file_checks.check_there(path)
            file_checks.check_end(path)
            scoring_file.check_start(path, build)
