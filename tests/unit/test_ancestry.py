"""Ancestry on simulated populations with truth: drifted allele frequencies."""

from pathlib import Path

import numpy as np
import pytest

from morula import (
    admixture,
    ancestry,
    ancestry_populations,
    ancestry_projection,
    ancestry_sites,
    hardy_weinberg,
    segregation,
)
from morula.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
POPULATIONS = {"P1": "X", "P2": "X", "Q1": "Y", "R1": "Z"}


class World:
    """Populations whose frequencies drifted apart (Balding-Nichols)."""

    def __init__(self, n_sites=1500, fst=0.08, seed=1):
        self.rng = np.random.default_rng(seed)
        base = self.rng.uniform(0.15, 0.85, n_sites)
        self.frequency = {}
        for name, superpopulation in POPULATIONS.items():
            if superpopulation not in self.frequency:
                self.frequency[superpopulation] = self._drift(base, fst)
            self.frequency[name] = self._drift(self.frequency[superpopulation], 0.01)

    def _drift(self, p, fst):
        scale = (1 - fst) / fst
        return np.clip(self.rng.beta(p * scale, (1 - p) * scale), 0.01, 0.99)

    def genomes(self, name, n):
        """Copies of ALT, int8 (L, n)."""
        p = self.frequency[name][:, None]
        return self.rng.binomial(2, p, (len(p), n)).astype(np.int8)

    def reference(self, sizes, n_components=6):
        """A model of `sizes` samples a population."""
        copies = np.concatenate([self.genomes(p, n) for p, n in sizes.items()], axis=1)
        varies = copies.std(axis=1) > 0
        labels = np.concatenate([np.repeat(p, n) for p, n in sizes.items()])
        supers = np.array([POPULATIONS[p] for p in labels])
        principal = ancestry.principal_components(
            copies[varies], n_components, len(sizes)
        )
        names, frequencies = ancestry.group_frequencies(copies[varies], supers)
        n_sites = int(varies.sum())
        nothing = np.full(n_sites, "A")
        return varies, ancestry.Reference(
            chrom=np.full(n_sites, "1"),
            pos_bp=np.arange(n_sites),
            ref=nothing,
            alt=nothing,
            panel_site=np.arange(n_sites),
            mean=principal.mean,
            scale=principal.scale,
            components=principal.components,
            coordinates=principal.coordinates,
            n_kept=np.array(principal.n_kept),
            excess=principal.excess,
            frequencies=frequencies,
            superpopulation_names=names,
            samples=np.array([f"s{i}" for i in range(len(labels))]),
            populations=labels,
            superpopulations=supers,
        )


def place(reference, genomes, slack=1.05):
    populations = ancestry_populations.fit_populations(reference, slack)
    placed = ancestry_projection.project(reference, genomes.astype(np.float64))
    return ancestry_populations.place(populations, placed)


@pytest.fixture(scope="module")
def world():
    return World()


@pytest.fixture(scope="module")
def model(world):
    return world.reference({"P1": 40, "P2": 40, "Q1": 40, "R1": 40})


class TestPlacing:
    @pytest.mark.parametrize("name", POPULATIONS)
    def test_new_samples_go_home(self, world, model, name):
        varies, reference = model
        placed = place(reference, world.genomes(name, 50)[varies])
        labels = [p.superpopulation for p in placed]
        # One in a hundred of the panel's own lies at the limit without slack.
        assert labels.count("outside") <= 1
        assert set(labels) <= {POPULATIONS[name], "outside"}
        assert sum(p.population == name for p in placed) >= 40

    def test_a_population_that_the_panel_lacks_is_outside(self, world):
        varies, reference = world.reference({"P1": 40, "P2": 40, "Q1": 40})
        placed = place(reference, world.genomes("R1", 10)[varies])
        assert {p.population for p in placed} == {"outside"}
        assert {p.superpopulation_probability for p in placed} == {None}

    def test_panel_of_one_superpopulation(self, world):
        varies, reference = world.reference({"P1": 40, "P2": 40})
        home = place(reference, world.genomes("P2", 10)[varies])
        assert {p.superpopulation for p in home} == {"X"}
        away = place(reference, world.genomes("R1", 10)[varies])
        assert {p.superpopulation for p in away} == {"outside"}

    def test_child_of_two_superpopulations_is_outside_and_half_each(self, world, model):
        varies, reference = model
        p, q = world.frequency["P1"], world.frequency["Q1"]
        child = world.rng.binomial(1, p) + world.rng.binomial(1, q)
        assert place(reference, child[varies][:, None])[0].population == "outside"
        shares = admixture.proportions(
            child[varies].astype(float), reference.frequencies
        )
        np.testing.assert_allclose(shares, [0.5, 0.5, 0.0], atol=0.12)

    def test_samples_are_left_out_as_by_a_new_fit(self, world):
        """The closed form for leaving a sample out, against fitting without it."""
        _, reference = world.reference({"P1": 12, "Q1": 10}, 3)
        groups = [reference.populations == name for name in ("P1", "Q1")]
        populations = ancestry_populations.fit_populations(reference, 1.0)
        fast = ancestry_populations._left_out(populations, reference, groups)
        points = reference.coordinates[:, :3]
        centred = [points[g] - points[g].mean(axis=0) for g in groups]
        pooled = sum(c.T @ c for c in centred) / 20
        for i in range(12):
            others = np.delete(points[:12], i, axis=0)
            spread = others - others.mean(axis=0)
            covariance = (spread.T @ spread + 4 * pooled) / (11 - 1 + 4)
            gap = points[i] - others.mean(axis=0)
            odd = (reference.excess[i] - populations.excess_means[0]) / (
                populations.excess_sds[0]
            )
            slow = gap @ np.linalg.solve(covariance, gap) + max(odd, 0.0) ** 2
            assert fast[i] == pytest.approx(slow, rel=1e-9)


class TestProjection:
    def test_shrinkage_is_undone(self, world):
        """Plain projection of new samples falls short; OADP does not."""
        varies, reference = world.reference({"P1": 15, "Q1": 15, "R1": 15}, 2)
        new = world.genomes("P1", 60)[varies].astype(float)
        home = reference.coordinates[reference.populations == "P1", :2].mean(axis=0)
        standard = (new - reference.mean[:, None]) / reference.scale[:, None]
        plain = (reference.components[:2] @ standard).mean(axis=1)
        corrected = ancestry_projection.project(reference, new).coordinates.mean(axis=0)
        assert home @ plain / (home @ home) < 0.9
        assert home @ corrected / (home @ home) == pytest.approx(1.0, abs=0.08)

    def test_uncertain_genotypes_are_not_pulled_to_the_middle(self, world):
        """Two reads a site, the panel's frequencies as prior: the plain projection of
        expected dosages falls short; the coordinates do not, and their errors are as
        large as said."""
        varies, reference = world.reference({"P1": 40, "Q1": 40, "R1": 40}, 2)
        genomes = world.genomes("P1", 60)[varies]
        exact = ancestry_projection.project(reference, genomes.astype(float))
        n = world.rng.poisson(2.0, genomes.shape)
        shown = np.array([0.005, 0.5, 0.995])
        n_alt = world.rng.binomial(n, shown[genomes])[..., None]
        likelihood = shown**n_alt * (1 - shown) ** (n[..., None] - n_alt)
        alt = (reference.mean / 2)[:, None, None]
        prior = [(1 - alt) ** 2, 2 * alt * (1 - alt), alt**2]
        weights = likelihood * np.concatenate(prior, axis=2)
        posterior = weights / weights.sum(axis=2, keepdims=True)
        plain = ancestry_projection.project(reference, posterior @ [0.0, 1.0, 2.0])
        found = ancestry_projection.project_by_panel(reference, posterior)
        centre = exact.coordinates.mean(axis=0)

        def slope(placed):
            return centre @ placed.coordinates.mean(axis=0) / (centre @ centre)

        assert slope(plain) < 0.8
        assert slope(found) == pytest.approx(1.0, abs=0.03)
        gaps = found.coordinates - exact.coordinates
        scaled = (gaps / found.standard_errors).std(axis=0)
        assert ((scaled > 0.75) & (scaled < 1.3)).all()

    def test_exact_genotypes_have_no_error(self, world):
        varies, reference = world.reference({"P1": 40, "Q1": 40}, 2)
        genomes = world.genomes("Q1", 3)[varies]
        exact = ancestry_projection.project(reference, genomes.astype(float))
        told = np.eye(3)[genomes]
        found = ancestry_projection.project_by_panel(reference, told)
        np.testing.assert_allclose(found.coordinates, exact.coordinates, rtol=1e-6)
        assert found.standard_errors.max() < 1e-4

    def test_model_is_stored_whole(self, model, tmp_path):
        _, reference = model
        ancestry.save(tmp_path / "m.npz", reference)
        again = ancestry.load(tmp_path / "m.npz")
        np.testing.assert_array_equal(again.components, reference.components)
        assert again.populations.tolist() == reference.populations.tolist()

    def test_components_are_limited_by_the_data(self):
        rng = np.random.default_rng(3)
        copies = rng.integers(0, 3, (200, 9)).astype(np.int8)
        assert ancestry.principal_components(copies, 10, 2).n_kept == 6
        assert ancestry.principal_components(copies[:4], 10, 2).n_kept == 3
        with pytest.raises(InputError, match="too few"):
            ancestry.principal_components(copies[:1], 10, 2)


class TestAdmixture:
    def test_gradient_vanishes_at_the_maximum(self):
        rng = np.random.default_rng(4)
        frequencies = rng.uniform(0.05, 0.95, (3, 400))
        truth = np.array([0.6, 0.3, 0.1])
        dosages = rng.binomial(2, truth @ frequencies).astype(float)
        shares = admixture.proportions(dosages, frequencies, None, 20_000, 1e-10)
        mixed = shares @ frequencies
        slope = frequencies @ (dosages / mixed) + (1 - frequencies) @ (
            (2 - dosages) / (1 - mixed)
        )
        inside = shares > 1e-6
        np.testing.assert_allclose(slope[inside] / 800, 1.0, atol=1e-6)
        assert (slope / 800 <= 1 + 1e-6).all()
        np.testing.assert_allclose(shares, truth, atol=0.15)

    def test_errors_are_as_large_as_said(self):
        """Of genomes in segments of 50 sites: twice what single sites would give."""
        rng = np.random.default_rng(5)
        frequencies = np.clip(rng.beta(0.7, 0.7, (2, 2000)), 0.02, 0.98)
        found = []
        for _ in range(60):
            which = np.repeat(rng.random((2, 40)) < 0.7, 50, axis=1)
            p = np.where(which, frequencies[0], frequencies[1])
            dosages = (rng.random((2, 2000)) < p).sum(axis=0).astype(float)
            shares = admixture.proportions(dosages, frequencies)
            error = admixture.standard_errors(dosages, frequencies, shares)
            found.append([shares[0], error[0]])
        shares, errors = np.array(found).T
        assert 0.7 < errors.mean() / shares.std() < 1.4

    def test_one_group_takes_all(self):
        assert admixture.proportions(np.ones(5), np.full((1, 5), 0.3)).tolist() == [1.0]

    def test_impossible_frequency(self):
        with pytest.raises(ValueError, match="strictly"):
            admixture.proportions(np.ones(2), np.array([[0.0, 0.5]]))


class TestSegregation:
    def test_covariance_against_drawn_gametes(self):
        rng = np.random.default_rng(7)
        effects = rng.normal(size=(300, 2))
        place_cm = np.sort(rng.uniform(0, 120, 300))
        turns = 0.5 * (1 - np.exp(-0.02 * np.diff(place_cm, prepend=-1e9)))
        second = np.cumsum(rng.random((20_000, 300)) < turns, axis=1) % 2
        sums = np.where(second, 0.0, 1.0) @ effects
        expected = np.cov(sums, rowvar=False)
        found = segregation.gamete_covariance(effects, place_cm)
        np.testing.assert_allclose(found, expected, atol=0.04 * expected.max())
        # The variance that score tables use, of haplotypes with these effects.
        haplotypes = np.tile(np.array([1, 0], dtype=np.int8), (300, 1))
        variance = segregation.gamete_variance(haplotypes, place_cm, effects)
        np.testing.assert_allclose(variance, np.diag(found), rtol=1e-9)


class TestHardyWeinberg:
    @pytest.mark.parametrize(
        ("n_het", "n_rare", "n"), [(0, 4, 20), (2, 4, 20), (7, 9, 12), (1, 1, 3)]
    )
    def test_against_enumeration(self, n_het, n_rare, n):
        def ln(k):
            return float(np.sum(np.log(np.arange(1, k + 1))))

        weights = {}
        for het in range(n_rare % 2, n_rare + 1, 2):
            rare = (n_rare - het) // 2
            if n - het - rare >= 0:
                rest = ln(het) + ln(rare) + ln(n - het - rare)
                weights[het] = np.exp(het * np.log(2) + ln(n) - rest)
        tail = sum(w for w in weights.values() if w <= weights[n_het] * (1 + 1e-9))
        expected = tail / sum(weights.values())
        found = hardy_weinberg.p_value(n_het, n_rare, n)
        assert found == pytest.approx(expected, rel=1e-9)

    def test_groups_are_judged_apart(self):
        apart = np.array([[0] * 40 + [2] * 40], dtype=np.int8)
        groups = np.repeat(["A", "B"], 40)
        assert hardy_weinberg.fits(apart, groups, 1e-6).all()
        assert not hardy_weinberg.fits(apart, np.full(80, "A"), 1e-6).any()


class TestSites:
    def test_long_range_linkage_is_of_a_build(self):
        table = ROOT / "resources/long_range_ld.tsv"
        own = ancestry_sites.long_range_ld(table, "GRCh38", "chr6")
        other = ancestry_sites.long_range_ld(table, "GRCh37", "6")
        mhc = 31_000_000
        assert any(start <= mhc <= end for start, end in own)
        assert any(start <= mhc <= end for start, end in other)
        assert own != other
        assert ancestry_sites.long_range_ld(table, "GRCh38", "chr22") == []

    def test_copies_of_a_site_are_pruned(self):
        rng = np.random.default_rng(6)
        copies = rng.integers(0, 3, (30, 50)).astype(np.int8)
        doubled = np.repeat(copies, 2, axis=0)
        kept = ancestry_sites.unlinked(doubled, 0.5)
        assert len(kept) == 30
        assert len(set(kept // 2)) == 30

    def test_evenly(self):
        assert ancestry_sites.evenly(3, 5).tolist() == [0, 1, 2]
        spread = ancestry_sites.evenly(1000, 10)
        assert (len(spread), spread[0], spread[-1]) == (10, 0, 999)
