"""The real panel of 3,202 people at sites of a PGS, as prepare_scores.py takes it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from real_data import DATA

GENOMES = DATA / "pgs/tiny1000G.vcf.gz"
CHROMS = [str(number) for number in range(1, 23)]


def split_panel(folder: Path) -> list[str]:
    """all.bcf of all sites, and a BCF for each of CHROMS, whose paths are returned."""
    command = f"bcftools +fill-tags {GENOMES} -Ob -o {folder}/all.bcf -- -t AC,AN"
    subprocess.run(command.split(), check=True)
    subprocess.run(["bcftools", "index", f"{folder}/all.bcf"], check=True)
    paths = [str(folder / f"{chrom}.bcf") for chrom in CHROMS]
    for chrom, path in zip(CHROMS, paths, strict=True):
        command = f"bcftools view -r {chrom} {folder}/all.bcf -Ob -o {path}"
        subprocess.run(command.split(), check=True)
        subprocess.run(["bcftools", "index", path], check=True)
    return paths
