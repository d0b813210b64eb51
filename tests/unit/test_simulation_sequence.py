"""A haplotype's sequence against a slow string version, coordinates included."""

import numpy as np

from morula.simulation.sequence import COMPLEMENT, apply_alleles, decode, encode
from morula.simulation.streams import stream


def test_codes_round_trip_and_complement():
    assert decode(encode("ACGTNacgtnRY")) == "ACGTNACGTNNN"
    assert decode(COMPLEMENT[encode("ACGTN")]) == "TGCAN"


def slow_sequence(text, variants):
    """The text with (offset, ref, alt) applied from the right."""
    for offset, ref, alt in reversed(variants):
        assert text[offset : offset + len(ref)] == ref
        text = text[:offset] + alt + text[offset + len(ref) :]
    return text


def random_variants(rng, text):
    variants, offset = [], 0
    while offset < len(text) - 12:
        size = int(rng.integers(0, 5))
        ref = text[offset : offset + 1 + size]
        inserted = "".join(rng.choice(list("ACGT"), int(rng.integers(0, 4))))
        variants.append((offset, ref, ref[0] + inserted))
        offset += len(ref) + int(rng.integers(0, 9))
    return variants


def test_equals_string_replacement():
    rng = stream(1, "test")
    for _ in range(50):
        text = "".join(rng.choice(list("ACGT"), 200))
        variants = random_variants(rng, text)
        offsets, ref, alt = zip(*variants, strict=True)
        made = apply_alleles(encode(text), np.array(offsets), ref, alt)
        assert decode(made.codes) == slow_sequence(text, variants)
        assert made.n_skipped == 0
        # Bases behind an allele are found again at their new offset.
        behind = np.array([o + len(r) for o, r, _ in variants])
        there = made.from_reference(behind)
        changed = {o for o, _, _ in variants}
        for old, new in zip(behind.tolist(), there.tolist(), strict=True):
            if old not in changed:
                assert decode(made.codes[new : new + 1]) == text[old]


def test_overlapping_allele_is_left_out_and_counted():
    made = apply_alleles(
        encode("ACGTACGT"), np.array([1, 2, 4]), ["CGT", "G", "A"], ["C", "T", "G"]
    )
    assert decode(made.codes) == "ACGCGT"
    assert made.n_skipped == 1


def test_coordinates_never_fall_and_stay_inside():
    made = apply_alleles(encode("ACGTACGTAC"), np.array([2]), ["GTACG"], ["G"])
    offsets = made.from_reference(np.arange(11))
    assert (np.diff(offsets) >= 0).all()
    assert offsets[-1] == len(made.codes) == 6


def test_own_coordinates_lead_back_to_the_reference():
    rng = stream(2, "test")
    for _ in range(50):
        text = "".join(rng.choice(list("ACGT"), 200))
        variants = random_variants(rng, text)
        offsets, ref, alt = zip(*variants, strict=True)
        made = apply_alleles(encode(text), np.array(offsets), ref, alt)
        origin, done = [], 0
        for offset, old, new in variants:
            origin += range(done, offset)
            # Letters of ALT belong to those of REF, surplus ones to its last.
            origin += [offset + min(k, len(old) - 1) for k in range(len(new))]
            done = offset + len(old)
        origin += range(done, len(text))
        found = made.to_reference(np.arange(len(made.codes)))
        assert found.tolist() == origin
