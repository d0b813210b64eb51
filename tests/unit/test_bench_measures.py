"""The benchmark's measures against small examples worked by hand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest

import bench_world as world
import judge_case
from bench import crossover_measures as crossovers
from bench.calibration_measures import (
    BEST_EDGES,
    bin_names,
    calibration_rows,
    expected_calibration_error,
    reliability,
)
from bench.case import Case, Result, plain_result
from bench.estimate_measures import estimate_rows, verdict_rows
from bench.genotype_measures import genotype_rows, null_result
from bench.measures import check, judge
from bench.phase_measures import (
    parents_phase_rows,
    phase_errors,
    phased_allele_rows,
)
from bench.truth import EVERY_EMBRYO, Row, truth_of
from morula import tables
from morula.errors import InputError


def values(
    rows: Iterable[Row], embryo: str = EVERY_EMBRYO
) -> dict[tuple[str, str], tuple[float, int]]:
    """(measure, stratum) to (value, n)."""
    return {
        (row.measure, row.stratum): (row.value, row.n)
        for row in rows
        if row.embryo == embryo
    }


def four_sites() -> Case:
    """One embryo; the mother is het at the sites 0 and 1, nobody at 2 and 3.

    True copies: 1, 0, 2, 0. The panel's minor allele is REF at site 2 alone.
    """
    case = world.make_case(n_sites=4, n_embryos=1)
    parents = np.array(
        [[[0, 1], [1, 0], [1, 1], [0, 0]], [[0, 0]] * 2 + [[1, 1], [0, 0]]]
    )
    alleles = np.array([[[1, 0], [0, 0], [1, 1], [0, 0]]])
    return replace(
        case,
        parents=parents.astype(np.int8),
        phased=parents.astype(np.int8),
        alleles=alleles.astype(np.int8),
        transmitted=np.array([[[1, 1, 1, 1], [0, 0, 0, 0]]], dtype=np.int8),
        alt_frequency=np.array([0.2, 0.03, 0.995, 0.001]),
        is_snv=np.array([True, False, True, True]),
    )


def called_as(copies: list[int], called: list[bool] | None = None) -> Result:
    """A result of one embryo that is sure of everything."""
    result = plain_result("peer", np.eye(3)[[copies]])
    if called is None:
        return result
    return replace(result, called=np.array([called]))


class TestGenotypes:
    def test_by_hand(self):
        case = four_sites()
        found = values(genotype_rows(truth_of(case), called_as([1, 1, 2, 0]), []))
        assert found["genotype_accuracy", "all"] == (0.75, 4)
        assert found["genotype_accuracy", "parent_het"] == (0.5, 2)
        assert found["genotype_accuracy", "snvs"] == (1.0, 3)
        assert found["genotype_accuracy", "snvs_parent_het"] == (1.0, 1)
        assert found["genotype_accuracy", "all_maf_below_1pct"] == (1.0, 2)
        assert found["genotype_accuracy", "all_maf_1_to_5pct"] == (0.0, 1)
        assert found["genotype_accuracy", "parent_het_maf_5_to_50pct"] == (1.0, 1)
        assert ("genotype_accuracy", "parent_het_maf_below_1pct") not in found
        # Of the sites 0, 1 (called with ALT) and 2, two are equal.
        assert found["nonref_concordance", "all"] == (pytest.approx(2 / 3), 3)

    def test_not_called_is_wrong(self):
        calls = called_as([1, 0, 2, 0], [True, True, False, False])
        found = values(genotype_rows(truth_of(four_sites()), calls, ["E1"]))
        assert found["genotype_accuracy", "all"] == (0.5, 4)
        assert found["called_share", "all"] == (0.5, 4)
        assert found["called_accuracy", "all"] == (1.0, 2)
        assert found["filled_accuracy", "all"] == (1.0, 4)
        # Site 2 is ALT by the truth, though not called.
        assert found["nonref_concordance", "all"] == (0.5, 2)

    def test_r2_is_coded_by_the_minor_allele(self):
        case = four_sites()
        gp = np.array([[[0.2, 0.8, 0], [0.5, 0.5, 0], [0, 0.1, 0.9], [1, 0, 0]]])
        found = values(genotype_rows(truth_of(case), plain_result("peer", gp), []))
        true, dosage = [1, 0, 0, 0], [0.8, 0.5, 0.1, 0.0]
        expected = np.corrcoef(true, dosage)[0, 1] ** 2
        assert found["dosage_r2", "all"] == (pytest.approx(expected, rel=1e-5), 4)

    def test_null_is_twice_the_frequency(self):
        case = world.make_case()
        null = null_result(case)
        found = values(genotype_rows(truth_of(case), null, []))
        true = case.alleles.sum(axis=2)
        flip = case.alt_frequency > 0.5
        true = np.where(flip, 2 - true, true)
        dosage = np.where(flip, 2 - 2 * case.alt_frequency, 2 * case.alt_frequency)
        expected = np.corrcoef(true.ravel(), np.tile(dosage, len(true)))[0, 1] ** 2
        assert found["dosage_r2", "all"][0] == pytest.approx(expected, rel=1e-5)
        assert 0.1 < expected < 0.9

    def test_lost_copies_are_not_counted(self):
        case = four_sites()
        alleles = case.alleles.copy()
        alleles[0, 1, 0] = -1
        rows = genotype_rows(
            truth_of(replace(case, alleles=alleles)), called_as([1, 1, 2, 0]), []
        )
        assert values(rows)["genotype_accuracy", "all"] == (1.0, 3)

    def test_each_embryo(self):
        case = world.make_case(n_embryos=2)
        result = world.true_result(case)
        gp = result.gp.copy()
        gp[1] = gp[1][:, [1, 2, 0]]
        rows = list(genotype_rows(truth_of(case), replace(result, gp=gp), ["E1", "E2"]))
        for embryo, expected in (("E1", 1.0), ("E2", 0.0)):
            found = values(rows, embryo)["genotype_accuracy", "parent_het"]
            assert found[0] == expected


class TestCalibration:
    def drawn(self, claimed: float | None) -> dict[tuple[str, str], tuple[float, int]]:
        """Rows of a caller whose genotypes are drawn from its own probabilities, or
        which claims another probability of the best guess."""
        case = world.make_case(n_sites=20_000, n_embryos=4)
        rng = np.random.default_rng(3)
        gp = rng.dirichlet([0.4, 0.4, 0.4], (4, 20_000))
        drawn = (rng.random((4, 20_000, 1)) > np.cumsum(gp, axis=2)).sum(axis=2)
        if claimed is not None:
            best = gp.argmax(axis=2)[:, :, None] == np.arange(3)
            gp = np.where(best, claimed, (1 - claimed) / 2)
        truth = replace(truth_of(case), copies=drawn.astype(np.int8))
        return values(calibration_rows(truth, plain_result("peer", gp)))

    def test_a_calibrated_caller(self):
        found = self.drawn(None)
        assert found["ece", "all"][0] < 0.005
        for name in bin_names(BEST_EDGES):
            where = f"all:{name}"
            if ("best_gp_right", where) in found:
                right, n = found["best_gp_right", where]
                claimed = found["best_gp_claimed", where][0]
                error = np.sqrt(claimed * (1 - claimed) / n)
                assert abs(right - claimed) < 4 * error + 1e-9
        each = found["each_gp_right", "parent_het:0.25-0.5"][0]
        assert each == pytest.approx(0.37, abs=0.03)
        sure = [f"all:{name}" for name in bin_names(BEST_EDGES)[5:]]
        claimed = [found["best_gp_claimed", where] for where in sure]
        mean = sum(value * n for value, n in claimed) / sum(n for _, n in claimed)
        assert found["gp90_accuracy", "all"][0] == pytest.approx(mean, abs=0.005)

    def test_an_overconfident_caller(self):
        found = self.drawn(0.999)
        accuracy = found["gp99_accuracy", "all"][0]
        assert found["gp99_share", "all"][0] == 1.0
        assert found["ece", "all"][0] == pytest.approx(0.999 - accuracy, abs=1e-6)
        assert found["ece", "all"][0] > 0.15

    def test_by_hand(self):
        claimed = np.array([0.45, 0.55, 0.65, 0.65])
        right = np.array([False, True, True, False])
        count, mean, share = reliability(claimed, right, (0.0, 0.5, 0.6, 1.0))
        assert count.tolist() == [1, 1, 2]
        np.testing.assert_allclose(mean, [0.45, 0.55, 0.65])
        assert share.tolist() == [0.0, 1.0, 0.5]
        error = expected_calibration_error(count, mean, share)
        assert error == pytest.approx((0.45 + 0.45 + 2 * 0.15) / 4)

    def test_what_is_not_called_claims_nothing(self):
        calls = called_as([1, 1, 2, 0], [True, False, True, True])
        found = values(calibration_rows(truth_of(four_sites()), calls))
        assert found["ece", "all"] == (0.0, 3)
        assert found["gp99_share", "all"] == (0.75, 4)


class TestPhase:
    TRUE = np.array([[0, 1]] * 12, dtype=np.int8)

    def found(self, *turned: int) -> np.ndarray:
        found = self.TRUE.copy()
        found[list(turned)] = found[list(turned), ::-1]
        return found

    def test_a_flip_is_no_long_switch(self):
        errors = phase_errors(self.TRUE, self.found(5))
        assert errors.is_flip.sum() == 1
        assert errors.is_flip[5]
        assert errors.long_switches().sum() == 0
        assert len(errors.long_switches()) == 10
        assert errors.switches().sum() == 2
        assert not errors.is_swapped_around().any()

    def test_a_long_switch_is_no_flip(self):
        errors = phase_errors(self.TRUE, self.found(*range(6, 12)))
        assert errors.is_flip.sum() == 0
        assert errors.long_switches().sum() == errors.switches().sum() == 1
        assert errors.is_swapped_around().tolist() == [False] * 6 + [True] * 6

    def test_a_flip_beyond_a_switch(self):
        errors = phase_errors(self.TRUE, self.found(*range(4, 8), *range(9, 12)))
        assert np.flatnonzero(errors.is_flip).tolist() == [8]
        assert errors.is_swapped_around().tolist() == [False] * 4 + [True] * 8

    def test_only_hets_of_both_are_compared(self):
        true, found = self.TRUE.copy(), self.found()
        true[0] = 1
        found[1] = 1
        found[2] = -1
        assert phase_errors(true, found).sites.tolist() == list(range(3, 12))

    def test_rates_and_denominators(self):
        case = world.make_case()
        hets = np.flatnonzero(case.parents[0, :, 0] != case.parents[0, :, 1])
        turned = world.turned(case, 0, [int(hets[10]), *hets[50:].tolist()])
        errors = tuple(
            phase_errors(turned.parents[side], turned.phased[side]) for side in (0, 1)
        )
        found = values(parents_phase_rows(turned, truth_of(turned), errors))
        n = len(hets)
        assert found["phase_flip_rate", "mother"] == (1 / n, n)
        assert found["phase_long_switch_rate", "mother"] == (1 / (n - 2), n - 2)
        assert found["phase_switch_error_rate", "mother"] == (3 / (n - 1), n - 1)
        assert found["phase_flip_rate", "father"][0] == 0.0
        assert found["phased_het_share", "mother"] == (1.0, n)
        bins = [
            v for (m, s), v in found.items() if m == "phase_flip_rate" and "maf" in s
        ]
        assert sum(size for _, size in bins) == found["phase_flip_rate", "all"][1]

    def test_phased_alleles(self):
        case = four_sites()
        phased = case.alleles.copy()
        phased[0, 0, 0] = 0
        result = replace(called_as([1, 0, 2, 0]), phased=phased)
        found = values(phased_allele_rows(case, truth_of(case), result))
        assert found["phased_allele_accuracy", "mother_het"] == (0.5, 2)
        assert ("phased_allele_accuracy", "father_het") not in found
        assert not list(phased_allele_rows(case, truth_of(case), called_as([0] * 4)))


class TestCrossovers:
    def found(self, case: Case, result: Result) -> dict[tuple[str, str], tuple]:
        errors = tuple(
            phase_errors(case.parents[side], case.phased[side]) for side in (0, 1)
        )
        return values(crossovers.crossover_rows(case, result, errors))

    def one_crossover(self) -> Case:
        """One embryo whose maternal haplotype changes in the middle of 3 Mb."""
        case = world.make_case(n_embryos=1)
        transmitted = np.zeros((1, 2, 1500), dtype=np.int8)
        transmitted[0, 0, 750:] = 1
        return replace(case, transmitted=transmitted)

    def test_true_phase(self):
        case = self.one_crossover()
        found = self.found(case, world.true_result(case))
        assert found["crossovers_true", "all"] == (0.5, 2)
        assert found["crossovers_found", "all"] == (0.5, 2)
        assert found["crossover_recall_100kb", "all"] == (1.0, 1)
        assert found["crossover_precision_100kb", "all"] == (1.0, 1)
        assert found["crossover_error_bp", "all"][0] < 10 * world.SITE_BP

    def test_errors_of_the_phase_are_no_crossovers(self):
        case = self.one_crossover()
        hets = np.flatnonzero(case.parents[0, :, 0] != case.parents[0, :, 1])
        expected = self.found(case, world.true_result(case))
        case = world.turned(case, 0, [int(hets[7])])
        case = world.turned(case, 0, slice(200, 1100))
        result = world.true_result(case)
        # The estimated haplotype does change at the long switches.
        assert (np.diff(result.haplotype[0, 0]) != 0).sum() > 1
        assert self.found(case, result) == expected

    def test_a_flip_does_not_move_what_a_method_says(self):
        case = self.one_crossover()
        result = world.true_result(case)
        hets = np.flatnonzero(case.parents[0, :, 0] != case.parents[0, :, 1])
        flipped = world.turned(case, 0, hets[20:200:20].tolist())
        assert self.found(flipped, result) == self.found(case, result)

    def test_a_switch_that_a_method_does_not_see_is_false(self):
        case = self.one_crossover()
        switched = world.turned(case, 0, slice(200, 1500))
        found = self.found(switched, world.true_result(case))
        assert found["crossovers_found", "all"] == (1.0, 2)
        assert found["crossover_precision_500kb", "all"] == (0.5, 2)
        assert found["crossover_recall_500kb", "all"] == (1.0, 1)

    def test_missed(self):
        case = self.one_crossover()
        result = world.true_result(case)
        unsure = replace(result, haplotype=np.full_like(result.haplotype, 0.5))
        found = self.found(case, unsure)
        assert found["crossover_recall_500kb", "all"] == (0.0, 1)
        assert ("crossover_precision_500kb", "all") not in found
        assert not self.found(case, called_as([0] * 1500))

    def test_lost_copies_are_passed_over(self):
        transmitted = np.array([0, 0, -1, -1, 0, 1, -1, 1], dtype=np.int8)
        found = crossovers.true_crossovers(transmitted, np.arange(8) * 100)
        assert found.tolist() == [450.0]

    def test_pairs_are_one_to_one(self):
        true, found = np.array([100.0, 200.0]), np.array([180.0, 210.0, 900.0])
        assert crossovers.matched_distances(true, found, 100) == [10.0, 80.0]
        assert crossovers.matched_distances(true, found, 50) == [10.0]


class TestEstimates:
    def test_bias_and_error(self):
        case = replace(world.make_case(n_embryos=2), true_dropout=np.array([0.1, 0.3]))
        result = replace(world.true_result(case), dropout=np.array([0.2, 0.3]))
        rows = list(estimate_rows(case, result))
        found = values(rows)
        assert found["dropout_bias", "all"] == (pytest.approx(0.05), 2)
        assert found["dropout_rmse", "all"] == (pytest.approx(np.sqrt(0.005)), 2)
        assert values(rows, "E1")["dropout_estimated", "all"] == (0.2, 1)
        assert values(rows, "E1")["dropout_true", "all"] == (0.1, 1)
        assert ("error_bias", "all") not in found

    def test_verdicts(self):
        case = world.make_case(n_embryos=2)
        result = replace(world.true_result(case), status=np.array(["pass", "fail"]))
        rows = list(verdict_rows(case, result))
        assert values(rows)["qc_pass", "all"] == (0.5, 2)
        assert values(rows, "E2")["qc_fail", "all"] == (1.0, 1)
        assert not list(verdict_rows(case, called_as([0])))


class TestJudge:
    def test_truth_is_perfect(self):
        case = world.make_case()
        rows = list(judge(case, [world.true_result(case)], world.sparse_weights(case)))
        found = values(row for method, row in rows if method == "morula 1")
        for (measure, _), (value, _) in found.items():
            if measure.endswith(("accuracy", "_concordance", "_share", "_r2")):
                if measure != "pgs_gain_lost_share":
                    assert value == pytest.approx(1.0), measure
        assert found["ece", "all"][0] == 0.0
        assert found["pgs_best_chosen", "all"][0] == 1.0
        methods = {method for method, _ in rows}
        assert methods == {"morula 1", "panel_frequency", "parents_phase"}

    def test_command_line(self, tmp_path):
        case = world.make_case(n_sites=300)
        flags = world.write_case(tmp_path / "case", case, [world.true_result(case)])
        flags += ["--world", "small", "--scenario", "depth_1", "--couple", "0"]
        outputs = [tmp_path / name for name in ("one.tsv", "two.tsv")]
        for path in outputs:
            assert judge_case.main([*flags, "--output", str(path)]) == 0
        assert outputs[0].read_bytes() == outputs[1].read_bytes()
        row = tables.read_tsv(outputs[0])[0]
        assert (row["world"], row["scenario"], row["couple"]) == (
            "small",
            "depth_1",
            "0",
        )

    def test_mistakes_are_named(self, tmp_path, capsys):
        case = world.make_case(n_sites=300)
        other = world.make_case(n_sites=200)
        with pytest.raises(InputError, match="4 embryos and 300 sites"):
            check(case, world.true_result(other), "result.npz")
        result = world.true_result(case)
        with pytest.raises(InputError, match="do not add up"):
            check(case, replace(result, gp=result.gp * np.nan), "result.npz")
        with pytest.raises(InputError, match="weights of 200 sites"):
            list(judge(case, [], np.zeros((200, 3))))
        flags = world.write_case(tmp_path / "case", case, [world.true_result(other)])
        flags += ["--world", "w", "--scenario", "s", "--couple", "0"]
        assert judge_case.main([*flags, "--output", str(tmp_path / "rows.tsv")]) == 2
        assert "result0.npz" in capsys.readouterr().err
        assert not (tmp_path / "rows.tsv").exists()
