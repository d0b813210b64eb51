"""How often embryos' reads override inheritance rightly and wrongly.

Families drawn site by site (bench/planted_family.py): parents as known at 30x, born
children of ordinary DNA and embryos of single-cell MDA. Planted in each member: gene
conversions of some numbers of hets, artefacts (an allele of early amplification, or
mismapped reads, that all reads of a copy show), new mutations. Morula's scripts with
the config's defaults. One row for each kind of DNA and of what was planted, and for all
other sites; `wrong`: overridden, but the genome's genotype is then not the true one.

    python benchmarks/overrides.py --output docs/benchmarks/imputation/overrides.tsv
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

from bench.drawn_family import PARENTS, Size
from bench.peers import morula_stages
from bench.peers.morula_stages import ORDINARY, Member
from bench.planted_family import Plan, Planted, write_planted
from morula import override_table, tables
from morula.cli import run
from morula.simulation.streams import stream

logger = logging.getLogger("overrides")
AMPLIFICATION = "MDA"
# Haploid length of a genome's autosomes.
GENOME_BP = 2_875_000_000
ELSEWHERE = "nothing"
COLUMNS = (
    *("dna", "depth", "planted", "hets", "events", "sites", "listed", "overridden"),
    *("wrong", "genomes", "mean_posterior"),
)


@dataclass
class Tally:
    """Of one kind of DNA and of what was planted: numbers, and the sum of P(the shown
    genotype) over the listed sites."""

    events: int = 0
    sites: int = 0
    listed: int = 0
    overridden: int = 0
    wrong: int = 0
    posterior: float = 0.0

    def add(self, row: dict[str, str], copies: int) -> None:
        """Add a row of a site with so many true copies of ALT."""
        self.listed += 1
        if row["verdict"] == override_table.OVERRIDDEN:
            self.overridden += 1
            self.wrong += row["shown"].count("1") != copies
        self.posterior += 1.0 - float(row["artefact"])


Kind = tuple[str, str, int]


def infer(args: argparse.Namespace, folder: Path, names: list[str], seed: int) -> None:
    """Morula's stages up to overrides.tsv in `folder`."""
    members = [
        Member(name, str(folder / f"{name}.counts.bcf"), *dna_of(name))
        for name in names
    ]
    asked = SimpleNamespace(
        family_sites=folder / "family.npz",
        mother=PARENTS[0] if "mother" in args.known else None,
        father=PARENTS[1] if "father" in args.known else None,
        seed=seed,
        threads=1,
    )
    case = SimpleNamespace(chrom=args.chrom)
    for stage in ("learn", "correct", "list_overrides"):
        getattr(morula_stages, stage)(case, asked, members, folder)


def dna_of(name: str) -> tuple[str, int | None]:
    """Amplification and cells of C1, ... (children) and E1, ... (embryos)."""
    return (ORDINARY, None) if name.startswith("C") else (AMPLIFICATION, 1)


def count(
    tallies: dict[Kind, Tally], planted: Planted, listed: Sequence[dict[str, str]]
) -> None:
    """Add a family: what was planted, by its place, and what was listed."""
    pos_bp, kinds = planted.drawn.sites.pos_bp.tolist(), dict[tuple[str, int], Kind]()
    for event in planted.events:
        kind = (dna_of(event.embryo)[0], event.kind, len(event.rows))
        tallies[kind].events += 1
        tallies[kind].sites += len(event.rows)
        kinds |= {(event.embryo, pos_bp[row]): kind for row in event.rows}
    site_of = {pos: site for site, pos in enumerate(pos_bp)}
    for row in listed:
        name, pos = row["embryo"], int(row["pos"])
        kind = kinds.get((name, pos), (dna_of(name)[0], ELSEWHERE, 0))
        tallies[kind].add(row, int(planted.alleles[name][site_of[pos]].sum()))


def rows_of(
    args: argparse.Namespace, tallies: dict[Kind, Tally], span_bp: int
) -> Iterator[dict[str, object]]:
    """Rows of the table; span_bp: of each member, all families together."""
    for (dna, planted, hets), tally in sorted(tallies.items()):
        members = args.children if dna == ORDINARY else args.embryos
        genomes = members * span_bp / GENOME_BP
        is_elsewhere = planted == ELSEWHERE
        yield {
            "dna": dna,
            "depth": args.depth,
            "planted": planted,
            "hets": hets or None,
            "events": None if is_elsewhere else tally.events,
            "sites": None if is_elsewhere else tally.sites,
            "listed": tally.listed,
            "overridden": tally.overridden,
            "wrong": tally.wrong,
            "genomes": genomes if is_elsewhere else None,
            "mean_posterior": tally.posterior / tally.listed if tally.listed else None,
        }


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--chrom", default="chr1")
    add("--families", type=int, default=4)
    add("--children", type=int, default=2)
    add("--embryos", type=int, default=4)
    add("--known", nargs="+", default=["mother", "father"], help="parents with data")
    add("--depth", type=float, default=30.0, help="of embryos and children")
    add("--span-bp", type=int, default=40_000_000, help="of a family's chromosome")
    add("--sites", type=int, default=200_000, help="counted on it")
    add("--hets", type=int, default=40_000, help="of a parent on it")
    add("--conversions", type=int, nargs="+", default=[1, 2, 4, 8], help="hets")
    add("--each", type=int, default=8, help="of each kind in each member")
    add("--seed", type=int, default=1)
    add("--output", type=Path, required=True, help="TSV")
    return parser.parse_args(argv)


def work(args: argparse.Namespace) -> None:
    size = Size(args.chrom, args.span_bp, args.sites, args.hets, args.depth)
    plan = Plan(tuple(args.conversions * args.each), args.each, args.each)
    children = [f"C{number + 1}" for number in range(args.children)]
    embryos = [f"E{number + 1}" for number in range(args.embryos)]
    tallies: dict[Kind, Tally] = defaultdict(Tally)
    for family in range(args.families):
        rng = stream(args.seed, "overrides", str(family))
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            planted = write_planted(rng, folder, size, children, embryos, plan)
            infer(args, folder, [*children, *embryos], args.seed + family)
            listed = tables.read_tsv(folder / "overrides.tsv")
        count(tallies, planted, listed)
        logger.info("family %d: %d listed", family, len(listed))
    rows = rows_of(args, tallies, args.families * args.span_bp)
    tables.write_tsv(args.output, COLUMNS, rows)


def main(argv: Sequence[str] | None = None) -> int:
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
