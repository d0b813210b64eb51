"""Which allele of an array's marker is B, and what the marker shows."""

from __future__ import annotations

import pytest

from morula import array_markers


@pytest.mark.parametrize(
    ("info", "is_alt"),
    [
        ("AC=0;ALLELE_A=T;ALLELE_B=C*;AN=2", False),
        ("ALLELE_A=C*;ALLELE_B=T", True),
        ("ALLELE_B=1", True),
        ("ALLELE_A=1;ALLELE_B=0", False),
        # The other strand's letters tell nothing.
        ("ALLELE_A=A;ALLELE_B=G", None),
        (".", None),
        ("ALLELE_B", None),
    ],
)
def test_which_allele_is_b(info, is_alt):
    assert array_markers.is_b_alt("C", "T", info) is is_alt


@pytest.mark.parametrize(
    ("baf", "genotype", "is_alt", "fraction"),
    [
        ("0.9", "0/1", True, 0.9),
        ("0.9", "0/1", False, 0.1),
        ("1", "0/0", False, 0.0),
        ("1.2", "1/1", True, 1.0),
        # Not told which is B: by a homozygous genotype.
        ("0.97", "0/0", None, 0.03),
        ("0.03", "1/1", None, 0.97),
        ("0.4", "0/1", None, None),
        # Nobody can tell which of the two is right.
        ("0.9", "0/0", True, None),
        ("0.1", "1/1", True, None),
        (".", "0/1", True, None),
        ("nan", "0/1", True, None),
    ],
)
def test_alt_fraction(baf, genotype, is_alt, fraction):
    found = array_markers.alt_fraction(baf, genotype, is_alt)
    assert found == (None if fraction is None else pytest.approx(fraction))


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ({"GT": "0/1", "BAF": "0.42"}, (29, 21)),
        ({"GT": "0/0", "BAF": "0.004"}, (50, 0)),
        ({"GT": "./.", "BAF": "1"}, (0, 50)),
        ({"GT": "0/1", "BAF": "."}, (1, 1)),
        ({"GT": "1/1"}, (0, 2)),
        ({"GT": "0/0"}, (2, 0)),
        ({"GT": "./."}, (0, 0)),
    ],
)
def test_what_a_marker_shows(values, shown):
    assert array_markers.shown(values) == shown


def test_haploid_calls_of_x():
    assert [array_markers.diploid(gt) for gt in ("1", "0", "0/1", ".")] == [
        *("1/1", "0/0", "0/1", ".")
    ]
