"""Simulated reads have the errors, inserts, damage, origins and depth asked for."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
import pytest

from morula import fastq
from morula.simulation import reads
from morula.simulation.amplification import Molecule, Template
from morula.simulation.molecules import FragmentModel, make_pool
from morula.simulation.protocols import Protocol
from morula.simulation.quality import error_rate_limits, quality_shares
from morula.simulation.reads import ADAPTERS, CLASSES, Dna, ReadMaker, ReadModel
from morula.simulation.sequence import (
    COMPLEMENT,
    HaplotypeSequence,
    apply_alleles,
    encode,
)
from morula.simulation.streams import stream

LENGTH = 60_000
READ = 100
LOWEST_ERROR = error_rate_limits()[0]
PLAIN = Protocol(
    name="test",
    cells=1,
    dropout_rate=0.0,
    locus_dropout_rate=0.0,
    amplicon_bp=1_000.0,
    imbalance_sd=0.0,
    regional_sd=0.0,
    regional_bp=1_000.0,
    gc_slope=0.0,
    chimera_rate=0.0,
    chimera_near=0.0,
    chimera_bp=1_000.0,
    chimera_inverted=0.0,
    damage_rate=0.0,
    clonal_error_rate=0.0,
    clonal_ct=0.5,
)
LIBRARY = FragmentModel(
    insert_mean=300.0,
    insert_sd=40.0,
    duplicate_rate=0.0,
    chimera_rate=0.0,
    chimera_near=1.0,
    chimera_bp=1_000.0,
    chimera_inverted=1.0,
)


def even(n_bases: int) -> Template:
    return Template(np.array([0, n_bases]), np.ones(1))


def sequence_of(codes: np.ndarray) -> HaplotypeSequence:
    return apply_alleles(codes, np.array([], dtype=np.int64), [], [])


def dna_of(
    sequences: list[HaplotypeSequence],
    templates: list[Template],
    protocol: Protocol = PLAIN,
    n_own: int | None = None,
) -> Dna:
    """One cell with a copy of each sequence; those from `n_own` are a contaminant's."""
    own = len(sequences) if n_own is None else n_own
    molecules = [
        Molecule(0, k if k < own else k - own, int(k >= own), template)
        for k, template in enumerate(templates)
    ]
    pool = make_pool(molecules, own, sequences)
    return Dna("chr1", 1_000, pool, sequences, protocol)


def even_dna(codes: np.ndarray, protocol: Protocol = PLAIN) -> Dna:
    return dna_of([sequence_of(codes)], [even(len(codes))], protocol)


def text_of(dna: Dna, n: int, seed: int = 1, **changes) -> list[bytes]:
    """FASTQ text of both mates; changes: fields of the library and the sequencer."""
    model = ReadModel(READ, LOWEST_ERROR, 0.0)
    model = replace(model, **{k: v for k, v in changes.items() if hasattr(model, k)})
    library = {k: v for k, v in changes.items() if hasattr(LIBRARY, k)}
    maker = ReadMaker("E1", seed, model)
    texts = zip(*maker.texts(dna, replace(LIBRARY, **library), n), strict=True)
    return [b"".join(text) for text in texts]


@dataclass(frozen=True)
class Pairs:
    """Headers as dicts; codes and Phred qualities of mates, uint8 (2, n, R); start0:
    offset in the stretch of the leftmost base."""

    headers: list[dict[str, str]]
    codes: np.ndarray
    quality: np.ndarray
    start0: np.ndarray

    def of_class(self, name: str) -> np.ndarray:
        return np.array([h["class"] == name for h in self.headers])


def matrix(lines: list[bytes]) -> np.ndarray:
    return np.frombuffer(b"".join(lines), dtype=np.uint8).reshape(len(lines), -1)


def pairs_of(dna: Dna, n: int, **changes) -> Pairs:
    mates = [text.splitlines() for text in text_of(dna, n, **changes)]
    assert mates[0][::4] == mates[1][::4]
    headers = []
    for line in mates[0][::4]:
        name, *words = line.decode().split(" ")
        headers.append({"name": name} | dict(word.split("=") for word in words))
    codes = [encode(b"".join(m[1::4]).decode()).reshape(n, -1) for m in mates]
    quality = [matrix(mate[3::4]) - 33 for mate in mates]
    place = [int(h["at"].removeprefix("chr1:")) - 1 - dna.start0 for h in headers]
    return Pairs(headers, np.array(codes), np.array(quality), np.array(place))


def left_codes(genome: np.ndarray, pairs: Pairs) -> np.ndarray:
    """What stands at the reads' left ends, uint8 (n, R)."""
    length = pairs.codes.shape[2]
    return genome[pairs.start0[:, None] + np.arange(length)]


def forward_first(genome: np.ndarray, pairs: Pairs) -> np.ndarray:
    """Whether mate 1 is read from the left end, bool (n,)."""
    same = pairs.codes[:, :, :30] == left_codes(genome, pairs)[:, :30]
    return same[0].sum(axis=1) > same[1].sum(axis=1)


def oriented(genome: np.ndarray, pairs: Pairs) -> tuple[np.ndarray, np.ndarray]:
    """Reads from the left and from the right end, uint8 (n, R) each, as sequenced."""
    forward = forward_first(genome, pairs)[:, None]
    first, second = pairs.codes
    return np.where(forward, first, second), np.where(forward, second, first)


@pytest.fixture(scope="module")
def genome() -> np.ndarray:
    return stream(1, "genome").integers(0, 4, LENGTH).astype(np.uint8)


@pytest.mark.parametrize("error_rate", [0.001, 0.004, 0.012])
def test_error_rate_is_obtained_and_qualities_mean_what_they_say(error_rate):
    made = pairs_of(even_dna(encode("A" * 5_000)), 10_000, error_rate=error_rate)
    codes, quality = made.codes.reshape(-1, READ), made.quality.reshape(-1, READ)
    # A from the left end, T from the right one.
    true = np.where((codes == 3).sum(axis=1) > READ / 2, 3, 0)[:, None]
    wrong = codes != true
    sampling = 4 / np.sqrt(wrong.size * error_rate)
    assert wrong.mean() == pytest.approx(error_rate, rel=sampling)
    for phred in (11, 25, 37):
        expected = 10 ** (-phred / 10)
        among = quality == phred
        sampling = 4 / np.sqrt(among.sum() * expected)
        assert wrong[among].mean() == pytest.approx(expected, rel=sampling)
    assert quality[:, :20].mean() > quality[:, -20:].mean() + 0.3
    step = ((codes - true)[wrong] % 4).astype(int)
    share = np.bincount(step, minlength=4)[1:] / wrong.sum()
    assert share == pytest.approx(np.full(3, 1 / 3), abs=0.04)


def test_quality_shares_are_shares_up_to_the_limits():
    for rate in error_rate_limits():
        shares = quality_shares(rate, 150)
        assert (shares >= -1e-9).all()
        np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    with pytest.raises(ValueError, match="error rate"):
        quality_shares(0.05, 150)


def test_inserts_strands_and_mates(genome):
    made = pairs_of(even_dna(genome), 5_000)
    assert forward_first(genome, made).mean() == pytest.approx(0.5, abs=0.03)
    left, right = oriented(genome, made)
    assert (left != left_codes(genome, made)).mean() < 2 * LOWEST_ERROR
    whole = genome.tobytes()
    turned = COMPLEMENT[right[:, ::-1]]
    # An exact place of the right mate; reads with an error have none.
    ends = np.array([whole.find(read.tobytes()) for read in turned])
    found = ends >= 0
    assert found.mean() > 0.95
    size = ends[found] + READ - made.start0[found]
    assert size.mean() == pytest.approx(300, abs=2)
    assert size.std() == pytest.approx(40, abs=2)


def test_damage_turns_cytosine_of_one_strand_to_thymine(genome):
    made = pairs_of(even_dna(genome, replace(PLAIN, damage_rate=0.05)), 5_000)
    true = left_codes(genome, made)
    read, _ = oriented(genome, made)
    changed = read != true
    kinds = Counter(zip(true[changed].tolist(), read[changed].tolist(), strict=True))
    assert kinds[1, 3] + kinds[2, 0] > 0.98 * kinds.total()
    assert kinds[1, 3] / kinds[2, 0] == pytest.approx(1.0, abs=0.1)
    rate = changed[(true == 1) | (true == 2)].mean()
    assert rate == pytest.approx(0.025, rel=0.05)
    # A pair has the one or the other: both only by errors of the sequencer.
    ct = ((true == 1) & (read == 3)).any(axis=1)
    ga = ((true == 2) & (read == 0)).any(axis=1)
    assert (ct | ga).mean() > 0.7
    assert (ct & ga).mean() < 0.01


def test_duplicates_share_damage_but_not_errors(genome):
    dna = even_dna(genome, replace(PLAIN, damage_rate=0.2))
    made = pairs_of(dna, 8_000, duplicate_rate=0.3, error_rate=0.004)
    copies = made.of_class("duplicate")
    assert copies.mean() == pytest.approx(0.3, abs=0.02)
    originals: dict[int, list[int]] = {}
    for k in np.flatnonzero(~copies).tolist():
        originals.setdefault(int(made.start0[k]), []).append(k)
    for k in np.flatnonzero(copies)[:500].tolist():
        others = originals[int(made.start0[k])]
        changes = [(made.codes[:, k] != made.codes[:, one]).mean() for one in others]
        assert min(changes) < 0.05
    left, _ = oriented(genome, made)
    assert (left != left_codes(genome, made)).mean() > 0.04
    k = np.flatnonzero(copies)[:500]
    pairs = [(i, j) for i in k.tolist() for j in originals[int(made.start0[i])]]
    i, j = np.array(pairs).T
    changes = (made.codes[:, i] != made.codes[:, j]).mean(axis=(0, 2))
    assert changes[changes < 0.03].mean() == pytest.approx(2 * 0.004, rel=0.15)


def test_short_fragments_are_read_through_into_the_adapters(genome):
    changes = {"read_length": 150, "insert_mean": 60.0, "insert_sd": 10.0}
    made = pairs_of(even_dna(genome), 500, **changes)
    assert made.of_class("adapter").all()
    for mate, adapter in enumerate(encode(one) for one in ADAPTERS):
        beginning = adapter[:20].tobytes()
        sizes = np.array([read.tobytes().find(beginning) for read in made.codes[mate]])
        found = sizes >= 0
        assert found.mean() > 0.98
        assert sizes[found].mean() == pytest.approx(60, abs=2)
        rows = np.arange(len(sizes))[found][:, None]
        behind = made.codes[mate][rows, sizes[found][:, None] + np.arange(40)]
        assert (behind != adapter[:40]).mean() < 2 * LOWEST_ERROR
        # Behind the adapter the instrument sees no light.
        tail = made.codes[mate][found][:, -5:]
        assert (tail[sizes[found] < 80] == 2).mean() > 0.99


def test_chimeras_join_the_turned_neighbourhood(genome):
    changes = {"read_length": 50, "chimera_rate": 0.4, "chimera_bp": 500.0}
    made = pairs_of(even_dna(genome), 4_000, **changes)
    chimeras = made.of_class("chimera")
    assert chimeras.mean() == pytest.approx(0.4, abs=0.03)
    _, right = oriented(genome, made)
    whole = genome.tobytes()
    # The right end of a fragment is read backwards, that of a turned part forwards.
    backwards = np.array([whole.find(COMPLEMENT[r[::-1]].tobytes()) for r in right])
    forwards = np.array([whole.find(r.tobytes()) for r in right])
    assert (backwards[~chimeras] >= 0).mean() > 0.97
    turned = chimeras & (forwards >= 0)
    assert turned[chimeras].mean() == pytest.approx(1 - 50 / 300, abs=0.04)
    distance = np.abs(forwards - made.start0)[turned]
    assert np.median(distance) < 1_000
    assert distance.max() < 8_000


def test_clonal_errors_show_in_many_reads_of_a_place(genome):
    rate = 0.004
    protocol = replace(PLAIN, clonal_error_rate=rate, clonal_ct=0.5)
    part = genome[:10_000]
    made = pairs_of(even_dna(part, protocol), 10_000)
    left, _ = oriented(part, made)
    depth, wrong = np.zeros(len(part)), np.zeros(len(part))
    places = made.start0[:, None] + np.arange(READ)
    np.add.at(depth, places, 1)
    np.add.at(wrong, places, left != part[places])
    deep = depth >= 50
    shared = wrong[deep] / depth[deep] > 0.2
    assert shared.mean() == pytest.approx(rate, abs=4 * np.sqrt(rate / deep.sum()))


def test_depth_follows_the_amounts(genome):
    template = Template(np.array([0, 20_000, 30_000, LENGTH]), np.array([1.0, 0, 3.0]))
    made = pairs_of(dna_of([sequence_of(genome)], [template]), 20_000)
    counts, _ = np.histogram(made.start0, [0, 19_500, 20_200, 29_500, 30_200, LENGTH])
    assert counts[2] == 0
    per_base = counts[[0, 4]] / [19_500, LENGTH - 30_200 - 150]
    assert per_base[1] / per_base[0] == pytest.approx(3.0, rel=0.05)


@pytest.mark.parametrize("rate", [0.001, 0.004])
def test_indel_errors_shift_the_rest_of_a_read(genome, rate):
    made = pairs_of(even_dna(genome), 10_000, indel_error_rate=rate)
    left, _ = oriented(genome, made)
    inside = (made.start0 > 2) & (made.start0 + READ + 2 < LENGTH)
    tail = np.arange(READ - 12, READ)
    shifts = []
    for shift in (-1, 1):
        there = genome[made.start0[inside][:, None] + tail + shift]
        shifts.append((left[inside][:, tail] == there).all(axis=1).mean())
    # An event before the tail, and no other one behind it.
    expected = rate / 2 * (READ - 12) * (1 - rate) ** (READ - 1)
    assert np.array(shifts) == pytest.approx(np.full(2, expected), rel=0.15)


def test_origin_and_place_of_a_pair_are_in_its_header(genome):
    own = apply_alleles(
        genome,
        np.array([10_000, 20_000]),
        ["".join("ACGT"[c] for c in genome[10_000:10_005]), "ACGT"[genome[20_000]]],
        ["ACGT"[genome[10_000]], "ACGT"[genome[20_000]] + "ACACAC"],
    )
    other = sequence_of(stream(2, "other").integers(0, 4, LENGTH).astype(np.uint8))
    dna = dna_of([own, other], [even(LENGTH)] * 2, n_own=1)
    made = pairs_of(dna, 4_000)
    foreign = np.array([h["origin"] == "contaminant" for h in made.headers])
    assert foreign.mean() == pytest.approx(0.5, abs=0.04)
    for people, codes in ((~foreign, genome), (foreign, other.codes)):
        chosen = np.flatnonzero(people)
        some = replace(made, codes=made.codes[:, chosen], start0=made.start0[chosen])
        left, _ = oriented(codes, some)
        apart = np.abs(some.start0[:, None] - [10_000, 20_000]).min(axis=1) > READ
        same = left[apart] == left_codes(codes, some)[apart]
        assert same.mean() > 1 - 2 * LOWEST_ERROR
    first = made.headers[0]
    assert first["name"] == "@E1:000000000"
    assert (first["cell"], first["copy"], first["class"]) == ("1", "1", "plain")


def test_origins_are_counted(genome):
    maker = ReadMaker("E1", 1, ReadModel(READ, 0.004, 0.0))
    dna = dna_of([sequence_of(genome)] * 2, [even(LENGTH)] * 2, n_own=1)
    library = replace(LIBRARY, duplicate_rate=0.1, chimera_rate=0.1, insert_mean=150.0)
    kinds: Counter[tuple[str, str]] = Counter()
    for first, _ in maker.texts(dna, library, 5_000):
        for line in first.splitlines()[::4]:
            words = line.decode().split(" ")
            kinds[words[1].split("=")[1], words[4].split("=")[1]] += 1
    rows = list(maker.origin_rows())
    assert {(r["origin"], r["class"]): r["pairs"] for r in rows if r["pairs"]} == kinds
    assert sum(r["share"] for r in rows) == pytest.approx(1.0)
    assert {kind for _, kind in kinds} == set(CLASSES)


def test_bytes_depend_on_the_seed_and_not_on_the_batches(genome, monkeypatch):
    once = text_of(even_dna(genome), 2_000, duplicate_rate=0.1)
    assert text_of(even_dna(genome), 2_000, duplicate_rate=0.1) == once
    assert text_of(even_dna(genome), 2_000, duplicate_rate=0.1, seed=2) != once
    monkeypatch.setattr(reads, "PAIRS_AT_ONCE", 300)
    assert text_of(even_dna(genome), 2_000, duplicate_rate=0.1) == once


def test_fastq_is_one_for_the_chain(genome, tmp_path):
    paths = [tmp_path / "a_1.fq", tmp_path / "a_2.fq"]
    for path, text in zip(paths, text_of(even_dna(genome), 3_000), strict=True):
        path.write_bytes(text)
    fastq.check_pair(*paths, limit=None)
    names = list(fastq.read_names(paths[0], None))
    assert names == [f"E1:{k:09d}" for k in range(3_000)]


def test_unknown_bases_stay_unknown():
    codes = np.full(3_000, 4, dtype=np.uint8)
    made = pairs_of(even_dna(codes, replace(PLAIN, damage_rate=0.5)), 200)
    assert (made.codes == 4).all()
