"""An embryo's array as VCF: the ALT fraction of a marker, from its BAF column.

Illumina's B allele is REF or ALT, and differs from marker to marker. A VCF tells it in
INFO/ALLELE_B: as letter (of the reference's strand, REF with an asterisk) or as number
of the allele (bcftools +gtc2vcf); otherwise the genotype tells it where it is
homozygous.
"""

from __future__ import annotations

from collections.abc import Mapping

from morula.array_signal import COPIES, FRACTION_STEPS

COPIES_OF = {"0/0": 0, "0/1": 1, "1/1": 2}


def diploid(genotype: str) -> str:
    """GT of one allele given twice: what some programs write of X is 0 or 1."""
    return f"{genotype}/{genotype}" if genotype in ("0", "1") else genotype


def is_b_alt(ref: str, alt: str, info: str) -> bool | None:
    """Whether B is ALT by INFO/ALLELE_B; None where that does not tell."""
    entries = dict(entry.partition("=")[::2] for entry in info.split(";"))
    allele = entries.get("ALLELE_B", "").rstrip("*").upper()
    if allele in ("0", ref):
        return False
    return True if allele in ("1", alt) else None


def alt_fraction(baf: str, genotype: str, is_alt: bool | None) -> float | None:
    """ALT fraction, 0 to 1, of a marker; None where BAF is missing, or it is not clear
    which allele is B, or the homozygous genotype contradicts it.

    genotype: 0/0, 0/1, 1/1 or ./. ; is_alt: see `is_b_alt`.
    """
    try:
        b = min(max(float(baf), 0.0), 1.0)
    except ValueError:
        return None
    if b != b:
        return None
    if is_alt is None:
        if genotype == "0/0":
            return min(b, 1.0 - b)
        return max(b, 1.0 - b) if genotype == "1/1" else None
    fraction = b if is_alt else 1.0 - b
    contradicts = genotype == "0/0" and fraction > 0.5
    contradicts |= genotype == "1/1" and fraction < 0.5
    return None if contradicts else fraction


def shown(values: Mapping[str, str]) -> tuple[int, int]:
    """What a marker shows, for REF and ALT, see morula.array_signal; values: GT, and
    BAF as ALT fraction where that is known.

    METHOD: a genotype that the array's own software withholds is taken as missing,
    whatever its BAF: the probe is one that failed more often than others.
    """
    fraction = values.get("BAF", ".")
    if fraction != ".":
        alt = round(float(fraction) * FRACTION_STEPS)
        return FRACTION_STEPS - alt, alt
    copies = COPIES_OF.get(values.get("GT", "."))
    return (0, 0) if copies is None else (COPIES - copies, copies)
