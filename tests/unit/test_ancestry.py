"""Ancestry on simulated populations with truth: drifted allele frequencies."""

import numpy as np
import pytest

from morula import admixture, ancestry, ancestry_sites
from morula.errors import InputError

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
    populations = ancestry.fit_populations(reference, slack)
    coordinates, excess = ancestry.project(reference, genomes.astype(np.float64))
    return ancestry.place(populations, coordinates, excess)


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
        populations = ancestry.fit_populations(reference, 1.0)
        fast = ancestry._left_out(populations, reference, groups)
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
        corrected = ancestry.project(reference, new)[0].mean(axis=0)
        assert home @ plain / (home @ home) < 0.9
        assert home @ corrected / (home @ home) == pytest.approx(1.0, abs=0.08)

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
        shares = admixture.proportions(dosages, frequencies, 20_000, 1e-10)
        mixed = shares @ frequencies
        slope = frequencies @ (dosages / mixed) + (1 - frequencies) @ (
            (2 - dosages) / (1 - mixed)
        )
        inside = shares > 1e-6
        np.testing.assert_allclose(slope[inside] / 800, 1.0, atol=1e-6)
        assert (slope / 800 <= 1 + 1e-6).all()
        np.testing.assert_allclose(shares, truth, atol=0.15)

    def test_one_group_takes_all(self):
        assert admixture.proportions(np.ones(5), np.full((1, 5), 0.3)).tolist() == [1.0]

    def test_impossible_frequency(self):
        with pytest.raises(ValueError, match="strictly"):
            admixture.proportions(np.ones(2), np.array([[0.0, 0.5]]))


class TestSites:
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
