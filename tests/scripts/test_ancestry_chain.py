"""prepare_ancestry and infer_ancestry on BCF files of drifted populations."""

import csv
import subprocess
from pathlib import Path

import numpy as np
import pytest

import infer_ancestry
import prepare_ancestry
from morula import ancestry, posterior_samples

CHROMS = ("chr1", "chr2")
GROUPS = {"GBR": "EUR", "YRI": "AFR"}
N_EACH, N_SITES = 30, 250
MEMBERS = ("M", "F", "E1", "E2")
ROLES = ["mother", "father", "embryo", "embryo"]


def write_bcf(path, samples, rows, fields):
    """Write a BCF with its index; rows: (chrom, pos, ref, alt, info, cells)."""
    lines = ["##fileformat=VCFv4.2"]
    lines += [f"##contig=<ID={chrom},length=10000000>" for chrom in CHROMS]
    for name, number in (("AC", "A"), ("AN", "1")):
        lines.append(f'##INFO=<ID={name},Number={number},Type=Integer,Description="x">')
    lines.append('##FORMAT=<ID=GT,Number=1,Type=String,Description="x">')
    for name, number in (("DS", "1"), ("GP", "G")):
        lines.append(f'##FORMAT=<ID={name},Number={number},Type=Float,Description="x">')
    names = "#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT".split()
    lines.append("\t".join([*names, *samples]))
    for chrom, pos, ref, alt, info, cells in rows:
        row = [chrom, str(pos), ".", ref, alt, ".", ".", info, fields, *cells]
        lines.append("\t".join(row))
    command = ["bcftools", "view", "-Ob", "-o", str(path)]
    subprocess.run(command, input=("\n".join(lines) + "\n").encode(), check=True)
    subprocess.run(["bcftools", "index", "-f", str(path)], check=True)


def cell(alleles):
    """GT:DS:GP of a genotype that is known."""
    copies = int(alleles[0] + alleles[1])
    told = ",".join("1" if copies == k else "0" for k in range(3))
    return f"{alleles[0]}|{alleles[1]}:{copies}:{told}"


def write_family(folder, rng, frequency):
    """A couple of the first population, their embryo E1, and E2 of a stranger and the
    mother; one chromosome is carried whole."""
    parents = rng.binomial(1, frequency["GBR"][..., None, None], (*base_shape(), 3, 2))
    rows = []
    for c, chrom in enumerate(CHROMS):
        mother, father, stranger = parents[c].transpose(1, 0, 2)
        side = rng.integers(0, 2, 4)
        embryos = [
            np.stack([mother[:, side[0]], father[:, side[1]]], axis=1),
            np.stack([mother[:, side[2]], stranger[:, side[3]]], axis=1),
        ]
        for i in range(N_SITES):
            cells = [cell(one[i]) for one in (mother, father, *embryos)]
            rows.append((chrom, 1000 * (i + 1), "A", "G", ".", cells))
        alleles = [np.repeat(one.T[:, None, :], 5, axis=1) for one in embryos]
        # The panel has two sites more.
        alleles = [np.pad(one, ((0, 0), (0, 0), (0, 2))) for one in alleles]
        last = 1000 * N_SITES
        pos = [*range(1000, last + 1, 1000), last + 5000, last + 9000]
        posterior_samples.save(
            folder / f"{chrom}.npz",
            np.array(pos),
            MEMBERS[2:],
            [one[0].astype(bool) for one in alleles],
            [one[1].astype(bool) for one in alleles],
        )
        ends = f"{chrom}\t.\t0\t1\n{chrom}\t.\t0.3\t300000\n"
        (folder / f"{chrom}.map").write_text(ends)
    write_bcf(folder / "family.bcf", list(MEMBERS), rows, "GT:DS:GP")


def base_shape():
    return len(CHROMS), N_SITES


def build(folder, seed=3):
    """A panel of two populations and a family of the first."""
    rng = np.random.default_rng(seed)
    base = rng.uniform(0.2, 0.8, base_shape())
    frequency = {
        name: np.clip(rng.beta(base * 9, (1 - base) * 9), 0.02, 0.98) for name in GROUPS
    }
    for c, chrom in enumerate(CHROMS):
        rows = []
        for i in range(N_SITES):
            p = np.repeat([frequency[name][c, i] for name in GROUPS], N_EACH)
            alleles = rng.binomial(1, p[:, None], (len(p), 2))
            site = (chrom, 1000 * (i + 1), "A", "G")
            cells = [f"{a}|{b}" for a, b in alleles]
            rows.append((*site, f"AC={alleles.sum()};AN={alleles.size}", cells))
        # Rare, long and too close sites, which must not be used.
        last = 1000 * N_SITES
        cells = ["0|1", *["0|0"] * (2 * N_EACH - 1)]
        rows.append((chrom, last + 5000, "C", "T", f"AC=1;AN={4 * N_EACH}", cells))
        half = ["0|1"] * (2 * N_EACH)
        info = f"AC={2 * N_EACH};AN={4 * N_EACH}"
        rows.append((chrom, last + 9000, "CA", "C", info, half))
        names = [f"{name}{i}" for name in GROUPS for i in range(N_EACH)]
        write_bcf(folder / f"{chrom}.bcf", names, rows, "GT")
    write_family(folder, rng, frequency)
    lines = ["sample\tpopulation\tsuperpopulation"]
    for name, superpopulation in GROUPS.items():
        lines += [f"{name}{i}\t{name}\t{superpopulation}" for i in range(N_EACH)]
    (folder / "labels.tsv").write_text("\n".join(lines) + "\n")
    (folder / "no_spans.tsv").write_text("build\tchrom\tstart_bp\tend_bp\n")


def prepare(folder, **changes):
    options = {
        "panels": [str(folder / f"{chrom}.bcf") for chrom in CHROMS],
        "chromosomes": CHROMS,
        "panel-samples": [str(folder / "labels.tsv")],
        "components": ["5"],
        "min-maf": ["0.05"],
        "thin-bp": ["500"],
        "max-r2": ["0.5"],
        "min-hwe-p": ["1e-6"],
        "long-range-ld": [str(folder / "no_spans.tsv")],
        "build": ["GRCh38"],
        "max-sites": ["400"],
        "model": [str(folder / "reference.npz")],
        "table": [str(folder / "panel.out.tsv")],
    } | changes
    return prepare_ancestry.main(
        [part for name, values in options.items() for part in (f"--{name}", *values)]
    )


def infer(folder, samples=MEMBERS):
    argv = ["--genomes", str(folder / "family.bcf")]
    argv += ["--model", str(folder / "reference.npz"), "--samples", *samples]
    argv += ["--roles", *ROLES, "--outside-slack", "1.05", "--between-p", "0.001"]
    argv += ["--chromosomes", *CHROMS]
    argv += ["--posteriors", *(str(folder / f"{chrom}.npz") for chrom in CHROMS)]
    argv += ["--maps", *(str(folder / f"{chrom}.map") for chrom in CHROMS)]
    return infer_ancestry.main([*argv, "--output", str(folder / "out.tsv")])


def table(path):
    with Path(path).open() as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ancestry")
    build(folder)
    assert prepare(folder) == 0
    return folder


def test_model_holds_common_snvs_of_all_chromosomes(folder):
    reference = ancestry.load(folder / "reference.npz")
    assert 300 <= len(reference.pos_bp) <= 400
    assert set(reference.chrom) == set(CHROMS)
    assert reference.pos_bp.max() <= 1000 * N_SITES
    assert reference.superpopulation_names.tolist() == ["AFR", "EUR"]


def test_panel_table_separates_the_populations(folder):
    rows = table(folder / "panel.out.tsv")
    assert list(rows[0]) == [
        *"sample population superpopulation".split(),
        *(f"PC{i}" for i in range(1, 6)),
    ]
    first = {
        name: [float(row["PC1"]) for row in rows if row["population"] == name]
        for name in GROUPS
    }
    low, high = sorted(first.values(), key=np.mean)
    assert max(low) < min(high)


def test_family_is_placed(folder):
    assert infer(folder) == 0
    rows = table(folder / "out.tsv")
    assert list(rows[0]) == [
        *"sample role sites PC1 PC2 PC3 PC4 PC5".split(),
        *(f"se_PC{i}" for i in range(1, 6)),
        *"population population_probability".split(),
        *"superpopulation superpopulation_probability nearest_distance".split(),
        *"probability_AFR probability_EUR distance_GBR distance_YRI".split(),
        *"admixture_AFR admixture_EUR se_admixture_AFR se_admixture_EUR".split(),
        *"between_parents_p between_parents".split(),
    ]
    assert [row["role"] for row in rows] == ROLES
    for row in rows:
        assert row["superpopulation"] == "EUR"
        assert float(row["admixture_EUR"]) > 0.8
        assert float(row["probability_EUR"]) > 0.99
        assert float(row["distance_YRI"]) > float(row["distance_GBR"])
        assert float(row["se_admixture_EUR"]) < 0.1
        assert max(float(row[f"se_PC{i}"]) for i in range(1, 6)) < 1e-3
        total = float(row["admixture_AFR"]) + float(row["admixture_EUR"])
        assert total == pytest.approx(1.0, abs=1e-4)


def test_who_lies_between_its_parents(folder):
    assert infer(folder) == 0
    flags = [row["between_parents"] for row in table(folder / "out.tsv")]
    assert flags == ["", "", "yes", "no"]


def test_spans_of_long_linkage_are_left_out(folder, tmp_path):
    spans = tmp_path / "spans.tsv"
    head = "build\tchrom\tstart_bp\tend_bp\n"
    spans.write_text(f"{head}GRCh38\t1\t1\t100000\nGRCh37\t2\t1\t100000\n")
    outputs = {"model": [str(tmp_path / "m.npz")], "table": [str(tmp_path / "t.tsv")]}
    assert prepare(folder, **outputs, **{"long-range-ld": [str(spans)]}) == 0
    reference = ancestry.load(tmp_path / "m.npz")
    first = [reference.pos_bp[reference.chrom == chrom].min() for chrom in CHROMS]
    assert first[0] > 100_000
    assert first[1] < 100_000


def test_samples_of_another_panel_are_refused(folder, tmp_path, capsys):
    other = tmp_path / "chr1.npz"
    one = np.zeros((5, 10), dtype=bool)
    posterior_samples.save(other, np.arange(10), MEMBERS[2:], [one, one], [one, one])
    kept = (folder / "chr1.npz").read_bytes()
    (folder / "chr1.npz").write_bytes(other.read_bytes())
    try:
        assert infer(folder) == 2
    finally:
        (folder / "chr1.npz").write_bytes(kept)
    assert "other sites of chr1" in capsys.readouterr().err


def test_same_input_same_bytes(folder, tmp_path):
    again = {"model": [str(tmp_path / "m.npz")], "table": [str(tmp_path / "t.tsv")]}
    assert prepare(folder, **again) == 0
    assert (tmp_path / "m.npz").read_bytes() == (folder / "reference.npz").read_bytes()


def test_one_chromosome_is_enough(folder, tmp_path):
    outputs = {"model": [str(tmp_path / "m.npz")], "table": [str(tmp_path / "t.tsv")]}
    one = {"panels": [str(folder / "chr1.bcf")], "chromosomes": ["chr1"]}
    assert prepare(folder, **outputs, **one) == 0


def test_no_common_site_is_a_message(folder, tmp_path, capsys):
    outputs = {"model": [str(tmp_path / "m.npz")], "table": [str(tmp_path / "t.tsv")]}
    assert prepare(folder, **outputs, **{"min-maf": ["0.6"]}) == 2
    assert "0 common unlinked sites" in capsys.readouterr().err
    assert not (tmp_path / "m.npz").exists()


def test_unknown_sample_is_named(folder, capsys):
    assert infer(folder, ["M", "F", "E1", "E9"]) == 2
    assert "no sample 'E9'" in capsys.readouterr().err
