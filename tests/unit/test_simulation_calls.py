"""Genotypes from simulated counts: likelihoods, cells, and the records of a family."""

from itertools import combinations_with_replacement

import numpy as np
import pytest

from morula.biallelic import NO_READS
from morula.parental_alleles import Sites
from morula.simulation.amplification import Region
from morula.simulation.calls import (
    SampleCalls,
    call_sample,
    family_rows,
    genotype_costs,
    records,
)
from morula.simulation.copies import ordinary_pair
from morula.simulation.counts import (
    CountModel,
    Numbers,
    Tally,
    contents_of,
    n_pairs,
    tally_chromosome,
)
from morula.simulation.loci import Chromosome, Loci
from morula.simulation.protocols import ORDINARY
from morula.simulation.streams import stream
from morula.simulation.tube import Carrier, Tube


def seen_of(*reads: tuple[int, int]) -> np.ndarray:
    """(reads, mean quality) of A, C, G and T as a tally (1, 4, 3)."""
    return np.array([[[n, 0, n * q] for n, q in reads]], dtype=np.int32)


def test_costs_are_those_of_independent_reads():
    reads = [(7, 30), (4, 37), (0, 0), (1, 25)]
    costs = genotype_costs(seen_of(*reads))[0]
    genotypes = combinations_with_replacement(range(4), 2)
    for (x, y), found in zip(genotypes, costs.tolist(), strict=True):
        expected = 0.0
        for base, (n, quality) in enumerate(reads):
            if n == 0:
                continue
            error = 10 ** (-quality / 10)
            shown = [1 - error if allele == base else error / 3 for allele in (x, y)]
            expected -= 10 * n * np.log10(np.mean(shown))
        assert found == pytest.approx(expected, abs=1e-6)


def one_site(*reads: tuple[int, int], alt: int = 1) -> SampleCalls:
    """Calls at A>C (or another alt) of a sample with such reads."""
    loci = Loci(
        offset=np.array([9], dtype=np.int64),
        span=np.zeros((1, 2), dtype=np.int64),
        bases=np.zeros((1, 2), dtype=np.uint8),
        is_snv=np.array([True]),
        locus=np.array([0], dtype=np.int64),
        codes=np.array([[0, alt]], dtype=np.int64),
    )
    return call_sample(Tally(loci, seen_of(*reads), Numbers()))


NONE = (0, 0)


@pytest.mark.parametrize(
    ("reads", "cell"),
    [
        ([(10, 37), NONE, NONE, NONE], "0/0:0,30,255:10:10,0:30"),
        ([NONE, (10, 37), NONE, NONE], "1/1:255,30,0:10:0,10:30"),
        ([(8, 37), (9, 37), NONE, NONE], "0/1:255,0,255:17:8,9:99"),
        # One bad read is an error, and other bases are depth.
        ([(10, 37), (1, 11), (1, 11), NONE], "0/0:0,18,255:12:10,1:18"),
        ([NONE, NONE, NONE, NONE], NO_READS),
    ],
)
def test_cells(reads, cell):
    assert one_site(*reads).cells == [cell]


def test_another_alt_has_no_copy_of_this_one():
    reads = [(8, 37), (9, 37), NONE, NONE]
    assert one_site(*reads, alt=2).cells == ["0/0:0,255,255:17:8,0:99"]


def calls(*costs: tuple[float, float, float]) -> SampleCalls:
    cells = [f"cell {k}" for k in range(len(costs))]
    return SampleCalls(np.array(costs), cells)


def sites(pos: list[int], alt: list[str]) -> Sites:
    """Sites whose REF is A."""
    return Sites(np.array(pos), np.array(["A"] * len(pos)), np.array(alt))


class TestRecords:
    ROWS = sites([10, 20, 20, 30], ["C", "C", "AT", "G"])
    PANEL = np.array([True, True, False, False])

    def test_panel_sites_stay_and_others_need_evidence(self):
        mother = calls((0, 60, 255), (90, 0, 80), (80, 0, 90), (40, 0, 90))
        father = calls((0, 60, 255), (0, 60, 255), (0, 60, 255), (0, 60, 255))
        made = list(records("chr1", self.ROWS, self.PANEL, [mother, father], 20.0))
        lines = [record.line(is_panel).split("\t") for record, is_panel in made]
        assert [line[1] for line in lines] == ["10", "20", "20"]
        assert [line[5] for line in lines] == [".", "60.41", "50.41"]
        assert [line[7] for line in lines] == ["PANEL", "PANEL", "."]
        assert lines[0][8:] == ["GT:PL:DP:AD:GQ", "cell 0", "cell 0\n"]

    def test_what_nobody_is_called_to_carry_is_left_out(self):
        nobody = calls(*([(0, 60, 255)] * 4))
        made = list(records("chr1", self.ROWS, self.PANEL, [nobody], 20.0))
        assert [is_panel for _, is_panel in made] == [True, True]


def carrier(pos: list[int], alt: list[str], alleles: list[list[int]]) -> Carrier:
    ref = np.array(["A"] * len(pos), dtype=object)
    found = np.array(alleles, dtype=np.int8)
    alts = np.array(alt, dtype=object)
    copies = ordinary_pair(1, 100)
    return Carrier("chr1", np.array(pos, dtype=np.int64), ref, alts, found, copies)


def test_rows_are_the_panel_s_and_what_members_carry_beside_it():
    panel = sites([10, 20, 20], ["C", "G", "T"])
    mother = carrier([10, 20, 25], ["C", "AT", "G"], [[1, 0], [0, 1], [0, 0]])
    father = carrier([20, 25, 5], ["AT", "T", "G"], [[1, 1], [-1, 1], [-1, -1]])
    rows, is_panel = family_rows(panel, [mother, father])
    assert rows.pos_bp.tolist() == [10, 20, 20, 20, 25]
    assert list(rows.alt) == ["C", "G", "T", "AT", "T"]
    assert is_panel.tolist() == [True, True, True, False, False]


def test_calls_of_ordinary_dna_are_right():
    rng = stream(1, "world")
    pos = np.arange(1_000, 600_000, 150, dtype=np.int64)
    n = len(pos)
    ref = np.array(list("ACGT"), dtype=object)[rng.integers(0, 4, n)]
    alt = np.array([{"A": "T", "C": "T", "G": "A", "T": "C"}[x] for x in ref], object)
    indels = rng.random(n) < 0.1
    alt[indels] = [x + "AC" for x in ref[indels]]
    alleles = (rng.random((n, 2)) < 0.4).astype(np.int8)
    own = Carrier("chr1", pos, ref, alt, alleles, ordinary_pair(1, 600_000))
    region = Region(0, 600_000, 1, 600_000)
    chromosome = Chromosome(
        own, None, region, Sites(pos, ref.astype(str), alt.astype(str))
    )
    tube = Tube("M1", ORDINARY, 0.0, 1)
    model = CountModel(150, 350.0, 60.0, 0.004, 0.05, 20)
    contents = contents_of(tube, chromosome)
    pairs = n_pairs(region.span_bp, 25.0, model)
    tally = tally_chromosome(tube, chromosome, contents, model, pairs)
    found = call_sample(tally).cost.argmin(axis=1)
    right = found == alleles.sum(axis=1)
    assert right[~indels].mean() > 0.999
    assert right[indels].mean() > 0.995
