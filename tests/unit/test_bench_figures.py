"""The benchmark over couples: intervals, tables, the page, and figures."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

import bench_world as world
import judge_case
import summarise
import time_methods
from bench.figures import as_error
from bench.intervals import Estimate, combine, error_ratio
from bench.measures import Kind, kind_of
from bench.pooled_calibration import pooled_error
from bench.summary import ROW_COLUMNS, Summary, method_order, read_scenarios
from bench.tables_md import MISSING, cell, share, table, two_digits
from morula import tables
from morula.errors import InputError

SHARE = Kind(is_pooled=True, least=0.0, most=1.0)
MEAN = Kind(is_pooled=False, least=-np.inf, most=np.inf)
PEER = "peer 2 (x|y)"
SCENARIOS = (
    ("depth_10", "depth", "10", "depth_10", ""),
    ("depth_1", "depth", "1", "depth_1", ""),
    ("pta", "protocol", "PTA", "one cell by PTA", ""),
    ("hard", "", "", "much dropout", ""),
    ("swap", "", "", "tubes swapped", "siblings are alike"),
)
FIGURES = {
    *("errors_by_depth", "errors_by_protocol", "pgs_by_depth", "crossovers_by_depth"),
    *("calibration_by_depth", "estimates", "failures", "speed"),
}


@pytest.fixture(scope="module")
def judged(tmp_path_factory) -> tuple[Path, list[str]]:
    """Folder and the flags of summarise.py for two couples under all scenarios."""
    folder = tmp_path_factory.mktemp("bench")
    paths = []
    for place, (scenario, *_) in enumerate(SCENARIOS):
        for couple in range(2):
            case = world.turned(world.make_case(couple), 0, slice(100, 600))
            results = [
                world.noisy_result(case, "morula 1", 0.002 * (place + 1)),
                world.noisy_result(case, PEER, 0.05 * (place + 1)),
            ]
            flags = world.write_case(folder / scenario / str(couple), case, results)
            flags += ["--world", "small", "--scenario", scenario]
            path = folder / scenario / str(couple) / "rows.tsv"
            flags += ["--couple", str(couple), "--output", str(path)]
            assert judge_case.main(flags) == 0
            paths.append(str(path))
    write_tables(folder)
    flags = ["--rows", *paths, "--name", "tiny", "--command", "make bench-tiny"]
    for name in ("scenarios", "speed", "resources", "protocols", "chain"):
        flags += [f"--{name}", str(folder / f"{name}.tsv")]
    return folder, flags


def write_tables(folder: Path) -> None:
    columns = ("scenario", "axis", "value", "label", "fails")
    rows = [dict(zip(columns, one, strict=True)) for one in SCENARIOS]
    tables.write_tsv(folder / "scenarios.tsv", columns, rows)
    costs = dict.fromkeys(time_methods.COLUMNS) | {"wall_s": 2.5, "max_rss_mb": 200}
    ratios = {"wall_ratio": 0.06, "wall_ratio_low": 0.05, "wall_ratio_high": 0.07}
    rows = [costs | {"method": "morula"}, costs | ratios | {"method": "beagle"}]
    tables.write_tsv(folder / "speed.tsv", time_methods.COLUMNS, rows)
    (folder / "resources.tsv").write_text("rule\tseconds\nmake_case\t12.3456789\n")
    (folder / "chain.tsv").write_text(
        "family\tsample\tmeasure\tmethod\tvalue\tlow\thigh\tn\n"
        "F1\tE1\tgenotype_accuracy\tmorula\t0.9\t\t\t50\n"
        "F1\tembryos\tgenotype_accuracy\tmorula\t0.987654321\t0.98\t0.99\t100\n"
    )
    (folder / "protocols.tsv").write_text(
        "protocol\tmeasure\tasked\tobtained\tsource\nMDA\tdropout\t0.2\t0.21\tA 2020\n"
    )


@pytest.fixture(scope="module")
def page(judged) -> Path:
    """Folder of the summary."""
    folder, flags = judged
    assert summarise.main([*flags, "--output-dir", str(folder / "docs")]) == 0
    return folder / "docs"


class TestIntervals:
    def test_shares_are_pooled(self):
        found = combine([0.5, 1.0], [10, 30], SHARE)
        assert found.value == pytest.approx(35 / 40)
        # Residuals 10 * -0.375 and 30 * 0.125; t(1) = 12.706.
        error = np.sqrt(2 * (3.75**2 + 3.75**2)) / 40
        assert found.low == pytest.approx(max(0.0, 0.875 - 12.706 * error), abs=1e-3)
        assert (found.high, found.couples, found.n) == (1.0, 2, 40)

    def test_others_are_plain_means(self):
        found = combine([1.0, 2.0, 6.0], [1, 100, 1], MEAN)
        half = 4.30265 * np.std([1, 2, 6], ddof=1) / np.sqrt(3)
        assert found.value == 3.0
        assert found.low == pytest.approx(3.0 - half, rel=1e-5)
        assert found.high == pytest.approx(3.0 + half, rel=1e-5)

    def test_one_couple_has_no_interval(self):
        found = combine([0.5], [10], SHARE)
        assert found.value == 0.5
        assert np.isnan([found.low, found.high]).all()

    def test_intervals_hold_the_truth(self):
        rng = np.random.default_rng(1)
        held = 0
        for _ in range(1000):
            sizes = rng.integers(50, 200, 6).tolist()
            rates = np.clip(rng.normal(0.6, 0.05, 6), 0, 1)
            shares = rng.binomial(sizes, rates) / sizes
            found = combine(shares.tolist(), sizes, SHARE)
            held += found.low <= 0.6 <= found.high
        assert 0.93 < held / 1000 < 0.97

    def test_error_ratio(self):
        found = error_ratio([0.99, 0.96], [0.9, 0.9], [100, 100])
        ratios = [1.5 / 10.5, 4.5 / 10.5]
        assert found.value == pytest.approx(np.sqrt(np.prod(ratios)))
        assert found.low < found.value < found.high
        none = error_ratio([1.0], [1.0], [100])
        assert none.value == 1.0

    def test_kinds(self):
        assert kind_of("genotype_accuracy") == SHARE
        assert kind_of("dropout_bias") == MEAN
        assert kind_of("dosage_r2") == Kind(False, 0.0, 1.0)
        assert kind_of("pgs_rmse_sibling_sd") == Kind(False, 0.0, np.inf)
        assert kind_of("crossovers_found") == Kind(True, 0.0, np.inf)
        assert kind_of("pgs_spearman") == Kind(False, -np.inf, np.inf)


class TestCells:
    def test_values_and_intervals(self):
        whole = Estimate(0.5, 0.4, 0.6, 2, 10)
        assert cell(whole) == "0.5000 (0.4000–0.6000)"
        assert cell(Estimate(0.5, np.nan, np.nan, 1, 10)) == "0.5000"
        assert cell(None) == MISSING
        assert share(0.99998) == "0.999980"
        assert [two_digits(one) for one in (0.1, 1.0, 12.3)] == ["0.10", "1.0", "12"]

    def test_a_bar_does_not_end_a_cell(self):
        assert table(["a"], [["x|y"]]).splitlines()[-1] == "| x\\|y |"

    def test_no_error_is_half_an_error(self):
        found = as_error(Estimate(1.0, 0.98, 1.0, 2, 100))
        assert (found.value, found.low) == (0.005, 0.005)
        assert found.high == pytest.approx(0.02)


class TestPooledCalibration:
    def test_couples_that_stray_either_way_are_calibrated_together(self):
        couples = [{"0.8-0.9": (100, 85.0, right)} for right in (75.0, 95.0)]
        found = pooled_error(couples)
        assert found.value == pytest.approx(0.0)
        assert (found.couples, found.n) == (2, 200)
        # Without either, the other's error of 0.1 is left.
        assert found.high == pytest.approx(0.0, abs=1e-9)

    def test_the_interval_is_the_jackknife_s(self):
        rng = np.random.default_rng(1)
        right = 1000 * rng.normal(0.8, 0.02, 30)
        couples = [{"0.8-0.9": (1000, 850.0, float(one))} for one in right]
        found = pooled_error(couples)
        assert found.value == pytest.approx(0.85 - right.mean() / 1000)
        error = right.std(ddof=1) / 1000 / np.sqrt(30)
        assert found.high - found.value == pytest.approx(2.045 * error, rel=1e-3)

    def test_one_couple_has_no_interval(self):
        found = pooled_error([{"0.5-0.6": (10, 5.5, 5.0), "0.999-0.9999": (0, 0, 0)}])
        assert found.value == pytest.approx(0.05)
        assert np.isnan(found.low)
        assert np.isnan(found.high)

    def test_summary_pools_over_the_couples_of_a_scenario(self, judged):
        folder, flags = judged
        paths = [flags[k] for k in range(1, flags.index("--name"))]
        summary = Summary(paths, read_scenarios(folder / "scenarios.tsv"))
        curves = [
            row
            for row in summary.curve_rows()
            if (row["scenario"], row["method"]) == ("hard", "morula 1")
            and (row["curve"], row["stratum"]) == ("best_gp", "all")
        ]
        sizes = np.array([row["n"] for row in curves])
        gaps = [abs(float(row["claimed"]) - float(row["right"])) for row in curves]
        found = summary.get("small", "hard", "morula 1", "ece", "all")
        assert found.couples == 2
        assert found.value == pytest.approx(float(sizes @ gaps / sizes.sum()), abs=1e-6)


class TestSummary:
    def test_values_over_couples(self, judged, page):
        folder, _ = judged
        rows = [
            row
            for couple in "01"
            for row in tables.read_tsv(folder / "depth_1" / couple / "rows.tsv")
            if (row["method"], row["embryo"]) == ("morula 1", "all")
            and (row["measure"], row["stratum"]) == ("genotype_accuracy", "parent_het")
        ]
        hits = sum(float(row["value"]) * int(row["n"]) for row in rows)
        n = sum(int(row["n"]) for row in rows)
        (found,) = (
            row
            for row in tables.read_tsv(page / "accuracy.tsv")
            if (row["scenario"], row["method"]) == ("depth_1", "morula 1")
            and (row["measure"], row["stratum"]) == ("genotype_accuracy", "parent_het")
        )
        assert float(found["value"]) == pytest.approx(hits / n)
        assert (found["axis"], found["axis_value"]) == ("depth", "1")
        assert (found["couples"], found["n"]) == ("2", str(n))

    def test_reliability_has_a_row_a_bin(self, page):
        rows = tables.read_tsv(page / "reliability.tsv")
        assert {row["curve"] for row in rows} == {"best_gp", "each_gp"}
        for row in rows:
            low, high = map(float, row["probability"].split("-"))
            assert low - 1e-6 <= float(row["claimed"]) <= high + 1e-6

    def test_axes_are_sorted_by_value(self, judged):
        folder, flags = judged
        summary = Summary(
            flags[1 : flags.index("--name")], read_scenarios(folder / "scenarios.tsv")
        )
        assert [one.value for one in summary.along("depth")] == ["1", "10"]
        assert summary.axes() == ["depth", "protocol"]
        assert summary.methods == ["morula 1", PEER, "panel_frequency"]
        ratio = summary.errors_over_ours("small", "depth_1", PEER)
        assert ratio is not None
        assert 0.01 < ratio.value < 0.5
        assert summary.errors_over_ours("small", "depth_1", "other") is None

    def test_order_of_methods(self):
        methods = ["panel_frequency", "Beagle", "alphapeel", "Morula 1"]
        expected = ["Morula 1", "alphapeel", "Beagle", "panel_frequency"]
        assert sorted(methods, key=method_order) == expected

    def test_mistakes_are_named(self, judged, tmp_path):
        folder, flags = judged
        path = flags[1]
        scenarios = read_scenarios(folder / "scenarios.tsv")
        with pytest.raises(InputError, match="give each case once"):
            Summary([path, path], scenarios)
        with pytest.raises(InputError, match="scenario 'depth_10'"):
            Summary([path], scenarios[1:])
        tables.write_tsv(tmp_path / "odd.tsv", ["scenario", "axis"], [])
        assert read_scenarios(tmp_path / "odd.tsv") == []
        row = {"scenario": "a", "axis": "b"}
        tables.write_tsv(tmp_path / "odd.tsv", ["scenario", "axis"], [row])
        with pytest.raises(InputError, match="expected scenario, axis, value"):
            read_scenarios(tmp_path / "odd.tsv")


class TestPage:
    def test_figures_are_drawn_and_shown(self, page):
        drawn = {path.stem for path in page.glob("*.svg")}
        assert drawn == FIGURES
        text = (page / "README.md").read_text()
        for name in FIGURES:
            assert f"({name}.svg)" in text
            ET.parse(page / f"{name}.svg")

    def test_it_says_where_morula_fails(self, page):
        text = (page / "README.md").read_text()
        part = text.split("## Where Morula fails")[1].split("\n## ")[0]
        assert "| tubes swapped | siblings are alike |" in part
        assert "tubes swapped" in (page / "failures.svg").read_text()

    def test_tables_name_command_methods_and_versions(self, page):
        text = (page / "README.md").read_text()
        sections = text.split("\n## ")[1:-1]
        assert all("From `make bench-tiny`." in one for one in sections)
        assert "peer 2 (x\\|y)" in text
        assert "| MDA | dropout | 0.2 | 0.21 | A 2020 |" in text
        assert "| make_case | 12.346 |" in text
        assert "| genotype_accuracy | morula | 0.98765 | 0.98 | 0.99 | 100 |" in text
        assert "| 0.9 |" not in text.split("## The whole chain")[1].split("\n## ")[0]

    def test_same_input_same_bytes(self, judged, page, tmp_path):
        _, flags = judged
        (tmp_path / "stale.svg").write_text("of an earlier run")
        assert summarise.main([*flags, "--output-dir", str(tmp_path)]) == 0
        names = sorted(path.name for path in page.iterdir())
        assert names == sorted(path.name for path in tmp_path.iterdir())
        for name in names:
            assert (tmp_path / name).read_bytes() == (page / name).read_bytes(), name

    def test_only_what_there_are_rows_for(self, judged, tmp_path):
        folder, flags = judged
        (row,) = (
            row
            for row in tables.read_tsv(folder / "pta/0/rows.tsv")
            if (row["method"], row["embryo"]) == (PEER, "all")
            and (row["measure"], row["stratum"]) == ("genotype_accuracy", "parent_het")
        )
        tables.write_tsv(tmp_path / "rows.tsv", ROW_COLUMNS, [row])
        flags = ["--rows", str(tmp_path / "rows.tsv"), "--name", "n", "--command", "c"]
        flags += ["--scenarios", str(folder / "scenarios.tsv")]
        assert summarise.main([*flags, "--output-dir", str(tmp_path / "docs")]) == 0
        assert [p.stem for p in (tmp_path / "docs").glob("*.svg")] == [
            "errors_by_protocol"
        ]
        text = (tmp_path / "docs/README.md").read_text()
        assert "Where Morula fails" not in text
        assert "Calibration" not in text
