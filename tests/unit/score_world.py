"""A small panel and family for the tests of the scores, with plink2 beside."""

import csv
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np

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
        argv += ["--cache", self.path("cache"), "--threads", "2"]
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
            "diseases": [settings()],
            "ancestry-panel": [self.path("ancestry.panel.tsv")],
            "parents": [self.path(f"{c}.parents.bcf") for c in CHROMS],
            "female-maps": [self.path(f"{c}.female.map") for c in CHROMS],
            "male-maps": [self.path(f"{c}.male.map") for c in CHROMS],
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

    def rank(self, traits, daly_weight):
        argv = ["--scores", self.path("scores.tsv"), "--paths", self.path("paths.npz")]
        argv += ["--traits", *traits, "--daly-weight", *daly_weight]
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


def settings(*rows, health=None):
    """JSON of the diseases; rows: (trait, prevalence, liability R2, changes)."""
    empty = {"incidence": "", "mortality": "", "sex": "", "within_family_r2": None}
    empty |= {"heritability": None, "training_population": ""}
    diseases = [
        {**empty, "trait": trait, "prevalence": prevalence, "liability_r2": r2, **more}
        for trait, prevalence, r2, more in rows
    ]
    return json.dumps({"diseases": diseases, "health": health or {}})


def write_parents(world, chrom):
    """Phase of the parents, sure, and maps of 100 and 50 cM a Mb."""
    lines = ["##fileformat=VCFv4.2", f"##contig=<ID={chrom},length=1000000>"]
    for name in ("FP", "SP"):
        lines.append(f'##FORMAT=<ID={name},Number=1,Type=Float,Description="x">')
    lines.append('##FORMAT=<ID=GT,Number=1,Type=String,Description="x">')
    names = "#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT".split()
    lines.append("\t".join([*names, *SAMPLES[:2]]))
    for i, (at, pos, ref, alt) in enumerate(world.sites):
        if at == chrom:
            cells = [f"{a}|{b}:0:0" for a, b in world.family[i, :2]]
            row = [chrom, str(pos), ".", ref, alt, ".", ".", ".", "GT:FP:SP", *cells]
            lines.append("\t".join(row))
    command = ["bcftools", "view", "-Ob", "-o", world.path(f"{chrom}.parents.bcf")]
    text = "\n".join(lines) + "\n"
    subprocess.run(command, input=text.encode(), check=True)
    for sex, rate in (("female", 100), ("male", 50)):
        rows = f"{chrom} . 0 1\n{chrom} . {rate} 1000001\n"
        Path(world.path(f"{chrom}.{sex}.map")).write_text(rows)


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


def draw_family(rng, sites):
    """Alleles of panel and family, (L, N, 2) each; embryos copy their parents."""
    frequency = rng.uniform(0.1, 0.9, len(sites))
    panel = rng.binomial(1, frequency[:, None, None], (len(sites), N_PANEL, 2))
    family = rng.binomial(1, frequency[:, None, None], (len(sites), len(SAMPLES), 2))
    family[:, 2, 0], family[:, 2, 1] = family[:, 0, 0], family[:, 1, 1]
    family[:, 3, 0], family[:, 3, 1] = family[:, 0, 1], family[:, 1, 0]
    return panel, family


def write_chromosome(world, rng, chrom, names):
    """The panel's BCF and noisy posterior samples of one chromosome."""
    rows = [i for i, site in enumerate(world.sites) if site[0] == chrom]
    records = [
        (
            *world.sites[i],
            f"AC={world.panel[i].sum()};AN={2 * N_PANEL}",
            [f"{a}|{b}" for a, b in world.panel[i]],
        )
        for i in rows
    ]
    write_bcf(world.path(f"panel.{chrom}.bcf"), names, records, "GT")
    draws = world.family[rows][:, 2:].transpose(1, 2, 0)[:, :, None, :]
    noise = rng.random((2, 2, N_DRAWS, len(rows))) < 0.1
    sampled = (draws ^ noise).astype(bool)
    posterior_samples.save(
        world.path(f"{chrom}.samples.npz"),
        np.array([world.sites[i][1] for i in rows]),
        SAMPLES[2:],
        list(sampled[:, 0]),
        list(sampled[:, 1]),
    )


def write_tables(folder, names):
    """Labels of the panel, the family's ancestry, the embryos' quality."""
    labels = [f"{n}\tGBR\tEUR\n" for n in names[:30]]
    labels += [f"{n}\tYRI\tAFR\n" for n in names[30:]]
    header = "sample\tpopulation\tsuperpopulation\n"
    (folder / "panel.tsv").write_text(header + "".join(labels))
    near = "".join(f"{n}\tEUR\t0.1\t0\n" for n in SAMPLES)
    header = "sample\tsuperpopulation\tPC1\tPC2\n"
    (folder / "ancestry.tsv").write_text(header + near)
    places = [f"{n}\tEUR\t{(i % 3 - 1) / 10}\t0\n" for i, n in enumerate(names[:30])]
    places += [f"{n}\tAFR\t10\t{i % 2}\n" for i, n in enumerate(names[30:])]
    (folder / "ancestry.panel.tsv").write_text(header + "".join(places))
    (folder / "qc.tsv").write_text(
        "embryo\tstatus\treason\nE1\tpass\t\nE2\twarn\tdepth 0.01\n"
    )


def build(folder, seed=1):
    """A family whose embryos copy their parents, with noisy posterior samples."""
    rng = np.random.default_rng(seed)
    sites = [
        (chrom, 100 + 10 * i, *snv(rng)) for chrom in CHROMS for i in range(N_SITES)
    ]
    panel, family = draw_family(rng, sites)
    world = World(folder, sites, family, panel)
    names = [f"P{i}" for i in range(N_PANEL)]
    for chrom in CHROMS:
        write_chromosome(world, rng, chrom, names)
        write_parents(world, chrom)
    records = [(*site, ".", family_cells(family[i])) for i, site in enumerate(sites)]
    write_bcf(folder / "family.bcf", SAMPLES, records, "GT:DS:GP")
    write_tables(folder, names)
    return world


def all_rows(world, rng, swap=True):
    """A row for every site with a random weight; the effect allele is either one."""
    rows = []
    for chrom, pos, ref, alt in world.sites:
        alleles = (ref, alt) if swap and rng.random() < 0.5 else (alt, ref)
        rows.append((chrom.removeprefix("chr"), pos, *alleles, float(rng.normal())))
    return rows


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
