"""The amplification that is asked for is the one obtained."""

from dataclasses import replace

import numpy as np
import pytest

from morula.simulation.amplification import (
    GC_CENTRE,
    Region,
    Template,
    allele_loss,
    amplify,
    gc_content,
    molecules_of,
    summed,
    times,
)
from morula.simulation.copies import Copy, Stretch, ordinary_pair
from morula.simulation.protocols import ORDINARY, Protocol
from morula.simulation.streams import stream
from morula.simulation.template import lengths, lengths_of_cells

SPAN = 40_000_000
REGION = Region(0, SPAN, 1, SPAN)
PLAIN = replace(
    ORDINARY, name="plain", amplicon_bp=2_000.0, imbalance_sd=0.6, regional_sd=0.0
)


def protocol(**changes: float) -> Protocol:
    return replace(PLAIN, **changes)


def cell(seed: int, asked: Protocol, region: Region = REGION) -> list[Template]:
    """Templates of the two copies of one cell, or of all cells in turn."""
    pair = ordinary_pair(region.first, region.last)
    molecules = molecules_of(stream(seed, "test"), pair, region, asked)
    return [one.template for one in molecules]


class TestDropout:
    @pytest.mark.parametrize("rate", [0.05, 0.2, 0.4])
    def test_rate_and_locus_dropout_are_as_asked(self, rate):
        pair = ordinary_pair(1, SPAN)
        asked = protocol(dropout_rate=rate)
        lost = lengths(molecules_of(stream(1, "test"), pair, REGION, asked), pair)
        assert lost.total == SPAN
        assert lost.dropout == pytest.approx(rate, abs=0.012)
        assert lost.locus_dropout == pytest.approx(allele_loss(rate) ** 2, abs=0.006)

    def test_locus_dropout_takes_both_copies_and_leaves_allele_dropout(self):
        pair = ordinary_pair(1, SPAN)
        asked = protocol(dropout_rate=0.2, locus_dropout_rate=0.3)
        lost = lengths(molecules_of(stream(2, "test"), pair, REGION, asked), pair)
        both = allele_loss(0.2) ** 2
        assert lost.dropout == pytest.approx(0.2, abs=0.012)
        assert lost.locus_dropout == pytest.approx(1 - 0.7 * (1 - both), abs=0.012)

    def test_a_pool_loses_an_allele_where_each_cell_has(self):
        pair = ordinary_pair(1, SPAN)
        asked = protocol(dropout_rate=0.5, cells=3)
        molecules = molecules_of(stream(3, "test"), pair, REGION, asked)
        e = allele_loss(0.5) ** 3
        assert len(molecules) == 6
        assert [one.cell for one in molecules] == [0, 0, 1, 1, 2, 2]
        assert lengths_of_cells(molecules, pair).dropout == pytest.approx(0.5, abs=0.01)
        expected = 2 * e / (1 + e)
        assert lengths(molecules, pair).dropout == pytest.approx(expected, abs=0.007)


class TestAmounts:
    def test_lengths_are_exponential_and_amounts_log_normal(self):
        template = amplify(stream(4, "test"), SPAN, protocol())
        sizes = np.diff(template.edges)
        assert template.edges[0] == 0
        assert template.edges[-1] == SPAN
        assert (sizes > 0).all()
        assert sizes.mean() == pytest.approx(2_000, rel=0.03)
        assert sizes.std() == pytest.approx(2_000, rel=0.05)
        assert template.amounts.mean() == pytest.approx(1.0, rel=0.03)
        assert np.log(template.amounts).std() == pytest.approx(0.6, rel=0.03)

    def test_regional_part_is_correlated_as_asked(self):
        asked = protocol(imbalance_sd=0.0, regional_sd=0.5, regional_bp=50_000.0)
        template = amplify(stream(5, "test"), SPAN, asked)
        z = np.log(template.amounts_at(np.arange(0, SPAN, 5_000)))
        assert z.std() == pytest.approx(0.5, rel=0.1)
        assert np.exp(z).mean() == pytest.approx(1.0, rel=0.06)
        for lag in (4, 10):
            found = np.corrcoef(z[:-lag], z[lag:])[0, 1]
            assert found == pytest.approx(np.exp(-lag / 10), abs=0.08)

    def test_without_a_regional_part_neighbours_are_independent(self):
        amounts = np.log(amplify(stream(6, "test"), SPAN, protocol()).amounts)
        assert abs(np.corrcoef(amounts[:-1], amounts[1:])[0, 1]) < 0.03

    def test_gc_slope_is_as_asked(self):
        rng = stream(7, "test")
        span = 4_000_000
        content = np.repeat(rng.uniform(0.25, 0.65, span // 20_000), 20_000)
        codes = np.where(
            rng.random(span) < content,
            rng.choice([1, 2], span),
            rng.choice([0, 3], span),
        ).astype(np.uint8)
        gc = gc_content(codes)
        template = amplify(rng, span, protocol(gc_slope=-3.0, imbalance_sd=0.2), gc)
        share = gc.mean_between(template.edges)
        slope, at_zero = np.polyfit(share, np.log(template.amounts), 1)
        assert slope == pytest.approx(-3.0, abs=0.2)
        assert at_zero + slope * GC_CENTRE == pytest.approx(-0.02, abs=0.02)

    def test_short_stretch_has_one_amplicon(self):
        template = amplify(stream(8, "test"), 100, protocol(amplicon_bp=1e9))
        assert template.edges.tolist() == [0, 100]

    def test_same_stream_same_template(self):
        asked = protocol(dropout_rate=0.2, regional_sd=0.3, cells=2)
        pairs = zip(cell(9, asked), cell(9, asked), strict=True)
        for one, other in pairs:
            np.testing.assert_array_equal(one.edges, other.edges)
            np.testing.assert_array_equal(one.amounts, other.amounts)
        assert not np.array_equal(cell(9, asked)[0].edges, cell(10, asked)[0].edges)


def test_gc_content_of_a_small_example():
    codes = np.array([1] * 100 + [0] * 100 + [2] * 25 + [3] * 25, dtype=np.uint8)
    gc = gc_content(codes)
    edges = np.array([0, 100, 200, 300], dtype=np.int64)
    # The last bin, of which there is half, counts as a whole one.
    np.testing.assert_allclose(gc.mean_between(edges), [1.0, 0.0, 0.5])
    assert gc.mean_between(np.array([0, 200])) == pytest.approx([0.5])
    # Shorter than a bin: that of a bin's length around it.
    assert gc.mean_between(np.array([95, 105])) == pytest.approx([0.5])


def test_product_and_sum_of_templates():
    one = Template(np.array([0, 10, 30]), np.array([3.0, 0.0]))
    other = Template(np.array([0, 20, 30]), np.array([1.0, 2.0]))
    both = times(one, other)
    assert both.edges.tolist() == [0, 10, 20, 30]
    assert both.amounts.tolist() == [3.0, 0.0, 0.0]
    found = both.amounts_at(np.array([0, 9, 10, 29, 30]))
    assert found.tolist() == [3.0, 3.0, 0.0, 0.0, 0.0]


class TestCopies:
    REGION = Region(start0=400, span_bp=1_200, first=501, last=1_500)

    def amounts(self, copies: list[Copy], asked: Protocol) -> np.ndarray:
        """Sum over copies and cells at each base of the region."""
        molecules = molecules_of(stream(1, "test"), copies, self.REGION, asked)
        return summed(molecules, np.arange(1_201))

    def test_ordinary_copies_reach_the_region_s_ends(self):
        copies = [
            Copy("mother", (Stretch(501, 900, 0), Stretch(901, 1_500, 1))),
            Copy("father", (Stretch(501, 1_500, 0),)),
        ]
        assert (self.amounts(copies, ORDINARY) == 2.0).all()

    def test_segments_and_lost_copies(self):
        copies = [
            Copy("mother", (Stretch(501, 900, 0), Stretch(1_001, 1_500, 0))),
            Copy("father", (Stretch(501, 1_500, 0),)),
            Copy("father", ()),
        ]
        expected = np.full(1_200, 2.0)
        # Positions 901 to 1 000 are offsets 500 to 599.
        expected[500:600] = 1.0
        np.testing.assert_array_equal(self.amounts(copies, ORDINARY), expected)

    @pytest.mark.parametrize(
        ("limits", "cells"), [((0.0, 0.4), [0, 1]), ((0.4, 1.0), [2, 3, 4])]
    )
    def test_mosaic_copies_are_in_their_share_of_the_cells(self, limits, cells):
        copies = [Copy("mother", (Stretch(501, 1_500, 0, *limits),))]
        asked = protocol(cells=5, imbalance_sd=0.0)
        molecules = molecules_of(stream(1, "test"), copies, self.REGION, asked)
        with_copy = [m.cell for m in molecules if m.template.amounts.sum() > 0]
        assert with_copy == cells
        expected = limits[1] - limits[0]
        np.testing.assert_allclose(self.amounts(copies, ORDINARY), expected)
