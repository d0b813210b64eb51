"""Checks and text form of a reference panel's records.

Shapes: N samples. Genotypes of a record are the array of cyvcf2: int (N, 3), two
alleles (-1 missing, -2 absent) and a phase flag.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from morula.errors import InputError

# "0|0", "0|1", "1|0", "1|1" with the tab before them, by 2 * first + second.
_GENOTYPE_TEXT = np.array([b"\t0|0", b"\t0|1", b"\t1|0", b"\t1|1"], dtype="S4")

# What cyvcf2 gives in the place of an allele that a shorter genotype has not.
ABSENT = -2
# A REF that differs from the FASTA at one site in a hundred cannot be chance; in the
# wrong build three sites in four differ.
_MAX_WRONG_REF = 0.01
_ENOUGH_SITES = 100


@dataclass
class Tally:
    """What became of the panel's alleles: kept, or dropped and why."""

    kept: int = 0
    snvs: int = 0
    multiallelic_positions: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    first_wrong_ref: str = ""

    def wrong_ref(self, what: str) -> None:
        """Count a REF that is not the FASTA's; raises InputError as soon as they are
        too many for a panel of this build."""
        self.first_wrong_ref = self.first_wrong_ref or what
        self.dropped["REF is not the FASTA's"] += 1
        seen = self.kept + self.dropped.total()
        if seen >= _ENOUGH_SITES:
            self.check_ref()

    def check_ref(self) -> None:
        """Raise InputError when more than 1 % of the alleles have another REF than the
        FASTA."""
        wrong = self.dropped["REF is not the FASTA's"]
        seen = self.kept + self.dropped.total()
        if wrong > _MAX_WRONG_REF * seen:
            raise InputError(
                f"{self.first_wrong_ref}; so it is at {wrong} of the first {seen}"
                " alleles: panel and FASTA are of two builds, or the contig is another"
            )

    def line(self) -> str:
        """One log line."""
        drops = ", ".join(f"{why}: {n}" for why, n in sorted(self.dropped.items()))
        return (
            f"kept={self.kept} snvs={self.snvs} others={self.kept - self.snvs}"
            f" positions_with_several_alleles={self.multiallelic_positions}"
            f" dropped={self.dropped.total()} ({drops or 'nothing'})"
            + (f" first: {self.first_wrong_ref}" if self.first_wrong_ref else "")
        )


@dataclass(frozen=True)
class Allele:
    """One biallelic record; genotypes int (N, 3)."""

    pos_bp: int
    ref: str
    alt: str
    genotypes: NDArray[np.int16]

    def is_snv(self) -> bool:
        return len(self.ref) == len(self.alt) == 1


def is_plain(allele: str) -> bool:
    """Whether an allele is of A, C, G, T only (not symbolic, `*`, N, a breakend)."""
    return bool(allele) and not allele.strip("ACGT")


def pairs(genotypes: NDArray[np.int16]) -> NDArray[np.int16]:
    """Genotypes of cyvcf2 as (N, 3), where every sample has one allele, too."""
    if genotypes.shape[1] != 2:
        return genotypes
    return np.insert(genotypes, 1, ABSENT, axis=1)


def check_genotypes(
    allele: Allele, where: str, samples: Sequence[str], may_be_single: bool = False
) -> None:
    """Raise InputError at the first sample whose genotype is missing, is not diploid,
    or is heterozygous and not phased (a homozygous one has no phase).

    may_be_single: at this site males have one copy, and may be given so.
    """
    first, second = allele.genotypes[:, 0], allele.genotypes[:, 1]
    bad = (first < 0) | ((second < 0) & ~(may_be_single & (second == ABSENT)))
    word = "is missing or not diploid"
    if not bad.any():
        bad = (second >= 0) & (first != second) & (allele.genotypes[:, 2] == 0)
        word = "is not phased"
    if bad.any():
        sample = samples[int(np.argmax(bad))]
        raise InputError(
            f"{where}: the genotype of {sample} {word}; expected a panel of phased"
            " diploid genotypes without gaps (phase and impute it first)"
        )


def record_text(chrom: str, allele: Allele) -> bytes:
    """VCF line with ID chrom:pos:ref:alt, INFO AC, AN, AF and phased GT.

    METHOD: one copy is written as two, since SHAPEIT4 wants pairs, and counted once.
    """
    first, second = allele.genotypes[:, 0], allele.genotypes[:, 1]
    is_single = second == ABSENT
    codes = 2 * first + np.where(is_single, first, second)
    total = 2 * len(codes) - int(is_single.sum())
    count = int(first.sum() + second[~is_single].sum())
    name = f"{chrom}:{allele.pos_bp}:{allele.ref}:{allele.alt}"
    head = (
        f"{chrom}\t{allele.pos_bp}\t{name}\t{allele.ref}\t{allele.alt}\t.\t.\t"
        f"AC={count};AN={total};AF={count / total:.6g}\tGT"
    )
    genotypes: bytes = _GENOTYPE_TEXT[codes].tobytes()
    return head.encode() + genotypes + b"\n"


def header_text(contigs: dict[str, int], samples: Sequence[str]) -> bytes:
    """VCF header with the FASTA's contigs."""
    lines = ["##fileformat=VCFv4.2"]
    lines += [f"##contig=<ID={name},length={n}>" for name, n in contigs.items()]
    lines += [
        '##INFO=<ID=AC,Number=A,Type=Integer,Description="ALT alleles in the panel">',
        '##INFO=<ID=AN,Number=1,Type=Integer,Description="Alleles in the panel">',
        '##INFO=<ID=AF,Number=A,Type=Float,Description="ALT frequency in the panel">',
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="Phased genotype">',
        "\t".join(
            "#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT".split() + list(samples)
        ),
    ]
    return "".join(line + "\n" for line in lines).encode()


def by_position(alleles: Iterator[Allele], tally: Tally) -> Iterator[list[Allele]]:
    """Alleles of each position, sorted by REF and ALT, exact repeats dropped.

    METHOD: of records with the same position, REF and ALT the first is kept. Raises
    InputError when positions fall.
    """
    group: list[Allele] = []
    for allele in alleles:
        if group and allele.pos_bp != group[0].pos_bp:
            if allele.pos_bp < group[0].pos_bp:
                raise InputError(
                    f"position {allele.pos_bp} comes after {group[0].pos_bp}; expected"
                    " a panel sorted by position (bcftools sort)"
                )
            yield close_group(group, tally)
            group = []
        if any((a.ref, a.alt) == (allele.ref, allele.alt) for a in group):
            tally.dropped["repeated"] += 1
            continue
        group.append(allele)
    if group:
        yield close_group(group, tally)


def close_group(group: list[Allele], tally: Tally) -> list[Allele]:
    """Sort and count the alleles of one position."""
    tally.kept += len(group)
    tally.snvs += sum(allele.is_snv() for allele in group)
    tally.multiallelic_positions += len(group) > 1
    return sorted(group, key=lambda allele: (allele.ref, allele.alt))


def snv_line(chrom: str, group: Sequence[Allele]) -> str:
    """Line of the sites file of `bcftools call -C alleles`: all SNVs of a position in
    one line, since call takes one line a position; empty when there is none."""
    snvs = [allele for allele in group if allele.is_snv()]
    if not snvs:
        return ""
    alleles = ",".join([snvs[0].ref, *(allele.alt for allele in snvs)])
    return f"{chrom}\t{snvs[0].pos_bp}\t{alleles}\n"
