"""What a config of the benchmark plans; cases whose embryos are judged one by one."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import bench_world as world
import judge_case
import make_case
from bench.case import one_embryo
from bench.plan import BenchPlan
from bench.steps import read_values, section_defaults
from morula import tables
from morula.errors import InputError

CONFIG = {
    "name": "some",
    "docs": "page",
    "seed": 1,
    "worlds": {"here": {"chrom": "chr20", "couples": 5}},
    "methods": ["morula", "four_state", "alphapeel"],
    "method_couples": {"alphapeel": 2},
    "switch_rate": 0.01,
    "defaults": {
        "worlds": ["here"],
        "embryos": 2,
        "depth": 1,
        "amplification": "MDA",
        "cells": 1,
        "parents_depth": 30,
        "panel": 0,
        "phase": "estimated",
        "methods": ["morula", "alphapeel"],
    },
    "scenarios": {
        "plain": {"axis": "depth", "value": 1, "couples": 3},
        "mixed": {"axis": "mixed_depths", "depth": [0.1, 30], "methods": ["morula"]},
        "child": {"children": 1, "couples": 1, "methods": ["morula"]},
    },
}


def case_at(scenario, couple):
    return SimpleNamespace(world="here", scenario=scenario, couple=couple)


class TestPlan:
    def test_a_slow_method_runs_on_the_first_couples_only(self):
        plan = BenchPlan(CONFIG)
        assert plan.alphapeel("x") == [f"cases/here/plain/{k}/x" for k in (0, 1)]
        both = plan.results(case_at("plain", 1))
        assert both == [f"cases/here/plain/1/{m}.npz" for m in ("morula", "alphapeel")]
        assert plan.results(case_at("plain", 2)) == ["cases/here/plain/2/morula.npz"]
        assert len([case for case in plan.cases() if case[1] == "plain"]) == 3

    def test_couples_of_an_unknown_method_are_refused(self):
        with pytest.raises(InputError, match="guesswork"):
            BenchPlan(CONFIG | {"method_couples": {"guesswork": 1}})

    def test_embryos_of_mixed_depths_are_scenarios_of_their_own(self):
        plan = BenchPlan(CONFIG)
        assert plan.judged_names("plain") == ["plain"]
        assert plan.judged_names("mixed") == ["mixed_0.1", "mixed_30"]
        rows = {row["scenario"]: row for row in plan.scenario_rows()}
        assert set(rows) == {"plain", "mixed_0.1", "mixed_30", "child"}
        assert rows["mixed_30"]["value"] == "30"
        assert rows["mixed_30"]["axis"] == "mixed_depths"

    def test_morula_is_told_of_the_child_and_its_peers_are_not(self):
        plan = BenchPlan(CONFIG)
        command = plan.method_command("morula", case_at("child", 0))
        place = command.index("--child-counts")
        assert command[place + 1] == "cases/here/child/0/C1.counts.bcf"
        counts = command.index("--counts")
        assert command[counts + 1 : counts + 3] == [
            f"cases/here/child/0/E{k}.counts.bcf" for k in (1, 2)
        ]
        for scenario in ("plain", "child"):
            other = plan.method_command("four_state", case_at(scenario, 0))
            assert not any("C1" in word for word in other)
        assert "--child-counts" not in plan.method_command(
            "morula", case_at("plain", 0)
        )


class TestScenario:
    def test_depths(self):
        assert make_case.depths_of({"embryos": 2, "depth": 5}) == {"E1": 5, "E2": 5}
        mixed = make_case.depths_of({"embryos": 2, "depth": [0.1, 30]})
        assert mixed == {"E1": 0.1, "E2": 30}
        with pytest.raises(InputError, match="3 numbers for 2 embryos"):
            make_case.depths_of({"embryos": 2, "depth": [1, 2, 3]})

    def test_a_child_has_ordinary_dna_and_the_embryos_the_asked_one(self):
        scenario = {"embryos": 1, "children": 1, "depth": 0.05, "amplification": "MDA"}
        scenario |= {"cells": 1, "set": {"dropout_rate": 0.2}}
        child = make_case.amplification_flags(scenario, "C1")
        assert child == ["--amplification", "none", "--depth", make_case.CHILD_DEPTH]
        embryo = make_case.amplification_flags(scenario, "E1")
        assert embryo[:4] == ["--amplification", "MDA", "--cells", 1]
        assert embryo[4:] == ["--set", "dropout_rate", 0.2, "--depth", 0.05]

    def test_foreign_dna_in_all_embryos_is_not_in_the_child(self, tmp_path):
        args = SimpleNamespace(
            parents=tmp_path,
            directory=tmp_path,
            scenario={
                "embryos": 1,
                "children": 1,
                "contamination": [{"sample": "all", "by": "M1", "share": 0.05}],
            },
        )
        assert "--contaminant" in make_case.tube_flags(args, "E1")
        assert "--contaminant" not in make_case.tube_flags(args, "C1")

    def test_reads_differ_from_the_config_only_where_asked(self):
        usual = section_defaults("simulate", "reads")
        changed = read_values({"min_base_quality": 0})
        assert changed["min_base_quality"] == 0
        assert changed["error_rate"] == usual["error_rate"]
        with pytest.raises(InputError, match="no 'colour'"):
            read_values({"colour": 1})


class TestJudgingEmbryosApart:
    def test_each_embryo_has_its_own_accuracy(self, tmp_path):
        case = world.make_case(n_sites=300, n_embryos=2)
        found = world.true_result(case)
        gp = found.gp.copy()
        # Of the second embryo nothing is right.
        gp[1] = np.roll(gp[1], 1, axis=1)
        found = type(found)(**{**vars(found), "gp": gp})
        flags = world.write_case(tmp_path / "case", case, [found])
        flags += ["--world", "w", "--couple", "0", "--scenario", "mixed_1", "mixed_30"]
        path = tmp_path / "rows.tsv"
        assert judge_case.main([*flags, "--output", str(path)]) == 0
        right = {
            row["scenario"]: float(row["value"])
            for row in tables.read_tsv(path)
            if row["method"] == "morula 1"
            and (row["embryo"], row["measure"]) == ("all", "genotype_accuracy")
            and row["stratum"] == "parent_het"
        }
        assert right == {"mixed_1": 1.0, "mixed_30": 0.0}

    def test_another_number_of_names_is_refused(self, tmp_path, capfd):
        case = world.make_case(n_sites=100, n_embryos=3)
        flags = world.write_case(tmp_path / "case", case, [world.true_result(case)])
        flags += ["--world", "w", "--couple", "0", "--scenario", "a", "b"]
        assert judge_case.main([*flags, "--output", str(tmp_path / "rows.tsv")]) == 2
        assert "2 names" in capfd.readouterr().err

    def test_a_part_keeps_what_is_of_the_parents(self):
        case = world.make_case(n_sites=50, n_embryos=3)
        part = one_embryo(case, 2)
        assert part.embryos.tolist() == ["E3"]
        assert part.phased.shape == case.phased.shape
        assert (part.counts == case.counts[2:]).all()
        assert (part.transmitted == case.transmitted[2:]).all()
        result = one_embryo(world.true_result(case), 2)
        assert result.phased.shape == (1, 50, 2)
        assert result.method == "morula 1"
