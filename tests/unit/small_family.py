"""A small family in the files of the call, phase and reference stages, with the truth.

One chromosome, chr21, of N_SITES sites of which every tenth is an indel: the panel has
them, the parents' calls and the embryos' counts do not.
"""

from __future__ import annotations

import gzip
import subprocess
from pathlib import Path

import numpy as np

from drawn_embryo import embryo

N_SITES = 3000
N_PANEL = 30
HEADER = (
    "##fileformat=VCFv4.2\n##contig=<ID=chr21,length=10000000>\n"
    '##INFO=<ID=PANEL,Number=0,Type=Flag,Description="of the panel">\n'
    '##INFO=<ID=AC,Number=A,Type=Integer,Description="count">\n'
    '##INFO=<ID=AN,Number=1,Type=Integer,Description="total">\n'
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="genotype">\n'
    '##FORMAT=<ID=PL,Number=G,Type=Integer,Description="likelihoods">\n'
    '##FORMAT=<ID=GQ,Number=1,Type=Integer,Description="quality">\n'
    '##FORMAT=<ID=FI,Number=1,Type=Integer,Description="filled in">\n'
    '##FORMAT=<ID=FP,Number=1,Type=Float,Description="flip">\n'
    '##FORMAT=<ID=SP,Number=1,Type=Float,Description="switch">\n'
    '##FORMAT=<ID=AD,Number=R,Type=Integer,Description="reads">\n'
)
PL = ("0,60,250", "60,0,60", "250,60,0")


class SmallFamily:
    """pos_bp (L,); is_snv (L,); mother, father (L, 2) true haplotypes; embryos: the
    true embryo by name; folder: where the files are."""

    def __init__(self, folder: Path, seed: int = 1) -> None:
        self.folder = folder
        rng = np.random.default_rng(seed)
        self.pos_bp = np.cumsum(rng.integers(50, 300, N_SITES))
        self.is_snv = np.arange(N_SITES) % 10 != 5
        founders = self._haplotypes(rng)
        self.panel = founders[:, : 2 * N_PANEL]
        self.mother, self.father, self.stranger = (
            founders[:, 2 * N_PANEL + 2 * i : 2 * N_PANEL + 2 * i + 2] for i in range(3)
        )
        self.gap_cm = np.diff(self.pos_bp, prepend=self.pos_bp[0]) * 1e-6
        self.embryos = {}
        for name, father, depth in (
            ("E1", self.father, 10.0),
            ("E2", self.father, 0.5),
            ("S1", self.stranger, 10.0),
        ):
            true = embryo(self.mother, father, self.pos_bp, self.gap_cm, depth, rng)
            self.embryos[name] = true
            self.write_counts(name, true.counts)
        self._write_parents()

    @staticmethod
    def _haplotypes(rng):
        """Mosaics of twelve ancestral haplotypes: neighbouring sites are correlated."""
        frequency = rng.beta(0.6, 1.2, (N_SITES, 1))
        ancestors = rng.random((N_SITES, 12)) < frequency
        n = 2 * N_PANEL + 6
        turns = rng.random((N_SITES, n)) < 0.02
        source = rng.integers(0, 12, (N_SITES, n))
        for s in range(1, N_SITES):
            source[s] = np.where(turns[s], source[s], source[s - 1])
        return np.take_along_axis(ancestors, source, axis=1).astype(int)

    def write(self, name, samples, rows, cell, info=lambda row: ".", fmt="GT"):
        """Write {name}.bcf with one record a row of `rows`."""
        path = self.folder / f"{name}.bcf"
        columns = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO"]
        lines = [HEADER + "\t".join([*columns, "FORMAT", *samples])]
        for row in rows:
            alt = "G" if self.is_snv[row] else "AT"
            site = f"chr21:{self.pos_bp[row]}:A:{alt}"
            fixed = ["chr21", str(self.pos_bp[row]), site, "A", alt, ".", "."]
            lines.append("\t".join([*fixed, info(row), fmt, *cell(row)]))
        subprocess.run(
            ["bcftools", "view", "-Ob", "-o", path, "-"],
            input="\n".join(lines) + "\n",
            text=True,
            check=True,
        )
        subprocess.run(["bcftools", "index", path], check=True)
        return path

    def write_counts(self, name, counts):
        return self.write(
            f"counts.{name}",
            [name],
            np.flatnonzero(self.is_snv),
            lambda row: [f"{counts[row, 0]},{counts[row, 1]}"],
            fmt="AD",
        )

    def _write_parents(self):
        snvs = np.flatnonzero(self.is_snv)
        both = (self.mother, self.father)

        def called(row):
            copies = [int(parent[row].sum()) for parent in both]
            return [f"{('0/0', '0/1', '1/1')[g]}:{PL[g]}" for g in copies]

        def phased(row):
            return [f"{parent[row, 0]}|{parent[row, 1]}" for parent in both]

        def panel(row):
            pairs = self.panel[row].reshape(-1, 2)
            return [f"{one}|{two}" for one, two in pairs]

        self.write("call", ["M", "P"], snvs, called, fmt="GT:PL")
        self.write("phase", ["M", "P"], snvs, phased)
        self.write("whole", ["M", "P"], range(N_SITES), phased)
        names = [f"R{i}" for i in range(N_PANEL)]
        self.write(
            "panel",
            names,
            range(N_SITES),
            panel,
            lambda row: f"AC={self.panel[row].sum()};AN={2 * N_PANEL}",
        )
        with gzip.open(self.folder / "sites.tsv.gz", "wt") as handle:
            handle.writelines(f"chr21\t{self.pos_bp[row]}\tA,G\n" for row in snvs)
        (self.folder / "chr21.map").write_text(
            "".join(f"chr21 . {bp * 1e-6:.6f} {bp}\n" for bp in (1, 10_000_000))
        )
