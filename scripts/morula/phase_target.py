"""The parents' genotypes as phasing wants them: doubtful ones missing, ALT counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from morula import biallelic, call_files
from morula.biallelic import Record
from morula.processes import Pipeline

Key = tuple[int, str, str]
MISSING = "./."
HETS = frozenset({"0/1", "1/0", "0|1", "1|0"})


@dataclass
class Target:
    """What was written to be phased. n_sites: their number; filled: the sites at which
    genotypes were left for phasing to guess, with which parents' they are; hets: sites
    at which a parent is surely het, with all parents' genotypes (the panel may lack
    the site)."""

    n_sites: int = 0
    filled: dict[Key, list[bool]] = field(default_factory=dict)
    hets: dict[Key, tuple[str, ...]] = field(default_factory=dict)


def is_doubtful(record: Record, cell: str, min_quality: int) -> bool:
    """Whether a sample's genotype is missing, or its GQ below min_quality (a genotype
    without GQ is believed)."""
    values = dict(zip(record.keys, cell.split(":"), strict=False))
    if "." in values["GT"]:
        return True
    quality = values.get("GQ", ".")
    return quality != "." and float(quality) < min_quality


def key_of(record: Record) -> Key:
    """Position and alleles of a biallelic record."""
    return record.pos_bp, record.ref, record.alts[0]


def usable(
    lines: Iterator[str], min_quality: int
) -> Iterator[tuple[Record, list[bool]]]:
    """Records with doubtful genotypes set missing, and which samples' those are;
    records without any genotype are left out.

    METHOD: a genotype that its own reads leave in doubt is better guessed from the
    haplotypes around it; SHAPEIT4 fills it in, and FI marks it in the output.
    """
    for line in lines:
        record = biallelic.parse_line(line)
        doubts = [is_doubtful(record, cell, min_quality) for cell in record.cells]
        if all(doubts):
            continue
        cells = tuple(
            MISSING if doubt else cell.split(":", 1)[0]
            for doubt, cell in zip(doubts, record.cells, strict=True)
        )
        yield (
            Record(
                record.chrom,
                record.pos_bp,
                record.ref,
                record.alts,
                qual=".",
                keys=("GT",),
                cells=cells,
            ),
            doubts,
        )


def counted(line: str, cells: Sequence[str]) -> str:
    """`line` with the INFO fields AC and AN, without which SHAPEIT4 stops."""
    alleles = [allele for cell in cells for allele in cell.replace("|", "/").split("/")]
    fields = line.split("\t")
    fields[7] = f"AC={alleles.count('1')};AN={len(alleles) - alleles.count('.')}"
    return "\t".join(fields)


def write_target(
    pipeline: Pipeline,
    calls: str,
    parents: Sequence[str],
    fai: str,
    min_quality: int,
    path: Path,
) -> Target:
    """Write the parents' genotypes in `calls` to the BCF `path`, indexed."""
    view = ["bcftools", "view", "-H", "-s", ",".join(parents), calls]
    head = call_files.header(fai, ("AC", "AN", "GT"), parents)
    target = Target()
    with call_files.bcf_writer(pipeline, path, head) as sink:
        lines = call_files.body_lines(pipeline, view, f"reading {calls}")
        for record, doubts in usable(lines, min_quality):
            sink.write(counted(record.line(False), record.cells).encode())
            target.n_sites += 1
            if any(doubts):
                target.filled[key_of(record)] = doubts
            if not HETS.isdisjoint(record.cells):
                target.hets[key_of(record)] = record.cells
    return target
