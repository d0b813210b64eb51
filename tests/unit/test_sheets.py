"""Sheets as people and spreadsheets write them: taken, or refused by line and cell."""

import pytest

from morula.errors import InputError
from morula.sheets import NAME, read_sheet

SCHEMA = {
    "required": ["family", "sample", "role"],
    "properties": {
        "family": {"type": "string", "pattern": NAME, "maxLength": 64},
        "sample": {"type": "string", "pattern": NAME, "maxLength": 64},
        "role": {"enum": ["mother", "father", "embryo", "child"]},
        "sex": {"enum": ["female", "male", "unknown"], "default": "unknown"},
        "cells": {"type": "integer", "minimum": 1, "maximum": 1000},
        "share": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
        "path": {"type": "string"},
    },
}
HEADER = "family\tsample\trole"


def read(tmp_path, content: str | bytes):
    path = tmp_path / "s.tsv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_sheet(path, SCHEMA, "samples")


def cells(tmp_path, content, *columns):
    return [tuple(r.cells[c] for c in columns) for r in read(tmp_path, content)]


@pytest.mark.parametrize(
    "content",
    [
        "family\tsample\trole\nF\tM\tmother\nF\tE\tembryo\n",
        "family,sample,role\nF,M,mother\nF,E,embryo\n",
        "family;sample;role\nF;M;mother\nF;E;embryo\n",
        "\ufefffamily\tsample\trole\r\nF\tM\tmother\r\nF\tE\tembryo\r\n",
        "family\tsample\trole\rF\tM\tmother\rF\tE\tembryo\r",
        'family,sample,role\n"F","M","mother"\n"F",E,"embryo"\n',
        " family \tsample\trole\nF \t M\tmother \nF\tE\tembryo",
        "family\tsample\trole\t\t\nF\tM\tmother\t\t\nF\tE\tembryo\t\t\n\t\t\n\n",
        "# us\nfamily\tsample\trole\n\n# them\nF\tM\tmother\n  \nF\tE\tembryo\n",
        "role\tfamily\tsample\tsex\nmother\tF\tM\nembryo\tF\tE\t \n",
    ],
    ids=[
        *("tabs", "commas", "semicolons", "byte-order mark and CRLF", "old Mac"),
        *("quotes", "blanks", "trailing tabs", "comments", "any order"),
    ],
)
def test_ways_to_write_the_same_sheet(tmp_path, content):
    found = cells(tmp_path, content, "family", "sample", "role", "sex", "cells")
    expected = [("F", "M", "mother"), ("F", "E", "embryo")]
    assert found == [(*row, "unknown", None) for row in expected]


def test_lines_are_those_of_the_file(tmp_path):
    text = f"# a comment\n{HEADER}\n\nF\tM\tmother\n# another\nF\tE\tembryo\n"
    assert [row.line for row in read(tmp_path, text)] == [4, 6]


def test_numbers_and_quoted_delimiters(tmp_path):
    text = 'family,sample,role,cells,share,path\nF,E,embryo,5,0.25,"a,b ""c"".fq"\n'
    assert cells(tmp_path, text, "cells", "share", "path") == [(5, 0.25, 'a,b "c".fq')]
    assert isinstance(read(tmp_path, text)[0].cells["cells"], int)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", ["empty"]),
        ("# only\n\n", ["empty"]),
        (f"{HEADER}\n", ["no rows"]),
        (
            "family\tsmaple\trole\nF\tM\tmother\n",
            ["line 1", "unknown column 'smaple'", "'sample'?", "no column 'sample'"],
        ),
        ("family\tsample\nF\tM\n", ["line 1", "no column 'role'"]),
        (
            f"{HEADER}\trole\nF\tM\tmother\tmother\n",
            ["line 1", "'role' is there twice"],
        ),
        ("family\t\tsample\trole\nF\t\tM\tmother\n", ["column 2 has no name"]),
        ("family sample role\nF M mother\n", ["line 1", "spaces", "tabs"]),
        (f"{HEADER}\nF\tM\tmother\tx\n", ["line 2", "4 cells; expected 3"]),
        (f"{HEADER}\nF\t \tmother\n", ["line 2, sample", "empty"]),
        (f"{HEADER}\nF\tM\n", ["line 2, role", "empty"]),
        (f"{HEADER}\nF\tM\tmohter\n", ["line 2, role", "'mohter'", "mean 'mother'?"]),
        (f"{HEADER}\nF\tM\tMother\n", ["line 2, role", "'Mother'", "mean 'mother'?"]),
        (f"{HEADER}\nF\tM 1\tmother\n", ["line 2, sample", "'M 1'", "letters"]),
        (f"{HEADER}\nF\t-M\tmother\n", ["line 2, sample", "'-M'"]),
        (f"{HEADER}\nF\t../M\tmother\n", ["line 2, sample", "'../M'"]),
        (f"{HEADER}\nF\tM\u00fc\tmother\n", ["line 2, sample"]),
        (f"{HEADER}\nF\t{'M' * 65}\tmother\n", ["line 2, sample", "at most 64"]),
        (f"{HEADER}\tcells\nF\tM\tembryo\t0\n", ["line 2, cells", "at least 1"]),
        (f"{HEADER}\tcells\nF\tM\tembryo\tfew\n", ["line 2, cells", "whole number"]),
        (f"{HEADER}\tcells\nF\tM\tembryo\t2.5\n", ["line 2, cells", "whole number"]),
        (f"{HEADER}\tshare\nF\tM\tembryo\t0,5\n", ["line 2, share", "a number"]),
        (f"{HEADER}\tshare\nF\tM\tembryo\tnan\n", ["line 2, share", "above 0"]),
        (f"{HEADER}\tshare\nF\tM\tembryo\t1\n", ["line 2, share", "below 1"]),
        (f'{HEADER}\nF\t"M\tmother\nF\tE\tembryo\n', ["line 2", "quotes"]),
        (f'{HEADER}\tpath\nF\tM\tmother\t"a\nb"\n', ["line 2, path", "line break"]),
        (f"{HEADER}\nF\tM\xfc\tmother\n".encode("latin-1"), ["line 2", "UTF-8"]),
        (f"{HEADER}\nF\tM\tmother\n".encode("utf-16"), ["UTF-8"]),
        (b"PK\x03\x04 workbook", ["Excel workbook"]),
    ],
)
def test_refused(tmp_path, content, words):
    with pytest.raises(InputError) as caught:
        read(tmp_path, content)
    for word in [str(tmp_path / "s.tsv"), *words]:
        assert word in str(caught.value)


def test_all_mistakes_are_told_at_once(tmp_path):
    with pytest.raises(InputError, match=r"(?s)2 mistakes:.*line 2, role.*line 4, sam"):
        read(tmp_path, f"{HEADER}\nF\tM\tmom\nF\tP\tfather\nF\tE 1\tembryo\n")


def test_missing_sheet_names_the_key(tmp_path):
    with pytest.raises(InputError, match=r"none\.tsv: no such file.*'units'"):
        read_sheet(tmp_path / "none.tsv", SCHEMA, "units")
