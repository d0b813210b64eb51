"""Errors that an amplicon's molecules share: rate, fractions, letters."""

from dataclasses import replace

import numpy as np
import pytest

from morula.simulation.clonal_errors import RAREST, draw_clonal_errors
from morula.simulation.protocols import ORDINARY
from morula.simulation.streams import stream

N = 400_000


def errors(rate: float, ct: float, codes: np.ndarray):
    protocol = replace(ORDINARY, name="x", clonal_error_rate=rate, clonal_ct=ct)
    sequence = np.array([0, 0, 1], dtype=np.int32)
    return draw_clonal_errors(stream(1, "test"), protocol, sequence, [codes, codes])


@pytest.fixture(scope="module")
def codes() -> np.ndarray:
    drawn = stream(1, "codes").choice(4, N, p=[0.295, 0.205, 0.205, 0.295])
    return drawn.astype(np.uint8)


def test_rate_and_fractions_are_those_of_luria_and_delbrueck(codes):
    found = errors(0.002, 0.5, codes)
    assert found.first[0] == 0
    assert found.first[-1] == len(found.offset)
    shared = found.fraction
    assert shared.min() > RAREST
    for above in (0.2, 0.5):
        expected = 3 * N * 0.002 * (1 / above - 1) / 4
        found_above = int((shared > above).sum())
        assert found_above == pytest.approx(expected, abs=4 * np.sqrt(expected))


def test_each_molecule_has_its_own_in_rising_order(codes):
    found = errors(0.002, 0.5, codes)
    parts = np.split(found.offset, found.first[1:-1])
    for part in parts:
        assert (np.diff(part) >= 0).all()
    assert len(np.intersect1d(parts[0], parts[1])) < 0.1 * len(parts[0])


def test_kinds_of_change(codes):
    plain, deaminated = (errors(0.002, ct, codes) for ct in (0.0, 1.0))
    old, new = codes[plain.offset], plain.base
    assert (old != new).all()
    steps = np.bincount((new.astype(int) - old) % 4, minlength=4)[1:]
    assert steps / steps.sum() == pytest.approx(np.full(3, 1 / 3), abs=0.02)
    pairs = zip(
        codes[deaminated.offset].tolist(), deaminated.base.tolist(), strict=True
    )
    assert set(pairs) == {(1, 3), (2, 0)}


def test_unknown_letters_and_a_rate_of_zero_have_none(codes):
    unknown = np.full(N, 4, dtype=np.uint8)
    assert len(errors(0.002, 0.5, unknown).offset) == 0
    assert len(errors(0.0, 0.5, codes).offset) == 0
