"""Accuracy of the correction on real couples, and what their phase gets wrong.

Couples of phased founders that are not in the panel (1000 Genomes Europeans); their
phase is hidden and found again by SHAPEIT4, so that its real errors are in; embryos'
allele counts are drawn with dropout, imbalance and read errors. The parents' genotypes
are given. Printed as TSV: genotypes right at sites where a parent is heterozygous, with
the standard error over couples, and the share of flipped hets by the panel's count.

    python benchmarks/correct_real_couples.py --data ../shared/data/chr20 --couples 10
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

import phase_parents  # noqa: E402
from morula import amplification, inheritance, parental_alleles  # noqa: E402
from morula.family_sites import FamilySites  # noqa: E402
from morula.genetic_map import read_map  # noqa: E402
from morula.haplotypes import Genotypes, read_genotypes  # noqa: E402
from morula.settings import read_schema  # noqa: E402
from morula.simulation.counts import TrueEmbryo, embryo  # noqa: E402

CHROM = "chr20"
COUNT_BINS = (0, 1, 2, 3, 6, 11, np.inf)


def correct_defaults() -> dict[str, float]:
    """Defaults of the config's section `correct`: what users run."""
    schema = read_schema(ROOT / "config/schemas/config.schema.yaml")
    keys = schema["properties"]["correct"]["properties"]
    return {name: key["default"] for name, key in keys.items() if "default" in key}


def hide_phase(data: Path, folder: Path) -> None:
    """calls.bcf (unphased founders), panel.bcf (with AC, AN) and genome.fa.fai."""
    unphase = f"bcftools +setGT {data}/founders.bcf -Ob -o calls.bcf -- -t a -n u"
    tags = f"bcftools +fill-tags {data}/panel.bcf -Ob -o panel.bcf -- -t AC,AN"
    for command in (unphase, tags):
        subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    for name in ("calls", "panel"):
        subprocess.run(["bcftools", "index", f"{name}.bcf"], cwd=folder, check=True)
    (folder / "genome.fa.fai").write_text(f"{CHROM}\t10000000\t0\t60\t61\n")


def phase(data: Path, folder: Path, couple: Sequence[str]) -> Genotypes:
    """SHAPEIT4's haplotypes of a couple, by the workflow's own script."""
    schema = read_schema(ROOT / "config/schemas/config.schema.yaml")
    keys = schema["properties"]["phase"]["properties"]
    argv = ["--calls", f"{folder}/calls.bcf", "--parents", *couple]
    argv += ["--panel", f"{folder}/panel.bcf", "--map", f"{data}/chr20.map"]
    argv += ["--genome", f"{folder}/genome.fa", "--chrom", CHROM, "--seed", "1"]
    argv += ["--min-genotype-quality", str(keys["min_genotype_quality"]["default"])]
    argv += ["--mcmc-iterations", str(keys["mcmc_iterations"]["default"])]
    if phase_parents.main([*argv, "--output", f"{folder}/phased.bcf"]):
        raise SystemExit("phasing failed; its words stand above")
    return read_genotypes(folder / "phased.bcf", CHROM)


def phase_errors(
    truth: np.ndarray, phased: np.ndarray, count: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hets and flipped hets by panel count, and (switches, intervals) without flips.

    A flip is a het that differs in orientation from both its neighbours, which agree.
    """
    het = truth[:, 0] != truth[:, 1]
    same = truth[het, 0] == phased[het, 0]
    flipped = np.zeros(len(same), dtype=bool)
    flipped[1:-1] = (same[1:-1] != same[:-2]) & (same[1:-1] != same[2:])
    bins = np.digitize(count[het], COUNT_BINS) - 1
    rest = same[~flipped]
    n_bins = len(COUNT_BINS) - 1
    return (
        np.bincount(bins, minlength=n_bins),
        np.bincount(bins[flipped], minlength=n_bins),
        np.array([(rest[1:] != rest[:-1]).sum(), len(rest) - 1]),
    )


def family_of(
    truth: np.ndarray,
    phased: np.ndarray,
    panel: Genotypes,
    cm: np.ndarray,
    options: dict[str, float],
) -> FamilySites:
    """What `prepare_family` makes, of given genotypes and a phase, (L, 2, 2) each."""
    count = panel.alleles.sum(axis=(1, 2)).astype(float)
    known = parental_alleles.panel_alleles(count, panel.alleles[0].size)
    flip = known.phase_flip(options["phase_flip"], options["phase_flip_rare"])
    rows, parents = np.arange(len(truth)), []
    for side in (0, 1):
        likelihoods = np.full((len(truth), 3), 1e-6)
        likelihoods[rows, truth[:, side].sum(axis=1)] = 1.0
        alleles = phased[:, side]
        haplotypes = parental_alleles.Haplotypes(
            alleles, alleles.astype(float), np.zeros(len(alleles), dtype=bool)
        )
        parents.append(
            parental_alleles.parent_alleles(
                likelihoods,
                haplotypes,
                known.frequency,
                flip,
                options["genotype_error"],
            )
        )
    sites = parental_alleles.Sites(
        panel.pos_bp, panel.ref.astype(str), panel.alt.astype(str)
    )
    return FamilySites(
        sites,
        known.frequency,
        np.stack([cm, cm]),
        (parents[0], parents[1]),
        (True, True),
    )


def correct(
    family: FamilySites, born: TrueEmbryo, options: dict[str, float]
) -> tuple[np.ndarray, float]:
    """Posterior of 0, 1, 2 copies, (L, 3), and the dropout rate that was learnt."""
    sites = family.sites
    chain = inheritance.Chain(
        amplification.cap_depth(born.counts.astype(float), options["max_depth"]),
        amplification.site_classes(sites.ref, sites.alt, family.parents[0].alleles),
        family.parents[0].alleles,
        family.parents[1].alleles,
        family.flip(0, options["phase_switch"]),
        family.flip(1, options["phase_switch"]),
        np.ones(len(sites.pos_bp)),
    )
    gap_bp = np.diff(sites.pos_bp, prepend=sites.pos_bp[0])
    chromosome = amplification.Chromosome(chain, gap_bp)
    begin = amplification.start(
        amplification.read_preset(ROOT / "resources/amplification.tsv", "MDA"),
        None,
        int(options["shares"]),
        options["read_error"],
        options["damage_error"],
        options["contamination"],
    )
    learnt = amplification.fit(
        [chromosome],
        begin,
        options["prior_amplicons"],
        int(options["em_iterations"]),
        options["em_tolerance"],
    ).amplification
    chain, table = chromosome.with_length(learnt.length_bp), learnt.read_table()
    filtered = inheritance.forward(chain, learnt.share_prior, table)
    found = inheritance.backward(
        chain, filtered, learnt.share_prior, learnt.shares, table
    ).genotypes
    copies = np.stack([found[:, 0], found[:, 1] + found[:, 2], found[:, 3]], axis=1)
    return copies, learnt.dropout


def judge(
    family: FamilySites,
    truth: np.ndarray,
    depth: float,
    n_embryos: int,
    rng: np.random.Generator,
    options: dict[str, float],
) -> np.ndarray:
    """Sums over a couple's embryos at sites where a parent is het: sites, right, calls
    of posterior >= 0.99, right ones of these; last the sum of the learnt dropout."""
    het = (truth.sum(axis=2) == 1).any(axis=1)
    gap_cm = np.diff(family.cm[0], prepend=family.cm[0][0])
    sums = np.zeros(5)
    for _ in range(n_embryos):
        born = embryo(truth[:, 0], truth[:, 1], family.sites.pos_bp, gap_cm, depth, rng)
        copies, dropout = correct(family, born, options)
        right = copies.argmax(axis=1) == born.alleles.sum(axis=1)
        sure = het & (copies.max(axis=1) >= 0.99)
        counts = [het.sum(), (het & right).sum(), sure.sum(), (sure & right).sum()]
        sums += [*counts, dropout]
    return sums


def show(rows: dict[tuple[str, float], list[np.ndarray]], n_embryos: int) -> None:
    """Print the table of accuracy."""
    print("phase\tdepth\tright\tse\tsure_share\tsure_right\tdropout\tcouples\tsites")
    for (phasing, depth), couples in rows.items():
        total = np.sum(couples, axis=0)
        each = np.array([one[1] / one[0] for one in couples])
        error = each.std(ddof=1) / np.sqrt(len(each)) if len(each) > 1 else np.nan
        print(
            f"{phasing}\t{depth:g}\t{total[1] / total[0]:.4f}\t{error:.4f}"
            f"\t{total[2] / total[0]:.3f}\t{total[3] / max(total[2], 1):.4f}"
            f"\t{total[4] / (len(each) * n_embryos):.3f}\t{len(each)}"
            f"\t{int(total[0])}"
        )


def show_phase(hets: np.ndarray, flips: np.ndarray, switches: np.ndarray) -> None:
    """Print the table of phase errors."""
    print("panel_count\thets\tflipped")
    for low, n, k in zip(COUNT_BINS[:-1], hets, flips, strict=True):
        print(f"{low}+\t{int(n)}\t{k / max(n, 1):.4f}")
    print(f"all\t{int(hets.sum())}\t{flips.sum() / hets.sum():.4f}")
    print(f"switches between the rest\t{int(switches[1])}", end="\t")
    print(f"{switches[0] / switches[1]:.4f}")


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="panel, founders, map")
    parser.add_argument("--couples", type=int, default=10)
    parser.add_argument("--embryos", type=int, default=3, help="of each couple")
    parser.add_argument("--depths", type=float, nargs="+", default=[30, 10, 1, 0.1])
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    args = parse_args(argv)
    data, options = args.data.resolve(), correct_defaults()
    founders = read_genotypes(data / "founders.bcf", CHROM)
    panel = read_genotypes(data / "panel.bcf", CHROM)
    cm = read_map(data / "chr20.map", CHROM).cm_at(panel.pos_bp)
    count = panel.alleles.sum(axis=(1, 2))
    count = np.minimum(count, panel.alleles[0].size - count)
    rows: dict[tuple[str, float], list[np.ndarray]] = {}
    hets = flips = switches = np.zeros(1)
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        hide_phase(data, Path(name))
        for couple in range(args.couples):
            pair = slice(2 * couple, 2 * couple + 2)
            truth = founders.alleles[:, pair]
            phased = phase(data, Path(name), founders.samples[pair]).alleles
            for side in (0, 1):
                found = phase_errors(truth[:, side], phased[:, side], count)
                hets, flips = hets + found[0], flips + found[1]
                switches = switches + found[2]
            for phasing, alleles in (("SHAPEIT4", phased), ("true", truth)):
                family = family_of(truth, alleles, panel, cm, options)
                for depth in args.depths:
                    rng = np.random.default_rng([args.seed, couple])
                    sums = judge(family, truth, depth, args.embryos, rng, options)
                    rows.setdefault((phasing, depth), []).append(sums)
            print(f"couple {couple + 1} of {args.couples}", file=sys.stderr)
    show(rows, args.embryos)
    show_phase(hets, flips, switches)
    return 0


if __name__ == "__main__":
    sys.exit(main())
