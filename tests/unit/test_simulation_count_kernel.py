"""The counting kernel against a slow pileup of every fragment's reads, base by base."""

from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest

from morula.simulation.amplification import Molecule, Template
from morula.simulation.count_kernel import (
    SHORTEST_ALIGNED_BP,
    Library,
    _overlapped,
    count_fragments,
)
from morula.simulation.fragments import Fragments
from morula.simulation.molecules import FragmentModel, draw_fragments, make_pool
from morula.simulation.streams import stream

SPAN = 4_000
READ = 100
MODEL = FragmentModel(180.0, 70.0, 0.1, 0.2, 0.7, 200.0, 0.5)
N_SEQUENCES = 2


def library(seed: int, **changes: object) -> Library:
    """Loci at a third of the bases, quality 30 everywhere, no errors of any kind."""
    rng = stream(seed, "library")
    offset = np.flatnonzero(rng.random(SPAN) < 0.3).astype(np.int64)
    n = len(offset)
    bases = rng.integers(0, 5, (n, N_SEQUENCES)).astype(np.uint8)
    made = Library(
        offset=offset,
        span=np.zeros((n, 2), dtype=np.int64),
        bases=bases,
        is_snv=rng.random(n) < 0.9,
        indel_error=0.0,
        sequence=np.arange(N_SEQUENCES, dtype=np.int32),
        first=np.zeros(N_SEQUENCES + 1, dtype=np.int64),
        error_locus=np.zeros(0, dtype=np.int64),
        error_base=np.zeros(0, dtype=np.uint8),
        error_fraction=np.zeros(0),
        bins=np.ones((READ, 1)),
        wrong=np.zeros(1),
        phred=np.array([30], dtype=np.int64),
        read_length=READ,
        min_quality=20,
        damage=0.0,
    )
    return made._replace(**changes)


def fragments(seed: int, n: int = 400) -> Fragments:
    even = Template(np.array([0, SPAN]), np.ones(1))
    pool = make_pool([Molecule(0, k, 0, even) for k in range(N_SEQUENCES)], 2)
    return draw_fragments(stream(seed, "fragments"), pool, MODEL, n)


def count(made: Library, found: Fragments, seed: int = 1) -> tuple[np.ndarray, int]:
    tally = np.zeros((len(made.offset), 4, 3), dtype=np.int32)
    bases, wrong = count_fragments(
        made,
        (found.molecule, found.second_molecule),
        (found.start, found.second_start),
        found.size,
        found.join,
        found.second_reverse,
        found.bottom,
        found.duplicate_of >= 0,
        stream(seed, "kernel"),
        tally,
    )
    assert bases == tally[:, :, :2].sum()
    return tally, wrong


def slow_reads(found: Fragments, i: int):
    """For each mate and part: (molecule, [offset in the reference of each base], is it
    reverse), of the parts that an aligner would place."""
    size, join = int(found.size[i]), int(found.join[i])
    line = [(0, int(found.start[i]) + k) for k in range(join)]
    rest = [(1, int(found.second_start[i]) + k) for k in range(size - join)]
    line += rest[::-1] if found.second_reverse[i] else rest
    reach = min(READ, size)
    for mate, bases in enumerate((line[:reach], line[size - reach :])):
        for part in (0, 1):
            offsets = [offset for which, offset in bases if which == part]
            if len(offsets) < SHORTEST_ALIGNED_BP:
                continue
            turned = part == 1 and bool(found.second_reverse[i])
            molecule = (found.molecule, found.second_molecule)[part][i]
            yield (i, part), int(molecule), offsets, (mate == 1) != turned


def slow_count(made: Library, found: Fragments) -> dict[tuple[int, int], list[int]]:
    """(locus, base) -> [reads on one strand, reads over two mates, forward ones of
    those on one strand]."""
    locus_of = {int(offset): k for k, offset in enumerate(made.offset)}
    strands = defaultdict(list)
    for i in np.flatnonzero(found.duplicate_of < 0).tolist():
        for key, molecule, offsets, is_reverse in slow_reads(found, i):
            for offset in offsets:
                locus = locus_of.get(offset)
                if locus is not None and made.bases[locus, molecule] < 4:
                    base = int(made.bases[locus, molecule])
                    strands[(key, locus, base)].append(is_reverse)
    counts: dict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0, 0])
    for (_, locus, base), seen in strands.items():
        cell = counts[(locus, base)]
        cell[len(seen) - 1] += 1
        cell[2] += len(seen) == 1 and not seen[0]
    return counts


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_counts_are_those_of_a_slow_pileup(seed):
    made, found = library(seed), fragments(seed)
    short = found.size < READ
    assert short.sum() > 20
    assert found.is_chimera.sum() > 40
    tally, wrong = count(made, found)
    expected = slow_count(made, found)
    assert wrong == 0
    total = tally[:, :, :2].sum(axis=2)
    assert total.sum() == sum(a + b for a, b, _ in expected.values())
    for (locus, base), (single, double, forward) in expected.items():
        assert total[locus, base] == single + double
        assert tally[locus, base, 2] == 30 * single + 60 * double
        assert forward <= tally[locus, base, 0] <= forward + double


def test_reads_of_low_quality_are_left_out_unless_mates_agree():
    found = fragments(4)
    made = library(4, phred=np.array([11], dtype=np.int64))
    made = made._replace(is_snv=np.ones(len(made.offset), dtype=bool))
    tally, _ = count(made, found)
    doubles = sum(double for _, double, _ in slow_count(made, found).values())
    assert doubles > 100
    assert tally[:, :, :2].sum() == doubles
    assert tally[:, :, 2].sum() == 22 * doubles


@pytest.mark.parametrize(
    ("one", "two", "expected"),
    [
        ((1, 37), (1, 25), (1, 62)),
        ((1, 37), (2, 25), (1, 29)),
        ((1, 11), (2, 25), (2, 20)),
        ((1, 25), (2, 25), (1, 20)),
    ],
)
def test_mates_over_one_base(one, two, expected):
    assert _overlapped(one, two) == expected


def test_clonal_errors_have_their_share_of_the_fragments():
    even = np.zeros((SPAN, N_SEQUENCES), dtype=np.uint8)
    made = library(5)._replace(
        offset=np.arange(SPAN, dtype=np.int64),
        span=np.zeros((SPAN, 2), dtype=np.int64),
        bases=even,
        is_snv=np.ones(SPAN, dtype=bool),
        first=np.array([0, 2, 3], dtype=np.int64),
        error_locus=np.array([1_000, 2_000, 3_000], dtype=np.int64),
        error_base=np.array([3, 2, 1], dtype=np.uint8),
        error_fraction=np.array([0.3, 1.0, 0.5]),
    )
    tally, wrong = count(made, fragments(5, 60_000))
    seen = tally[:, :, :2].sum(axis=2)
    share = seen / seen.sum(axis=1, keepdims=True)
    # Each of the two molecules has half of the fragments.
    assert share[1_000, 3] == pytest.approx(0.15, abs=0.02)
    assert share[2_000, 2] == pytest.approx(0.5, abs=0.03)
    assert share[3_000, 1] == pytest.approx(0.25, abs=0.03)
    assert wrong == seen[:, 1:].sum()
    assert np.count_nonzero(seen[:, 1:]) == 3


def test_damage_turns_cytosine_of_the_fragment_s_strand_only():
    made = library(6)._replace(
        bases=np.tile(np.arange(4, dtype=np.uint8), (SPAN, 1)),
        offset=np.arange(SPAN, dtype=np.int64),
        span=np.zeros((SPAN, 2), dtype=np.int64),
        is_snv=np.ones(SPAN, dtype=bool),
        sequence=np.array([1, 2], dtype=np.int32),
        damage=0.1,
    )
    for bottom in (False, True):
        found = fragments(6, 5_000)
        found = replace(
            found,
            bottom=np.full(5_000, bottom),
            second_reverse=np.zeros(5_000, dtype=bool),
        )
        tally, _ = count(made, found)
        seen = tally[:, :, :2].sum(axis=(0, 2))
        if bottom:
            assert seen[3] == 0
            assert seen[0] / (seen[0] + seen[2]) == pytest.approx(0.1, abs=0.005)
        else:
            assert seen[0] == 0
            assert seen[3] / (seen[3] + seen[1]) == pytest.approx(0.1, abs=0.005)
    # A part that is joined turned round is damaged on the other strand.
    turned = replace(
        found,
        bottom=np.zeros(5_000, dtype=bool),
        second_reverse=np.ones(5_000, dtype=bool),
    )
    tally, _ = count(made, turned)
    seen = tally[:, :, :2].sum(axis=(0, 2))
    assert seen[0] > 0
    assert seen[3] > seen[0]


def test_sequencing_errors_go_by_the_bins_to_all_other_bases():
    made = library(7)._replace(
        offset=np.arange(SPAN, dtype=np.int64),
        span=np.zeros((SPAN, 2), dtype=np.int64),
        bases=np.zeros((SPAN, N_SEQUENCES), dtype=np.uint8),
        is_snv=np.ones(SPAN, dtype=bool),
        bins=np.tile([0.25, 1.0], (READ, 1)),
        wrong=np.array([0.08, 0.01]),
        phred=np.array([25, 37], dtype=np.int64),
    )
    found = replace(fragments(7, 4_000), size=np.full(4_000, 2 * READ, dtype=np.int64))
    found = replace(found, join=found.size)
    tally, wrong = count(made, found)
    seen = tally[:, :, :2].sum(axis=(0, 2))
    expected = 0.25 * 0.08 + 0.75 * 0.01
    assert wrong / seen.sum() == pytest.approx(expected, rel=0.03)
    assert seen[1:] / seen[1:].sum() == pytest.approx(np.full(3, 1 / 3), abs=0.02)
    mean = tally[:, :, 2].sum() / seen.sum()
    assert mean == pytest.approx(0.25 * 25 + 0.75 * 37, abs=0.05)
