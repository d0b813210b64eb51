"""The simulated amplifications show the published rates, and would not if changed."""

from dataclasses import replace

import pytest

import measure_protocols
from bench import protocol_measures
from bench.protocol_measures import MEASURES, genotype_measures
from morula import tables
from morula.simulation.protocols import read_protocol
from workflow_rules import ROOT

PROTOCOLS = ROOT / "resources/simulation.tsv"
PUBLISHED = tables.read_tsv(ROOT / "resources/amplification_published.tsv")
# Relative: one chromosome of some Mb says no more. The benchmark has longer ones.
TOLERANCE = {
    "allele_dropout": 0.25,
    "het_genotyped": 0.06,
    "false_het": 0.35,
    "covered": 0.08,
    "chimeric_pairs": 0.05,
    "correlation_length": 0.35,
}


@pytest.fixture(scope="module", autouse=True)
def short_chromosomes():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(protocol_measures, "SPAN_LIMITS_BP", (2_000_000, 10_000_000))
        patch.setattr(protocol_measures, "CORRELATION_SPAN_BP", 30_000_000)
        yield


@pytest.fixture(scope="module")
def rows(short_chromosomes) -> list[dict]:
    return list(measure_protocols.measured(PUBLISHED, PROTOCOLS, [22]))


def test_every_measure_has_a_number_and_a_source(rows):
    assert len(rows) == len(PUBLISHED) > 12
    assert {row["amplification"] for row in PUBLISHED} >= {"MDA", "MALBAC", "PTA"}
    for row in PUBLISHED:
        assert row["measure"] in MEASURES
        assert row["relation"] in ("=", "<=", ">=")
        assert row["source"]


def test_what_is_obtained_is_what_is_asked(rows):
    wrong = []
    for row in rows:
        asked, obtained = row["asked"], row["obtained"]
        slack = asked * TOLERANCE[row["measure"]]
        if row["relation"] == "=":
            is_right = abs(obtained - asked) <= slack
        else:
            is_right = (obtained <= asked) == (row["relation"] == "<=")
        if not is_right:
            wrong.append(
                f"{row['protocol']} {row['measure']}: {row['relation']} {asked},"
                f" obtained {obtained:.4g}"
            )
    assert wrong == []


@pytest.mark.parametrize(
    ("name", "measure", "changes"),
    [
        ("MDA", "allele_dropout", {"dropout_rate": 0.3}),
        ("MDA", "het_genotyped", {"locus_dropout_rate": 0.2}),
        ("MALBAC", "false_het", {"clonal_error_rate": 0.001}),
    ],
)
def test_another_amplification_is_noticed(name, measure, changes):
    (asked,) = [
        float(row["value"])
        for row in PUBLISHED
        if (row["amplification"], row["cells"], row["measure"]) == (name, "1", measure)
    ]
    changed = replace(read_protocol(PROTOCOLS, name, 1), **changes)
    obtained = genotype_measures(changed, 30.0, 21)[measure]
    assert abs(obtained - asked) > asked * TOLERANCE[measure]


def test_table_is_written(tmp_path, capsys):
    out = tmp_path / "protocols.tsv"
    published = tmp_path / "published.tsv"
    rows = [row for row in PUBLISHED if row["measure"] == "chimeric_pairs"]
    tables.write_tsv(published, list(rows[0]), rows)
    flags = ["--published", str(published), "--seeds", "1", "2", "--output", str(out)]
    assert measure_protocols.main(flags) == 0
    (row,) = tables.read_tsv(out)
    assert row["protocol"] == "MDA_single"
    assert float(row["low"]) < float(row["obtained"]) < float(row["high"])
    assert "chimeric_pairs" in capsys.readouterr().out


def test_one_seed_has_no_interval():
    mean, low, high = measure_protocols.interval([0.5])
    assert mean == 0.5
    assert low != low
    assert high != high
