"""Fragments follow the molecules' amounts; lengths, joins and copies are as asked."""

from dataclasses import replace

import numpy as np
import pytest

from morula.simulation.amplification import Molecule, Template
from morula.simulation.fragments import Fragments
from morula.simulation.molecules import (
    FRAGMENTS_AT_ONCE,
    SHORTEST_BP,
    FragmentModel,
    Pool,
    batches,
    draw_fragments,
    fragment_model,
    make_pool,
)
from morula.simulation.protocols import ORDINARY
from morula.simulation.sequence import apply_alleles, encode
from morula.simulation.streams import stream

SPAN = 100_000
MODEL = FragmentModel(300.0, 40.0, 0.0, 0.0, 0.0, 300.0, 0.85)


def even(span: int = SPAN, amount: float = 1.0) -> Template:
    return Template(np.array([0, span]), np.array([amount]))


def pool_of(*templates: Template) -> Pool:
    """A molecule of one cell for each template."""
    return make_pool([Molecule(0, k, 0, t) for k, t in enumerate(templates)], 9)


def draw(pool: Pool, n: int, seed: int = 1, **changes: float) -> Fragments:
    return draw_fragments(stream(seed, "test"), pool, replace(MODEL, **changes), n)


class TestPool:
    def test_amplicons_lie_molecule_by_molecule(self):
        first = Template(np.array([0, 10, 30]), np.array([1.0, 2.0]))
        pool = make_pool(
            [
                Molecule(0, 0, 0, first),
                Molecule(1, 0, 0, even(30, 0.5)),
                Molecule(0, 1, 1, even(30)),
            ],
            n_own_copies=2,
        )
        assert pool.first_amplicon.tolist() == [0, 2, 3, 4]
        assert pool.cumulated.tolist() == [10.0, 50.0, 65.0, 95.0]
        assert pool.weight == 95.0
        assert pool.length.tolist() == [30, 30, 30]
        assert pool.molecule_of(np.arange(4)).tolist() == [0, 0, 1, 2]
        # Cells share a copy's letters; the contaminant's are numbered behind.
        assert pool.sequence.tolist() == [0, 0, 3]
        assert pool.origin.tolist() == [0, 0, 1]

    def test_indels_shift_the_amplicons(self):
        reference = encode("ACGTACGTAC")
        offsets = np.array([3], dtype=np.int64)
        longer = apply_alleles(reference, offsets, ["T"], ["TGGG"])
        template = Template(np.array([0, 5, 10]), np.array([1.0, 1.0]))
        pool = make_pool([Molecule(0, 0, 0, template)], 1, [longer])
        assert pool.start.tolist() == [0, 8]
        assert pool.end.tolist() == [8, 13]
        assert pool.length.tolist() == [13]

    def test_an_empty_pool_gives_no_fragments(self):
        with pytest.raises(ValueError, match="no template is left"):
            draw(pool_of(even(amount=0.0)), 10)


class TestFragments:
    def test_sizes_strands_and_mates(self):
        found = draw(pool_of(even()), 50_000)
        assert found.size.mean() == pytest.approx(300, abs=1)
        assert found.size.std() == pytest.approx(40, abs=1)
        assert (found.start >= 0).all()
        assert (found.start + found.size <= SPAN).all()
        assert found.bottom.mean() == pytest.approx(0.5, abs=0.01)
        assert found.swap.mean() == pytest.approx(0.5, abs=0.01)
        assert not found.is_chimera.any()
        assert (found.duplicate_of == -1).all()

    def test_none_is_shorter_than_the_shortest_or_longer_than_its_molecule(self):
        assert draw(pool_of(even()), 5_000, insert_mean=20.0).size.min() == SHORTEST_BP
        short = draw(pool_of(even(200)), 5_000)
        assert short.size.max() == 200
        assert (short.start + short.size <= 200).all()

    def test_depth_follows_the_amounts(self):
        edges = np.array([0, 20_000, 50_000, SPAN])
        pool = pool_of(Template(edges, np.array([1.0, 0.0, 3.0])), even(amount=0.5))
        found = draw(pool, 200_000)
        middle = found.start + found.size // 2
        first = found.molecule == 0
        counts, _ = np.histogram(middle[first], edges)
        assert counts[1] == 0
        expected = 3.0 * 50_000 / 20_000
        assert counts[2] / counts[0] == pytest.approx(expected, rel=0.03)
        weights = 20_000 + 3 * 50_000, 0.5 * SPAN
        expected = weights[0] / sum(weights)
        assert first.mean() == pytest.approx(expected, abs=0.005)
        amplicon = np.searchsorted(edges, middle[first], side="right") - 1
        np.testing.assert_array_equal(found.amplicon[first], amplicon)

    def test_even_amounts_give_even_depth(self):
        found = draw(pool_of(even()), 100_000)
        counts, _ = np.histogram(found.start, np.linspace(1_000, SPAN - 1_500, 40))
        expected = counts.mean()
        assert np.sum((counts - expected) ** 2 / expected) < 39 + 4 * np.sqrt(2 * 39)


class TestChimeras:
    EDGES = np.arange(0, SPAN + 1, 10_000)

    def chimeras(self, **changes: float) -> Fragments:
        amounts = np.tile([1.0, 0.0], 5)
        pool = pool_of(Template(self.EDGES, amounts), even())
        return draw(pool, 100_000, chimera_rate=0.1, **changes)

    def test_rate_and_joins(self):
        found = self.chimeras(chimera_near=1.0)
        hit = found.is_chimera
        assert hit.mean() == pytest.approx(0.1, abs=0.004)
        assert (found.join[hit] >= 1).all()
        assert (found.join <= found.size).all()
        where = found.join[hit] / found.size[hit]
        assert where.mean() == pytest.approx(0.5, abs=0.01)
        assert found.second_reverse[hit].mean() == pytest.approx(0.85, abs=0.015)
        plain = ~hit
        assert not found.second_reverse[plain].any()
        np.testing.assert_array_equal(found.second_start[plain], found.start[plain])

    def test_near_ones_stay_in_their_amplicon(self):
        found = self.chimeras(chimera_near=1.0)
        hit = found.is_chimera
        np.testing.assert_array_equal(found.second_molecule, found.molecule)
        np.testing.assert_array_equal(found.second_amplicon, found.amplicon)
        rest = found.size[hit] - found.join[hit]
        middle = found.second_start[hit] + rest // 2
        apart = np.abs(middle - (found.start + found.join)[hit])
        assert np.median(apart) == pytest.approx(300 * np.log(2), rel=0.05)
        first = found.molecule[hit] == 0
        inside = middle[first] // 10_000 % 2 == 0
        # The middle's half base, where the part lies over the amplicon's end.
        assert inside.mean() > 0.999

    def test_far_ones_go_anywhere_by_weight(self):
        found = self.chimeras(chimera_near=0.0)
        hit = found.is_chimera
        assert (found.second_molecule[hit] == 0).mean() == pytest.approx(
            1 / 3, abs=0.02
        )
        lost = found.second_molecule == 0
        middle = (found.second_start + (found.size - found.join) // 2)[hit & lost]
        assert (middle // 10_000 % 2 == 0).all()
        apart = np.abs(found.second_start - found.start)[hit]
        assert np.median(apart) > 20_000


class TestDuplicates:
    def test_copies_have_all_values_of_their_original(self):
        found = draw(pool_of(even()), 50_000, duplicate_rate=0.2, chimera_rate=0.1)
        copy = found.duplicate_of >= 0
        assert copy.mean() == pytest.approx(0.2, abs=0.006)
        source = found.duplicate_of[copy]
        assert not copy[source].any()
        for name, value in vars(found).items():
            if name != "duplicate_of":
                np.testing.assert_array_equal(value[copy], value[source])

    def test_all_but_none_can_be_copies(self):
        assert (draw(pool_of(even()), 1, duplicate_rate=0.9).duplicate_of == -1).all()


def test_batches_make_up_the_number_and_repeat():
    pool = pool_of(even())
    n = FRAGMENTS_AT_ONCE + 1_000
    made = [list(batches(stream(3, "x"), pool, MODEL, n)) for _ in range(2)]
    assert [len(one.size) for one in made[0]] == [FRAGMENTS_AT_ONCE, 1_000]
    for one, other in zip(*made, strict=True):
        for name, value in vars(one).items():
            np.testing.assert_array_equal(value, getattr(other, name))


def test_the_library_has_the_protocol_s_chimeras():
    protocol = replace(ORDINARY, chimera_rate=0.06, chimera_near=0.9)
    assert fragment_model(protocol, 350.0, 60.0, 0.05) == FragmentModel(
        350.0, 60.0, 0.05, 0.06, 0.9, 1_000.0, 0.0
    )
