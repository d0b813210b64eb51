"""prepare_scores, score_family and rank_embryos on hand-made genomes, and plink2."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize

from morula import posterior_samples
from morula.standardise import percentile
from morula.tables import read_tsv
from score_world import (
    CHROMS,
    ROLES,
    SAMPLES,
    all_rows,
    build,
    family_cells,
    plink2_sums,
    settings,
    write_bcf,
)


@pytest.fixture
def world(tmp_path):
    return build(tmp_path)


@pytest.fixture
def rows(world):
    return all_rows(world, np.random.default_rng(7))


class TestScores:
    def test_equal_the_count_of_effect_alleles(self, world, rows):
        assert world.prepare([world.write_scoring("PGS1", rows)]) == 0
        assert world.score(["t0"]) == 0
        table = world.table("scores.tsv")
        got = [float(row["pgs"]) for row in table]
        np.testing.assert_allclose(got, world.truth(rows), rtol=0, atol=1e-8)
        assert [row["sample"] for row in table] == list(SAMPLES)
        assert {row["weight_used"] for row in table} == {"1"}
        assert {row["variants_used"] for row in table} == {str(len(rows))}

    @pytest.mark.skipif(shutil.which("plink2") is None, reason="plink2 is not here")
    @pytest.mark.parametrize("options", [(), ("dosage=DS",)])
    def test_equal_plink2(self, world, rows, tmp_path, options):
        if options:
            # Dosages that plink2, which keeps 1/16384, can hold.
            gp = [0.5, 0.25, 0.25]
            records = [
                (*site, ".", family_cells(world.family[i], gp if i % 3 else None))
                for i, site in enumerate(world.sites)
            ]
            write_bcf(world.folder / "family.bcf", SAMPLES, records, "GT:DS:GP")
        # plink2 prints six digits: sums below one show 1e-6.
        scaled = [(*row[:4], round(row[4] * 0.01, 8)) for row in rows]
        assert world.prepare([world.write_scoring("PGS1", scaled)]) == 0
        assert world.score(["t0"]) == 0
        expected = plink2_sums(world, scaled, tmp_path, *options)
        assert max(abs(value) for value in expected.values()) < 1
        for row in world.table("scores.tsv"):
            assert float(row["pgs"]) == pytest.approx(
                expected[row["sample"]], rel=0, abs=1e-6
            )

    def test_z_is_against_the_panel_at_the_same_place(self, world, rows):
        """Mean by numpy's least squares, the variance by maximising its likelihood."""
        world.prepare([world.write_scoring("PGS1", rows)])
        world.score(["t0"])
        with np.load(world.path("p.npz")) as stored:
            scores = stored["scores"][:, 0]
        near = read_tsv(world.path("ancestry.panel.tsv"))
        design = [[1.0, float(row["PC1"]), float(row["PC2"])] for row in near]
        design, here = np.array(design), np.array([1.0, 0.1, 0.0])
        mean = np.linalg.lstsq(design, scores)[0]
        left = scores - design @ mean
        sd = np.sqrt(left @ left / 47)

        def unlikely(slopes):
            ln = design @ slopes
            return (ln + left**2 * 50 / 47 / np.exp(ln)).sum()

        start = [2 * np.log(sd), 0.0, 0.0]
        best = minimize(unlikely, start, method="BFGS").x
        local = np.exp(here @ best / 2)
        nearest = np.sort(scores[:30])
        for row in world.table("scores.tsv"):
            assert row["reference"] == "panel by PC1-2, n=50"
            away = float(row["pgs"]) - here @ mean
            assert float(row["z_norm1"]) == pytest.approx(away / sd, rel=1e-4)
            assert float(row["z"]) == pytest.approx(away / local, rel=1e-3)
            half = 1.959964 * float(row["pgs_sd"]) / local
            wide = float(row["z_high"]) - float(row["z"])
            assert wide == pytest.approx(half, rel=1e-3, abs=1e-4)
            below = 100 * np.searchsorted(nearest, float(row["pgs"])) / 30
            assert row["nearest_reference"] == "panel EUR, n=30"
            assert float(row["nearest_percentile"]) == pytest.approx(below, abs=1.7)

    def test_a_small_panel_is_compared_with_whole(self, world, rows):
        """Of 19 samples, not even one component's coefficients are fitted."""
        world.prepare([world.write_scoring("PGS1", rows)])
        with np.load(world.path("p.npz")) as stored:
            kept = {name: stored[name] for name in stored.files}
        for name in ("samples", "populations", "superpopulations", "scores"):
            kept[name] = kept[name][:19]
        np.savez(world.path("p.npz"), **kept)
        world.score(["t0"])
        scores = kept["scores"][:, 0]
        for row in world.table("scores.tsv"):
            z = (float(row["pgs"]) - scores.mean()) / scores.std(ddof=1)
            assert float(row["z"]) == pytest.approx(z, rel=1e-4)
            assert (row["reference"], row["z_norm1"]) == ("panel, n=19", "")

    @pytest.mark.parametrize("first", [1, 2])
    def test_embryos_score_alike_without_their_parents(self, world, rows, first):
        """The father alone, and nobody."""
        world.prepare([world.write_scoring("PGS1", rows)])
        diseases = {"diseases": [settings(("t0", 0.1, 0.1, {}))]}
        world.score(["t0"], **diseases)
        whole = world.table("scores.tsv")
        known = {"samples": SAMPLES[first:], "roles": ROLES[first:]}
        assert world.score(["t0"], **known, **diseases) == 0
        alone = world.table("scores.tsv")
        assert {row["family_mean"] for row in alone} == {""}
        for name in FAMILY_COLUMNS:
            for row in (*alone, *whole):
                del row[name]
        assert alone == whole[first:]
        assert world.rank(["t0"], ["5"]) == 0
        assert {row["rank"] for row in world.table("ranking.tsv")} == {"1", "2"}

    def test_sd_of_embryos_is_that_of_whole_paths(self, world, rows):
        world.prepare([world.write_scoring("PGS1", rows)])
        world.score(["t0"])
        weights = {}
        for chrom, pos, effect, other, weight in rows:
            is_alt = (f"chr{chrom}", pos, other, effect) in world.sites
            weights[(f"chr{chrom}", pos)] = weight if is_alt else -weight
        variance = 0.0
        for chrom in CHROMS:
            sampled = posterior_samples.load(world.path(f"{chrom}.samples.npz"))
            beta = np.array([weights[(chrom, pos)] for pos in sampled.pos_bp])
            maternal, paternal = sampled.alleles("E1")
            paths = maternal @ beta + paternal @ beta
            variance += paths.var(ddof=1)
        of_sample = {row["sample"]: row for row in world.table("scores.tsv")}
        assert float(of_sample["E1"]["pgs_sd"]) == pytest.approx(
            np.sqrt(variance), rel=1e-5
        )
        assert float(of_sample["M"]["pgs_sd"]) == 0.0

    def test_sd_of_parents_is_that_of_their_probabilities(self, world, rows):
        gp = [0.25, 0.5, 0.25]
        records = [
            (*site, ".", family_cells(world.family[i], gp if i == 3 else None))
            for i, site in enumerate(world.sites)
        ]
        write_bcf(world.folder / "family.bcf", SAMPLES, records, "GT:DS:GP")
        world.prepare([world.write_scoring("PGS1", rows)])
        world.score(["t0"])
        expected = abs(rows[3][4]) * np.sqrt(0.5)
        for row in world.table("scores.tsv")[:2]:
            assert float(row["pgs_sd"]) == pytest.approx(expected, rel=1e-5)


class TestWithheld:
    def test_low_match_names_the_main_loss(self, world, rows):
        lost = [("3", 5, "A", "G", 1000.0)]
        files = [world.write_scoring("PGS1", rows), world.write_scoring("PGS2", lost)]
        assert world.prepare(files) == 0
        assert world.score(["t0", "t1"]) == 0
        low = [row for row in world.table("scores.tsv") if row["trait"] == "t1"]
        assert {(row["status"], row["pgs"], row["z"]) for row in low} == {
            ("withheld", "", "")
        }
        assert "chromosome_not_analysed 1" in low[0]["reason"]
        assert low[0]["weight_used"] == "0"
        matches = {
            (row["pgs_id"], row["reason"]): row for row in world.table("match.tsv")
        }
        assert matches[("PGS2", "chromosome_not_analysed")]["variants"] == "1"
        shares = [
            float(row["weight_share"])
            for row in world.table("match.tsv")
            if row["pgs_id"] == "PGS1"
        ]
        assert sum(shares) == pytest.approx(1.0, abs=1e-5)

    def test_threshold_itself_is_given(self, world):
        chrom, pos, ref, alt = world.sites[0]
        rows = [("1", pos, alt, ref, 3.0), ("9", 5, "A", "G", -1.0)]
        world.prepare([world.write_scoring("PGS1", rows)])
        world.score(["t0"])
        assert world.table("scores.tsv")[0]["weight_used"] == "0.75"
        assert world.table("scores.tsv")[0]["status"] == "ok"

    def test_quality_control(self, world, rows):
        qc = "embryo\tstatus\treason\nE1\tfail\tcontaminated\nE2\twarn\tdepth 0.01\n"
        Path(world.path("qc.tsv")).write_text(qc)
        world.prepare([world.write_scoring("PGS1", rows)])
        world.score(["t0"])
        of_sample = {row["sample"]: row for row in world.table("scores.tsv")}
        assert of_sample["E1"]["status"] == "withheld"
        assert "contaminated" in of_sample["E1"]["reason"]
        assert of_sample["E1"]["pgs"] == ""
        assert of_sample["E2"]["status"] == "flagged"
        assert "depth 0.01" in of_sample["E2"]["reason"]
        assert of_sample["M"]["status"] == "ok"

    def test_outside_the_panel_is_flagged(self, world, rows):
        near = "".join(f"{n}\toutside\t20\t3\n" for n in SAMPLES)
        header = "sample\tsuperpopulation\tPC1\tPC2\n"
        Path(world.path("ancestry.tsv")).write_text(header + near)
        world.prepare([world.write_scoring("PGS1", rows)])
        world.score(["t0"])
        row = world.table("scores.tsv")[0]
        assert (row["nearest_reference"], row["status"]) == ("panel, n=50", "flagged")
        assert "extrapolated" in row["reason"]


FAMILY_COLUMNS = "family_mean sibling_sd sibling_percentile attainable_low"
FAMILY_COLUMNS = [*FAMILY_COLUMNS.split(), "attainable_high"]


class TestFamily:
    def test_embryos_lie_among_their_siblings(self, world, rows):
        world.prepare([world.write_scoring("PGS1", rows)])
        assert world.score(["t0"]) == 0
        mother, father, *embryos = world.table("scores.tsv")
        assert all(mother[name] == "" for name in FAMILY_COLUMNS)
        for row in embryos:
            z, mean, sd = (float(row[n]) for n in ("z", "family_mean", "sibling_sd"))
            middle = (float(mother["z"]) + float(father["z"])) / 2
            assert mean == pytest.approx(middle, abs=1e-5)
            expected = percentile((z - mean) / sd)
            assert float(row["sibling_percentile"]) == pytest.approx(expected, abs=0.01)
            assert float(row["attainable_low"]) <= z <= float(row["attainable_high"])

    def test_parents_health_moves_the_risk(self, world, rows):
        world.prepare([world.write_scoring("PGS1", rows)], ["heart"])
        disease = ("heart", 0.1, 0.2, {"heritability": 0.6})
        risks = []
        for health in ({}, {"M": {"heart": True}}, {"M": {"heart": False}}):
            assert (
                world.score(["heart"], diseases=[settings(disease, health=health)]) == 0
            )
            risks.append([float(row["risk"]) for row in world.table("scores.tsv")])
        unknown, ill, well = np.array(risks)
        assert (ill[2:] > 1.2 * unknown[2:]).all()
        assert (well[2:] < unknown[2:]).all()
        np.testing.assert_array_equal(ill[:2], unknown[:2])

    def test_a_score_from_elsewhere_tells_less(self, world, rows):
        world.prepare([world.write_scoring("PGS1", rows)], ["heart"])
        found = {}
        for training in ("", "EUR", "AFR", "SAS"):
            disease = ("heart", 0.1, 0.2, {"training_population": training})
            assert world.score(["heart"], diseases=[settings(disease)]) == 0
            found[training] = world.table("scores.tsv")[2]
        assert float(found["EUR"]["liability_r2"]) == pytest.approx(0.2, rel=0.01)
        assert 0.2 * 0.2 < float(found["AFR"]["liability_r2"]) < 0.2 * 0.3
        assert found["SAS"]["status"] == "flagged"
        assert "SAS" in found["SAS"]["reason"]
        assert found["SAS"]["risk"] == found[""]["risk"]

    def test_a_disease_of_one_sex_counts_half(self, world, rows):
        world.prepare([world.write_scoring("PGS1", rows)], ["breast"])
        indices = []
        for sex in ("", "female"):
            disease = settings(("breast", 0.1, 0.2, {"sex": sex}))
            assert world.score(["breast"], diseases=[disease]) == 0
            assert world.table("scores.tsv")[2]["risk_sex"] == sex
            assert world.rank(["breast"], ["5"]) == 0
            indices.append(float(world.table("ranking.tsv")[0]["index"]))
        assert indices[1] == pytest.approx(indices[0] / 2, rel=1e-4)


class TestRanking:
    def prepare(self, world, rows):
        world.prepare([world.write_scoring("PGS1", rows)], ["heart"])
        diseases = settings(("heart", 0.1, 0.2, {}))
        assert world.score(["heart"], diseases=[diseases]) == 0

    def test_best_is_the_one_of_lower_risk(self, world, rows):
        self.prepare(world, rows)
        assert world.rank(["heart"], ["5"]) == 0
        risks = {
            row["sample"]: float(row["risk"]) for row in world.table("scores.tsv")[2:]
        }
        ranking = world.table("ranking.tsv")
        assert ranking[0]["embryo"] == min(risks, key=risks.get)
        for row in ranking:
            index = -5 * (risks[row["embryo"]] - 0.1)
            assert float(row["index"]) == pytest.approx(index, abs=1e-4)
            assert row["traits_in_index"] == "heart"
        assert sum(float(row["probability_best"]) for row in ranking) == 1
        gap = abs(float(ranking[0]["index"]) - float(ranking[1]["index"])) / 2
        assert float(ranking[0]["expected_gain"]) == pytest.approx(gap, abs=1e-4)

    def test_failed_embryo_is_listed_without_rank(self, world, rows):
        qc = "embryo\tstatus\treason\nE1\tfail\tcontaminated\nE2\tpass\t\n"
        Path(world.path("qc.tsv")).write_text(qc)
        self.prepare(world, rows)
        world.rank(["heart"], ["5"])
        first, last = world.table("ranking.tsv")
        assert (first["embryo"], first["rank"], first["expected_gain"]) == (
            "E2",
            "1",
            "0",
        )
        assert (last["embryo"], last["rank"], last["index"]) == ("E1", "", "")
        assert "contaminated" in last["reason"]

    def test_no_weights_no_index(self, world, rows):
        self.prepare(world, rows)
        world.rank(["heart"], ["nan"])
        ranking = world.table("ranking.tsv")
        assert [row["embryo"] for row in ranking] == ["E1", "E2"]
        assert all("daly_weight" in row["reason"] for row in ranking)
        assert {row["index"] for row in ranking} == {""}

    def test_withheld_disease_is_left_out_and_named(self, world, rows):
        lost = [("3", 5, "A", "G", 1.0)]
        files = [world.write_scoring("PGS1", rows), world.write_scoring("PGS2", lost)]
        world.prepare(files, ["heart", "lung"])
        rows = [("heart", 0.1, 0.2, {}), ("lung", 0.1, 0.1, {})]
        world.score(["heart", "lung"], diseases=[settings(*rows)])
        world.rank(["heart", "lung"], ["5", "2"])
        for row in world.table("ranking.tsv"):
            assert row["traits_in_index"] == "heart"
            assert "left out of the index: lung" in row["reason"]


class TestRefusals:
    def test_other_build_is_named(self, world, rows, capsys):
        path = world.write_scoring("PGS1", rows, build="GRCh37")
        assert world.prepare([path]) == 2
        message = capsys.readouterr().err
        assert path in message
        assert "genome_build=GRCh37" in message
        assert not Path(world.path("w.npz")).exists()

    def test_two_files_of_one_id(self, world, rows, capsys):
        first = world.write_scoring("PGS1", rows)
        second = world.path("copy.txt")
        shutil.copy(first, second)
        assert world.prepare([first, second]) == 2
        assert "'PGS1'" in capsys.readouterr().err

    def test_one_file_for_two_traits(self, world, rows):
        path = world.write_scoring("PGS1", rows)
        assert world.prepare([path, path]) == 0
        assert world.score(["t0", "t1"]) == 0
        table = world.table("scores.tsv")
        assert table[0]["pgs"] == table[1]["pgs"]
        assert len({row["reason"] for row in world.table("match.tsv")}) == len(
            world.table("match.tsv")
        )

    def test_a_site_that_the_family_lacks(self, world, rows, capsys):
        records = [
            (*site, ".", family_cells(world.family[i]))
            for i, site in enumerate(world.sites)
            if i != 5
        ]
        write_bcf(world.folder / "family.bcf", SAMPLES, records, "GT:DS:GP")
        world.prepare([world.write_scoring("PGS1", rows)])
        assert world.score(["t0"]) == 2
        message = capsys.readouterr().err
        assert "1 of 60 sites" in message
        assert ":".join(str(part) for part in world.sites[5]) in message

    def test_same_input_same_bytes(self, world, rows):
        path = world.write_scoring("PGS1", rows)
        world.prepare([path])
        first = Path(world.path("w.npz")).read_bytes()
        world.prepare([path])
        assert Path(world.path("w.npz")).read_bytes() == first
