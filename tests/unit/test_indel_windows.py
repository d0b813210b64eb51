"""The stretches in which indels are told, against their definition."""

from itertools import combinations

import numpy as np
import pytest

from morula.indel_windows import (
    MIN_APART,
    MIN_APART_ALTS,
    WIDEST_BP,
    Cluster,
    Indel,
    apart,
    clusters,
    is_counted,
)

LEFT, RIGHT = "GATTCAGCTTGCATCCGTAC", "GTCCATGATCGGTTCAGTCA"


def left_of(reference: str, indel: Indel) -> bool:
    """Whether REF is what the reference has there."""
    return reference[indel.start0 : indel.end0] == indel.ref


def shift_range(reference: str, indel: Indel) -> tuple[int, int]:
    """First and last place of the anchor at which the same haplotype can be written,
    by trying all of them."""
    whole = reference[: indel.start0] + indel.alt + reference[indel.end0 :]
    size = len(indel.alt) - len(indel.ref)
    places = []
    for anchor in range(len(reference) - abs(size)):
        head, tail = reference[: anchor + 1], reference[anchor + 1 :]
        if size < 0:
            made = [head + tail[-size:]]
        else:
            made = [head + whole[anchor + 1 : anchor + 1 + size] + tail]
        if whole in made:
            places.append(anchor)
    return places[0], places[-1]


@pytest.mark.parametrize(
    ("repeat", "ref", "alt"),
    [
        ("A" * 8, "CA", "C"),
        ("A" * 8, "C", "CAAA"),
        ("TG" * 9, "CTG", "C"),
        ("TG" * 9, "C", "CTGTG"),
        ("", "CG", "C"),
        ("", "C", "CTTAGA"),
    ],
)
def test_the_stretch_holds_all_places_of_the_indel_and_anchors(repeat, ref, alt):
    reference = LEFT + repeat + RIGHT
    indel = Indel(len(LEFT) - 1, ref, alt)
    assert left_of(reference, indel)
    (cluster,) = clusters([indel], reference)
    first, last = shift_range(reference, indel)
    deleted = max(len(ref) - len(alt), 0)
    assert cluster.start0 <= first
    assert cluster.end0 >= last + deleted + 2
    assert cluster.haplotypes[0] == reference[cluster.start0 : cluster.end0]
    whole = reference[: indel.start0] + alt + reference[indel.end0 :]
    assert cluster.haplotypes[1] in whole
    assert cluster.longest == max(map(len, cluster.haplotypes))


def check_apart(cluster: Cluster) -> None:
    ref, *others = cluster.haplotypes
    assert min(min(apart(ref, other)) for other in others) >= MIN_APART
    for one, two in combinations(others, 2):
        assert min(apart(one, two)) >= MIN_APART_ALTS


def test_random_indels_are_apart_and_their_stretches_disjoint():
    rng = np.random.default_rng(1)
    reference = "".join(rng.choice(list("ACGT"), 30_000, p=[0.4, 0.3, 0.2, 0.1]))
    indels = []
    for start0 in np.sort(rng.integers(200, 29_800, 800)).tolist():
        size = int(rng.geometric(0.4))
        ref, alt = reference[start0], reference[start0]
        if rng.random() < 0.5:
            ref = reference[start0 : start0 + 1 + size]
        else:
            alt += "".join(rng.choice(list("ACGT"), size))
        indels.append(Indel(start0, ref, alt))
    found = clusters(indels, reference)
    told = [indel for cluster in found for indel in cluster.indels]
    assert len(told) == len(set(told))
    assert len(told) > 0.8 * len(set(indels))
    assert sum(len(cluster.indels) > 1 for cluster in found) > 50
    for cluster in found:
        check_apart(cluster)
        assert cluster.end0 - cluster.start0 <= WIDEST_BP
    for one, two in zip(found, found[1:], strict=False):
        assert one.end0 <= two.start0


def test_neighbours_are_told_together_with_both_on_one_haplotype():
    reference = LEFT + RIGHT
    one, two = Indel(18, "AC", "A"), Indel(22, reference[22], reference[22] + "TT")
    (cluster,) = clusters([one, two], reference)
    assert cluster.carried == ((), (0,), (1,), (0, 1))
    check_apart(cluster)


def test_alleles_of_one_place_are_told_together_and_never_both():
    reference = LEFT + "A" * 9 + RIGHT
    alts = [Indel(19, "C", "CA"), Indel(19, "CA", "C"), Indel(19, "CAA", "C")]
    (cluster,) = clusters(alts, reference)
    assert len(cluster.haplotypes) == 4
    check_apart(cluster)


def test_one_base_lost_before_or_behind_an_interruption():
    reference = LEFT + "AAAAAGAAAA" + RIGHT
    both = [Indel(19, "CA", "C"), Indel(25, "GA", "G")]
    (cluster,) = clusters(both, reference)
    assert set(cluster.carried) >= {(0,), (1,)}
    check_apart(cluster)


def test_what_cannot_be_told_is_left_out():
    # Two ALTs of one length, that differ in a base; and a repeat without end.
    reference = LEFT + "A" * 9 + RIGHT
    assert clusters([Indel(19, "C", "CA"), Indel(19, "C", "CT")], reference) == []
    assert clusters([Indel(19, "C", "CA")], LEFT + "A" * 200 + RIGHT) == []
    assert clusters([Indel(1, "A", "AC")], "GA") == []
    assert clusters([Indel(19, "C", "CG")], LEFT + "N" * 60) == []


@pytest.mark.parametrize(
    ("ref", "alt", "expected"),
    [
        ("A", "AT", True),
        ("AT", "A", True),
        ("A", "T", False),
        ("AT", "GC", False),
        ("A", "<DEL>", False),
        ("A", "A" + "C" * 51, False),
        ("A", "*", False),
        ("AN", "A", False),
    ],
)
def test_which_alleles_are_counted(ref, alt, expected):
    assert is_counted(ref, alt) is expected
