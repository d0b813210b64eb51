"""Compiled reading of a scoring file whose every row is plain.

A row is plain if it has all its cells, in ASCII; a position in digits, or none; alleles
of A, C, G and T, or no other allele; weight and frequency as ordinary decimal numbers.
At the first row that is not, reading ends: morula.scoring_file then reads the whole
file, and says what is wrong where something is.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

Text = NDArray[np.uint8]
Cells = NDArray[np.int64]

# What a column of the table is to its row; OTHER_TOO is read where OTHER is empty. The
# two alleles follow each other, and so do the two numbers.
IGNORED, CHROM, POS, EFFECT, OTHER, WEIGHT, FREQUENCY, OTHER_TOO = range(8)
N_ROLES = 8

# Numbers of alleles besides 0 to 3.
NONE, LONGER, NOT_PLAIN = -1, 4, -2
# A name of a chromosome is packed into the bytes of an int64.
LONGEST_NAME = 7
LONGEST_POSITION = 10
# METHOD: of a decimal number with a mantissa below 2^53 and a power of ten up to 22
# both are exact in float64, so that one product or quotient rounds once, as it should
# (Clinger 1990). All others are left to Python.
EXACT_MANTISSA = 2**53
EXACT_POWER = 22
POWERS = np.array([float(f"1e{power}") for power in range(EXACT_POWER + 1)])
_TAB, _NEWLINE, _RETURN, _SPACE = 9, 10, 13, 32

# How a number was read.
READ, INEXACT, NO_NUMBER = range(3)


@numba.njit(cache=True, nogil=True, inline="always")
def _digit(byte: int) -> int:
    return byte - 48 if 48 <= byte <= 57 else -1


@numba.njit(cache=True, nogil=True)
def _exponent(text: Text, start: int, end: int) -> tuple[int, bool]:
    """The power of ten written after `e`, and whether it is one."""
    sign = 1
    if start < end and text[start] in (43, 45):
        sign = 44 - text[start]
        start += 1
    value, is_plain = 0, 0 < end - start <= 3
    for at in range(start, end):
        digit = _digit(text[at])
        is_plain = is_plain and digit >= 0
        value = 10 * value + digit
    return sign * value, is_plain


@numba.njit(cache=True, nogil=True)
def number(text: Text, start: int, end: int) -> tuple[float, int]:
    """A decimal number, and how it was read: READ (rightly rounded), INEXACT (it is
    one, but not its value), NO_NUMBER."""
    sign, power, mantissa, n_digits = 1.0, 0, 0, 0
    has_point = False
    at = start
    if at < end and text[at] in (43, 45):
        sign = 44.0 - text[at]
        at += 1
    while at < end:
        digit = _digit(text[at])
        if digit >= 0:
            n_digits += 1
            power -= 1 if has_point else 0
            # Beyond: INEXACT whatever follows.
            if mantissa < EXACT_MANTISSA:
                mantissa = 10 * mantissa + digit
        elif text[at] == 46 and not has_point:
            has_point = True
        else:
            break
        at += 1
    if n_digits == 0:
        return 0.0, NO_NUMBER
    if at < end:
        if text[at] not in (69, 101):
            return 0.0, NO_NUMBER
        more, is_plain = _exponent(text, at + 1, end)
        if not is_plain:
            return 0.0, NO_NUMBER
        power += more
    if mantissa >= EXACT_MANTISSA or abs(power) > EXACT_POWER:
        return 0.0, INEXACT
    scale = POWERS[abs(power)]
    return sign * (mantissa / scale if power < 0 else mantissa * scale), READ


@numba.njit(cache=True, nogil=True)
def _position(text: Text, start: int, end: int) -> int:
    """A position; 0 if there is none, NOT_PLAIN where it is no positive number."""
    if end - start > LONGEST_POSITION:
        return NOT_PLAIN
    value = 0
    for at in range(start, end):
        digit = _digit(text[at])
        if digit < 0:
            return NOT_PLAIN
        value = 10 * value + digit
    return NOT_PLAIN if value == 0 and end > start else value


@numba.njit(cache=True, nogil=True)
def _allele(text: Text, start: int, end: int) -> int:
    """0 to 3, NONE, LONGER or NOT_PLAIN."""
    base = NONE
    for at in range(start, end):
        # Upper and lower case differ in one bit.
        byte = text[at] & 0xDF
        if byte == 65:
            base = 0
        elif byte == 67:
            base = 1
        elif byte == 71:
            base = 2
        elif byte == 84:
            base = 3
        else:
            return NOT_PLAIN
    return base if end - start < 2 else LONGER


@numba.njit(cache=True, nogil=True)
def _name(text: Text, start: int, end: int) -> int:
    """The bytes of a chromosome's name as one number, 0 for none, or NOT_PLAIN."""
    if end - start > LONGEST_NAME:
        return NOT_PLAIN
    packed = 0
    for at in range(start, end):
        if text[at] <= _SPACE:
            return NOT_PLAIN
        packed = (packed << 8) | text[at]
    return packed


@numba.njit(cache=True, nogil=True)
def cut(text: Text, start: int, roles: Text, cells: Cells) -> int:
    """Cut the line at `start`, which ends with a newline: cells (N_ROLES, 2) get start
    and end of each role's.

    Returns where the next line starts; NOT_PLAIN where it has not as many cells as
    `roles`, or a byte beyond ASCII.
    """
    column, begin, at = 0, start, start
    while True:
        # What most of a file is: there is no other end to look for before a newline.
        while _SPACE <= text[at] < 128:
            at += 1
        byte = text[at]
        if byte >= 128:
            return NOT_PLAIN
        if byte == _TAB or byte == _NEWLINE:
            if column == len(roles):
                return NOT_PLAIN
            cells[roles[column], 0] = begin
            cells[roles[column], 1] = at
            column += 1
            begin = at + 1
            if byte == _NEWLINE:
                break
        at += 1
    last = cells[roles[len(roles) - 1]]
    if last[1] > last[0] and text[last[1] - 1] == _RETURN:
        last[1] -= 1
    return at + 1 if column == len(roles) else NOT_PLAIN


@numba.njit(cache=True, nogil=True)
def scan(
    text: Text,
    start: int,
    roles: Text,
    places: Cells,
    alleles: NDArray[np.int32],
    numbers: NDArray[np.float64],
    later: Cells,
) -> tuple[int, int]:
    """Read all rows of a text that ends with a newline, from `start` on.

    Filled are, by row: places (n, 2): packed name of the chromosome (0: none) and
    position (0: none); alleles (n, 2): effect and other, 0 to 3, NONE or LONGER;
    numbers (n, 2): weight and frequency (NaN: none). later (m, 4): row, column of
    `alleles` (0, 1) or, plus 2, of `numbers`, start and end of each cell that is LONGER
    or INEXACT.

    Returns rows and cells of `later`; NOT_PLAIN for the rows where one is not plain.
    """
    # Columns that the file lacks have empty cells.
    cells = np.zeros((N_ROLES, 2), dtype=np.int64)
    row, n_later, at = 0, 0, start
    while at < len(text):
        at = cut(text, at, roles, cells)
        if at == NOT_PLAIN:
            return NOT_PLAIN, 0
        places[row, 0] = _name(text, cells[CHROM, 0], cells[CHROM, 1])
        places[row, 1] = _position(text, cells[POS, 0], cells[POS, 1])
        if cells[OTHER, 0] == cells[OTHER, 1]:
            cells[OTHER] = cells[OTHER_TOO]
        for which in range(2):
            begin, end = cells[EFFECT + which, 0], cells[EFFECT + which, 1]
            alleles[row, which] = _allele(text, begin, end)
            if alleles[row, which] == LONGER:
                later[n_later] = row, which, begin, end
                n_later += 1
            begin, end = cells[WEIGHT + which, 0], cells[WEIGHT + which, 1]
            numbers[row, which], how = number(text, begin, end)
            if how == INEXACT:
                later[n_later] = row, 2 + which, begin, end
                n_later += 1
            elif how == NO_NUMBER:
                if which == 0 or begin < end:
                    return NOT_PLAIN, 0
                numbers[row, which] = np.nan
        # There must be an effect allele; the other one may be NONE.
        if alleles[row, 0] < 0 or alleles[row, 1] < NONE or places[row].min() < 0:
            return NOT_PLAIN, 0
        row += 1
    return row, n_later
