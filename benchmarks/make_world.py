"""Make a world of the benchmark: a panel, founders that are not in it, genetic maps.

Simulated (msprime), or from files of real haplotypes. Written under --directory, for
one chromosome: panel.bcf, founders.bcf (with .csi), snvs.tsv.gz (.tbi), female.map,
male.map, average.map, genome.fa (.fai), scores.npz.
"""

from __future__ import annotations

import argparse
import gzip
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pysam

from bench.score_weights import draw_weights
from bench.steps import run_script
from morula.call_files import samples_of
from morula.cli import run
from morula.haplotypes import read_genotypes
from morula.simulation.population import fasta_text, random_sequence
from morula.simulation.sequence import encode
from morula.simulation.streams import stream

MAP_FILES = ("female", "male", "average")


def bcftools(*words: str | Path) -> None:
    """Run bcftools; its own words show when it fails."""
    subprocess.run(["bcftools", *map(str, words)], check=True)


def write_panel(args: argparse.Namespace, source: Path, samples: Sequence[str]) -> None:
    """panel.bcf of some samples as prepare_panel leaves it: biallelic, with AC, AN, AF
    and an ID."""
    panel = args.directory / "panel.bcf"
    names = ",".join(samples)
    with tempfile.TemporaryDirectory(dir=args.directory) as name:
        steps = [Path(name) / f"{number}.bcf" for number in range(3)]
        view = ["view", "--no-version", "-Ob", "-o"]
        bcftools(*view, steps[0], "-s", names, "-m", "2", "-M", "2", source)
        bcftools(
            "annotate",
            "--no-version",
            "-x",
            "INFO,QUAL,^FORMAT/GT",
            "-Ob",
            "-o",
            steps[1],
            "--set-id",
            "%CHROM:%POS:%REF:%FIRST_ALT",
            steps[0],
        )
        bcftools(
            "+fill-tags",
            steps[1],
            "--no-version",
            "-Ob",
            "-o",
            steps[2],
            "--",
            "-t",
            "AC,AN,AF",
        )
        steps[2].replace(panel)
    bcftools("index", "-f", panel)


def write_snvs(args: argparse.Namespace) -> None:
    """snvs.tsv.gz: the panel's SNVs."""
    panel = args.directory / "panel.bcf"
    sites = args.directory / "snvs.tsv"
    with sites.open("w") as handle:
        subprocess.run(
            [
                "bcftools",
                "query",
                "-i",
                'TYPE="snp"',
                "-f",
                "%CHROM\\t%POS\\t%REF,%ALT\\n",
                str(panel),
            ],
            check=True,
            stdout=handle,
        )
    pysam.tabix_compress(str(sites), f"{sites}.gz", force=True)
    pysam.tabix_index(f"{sites}.gz", seq_col=0, start_col=1, end_col=1, force=True)
    sites.unlink()


def write_founders(
    args: argparse.Namespace, source: Path, names: Sequence[str]
) -> None:
    """founders.bcf of the founders at the panel's sites and where they vary."""
    founders = args.directory / "founders.bcf"
    bcftools(
        "view",
        "--no-version",
        "-Ob",
        "-o",
        founders,
        "-s",
        ",".join(names),
        "-m",
        "2",
        "-M",
        "2",
        source,
    )
    bcftools("index", "-f", founders)


def simulated(args: argparse.Namespace) -> None:
    """A world of msprime; its founders are the Europeans."""
    with tempfile.TemporaryDirectory(dir=args.directory) as name:
        made = Path(name)
        flags = ["--directory", name, "--chromosomes", args.chrom]
        flags += ["--length-bp", str(args.length_bp), "--cm-per-mb", "1.5"]
        flags += ["--panel-samples", str(args.panel_samples)]
        flags += ["--founders", str(args.n_founders), "--indel-share", "0.06"]
        flags += ["--score-variants", "10", "--build", "GRCh38"]
        run_script("simulate_population", [*flags, "--seed", args.seed])
        for end in ("genome.fa", "genome.fa.fai"):
            shutil.copy(made / end, args.directory / end)
        for sex in ("female", "male"):
            target = args.directory / f"{sex}.source.map"
            shutil.copy(made / f"maps/{args.chrom}.{sex}.map", target)
        panel = made / f"panel/{args.chrom}.bcf"
        write_panel(args, panel, samples_of(panel))
        founders = made / f"founders.{args.chrom}.bcf"
        names = [one for one in samples_of(founders) if one.startswith("FEUR")]
        write_founders(args, founders, names)


def from_files(args: argparse.Namespace) -> None:
    """A world of real haplotypes: founders of their own file, or the panel file's last
    samples, which then are not in the panel."""
    everyone = samples_of(args.panel)
    founders = (
        samples_of(args.founders) if args.founders else everyone[-args.n_founders :]
    )
    write_panel(args, args.panel, [one for one in everyone if one not in founders])
    write_founders(args, args.founders or args.panel, founders)
    plain = args.directory / "genome.fa"
    if args.genome:
        with gzip_or_plain(args.genome) as source, plain.open("wb") as target:
            shutil.copyfileobj(source, target)
    else:
        plain.write_text(made_up_sequence(args))
    pysam.faidx(str(plain))
    for sex, path in zip(("female", "male"), args.maps, strict=True):
        write_map(args, path, args.directory / f"{sex}.source.map")


def made_up_sequence(args: argparse.Namespace) -> str:
    """FASTA text of a random sequence in which each site has its REF: for haplotypes
    without their genome, since GC content and new mutations need letters."""
    sites = read_genotypes(args.directory / "founders.bcf", args.chrom, [])
    rng = stream(args.seed, "benchmark sequence", args.chrom)
    codes = random_sequence(rng, int(sites.pos_bp[-1]) + 1_000_000)
    for pos, ref in zip(sites.pos_bp.tolist(), sites.ref, strict=True):
        codes[pos - 1 : pos - 1 + len(ref)] = encode(ref)
    return fasta_text(args.chrom, codes)


def gzip_or_plain(path: Path) -> BinaryIO | gzip.GzipFile:
    """The bytes of a file, unpacked where it is gzipped."""

    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")


def write_map(args: argparse.Namespace, source: Path, target: Path) -> None:
    """The map over the founders' sites and 5 Mb on either side, in PLINK format; from
    that format, or from a table `chr pos cM` (deCODE)."""
    sites = read_genotypes(args.directory / "founders.bcf", args.chrom, [])
    low, high = int(sites.pos_bp[0]) - 5_000_000, int(sites.pos_bp[-1]) + 5_000_000
    lines = [line.split() for line in source.read_text().splitlines()]
    rows = [(words[0], words[2], int(words[3])) for words in lines if len(words) == 4]
    if lines[0][0] == "chr":
        rows = [(f"chr{name}", cm, max(int(pos), 1)) for name, pos, cm in lines[1:]]
    kept = [row for row in rows if row[0] == args.chrom and low <= row[2] <= high]
    target.write_text("".join(f"{name}\t.\t{cm}\t{pos}\n" for name, cm, pos in kept))


def write_weights(args: argparse.Namespace) -> None:
    """scores.npz: weights of made-up scores at the panel's sites."""
    panel = read_genotypes(args.directory / "panel.bcf", args.chrom)
    rng = stream(args.seed, "benchmark scores", args.chrom)
    with (args.directory / "scores.npz").open("wb") as handle:
        np.savez_compressed(handle, weights=draw_weights(rng, panel, args.n_scores))


def work(args: argparse.Namespace) -> None:
    args.directory.mkdir(parents=True, exist_ok=True)
    (from_files if args.panel else simulated)(args)
    write_snvs(args)
    flags = [
        "--maps",
        *(str(args.directory / f"{sex}.source.map") for sex in MAP_FILES[:2]),
    ]
    flags += ["--chrom", args.chrom]
    for sex in MAP_FILES:
        flags += [f"--{sex}", str(args.directory / f"{sex}.map")]
    run_script("prepare_maps", flags)
    write_weights(args)


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument("--chrom", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--n-founders", type=int, required=True)
    parser.add_argument("--n-scores", type=int, required=True)
    parser.add_argument("--length-bp", type=int, help="simulated")
    parser.add_argument("--panel-samples", type=int, help="simulated, a population")
    parser.add_argument("--panel", type=Path, help="phased VCF/BCF: not simulated")
    parser.add_argument("--founders", type=Path, help="default: of the panel's file")
    parser.add_argument("--maps", type=Path, nargs=2, help="female and male")
    parser.add_argument("--genome", type=Path, help="FASTA, where there is one")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
