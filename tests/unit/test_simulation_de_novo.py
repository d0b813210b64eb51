"""New mutations: how many, of which parent, at which bases."""

import numpy as np
import pytest

from morula.haplotypes import Genotypes
from morula.simulation.copies import Copy, Stretch
from morula.simulation.de_novo import Rates, draw_mutations, occupied_by
from morula.simulation.karyotype import Inherited
from morula.simulation.members import alleles_of, draw_de_novo, genotypes_of
from morula.simulation.members import with_mutations as add
from morula.simulation.streams import stream

LENGTH = 1_000_000


class Genome:
    """A FASTA of one sequence: ACGT again and again, N in its second tenth."""

    letters = "ACGT" * (LENGTH // 4)

    def fetch(self, reference: str, start: int, end: int) -> str:
        is_gap = LENGTH // 10 <= start < LENGTH // 5
        return "N" * (end - start) if is_gap else self.letters[start:end]


def founders(pos_bp: list[int], ref: list[str]) -> Genotypes:
    """A mother who is 0|1 and a father who is 1|0 everywhere."""
    pair = np.tile(np.array([[0, 1], [1, 0]], dtype=np.int8), (len(pos_bp), 1, 1))
    return Genotypes(
        chrom="chr1",
        pos_bp=np.array(pos_bp, dtype=np.int64),
        ref=np.array(ref, dtype=object),
        alt=np.array(["G"] * len(pos_bp), dtype=object),
        alleles=pair,
        phased=np.ones((len(pos_bp), 2), dtype=bool),
        samples=("M", "F"),
    )


def inherited(*parents: str, how: str = "gamete") -> list[Inherited]:
    whole = (Stretch(1, LENGTH, 0),)
    return [Inherited(Copy(parent, whole), how) for parent in parents]


ENDS = founders([1, LENGTH], ["A", "T"])


def test_count_and_share_are_as_asked():
    rates = Rates(1e-3, 0.8)
    own = inherited("mother", "father")
    drawn = draw_de_novo(1, "E1", ENDS, own, rates, Genome())
    maternal, paternal = (len(one.mutations.pos_bp) for one in drawn)
    # A tenth of the sequence is N.
    assert maternal == pytest.approx(0.9 * 2 * 0.2 * 1000, abs=60)
    assert paternal == pytest.approx(0.9 * 2 * 0.8 * 1000, abs=120)


def test_ref_is_the_reference_and_two_of_three_are_transitions():
    occupied = occupied_by(ENDS.pos_bp, ENDS.ref)
    found = draw_mutations(
        stream(1, "test"), 0.01, Genome(), "chr1", (1, LENGTH), occupied
    )
    assert (np.diff(found.pos_bp) > 0).all()
    assert not ((found.pos_bp > LENGTH // 10) & (found.pos_bp <= LENGTH // 5)).any()
    expected = [Genome.letters[pos - 1] for pos in found.pos_bp]
    assert found.ref.tolist() == expected
    pairs = [a + b for a, b in zip(found.ref, found.alt, strict=True)]
    assert all(a != b for a, b in pairs)
    transitions = sum(pair in ("AG", "GA", "CT", "TC") for pair in pairs)
    assert transitions / len(pairs) == pytest.approx(2 / 3, abs=0.02)


def test_known_variants_stay_as_they_are():
    occupied = occupied_by(np.array([10, 50]), np.array(["ACGTA", "A"], dtype=object))
    where = np.array([9, 10, 14, 15, 49, 50, 51])
    taken = [False, True, True, False, False, True, False]
    assert occupied.holds(where).tolist() == taken
    more = occupied.and_also(np.array([12, 30]))
    assert more.holds(np.array([14, 30, 31])).tolist() == [True, True, False]
    found = draw_mutations(stream(2, "test"), 20.0, Genome(), "chr1", (1, 60), more)
    assert set(found.pos_bp.tolist()) == set(range(1, 61)) - {*range(10, 15), 30, 50}


def test_a_mutation_is_on_its_copy_and_on_mitotic_copies_of_it():
    own = [*inherited("mother", "father"), *inherited("father")]
    copies = [one.copy for one in own]
    new = draw_de_novo(3, "E1", ENDS, own, Rates(1e-4, 0.5), Genome())
    plain = genotypes_of(ENDS, "E1", alleles_of(ENDS, copies))
    genotypes, rows = add(plain, copies, new)
    assert (np.diff(genotypes.pos_bp) > 0).all()
    patterns = {tuple(row) for row in genotypes.alleles[1:-1, 0].tolist()}
    assert patterns == {(1, 0, 0), (0, 1, 1)}
    for row in rows:
        site = np.searchsorted(genotypes.pos_bp, row["pos"])
        assert genotypes.alleles[site, 0, row["copy"] - 1] == 1
        assert copies[row["copy"] - 1].parent == row["parent"]
    carried = int((genotypes.alleles[1:-1] == 1).sum())
    assert len(rows) == carried > 100


def test_the_second_chromatid_of_a_nondisjunction_mutates_on_its_own():
    own = [*inherited("mother", "father"), *inherited("mother", how="meiosis_2")]
    new = draw_de_novo(4, "E1", ENDS, own, Rates(1e-4, 0.5), Genome())
    assert [one.copies for one in new] == [(0,), (1,), (2,)]
    assert not set(new[0].mutations.pos_bp) & set(new[2].mutations.pos_bp)


def test_a_lost_stretch_has_no_mutation_and_its_neighbours_reference():
    half = Inherited(Copy("father", (Stretch(1, LENGTH // 2, 0),)), "gamete")
    own = [*inherited("mother"), half]
    copies = [one.copy for one in own]
    new = draw_de_novo(5, "E1", ENDS, own, Rates(1e-4, 0.5), Genome())
    plain = genotypes_of(ENDS, "E1", alleles_of(ENDS, copies))
    genotypes, rows = add(plain, copies, new)
    assert plain.alleles[:, 0].tolist() == [[0, 1], [0, -1]]
    right = genotypes.alleles[genotypes.pos_bp > LENGTH // 2, 0]
    assert (right[:, 1] == -1).all()
    assert max(row["pos"] for row in rows if row["parent"] == "father") <= LENGTH // 2
    assert any(row["pos"] > LENGTH // 2 for row in rows)


def test_without_copies_there_is_nothing():
    plain = genotypes_of(ENDS, "E1", alleles_of(ENDS, []))
    assert draw_de_novo(1, "E1", ENDS, [], Rates(1e-3, 0.8), Genome()) == []
    genotypes, rows = add(plain, [], [])
    assert (len(genotypes.pos_bp), rows) == (0, [])
