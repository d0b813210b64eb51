"""Matching: every rule by a hand-made case, and a slow count of alleles as oracle."""

import numpy as np
import polars as pl
import pytest

from morula.panel_sites import Alleles, PanelSites, pack_sites
from morula.score_match import MATCHED, OUTCOMES, STRAND_ROWS, match_rows
from morula.score_weights import Collected, assemble, load, save
from morula.scoring_rows import REASONS, REPEATED, mark_repeats, pack

COMPLEMENT = {"A": "T", "C": "G", "G": "C", "T": "A"}


def sites(*rows):
    """Panel sites from (pos, ref, alt, af)."""
    table = pl.DataFrame(rows, schema=["pos_bp", "ref", "alt", "af"], orient="row")
    alleles = Alleles()
    packed = pack_sites(table, 0, alleles)
    return PanelSites(("chr1",), alleles, packed, (0, packed.height))


def variants(*rows, chrom="1"):
    """Rows (pos, effect, other, weight[, frequency]) of one score."""
    schema = {
        "pos_bp": pl.Int64,
        "effect": pl.String,
        "other": pl.String,
        "weight": pl.Float64,
        "frequency": pl.Float64,
    }
    full = [(*row, None) if len(row) == 4 else row for row in rows]
    table = pl.DataFrame(full, schema=schema, orient="row")
    return pack(
        table.with_columns(chrom=pl.lit(chrom), reason=pl.lit(None, dtype=pl.String))
    )


def matched(rows, panel, ambiguous="drop"):
    """Reasons of the rows, {site: beta}, constant."""
    result = match_rows(rows, panel, ambiguous)
    betas = dict(zip(result.sites.tolist(), result.betas.tolist(), strict=True))
    return [OUTCOMES[code] for code in result.outcomes], betas, result.constant


class TestOneRow:
    @pytest.mark.parametrize(
        ("effect", "other", "reason", "beta", "constant"),
        [
            ("G", "A", "matched", 2.0, 0.0),
            ("A", "G", "matched_swapped", -2.0, 4.0),
            ("C", "T", "matched_flipped", 2.0, 0.0),
            ("T", "C", "matched_flipped_swapped", -2.0, 4.0),
            ("G", None, "matched", 2.0, 0.0),
            ("A", None, "matched_swapped", -2.0, 4.0),
            ("C", None, "matched_flipped", 2.0, 0.0),
            ("G", "C", "alleles_differ", 0.0, 0.0),
            ("GA", "G", "alleles_differ", 0.0, 0.0),
        ],
    )
    def test_a_g_site(self, effect, other, reason, beta, constant):
        got = matched(variants((10, effect, other, 2.0)), sites((10, "A", "G", 0.2)))
        assert got == ([reason], {0: beta} if beta else {}, constant)

    def test_not_in_panel(self):
        got = matched(variants((11, "G", "A", 2.0)), sites((10, "A", "G", 0.2)))
        assert got == (["not_in_panel"], {}, 0.0)

    def test_indels_match_as_written_only(self):
        panel = sites((10, "AT", "A", 0.2))
        assert matched(variants((10, "A", "AT", 1.0)), panel)[0] == ["matched"]
        assert matched(variants((10, "AT", "A", 1.0)), panel)[0] == ["matched_swapped"]
        assert matched(variants((10, "T", "AT", 1.0)), panel)[0] == ["alleles_differ"]


class TestAmbiguous:
    @pytest.mark.parametrize(
        ("effect", "other", "frequency", "af", "reason", "beta"),
        [
            ("T", "A", 0.2, 0.3, "matched_by_frequency", 1.0),
            ("A", "T", 0.2, 0.3, "matched_by_frequency", 1.0),
            ("A", "T", 0.8, 0.3, "matched_by_frequency", -1.0),
            ("T", "A", 0.8, 0.3, "matched_by_frequency", -1.0),
            ("T", "A", 0.45, 0.3, "ambiguous", None),
            ("T", "A", 0.2, 0.45, "ambiguous", None),
            ("T", "A", None, 0.3, "ambiguous", None),
            ("T", None, 0.2, 0.3, "matched_by_frequency", 1.0),
        ],
    )
    def test_told_by_frequency(self, effect, other, frequency, af, reason, beta):
        got = matched(
            variants((10, effect, other, 1.0, frequency)),
            sites((10, "A", "T", af)),
            "frequency",
        )
        assert got[:2] == ([reason], {} if beta is None else {0: beta})

    def test_other_choices(self):
        rows, panel = variants((10, "G", "C", 1.0, 0.1)), sites((10, "C", "G", 0.9))
        assert matched(rows, panel, "drop")[0] == ["ambiguous"]
        assert matched(rows, panel, "as_written")[:2] == (["matched"], {0: 1.0})
        assert matched(rows, panel, "frequency")[1] == {0: -1.0}


class TestRepeats:
    PANEL = sites((10, "A", "G", 0.2))

    def test_same_effect_again_counts_once(self):
        rows = variants((10, "G", "A", 1.0), (10, "A", "G", -1.0), (10, "C", "T", 1.0))
        assert matched(rows, self.PANEL) == (
            ["matched", "repeated", "repeated"],
            {0: 1.0},
            0.0,
        )

    def test_both_alleles_with_their_own_weights_add_up(self):
        rows = variants((10, "G", "A", 1.0), (10, "A", "G", 0.25))
        assert matched(rows, self.PANEL) == (
            ["matched", "matched_swapped"],
            {0: 0.75},
            0.5,
        )

    def test_contradiction_is_not_used(self):
        rows = variants((10, "G", "A", 1.0), (10, "G", "A", 2.0))
        assert matched(rows, self.PANEL) == (["conflicting_weights"] * 2, {}, 0.0)

    def test_exact_rows_are_marked_once(self):
        rows = variants((10, "G", None, 1.0), (10, "G", None, 1.0), (10, "G", "A", 1.0))
        marked = [REASONS[code] for code in mark_repeats(rows).reason]
        assert marked == ["", "repeated", ""]

    def test_exact_rows_are_found_in_any_order(self):
        rows = variants(
            (30, "G", "A", 1.0),
            (10, "G", "A", 1.0),
            (20, "G", "A", 1.0),
            (10, "G", "A", 1.0),
            (30, "G", "A", 2.0),
            (30, "G", "A", 1.0),
        )
        marked = mark_repeats(rows).reason == REPEATED
        assert marked.tolist() == [False, False, False, True, False, True]


class TestStrandOfTheFile:
    """A/T rows without frequency, beside rows whose alleles tell the strand."""

    N = 2 * STRAND_ROWS
    PANEL = sites((1, "A", "T", 0.3), *((i + 10, "A", "G", 0.2) for i in range(N)))

    def beside(self, n_turned, n_rows=N, frequency=None):
        turned = [(i + 10, "C", "T", 1.0) for i in range(n_turned)]
        forward = [(i + 10, "G", "A", 1.0) for i in range(n_turned, n_rows)]
        rows = variants((1, "T", "A", 1.0, frequency), *turned, *forward)
        reasons, betas, _ = matched(rows, self.PANEL, "strand")
        return reasons[0], betas.get(0)

    @pytest.mark.parametrize(
        ("n_turned", "expected"),
        [
            (0, ("matched_by_strand", 1.0)),
            (1, ("matched_by_strand", 1.0)),
            (2, ("ambiguous", None)),
            (N - 2, ("ambiguous", None)),
            (N - 1, ("matched_by_strand", -1.0)),
            (N, ("matched_by_strand", -1.0)),
        ],
    )
    def test_one_strand_for_nearly_all(self, n_turned, expected):
        assert self.beside(n_turned) == expected

    def test_few_rows_tell_nothing(self):
        assert self.beside(0, STRAND_ROWS - 1) == ("ambiguous", None)

    def test_frequency_comes_first(self):
        assert self.beside(0, frequency=0.8) == ("matched_by_frequency", -1.0)
        assert self.beside(0, frequency=0.45) == ("matched_by_strand", 1.0)


def test_chromosomes_that_are_not_analysed_are_counted():
    rows = variants((10, "G", "A", 1.0), chrom="X")
    got = matched(rows, sites((10, "A", "G", 0.2)))
    assert got == (["chromosome_not_analysed"], {}, 0.0)


class TestMultiAllelic:
    PANEL = sites((10, "A", "G", 0.2), (10, "A", "T", 0.1), (10, "AC", "A", 0.1))

    def test_alt_goes_to_its_record(self):
        assert matched(variants((10, "G", "A", 1.0)), self.PANEL)[1] == {0: 1.0}

    def test_a_row_and_its_mirror_are_the_same(self):
        got = matched(variants((10, "A", "G", 1.0)), self.PANEL)
        assert got == (["matched_swapped"], {0: -1.0}, 2.0)

    def test_ref_against_nothing_named_is_left_open(self):
        got = matched(variants((10, "A", None, 1.0)), self.PANEL)
        assert got == (["other_allele_unknown"], {}, 0.0)
        assert matched(variants((10, "G", None, 1.0)), self.PANEL)[1] == {0: 1.0}


class TestOracle:
    """Counting effect alleles in genomes, one by one, gives the same sums."""

    @pytest.mark.parametrize("seed", range(5))
    def test_random_rows(self, seed):
        rng = np.random.default_rng(seed)
        alleles = [rng.choice(list("ACGT"), 2, replace=False) for _ in range(40)]
        panel = sites(*((i + 1, r, a, 0.3) for i, (r, a) in enumerate(alleles)))
        rows, genomes = [], rng.integers(0, 2, (40, 2))
        # A mirrored row is a repeat: it must change nothing.
        expected = 0.0
        for position in rng.permutation(40):
            weight = float(rng.normal())
            effect, other = rng.permutation(alleles[position]).tolist()
            here = alleles[position][genomes[position]]
            if COMPLEMENT[effect] != other:
                expected += weight * np.count_nonzero(here == effect)
                if rng.random() < 0.3:
                    effect, other = COMPLEMENT[effect], COMPLEMENT[other]
            rows.append((int(position) + 1, effect, other, weight))
            if rng.random() < 0.2:
                rows.append((int(position) + 1, other, effect, -weight))
        _, betas, constant = matched(variants(*rows), panel)
        score = constant + sum(
            beta * genomes[site].sum() for site, beta in betas.items()
        )
        assert score == pytest.approx(expected)


class TestWeights:
    def test_shares_and_round_trip(self, tmp_path):
        panel = sites((10, "A", "G", 0.2), (20, "C", "T", 0.2))
        rows = variants(
            (10, "G", "A", 3.0),
            (20, "T", "C", -1.0),
            (30, "A", "C", 4.0),
            (10, "G", "A", 3.0),
        )
        result = match_rows(mark_repeats(rows), panel, "drop")
        collected = Collected()
        collected.add(result)
        weights = assemble(["PGS1"], ["x", "y"], [0, 0], collected, panel)
        assert weights.variants_total.tolist() == [3]
        assert weights.variants_used.tolist() == [2]
        assert weights.weight_used.tolist() == [0.5]
        assert weights.main_loss(0) == "not_in_panel 0.5"
        save(tmp_path / "w.npz", weights)
        again = load(tmp_path / "w.npz")
        assert (again.matrix != weights.matrix).nnz == 0
        assert again.matrix.toarray().tolist() == [[3.0], [-1.0]]
        assert again.sites_of("chr1").pos_bp.tolist() == [10, 20]
        save(tmp_path / "w2.npz", again)
        assert (tmp_path / "w.npz").read_bytes() == (tmp_path / "w2.npz").read_bytes()

    def test_no_match_at_all_leaves_an_empty_matrix(self):
        panel = sites((10, "A", "G", 0.2))
        result = match_rows(variants((11, "G", "A", 1.0)), panel, "drop")
        collected = Collected()
        collected.add(result)
        weights = assemble(["PGS1"], ["x"], [0], collected, panel)
        assert weights.matrix.shape == (0, 1)
        assert weights.weight_used.tolist() == [0.0]
        assert set(weights.match_reason).isdisjoint(MATCHED)
