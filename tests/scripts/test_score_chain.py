"""prepare_scores, score_family and rank_embryos on hand-made genomes, and plink2."""

import csv
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import prepare_scores
import rank_embryos
import score_family
from morula import posterior_samples

CHROMS = ("chr1", "chr2")
SAMPLES = ("M", "F", "E1", "E2")
ROLES = ("mother", "father", "embryo", "embryo")
N_SITES, N_PANEL, N_DRAWS = 60, 50, 40
COMPLEMENT = str.maketrans("ACGT", "TGCA")


def write_bcf(path, samples, records, fields):
    """Write a BCF with its index; records: (chrom, pos, ref, alt, info, cells)."""
    lines = ["##fileformat=VCFv4.2"]
    lines += [f"##contig=<ID={chrom},length=1000000>" for chrom in CHROMS]
    lines += ['##INFO=<ID=AC,Number=A,Type=Integer,Description="x">']
    lines += ['##INFO=<ID=AN,Number=1,Type=Integer,Description="x">']
    lines += ['##FORMAT=<ID=GT,Number=1,Type=String,Description="x">']
    lines += ['##FORMAT=<ID=DS,Number=1,Type=Float,Description="x">']
    lines += ['##FORMAT=<ID=GP,Number=G,Type=Float,Description="x">']
    names = "#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT".split()
    lines.append("\t".join([*names, *samples]))
    for chrom, pos, ref, alt, info, cells in records:
        site = f"{chrom}:{pos}:{ref}:{alt}"
        row = [chrom, str(pos), site, ref, alt, ".", ".", info, fields, *cells]
        lines.append("\t".join(row))
    text = "\n".join(lines) + "\n"
    command = ["bcftools", "view", "-Ob", "-o", str(path)]
    subprocess.run(command, input=text.encode(), check=True)
    subprocess.run(["bcftools", "index", "-f", str(path)], check=True)


@dataclass
class World:
    """Paths of a small panel and family, and the truth: family (L, N, 2) alleles."""

    folder: Path
    sites: list[tuple[str, int, str, str]]
    family: np.ndarray
    panel: np.ndarray

    def path(self, name):
        return str(self.folder / name)

    def write_scoring(self, name, rows, columns="", build="GRCh38"):
        """Write a scoring file of rows (chrom, pos, effect, other, weight, ...)."""
        text = f"#pgs_id={name}\n#genome_build={build}\n"
        text += "chr_name\tchr_position\teffect_allele\tother_allele\teffect_weight"
        text += columns + "\n"
        text += "".join("\t".join(str(cell) for cell in row) + "\n" for row in rows)
        Path(self.path(f"{name}.txt")).write_text(text)
        return self.path(f"{name}.txt")

    def prepare(self, files, traits=None):
        traits = traits or [f"t{i}" for i in range(len(files))]
        argv = ["--traits", *traits, "--scoring-files", *files]
        argv += ["--build", "GRCh38", "--ambiguous", "frequency"]
        argv += ["--panels", *(self.path(f"panel.{c}.bcf") for c in CHROMS)]
        argv += ["--chromosomes", *CHROMS, "--panel-samples", self.path("panel.tsv")]
        argv += ["--weights", self.path("w.npz"), "--panel-scores", self.path("p.npz")]
        return prepare_scores.main(argv)

    def score(self, traits, **changes):
        options = {
            "genomes": [self.path("family.bcf")],
            "posteriors": [self.path(f"{c}.samples.npz") for c in CHROMS],
            "chromosomes": CHROMS,
            "weights": [self.path("w.npz")],
            "panel-scores": [self.path("p.npz")],
            "ancestry": [self.path("ancestry.tsv")],
            "qc": [self.path("qc.tsv")],
            "samples": SAMPLES,
            "roles": ROLES,
            "traits": traits,
            "prevalence": ["nan"] * len(traits),
            "liability-r2": ["nan"] * len(traits),
            "min-weight-share": ["0.75"],
            "min-reference-samples": ["20"],
            "scores": [self.path("scores.tsv")],
            "matches": [self.path("match.tsv")],
            "paths": [self.path("paths.npz")],
        } | changes
        argv = []
        for name, values in options.items():
            argv += [f"--{name}", *values]
        return score_family.main(argv)

    def rank(self, traits, prevalence, liability_r2, daly_weight):
        argv = ["--scores", self.path("scores.tsv"), "--paths", self.path("paths.npz")]
        argv += ["--traits", *traits, "--prevalence", *prevalence]
        argv += ["--liability-r2", *liability_r2, "--daly-weight", *daly_weight]
        return rank_embryos.main([*argv, "--output", self.path("ranking.tsv")])

    def table(self, name):
        with Path(self.path(name)).open() as handle:
            return list(csv.DictReader(handle, delimiter="\t"))

    def truth(self, rows):
        """Count effect alleles one by one: scores (N,)."""
        index = {site: i for i, site in enumerate(self.sites)}
        total = np.zeros(len(SAMPLES))
        for chrom, pos, effect, other, weight in rows:
            for ref, alt in ((other, effect), (effect, other)):
                i = index.get((f"chr{chrom}", pos, ref, alt))
                if i is not None:
                    alleles = np.where(self.family[i] == 1, alt, ref)
                    total += weight * (alleles == effect).sum(axis=1)
        return total


def snv(rng):
    """REF and ALT that are not each other's complement."""
    ref = str(rng.choice(list("ACGT")))
    others = [a for a in "ACGT" if a not in (ref, ref.translate(COMPLEMENT))]
    return ref, str(rng.choice(others))


def family_cells(alleles, gp=None):
    """GT:DS:GP of one site, certain unless `gp` is given for the parents."""
    cells = []
    for i, (a, b) in enumerate(alleles):
        copies = int(a + b)
        probabilities = [0.0, 0.0, 0.0]
        probabilities[copies] = 1.0
        if gp is not None and i < 2:
            probabilities = gp
        dosage = probabilities[1] + 2 * probabilities[2]
        text = ",".join(f"{p:g}" for p in probabilities)
        cells.append(f"{a}|{b}:{dosage:g}:{text}")
    return cells


def build(folder, seed=1):
    """A family whose embryos copy their parents, with noisy posterior samples."""
    rng = np.random.default_rng(seed)
    sites = []
    for chrom in CHROMS:
        for i in range(N_SITES):
            sites.append((chrom, 100 + 10 * i, *snv(rng)))
    n_sites = len(sites)
    frequency = rng.uniform(0.1, 0.9, n_sites)
    panel = rng.binomial(1, frequency[:, None, None], (n_sites, N_PANEL, 2))
    family = rng.binomial(1, frequency[:, None, None], (n_sites, len(SAMPLES), 2))
    family[:, 2, 0], family[:, 2, 1] = family[:, 0, 0], family[:, 1, 1]
    family[:, 3, 0], family[:, 3, 1] = family[:, 0, 1], family[:, 1, 0]
    world = World(folder, sites, family, panel)
    names = [f"P{i}" for i in range(N_PANEL)]
    for chrom in CHROMS:
        rows = [i for i, site in enumerate(sites) if site[0] == chrom]
        records = [
            (
                *sites[i],
                f"AC={panel[i].sum()};AN={2 * N_PANEL}",
                [f"{a}|{b}" for a, b in panel[i]],
            )
            for i in rows
        ]
        write_bcf(folder / f"panel.{chrom}.bcf", names, records, "GT")
        draws = family[rows][:, 2:].transpose(1, 2, 0)[:, :, None, :]
        noise = rng.random((2, 2, N_DRAWS, len(rows))) < 0.1
        sampled = (draws ^ noise).astype(bool)
        posterior_samples.save(
            folder / f"{chrom}.samples.npz",
            np.array([sites[i][1] for i in rows]),
            SAMPLES[2:],
            list(sampled[:, 0]),
            list(sampled[:, 1]),
        )
    records = [(*site, ".", family_cells(family[i])) for i, site in enumerate(sites)]
    write_bcf(folder / "family.bcf", SAMPLES, records, "GT:DS:GP")
    labels = [f"{n}\tGBR\tEUR\n" for n in names[:30]]
    labels += [f"{n}\tYRI\tAFR\n" for n in names[30:]]
    header = "sample\tpopulation\tsuperpopulation\n"
    (folder / "panel.tsv").write_text(header + "".join(labels))
    near = "".join(f"{n}\tEUR\n" for n in SAMPLES)
    (folder / "ancestry.tsv").write_text("sample\tsuperpopulation\n" + near)
    (folder / "qc.tsv").write_text(
        "embryo\tstatus\treason\nE1\tpass\t\nE2\twarn\tdepth 0.01\n"
    )
    return world


def all_rows(world, rng, swap=True):
    """A row for every site with a random weight; the effect allele is either one."""
    rows = []
    for chrom, pos, ref, alt in world.sites:
        alleles = (ref, alt) if swap and rng.random() < 0.5 else (alt, ref)
        rows.append((chrom.removeprefix("chr"), pos, *alleles, float(rng.normal())))
    return rows


@pytest.fixture
def world(tmp_path):
    return build(tmp_path)


@pytest.fixture
def rows(world):
    return all_rows(world, np.random.default_rng(7))


def plink2_sums(world, rows, folder, *options):
    """Sums by plink2, {sample: sum}; without options from the hard calls."""
    index = {(c, p): f"{c}:{p}:{r}:{a}" for c, p, r, a in world.sites}
    lines = [
        f"{index[(f'chr{c}', p)]}\t{effect}\t{weight!r}"
        for c, p, effect, _, weight in rows
    ]
    scores = folder / "plink.score"
    scores.write_text("\n".join(lines) + "\n")
    command = [
        "plink2",
        "--bcf",
        world.path("family.bcf"),
        *options,
        "--out",
        str(folder / "o"),
    ]
    command += ["--score", str(scores), "1", "2", "3"]
    command += ["no-mean-imputation", "cols=+scoresums"]
    subprocess.run(command, check=True, capture_output=True)
    with (folder / "o.sscore").open() as handle:
        reader = csv.DictReader(handle, delimiter="\t")
        return {row["#IID"]: float(row["SCORE1_SUM"]) for row in reader}


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

    def test_z_is_against_the_named_reference(self, world, rows):
        world.prepare([world.write_scoring("PGS1", rows)])
        world.score(["t0"])
        with np.load(world.path("p.npz")) as stored:
            scores = stored["scores"][:30, 0]
            assert stored["samples"][29] == "P29"
        for row in world.table("scores.tsv"):
            z = (float(row["pgs"]) - scores.mean()) / scores.std(ddof=1)
            assert float(row["z"]) == pytest.approx(z, rel=1e-4)
            assert row["reference"] == "panel EUR, n=30"
            half = 1.959964 * float(row["pgs_sd"]) / scores.std(ddof=1)
            assert float(row["z_high"]) - z == pytest.approx(half, rel=1e-3, abs=1e-4)

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
        near = "".join(f"{n}\toutside\n" for n in SAMPLES)
        Path(world.path("ancestry.tsv")).write_text("sample\tsuperpopulation\n" + near)
        world.prepare([world.write_scoring("PGS1", rows)])
        world.score(["t0"])
        row = world.table("scores.tsv")[0]
        assert (row["reference"], row["status"]) == ("panel, n=50", "flagged")


class TestRanking:
    NUMBERS = (["0.1"], ["0.2"], ["5"])

    def prepare(self, world, rows):
        world.prepare([world.write_scoring("PGS1", rows)], ["heart"])
        changes = {"prevalence": ["0.1"], "liability-r2": ["0.2"]}
        assert world.score(["heart"], **changes) == 0

    def test_best_is_the_one_of_lower_risk(self, world, rows):
        self.prepare(world, rows)
        assert world.rank(["heart"], *self.NUMBERS) == 0
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
        world.rank(["heart"], *self.NUMBERS)
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
        world.rank(["heart"], ["0.1"], ["0.2"], ["nan"])
        ranking = world.table("ranking.tsv")
        assert [row["embryo"] for row in ranking] == ["E1", "E2"]
        assert all("daly_weight" in row["reason"] for row in ranking)
        assert {row["index"] for row in ranking} == {""}

    def test_withheld_disease_is_left_out_and_named(self, world, rows):
        lost = [("3", 5, "A", "G", 1.0)]
        files = [world.write_scoring("PGS1", rows), world.write_scoring("PGS2", lost)]
        world.prepare(files, ["heart", "lung"])
        two = {"prevalence": ["0.1", "0.1"], "liability-r2": ["0.2", "0.1"]}
        world.score(["heart", "lung"], **two)
        world.rank(["heart", "lung"], *two.values(), ["5", "2"])
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
