"""Timing by turns: costs of known commands, ratios, and what is refused."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import time_methods
from morula import tables
from morula.errors import InputError


def spend(seconds: float) -> str:
    """A command that spends some time computing."""
    code = f"import time\nwhile time.process_time() < {seconds}: pass"
    return f'"{sys.executable}" -S -c "{code}"'


class TestTimes:
    def test_ratio_is_of_geometric_means(self):
        first, other = np.array([1.0, 2.0, 4.0]), np.array([2.0, 2.0, 2.0])
        middle, low, high = time_methods.ratio(first, other)
        assert middle == pytest.approx(1.0)
        # t(0.975, 2) = 4.3027, standard deviation ln 2, three rounds.
        assert high == pytest.approx(np.exp(4.30265 * np.log(2) / np.sqrt(3)), rel=1e-4)
        assert low == pytest.approx(1 / high)

    def test_a_single_round_has_no_interval(self):
        ratio = time_methods.ratio(np.array([3.0]), np.array([2.0]))
        assert ratio[0] == pytest.approx(1.5)
        assert np.isnan(ratio[1:]).all()

    def test_a_pair_of_known_costs(self, tmp_path):
        flags = ["--method", "short", spend(0.1), "--method", "long", spend(0.4)]
        flags += ["--shared", "phase", spend(0.02), "--repeats", "2"]
        assert time_methods.main([*flags, "--output", f"{tmp_path}/times.tsv"]) == 0
        short, long, phase = tables.read_tsv(tmp_path / "times.tsv")
        assert [short["kind"], long["kind"], phase["kind"]] == [
            "method",
            "method",
            "shared",
        ]
        assert short["wall_ratio"] == phase["wall_ratio"] == ""
        assert 0.15 < float(long["cpu_ratio"]) < 0.4
        assert float(long["wall_s"]) > 0.38
        low, middle, high = (long[f"cpu_ratio{end}"] for end in ("_low", "", "_high"))
        assert float(low) <= float(middle) <= float(high)

    def test_memory_is_the_largest_process(self):
        small = time_methods.measure([sys.executable, "-S", "-c", "pass"])
        # 128 MB in a child of the command; the tests' own process is no part of it.
        child = f'"{sys.executable}" -S -c "b = b\'x\' * (1 << 27)"; true'
        large = time_methods.measure(["sh", "-c", child])
        assert small.max_rss_mb < 50
        assert 128 < large.max_rss_mb < 200

    def test_a_failing_command_is_told_with_its_words(self):
        with pytest.raises(InputError, match="status 3: (?s:.*)too bad"):
            time_methods.measure(["sh", "-c", "echo too bad; exit 3"])

    def test_names_must_differ(self, tmp_path, capsys):
        flags = ["--method", "a", "true", "--method", "a", "true"]
        assert time_methods.main([*flags, "--output", f"{tmp_path}/t.tsv"]) == 2
        assert "two commands have one name" in capsys.readouterr().err
