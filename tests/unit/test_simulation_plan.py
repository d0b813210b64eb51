"""What the sheet and the config ask of the simulation."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from morula import settings
from morula.errors import InputError
from morula.simulation.plan import Plan

SCHEMA = settings.read_schema(
    Path(__file__).resolve().parents[2] / "config/schemas/config.schema.yaml"
)
PARENTS = {"M1": "FEUR001", "P1": "FEUR002"}
TRISOMY = {
    "sample": "E1",
    "kind": "trisomy",
    "chrom": "chr21",
    "parent": "mother",
    "origin": "meiosis_1",
}


class Sheet:
    families = ("FAM1",)

    def __init__(self, father="P1"):
        self._father = father
        rows = [("M1", "mother", ""), ("P1", "father", "")]
        rows += [("E1", "embryo", "MDA"), ("E2", "embryo", "none"), ("C1", "child", "")]
        self.samples = {
            name: SimpleNamespace(
                name=name,
                family="FAM1",
                role=role,
                sex="unknown",
                cells=5 if name == "E1" else None,
                amplification=amplification,
            )
            for name, role, amplification in rows
        }

    def mother(self, family):
        return "M1"

    def father(self, family):
        return self._father

    def embryos(self, family):
        return ["E1", "E2", "C1"]


def plan_of(sheet=None, chromosomes=("chr21", "chr22"), **keys) -> Plan:
    section = {"parents": PARENTS} | keys
    reference = {
        "build": "GRCh38",
        "fasta": "a.fa",
        "panel": "{chrom}.bcf",
        "panel_samples": "p.tsv",
        "genetic_map": "{chrom}.map",
        "chromosomes": list(chromosomes),
    }
    sheets = {name: f"{name}.tsv" for name in ("samples", "units", "traits")}
    config = sheets | {"reference": reference, "simulate": section}
    completed = settings.complete(config, SCHEMA)
    return Plan(completed["simulate"], sheet or Sheet(), list(chromosomes))


def refused(**keys) -> str:
    with pytest.raises(InputError) as error:
        plan_of(**keys)
    return str(error.value)


class TestFlags:
    def test_kinship(self):
        plan = plan_of()
        sex = ["--sex", "unknown"]
        assert plan.kinship_flags("M1") == ["--founder", "FEUR001", *sex]
        pair = ["--mother", "FEUR001", "--father", "FEUR002"]
        assert plan.kinship_flags("E1") == [*pair, *sex]

    def test_abnormalities_in_the_order_of_the_scripts_flag(self):
        loss = {"sample": "E1", "kind": "segmental_loss", "chrom": "chr22"}
        loss |= {"parent": "father", "cells": 0.4, "start": 5, "end": 90}
        flags = plan_of(abnormalities=[TRISOMY, loss]).kinship_flags("E1")
        first = "--abnormality trisomy chr21 mother meiosis_1 . . ."
        second = "--abnormality segmental_loss chr22 father . 0.4 5 90"
        assert " ".join(flags).endswith(f"{first} {second}")
        assert "--abnormality" not in plan_of(abnormalities=[TRISOMY]).kinship_flags(
            "E2"
        )

    def test_amplification_is_the_sheets(self):
        plan = plan_of(amplification={"dropout_rate": 0.2})
        expected = "--amplification MDA --cells 5 --set dropout_rate 0.2"
        assert plan.amplification_flags("E1") == expected.split()
        for sample in ("M1", "E2", "C1"):
            assert plan.amplification_flags(sample) == ["--amplification", "none"]

    def test_depth_of_roles_and_of_single_samples(self):
        depth = {"parents": 30, "embryos": 2, "samples": {"E2": 0.1}}
        plan = plan_of(depth=depth)
        found = [plan.depth(name) for name in ("M1", "E1", "E2", "C1")]
        assert found == [30, 2, 0.1, 20]

    def test_the_counts_mode_takes_no_indel_errors(self):
        assert "--indel-error-rate" in plan_of().read_flags()
        counts = plan_of(mode="counts").read_flags()
        assert "--duplicate-rate" in counts
        assert "--indel-error-rate" not in counts


class TestTubes:
    def test_a_swap_goes_both_ways(self):
        plan = plan_of(swaps=[["E1", "E2"]])
        assert [plan.source(n) for n in ("E1", "E2", "C1")] == ["E2", "E1", "C1"]
        assert plan.genomes_in_tube("E1") == ["results/simulate/truth/samples/E2.bcf"]
        flags = plan.tube_flags("E1")
        assert flags[:2] == ["--source", "E2"]
        # The amplification belongs to the label: the tube was swapped before it.
        assert "MDA" in flags

    def test_contamination_by_the_mother_and_by_a_stranger(self):
        plan = plan_of(
            contamination=[
                {"sample": "E1", "by": "M1", "share": 0.05},
                {"sample": "E2", "by": "FEUR003", "share": 0.1},
            ]
        )
        assert plan.strangers() == ["FEUR003"]
        assert plan.kinship_flags("FEUR003")[:2] == ["--founder", "FEUR003"]
        folder = "results/simulate/truth/samples"
        assert plan.copies_in_tube("E2") == [
            f"{folder}/E2.copies.tsv",
            f"{folder}/FEUR003.copies.tsv",
        ]
        assert plan.contamination_flags("E1")[-2:] == ["--contamination", "0.05"]
        assert plan.contamination_flags("C1") == []
        assert len(plan.genomes()) == 5


class TestPaths:
    def test_founders_are_simulated_or_the_users(self):
        plan = plan_of(sex_chromosomes=["chrX"])
        assert plan.makes_population
        assert plan.founders() == [
            f"results/simulate/founders.{chrom}.bcf"
            for chrom in ("chr21", "chr22", "chrX")
        ]
        given = plan_of(founders="x/{chrom}.bcf", chromosomes=["chr20"])
        assert not given.makes_population
        assert given.founders() == ["x/chr20.bcf"]

    def test_counts_are_made_instead_of_reads(self):
        assert len(plan_of().made_data()) == 10
        made = plan_of(mode="counts", sex_chromosomes=["chrX"]).made_data()
        assert "results/call/counts/E1.chr22.bcf" in made
        assert not [path for path in made if "reads" in path or "chrX" in path]

    def test_tables_of_those_who_have_one(self):
        plan = plan_of()
        assert len(plan.tables_of("copies")) == 5
        assert len(plan.tables_of("dropout")) == 3
        origins = "results/simulate/truth/origins.tsv"
        assert origins in plan.truth_tables()
        assert origins not in plan_of(mode="counts").truth_tables()


class TestRefusals:
    def test_missing_parent_or_founder(self):
        assert "no father" in refused(sheet=Sheet(father=None))
        assert "no founder for P1" in refused(parents={"M1": "FEUR001"})

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"sample": "M1"}, "M1 is no embryo or child"),
            ({"chrom": "chr5"}, "'chr5' is not simulated"),
            ({"origin": "dispermy"}, "cannot be of origin dispermy"),
            ({"start": 4}, "a trisomy takes no `start`"),
            ({"kind": "monosomy"}, "a monosomy takes no `origin`"),
            ({"kind": "segmental_gain"}, "a segmental_gain needs `end`"),
            ({"kind": "triploidy"}, "a triploidy takes no `chrom`"),
        ],
    )
    def test_abnormalities_that_cannot_be(self, change, words):
        message = refused(abnormalities=[TRISOMY | change])
        assert message.startswith("config, simulate.abnormalities.0")
        assert words in message

    def test_triploidy_of_an_egg_by_two_sperms(self):
        one = {"sample": "E1", "kind": "triploidy", "parent": "mother"}
        message = refused(abnormalities=[one | {"origin": "dispermy"}])
        assert "triploidy of the mother cannot be of origin dispermy" in message
        plan_of(abnormalities=[one | {"parent": "father", "origin": "dispermy"}])

    def test_a_segment_that_ends_before_it_starts(self):
        one = TRISOMY | {"kind": "segmental_loss", "start": 9, "end": 3}
        del one["origin"]
        assert "start 9 lies behind end 3" in refused(abnormalities=[one])

    def test_contamination_and_swaps_of_nobody(self):
        one = {"sample": "E1", "by": "E1", "share": 0.1}
        assert "cannot contaminate itself" in refused(contamination=[one])
        twice = [one | {"by": "M1"}, one | {"by": "P1"}]
        assert "E1 is there 2 times" in refused(contamination=twice)
        parent = [{"sample": "M1", "by": "P1", "share": 0.1}]
        assert "needs `mode: reads`" in refused(contamination=parent, mode="counts")
        message = refused(swaps=[["E1", "E9"], ["E1", "E2"]])
        assert "E9 is not in the sample sheet" in message
        assert "E1 is there 2 times" in message
        assert "depth.samples.X: X is not" in refused(depth={"samples": {"X": 1}})
