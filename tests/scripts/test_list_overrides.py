"""Contradictions of inheritance that are planted in born children and embryos at 30x,
and what list_overrides.py says of them.
"""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

import gather_overrides
import list_overrides
from bench import drawn_family
from bench.drawn_family import PARENTS, Size
from bench.peers import morula_stages
from bench.peers.morula_stages import Member
from bench.planted_family import ARTEFACT, CONVERSION, MUTATION, Plan, write_planted
from family_scripts import write_record
from morula import amplification, family_sites, override_table, parental_alleles, tables

SIZE = Size("chr1", 8_000_000, 40_000, 8000, 30.0)
CHILDREN, EMBRYOS = ["C1", "C2"], ["E1", "E2"]
ORDINARY = amplification.Preset(0.001, 200.0, 10_000.0)
AMPLIFIED = amplification.Preset(0.18, 2.0, 10_000.0)
PLAN = Plan((1, 4) * 6, artefacts=6, mutations=6)


def run_stages(folder, known=("mother", "father")):
    """correct_family and list_overrides with the config's defaults."""
    members = []
    for name in (*CHILDREN, *EMBRYOS):
        is_child = name in CHILDREN
        preset = ORDINARY if is_child else AMPLIFIED
        write_record(folder / f"{name}.amplification.json", name, preset=preset)
        dna = ("none", None) if is_child else ("MDA", 1)
        members.append(Member(name, str(folder / f"{name}.counts.bcf"), *dna))
    names = dict(zip(("mother", "father"), PARENTS, strict=True))
    asked = SimpleNamespace(family_sites=folder / "family.npz", seed=1)
    for role, name in names.items():
        setattr(asked, role, name if role in known else None)
    case = SimpleNamespace(chrom="chr1")
    morula_stages.correct(case, asked, members, folder)
    morula_stages.list_overrides(case, asked, members, folder)
    return tables.read_tsv(folder / "overrides.tsv")


class Found:
    """A planted family and its table."""

    def __init__(self, folder, seed, plan=PLAN, known=("mother", "father")):
        rng = np.random.default_rng(seed)
        self.folder = folder
        planted = write_planted(rng, folder, SIZE, CHILDREN, EMBRYOS, plan)
        self.drawn, self.events = planted.drawn, planted.events
        self.alleles = planted.alleles
        if known == ("mother",):
            self.forget_father()
        self.rows = run_stages(folder, known)
        self.by_site = {(row["embryo"], int(row["pos"])): row for row in self.rows}

    def forget_father(self):
        path = self.folder / "family.npz"
        family = family_sites.load(path)
        donor = parental_alleles.absent_parent(family.frequency)
        parents = family.parents[0], donor
        family_sites.save(path, replace(family, parents=parents, known=(True, False)))

    def keys(self, event):
        pos_bp = self.drawn.sites.pos_bp
        return [(event.embryo, int(pos_bp[row])) for row in event.rows]

    def of(self, kind, members, hets=1):
        """For each event of a kind, the rows of its sites, None where not listed."""
        return [
            [self.by_site.get(key) for key in self.keys(event)]
            for event in self.events
            if (event.kind, len(event.rows)) == (kind, hets) and event.embryo in members
        ]

    def unplanted(self):
        planted = {key for event in self.events for key in self.keys(event)}
        return [row for key, row in self.by_site.items() if key not in planted]


def is_overridden(row):
    return row is not None and row["verdict"] == "overridden"


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return Found(tmp_path_factory.mktemp("planted"), 1)


class TestPlanted:
    def test_tracts_in_children_are_overridden(self, found):
        events = found.of(CONVERSION, CHILDREN, 4)
        whole = [event for event in events if all(map(is_overridden, event))]
        assert len(events) == 12
        assert len(whole) >= 9
        for event in whole:
            assert {row["tract_hets"] for row in event} == {"4"}
            assert {row["tract_start"] for row in event} == {event[0]["pos"]}

    def test_tracts_in_embryos_are_overridden_where_both_alleles_are_there(self, found):
        events = found.of(CONVERSION, EMBRYOS, 4)
        whole = [event for event in events if all(map(is_overridden, event))]
        assert 1 <= len(whole) < len(events)

    def test_the_shown_genotype_is_the_true_one(self, found):
        overridden = [row for row in found.rows if is_overridden(row)]
        assert len(overridden) > 40
        rows = dict(zip(self.sites(found), range(SIZE.n_sites), strict=True))
        for row in overridden:
            one, other = found.alleles[row["embryo"]][rows[int(row["pos"])]]
            assert row["shown"] == f"{one}|{other}"
            side = {"mother": 0, "father": 2}[row["parent"]]
            assert row["inherited"][side] != row["shown"][side]
            assert row["inherited"][2 - side] == row["shown"][2 - side]

    @staticmethod
    def sites(found):
        return found.drawn.sites.pos_bp.tolist()

    def test_single_sites_are_listed_and_kept(self, found):
        for kind in (ARTEFACT, CONVERSION, MUTATION):
            events = found.of(kind, [*CHILDREN, *EMBRYOS])
            listed = [row for (row,) in events if row]
            assert len(listed) >= 0.6 * len(events), kind
            assert not any(map(is_overridden, listed))

    def test_a_mutation_of_a_child_has_an_honest_posterior(self, found):
        for (row,) in found.of(MUTATION, CHILDREN):
            assert row["inherited"] == "0|0"
            # An ordinary genotyping error is by far more frequent.
            assert 1e-6 < float(row["mutation"]) < 0.01
            assert float(row["artefact"]) + float(row["parents"]) > 0.99

    def test_nothing_else_is_overridden(self, found):
        assert not any(map(is_overridden, found.unplanted()))

    def test_explanations_sum_to_one(self, found):
        for row in found.rows:
            parts = [float(row[name]) for name in override_table.EXPLANATIONS]
            assert sum(parts) == pytest.approx(1.0, abs=1e-4)
            assert (parts[0] <= 0.1) == is_overridden(row)


def test_crossovers_are_no_contradictions(tmp_path, monkeypatch):
    """Some 50 crossovers of four members, nothing planted."""
    monkeypatch.setattr(drawn_family, "CM_PER_MB", (80.0, 80.0))
    found = Found(tmp_path, 2, Plan())
    inner = tables.read_tsv(tmp_path / "inheritance.tsv")
    assert sum(row["start_low"] != "" for row in inner) > 40
    assert not any(map(is_overridden, found.rows))


def test_one_parent(tmp_path):
    """Only what came from the known parent is contradicted."""
    found = Found(tmp_path, 3, Plan((4,) * 12), ("mother",))
    assert {row["parent"] for row in found.rows} == {"mother"}
    events = found.of(CONVERSION, CHILDREN, 4)
    assert sum(all(map(is_overridden, event)) for event in events) >= 3
    assert not any(map(is_overridden, found.unplanted()))


class TestScripts:
    def flags(self, found, **changes):
        folder = found.folder
        names = [*CHILDREN, *EMBRYOS]
        given = {
            "chrom": ["chr1"],
            "family-sites": [folder / "family.npz"],
            "posterior": [folder / "posterior.npz"],
            "embryos": names,
            "counts": [folder / f"{name}.counts.bcf" for name in names],
            "amplification": [folder / f"{name}.amplification.json" for name in names],
            "ordinary": CHILDREN,
            "max-depth": [50],
            "outlier": [0.003],
            "genotype-error": [0.001],
        } | changes
        return [
            str(word)
            for flag, values in given.items()
            for word in (f"--{flag}", *values)
        ]

    def test_the_same_input_gives_the_same_bytes(self, found, tmp_path):
        path = tmp_path / "overrides.tsv"
        confirmed = tmp_path / "confirmed.npz"
        flags = self.flags(found, output=[path], confirmed=[confirmed])
        assert list_overrides.main(flags) == 0
        for one in (path, confirmed):
            assert one.read_bytes() == (found.folder / one.name).read_bytes()

    def test_a_posterior_of_other_embryos(self, found, tmp_path, capsys):
        names = CHILDREN
        flags = self.flags(
            found,
            embryos=names,
            counts=[found.folder / f"{name}.counts.bcf" for name in names],
            amplification=[
                found.folder / f"{name}.amplification.json" for name in names
            ],
            output=[tmp_path / "overrides.tsv"],
            confirmed=[tmp_path / "confirmed.npz"],
        )
        assert list_overrides.main(flags) == 2
        assert "of C1, C2: correct the family again" in capsys.readouterr().err
        assert not list(tmp_path.iterdir())

    def test_chromosomes_are_joined_by_embryo(self, found, tmp_path):
        path, table = tmp_path / "all.tsv", str(found.folder / "overrides.tsv")
        flags = ["--embryos", *CHILDREN, *EMBRYOS, "--output", str(path)]
        assert gather_overrides.main([*flags, "--overrides", table, table]) == 0
        rows = tables.read_tsv(path)
        assert len(rows) == 2 * len(found.rows)
        names = [row["embryo"] for row in rows]
        assert names == sorted(names)
        assert gather_overrides.main([*flags, "--overrides"]) == 0
        assert path.read_text() == "\t".join(override_table.COLUMNS) + "\n"
