"""Reading and drawing from SHAPEIT4's haplotype graphs, written here byte by byte."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from morula import phase_graph
from morula.errors import InputError

SITES = [(100, "A", "G"), (200, "C", "T"), (300, "G", "GA"), (400, "T", "C")]
# het, missing | hom ALT, het: two segments.
CODES = [2, 1, 12, 2]
HETS = [0b00001111, 0b01010101]
PAIRS = [[8 * 0 + 4, 8 * 4 + 0], [8 * 1 + 2, 8 * 2 + 1]]
EVENTS = 5


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value)) + value.encode()


def graph_bytes(stored: dict[int, float]) -> bytes:
    """A graph of one sample; stored: weights of the transitions that are kept, of the
    two starts (0, 1) and of the four steps from one to the other segment (2 to 5)."""
    out = struct.pack("<i", len(SITES))
    for number, (pos_bp, ref, alt) in enumerate(SITES):
        out += text("chr1") + struct.pack("<i", pos_bp) + text(".")
        out += text(ref) + text(alt) + struct.pack("<i", number)
    out += struct.pack("<i", 1) + text("M1")
    out += struct.pack("<8I", 0, 2, len(SITES), 2, 1, 6, len(stored), EVENTS)
    out += bytes([CODES[0] | CODES[1] << 4, CODES[2] | CODES[3] << 4])
    out += bytes(HETS)
    for pairs in PAIRS:
        out += struct.pack("<Q", sum(1 << pair for pair in pairs))
    out += struct.pack("<2H", 2, 2)
    out += struct.pack("<Q", 6) + bytes([sum(1 << place for place in stored)])
    out += struct.pack(f"<{len(stored)}f", *stored.values())
    # Of the missing site: candidate 0 carries ALT surely, 4 never.
    return out + struct.pack("<8f", EVENTS, 0, 0, 0, 0, 0, 0, 0)


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "x.graph"


STORED = {0: 3.0, 1: 1.0, 2: 1.5, 4: 0.5, 5: 0.5}


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_read(path, pack):
    path.write_bytes(pack(graph_bytes(STORED)))
    graph = phase_graph.read_graph(path)
    assert graph.sites == SITES
    sample = graph.samples["M1"]
    assert sample.rows.tolist() == [0, 1, 3]
    assert sample.code.tolist() == [2, 1, 2]
    assert sample.segment.tolist() == [0, 0, 1]
    assert [pairs.tolist() for pairs in sample.pairs] == [sorted(p) for p in PAIRS]
    first, second = sample.transitions
    np.testing.assert_allclose(first, [[3, 1]])
    np.testing.assert_allclose(second, [[1.5, phase_graph.PRUNED], [0.5, 0.5]])


def test_draws_follow_the_transitions(path):
    path.write_bytes(graph_bytes(STORED))
    sample = phase_graph.read_graph(path).samples["M1"]
    n = 40_000
    drawn = phase_graph.draw_haplotypes(sample, n, np.random.default_rng(1))
    assert drawn.shape == (3, n, 2)
    # A het's haplotypes differ; candidates 0 to 3 of the first carry ALT.
    assert (drawn[[0, 2]].sum(axis=2) == 1).all()
    started = drawn[0, :, 0] == 1
    assert started.mean() == pytest.approx(0.75, abs=0.01)
    # From the pair 0, 4 only 1, 2 can follow: haplotype 1 shows candidate 1's REF.
    assert (drawn[2, started, 0] == 0).mean() > 0.999
    assert drawn[2, ~started, 0].mean() == pytest.approx(0.5, abs=0.02)
    # The missing site is ALT on the haplotype of candidate 0, and on that alone.
    np.testing.assert_array_equal(drawn[1, :, 0], started)
    np.testing.assert_array_equal(drawn[1, :, 1], ~started)
    again = phase_graph.draw_haplotypes(sample, n, np.random.default_rng(1))
    np.testing.assert_array_equal(again, drawn)


@pytest.mark.parametrize(
    ("cut", "words"), [(slice(0, -3), "not a haplotype graph"), (slice(0, 40), "not")]
)
def test_half_a_file(path, cut, words):
    path.write_bytes(graph_bytes(STORED)[cut])
    with pytest.raises(InputError, match=words):
        phase_graph.read_graph(path)


def test_more_than_a_graph(path):
    path.write_bytes(graph_bytes(STORED) + b"abc")
    with pytest.raises(InputError, match="3 bytes after the last sample"):
        phase_graph.read_graph(path)
