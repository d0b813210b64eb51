"""What the sheet and the config ask of the simulation."""

from types import SimpleNamespace

import pytest

from morula.errors import InputError
from morula.simulation.plan import Plan

SECTION = {
    "parents": {"M1": "FEUR001", "P1": "FEUR002"},
    "depth": {"parents": 20, "embryos": 8, "children": 15},
    "amplification": {"dropout_rate": 0.2, "amplicon_bp": 10000},
}


class Sheet:
    families = ("FAM1",)

    def __init__(self, father="P1"):
        self._father = father
        rows = [("M1", "mother", ""), ("P1", "father", "")]
        rows += [("E1", "embryo", "MDA"), ("E2", "embryo", "none"), ("C1", "child", "")]
        self.samples = {
            name: SimpleNamespace(
                name=name, family="FAM1", role=role, amplification=amplification
            )
            for name, role, amplification in rows
        }

    def mother(self, family):
        return "M1"

    def father(self, family):
        return self._father

    def embryos(self, family):
        return ["E1", "E2", "C1"]


@pytest.fixture
def plan():
    return Plan(SECTION, Sheet(), ["chr21", "chr22"])


def test_flags_by_role(plan):
    assert plan.kinship_flags("M1") == ["--founder", "FEUR001"]
    assert plan.kinship_flags("E1") == ["--mother", "FEUR001", "--father", "FEUR002"]
    expected = ["--amplified", "--dropout-rate", "0.2", "--amplicon-bp", "10000"]
    assert plan.amplification_flags("E1") == expected
    for sample in ("M1", "E2", "C1"):
        assert plan.amplification_flags(sample) == []
    assert [plan.depth(name) for name in ("M1", "E1", "C1")] == [20, 8, 15]


def test_founders_are_simulated_or_the_users(plan):
    assert plan.makes_population
    assert plan.founders() == [
        "results/simulate/founders.chr21.bcf",
        "results/simulate/founders.chr22.bcf",
    ]
    given = Plan(SECTION | {"founders": "x/{chrom}.bcf"}, Sheet(), ["chr20"])
    assert not given.makes_population
    assert given.founders() == ["x/chr20.bcf"]


def test_missing_parent_or_founder_is_refused():
    with pytest.raises(InputError, match="no father"):
        Plan(SECTION, Sheet(father=None), ["chr21"])
    with pytest.raises(InputError, match="no founder for P1"):
        Plan(SECTION | {"parents": {"M1": "FEUR001"}}, Sheet(), ["chr21"])
