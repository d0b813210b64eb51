"""The world of many scoring files, the table made for plink2, and the ratios."""

import argparse
import gzip
import shutil

import cyvcf2
import numpy as np
import polars as pl
import pytest

import combine_scores
import make_score_world
import prepare_scores
import score_speed
import sum_scores
from bench import drawn_scores
from morula import scoring_reader
from time_methods import Cost

N_SITES, N_ROWS = 40_000, 20_000


@pytest.fixture(scope="module")
def sites():
    chromosomes = ("chr1", "chr2")
    return [drawn_scores.draw_sites(1, name, N_SITES // 2) for name in chromosomes]


class TestDrawnFiles:
    def test_have_the_shares_that_they_should(self, sites):
        rows = drawn_scores.draw_rows(1, "PGS900001", sites, N_ROWS)
        at = {}
        for number, one in enumerate(sites):
            for i, pos in enumerate(one.pos_bp.tolist()):
                at[(number + 1, pos)] = (one.ref[i], one.alt[i])
        found = [
            at.get((int(c), p))
            for c, p in zip(rows["hm_chr"], rows["hm_pos"], strict=True)
        ]
        absent = np.array([one is None for one in found])
        assert absent.mean() == pytest.approx(drawn_scores.ABSENT, abs=0.01)
        pairs = np.array([(9, 9) if one is None else one for one in found])
        code = {base: number for number, base in enumerate("ACGT")}
        effect, other = (
            np.array([code[a] for a in rows[name]])
            for name in ("effect_allele", "other_allele")
        )
        palindromic = effect == 3 - other
        assert palindromic.mean() == pytest.approx(drawn_scores.AMBIGUOUS, abs=0.01)
        clear = ~palindromic & ~absent
        written = (effect == pairs[:, 1]) & (other == pairs[:, 0])
        share = 1 - written[clear].mean()
        assert share == pytest.approx(0.05 + 0.026, abs=0.01)

    def test_are_alike_for_the_same_seed(self, sites):
        one, two = (
            drawn_scores.draw_rows(1, "PGS900001", sites, 500) for _ in range(2)
        )
        assert one.equals(two)
        assert not one.equals(drawn_scores.draw_rows(1, "PGS900002", sites, 500))

    def test_are_plain_files_of_the_catalog(self, sites, tmp_path):
        path = tmp_path / "PGS900001.txt.gz"
        rows = drawn_scores.draw_rows(1, "PGS900001", sites, 500)
        drawn_scores.write_scoring_file(path, "PGS900001", rows)
        assert gzip.decompress(path.read_bytes()).startswith(b"###PGS CATALOG")
        pgs_id, found = scoring_reader.read_rows(path, "GRCh38", tmp_path / "cache")
        assert (pgs_id, len(found)) == ("PGS900001", 500)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A small world; its directory, and the arguments that score_speed.py has."""
    folder = tmp_path_factory.mktemp("scores")
    words = f"--directory {folder}/world --files 3 --rows 1500 --sites 4400"
    words += " --panel-samples 20 --embryos 2 --processes 1"
    assert make_score_world.main(words.split()) == 0
    (folder / "work").mkdir()
    return argparse.Namespace(
        world=folder / "world", directory=folder / "work", threads=1, peers=None
    )


@pytest.fixture(scope="module")
def sums(world):
    """Morula's sums and the peer's table are made; the words of every step."""
    files = sorted((world.world / "scores").iterdir())
    steps = score_speed.sums_steps(world, files, score_speed.write_target(world))
    words = {step.step: [str(word) for word in step.words] for step in steps}
    assert prepare_scores.main(words["prepare"][2:]) == 0
    assert sum_scores.main(words["sums"][2:]) == 0
    assert combine_scores.main(words["combine the files"][2:]) == 0
    return words


class TestSums:
    def test_equal_the_combined_table_times_the_copies(self, world, sums):
        table = pl.read_csv(world.directory / "combined.tsv", separator="\t")
        constants = pl.read_csv(world.directory / "constants.tsv", separator="\t")
        own = pl.read_csv(world.directory / "sums.tsv", separator="\t")
        assert own["sample"].to_list() == ["M", "F", "E1", "E2"]
        copies = family_copies(world.world / "family.bcf")
        dosage = np.array([copies[name] for name in table["ID"]])
        for name, constant in constants.iter_rows():
            expected = table[name].to_numpy() @ dosage + constant
            np.testing.assert_allclose(own[name].to_numpy(), expected, atol=1e-6)

    @pytest.mark.skipif(shutil.which("plink2") is None, reason="plink2 is not here")
    def test_equal_those_of_plink2(self, world, sums):
        for step in ("import the genotypes", "score"):
            score_speed.measure(sums[step])
        assert score_speed.largest_difference(world.directory) < 1e-6


def family_copies(path):
    """Copies of ALT by the site's id, as cyvcf2 reads them."""
    return {one.ID: one.format("DS")[:, 0].astype(float) for one in cyvcf2.VCF(path)}


def test_ratios_are_of_totals():
    def step(tool, name):
        return score_speed.Step("sums", tool, name, 5, [])

    costs = [
        (step("Morula", "prepare"), Cost(2.0, 3.0, 100.0)),
        (step("Morula", "sums"), Cost(1.0, 1.0, 50.0)),
        (step("plink2", "combine the files"), Cost(5.0, 5.0, 300.0)),
        (step("plink2", "score"), Cost(4.0, 4.0, 200.0)),
    ]
    rows = score_speed.table_rows(costs, 12, 2e-7)
    assert [row["step"] for row in rows[:4]] == [one.step for one, _ in costs]
    own, peer = rows[4:]
    assert (own["wall_s"], own["cpu_s"], own["wall_ratio"]) == (3.0, 4.0, 1.0)
    ratios = ("wall_ratio", "cpu_ratio", "memory_ratio")
    assert [peer[name] for name in ratios] == [3.0, 2.25, 3.0]
    assert (own["max_difference"], peer["max_difference"]) == (None, 2e-7)
    assert {row["samples"] for row in rows} == {12}
