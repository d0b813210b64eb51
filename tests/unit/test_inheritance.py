"""The exact chain against the sum over all of its paths, and identities."""

from __future__ import annotations

import itertools
import math

import numba
import numpy as np
import pytest

from morula import inheritance

SHARES = np.array([0.0, 0.5, 1.0])
PRIOR = np.array([0.2, 0.5, 0.3])
TEMPLATE = np.stack([inheritance.alt_template_share(SHARES)] * 3)
TABLE = inheritance.read_table(
    TEMPLATE, np.array([0.01, 0.03, 0.01]), np.array([0.01, 0.01, 0.03])
)


def random_chain(n_sites, seed, depth=3.0):
    rng = np.random.default_rng(seed)
    return inheritance.Chain(
        reads=rng.poisson(depth / 2, (n_sites, 2)).astype(float),
        site_class=rng.integers(0, 3, n_sites),
        allele_maternal=rng.uniform(0.01, 0.99, (n_sites, 2)),
        allele_paternal=rng.uniform(0.01, 0.99, (n_sites, 2)),
        flip_maternal=rng.uniform(0.0, 0.5, n_sites),
        flip_paternal=rng.uniform(0.0, 0.5, n_sites),
        stay=rng.uniform(0.1, 1.0, n_sites),
    )


def run(chain, prior=PRIOR, table=TABLE):
    filtered = inheritance.forward(chain, prior, table)
    return filtered, inheritance.backward(chain, filtered, prior, SHARES, table)


def read_likelihood(chain, s, genotype, k):
    """Binomial read likelihood, straight from its definition."""
    m, f = genotype >> 1, genotype & 1
    alt = SHARES[k] * m + (1 - SHARES[k]) * f
    error = {0: (0.01, 0.01), 1: (0.03, 0.01), 2: (0.01, 0.03)}[chain.site_class[s]]
    shows_alt = alt * (1 - error[1]) + (1 - alt) * error[0]
    n_ref, n_alt = chain.reads[s]
    return (1 - shows_alt) ** n_ref * shows_alt**n_alt


def enumerate_paths(chain):
    """Every path of (v, k, genotype) with its joint probability with the reads."""
    n_sites = len(chain.reads)
    states = list(itertools.product(range(4), range(3), range(4)))
    for path in itertools.product(states, repeat=n_sites):
        p = 1.0
        for s, (v, k, g) in enumerate(path):
            if s == 0:
                p *= 0.25 * PRIOR[k]
            else:
                before = path[s - 1]
                changed = v ^ before[0]
                flip_a, flip_b = chain.flip_maternal[s], chain.flip_paternal[s]
                p *= flip_a if changed & 2 else 1 - flip_a
                p *= flip_b if changed & 1 else 1 - flip_b
                fresh = (1 - chain.stay[s]) * PRIOR[k]
                p *= fresh + (chain.stay[s] if k == before[1] else 0.0)
            alt_m = chain.allele_maternal[s, v >> 1]
            alt_f = chain.allele_paternal[s, v & 1]
            p *= alt_m if g & 2 else 1 - alt_m
            p *= alt_f if g & 1 else 1 - alt_f
            p *= read_likelihood(chain, s, g, k)
        yield path, p


@pytest.mark.parametrize(("n_sites", "seed"), [(1, 0), (2, 1), (3, 2)])
def test_equals_the_sum_over_all_paths(n_sites, seed):
    chain = random_chain(n_sites, seed)
    vectors, genotypes = np.zeros((n_sites, 4)), np.zeros((n_sites, 4))
    share, counts = np.zeros(n_sites), np.zeros((3, 4, 3, 2))
    total = 0.0
    for path, p in enumerate_paths(chain):
        total += p
        for s, (v, k, g) in enumerate(path):
            vectors[s, v] += p
            genotypes[s, g] += p
            share[s] += p * SHARES[k]
            counts[chain.site_class[s], g, k] += p * chain.reads[s]
    filtered, posterior = run(chain)
    assert filtered.ln_likelihood == pytest.approx(math.log(total), rel=1e-12)
    np.testing.assert_allclose(posterior.vectors, vectors / total, rtol=1e-10)
    np.testing.assert_allclose(posterior.genotypes, genotypes / total, rtol=1e-10)
    np.testing.assert_allclose(posterior.share, share / total, rtol=1e-10)
    np.testing.assert_allclose(posterior.read_counts, counts / total, atol=1e-12)


def test_expected_draws_of_x_equal_the_derivative_of_the_likelihood():
    # d ln P / d ln prior[k] is the expected number of draws of grid point k: an oracle
    # for what EM counts that shares no code with it.
    chain = random_chain(40, 3)
    posterior = run(chain)[1]
    for k in range(3):
        up, down = PRIOR.copy(), PRIOR.copy()
        up[k] *= math.exp(1e-5)
        down[k] *= math.exp(-1e-5)
        slope = run(chain, up)[0].ln_likelihood - run(chain, down)[0].ln_likelihood
        assert posterior.share_draws[k] == pytest.approx(slope / 2e-5, rel=1e-6)
    assert posterior.share_draws.sum() == pytest.approx(posterior.redraw.sum())


def test_rows_sum_to_one_and_nothing_is_negative():
    posterior = run(random_chain(500, 4))[1]
    np.testing.assert_allclose(posterior.vectors.sum(axis=1), 1, rtol=1e-10)
    np.testing.assert_allclose(posterior.genotypes.sum(axis=1), 1, rtol=1e-10)
    assert posterior.vectors.min() >= 0
    assert posterior.redraw.min() >= 0
    assert posterior.redraw.max() <= 1 + 1e-12


def test_without_reads_the_prior_is_left():
    chain = random_chain(50, 5, depth=0.0)
    filtered, posterior = run(chain)
    assert filtered.ln_likelihood == pytest.approx(0.0, abs=1e-12)
    np.testing.assert_allclose(posterior.vectors, 0.25, rtol=1e-10)
    np.testing.assert_allclose(posterior.share, PRIOR @ SHARES, rtol=1e-10)
    np.testing.assert_allclose(posterior.redraw[1:], 1 - chain.stay[1:], rtol=1e-10)
    alt = chain.allele_maternal.mean(axis=1)
    np.testing.assert_allclose(posterior.genotypes[:, 2:].sum(axis=1), alt, rtol=1e-10)


def test_a_chain_read_backwards_gives_the_same():
    chain = random_chain(200, 6)

    def turned(step):
        return np.append(0.0, step[1:][::-1])

    mirror = inheritance.Chain(
        chain.reads[::-1].copy(),
        chain.site_class[::-1].copy(),
        chain.allele_maternal[::-1].copy(),
        chain.allele_paternal[::-1].copy(),
        turned(chain.flip_maternal),
        turned(chain.flip_paternal),
        turned(chain.stay),
    )
    here, there = run(chain), run(mirror)
    assert here[0].ln_likelihood == pytest.approx(there[0].ln_likelihood, rel=1e-12)
    np.testing.assert_allclose(here[1].vectors, there[1].vectors[::-1], rtol=1e-8)
    np.testing.assert_allclose(here[1].share, there[1].share[::-1], rtol=1e-8)


def test_a_long_and_very_deep_chain_stays_finite():
    chain = random_chain(100_000, 7, depth=2000.0)
    filtered, posterior = run(chain)
    assert math.isfinite(filtered.ln_likelihood)
    np.testing.assert_allclose(posterior.vectors.sum(axis=1), 1, rtol=1e-8)


def test_an_impossible_site_is_refused():
    chain = random_chain(5, 8)
    chain.allele_maternal[3] = 0.0
    chain.allele_paternal[3] = 0.0
    chain.reads[3] = 0.0, 2.0
    perfect = np.zeros(3)
    with np.errstate(divide="ignore"):
        table = inheritance.read_table(TEMPLATE, perfect, perfect)
    table = np.maximum(table, -1e9)  # a log of zero times zero reads is not a number
    with pytest.raises(ValueError, match="site 3"):
        inheritance.forward(chain, PRIOR, table)


class TestSamplePaths:
    def draw(self, chain, n_paths, seed=1):
        filtered = inheritance.forward(chain, PRIOR, TABLE)
        rng = np.random.default_rng(seed)
        return inheritance.sample_paths(chain, filtered, PRIOR, n_paths, rng)

    def test_marginals_are_the_posterior(self):
        chain = random_chain(30, 9)
        posterior, n = run(chain)[1], 20_000
        paths = self.draw(chain, n)
        second = posterior.vectors[:, 2:].sum(axis=1)
        alt = posterior.genotypes[:, [1, 3]].sum(axis=1)
        np.testing.assert_allclose(
            paths.haplotype_maternal.mean(axis=1), second, atol=5 * 0.5 / n**0.5
        )
        np.testing.assert_allclose(
            paths.allele_paternal.mean(axis=1), alt, atol=5 * 0.5 / n**0.5
        )

    def test_neighbours_are_drawn_jointly(self):
        chain = random_chain(2, 10)
        pairs = np.zeros((2, 2))
        total = 0.0
        for path, p in enumerate_paths(chain):
            pairs[path[0][0] >> 1, path[1][0] >> 1] += p
            total += p
        a = self.draw(chain, 40_000).haplotype_maternal
        found = np.zeros((2, 2))
        np.add.at(found, (a[0], a[1]), 1 / 40_000)
        np.testing.assert_allclose(found, pairs / total, atol=0.012)

    def test_same_seed_same_paths_whatever_the_threads(self):
        chain = random_chain(300, 11)
        first = self.draw(chain, 20)
        before = numba.get_num_threads()
        numba.set_num_threads(1)
        second = self.draw(chain, 20)
        numba.set_num_threads(before)
        np.testing.assert_array_equal(first.allele_maternal, second.allele_maternal)
        assert not np.array_equal(
            first.allele_maternal, self.draw(chain, 20, seed=2).allele_maternal
        )
