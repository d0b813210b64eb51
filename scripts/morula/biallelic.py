"""Multi-allelic calls cut into biallelic ones, on the text fields of VCF lines.

Genotypes are numbered as in VCF: alleles a <= b have index b (b + 1) / 2 + a in PL.
A biallelic record says of every sample how many copies of its own ALT there are: all
other alleles, REF or not, count as "not this ALT".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations_with_replacement

FORMAT = "GT:PL:DP:AD:GQ"
MAX_GQ = 99
NO_READS = "./.:0,0,0:0:0,0:0"
GENOTYPES = ("0/0", "0/1", "1/1")


@dataclass(frozen=True, slots=True)
class Record:
    """One VCF line: biallelic (one ALT) or not; cells hold `keys` of every sample."""

    chrom: str
    pos_bp: int
    ref: str
    alts: tuple[str, ...]
    qual: str
    keys: tuple[str, ...]
    cells: tuple[str, ...]

    def line(self, is_panel: bool) -> str:
        """The record as a line of a VCF, with the flag PANEL or no INFO."""
        fields = (self.chrom, str(self.pos_bp), ".", self.ref, ",".join(self.alts))
        info = "PANEL" if is_panel else "."
        rest = (self.qual, ".", info, ":".join(self.keys), *self.cells)
        return "\t".join(fields + rest) + "\n"

    def is_snv(self) -> bool:
        return len(self.ref) == 1 and all(len(alt) == 1 for alt in self.alts)


def parse_line(line: str) -> Record:
    """A Record from a line of a VCF with samples; no ALT becomes no allele."""
    fields = line.rstrip("\n").split("\t")
    alts = () if fields[4] == "." else tuple(fields[4].split(","))
    keys = tuple(fields[8].split(":"))
    cells = tuple(fields[9:])
    return Record(fields[0], int(fields[1]), fields[3], alts, fields[5], keys, cells)


@lru_cache(maxsize=64)
def classes_of(n_alleles: int, allele: int) -> tuple[tuple[int, ...], ...]:
    """Places in PL of the genotypes with 0, 1 and 2 copies of `allele`."""
    classes: tuple[list[int], list[int], list[int]] = ([], [], [])
    for a, b in combinations_with_replacement(range(n_alleles), 2):
        classes[(a == allele) + (b == allele)].append(b * (b + 1) // 2 + a)
    return tuple(tuple(members) for members in classes)


def copies_of(genotype: str, allele: int) -> int | None:
    """Copies of `allele` in a GT cell; None when an allele is missing."""
    first, _, second = genotype.replace("|", "/").partition("/")
    if first in (".", "") or second in (".", ""):
        return None
    wanted = str(allele)
    return (first == wanted) + (second == wanted)


def reduce_cell(values: dict[str, str], n_alleles: int, allele: int) -> str:
    """A sample's cell in the record of one ALT (`allele` >= 1), in FORMAT's order."""
    depth = values.get("DP", "0")
    pl = values.get("PL", ".").split(",")
    if len(pl) == 1 or depth == "0":
        return NO_READS
    # METHOD: the likelihood of k copies of this ALT is that of the best genotype with
    # k copies, whatever its other alleles: a sample that is A/T has no copy of G, and
    # the record A>G says so with as much certainty as its reads give.
    numbers = [int(value) for value in pl]
    best = [
        min(numbers[i] for i in members) for members in classes_of(n_alleles, allele)
    ]
    least = min(best)
    best = [value - least for value in best]
    # METHOD: GQ is the distance to the second best genotype, without prior, so that it
    # is the same scale at hom-ref sites, where bcftools gives none.
    quality = min(sorted(best)[1], MAX_GQ)
    copies = copies_of(values["GT"], allele)
    genotype = "./." if copies is None else GENOTYPES[copies]
    counts = values["AD"].split(",")
    shown = f"{counts[0]},{counts[allele]}"
    return f"{genotype}:{best[0]},{best[1]},{best[2]}:{depth}:{shown}:{quality}"


def split(record: Record, wanted: Sequence[str] | None = None) -> Iterator[Record]:
    """A biallelic record for each ALT of `record` (of `wanted`, in that order).

    Records need GT, PL, DP and AD, except of samples without reads. QUAL is kept where
    a sample carries the ALT.
    """
    values = [
        dict(zip(record.keys, cell.split(":"), strict=False)) for cell in record.cells
    ]
    for alt in record.alts if wanted is None else wanted:
        allele = record.alts.index(alt) + 1
        n_alleles = len(record.alts) + 1
        cells = tuple(reduce_cell(value, n_alleles, allele) for value in values)
        carried = any(cell[2] == "1" for cell in cells)
        yield Record(
            chrom=record.chrom,
            pos_bp=record.pos_bp,
            ref=record.ref,
            alts=(alt,),
            qual=record.qual if carried else ".",
            keys=tuple(FORMAT.split(":")),
            cells=cells,
        )
