"""Time and memory of copying from a panel, by sites, haplotypes and samples, up to a
synthetic panel of 5,000 haplotypes at 1,000,000 sites.

Alleles are drawn site by site: without linkage nothing can be imputed from them, but
the work is the same. Every row is a process of its own: CPU time of the imputation,
without the making of the panel, and peak memory of all.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from morula import copying, inheritance, tables
from morula.copying import Copying, Evidence
from morula.panel_bits import PanelBits
from morula.parental_alleles import Sites

COLUMNS = ("sites", "haplotypes", "samples", "depth", "amplified", "cpu_s", "peak_gb")
LENGTH_CM = 270.0
BLOCK = 20_000
ERROR = np.array([0.005])
# sites, haplotypes, samples, whether amplified.
ROWS = (
    *((250_000, 5000, 1, 0), (500_000, 5000, 1, 0), (1_000_000, 5000, 1, 0)),
    *((1_000_000, 500, 1, 0), (1_000_000, 2000, 1, 0)),
    *((250_000, 5000, 2, 0), (250_000, 5000, 4, 0), (1_000_000, 5000, 1, 1)),
)


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--depth", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--one", type=int, nargs=4, help="a row, to standard output")
    parser.add_argument("--output", type=Path, help=".tsv of all rows")
    args = parser.parse_args(argv)
    if bool(args.one) == bool(args.output):
        parser.error("either --one or --output")
    return args


def synthetic(n_sites: int, n_haplotypes: int, rng: np.random.Generator) -> PanelBits:
    """A panel whose alleles are drawn by each site's frequency, most of them rare."""
    width = -(-n_haplotypes // 8)
    bits = np.empty((n_sites, width), dtype=np.uint8)
    for first in range(0, n_sites, BLOCK):
        part = bits[first : first + BLOCK]
        frequency = (255 * rng.beta(0.3, 2.0, len(part))).astype(np.uint8)
        drawn = rng.integers(0, 256, (len(part), n_haplotypes), dtype=np.uint8)
        part[:] = np.packbits(drawn < frequency[:, None], axis=1)
    text = np.full(n_sites, "A")
    sites = Sites(np.arange(1, n_sites + 1), text, text)
    return PanelBits(sites, text, bits, n_haplotypes)


def evidence_of(
    n_sites: int, depth: float, is_amplified: bool, rng: np.random.Generator
) -> Evidence:
    """Reads of a sample, one in ten of them ALT."""
    count = rng.poisson(depth, n_sites)
    n_alt = rng.binomial(count, 0.1)
    reads = np.stack([count - n_alt, n_alt], axis=1).astype(float)
    if not is_amplified:
        ln = reads @ np.log([[0.995, 0.5, 0.005], [0.005, 0.5, 0.995]])
        return copying.of_likelihoods(np.exp(ln - ln.max(axis=1, keepdims=True)))
    template = inheritance.alt_template_share(np.linspace(0.0, 1.0, 5))
    return copying.of_reads(
        reads,
        inheritance.read_table(template[None], ERROR, ERROR),
        np.zeros(n_sites, dtype=np.int64),
        np.full(5, 0.2),
        np.full(n_sites, 0.99),
        0.003,
    )


def measure(args: argparse.Namespace) -> dict[str, object]:
    """Run one row."""
    n_sites, n_haplotypes, n_samples, amplified = args.one
    rng = np.random.default_rng(args.seed)
    panel = synthetic(n_sites, n_haplotypes, rng)
    place_cm = np.linspace(0.0, LENGTH_CM, n_sites)
    how = copying.AMPLIFIED if amplified else Copying()
    # Compiles; a few sites are enough.
    few = slice(0, 200)
    warm = evidence_of(200, args.depth, bool(amplified), rng)
    copying.impute(panel[few], place_cm[few], warm, how, rng)
    cpu_s = 0.0
    for _ in range(n_samples):
        evidence = evidence_of(n_sites, args.depth, bool(amplified), rng)
        before = time.process_time()
        copying.impute(panel, place_cm, evidence, how, rng)
        cpu_s += time.process_time() - before
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    values = (*args.one[:3], args.depth, bool(amplified), f"{cpu_s:.1f}")
    return dict(zip(COLUMNS, (*values, f"{peak_gb:.2f}"), strict=True))


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    if args.one:
        print(*measure(args).values(), sep="\t")
        return 0
    rows = []
    for row in ROWS:
        command = [sys.executable, __file__, "--depth", str(args.depth)]
        command += ["--seed", str(args.seed), "--one", *map(str, row)]
        shown = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        rows.append(dict(zip(COLUMNS, shown.stdout.strip().split("\t"), strict=True)))
        print(shown.stdout.strip(), file=sys.stderr)
    tables.write_tsv(args.output, COLUMNS, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
