"""Compiled reading of uncompressed BCF records: where wanted sites are, and FORMAT
fields.

Format: https://samtools.github.io/hts-specs/VCFv4.3.pdf, section 6. A record is two
lengths (uint32), a shared block (CHROM, POS - 1, rlen, QUAL, counts, ID, alleles, ...)
and the block of samples. All is little-endian. B records, L sites, N samples.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

Buffer = NDArray[np.uint8]
Indices = NDArray[np.int64]

# Bytes before a record's ID: two lengths, CHROM, POS, rlen, QUAL, two counts each.
_CHROM_AT, _POS_AT, _COUNTS_AT, _ID_AT = 8, 12, 24, 32
_FLOAT = 5
_LONG = 15
# A float of this is missing, the next one is the end of a vector: both are NaN.
MISSING_FLOAT = 0x7F800001
# In the place of an allele: missing, or beyond the sample's copies.
MISSING, ABSENT = -1, -2


@numba.njit(cache=True, nogil=True, inline="always")
def _uint(buffer: Buffer, at: int, size: int) -> int:
    value = 0
    for byte in range(size):
        # Of uint8 and int numba would make a float.
        value |= int(buffer[at + byte]) << (8 * byte)
    return value


@numba.njit(cache=True, nogil=True, inline="always")
def _int(buffer: Buffer, at: int, size: int) -> int:
    # Genotypes have this size: nearly all that is read.
    if size == 1:
        return (int(buffer[at]) ^ 128) - 128
    value = _uint(buffer, at, size)
    return value - (1 << (8 * size)) if value >> (8 * size - 1) else value


@numba.njit(cache=True, nogil=True, inline="always")
def _size(kind: int) -> int:
    """Bytes of a value: int8, int16, int32, float and char are 1, 2, 3, 5, 7."""
    if kind == 2:
        return 2
    return 4 if kind == 3 or kind == _FLOAT else 1


@numba.njit(cache=True, nogil=True, inline="always")
def _typed(buffer: Buffer, at: int) -> tuple[int, int, int]:
    """Kind of a vector's values, their number, and where they start."""
    kind, count = _uint(buffer, at, 1) & 15, _uint(buffer, at, 1) >> 4
    at += 1
    if count == _LONG:
        size = _size(_uint(buffer, at, 1) & 15)
        count = _int(buffer, at + 1, size)
        at += 1 + size
    return kind, count, at


@numba.njit(cache=True, nogil=True, inline="always")
def _matches(buffer: Buffer, at: int, letters: Buffer, start: int, end: int) -> bool:
    """Whether the text at `at`, of a length that is known, is that of a site."""
    for letter in range(end - start):
        if buffer[at + letter] != letters[start + letter]:
            return False
    return True


@numba.njit(cache=True, nogil=True, inline="always")
def _has_alleles(
    buffer: Buffer, record: int, site: int, letters: Buffer, starts: Indices
) -> bool:
    """Whether a record has one ALT, and its alleles are those of a site."""
    if _uint(buffer, record + _COUNTS_AT + 2, 2) != 2:
        return False
    _, length, at = _typed(buffer, record + _ID_AT)
    _, n_ref, ref = _typed(buffer, at + length)
    _, n_alt, alt = _typed(buffer, ref + n_ref)
    # One by one: a slice of three would cost as much as all the rest.
    start, middle = starts[2 * site], starts[2 * site + 1]
    end = starts[2 * site + 2]
    return (
        n_ref == middle - start
        and n_alt == end - middle
        and _matches(buffer, ref, letters, start, middle)
        and _matches(buffer, alt, letters, middle, end)
    )


@numba.njit(cache=True, nogil=True, inline="always")
def _site_of(
    buffer: Buffer,
    record: int,
    first: int,
    pos_bp: Indices,
    letters: Buffer,
    starts: Indices,
) -> int:
    """The site, from `first` on, whose position and alleles a record has; -1: none."""
    pos = _int(buffer, record + _POS_AT, 4) + 1
    site = first
    while site < len(pos_bp) and pos_bp[site] == pos:
        if _has_alleles(buffer, record, site, letters, starts):
            return site
        site += 1
    return -1


@numba.njit(cache=True, nogil=True)
def find_sites(
    buffer: Buffer,
    first: int,
    pos_bp: Indices,
    letters: Buffer,
    starts: Indices,
    is_found: NDArray[np.bool_],
    found: Indices,
) -> tuple[int, int, int]:
    """Find wanted sites among the whole records of a buffer.

    first: the first site that may still come; pos_bp (L,), in order; letters: REF and
    ALT of all sites after each other; starts (2 L + 1,): where each starts; is_found
    (L,): filled; found (b, 2): filled with site and start of its record.

    Returns the bytes of whole records, the sites found, and the next `first`.
    """
    at, n_found = 0, 0
    while at + _ID_AT <= len(buffer):
        end = at + 8 + _uint(buffer, at, 4) + _uint(buffer, at + 4, 4)
        if end > len(buffer):
            break
        pos = _int(buffer, at + _POS_AT, 4) + 1
        while first < len(pos_bp) and pos_bp[first] < pos:
            first += 1
        if first < len(pos_bp) and pos_bp[first] == pos:
            site = _site_of(buffer, at, first, pos_bp, letters, starts)
            if site >= 0 and not is_found[site]:
                is_found[site] = True
                found[n_found] = site, at
                n_found += 1
        at = end
    return at, n_found, first


@numba.njit(cache=True, nogil=True, inline="always")
def _field(buffer: Buffer, record: int, key: int, n_samples: int) -> int:
    """Where the typed vector of a FORMAT field starts; -1: the record has none."""
    n_fields = _uint(buffer, record + _ID_AT - 1, 1)
    at = record + 8 + _uint(buffer, record, 4)
    for _ in range(n_fields):
        kind, _, start = _typed(buffer, at)
        name = _int(buffer, start, _size(kind))
        at = start + _size(kind)
        if name == key:
            return at
        kind, count, start = _typed(buffer, at)
        at = start + count * _size(kind) * n_samples
    return -1


@numba.njit(cache=True, nogil=True, inline="always")
def _pair(
    buffer: Buffer, record: int, key: int, out: NDArray[np.float64], site: int
) -> bool:
    """Put the two whole numbers of a field of the only sample into out[site], a missing
    one as 0; False where the record has not two, or one below 0."""
    start = _field(buffer, record, key, 1)
    if start < 0:
        return False
    kind, count, start = _typed(buffer, start)
    size = _size(kind)
    if count != 2 or kind > 3:
        return False
    for allele in range(2):
        value = _int(buffer, start + allele * size, size)
        if value == -(1 << (8 * size - 1)):
            value = 0
        if value < 0:
            return False
        out[site, allele] = value
    return True


@numba.njit(cache=True, nogil=True)
def pairs_in_order(
    buffer: Buffer,
    chrom: int,
    first: int,
    pos_bp: Indices,
    letters: Buffer,
    starts: Indices,
    key: int,
    out: NDArray[np.float64],
) -> tuple[int, int, bool]:
    """Fill out (L, 2) with a field's two numbers, of records that are the wanted sites
    of the chromosome one by one from `first` on; the sites as in `find_sites`.

    Returns the bytes of whole records, the next site, and False at a record that is
    another site, or has not two numbers.
    """
    at, site = 0, first
    while at + _ID_AT <= len(buffer):
        end = at + 8 + _uint(buffer, at, 4) + _uint(buffer, at + 4, 4)
        if end > len(buffer):
            break
        if (
            site == len(pos_bp)
            or _uint(buffer, at + _CHROM_AT, 4) != chrom
            or _int(buffer, at + _POS_AT, 4) + 1 != pos_bp[site]
            or not _has_alleles(buffer, at, site, letters, starts)
            or not _pair(buffer, at, key, out, site)
        ):
            return at, site, False
        at, site = end, site + 1
    return at, site, True


@numba.njit(cache=True, nogil=True, inline="always")
def _allele(buffer: Buffer, start: int, place: int, size: int) -> int:
    """The allele at a place of a vector; MISSING, or ABSENT beyond its end."""
    value = _int(buffer, start + place * size, size)
    return ABSENT if value == 1 - (1 << (8 * size - 1)) else (value >> 1) - 1


@numba.njit(cache=True, nogil=True)
def read_alleles(buffer: Buffer, records: Indices, key: int, n_samples: int) -> NDArray:
    """The first two alleles of every sample, int8 (B, N, 2); MISSING where a record has
    none."""
    out = np.full((len(records), n_samples, 2), MISSING, dtype=np.int8)
    for row in range(len(records)):
        start = _field(buffer, records[row], key, n_samples)
        if start < 0:
            continue
        kind, count, start = _typed(buffer, start)
        size = _size(kind)
        for sample in range(n_samples):
            for copy in range(min(count, 2)):
                place = sample * count + copy
                out[row, sample, copy] = _allele(buffer, start, place, size)
            if count == 1:
                out[row, sample, 1] = ABSENT
    return out


@numba.njit(cache=True, nogil=True)
def _fill_pairs(buffer: Buffer, start: int, out: NDArray[np.int8]) -> bool:
    """Copies of ALT of samples with two alleles of a byte each, (N,); whether all have
    them."""
    is_whole = True
    for sample in range(len(out)):
        one, other = buffer[start + 2 * sample], buffer[start + 2 * sample + 1]
        # Twice the allele and two, and one more where it is phased.
        is_whole &= 2 <= one < 128 and 2 <= other < 128
        out[sample] = (one >> 1) + (other >> 1) - 2
    return is_whole


@numba.njit(cache=True, nogil=True)
def read_copies(buffer: Buffer, records: Indices, key: int, n_samples: int) -> NDArray:
    """Copies of ALT of every sample, int8 (B, N); an only one counts twice; MISSING
    where an allele is, or a record has none."""
    out = np.full((len(records), n_samples), MISSING, dtype=np.int8)
    for row in range(len(records)):
        start = _field(buffer, records[row], key, n_samples)
        if start < 0:
            continue
        kind, count, start = _typed(buffer, start)
        size = _size(kind)
        if size == 1 and count == 2 and _fill_pairs(buffer, start, out[row]):
            continue
        for sample in range(n_samples):
            one = _allele(buffer, start, sample * count, size)
            other = one
            if count > 1:
                other = _allele(buffer, start, sample * count + 1, size)
                other = one if other == ABSENT else other
            is_whole = one >= 0 and other >= 0
            out[row, sample] = one + other if is_whole else MISSING
    return out


@numba.njit(cache=True, nogil=True)
def read_floats(
    buffer: Buffer, records: Indices, key: int, n_samples: int, width: int
) -> NDArray:
    """The first values of every sample as the bits of float32, uint32 (B, N, width);
    MISSING_FLOAT where there are fewer, or the record has none."""
    out = np.full((len(records), n_samples, width), MISSING_FLOAT, dtype=np.uint32)
    for row in range(len(records)):
        start = _field(buffer, records[row], key, n_samples)
        if start < 0:
            continue
        kind, count, start = _typed(buffer, start)
        if kind != _FLOAT:
            continue
        for sample in range(n_samples):
            for value in range(min(width, count)):
                at = start + 4 * (sample * count + value)
                out[row, sample, value] = _uint(buffer, at, 4)
    return out
