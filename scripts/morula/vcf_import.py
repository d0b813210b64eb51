"""A parent's VCF from elsewhere: which lines to believe, and where it says hom-ref.

Whole-genome VCFs list variants only, gVCFs have blocks of hom-ref, arrays list their
markers whatever the genotype. A site that no line speaks of is missing, never hom-ref.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from morula import array_markers, male_calls
from morula.sex_chromosome import Span

KEPT_KEYS = ("GT", "PL", "DP", "AD", "GQ")
# Of an embryo's array.
ARRAY_KEYS = ("GT", "BAF")
BASES = frozenset("ACGT")
# INFO tag by which the lines of a multi-allelic record, split, are known.
SPLIT_TAG = "MORULA_SPLIT"
BLOCK_ALTS = frozenset({".", "<NON_REF>", "<*>", "<X>"})


@dataclass(frozen=True, slots=True)
class Line:
    """Fields of a VCF line of one sample that matter here."""

    chrom: str
    pos_bp: int
    ref: str
    alt: str
    is_filtered: bool
    info: str
    values: dict[str, str]
    has_genotypes: bool


def parse(text: str) -> Line:
    """A Line from a VCF line with one sample and at most one ALT."""
    fields = text.rstrip("\n").split("\t")
    keys, cells = fields[8].split(":"), fields[9].split(":")
    return Line(
        chrom=fields[0],
        pos_bp=int(fields[1]),
        ref=fields[3].upper(),
        alt=fields[4].upper(),
        is_filtered=fields[6] not in ("PASS", "."),
        info=fields[7],
        values=dict(zip(keys, cells, strict=False)),
        has_genotypes="GT" in keys,
    )


def genotype_of(values: dict[str, str], is_single: bool = False) -> str:
    """GT without phase, alleles in order: 0/0, 0/1, 1/1 or ./. (also if haploid).

    is_single: the sample has one copy, given once or twice: 0/0, 1/1 or ./.
    """
    if is_single:
        return male_calls.single_genotype(values.get("GT", "."))
    alleles = sorted(values.get("GT", ".").replace("|", "/").split("/"))
    if len(alleles) != 2 or not set(alleles) <= {"0", "1"}:
        return "./."
    return "/".join(alleles)


def is_split(line: Line) -> bool:
    """Whether the line is one ALT of a record that had several: its 0/0 means that the
    sample has not this ALT, not that it has REF twice."""
    return f"{SPLIT_TAG}=" in line.info


def kept_values(values: dict[str, str], is_single: bool = False) -> dict[str, str]:
    """Those of PL, DP, AD, GQ that a biallelic record can hold, as whole numbers;
    is_single: see `genotype_of`."""
    kept = {}
    for key, n_numbers in (("PL", 3), ("DP", 1), ("AD", 2), ("GQ", 1)):
        numbers = values.get(key, ".").split(",")
        if len(numbers) == n_numbers and "." not in numbers:
            kept[key] = ",".join(str(round(float(number))) for number in numbers)
    pl = values.get("PL", ".").split(",")
    if is_single and len(pl) in (2, 3) and "." not in pl:
        whole = ",".join(str(round(float(number))) for number in pl)
        kept["PL"], quality = male_calls.single_likelihoods(whole)
        if "GQ" in kept:
            kept["GQ"] = str(quality)
    return kept


def end_of(line: Line) -> int | None:
    """Last position of a hom-ref block, or None when the line is none; the <NON_REF>
    share of a record with other ALTs is none."""
    if line.alt not in BLOCK_ALTS or is_split(line):
        return None
    for entry in line.info.split(";"):
        if entry.startswith("END="):
            return int(entry[4:])
    return line.pos_bp + len(line.ref) - 1 if line.alt == "." else None


def array_values(line: Line, genotype: str) -> dict[str, str]:
    """BAF of an array's marker as ALT fraction, where that is known.

    A multi-allelic record's markers are of another pair of alleles: none of theirs.
    """
    if is_split(line):
        return {}
    is_alt = array_markers.is_b_alt(line.ref, line.alt, line.info)
    fraction = array_markers.alt_fraction(line.values.get("BAF", "."), genotype, is_alt)
    return {} if fraction is None else {"BAF": f"{fraction:.4f}"}


@dataclass
class Tally:
    """What became of a VCF's lines."""

    lines: int = 0
    filtered: int = 0
    masked: int = 0
    wrong_ref: int = 0
    not_bases: int = 0
    kept: int = 0
    first_wrong: str = ""
    chromosomes: set[str] = field(default_factory=set)


class Importer:
    """Goes through the lines; keeps variants, and marks the panel's hom-ref sites.
    Of an array's markers it keeps the ALT fraction, too, as BAF.

    panel: position of every panel site by chromosome, int64 (L,), rising;
    reference: (chrom, start0, end0) -> bases of the FASTA, upper case.
    single: by chromosome, first and last position of which the sample has one copy.
    """

    def __init__(
        self,
        panel: dict[str, NDArray[np.int64]],
        reference: Callable[[str, int, int], str],
        single: Mapping[str, Span] | None = None,
        is_array: bool = False,
    ) -> None:
        self._panel, self._is_array = panel, is_array
        self._single = single or {}
        self._reference = reference
        self.hom_ref = {
            chrom: np.zeros(len(sites), dtype=bool) for chrom, sites in panel.items()
        }
        self.tally = Tally()

    def n_usable(self) -> int:
        """Genotypes kept, and panel sites known to be hom-ref."""
        return self.tally.kept + sum(int(mask.sum()) for mask in self.hom_ref.values())

    def take(self, text: str) -> str | None:
        """The line to keep for one line of the VCF, or None.

        METHOD: lines whose FILTER is set are taken as missing, since their genotype is
        one that the caller itself doubts.
        """
        line = parse(text)
        self.tally.lines += 1
        self.tally.chromosomes.add(line.chrom)
        if line.is_filtered:
            self.tally.filtered += 1
            return None
        start0 = line.pos_bp - 1
        bases = self._reference(line.chrom, start0, start0 + len(line.ref))
        if "N" in bases:
            # A masked reference is no sign of another build, but nothing maps there.
            self.tally.masked += 1
            return None
        if bases != line.ref:
            self.tally.wrong_ref += 1
            self.tally.first_wrong = self.tally.first_wrong or (
                f"{line.chrom}:{line.pos_bp} has REF {line.ref}, the FASTA {bases}"
            )
            return None
        first, last = self._single.get(line.chrom, (1, 0))
        is_single = first <= line.pos_bp <= last
        if self._is_array:
            line.values["GT"] = array_markers.diploid(line.values.get("GT", "."))
        genotype = genotype_of(line.values, is_single)
        end = end_of(line)
        is_variant = set(line.alt) <= BASES
        if genotype == "0/0" and (end is not None or is_variant):
            last = end if end is not None else line.pos_bp + len(line.ref) - 1
            if not is_split(line):
                self._mark(line.chrom, line.pos_bp, last)
        if end is not None or (genotype == "./." and not self._has_only_baf(line)):
            return None
        if not is_variant:
            self.tally.not_bases += 1
            return None
        self.tally.kept += 1
        return self._kept(line, genotype, is_single)

    def _mark(self, chrom: str, first: int, last: int) -> None:
        sites = self._panel[chrom]
        begin = np.searchsorted(sites, first, side="left")
        end = np.searchsorted(sites, last, side="right")
        self.hom_ref[chrom][begin:end] = True

    def _has_only_baf(self, line: Line) -> bool:
        return self._is_array and "BAF" in line.values and not line.has_genotypes

    def _kept(self, line: Line, genotype: str, is_single: bool) -> str:
        values = {"GT": genotype}
        if self._is_array:
            values |= array_values(line, genotype)
        else:
            values |= kept_values(line.values, is_single)
        fields = (line.chrom, str(line.pos_bp), ".", line.ref, line.alt)
        cell = ":".join(values.values())
        return "\t".join((*fields, ".", ".", ".", ":".join(values), cell)) + "\n"
