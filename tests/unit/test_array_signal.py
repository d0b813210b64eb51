"""What the markers of an array show, and the errors of an array learnt by EM."""

from __future__ import annotations

import math

import numpy as np
import pytest

from drawn_embryo import embryo
from morula import (
    amplification,
    amplification_fit,
    amplification_intervals,
    array_signal,
    embryo_evidence,
    inheritance,
)
from morula.errors import InputError
from morula.genetic_map import haldane
from morula.parental_alleles import Sites

PRESET = amplification.Preset(0.16, 2.0, 10_000.0)
N_MARKERS = 12_000


def begin():
    reads = amplification.start(PRESET, None, 9, 0.003, 0.006, 0.003, 0.002)
    return array_signal.start(reads, 0.005, 0.06)


def fractions(alt_share, noise, error, rng):
    """What markers of an array with BAF show, (L, 2)."""
    shown = np.clip(alt_share + rng.normal(0, noise, len(alt_share)), 0, 1)
    fails = rng.random(len(shown)) < error
    shown[fails] = rng.random(int(fails.sum()))
    alt = np.rint(shown * array_signal.FRACTION_STEPS)
    return np.stack([array_signal.FRACTION_STEPS - alt, alt], axis=1)


def calls(signals):
    """The genotypes that a caller makes of these fractions, (L, 2)."""
    low, high = array_signal.CALL_BOUNDS
    fraction = signals[:, 1] / array_signal.FRACTION_STEPS
    copies = (fraction > low).astype(float) + (fraction > high)
    return np.stack([array_signal.COPIES - copies, copies], axis=1)


def world(seed, noise=0.04, error=0.01, called=False):
    """A couple, an embryo, its array of markers 3 kb apart as one stretch."""
    rng = np.random.default_rng(seed)
    pos_bp = np.cumsum(rng.integers(1, 6000, N_MARKERS))
    frequency = rng.uniform(0.1, 0.9, (N_MARKERS, 1))
    parents = [(rng.random((N_MARKERS, 2)) < frequency).astype(int) for _ in range(2)]
    gap_bp = np.diff(pos_bp, prepend=pos_bp[0])
    true = embryo(*parents, pos_bp, gap_bp * 1e-6, 1.0, rng, length_bp=20_000)
    alt = true.share * true.alleles[:, 0] + (1 - true.share) * true.alleles[:, 1]
    signals = fractions(alt, noise, error, rng)
    signals = calls(signals) if called else signals
    signals[rng.random(N_MARKERS) < 0.05] = 0
    alleles = [np.clip(one.astype(float), 1e-3, 1 - 1e-3) for one in parents]
    flip = haldane(gap_bp * 1e-6)
    shown, classes = array_signal.of_sites(signals)
    chain = inheritance.Chain(shown, classes, *alleles, flip, flip, np.ones(N_MARKERS))
    het = (parents[0].sum(axis=1) == 1) | (parents[1].sum(axis=1) == 1)
    return true, amplification_fit.Stretch(chain, gap_bp), het


def accuracy(true, stretch, het, learnt):
    chain, table = stretch.with_length(learnt.length_bp), learnt.read_table()
    filtered = inheritance.forward(chain, learnt.share_prior, table)
    posterior = inheritance.backward(
        chain, filtered, learnt.share_prior, learnt.shares, table
    )
    ordered = 2 * true.alleles[:, 0] + true.alleles[:, 1]
    return float((posterior.genotypes.argmax(axis=1) == ordered)[het].mean())


class TestTable:
    @pytest.mark.parametrize("noise", [0.01, 0.06, 0.3])
    @pytest.mark.parametrize("error", [1e-4, 0.1])
    def test_fractions_and_calls_each_sum_to_one(self, noise, error):
        made = array_signal.start(begin(), error, noise)
        shown = array_signal.shown_by(np.linspace(0, 1, 7), made)
        assert shown.shape == (array_signal.N_SYMBOLS, 7)
        cut = array_signal.N_FRACTIONS
        for part in (shown[:cut], shown[cut:]):
            np.testing.assert_allclose(part.sum(axis=0), 1.0, atol=1e-12)
            assert (part > 0).all()

    def test_agrees_with_drawn_markers(self):
        rng = np.random.default_rng(3)
        made = array_signal.start(begin(), 0.05, 0.07)
        for share in (0.0, 0.3, 0.5, 1.0):
            drawn = fractions(np.full(200_000, share), 0.07, 0.05, rng)
            for signals in (drawn, calls(drawn)):
                _, classes = array_signal.of_sites(signals)
                found = np.bincount(classes, minlength=array_signal.N_SYMBOLS)
                expected = array_signal.shown_by(np.array(share), made)
                among = found > 0
                # A call's failed probe shows any genotype; a drawn one any fraction.
                np.testing.assert_allclose(
                    found[among] / found.sum(), expected[among], atol=0.01
                )

    def test_is_symmetric_in_the_alleles(self):
        table = begin().read_table()[..., 0]
        cut = array_signal.N_FRACTIONS
        # ALT for REF: fractions and calls the other way round, genotypes 3 - g.
        mirrored = np.concatenate([table[:cut][::-1], table[cut:][::-1]])[:, ::-1]
        np.testing.assert_allclose(table, mirrored, atol=1e-9)

    def test_what_a_marker_shows(self):
        signals = np.array([[50, 0], [12, 38], [2, 0], [1, 1], [0, 2], [0, 0]], float)
        shown, classes = array_signal.of_sites(signals)
        assert classes.tolist() == [0, 38, 51, 52, 53, 0]
        assert shown.tolist() == [[1, 0]] * 5 + [[0, 0]]

    def test_counts_of_reads_are_refused(self):
        with pytest.raises(InputError, match="shows 7 in all"):
            array_signal.of_sites(np.array([[3.0, 4.0]]))


class TestLearning:
    @pytest.mark.parametrize("seed", [1, 2])
    def test_fractions(self, seed):
        true, stretch, het = world(seed)
        fit = amplification_fit.fit([stretch], begin(), 20.0, 60, 0.1)
        learnt = fit.amplification
        assert fit.converged
        assert isinstance(learnt, array_signal.ArraySignal)
        assert learnt.error == pytest.approx(0.01, abs=0.004)
        # The grid of x is coarse: what lies between its points counts as noise.
        assert 0.035 < learnt.noise < 0.07
        assert learnt.dropout == pytest.approx(0.2, abs=0.05)
        assert accuracy(true, stretch, het, learnt) > 0.995

    def test_calls(self):
        true, stretch, het = world(4, called=True)
        learnt = amplification_fit.fit([stretch], begin(), 20.0, 60, 0.1).amplification
        assert learnt.error < 0.05
        assert accuracy(true, stretch, het, learnt) > 0.99

    def test_each_step_raises_the_posterior(self):
        _, stretch, _ = world(5, noise=0.12, error=0.05)
        weight, start = 20.0, begin()
        fits = [
            amplification_fit.fit([stretch], start, weight, n, 0.0) for n in (2, 4, 8)
        ]
        track = fits[-1].ln_likelihoods
        assert track[-1] > track[0]
        priors = [amplification_fit._ln_prior(fit.drawn, start, weight) for fit in fits]
        totals = [f.ln_likelihoods[-1] + p for f, p in zip(fits, priors, strict=True)]
        assert totals == sorted(totals)

    def test_intervals_hold_the_truth(self):
        parts = [world(seed)[1] for seed in range(10, 22)]
        fit = amplification_fit.fit(parts, begin(), 20.0, 60, 0.1)
        found = amplification_intervals.intervals(parts, begin(), fit)
        assert list(found) == list(array_signal.ArraySignal.measured)
        assert all(low < high for low, high in found.values())
        # Some failed probes pass for noise, which the coarse grid of x widens.
        low, high = found["error"]
        assert low < fit.amplification.error < high
        assert low - 0.003 < 0.01 < high + 0.003
        low, high = found["noise"]
        assert low < fit.amplification.noise < high

    def test_nothing_shown_keeps_the_start(self):
        _, stretch, _ = world(6)
        silent = stretch.chain._replace(reads=np.zeros((N_MARKERS, 2)))
        fit = amplification_fit.fit(
            [amplification_fit.Stretch(silent, stretch.gap_bp)], begin(), 20.0, 9, 0.1
        )
        assert fit.amplification.error == pytest.approx(0.005, rel=0.01)
        assert fit.amplification.noise == pytest.approx(0.06, rel=0.01)
        assert not math.isnan(fit.amplification.dropout)


def test_evidence_for_copying_from_the_panel():
    """As the table says, at the coarse grid; nothing where nothing is shown."""
    pos_bp = np.array([100, 2000, 9000])
    letters = np.array(["A", "A", "A"], dtype=object), np.array(["G"] * 3, dtype=object)
    sites = Sites(pos_bp, *letters)
    signals = np.array([[25.0, 25.0], [0, 0], [2, 0]])
    found = embryo_evidence.evidence(
        sites, np.full(3, 0.3), signals, begin(), max_depth=50, outlier=0.0
    )
    grid = embryo_evidence.coarse(begin())
    shown = np.exp(grid.read_table()[..., 0])
    for row, symbol in ((0, 25), (2, array_signal.N_FRACTIONS)):
        expected = shown[symbol] / shown[symbol].max()
        np.testing.assert_allclose(found.likelihood[row], expected, rtol=1e-9)
    np.testing.assert_array_equal(found.likelihood[1], 1.0)
    np.testing.assert_allclose(found.stay[1:], np.exp([-0.19, -0.7]))
