"""Checks of one file each, quick: its start, its header, its end; never the whole.

Every check raises InputError with the file, what was found, what was expected and what
to do; `morula.input_checks` adds the cell or the key that names the file.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import pysam

from morula import alignment_input, contigs, sex_chromosome
from morula.errors import InputError
from morula.fastq import read_names

RECORDS_LOOKED_AT = 5
# Last bytes of a complete BGZF file (SAM specification, 4.1.2) and of a complete CRAM
# (CRAM 3.1 specification, section 9: EOF container of version 3 and of version 2.1).
BGZF_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
CRAM_ENDS = (
    bytes.fromhex(
        "0f000000ffffffff0fe0454f4600000000010005bdd94f0001000606010001000100ee63014b"
    ),
    bytes.fromhex("0b000000ffffffff0fe0454f460000000001000001000606010001000100"),
)


def check_there(path: str) -> None:
    """An ordinary file, readable, not empty."""
    file = Path(path)
    if not file.exists():
        raise InputError(
            f"{path}: no such file; correct the path (it is relative to the"
            " working directory)"
        )
    if not file.is_file():
        raise InputError(f"{path}: not a file; expected a file")
    if not os.access(file, os.R_OK):
        raise InputError(f"{path}: may not be read; change its permissions")
    if file.stat().st_size == 0:
        raise InputError(f"{path}: empty; copy it again")


def check_end(path: str) -> None:
    """A file of BGZF blocks, or a CRAM, has its end mark; others are not judged."""
    with Path(path).open("rb") as handle:
        start = handle.read(18)
        handle.seek(0, os.SEEK_END)
        handle.seek(max(0, handle.tell() - 64))
        last = handle.read()
    is_bgzf = start[:4] == b"\x1f\x8b\x08\x04" and start[12:14] == b"BC"
    ends = (BGZF_END,) if is_bgzf else CRAM_ENDS if start[:4] == b"CRAM" else ()
    if ends and not last.endswith(ends):
        raise InputError(f"{path}: truncated (its end mark is missing); copy it again")


def check_fastq(path: str) -> None:
    """The first record is FASTQ."""
    check_there(path)
    check_end(path)
    if next(_first_names(path), None) is None:
        raise InputError(f"{path}: no reads; take its row out or copy the file again")


def check_mates(fq1: str, fq2: str) -> None:
    """Both files begin with the same read."""
    first, second = next(_first_names(fq1)), next(_first_names(fq2))
    if first != second:
        raise InputError(
            f"{fq1} begins with read {first!r}, {fq2} with {second!r}; expected mates"
            " in the same order: correct fq1 and fq2"
        )


def _first_names(path: str) -> Iterator[str]:
    try:
        yield from read_names(path, 1)
    except (EOFError, zlib.error, gzip.BadGzipFile, UnicodeDecodeError) as error:
        raise InputError(
            f"{path}: not FASTQ, or damaged at its start ({error}); copy it again"
        ) from None


def check_bam(
    path: str,
    reference: Mapping[str, Mapping[str, str]],
    chromosomes: Sequence[str],
) -> None:
    """BAM or CRAM of this reference, of one sample, complete."""
    check_there(path)
    check_end(path)
    with quiet_htslib():
        found = alignment_input.read_contigs(path)
        for chrom in chromosomes:
            if chrom not in found:
                fix = (
                    "expected reads aligned to reference.fasta: give their FASTQ files"
                )
                raise InputError(f"{path}: {contigs.absent(chrom, found, fix)}")
        alignment_input.check_contigs(path, reference, chromosomes)
        with pysam.AlignmentFile(path, check_sq=False) as reader:
            groups = reader.header.to_dict().get("RG", [])
    names = sorted({group["SM"] for group in groups if group.get("SM")})
    if len(names) > 1:
        raise InputError(
            f"{path}: reads of {len(names)} samples ({', '.join(names[:5])}); expected"
            " one sample a file: split it (samtools split)"
        )


def check_vcf(
    path: str,
    sample: str,
    lengths: Mapping[str, int],
    chromosomes: Sequence[str],
    is_array: bool = False,
) -> None:
    """VCF or BCF with genotypes of the sample on all chromosomes, of this reference;
    of an array BAF is as good."""
    check_there(path)
    check_end(path)
    with opened_vcf(path) as reader:
        samples = list(reader.header.samples)
        if sample not in samples and len(samples) != 1:
            shown = ", ".join(samples[:10]) or "none"
            raise InputError(
                f"{path}: no sample {sample!r}; found {shown}; expected that name, or"
                " one sample only: rename it (bcftools reheader -s)"
            )
        found_keys = set(reader.header.formats)
        if "GT" not in found_keys and not (is_array and "BAF" in found_keys):
            wanted = "called ones, or BAF" if is_array else "called ones"
            raise InputError(f"{path}: no genotypes (FORMAT GT); expected {wanted}")
        found = _contigs_and_first_records(reader)[0]
        for chrom in chromosomes:
            if chrom not in found or _is_indexed_empty(reader, chrom):
                fix = (
                    "expected genotypes on each: rename contigs (bcftools annotate"
                    " --rename-chrs), or shorten reference.chromosomes"
                )
                raise InputError(f"{path}: {contigs.absent(chrom, found, fix)}")
    contigs.check_lengths(path, found, lengths, chromosomes)


def check_panel(path: str, chrom: str, lengths: Mapping[str, int]) -> list[str]:
    """Names of the panel's samples; phased genotypes on `chrom`, of this reference."""
    check_there(path)
    check_end(path)
    with opened_vcf(path) as reader:
        samples = list(reader.header.samples)
        if not samples:
            raise InputError(f"{path}: no samples; expected phased genotypes")
        found, records = _contigs_and_first_records(reader)
        fix = (
            "expected the panel's file of that chromosome: rename its contigs (bcftools"
            " annotate --rename-chrs) or shorten reference.chromosomes"
        )
        if chrom not in found or _is_indexed_empty(reader, chrom):
            raise InputError(f"{path}: {contigs.absent(chrom, found, fix)}")
        seen = dict.fromkeys(record.chrom for record in records)
        if chrom not in seen and reader.index is None:
            raise InputError(f"{path}: {contigs.absent(chrom, seen, fix)}")
        for record in records:
            _check_phased(path, record)
    contigs.check_lengths(path, found, lengths, [chrom])
    return samples


def _check_phased(path: str, record: pysam.VariantRecord) -> None:
    for name, call in record.samples.items():
        alleles = call.allele_indices or ()
        word = ""
        if len(alleles) == 1 and sex_chromosome.is_x(record.chrom):
            continue
        if len(alleles) != 2 or None in alleles:
            word = "is missing or not diploid"
        elif alleles[0] != alleles[1] and not call.phased:
            word = "is not phased"
        if word:
            raise InputError(
                f"{path}: {record.chrom}:{record.pos}: the genotype of {name} {word};"
                " expected a panel of phased diploid genotypes without gaps (phase and"
                " impute it first)"
            )


def _contigs_and_first_records(
    reader: pysam.VariantFile,
) -> tuple[dict[str, int | None], list[pysam.VariantRecord]]:
    """Length of each contig that the header or the first records name; the records."""
    records = list(islice(reader, RECORDS_LOOKED_AT))
    header = reader.header.contigs
    found = {str(name): contig.length for name, contig in header.items()}
    return found | {r.chrom: found.get(r.chrom) for r in records}, records


def _is_indexed_empty(reader: pysam.VariantFile, chrom: str) -> bool:
    """Whether an index says that there is nothing on `chrom`."""
    if reader.index is None:
        return False
    try:
        return next(iter(reader.fetch(chrom)), None) is None
    except ValueError:
        return True


def check_map(path: str, chrom: str) -> None:
    """Rows of four columns, of `chrom`; reads until the first such row."""
    check_there(path)
    found: dict[str, None] = {}
    with Path(path).open(errors="replace") as handle:
        for line, text in enumerate(handle, start=1):
            cells = text.split()
            if not cells or text.startswith("#"):
                continue
            if len(cells) != 4:
                raise InputError(
                    f"{path}, line {line}: {len(cells)} columns; expected 4 without a"
                    " header (chromosome, id, cM, bp: PLINK format)"
                )
            if cells[0] == chrom:
                return
            found[cells[0]] = None
    fix = "expected rows of it: rename the chromosome in the map"
    raise InputError(f"{path}: {contigs.absent(chrom, found, fix)}")


@contextmanager
def opened_vcf(path: str) -> Iterator[pysam.VariantFile]:
    """A VCF or BCF to read; InputError for another or a damaged file."""
    with quiet_htslib():
        try:
            with pysam.VariantFile(path) as reader:
                yield reader
        except (ValueError, OSError) as error:
            raise InputError(f"{path}: not VCF or BCF, or damaged ({error})") from None


@contextmanager
def quiet_htslib() -> Iterator[None]:
    """Without htslib's own lines on stderr: ours say more."""
    before = pysam.set_verbosity(0)
    try:
        yield
    finally:
        pysam.set_verbosity(before)
