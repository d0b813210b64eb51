"""Links by reads: what they do to votes and doubts, and a parent's whole phase."""

from __future__ import annotations

import numpy as np
import pytest

from morula import parental_phase, read_links
from morula.phase_consensus import UNKNOWN, Consensus
from morula.phase_ensemble import NOTHING, Phasings
from morula.read_links import ALONE, Links

ERROR = 0.002


def links(block: list[int], first: list[int]) -> Links:
    return Links(np.array(block), np.array(first, dtype=np.uint8))


def consensus(first: list[int], flip: list[float]) -> Consensus:
    switch = np.full(len(first), 1e-4)
    return Consensus(np.array(first, dtype=np.uint8), switch, np.array(flip))


def test_blocks_are_numbered_anew_and_single_hets_dissolved():
    found = links([900, 7, 900, 7, 5, 5], [1, 0, 1, 0, 1, 0]).only(
        np.array([True, True, True, True, True, False])
    )
    assert found.block.tolist() == [0, 1, 0, 1, ALONE, ALONE]
    assert found.first.tolist() == [1, 0, 1, 0, 0, 0]
    nothing = Links.none(3).only(np.ones(3, dtype=bool))
    assert nothing.block.tolist() == [ALONE] * 3


def test_both_wrong_is_bayes():
    # Two witnesses that say the same: both right, or both wrong.
    assert read_links.both_wrong(np.array([0.1]), 0.2)[0] == pytest.approx(
        0.1 * 0.2 / (0.1 * 0.2 + 0.9 * 0.8)
    )
    assert read_links.both_wrong(np.array([0.5]), 0.2)[0] == pytest.approx(0.2)


def test_doubt_weighs_panel_against_reads():
    block = links([0, 0, 0, 0, ALONE], [0, 1, 0, 0, 0])
    # The fourth lies otherwise than its block says; the panel is sure, or is not.
    unsure = read_links.doubt(
        consensus([1, 0, 1, 0, 0], [1e-3, 1e-3, 1e-3, 0.4, 1e-3]), block, ERROR
    )
    np.testing.assert_allclose(unsure[:3], 2e-6, rtol=0.02)
    assert unsure[3] == pytest.approx(0.003, rel=0.02)
    assert unsure[4] == 0.5
    sure = read_links.doubt(
        consensus([1, 0, 1, 0, 0], [1e-3, 1e-3, 1e-3, 1e-5, 1e-3]), block, ERROR
    )
    assert sure[3] > 0.99


def test_a_block_turns_as_a_whole():
    block = links([0, ALONE, 0, 0], [0, 0, 0, 1])
    votes = np.array(
        [[0, 1, 0, UNKNOWN], [1, 0, 1, UNKNOWN], [0, 1, 0, UNKNOWN], [0, 0, 1, 2]],
        dtype=np.uint8,
    )
    flip = np.array([0.01, 0.01, 0.01, 0.45])
    turned = read_links.oriented(votes, block, flip)
    # In the first phasing the third vote of the block is overruled; in the last no het
    # of the block says anything.
    np.testing.assert_array_equal(turned[0], [0, 1, 0, UNKNOWN])
    np.testing.assert_array_equal(turned[1], votes[1])
    np.testing.assert_array_equal(turned[2], turned[0])
    np.testing.assert_array_equal(turned[3], [1, 0, 1, UNKNOWN])


def phasings(first: np.ndarray, rng: np.random.Generator, n: int = 60) -> Phasings:
    """n phasings that agree with `first` but for their own order."""
    order = rng.integers(0, 2, n).astype(np.uint8)
    one = first[:, None] ^ order
    return Phasings(
        np.arange(len(first)),
        np.zeros(len(first), dtype=bool),
        np.stack([one, 1 - one], axis=2),
    )


def test_private_hets_and_guesses():
    """Six sites: panel, private (linked), panel, panel (missing: hom ALT), private
    (alone), panel (missing: het)."""
    rng = np.random.default_rng(2)
    keys = [(100 * i, "A", "G") for i in range(6)]
    drawn = phasings(np.array([1, 0, 0, 1], dtype=np.uint8), rng)
    is_missing = np.array([False, False, True, True])
    drawn.alleles[2] = 1
    drawn.alleles[3, :5] = 0
    drawn.alleles[3, 5:8] = NOTHING
    linked = {keys[0]: (100, 0), keys[1]: (100, 1)}
    found = parental_phase.find_phase(
        keys,
        np.array([0, 2, 3, 5]),
        Phasings(drawn.rows, is_missing, drawn.alleles),
        np.array([1, 4]),
        linked,
        ERROR,
    )
    one = found.alleles[:, 0]
    assert found.alleles[3].tolist() == [1, 1]
    assert found.alleles[[0, 1, 2, 4, 5]].sum(axis=1).tolist() == [1] * 5
    # The linked private het lies otherwise than the first; the panel's as drawn.
    assert (one[0] ^ one[1], one[0] ^ one[2], one[0] ^ one[5]) == (1, 1, 0)
    assert found.flip[1] == pytest.approx(ERROR, rel=0.1)
    assert found.flip[4] == 0.5
    assert found.flip[3] == found.switch[3] == found.switch[4] == 0.0
    assert found.flip[0] < 1e-4 < found.flip[2] < 0.01
    assert found.n_linked == 2


def test_links_mend_a_flip():
    """The panel has the third het the wrong way round in two of three phasings; reads
    link it to the second."""
    rng = np.random.default_rng(5)
    truth = np.array([0, 1, 1, 0, 1], dtype=np.uint8)
    drawn = phasings(truth, rng)
    wrong = drawn.alleles.copy()
    wrong[2, :40] ^= 1
    votes = wrong[:, :, 0]
    alone, _ = parental_phase.with_links(votes, Links.none(5), ERROR)
    assert (alone.first ^ truth).tolist() in ([0, 0, 1, 0, 0], [1, 1, 0, 1, 1])
    assert alone.flip[2] > 0.2
    linked = links([ALONE, 0, 0, ALONE, ALONE], [0, 1, 1, 0, 0])
    mended, kept = parental_phase.with_links(votes, linked, ERROR)
    assert len(np.unique(mended.first ^ truth)) == 1
    assert mended.flip[2] < 0.005
    assert mended.switch[2] < alone.switch[2] / 50
    np.testing.assert_array_equal(kept.block, linked.block)
