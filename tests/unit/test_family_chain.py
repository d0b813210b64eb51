"""The joint chain of a family against the sum over all joint paths, and identities."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from family_oracle import Oracle
from morula import embryo_posterior, family_chain, inheritance, joint_posterior
from morula.family_chain import Embryo, Family
from morula.family_sampling import Schedule, sample_family

SHARES = np.array([0.1, 0.8])
BALANCED = np.array([0.5])
RUNS, SWEEPS = 20, 180
NEVER = -1.0  # no change of the posterior ends the sampling
MARGINALS = ("vectors", "genotypes", "share", "orders", "switch")
SAMPLED = ("second", "alt", "crossover", "alike")


def read_table(shares):
    template = np.stack([inheritance.alt_template_share(shares)] * 3)
    return inheritance.read_table(
        template, np.array([0.02, 0.05, 0.02]), np.array([0.02, 0.02, 0.05])
    )


def random_embryo(n_sites, rng, shares=SHARES, depth=4.0, outlier=0.05):
    reads = rng.poisson(depth / 2, (n_sites, 2)).astype(float)
    n_shares = len(shares)
    return Embryo(
        reads,
        reads.sum(axis=1) > 0,
        rng.integers(0, 3, n_sites),
        read_table(shares),
        np.full(n_shares, 1 / n_shares),
        shares,
        rng.uniform(0.2, 0.8, n_sites),
        outlier,
    )


def random_family(n_sites, rng, orders=None):
    return Family(
        rng.dirichlet([0.5, 2, 1, 0.5], (2, n_sites)) if orders is None else orders,
        rng.uniform(0.05, 0.3, (2, n_sites)),
        rng.uniform(0.05, 0.3, (2, n_sites)),
    )


def tiny(n_embryos, seed, shares=SHARES, n_sites=3, depth=4.0):
    rng = np.random.default_rng(seed)
    family = random_family(n_sites, rng)
    embryos = [random_embryo(n_sites, rng, shares, depth) for _ in range(n_embryos)]
    return family, embryos


def first_sites(one, n_sites):
    """The embryo at its first sites only."""
    by_site = ("reads", "has_reads", "site_class", "stay")
    return one._replace(**{name: getattr(one, name)[:n_sites] for name in by_site})


def telling(n_embryos, seed):
    """Sure hets and many reads: much is known of where the phase switches."""
    family, embryos = tiny(n_embryos, seed, BALANCED, depth=12.0)
    family.orders[0] = 0.02, 0.9, 0.06, 0.02
    family.orders[1] = 0.06, 0.02, 0.9, 0.02
    return family, embryos


def from_samples(found):
    """What the joint samples say: the fields of the oracle named in SAMPLED."""
    n_sites = found.vectors.shape[1]
    second, alt, switch = (
        embryo_posterior.unpack(packed, n_sites)
        for packed in (
            found.samples.haplotype,
            found.samples.allele,
            found.samples.switch,
        )
    )
    turned = np.diff(second, axis=3, prepend=second[..., :1])
    last = second[..., -1]
    return {
        "second": second.mean(axis=2),
        "alt": alt.mean(axis=2),
        "crossover": (turned ^ switch[:, None]).mean(axis=2),
        "alike": (last[:, :, None] == last[:, None, :]).mean(axis=3),
    }


def assert_agrees(runs, expected):
    """Independent runs against the exact value, within their own Monte-Carlo error."""
    mean = runs.mean(axis=0)
    error = runs.std(axis=0, ddof=1) / len(runs) ** 0.5
    assert error.max() < 0.02, "too few sweeps to tell anything"
    # Student's t with 19 degrees of freedom is beyond 5.5 once in 37,000 times.
    off = np.abs(mean - expected) / (error + 2e-6)
    assert off.max() < 5.5, (off.argmax(), mean.ravel()[off.argmax()])
    assert (off**2).mean() ** 0.5 < 3.0  # few numbers may decide all others


def assert_exact(family, embryos, seed=0, samples=6):
    schedule = Schedule(20, SWEEPS, NEVER, samples)
    runs = [
        sample_family(family, embryos, schedule, np.random.default_rng([seed, run]))
        for run in range(RUNS)
    ]
    assert all(run.sweeps == SWEEPS for run in runs)
    truth = Oracle(family, embryos).truth()
    for name in MARGINALS:
        assert_agrees(
            np.stack([getattr(run, name) for run in runs]), getattr(truth, name)
        )


class TestEnumeration:
    def test_two_embryos(self):
        assert_exact(*tiny(2, 1))

    def test_four_embryos_of_whom_much_is_known(self):
        family, embryos = telling(4, 15)
        two = replace(
            family,
            orders=family.orders[:, :2].copy(),
            recombination=family.recombination[:, :2].copy(),
            switch=family.switch[:, :2].copy(),
        )
        assert_exact(two, [first_sites(one, 2) for one in embryos], seed=5)

    def test_the_state_of_those_outside_the_group(self, monkeypatch):
        monkeypatch.setattr(family_chain, "GROUP", 1)
        assert_exact(*telling(2, 2), seed=1)

    def test_three_embryos_in_groups_of_two(self, monkeypatch):
        monkeypatch.setattr(family_chain, "GROUP", 2)
        assert_exact(*telling(3, 3), seed=2)

    @pytest.mark.parametrize("order", [1, 2])
    def test_certain_hets_of_the_mother(self, order):
        family, embryos = telling(2, 16)
        family.orders[0], family.orders[1] = np.eye(4)[order], np.eye(4)[3]
        assert_exact(family, embryos, seed=6)

    def test_one_parent_a_donor(self):
        family, embryos = tiny(2, 4)
        alt = np.array([0.1, 0.4, 0.7])
        both = np.stack([1 - alt, alt], axis=1)
        family.orders[1] = (both[:, :, None] * both[:, None, :]).reshape(-1, 4)
        family.switch[1] = 0.0
        assert_exact(family, embryos, seed=3)

    def test_an_embryo_mixed_with_its_mother(self):
        """The mixture changes what homozygous embryos show."""
        family, embryos = tiny(2, 8, BALANCED, depth=6.0)
        tables = []
        for c in (0.05, 0.6):
            mother = np.array([0.0, 0.5, 1.0])[:, None, None]
            own = inheritance.alt_template_share(BALANCED)
            error = np.full(3, 0.02)
            template = (1 - c) * own + c * mother
            tables.append(inheritance.read_table(template, error, error))
        for i, prior in enumerate(([0.7, 0.3], [0.95, 0.05])):
            embryos[i] = embryos[i]._replace(
                ln_read=np.concatenate(tables, axis=2),
                share_prior=np.array(prior),
                shares=np.tile(BALANCED, 2),
            )
        assert_exact(family, embryos, seed=7)

    def test_a_born_child(self):
        # No imbalance: the balanced point of the grid has nearly all of the prior, and
        # neighbouring sites do not share it.
        family, embryos = tiny(2, 5, np.array([0.0, 0.5]))
        embryos[1] = embryos[1]._replace(
            share_prior=np.array([1e-6, 1 - 1e-6]),
            stay=np.zeros(3),
            reads=embryos[1].reads * 5,
        )
        assert_exact(family, embryos, seed=4)

    def test_rows_that_are_not_kept_between_sweeps(self, monkeypatch):
        family, embryos = tiny(3, 6, n_sites=20)
        schedule = Schedule(1, 6, NEVER, 6)
        kept = sample_family(family, embryos, schedule, np.random.default_rng(0))
        monkeypatch.setattr(family_chain, "KEPT_BYTES", 0)
        made = sample_family(family, embryos, schedule, np.random.default_rng(0))
        for name in MARGINALS:
            np.testing.assert_array_equal(getattr(kept, name), getattr(made, name))


class TestJointSamples:
    def test_one_sample_a_sweep_is_a_draw_of_the_whole_family(self):
        # Of a run one block of four samples is kept: many short runs.
        family, embryos = tiny(2, 7)
        truth = Oracle(family, embryos).truth()
        schedule, n_batches = Schedule(6, 4, NEVER, 4), RUNS
        rng = np.random.default_rng(5)
        batches = [
            [
                from_samples(sample_family(family, embryos, schedule, rng))
                for _ in range(60)
            ]
            for _ in range(n_batches)
        ]
        for name in SAMPLED:
            runs = [np.mean([one[name] for one in batch], axis=0) for batch in batches]
            assert_agrees(np.stack(runs), getattr(truth, name))

    def test_the_allele_is_that_of_the_haplotype(self):
        rng = np.random.default_rng(6)
        orders = np.eye(4)[rng.integers(0, 4, (2, 50))]
        family = random_family(50, rng, orders)
        embryos = [random_embryo(50, rng) for _ in range(3)]
        found = sample_family(family, embryos, Schedule(2, 12, NEVER, 40), rng)
        second = embryo_posterior.unpack(found.samples.haplotype, 50)
        alt = embryo_posterior.unpack(found.samples.allele, 50)
        order = orders.argmax(axis=2)[:, None, None]
        np.testing.assert_array_equal(alt, np.where(second, order & 1, order >> 1) == 1)

    @pytest.mark.parametrize("n_samples", [1, 4, 6, 40, 41])
    def test_every_place_is_filled(self, n_samples):
        family, embryos = tiny(2, 8, n_sites=40)
        sure = np.tile([0.0, 0.0, 0.0, 1.0], (2, 40, 1))
        found = sample_family(
            replace(family, orders=sure),
            embryos,
            Schedule(0, 12, NEVER, n_samples),
            np.random.default_rng(0),
        )
        assert found.samples.allele.shape == (2, 2, n_samples, 5)
        assert (found.samples.allele == 255).all()
        second = embryo_posterior.unpack(found.samples.haplotype, 40)
        assert len(np.unique(second.reshape(-1, 40), axis=0)) > n_samples

    def test_every_block_of_sweeps_is_as_likely_to_be_kept(self):
        rng, n_blocks, n_samples = np.random.default_rng(7), 4, 13
        kept = np.zeros((n_samples, n_blocks))
        for _ in range(1000):
            draws = joint_posterior.Draws(1, 8, n_samples)
            block = np.full(n_samples, -1)
            for sweep in range(n_blocks * joint_posterior.BLOCK):
                block[draws.places(sweep, rng)] = sweep // joint_posterior.BLOCK
            kept[np.arange(n_samples), block] += 1
        np.testing.assert_allclose(kept / 1000, 1 / n_blocks, atol=5 * 0.0137)


class TestIdentities:
    def single(self, seed=9, n_sites=200):
        rng = np.random.default_rng(seed)
        family = random_family(n_sites, rng)
        return replace(family, switch=np.zeros((2, n_sites))), random_embryo(
            n_sites, rng, outlier=0.0
        )

    def run(self, family, embryos, seed=0, sweeps=6):
        schedule = Schedule(1, sweeps, NEVER, 6)
        return sample_family(family, embryos, schedule, np.random.default_rng(seed))

    def test_one_embryo_without_switches_is_the_exact_chain_of_an_embryo(self):
        # Exact whatever the draws: nothing but the embryo's own path is uncertain.
        family, one = self.single()
        alt = np.stack(
            [family.orders[..., 2:].sum(axis=2), family.orders[..., 1::2].sum(axis=2)],
            axis=2,
        )
        chain = inheritance.Chain(
            one.reads, one.site_class, *alt, *family.recombination, one.stay
        )
        forward = inheritance.forward(chain, one.share_prior, one.ln_read)
        exact = inheritance.backward(
            chain, forward, one.share_prior, one.shares, one.ln_read
        )
        found = self.run(family, [one])
        for name in ("vectors", "genotypes", "share"):
            np.testing.assert_allclose(
                getattr(found, name)[0], getattr(exact, name), atol=2e-5
            )

    def test_names_of_the_mothers_haplotypes_do_not_matter(self):
        family, one = self.single(10)
        turned = family.orders.copy()
        turned[0] = turned[0][:, [0, 2, 1, 3]]
        here = self.run(family, [one])
        there = self.run(replace(family, orders=turned), [one])
        np.testing.assert_allclose(
            here.vectors, there.vectors[..., [2, 3, 0, 1]], atol=2e-5
        )
        np.testing.assert_allclose(here.genotypes, there.genotypes, atol=2e-5)

    def test_the_order_of_the_embryos_does_not_matter(self):
        family, embryos = tiny(3, 11, n_sites=12)
        place = [2, 0, 1]
        here, there = (
            [self.run(family, given, [seed, run], 144) for run in range(RUNS)]
            for seed, given in enumerate((embryos, [embryos[i] for i in place]))
        )
        for name in ("vectors", "genotypes", "share"):
            one = np.stack([getattr(run, name)[place] for run in here])
            other = np.stack([getattr(run, name) for run in there])
            assert_agrees(one - other, 0.0)

    def test_without_reads_the_prior_is_left(self):
        rng = np.random.default_rng(12)
        family = random_family(30, rng)
        embryos = [random_embryo(30, rng, depth=0.0) for _ in range(3)]
        found = self.run(family, embryos)
        np.testing.assert_allclose(found.vectors, 0.25, atol=1e-6)
        np.testing.assert_allclose(found.share, SHARES.mean(), atol=1e-6)
        np.testing.assert_allclose(found.orders, family.orders, atol=1e-10)
        mother = family.orders[0]
        alt = mother[:, 3] + (mother[:, 1] + mother[:, 2]) / 2
        for one in found.genotypes:
            np.testing.assert_allclose(one[:, 2:].sum(axis=1), alt, atol=1e-6)
        runs = np.stack([self.run(family, embryos, [1, i]).switch for i in range(400)])
        shown = runs[..., 1:].mean(axis=0)
        np.testing.assert_allclose(
            shown, family.switch[:, 1:], atol=5 * 0.5 / 2400**0.5
        )

    def test_same_seed_same_bytes(self):
        family, embryos = tiny(7, 13, n_sites=60)
        one, two, other = (self.run(family, embryos, seed) for seed in (3, 3, 4))
        for name in MARGINALS:
            assert getattr(one, name).tobytes() == getattr(two, name).tobytes()
        for name in ("haplotype", "allele", "switch"):
            draws = [getattr(found.samples, name) for found in (one, two, other)]
            assert draws[0].tobytes() == draws[1].tobytes()
            assert draws[0].tobytes() != draws[2].tobytes()

    def test_an_impossible_site_is_refused(self):
        family, embryos = tiny(1, 14, n_sites=6)
        sure = np.tile([1.0, 0.0, 0.0, 0.0], (2, 6, 1))
        perfect = np.maximum(np.log(np.array([1.0, 1e-300])), -1e5)
        table = embryos[0].ln_read.copy()
        table[:, 0] = perfect
        reads = np.tile([0.0, 3.0], (6, 1))
        one = embryos[0]._replace(ln_read=table, reads=reads, outlier=0.0)
        one = one._replace(has_reads=np.arange(6) == 4)
        with pytest.raises(ValueError, match="embryo 0 is impossible at site 4"):
            self.run(replace(family, orders=sure), [one])
