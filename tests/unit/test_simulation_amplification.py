"""The amplification that is asked for is the one obtained."""

import numpy as np
import pytest

from morula.simulation.amplification import (
    Amplification,
    Template,
    allele_loss,
    amplify,
    ordinary,
    shares,
)
from morula.simulation.streams import stream

SPAN = 40_000_000


def amounts_at(template: Template, offsets: np.ndarray) -> np.ndarray:
    return template.amounts[np.searchsorted(template.edges, offsets, side="right") - 1]


@pytest.mark.parametrize("rate", [0.05, 0.2, 0.4])
def test_dropout_rate_and_locus_dropout(rate):
    rng = stream(1, "test", str(rate))
    asked = Amplification(dropout_rate=rate, amplicon_bp=2_000, shape=2.0)
    offsets = np.arange(0, SPAN, 500)
    a, b = (amounts_at(amplify(rng, SPAN, asked), offsets) > 0 for _ in range(2))
    obtained = (a ^ b).sum() / (a | b).sum()
    assert obtained == pytest.approx(rate, abs=0.01)
    assert (~a & ~b).mean() == pytest.approx(allele_loss(rate) ** 2, abs=0.006)


def test_amplicon_lengths_are_exponential_and_amounts_gamma():
    asked = Amplification(dropout_rate=0.0, amplicon_bp=2_000, shape=2.0)
    template = amplify(stream(2, "test"), SPAN, asked)
    lengths = np.diff(template.edges)
    assert template.edges[0] == 0
    assert template.edges[-1] == SPAN
    assert (lengths > 0).all()
    assert lengths.mean() == pytest.approx(2_000, rel=0.03)
    assert lengths.std() == pytest.approx(2_000, rel=0.05)
    assert template.amounts.mean() == pytest.approx(1.0, rel=0.03)
    assert template.amounts.var() == pytest.approx(0.5, rel=0.06)


def test_short_stretch_has_one_amplicon():
    asked = Amplification(dropout_rate=0.0, amplicon_bp=1e9, shape=2.0)
    assert amplify(stream(3, "test"), 100, asked).edges.tolist() == [0, 100]


def test_shares_of_a_small_example():
    maternal = Template(np.array([0, 10, 30]), np.array([3.0, 0.0]))
    paternal = Template(np.array([0, 20, 30]), np.array([1.0, 0.0]))
    assert shares(maternal, paternal) == [
        (0, 10, 0.75, 2.0),
        (10, 20, 0.0, 0.5),
        (20, 30, None, 0.0),
    ]
    assert shares(ordinary(5), ordinary(5)) == [(0, 5, 0.5, 1.0)]
