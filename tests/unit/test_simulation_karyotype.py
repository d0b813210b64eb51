"""Abnormal sets of chromosomes: which copies there are, from which haplotype."""

import numpy as np
import pytest

from morula.errors import InputError
from morula.genetic_map import GeneticMap
from morula.sex_chromosome import own_region
from morula.simulation import karyotype
from morula.simulation.copies import Stretch
from morula.simulation.karyotype import Inherited, check, copies_of, parse
from morula.simulation.meiosis import Interference
from morula.simulation.sex_chromosomes import pseudo_autosomal
from morula.simulation.transmission import Chromosome, sex_of_sperm, transmit

LENGTH = 10_000_000
CENTROMERE = 4_000_000
SITES = np.array([1, CENTROMERE, LENGTH])
MAP = GeneticMap(np.array([1, LENGTH]), np.array([0.0, 400.0]))
MODEL = Interference(7.4, 0.06)


def chromosome(name: str = "chr1") -> Chromosome:
    return Chromosome(name, "GRCh38", LENGTH, CENTROMERE, (MAP, MAP), (MODEL, MODEL))


def child(
    text: str, sample: str = "E1", name: str = "chr1", sex: str = "female"
) -> list[Inherited]:
    """Copies of one chromosome of a child with the abnormality that `text` says."""
    abnormalities = [parse(text.split())] if text else []
    sexes = sex_of_sperm(1, sample, sex)
    check(abnormalities, {"chr1": LENGTH, "chrX": LENGTH, "chrY": LENGTH}, sexes[0])
    given = transmit(1, sample, chromosome(name), sexes)
    return copies_of(given, abnormalities, name, LENGTH)


def parents_of(copies: list[Inherited]) -> list[str]:
    return [one.copy.parent for one in copies]


def differ(copies: list[Inherited], first: int, second: int) -> list[bool]:
    """Whether two copies come from other haplotypes, at the three SITES."""
    a, b = (copies[n].copy.haplotype_at(SITES) for n in (first, second))
    return (a != b).tolist()


def share_differing(text: str, first: int, second: int) -> np.ndarray:
    samples = [f"E{number}" for number in range(300)]
    return np.mean([differ(child(text, s), first, second) for s in samples], axis=0)


def test_an_ordinary_child_has_two_copies_of_its_autosomes():
    copies = child("")
    assert parents_of(copies) == ["mother", "father"]
    assert all((one.copy.haplotype_at(SITES) >= 0).all() for one in copies)


def test_an_abnormality_leaves_the_ordinary_gametes_as_they_were():
    ordinary = child("")
    assert child("trisomy chr1 father meiosis_2 0.4 . .")[:2] == ordinary
    assert child("monosomy chr1 father . . . .")[0] == ordinary[0]
    assert (
        child("trisomy chr2 father mitotic . . .".replace("chr2", "chrX")) == ordinary
    )


def test_monosomy_keeps_the_place_of_the_lost_copy():
    copies = child("monosomy chr1 father . . . .")
    assert parents_of(copies) == ["mother", "father"]
    assert copies[1].copy.stretches == ()
    mosaic = child("monosomy chr1 father . 0.25 . .")[1].copy.stretches
    assert {(one.cells_from, one.cells_to) for one in mosaic} == {(0.25, 1.0)}


@pytest.mark.parametrize("parent", ["mother", "father"])
def test_trisomy_by_its_origin(parent):
    own = ["mother", "father"].index(parent)
    text = f"trisomy chr1 {parent} {{}} . . ."
    first = share_differing(text.format("meiosis_1"), own, 2)
    assert first[1] == 1.0
    assert first[[0, 2]] == pytest.approx([2 / 3, 2 / 3], abs=0.09)
    second = share_differing(text.format("meiosis_2"), own, 2)
    assert second[1] == 0.0
    assert second[[0, 2]] == pytest.approx([2 / 3, 2 / 3], abs=0.09)
    assert share_differing(text.format("mitotic"), own, 2).tolist() == [0, 0, 0]
    assert parents_of(child(text.format("mitotic"))) == ["mother", "father", parent]


def test_a_mosaic_gain_is_in_the_first_cells():
    extra = child("trisomy chr1 mother mitotic 0.4 . .")[2].copy
    assert {(one.cells_from, one.cells_to) for one in extra.stretches} == {(0.0, 0.4)}


def test_segments_are_lost_and_gained_between_their_ends():
    copies = child("segmental_loss chr1 mother . 0.5 2000001 3000000")
    at = np.array([2_000_000, 2_500_000, 3_000_001])
    cells = [
        next(s.cells_from for s in copies[0].copy.stretches if s.start <= bp <= s.end)
        for bp in at
    ]
    assert cells == [0.0, 0.5, 0.0]
    whole = child("segmental_loss chr1 mother . . 2000001 3000000")[0].copy
    assert (whole.haplotype_at(at) < 0).tolist() == [False, True, False]
    gain = child("segmental_gain chr1 father . . 2000001 3000000")
    assert parents_of(gain) == ["mother", "father", "father"]
    inside = gain[2].copy.haplotype_at(at)
    assert inside.tolist() == [-1, gain[1].copy.haplotype_at(at)[1], -1]
    assert gain[2].how == gain[1].how


def test_uniparental_disomy_has_two_copies_of_one_parent():
    copies = child("uniparental_disomy chr1 father mitotic . . .")
    assert parents_of(copies) == ["father", "father"]
    assert differ(copies, 0, 1) == [False, False, False]
    assert copies[0].how == copies[1].how
    hetero = "uniparental_disomy chr1 mother meiosis_1 . . ."
    assert parents_of(child(hetero)) == ["mother", "mother"]
    assert share_differing(hetero, 0, 1)[1] == 1.0


def test_triploidy_concerns_every_chromosome():
    maternal = child("triploidy . mother meiosis_1 . . .")
    assert parents_of(maternal) == ["mother", "father", "mother"]
    assert differ(maternal, 0, 2)[1]
    two_sperm = share_differing("triploidy . father dispermy . . .", 1, 2)
    assert two_sperm == pytest.approx([0.5, 0.5, 0.5], abs=0.09)
    x = child("triploidy . mother meiosis_2 . . .", name="chrX")
    assert parents_of(x) == ["mother", "father", "mother"]
    assert child("triploidy . mother meiosis_2 . . .", name="chrY") == []


def on(copies: list[Inherited], pos_bp: int) -> list[int]:
    return [int(one.copy.haplotype_at(np.array([pos_bp]))[0]) for one in copies]


class TestSexChromosomes:
    def test_sons_have_their_fathers_y_and_daughters_his_x(self):
        for number in range(20):
            sample = f"E{number}"
            son = child("", sample, "chrX", "male")
            assert on(son, 5_000_000)[1] == -1
            assert on(child("", sample, "chrX", "female"), 5_000_000)[1] == 0
            assert parents_of(child("", sample, "chrY", "male")) == ["father"]
            assert child("", sample, "chrY", "female") == []

    @pytest.mark.parametrize("sex", ["female", "male"])
    def test_half_of_all_sperm_cross_over_in_par1(self, sex):
        found = [
            child("", f"E{number}", "chrX", sex)[1].copy.stretches
            for number in range(500)
        ]
        (_, last), *_ = pseudo_autosomal("GRCh38", LENGTH)
        at_tip = np.array([one[0].haplotype for one in found])
        own = 0 if sex == "female" else 1
        assert (at_tip != own).mean() == pytest.approx(0.5, abs=0.07)
        crossed = [one[0].end for one in found if one[0].haplotype != own]
        assert max(crossed) <= last
        assert np.mean(crossed) == pytest.approx(last / 2, rel=0.15)

    def test_par1_takes_the_shape_of_the_male_map(self):
        hot = GeneticMap(
            np.array([1, 1_000_000, 1_100_000, LENGTH]), np.array([0.0, 0.0, 9.0, 9.0])
        )
        x = Chromosome("X", "GRCh38", LENGTH, 1, (MAP, hot), (MODEL, MODEL))
        for number in range(50):
            given = transmit(1, f"E{number}", x, ("female", "female"))[1]
            first = (given["gamete"] or ())[0]
            assert first.end == LENGTH or 1_000_000 <= first.end <= 1_100_000

    def test_unknown_sex_is_drawn(self):
        drawn = [sex_of_sperm(1, f"E{number}", "unknown")[0] for number in range(400)]
        assert drawn.count("male") == pytest.approx(200, abs=30)
        assert sex_of_sperm(1, "E1", "male")[0] == "male"

    def test_a_nondisjunction_of_the_father_makes_xxy_xxx_and_xyy(self):
        klinefelter = "trisomy chrX father meiosis_1 . . ."
        assert on(child(klinefelter, name="chrX", sex="male"), 5_000_000)[1:] == [-1, 0]
        assert len(child(klinefelter, name="chrY", sex="male")) == 1
        triple = child("trisomy chrX father meiosis_2 . . .", name="chrX")
        assert on(triple, 5_000_000)[1:] == [0, 0]
        jacobs = "trisomy chrY father meiosis_2 . . ."
        assert len(child(jacobs, name="chrY", sex="male")) == 2
        assert on(child(jacobs, name="chrX", sex="male"), 5_000_000)[1:] == [-1, -1]

    def test_a_lost_paternal_x_or_y_makes_turner(self):
        turner = child("monosomy chrX father . . . .", name="chrX")
        assert turner[1].copy.stretches == ()
        lost = "monosomy chrY father . . . ."
        assert child(lost, name="chrY", sex="male")[0].copy.stretches == ()
        assert child(lost, name="chrX", sex="male")[1].copy.stretches == ()

    def test_regions_are_the_builds_and_shrink_with_a_small_chromosome(self):
        assert own_region("GRCh38", "X", 156_040_895) == (2_781_480, 155_701_382)
        assert own_region("GRCh37", "Y", 59_373_566) == (2_649_521, 59_034_049)
        assert pseudo_autosomal("GRCh38", 5_000_000) == [(1, 2_781_479)]
        (_, first), (second, last) = pseudo_autosomal("GRCh38", 200_000)
        assert 3_000 < first < 4_000
        assert 199_000 < second < last == 200_000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tetrasomy chr1 mother . . . .", "no kind 'tetrasomy'"),
        ("trisomy chr1 aunt meiosis_1 . . .", "no parent 'aunt'"),
        ("trisomy chr1 mother . . . .", "needs `origin`"),
        ("monosomy chr1 mother mitotic . . .", "takes no `origin`"),
        ("trisomy chr1 mother dispermy . . .", "no origin 'dispermy'"),
        ("triploidy . mother dispermy . . .", "no origin 'dispermy'"),
        ("triploidy chr1 mother meiosis_1 . . .", "takes no `chrom`"),
        ("monosomy chr1 mother . half . .", "expected a number"),
        ("monosomy chr1 mother . 1.5 . .", "at most 1"),
        ("segmental_loss chr1 mother . . 500 20", "that rise"),
        ("segmental_loss chr1 mother . . 1 99000000", "lies behind the 10000000 bp"),
        ("monosomy chr9 mother . . . .", "'chr9' is not simulated"),
        ("uniparental_disomy chrX mother meiosis_1 . . .", "expected an autosome"),
        ("monosomy chrY mother . . . .", "she has no Y"),
        ("monosomy chrY father . . . .", "he gives no Y to a female"),
        ("trisomy chrX father meiosis_1 . . .", "makes a male"),
        ("triploidy . father meiosis_1 . . .", "makes a male"),
    ],
)
def test_what_cannot_be_is_refused(text, message):
    with pytest.raises(InputError, match=message):
        child(text)


def test_two_of_a_chromosome_are_refused():
    both = [
        parse("trisomy chr1 mother mitotic . . .".split()),
        parse("monosomy chr1 father . . . .".split()),
    ]
    with pytest.raises(InputError, match="chr1: trisomy, monosomy; expected one"):
        check(both, {"chr1": LENGTH}, "male")


def test_a_segment_of_a_copy_that_is_not_there_is_refused():
    texts = (
        "monosomy chr1 father . . . .",
        "segmental_gain chr1 father . . 10 20",
    )
    abnormalities = [parse(text.split()) for text in texts]
    given = transmit(1, "E1", chromosome(), ("female", "female"))
    with pytest.raises(InputError, match="no copy of that parent is left"):
        copies_of(given, abnormalities, "chr1", LENGTH)


def test_losses_and_gains_leave_whole_stretches():
    stretches = (Stretch(1, 10, 0), Stretch(11, 30, 1))
    assert karyotype.lost(stretches, 5, 15, 1.0) == (
        Stretch(1, 4, 0),
        Stretch(16, 30, 1),
    )
    assert karyotype.gained(stretches, 5, 15, 0.5) == (
        Stretch(5, 10, 0, 0.0, 0.5),
        Stretch(11, 15, 1, 0.0, 0.5),
    )
