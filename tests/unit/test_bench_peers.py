"""The benchmark's methods: exact where there is an oracle, right where all is known."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest

import run_alphapeel
import run_beagle
import run_four_state
import run_morula
import run_single_sample
from bench import case as bench_case
from bench.case import Case
from bench.given_phase import write_phase
from bench.peers import four_state, ordered, parents, single_sample
from bench.steps import run_script
from bench_world import make_case
from morula.genetic_map import haldane
from morula.haplotypes import read_genotypes
from small_family import N_PANEL, N_SITES, SmallFamily

READ_ERROR = 0.005
needs_alphapeel = pytest.mark.skipif(
    find_spec("tinypeel") is None,
    reason="AlphaPeel is not installed: pip install --editable '.[bench]'",
)


def with_reads(case: Case, depth: float, seed: int = 2) -> Case:
    """The case with independent reads of both alleles, and none at indels."""
    rng = np.random.default_rng(seed)
    n_reads = rng.poisson(depth, case.counts.shape[:2]) * case.is_snv
    alt = case.alleles.mean(axis=2)
    n_alt = rng.binomial(n_reads, alt * (1 - READ_ERROR) + (1 - alt) * READ_ERROR)
    return replace(case, counts=np.stack([n_reads - n_alt, n_alt], axis=2))


def with_likelihoods(case: Case) -> Case:
    """The case with the parents' genotypes known by their likelihoods."""
    copies = case.parents.sum(axis=2)
    return replace(case, parent_pl=60 * (1 - np.eye(3, dtype=np.int32)[copies]))


def right(case: Case, result: bench_case.Result) -> float:
    """Share of genotypes that are right where a parent is het."""
    het = (case.parents.sum(axis=2) == 1).any(axis=0)
    return (result.gp.argmax(axis=2) == case.alleles.sum(axis=2))[:, het].mean()


def run_on(case: Case, folder, main, *flags) -> bench_case.Result:
    """What a method's command makes of a case."""
    bench_case.save(folder / "case.npz", case)
    paths = ["--case", f"{folder}/case.npz", "--output", f"{folder}/result.npz"]
    assert main([*paths, *map(str, flags)]) == 0
    return bench_case.load_result(folder / "result.npz")


class TestParents:
    @pytest.fixture
    def case(self):
        case = make_case(n_sites=6)
        phased = case.phased.copy()
        phased[0, 0], phased[0, 1] = (0, 1), (-1, -1)
        pl = case.parent_pl.copy()
        pl[0, 1] = 60, 0, 60
        return replace(case, phased=phased, parent_pl=pl)

    def test_a_phased_pair_has_all_but_the_error(self, case):
        pairs = parents.haplotype_pairs(case, 0, 0.003)
        np.testing.assert_allclose(pairs[0], [[0.001, 0.997], [0.001, 0.001]])

    def test_an_unphased_het_lies_either_way(self, case):
        pairs = parents.haplotype_pairs(case, 0, 0.003)
        assert pairs[1, 0, 1] == pairs[1, 1, 0] > 0.499

    def test_without_likelihoods_the_panel_speaks(self, case):
        unknown = replace(
            case, phased=np.full_like(case.phased, -1), alt_frequency=np.full(6, 0.2)
        )
        pairs = parents.haplotype_pairs(unknown, 1, 0.003)
        np.testing.assert_allclose(pairs[3], [[0.64, 0.16], [0.16, 0.04]])

    def test_no_frequency_is_certain(self, case):
        edge = replace(case, alt_frequency=np.array([0.0, 1.0] * 3))
        assert parents.panel_frequency(edge)[:2] == pytest.approx([0.001, 0.999])


def brute_force(case: Case, embryo: int, switch: float) -> tuple:
    """Posterior of vectors (L, 4) and ordered genotypes (L, 4), over all paths."""
    n_sites = len(case.pos_bp)
    alt = np.empty((2, n_sites, 2))
    change = np.zeros((2, n_sites))
    for parent, site in itertools.product((0, 1), range(n_sites)):
        pair = case.phased[parent, site]
        is_phased = pair[0] >= 0
        for haplotype in (0, 1):
            wrong = 2 * four_state.PARENT_ERROR / 3
            alt[parent, site, haplotype] = (
                abs(pair[haplotype] - wrong) if is_phased else case.alt_frequency[site]
            )
        if site:
            r = haldane(case.cm[parent, site] - case.cm[parent, site - 1])
            w = switch if is_phased and pair[0] != pair[1] else 0.0
            change[parent, site] = r * (1 - w) + (1 - r) * w
    vectors, genotypes = np.zeros((n_sites, 4)), np.zeros((n_sites, 4))
    for path in itertools.product(range(4), repeat=n_sites):
        weight, joint = 1.0, np.zeros((n_sites, 4))
        for site, v in enumerate(path):
            for parent, bit in ((0, v >> 1), (1, v & 1)):
                if site:
                    before = path[site - 1] >> 1 if parent == 0 else path[site - 1] & 1
                    flip = change[parent, site]
                    weight *= flip if bit != before else 1 - flip
            n_ref, n_alt = case.counts[embryo, site]
            for m, f in itertools.product((0, 1), (0, 1)):
                shows = (READ_ERROR, 0.5, 1 - READ_ERROR)[m + f]
                mother, father = alt[0, site, v >> 1], alt[1, site, v & 1]
                prior = (mother if m else 1 - mother) * (father if f else 1 - father)
                joint[site, 2 * m + f] = prior * (1 - shows) ** n_ref * shows**n_alt
        weight *= joint.sum(axis=1).prod()
        for site, v in enumerate(path):
            vectors[site, v] += weight
            genotypes[site] += weight * joint[site] / joint[site].sum()
    return vectors / vectors.sum(axis=1)[:, None], genotypes / vectors[0].sum()


class TestFourState:
    @pytest.mark.parametrize("switch", [0.0, 0.05])
    def test_equals_the_sum_over_paths(self, switch):
        case = with_reads(make_case(3, 5, 2, cm_per_mb=5000), 3.0)
        phased = case.phased.copy()
        phased[0, 2] = -1
        # Reads that the parents' alleles cannot explain.
        phased[:, 3], case.counts[:, 3] = 0, (1, 6)
        case = replace(case, phased=phased)
        found = four_state.infer(case, switch, READ_ERROR)
        for embryo in (0, 1):
            vectors, genotypes = brute_force(case, embryo, switch)
            np.testing.assert_allclose(
                found.gp[embryo], ordered.genotypes(genotypes), rtol=1e-4, atol=1e-7
            )
            np.testing.assert_allclose(
                found.haplotype[embryo, 0], vectors[:, 2:].sum(axis=1), rtol=1e-4
            )
            np.testing.assert_allclose(
                found.haplotype[embryo, 1], vectors[:, [1, 3]].sum(axis=1), rtol=1e-4
            )

    def test_with_perfect_information_nearly_all_is_right(self, tmp_path):
        case = with_reads(make_case(), 30.0)
        found = run_on(case, tmp_path, run_four_state.main)
        assert right(case, found) > 0.999
        carried = found.haplotype > 0.5
        assert (carried == (case.transmitted == 1)).mean() > 0.99
        het = (case.parents.sum(axis=2) == 1).any(axis=0)
        assert (found.phased == case.alleles)[:, het].mean() > 0.99

    def test_without_reads_it_knows_no_haplotype(self):
        found = four_state.infer(make_case(), 0.0, READ_ERROR)
        np.testing.assert_allclose(found.haplotype, 0.5, atol=1e-6)

    def test_a_switch_rate_repairs_a_long_switch(self):
        case = with_reads(make_case(), 5.0)
        phased = case.phased.copy()
        phased[:, 750:] = phased[:, 750:, ::-1]
        switched = replace(case, phased=phased)
        aware = four_state.infer(switched, 0.003, READ_ERROR)
        assert right(case, aware) > 0.98


class TestOrdered:
    def test_a_het_comes_in_its_more_probable_order(self):
        states = np.array([[[0.1, 0.2, 0.6, 0.1], [0.35, 0.3, 0.1, 0.25]]])
        np.testing.assert_allclose(ordered.genotypes(states)[0, 0], [0.1, 0.8, 0.1])
        assert ordered.best_phased(states).tolist() == [[[1, 0], [0, 1]]]


class TestSingleSample:
    def test_likelihoods_are_of_independent_reads(self):
        pl = single_sample.phred_likelihoods(np.array([[1, 0], [5, 5], [99, 0]]), 0.01)
        assert pl[0].tolist() == [0, 3, 20]
        assert pl[1].tolist() == [70, 0, 70]
        assert pl[2].tolist() == [0, 255, 255]

    def test_deep_reads_are_called_right(self, tmp_path):
        case = with_reads(make_case(), 30.0)
        found = run_on(case, tmp_path, run_single_sample.main)
        assert found.method.startswith("bcftools 1.")
        best, true = found.gp.argmax(axis=2), case.alleles.sum(axis=2)
        np.testing.assert_array_equal(
            found.called, np.broadcast_to(case.is_snv, best.shape)
        )
        assert (best == true)[found.called].mean() > 0.999
        np.testing.assert_allclose(found.gp.sum(axis=2), 1.0, atol=1e-3)

    def test_a_site_without_reads_is_filled_by_the_panel(self):
        case = replace(make_case(n_sites=3), alt_frequency=np.array([0.1, 0.5, 0.9]))
        found = single_sample.infer(case, READ_ERROR)
        assert not found.called.any()
        assert found.gp[0].tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]

    def test_quality_is_what_the_reads_say(self):
        case = make_case(n_sites=2, n_embryos=1)
        counts = np.array([[[3, 0], [0, 1]]], dtype=np.int32)
        calls = single_sample.call(replace(case, counts=counts), READ_ERROR)
        assert calls.genotype.tolist() == [[0, 0]]
        # One read of ALT: the caller's prior says hom-ref, its read says the contrary.
        assert calls.quality.tolist() == [[9, 0]]


class TestAlphaPeel:
    @needs_alphapeel
    def test_two_tiny_cases(self, tmp_path):
        cases = [with_reads(make_case(s, 100, 2), 20.0) for s in (4, 5)]
        paths = [str(tmp_path / f"case{i}.npz") for i in (0, 1)]
        outputs = [str(tmp_path / f"result{i}.npz") for i in (0, 1)]
        for path, case in zip(paths, cases, strict=True):
            bench_case.save(path, case)
        # Compiling takes it half a minute, interpreting a case of this size a second.
        subprocess.run(
            [sys.executable, run_alphapeel.__file__]
            + ["--case", *paths, "--output", *outputs],
            env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
            check=True,
            capture_output=True,
        )
        for case, output in zip(cases, outputs, strict=True):
            found = bench_case.load_result(output)
            assert found.method.startswith("AlphaPeel 1.")
            assert right(case, found) > 0.99
            carried = found.haplotype > 0.5
            assert (carried == (case.transmitted == 1)).mean() > 0.9

    def test_every_case_needs_an_output(self, capsys):
        flags = ["--case", "a.npz", "b.npz", "--output", "r.npz"]
        assert run_alphapeel.main(flags) == 2
        assert "2 cases and 1 outputs" in capsys.readouterr().err


@pytest.fixture(scope="module")
def family(tmp_path_factory):
    """A family in files, prepared as for the correct stage."""
    small = SmallFamily(tmp_path_factory.mktemp("family"))
    world = small.folder
    given = world / "given.bcf"
    (world / "genome.fa.fai").write_text("chr21\t10000000\t7\t60\t61\n")
    true = read_genotypes(world / "phase.bcf", "chr21")
    write_phase(given, true, 0.003, world / "genome.fa.fai")
    flags = ["--chrom", "chr21", "--map", f"{world}/chr21.map", "--seed", 1]
    flags += ["--phased", given, "--panel", f"{world}/panel.bcf"]
    flags += ["--threads", 1, "--memory-mb", 500]
    run_script("impute_parents", [*flags, "--output", f"{world}/parents.bcf"])
    flags = ["--sites", f"{world}/sites.tsv.gz", "--genotypes", f"{world}/call.bcf"]
    flags += ["--imputed", f"{world}/parents.bcf", "--chrom", "chr21"]
    flags += ["--mother", "M", "--father", "P", "--genotype-error", 0.001]
    flags += ["--map-female", f"{world}/chr21.map", "--map-male", f"{world}/chr21.map"]
    flags += ["--phased", given]
    run_script("prepare_family", [*flags, "--output", f"{world}/family.npz"])
    return small


def case_of(small: SmallFamily, names: tuple[str, ...]) -> Case:
    """The case of some of the small family's embryos."""
    true = [small.embryos[name] for name in names]
    both = np.stack([small.mother, small.father]).astype(np.int8)
    cm = np.cumsum(small.gap_cm)
    n_embryos = len(names)
    return with_likelihoods(
        Case(
            chrom="chr21",
            pos_bp=small.pos_bp,
            ref=np.full(N_SITES, "A"),
            alt=np.where(small.is_snv, "G", "AT"),
            embryos=np.array(names),
            alt_frequency=small.panel.sum(axis=1) / (2 * N_PANEL),
            counts=np.stack([one.counts * small.is_snv[:, None] for one in true]),
            is_snv=small.is_snv,
            cm=np.stack([cm, cm]),
            parent_pl=np.zeros((2, N_SITES, 3), dtype=np.int32),
            phased=np.where(small.is_snv[None, :, None], both, -1).astype(np.int8),
            parents=both,
            alleles=np.stack([one.alleles for one in true]),
            transmitted=np.stack(
                [np.stack([one.vectors >> 1, one.vectors & 1]) for one in true]
            ).astype(np.int8),
            true_dropout=np.full(n_embryos, 0.2),
            true_contamination=np.zeros(n_embryos),
            true_error=np.full(n_embryos, 0.005),
        )
    )


class TestBeagle:
    def flags(self, family):
        world = family.folder
        panel = ["--panel", f"{world}/panel.bcf", "--map", f"{world}/chr21.map"]
        return [*panel, "--memory-mb", "500"]

    def test_deep_calls_and_the_rest_imputed(self, family, tmp_path):
        case = with_reads(case_of(family, ("E1", "E2")), 20.0)
        found = run_on(case, tmp_path, run_beagle.main, *self.flags(family))
        assert found.method.startswith("Beagle ")
        best, true = found.gp.argmax(axis=2), case.alleles.sum(axis=2)
        assert (best == true)[:, case.is_snv].mean() > 0.999
        assert (best == true)[:, ~case.is_snv].mean() > 0.9

    def test_where_nothing_is_called_the_panel_remains(self, family, tmp_path):
        case = case_of(family, ("E2",))
        silent = replace(case, counts=np.zeros_like(case.counts))
        found = run_on(silent, tmp_path, run_beagle.main, *self.flags(family))
        expected = parents.hardy_weinberg(parents.panel_frequency(case))
        np.testing.assert_allclose(found.gp[0], expected, rtol=1e-5)

    def test_where_nothing_is_left_to_impute(self, family, tmp_path):
        # Every site has reads, indels too: Beagle then writes no GP.
        case = case_of(family, ("E1", "E2"))
        case = with_reads(replace(case, is_snv=np.ones_like(case.is_snv)), 60.0)
        found = run_on(case, tmp_path, run_beagle.main, *self.flags(family))
        assert set(np.unique(found.gp).tolist()) == {0.0, 1.0}
        assert right(case, found) > 0.999

    def test_another_panel_is_refused(self, family, tmp_path, capfd):
        case = case_of(family, ("E1",))
        moved = case.pos_bp.copy()
        moved[-1] += 7
        bench_case.save(tmp_path / "case.npz", replace(case, pos_bp=moved))
        flags = ["--case", f"{tmp_path}/case.npz", "--output", f"{tmp_path}/r.npz"]
        assert run_beagle.main([*flags, *self.flags(family)]) == 2
        assert "1 sites of the case are not in the panel" in capfd.readouterr().err


class TestMorula:
    def test_its_stages_on_the_small_family(self, family, tmp_path):
        world, names = family.folder, ("E2", "E1")
        flags = ["--family-sites", f"{world}/family.npz", "--mother", "M"]
        flags += ["--phased", f"{world}/given.bcf"]
        flags += ["--father", "P", "--amplification", "MDA", "--cells", 1]
        flags += ["--imputed-parents", f"{world}/parents.bcf"]
        flags += ["--map", f"{world}/chr21.map"]
        flags += ["--counts", *(f"{world}/counts.{name}.bcf" for name in names)]
        case = case_of(family, names)
        found = run_on(case, tmp_path, run_morula.main, *flags)
        assert found.method.startswith("Morula ")
        assert right(case, found) > 0.97
        agrees = (found.haplotype > 0.5) == (case.transmitted == 1)
        assert agrees.mean() > 0.95
        assert set(found.status) <= {"pass", "warn", "fail"}
        assert 0.1 < found.dropout[1] < 0.3
        assert (np.abs(found.error - 0.005) < 0.005).all()
        # At 0.5x its contamination may stay unknown.
        assert found.contamination[1] < 0.02
        drawn = np.unpackbits(found.draws, axis=3, count=N_SITES)
        assert drawn.shape[:2] == (2, 2)
        expected = drawn.sum(axis=1).mean(axis=1)
        dosage = found.gp @ np.arange(3.0)
        assert np.abs(expected - dosage).mean() < 0.02


def test_commands_run_from_any_folder(tmp_path):
    """As the benchmark's rules call them: by path, without an installed package."""
    for method in (run_four_state, run_alphapeel, run_beagle, run_morula):
        words = [sys.executable, method.__file__, "--help"]
        subprocess.run(words, cwd=tmp_path, check=True, capture_output=True)
