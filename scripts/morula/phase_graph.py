"""Haplotypes drawn from the phasing that SHAPEIT4 keeps: its binary haplotype graph.

A graph cuts a sample's chromosome into segments. In each, the sample's two haplotypes
are two of eight candidates; which pairs of candidates are possible is a mask of 64
bits (8 x first + second), and SHAPEIT4 has summed the probabilities of all pairs of
neighbouring segments' pairs over its main iterations. Following them from left to
right draws haplotypes from its posterior, where its output is one best guess.
Format: SHAPEIT4 4.2, --bingraph (gzip or plain, little-endian).

Shapes: S segments, U sites whose order or genotype is open (hets, missing), D draws.
"""

from __future__ import annotations

import gzip
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from morula.errors import InputError

Key = tuple[int, str, str]
N_CANDIDATES = 8
# Codes of a site in a graph, two bits each; 0 is hom.
MISSING, HET, SCAFFOLD = 1, 2, 3
# Transitions that SHAPEIT4 pruned in all iterations keep this weight, so that every
# pair of candidates can be left.
PRUNED = 5e-7


@dataclass(frozen=True)
class SampleGraph:
    """Graph of one sample.

    rows: int64 (U,), rows of the graph's sites; code: uint8 (U,), MISSING, HET or
    SCAFFOLD; segment: int64 (U,); candidates: uint8 (U,), bit c: candidate c of a het
    carries ALT; alt_share: float64 (U, 8), P(candidate carries ALT) of a missing site,
    0 at others; pairs: of each segment, int64 (n,), 8 x first + second; transitions:
    of each segment, float64 (n of the one before, n), up to a factor; the first (1, n).
    """

    name: str
    rows: NDArray[np.int64]
    code: NDArray[np.uint8]
    segment: NDArray[np.int64]
    candidates: NDArray[np.uint8]
    alt_share: NDArray[np.float64]
    pairs: list[NDArray[np.int64]]
    transitions: list[NDArray[np.float64]]


@dataclass(frozen=True)
class Graph:
    """sites: keys (pos_bp, ref, alt) of all sites, in order; samples by name."""

    sites: list[Key]
    samples: dict[str, SampleGraph]


class _Bytes:
    """A little-endian reader of the graph's bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.place = 0

    def number(self, form: str) -> int:
        (value,) = struct.unpack_from(f"<{form}", self.data, self.place)
        self.place += struct.calcsize(f"<{form}")
        return int(value)

    def text(self) -> str:
        length = self.number("Q")
        found = self.data[self.place : self.place + length].decode()
        self.place += length
        return found

    def array(self, count: int, dtype: str) -> NDArray:
        found = np.frombuffer(self.data, dtype, count, self.place)
        self.place += found.nbytes
        return found


def read_graph(path: str | Path) -> Graph:
    """Read a graph. Raises InputError for a file that is none."""
    data = Path(path).read_bytes()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    source = _Bytes(data)
    try:
        sites = [_site(source) for _ in range(source.number("i"))]
        samples = [_sample(source) for _ in range(source.number("i"))]
    except (struct.error, ValueError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path}: not a haplotype graph of SHAPEIT4 4.2 ({error}); expected what"
            " its --bingraph writes"
        ) from error
    if source.place != len(data):
        raise InputError(
            f"{path}: {len(data) - source.place} bytes after the last sample; expected"
            " a haplotype graph of SHAPEIT4 4.2"
        )
    return Graph(sites, {sample.name: sample for sample in samples})


def _site(source: _Bytes) -> Key:
    source.text()  # chromosome
    pos_bp = source.number("i")
    source.text()  # ID
    ref, alt = source.text(), source.text()
    source.number("i")  # its own number
    return pos_bp, ref, alt


def _sample(source: _Bytes) -> SampleGraph:
    name = source.text()
    counts = [source.number("I") for _ in range(8)]
    _, n_segments, n_sites, n_hets, n_missing, _, n_stored, n_events = counts
    halves = source.array((n_sites + 1) // 2, "u1")
    code = np.stack([halves & 3, (halves >> 4) & 3], axis=1).reshape(-1)[:n_sites]
    hets = source.array(n_hets, "u1")
    masks = source.array(n_segments, "<u8")
    lengths = source.array(n_segments, "<u2")
    n_bits = source.number("Q")
    packed = source.array((n_bits + 7) // 8, "u1")
    is_stored = np.unpackbits(packed, bitorder="little", count=n_bits).astype(bool)
    stored = source.array(n_stored, "<f4")
    missing = source.array(n_missing * N_CANDIDATES, "<f4")
    rows = np.flatnonzero(code)
    candidates = np.zeros(len(rows), dtype=np.uint8)
    candidates[code[rows] >= HET] = hets
    alt_share = np.zeros((len(rows), N_CANDIDATES))
    guesses = missing.reshape(-1, N_CANDIDATES) / max(n_events, 1)
    alt_share[code[rows] == MISSING] = np.clip(guesses, 0.0, 1.0)
    weight = np.full(n_bits, PRUNED)
    weight[is_stored] = stored
    pairs = _pairs(masks)
    return SampleGraph(
        name=name,
        rows=rows,
        code=code[rows],
        segment=np.repeat(np.arange(n_segments), lengths)[rows],
        candidates=candidates,
        alt_share=alt_share,
        pairs=pairs,
        transitions=_transitions(weight, pairs),
    )


def _pairs(masks: NDArray[np.uint64]) -> list[NDArray[np.int64]]:
    """Numbers of the bits set in each mask (S,)."""
    bits = np.unpackbits(masks.view(np.uint8), bitorder="little").reshape(-1, 64)
    return [np.flatnonzero(row) for row in bits]


def _transitions(
    weight: NDArray[np.float64], pairs: list[NDArray[np.int64]]
) -> list[NDArray[np.float64]]:
    """The long row of weights cut into one table for each segment."""
    tables, place, before = [], 0, 1
    for pair in pairs:
        after = len(pair)
        table = weight[place : place + before * after]
        tables.append(table.reshape(before, after))
        place += before * after
        before = after
    return tables


def draw_haplotypes(
    graph: SampleGraph, n_draws: int, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Alleles of both haplotypes at the open sites, uint8 (U, D, 2)."""
    chosen = np.zeros((len(graph.pairs), n_draws), dtype=np.int64)
    state = np.zeros(n_draws, dtype=np.int64)
    for number, (pair, table) in enumerate(
        zip(graph.pairs, graph.transitions, strict=True)
    ):
        cumulative = np.cumsum(table, axis=1)[state]
        point = rng.random(n_draws) * cumulative[:, -1]
        state = (cumulative <= point[:, None]).sum(axis=1).clip(max=len(pair) - 1)
        chosen[number] = pair[state]
    at_sites = chosen[graph.segment]
    alleles = np.empty((*at_sites.shape, 2), dtype=np.uint8)
    is_missing = graph.code == MISSING
    for copy, candidate in enumerate((at_sites >> 3, at_sites & 7)):
        alleles[:, :, copy] = (graph.candidates[:, None] >> candidate) & 1
        share = np.take_along_axis(
            graph.alt_share[is_missing], candidate[is_missing], axis=1
        )
        alleles[is_missing, :, copy] = rng.random(share.shape) < share
    return alleles
