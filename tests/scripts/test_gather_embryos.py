"""gather_embryos.py: quality with its intervals, and segments, of drawn embryos."""

from __future__ import annotations

import json

import pytest

import gather_embryos
import judged_embryo
from judged_embryo import Copies, World
from morula import amplification_record, segments, tables

LIMITS = (
    "--min-depth 0.002 --max-error 0.05 --max-dropout 0.6 --warn-contamination 0.02"
    " --fail-contamination 0.1 --warn-foreign 0.02 --fail-foreign 0.05"
    " --max-misfit 0.05 --relationship-low 0.6 --relationship-high 1.5"
    " --max-share-deviation 0.1 --max-depth-deviation 0.35 --max-flip-ratio 3"
).split()
EMBRYOS = {"E2": Copies(), "E1": Copies(other_father=True)}
CHROMOSOMES = ("chr1", "chr2")


@pytest.fixture(scope="module")
def family(tmp_path_factory):
    """What correction writes of a sound embryo and of another father's."""
    folder = tmp_path_factory.mktemp("family")
    evidence = {chrom: {} for chrom in CHROMOSOMES}
    for name, copies in EMBRYOS.items():
        worlds = [World(seed, 4000) for seed in (1, 2)]
        chromosomes = [(one.family(), one.reads(10.0, copies)) for one in worlds]
        learnt, record = judged_embryo.learn(chromosomes)
        intervals = {**record.intervals, "dropout": (0.125, 0.25)}
        amplification_record.write_record(
            folder / f"{name}.json",
            amplification_record.Record(
                name, learnt, record.dropout, 0.3, intervals, True, 9, 100, 90
            ),
        )
        for chrom, one in zip(CHROMOSOMES, chromosomes, strict=True):
            found = judged_embryo.summary(chrom, *one, learnt)
            evidence[chrom][name] = found.as_dict()
    for chrom, one in evidence.items():
        (folder / f"{chrom}.json").write_text(json.dumps(one))
        rows = [
            dict(
                zip(
                    segments.COLUMNS,
                    (name, "mother", chrom, 1, 9, 1, 0.9, None, None),
                    strict=True,
                )
            )
            for name in EMBRYOS
        ]
        tables.write_tsv(folder / f"{chrom}.tsv", segments.COLUMNS, rows)
    return folder


def gather(family, out, names=("E2", "E1"), chromosomes=CHROMOSOMES):
    return gather_embryos.main(
        [
            "--amplification",
            *(f"{family}/{name}.json" for name in names),
            "--evidence",
            *(f"{family}/{chrom}.json" for chrom in chromosomes),
            "--inheritance",
            *(f"{family}/{chrom}.tsv" for chrom in chromosomes),
            *LIMITS,
            *f"--qc {out}/qc.tsv --segments {out}/segments.tsv".split(),
        ]
    )


class TestQuality:
    def test_rows_and_intervals(self, family, tmp_path):
        assert gather(family, tmp_path) == 0
        sound, odd = tables.read_tsv(tmp_path / "qc.tsv")
        assert tuple(sound) == gather_embryos.QC_COLUMNS
        assert (sound["embryo"], odd["embryo"]) == ("E2", "E1")
        assert (sound["ado_rate_low"], sound["ado_rate_high"]) == ("0.125", "0.25")
        assert sound["amplicon_bp_low"] == ""
        for name in ("relationship_mother", "relationship_father", "foreign"):
            low, middle, high = (
                float(sound[column]) for column in (f"{name}_low", name, f"{name}_high")
            )
            assert low < middle < high
        assert float(sound["relationship_father_low"]) < 1
        assert float(sound["relationship_father_high"]) > 1

    def test_verdicts(self, family, tmp_path):
        assert gather(family, tmp_path) == 0
        sound, odd = tables.read_tsv(tmp_path / "qc.tsv")
        assert (sound["status"], sound["reason"]) == ("pass", "")
        assert odd["status"] == "fail"
        assert "not shown to be an embryo of the father" in odd["reason"]

    def test_segments_by_embryo(self, family, tmp_path):
        assert gather(family, tmp_path) == 0
        rows = tables.read_tsv(tmp_path / "segments.tsv")
        assert [(row["embryo"], row["chrom"]) for row in rows] == [
            ("E2", "chr1"),
            ("E2", "chr2"),
            ("E1", "chr1"),
            ("E1", "chr2"),
        ]


class TestRefusals:
    def test_an_embryo_without_evidence(self, family, tmp_path, capsys):
        text = (family / "E1.json").read_text().replace('"E1"', '"E9"')
        (tmp_path / "E9.json").write_text(text)
        for name in ("chr1.json", "chr1.tsv"):
            (tmp_path / name).write_bytes((family / name).read_bytes())
        assert gather(tmp_path, tmp_path, ["E9"], ["chr1"]) == 2
        assert "no embryo 'E9'" in capsys.readouterr().err
        assert not (tmp_path / "qc.tsv").exists()

    def test_evidence_that_is_none(self, family, tmp_path, capsys):
        (tmp_path / "chr1.json").write_text("not JSON")
        (tmp_path / "E2.json").write_bytes((family / "E2.json").read_bytes())
        assert gather(tmp_path, tmp_path, ["E2"], ["chr1"]) == 2
        assert "chr1.json" in capsys.readouterr().err
