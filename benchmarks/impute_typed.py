"""Imputation of phased arrays from a panel: Beagle, which Morula uses, and minimac4.

People who are not in the panel are kept at its common SNVs, one in `--gap-bp`, with
their true phase; both programs impute them with the same map on one thread. r2 is of
expected copies, coded by the panel's minor allele and pooled over people; time is that
of both processors' user and system time, minimac4's with the making of its panel.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cyvcf2
import numpy as np
from numpy.typing import NDArray

from morula import tables
from morula.cli import run

MIN_MAF = 0.05
BINS = (("all", 0.0, 0.51), ("maf_below_1pct", 1e-9, 0.01))
BINS += (("maf_1_to_5pct", 0.01, 0.05), ("maf_5_to_50pct", 0.05, 0.51))
Key = tuple[int, str, str]
Values = dict[Key, NDArray[np.float64]]


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--panel", required=True, help="phased BCF")
    add("--people", required=True, help="phased BCF of others, same sites")
    add("--map", required=True, help="PLINK format")
    add("--chrom", required=True)
    add("--gap-bp", type=int, default=5500, help="as HumanHap550")
    add("--directory", type=Path, required=True, help="for what lies between")
    add("--output", required=True, help=".tsv")
    return parser.parse_args(argv)


def read(path: str | Path, field: str) -> Values:
    """Copies of ALT or DS (n,) by site."""
    found: Values = {}
    for record in cyvcf2.VCF(str(path)):
        if field == "GT":
            values = record.genotype.array()[:, :2].sum(axis=1)
        else:
            values = record.format(field)[:, 0]
        found[(record.POS, record.REF, record.ALT[0])] = values.astype(np.float64)
    return found


def typed(panel: Values, gap_bp: int) -> Iterator[Key]:
    """Common SNVs of the panel, so far apart."""
    last = -gap_bp
    for key, copies in panel.items():
        share = copies.mean() / 2
        is_snv = len(key[1]) == 1 and len(key[2]) == 1
        if is_snv and min(share, 1 - share) >= MIN_MAF and key[0] - last >= gap_bp:
            last = key[0]
            yield key


def prepare(args: argparse.Namespace, panel: Values) -> None:
    """target.vcf.gz and panel.vcf.gz."""
    folder: Path = args.directory
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "typed.tsv"
    places = [f"{args.chrom}\t{key[0]}\n" for key in typed(panel, args.gap_bp)]
    kept.write_text("".join(places))
    some = ["-T", str(kept), "-m2", "-M2", "-v", "snps"]
    for source, name, only in (
        (args.people, "target", some),
        (args.panel, "panel", []),
    ):
        path = str(folder / f"{name}.vcf.gz")
        command = ["bcftools", "view", *only, source, "-Oz", "-o", path]
        subprocess.run(command, check=True)
        subprocess.run(["bcftools", "index", "-f", path], check=True)


def beagle(args: argparse.Namespace) -> Path:
    """Impute by Beagle."""
    command = ["beagle", "gt=target.vcf.gz", "ref=panel.vcf.gz", "out=beagle"]
    command += [f"map={Path(args.map).resolve()}", f"chrom={args.chrom}", "nthreads=1"]
    command += ["impute=true", "ap=true", "gp=true"]
    subprocess.run(command, check=True, cwd=args.directory, stdout=sys.stderr)
    return Path(args.directory) / "beagle.vcf.gz"


def minimac4(args: argparse.Namespace) -> Path:
    """Impute by minimac4, whose panel is made first."""
    with (args.directory / "panel.msav").open("wb") as sink:
        command = ["minimac4", "--compress-reference", "panel.vcf.gz"]
        subprocess.run(command, check=True, cwd=args.directory, stdout=sink)
    command = ["minimac4", "--map", str(Path(args.map).resolve()), "--format", "DS"]
    command += ["--output", "minimac4.vcf.gz", "--output-format", "vcf.gz"]
    command += ["panel.msav", "target.vcf.gz"]
    subprocess.run(command, check=True, cwd=args.directory)
    return Path(args.directory) / "minimac4.vcf.gz"


def accuracy(panel: Values, truth: Values, found: Values) -> dict[str, float]:
    """r2 by bin of minor-allele frequency."""
    keys = [key for key in panel if key in truth]
    share = np.array([panel[key].mean() / 2 for key in keys])
    minor, is_major = np.minimum(share, 1 - share), (share > 0.5)[:, None]
    pair = (np.array([one[key] for key in keys]) for one in (found, truth))
    dosage, copies = (np.where(is_major, 2.0 - one, one) for one in pair)
    result = {}
    for name, low, high in BINS:
        rows = (minor >= low) & (minor < high)
        pairs = np.corrcoef(dosage[rows].ravel(), copies[rows].ravel())
        result[f"r2_{name}"] = float(pairs[0, 1] ** 2)
    return result


def work(args: argparse.Namespace) -> None:
    panel, truth = read(args.panel, "GT"), read(args.people, "GT")
    prepare(args, panel)
    n_typed = sum(1 for _ in typed(panel, args.gap_bp))
    rows = []
    for name, impute in (("beagle", beagle), ("minimac4", minimac4)):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        path = impute(args)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        found = accuracy(panel, truth, read(path, "DS"))
        rows.append(
            {
                "method": name,
                "typed_sites": n_typed,
                "people": len(next(iter(truth.values()))),
            }
            | found
            | {"cpu_s": round(cpu_s, 1)}
        )
    tables.write_tsv(args.output, tuple(rows[0]), rows)


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
