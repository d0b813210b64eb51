"""Allele counts of simulated molecules: depth, balance, losses and errors as asked."""

from dataclasses import replace

import numpy as np
import pytest

from morula.parental_alleles import Sites
from morula.simulation.amplification import Region
from morula.simulation.copies import Copy, Stretch, ordinary_pair
from morula.simulation.counts import Counted, CountModel, count_tube
from morula.simulation.loci import ABSENT, Chromosome, loci_of
from morula.simulation.protocols import ORDINARY, Protocol
from morula.simulation.quality import quality_shares
from morula.simulation.streams import stream
from morula.simulation.tube import Carrier, Tube

SPAN = 2_000_000
MODEL = CountModel(150, 350.0, 60.0, 0.004, 0.05, 20)
MDA = replace(
    ORDINARY, name="MDA", dropout_rate=0.2, amplicon_bp=5_000.0, imbalance_sd=0.7
)
POS = np.arange(1_000, SPAN - 1_000, 200, dtype=np.int64)
REF, ALT = (np.array([base] * len(POS)) for base in "CT")


def person(
    alleles: np.ndarray, copies: list[Copy] | None = None, chrom: str = "chr1"
) -> Carrier:
    ref, alt = REF.astype(object), ALT.astype(object)
    pair = copies or ordinary_pair(1, SPAN)
    return Carrier(chrom, POS, ref, alt, alleles.astype(np.int8), pair)


def all_het() -> np.ndarray:
    return np.tile([1, 0], (len(POS), 1))


def all_ref(n: int = 2) -> np.ndarray:
    return np.zeros((len(POS), n))


def count(
    own: Carrier,
    protocol: Protocol = ORDINARY,
    depth: float = 20.0,
    *,
    other: Carrier | None = None,
    contamination: float = 0.0,
    model: CountModel = MODEL,
    seed: int = 1,
    label: str = "E1",
) -> Counted:
    region = Region(0, SPAN, 1, SPAN)
    chromosome = Chromosome(own, other, region, Sites(POS, REF, ALT))
    tube = Tube(label, protocol, contamination, seed)
    ((counted, _),) = count_tube(tube, [chromosome], depth, model)
    return counted


def alt_share(counted: Counted) -> np.ndarray:
    depths = counted.depths
    with np.errstate(invalid="ignore"):
        return depths[:, 1] / depths.sum(axis=1)


class TestOrdinaryDna:
    def test_both_alleles_and_strands_alike_at_the_expected_depth(self):
        counted = count(person(all_het()))
        depths = counted.depths
        reads = depths.sum()
        assert depths[:, 1].sum() / reads == pytest.approx(0.5, abs=0.005)
        assert counted.forward.sum() / reads == pytest.approx(0.5, abs=0.005)
        # Mates of 150 bases share what of a fragment of 350 they cover twice.
        low = quality_shares(0.004, 150)[:, 0].mean()
        sizes = stream(1, "sizes").normal(350, 60, 100_000)
        covered = np.minimum(sizes, 300).mean() / 300
        expected = 20 * 0.95 * (1 - low) * covered
        assert reads / len(POS) == pytest.approx(expected, rel=0.015)
        spread = depths.sum(axis=1).var() / depths.sum(axis=1).mean()
        assert 0.85 < spread < 1.15
        np.testing.assert_allclose(counted.maternal_share, 0.5)

    def test_errors_are_few_and_equal_among_the_other_bases(self):
        counted = count(person(all_ref()), depth=40.0)
        numbers = counted.tally.numbers
        assert numbers.bases > 300_000
        shares = quality_shares(0.004, 150).mean(axis=0)
        expected = (shares[1:] @ [10**-2.5, 10**-3.7]) / shares[1:].sum()
        assert numbers.wrong / numbers.bases == pytest.approx(expected, rel=0.15)
        # A third of the errors makes T of C.
        assert counted.depths[:, 1].sum() / numbers.wrong == pytest.approx(1 / 3, 0.2)

    def test_quality_is_that_of_the_bins(self):
        counted = count(person(all_ref()))
        mean = counted.quality.sum() / counted.depths.sum()
        assert 34 < mean < 40


class TestAmplifiedDna:
    def test_counts_follow_the_template_that_the_truth_tells(self):
        counted = count(person(all_het()), MDA, 60.0)
        used = np.isfinite(counted.maternal_share) & (counted.depths.sum(axis=1) > 20)
        share, seen = counted.maternal_share[used], alt_share(counted)[used]
        assert np.corrcoef(share, seen)[0, 1] > 0.97
        assert np.abs(seen - share).mean() < 0.06
        assert np.nanmean(seen[share == 1.0]) > 0.998
        assert np.nanmean(seen[share == 0.0]) < 0.002

    def test_dropout_shows_in_the_counts(self):
        runs = [count(person(all_het()), MDA, 60.0, seed=s) for s in (1, 2, 3)]
        share = np.concatenate([run.maternal_share for run in runs])
        left = np.isfinite(share)
        true = (share == 0.0) | (share == 1.0)
        # 0.2 of the template, less what fragments of neighbouring amplicons show.
        expected = 0.2 * np.exp(-350 / 5_000)
        assert true[left].mean() == pytest.approx(expected, abs=0.025)
        depths = np.concatenate([run.depths for run in runs])
        deep = left & (depths.sum(axis=1) >= 5)
        seen = depths.min(axis=1) <= 0.02 * depths.sum(axis=1)
        assert seen[deep].mean() == pytest.approx(true[deep].mean(), abs=0.03)
        assert seen[deep & true].mean() > 0.99

    def test_without_dropout_and_imbalance_it_is_as_ordinary_dna(self):
        even = replace(MDA, dropout_rate=0.0, imbalance_sd=0.0)
        counted = count(person(all_het()), even)
        assert ((counted.depths == 0).any(axis=1)).mean() < 0.003

    @pytest.mark.parametrize("sd", [0.3, 0.9])
    def test_imbalance_is_as_asked_and_alike_along_an_amplicon(self, sd):
        skewed = replace(MDA, dropout_rate=0.0, imbalance_sd=sd, amplicon_bp=20_000.0)
        runs = [count(person(all_het()), skewed, 60.0, seed=s) for s in (1, 2, 3)]
        ratio = np.array(
            [np.log((r.depths[:, 1] + 0.5) / (r.depths[:, 0] + 0.5)) for r in runs]
        )
        sampling = np.mean([1 / (r.depths + 0.5).clip(1) for r in runs], axis=0).sum(1)
        spread = ratio.var() - sampling.mean()
        assert spread == pytest.approx(2 * sd**2, rel=0.25)
        near = np.corrcoef(ratio[:, :-10].ravel(), ratio[:, 10:].ravel())[0, 1]
        far = np.corrcoef(ratio[:, :-500].ravel(), ratio[:, 500:].ravel())[0, 1]
        # 2 kb apart: two amplicons of 20 kb each must both go on.
        signal = spread / ratio.var()
        assert near == pytest.approx(signal * np.exp(-2_000 / 20_000), abs=0.08)
        assert abs(far) < 0.15

    def test_locus_dropout_leaves_no_reads(self):
        lost = replace(MDA, dropout_rate=0.0, locus_dropout_rate=0.3)
        counted = count(person(all_het()), lost, 60.0)
        empty = counted.depths.sum(axis=1) == 0
        assert empty.mean() == pytest.approx(0.3 * np.exp(-350 / 5_000), abs=0.05)
        assert np.isnan(counted.maternal_share[empty]).mean() > 0.85

    def test_more_cells_hide_the_dropout(self):
        one = count(person(all_het()), MDA, 60.0)
        five = count(person(all_het()), replace(MDA, cells=5), 60.0)
        missing = [(c.depths == 0).any(axis=1).mean() for c in (one, five)]
        assert missing[1] < 0.1 * missing[0]


class TestErrorsOfAmplification:
    def false_hets(self, **changes: float) -> float:
        """Share of the homozygous sites that show a second base a fifth of the time."""
        protocol = replace(MDA, dropout_rate=0.0, **changes)
        runs = [count(person(all_ref()), protocol, 30.0, seed=s) for s in (1, 2, 3)]
        seen = np.concatenate([r.tally.seen[:, :, :2].sum(axis=2) for r in runs])
        second = np.sort(seen, axis=1)[:, -2]
        return float((second >= 0.2 * seen.sum(axis=1).clip(10)).mean())

    def test_clonal_errors_make_false_hets(self):
        assert self.false_hets() < 0.0002
        few = self.false_hets(clonal_error_rate=0.001, clonal_ct=0.5)
        many = self.false_hets(clonal_error_rate=0.01, clonal_ct=0.5)
        assert few > 0.0004
        assert many == pytest.approx(10 * few, rel=0.5)

    def test_clonal_deamination_changes_cytosine_to_thymine(self):
        protocol = replace(MDA, clonal_error_rate=0.01, clonal_ct=1.0)
        seen = count(person(all_ref()), protocol, 30.0).tally.seen
        bases = seen[:, :, :2].sum(axis=(0, 2))
        assert bases[3] > 20 * max(bases[0], bases[2])

    def test_damage_reads_as_thymine(self):
        damaged = replace(MDA, damage_rate=0.02)
        counted = count(person(all_ref()), damaged, 30.0)
        share = counted.depths[:, 1].sum() / counted.depths.sum()
        # Of the fragments half descend from the strand of the cytosine.
        assert share == pytest.approx(0.01, rel=0.1)


class TestWhoIsInTheTube:
    def test_contamination_has_its_share_of_the_fragments(self):
        foreign = person(np.ones((len(POS), 2)))
        for protocol in (ORDINARY, MDA):
            counted = count(
                person(all_ref()), protocol, other=foreign, contamination=0.2
            )
            numbers = counted.tally.numbers
            found = numbers.foreign / numbers.fragments
            assert found == pytest.approx(0.2, abs=0.005)
            seen = counted.depths[:, 1].sum() / counted.depths.sum()
            assert seen == pytest.approx(0.2, abs=0.01)

    def test_contamination_leaves_the_sample_s_molecules_as_they_were(self):
        foreign = person(np.ones((len(POS), 2)))
        alone = count(person(all_het()), MDA)
        mixed = count(person(all_het()), MDA, other=foreign, contamination=0.2)
        np.testing.assert_array_equal(alone.maternal_share, mixed.maternal_share)

    @pytest.mark.parametrize("protocol", [ORDINARY, replace(MDA, cells=10)])
    def test_mosaic_gain_adds_its_share(self, protocol):
        extra = Copy("mother", (Stretch(1, SPAN, 0, 0.0, 0.4),))
        whole = (Stretch(1, SPAN, 0),)
        copies = [Copy("mother", whole), Copy("father", whole), extra]
        alleles = np.tile([1, 0, 1], (len(POS), 1))
        even = replace(protocol, dropout_rate=0.0, imbalance_sd=0.0)
        counted = count(person(alleles, copies), even, 30.0)
        share = counted.depths[:, 1].sum() / counted.depths.sum()
        assert share == pytest.approx(1.4 / 2.4, abs=0.005)
        np.testing.assert_allclose(counted.maternal_share, 1.4 / 2.4)

    def test_what_a_copy_lacks_is_not_counted(self):
        alleles = all_het()
        alleles[: len(POS) // 2, 0] = -1
        whole, half = Stretch(1, SPAN, 0), Stretch(SPAN // 2, SPAN, 0)
        copies = [Copy("mother", (half,)), Copy("father", (whole,))]
        counted = count(person(alleles, copies))
        first, second = np.array_split(counted.depths, 2)
        assert first[:, 1].sum() < 0.002 * first.sum()
        assert second.sum() / first.sum() == pytest.approx(2.0, rel=0.02)


class TestRepeats:
    def test_same_seed_same_counts_and_each_sample_its_own(self):
        noisy = replace(MDA, damage_rate=0.001, clonal_error_rate=0.001, clonal_ct=0.5)
        one, same = (count(person(all_het()), noisy) for _ in range(2))
        np.testing.assert_array_equal(one.tally.seen, same.tally.seen)
        for change in ({"seed": 2}, {"label": "E2"}):
            other = count(person(all_het()), noisy, **change)
            assert not np.array_equal(one.tally.seen, other.tally.seen)

    def test_chromosomes_share_the_reads_by_their_template(self):
        region = Region(0, SPAN, 1, SPAN)
        sites = Sites(POS, REF, ALT)
        three = [*ordinary_pair(1, SPAN), Copy("mother", (Stretch(1, SPAN, 0),))]
        tube = Tube("E1", ORDINARY, 0.0, 1)
        chromosomes = [
            Chromosome(person(all_ref(), chrom="chr1"), None, region, sites),
            Chromosome(person(all_ref(3), three, "chr2"), None, region, sites),
        ]
        one, other = (c for c, _ in count_tube(tube, chromosomes, 10.0, MODEL))
        assert other.depths.sum() / one.depths.sum() == pytest.approx(1.5, rel=0.02)


class TestLoci:
    def rows(self) -> tuple[Sites, Carrier]:
        """A position with two ALTs, one with an indel too, one that nobody carries."""
        pos = np.array([10, 10, 20, 20, 30], dtype=np.int64)
        ref = np.array(["A", "A", "C", "CA", "G"])
        alt = np.array(["G", "T", "T", "C", "A"])
        alleles = np.array([[1, 0], [0, 1], [0, -1], [1, 0]], dtype=np.int8)
        words = [x[:4].astype(object) for x in (ref, alt)]
        copies = ordinary_pair(1, 100)
        return Sites(pos, ref, alt), Carrier("c", pos[:4], *words, alleles, copies)

    def test_letters_of_each_copy(self):
        rows, own = self.rows()
        loci = loci_of(Chromosome(own, None, Region(4, 96, 5, 100), rows))
        assert loci.offset.tolist() == [5, 15, 15, 25]
        assert loci.is_snv.tolist() == [True, True, False, True]
        assert loci.locus.tolist() == [0, 0, 1, 2, 3]
        assert loci.codes.tolist() == [[0, 2], [0, 3], [1, 3], [0, 1], [2, 0]]
        assert loci.bases.tolist() == [[2, 3], [1, ABSENT], [1, 0], [2, 2]]

    def test_a_third_base_counts_for_neither_allele(self):
        rows, own = self.rows()
        region = Region(0, 2_000, 1, 2_000)
        copies = ordinary_pair(1, 2_000)
        own = replace(own, copies=copies, pos_bp=own.pos_bp + 900)
        rows = replace(rows, pos_bp=rows.pos_bp + 900)
        tube = Tube("E1", ORDINARY, 0.0, 1)
        chromosome = Chromosome(own, None, region, rows)
        ((counted, _),) = count_tube(tube, [chromosome], 200.0, MODEL)
        first, second, _, indel, alone = counted.depths.tolist()
        assert max(first[0], second[0], alone[1]) < 5
        assert min(first[1], second[1], *indel) > 60
        assert alone[0] > 140
