"""Simulated reads have the errors, inserts, damage and depth that were asked for."""

import numpy as np
import pytest

from morula.simulation.amplification import Template, ordinary
from morula.simulation.molecules import Molecules, join_molecules
from morula.simulation.reads import (
    ReadMaker,
    ReadModel,
    error_rate_limits,
    fastq_records,
    quality_shares,
    simulate_fastq,
)
from morula.simulation.sequence import (
    COMPLEMENT,
    HaplotypeSequence,
    apply_alleles,
    encode,
)
from morula.simulation.streams import stream

LENGTH = 60_000


def model(**changes) -> ReadModel:
    values = {
        "read_length": 100,
        "insert_mean": 300.0,
        "insert_sd": 40.0,
        "error_rate": 0.004,
        "damage_rate": 0.0,
    }
    return ReadModel(**(values | changes))


def sequence_of(codes: np.ndarray) -> HaplotypeSequence:
    return apply_alleles(codes, np.array([], dtype=np.int64), [], [])


def even_molecules(codes: np.ndarray) -> Molecules:
    return join_molecules([(sequence_of(codes), ordinary(len(codes)))])


@pytest.fixture
def genome() -> np.ndarray:
    return stream(1, "genome").integers(0, 4, LENGTH).astype(np.uint8)


@pytest.mark.parametrize("error_rate", [0.001, 0.004, 0.012])
def test_error_rate_is_obtained_and_qualities_mean_what_they_say(error_rate):
    asked = model(error_rate=error_rate)
    maker = ReadMaker(stream(2, "reads"), asked, even_molecules(encode("A" * 1000)))
    codes = np.zeros((20_000, 100), dtype=np.uint8)
    quality = maker.sequence(codes)
    wrong = codes != 0
    sampling = 4 / np.sqrt(wrong.size * error_rate)
    assert wrong.mean() == pytest.approx(error_rate, rel=sampling)
    for phred in (11, 25, 37):
        expected = 10 ** (-phred / 10)
        among = quality == phred + 33
        sampling = 4 / np.sqrt(among.sum() * expected)
        assert wrong[among].mean() == pytest.approx(expected, rel=sampling)
    assert quality[:, :20].mean() > quality[:, -20:].mean() + 0.3
    counts = np.bincount(codes[wrong], minlength=4)[1:]
    assert counts / counts.sum() == pytest.approx(np.full(3, 1 / 3), abs=0.03)


def test_quality_shares_are_shares_up_to_the_limits():
    for rate in error_rate_limits():
        shares = quality_shares(rate, 150)
        assert (shares >= -1e-9).all()
        np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    with pytest.raises(ValueError, match="error rate"):
        quality_shares(0.05, 150)


def test_inserts_strands_and_mates(genome):
    maker = ReadMaker(stream(3, "reads"), model(), even_molecules(genome))
    start, size = maker.fragments(20_000)
    assert size.mean() == pytest.approx(300, abs=1)
    assert size.std() == pytest.approx(40, abs=1)
    assert (start >= 0).all()
    assert (start + size <= LENGTH).all()
    first, second = maker.pairs(start, size)
    left = genome[start[:, None] + np.arange(100)]
    right = COMPLEMENT[genome[(start + size - 1)[:, None] - np.arange(100)]]
    forward = (first == left).all(axis=1)
    assert forward.mean() == pytest.approx(0.5, abs=0.02)
    np.testing.assert_array_equal(second[forward], right[forward])
    np.testing.assert_array_equal(first[~forward], right[~forward])
    np.testing.assert_array_equal(second[~forward], left[~forward])


def test_damage_turns_cytosine_of_one_strand_to_thymine(genome):
    damaged = model(damage_rate=0.02)
    maker = ReadMaker(stream(4, "reads"), damaged, even_molecules(genome))
    start, size = maker.fragments(10_000)
    first, _ = maker.pairs(start, size)
    left = genome[start[:, None] + np.arange(100)]
    forward = (first != left).mean(axis=1) < 0.3
    true, read = left[forward], first[forward]
    changed = true != read
    kinds = set(zip(true[changed].tolist(), read[changed].tolist(), strict=True))
    assert kinds == {(1, 3), (2, 0)}
    rate = changed[(true == 1) | (true == 2)].mean()
    assert rate == pytest.approx(0.01, rel=0.1)
    ct = (changed & (true == 1)).any(axis=1)
    ga = (changed & (true == 2)).any(axis=1)
    assert not (ct & ga).any()


def test_depth_follows_the_amounts(genome):
    template = Template(np.array([0, 20_000, 30_000, LENGTH]), np.array([1.0, 0, 3.0]))
    molecules = join_molecules([(sequence_of(genome), template)])
    start, _ = ReadMaker(stream(5, "reads"), model(), molecules).fragments(50_000)
    counts, _ = np.histogram(start, [0, 20_000, 30_000, LENGTH - 400])
    assert counts[1] == 0
    per_base = counts[[0, 2]] / [20_000, 30_000 - 400]
    assert per_base[1] / per_base[0] == pytest.approx(3.0, rel=0.05)


def test_no_fragment_joins_two_sequences(genome):
    even = ordinary(len(genome))
    other = sequence_of(np.full(5_000, 4, dtype=np.uint8))
    molecules = join_molecules([(sequence_of(genome), even), (other, ordinary(5_000))])
    maker = ReadMaker(stream(6, "reads"), model(), molecules)
    start, size = maker.fragments(20_000)
    assert not ((start < LENGTH) & (start + size > LENGTH)).any()


def test_fastq_text():
    codes = np.array([encode("ACGTN"), encode("TTTTT")])
    quality = np.full((2, 5), ord("F"), dtype=np.uint8)
    assert fastq_records("E1", 99, codes, quality) == (
        b"@E1:000000099\nACGTN\n+\nFFFFF\n@E1:000000100\nTTTTT\n+\nFFFFF\n"
    )


def test_fastq_has_the_asked_pairs_with_rising_names(genome):
    maker = ReadMaker(stream(7, "reads"), model(), even_molecules(genome))
    batches = list(simulate_fastq(maker, "E1", 20_000))
    mates = [b"".join(texts).splitlines() for texts in zip(*batches, strict=True)]
    names = mates[0][::4]
    assert names == mates[1][::4]
    assert names == sorted(set(names))
    assert len(names) == pytest.approx(20_000, rel=0.01)
