"""Whether two readings of a scoring file have the same rows."""

import numpy as np

from morula import scoring_rows


def words(names, numbers):
    """Words of numbers; empty where none is given."""
    return np.append(names, "")[numbers]


def assert_same_rows(found, expected):
    """Alleles and chromosomes may be numbered otherwise."""
    for names, columns in (
        ("chromosomes", ["chrom"]),
        ("alleles", ["effect", "other"]),
    ):
        for column in columns:
            pair = [
                words(getattr(r, names), getattr(r, column)) for r in (found, expected)
            ]
            np.testing.assert_array_equal(*pair, err_msg=column)
    for column in ("pos_bp", "weight", "frequency", "reason"):
        pair = getattr(found, column), getattr(expected, column)
        np.testing.assert_array_equal(*pair, err_msg=column)
    kinds = [
        [getattr(r, name).dtype.kind for name in scoring_rows.COLUMNS]
        for r in (found, expected)
    ]
    assert kinds[0] == kinds[1]
