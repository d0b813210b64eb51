"""Fill a family's phased parents to all sites of the panel on one chromosome."""

from __future__ import annotations

import argparse
import logging
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import cyvcf2
import numpy as np
from numpy.typing import NDArray

from morula import dosage_text, sex_chromosome, single_sites
from morula.cli import run
from morula.errors import InputError
from morula.genetic_map import read_map
from morula.haplotypes import Genotypes, read_genotypes
from morula.provenance import program_lines

logger = logging.getLogger("impute_parents")
# METHOD: a single genotype that SHAPEIT4 filled in is a guess from the haplotypes
# around it; one in ten is taken to be no better than the panel's frequency.
FILLED_DOUBT = 0.1
HEADER = (
    '##INFO=<ID=AC,Number=A,Type=Integer,Description="ALT count of the panel">\n'
    '##INFO=<ID=AN,Number=1,Type=Integer,Description="Allele count of the panel">\n'
    '##INFO=<ID=AF,Number=A,Type=Float,Description="ALT frequency of the panel">\n'
    '##INFO=<ID=IMP,Number=0,Type=Flag,Description="Imputed, not genotyped">\n'
    + dosage_text.FORMAT_LINES
    + '##FORMAT=<ID=AP1,Number=1,Type=Float,Description="P(ALT) on haplotype 1">\n'
    '##FORMAT=<ID=AP2,Number=1,Type=Float,Description="P(ALT) on haplotype 2">\n'
)


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--phased", required=True, help="BCF of the phased parents")
    parser.add_argument("--panel", required=True, help="BCF of the panel, INFO AC, AN")
    parser.add_argument("--map", required=True, help="sex-averaged map, PLINK format")
    parser.add_argument("--chrom", required=True)
    parser.add_argument("--build", choices=sex_chromosome.BUILDS, help="needed for X")
    parser.add_argument("--father", help="his name; left out for a donor")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--memory-mb", type=int, required=True, help="Java's heap")
    parser.add_argument("--output", required=True, help="BCF, indexed too")
    return parser.parse_args(argv)


@dataclass(frozen=True)
class PanelSites:
    """Sites of the panel in its order: key (pos, ref, alt), ID, INFO text and ALT
    frequency of each."""

    keys: list[tuple[int, str, str]]
    ids: list[str]
    info: list[str]
    frequency: NDArray[np.float64]


def read_panel_sites(path: str, chrom: str) -> PanelSites:
    columns = "%CHROM\t%POS\t%ID\t%REF\t%ALT\t%INFO/AC\t%INFO/AN\n"
    shown = subprocess.run(
        ["bcftools", "query", "-f", columns, path],
        capture_output=True,
        text=True,
        check=False,
    )
    if shown.returncode != 0:
        raise InputError(f"{path}: bcftools query: {shown.stderr.strip()}")
    keys, ids, info, frequency = [], [], [], []
    for line in shown.stdout.splitlines():
        name, pos, site, ref, alt, ac, an = line.split("\t")
        if name == chrom:
            keys.append((int(pos), ref, alt))
            ids.append(site)
            frequency.append(int(ac) / max(int(an), 1))
            info.append(f"AC={ac};AN={an};AF={frequency[-1]:.6g}")
    if not keys:
        raise InputError(f"{path}: no site of {chrom}; expected the panel of {chrom}")
    return PanelSites(keys, ids, info, np.array(frequency))


def keys_of(genotypes: Genotypes) -> list[tuple[int, str, str]]:
    return list(
        zip(
            genotypes.pos_bp.tolist(),
            genotypes.ref.tolist(),
            genotypes.alt.tolist(),
            strict=True,
        )
    )


@dataclass(frozen=True)
class Phased:
    """The phased parents at the panel's sites: genotypes; filled: bool (L, N), those
    that the phase stage guessed (FORMAT/FI); has_private: whether the file has sites
    that the panel lacks (INFO/PRIVATE), which are left out here."""

    genotypes: Genotypes
    filled: NDArray[np.bool_]
    has_private: bool


def read_phased(path: str, chrom: str) -> Phased:
    genotypes = read_genotypes(path, chrom)
    reader = cyvcf2.VCF(path)
    n = len(reader.samples)
    rows, is_private = [], []
    for record in reader:
        if record.CHROM == chrom:
            is_marked = "FI" in record.FORMAT
            rows.append(record.format("FI")[:, 0] == 1 if is_marked else [False] * n)
            is_private.append(record.INFO.get("PRIVATE") is not None)
    reader.close()
    filled = np.array(rows, dtype=bool).reshape(-1, n)
    kept = ~np.array(is_private, dtype=bool)
    at_panel = replace(
        genotypes,
        pos_bp=genotypes.pos_bp[kept],
        ref=genotypes.ref[kept],
        alt=genotypes.alt[kept],
        alleles=genotypes.alleles[kept],
        phased=genotypes.phased[kept],
    )
    return Phased(at_panel, filled[kept], not kept.all())


def check_phased(path: str, genotypes: Genotypes) -> None:
    """Refuse missing alleles and unphased hets."""
    alleles = genotypes.alleles
    bad = (alleles < 0).any(axis=2)
    bad |= (alleles[..., 0] != alleles[..., 1]) & ~genotypes.phased
    if bad.any():
        site, sample = np.argwhere(bad)[0]
        raise InputError(
            f"{path}: {genotypes.chrom}:{genotypes.pos_bp[site]}, sample"
            f" {genotypes.samples[sample]}: genotype missing or not phased; expected"
            " phased genotypes: run the phase stage again"
        )


def impute(args: argparse.Namespace, folder: Path, has_private: bool) -> Path:
    """Run Beagle in `folder`; return its VCF. Phased genotypes keep their phase."""
    target, panel = folder / "target.vcf.gz", folder / "panel.vcf.gz"
    known = ["--exclude", "PRIVATE=1"] if has_private else []
    for source, vcf, only in ((args.phased, target, known), (args.panel, panel, [])):
        view = ["bcftools", "view", *only, "-Oz1", "-o", vcf, source]
        subprocess.run(view, check=True)
    prefix = folder / "imputed"
    java = f"-Xmx{args.memory_mb}m -Djava.io.tmpdir={folder} -XX:-UsePerfData"
    command = ["beagle", f"gt={target}", f"ref={panel}", f"map={args.map}"]
    command += [f"out={prefix}", f"seed={args.seed}", f"nthreads={args.threads}"]
    command += [f"chrom={args.chrom}", "impute=true", "ap=true", "gp=true"]
    done = subprocess.run(
        command,
        env={**os.environ, "JAVA_TOOL_OPTIONS": java},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    sys.stderr.write(done.stdout)
    result = Path(f"{prefix}.vcf.gz")
    if done.returncode != 0 or "Exception" in done.stdout or not result.is_file():
        raise InputError(
            f"{args.phased}: Beagle could not impute {args.chrom} (its own words stand"
            f" above; exit status {done.returncode}). It needs two genotyped positions"
            " in every 40 cM and a map of the chromosome; with OutOfMemoryError, raise"
            " mem_mb of rule impute_parents"
        )
    return result


def read_imputed(
    path: Path, place: dict[tuple[int, str, str], int], chrom: str, samples: list[str]
) -> tuple[NDArray[np.int8], NDArray[np.float64], NDArray[np.bool_]]:
    """Alleles (L, N, 2), P(ALT) (L, N, 2) and whether Beagle gave the site, (L,)."""
    columns = "%CHROM\t%POS\t%REF\t%ALT[\t%GT\t%AP1\t%AP2]\n"
    n_sites, n = len(place), len(samples)
    alleles = np.zeros((n_sites, n, 2), dtype=np.int8)
    share = np.zeros((n_sites, n, 2))
    is_there = np.zeros(n_sites, dtype=bool)
    with subprocess.Popen(
        ["bcftools", "query", "-s", ",".join(samples), "-f", columns, str(path)],
        stdout=subprocess.PIPE,
        text=True,
    ) as query:
        assert query.stdout is not None
        for line in query.stdout:
            cells = line.rstrip("\n").split("\t")
            row = place.get((int(cells[1]), cells[2], cells[3]))
            if row is None or cells[0] != chrom:
                continue
            is_there[row] = True
            for i in range(n):
                gt, first, second = cells[4 + 3 * i : 7 + 3 * i]
                alleles[row, i] = int(gt[0]), int(gt[2])
                share[row, i] = float(first), float(second)
    if query.returncode != 0:
        raise InputError(f"{path}: bcftools query ended with {query.returncode}")
    return alleles, share, is_there


def fill(
    args: argparse.Namespace, panel: PanelSites, parents: Phased
) -> tuple[NDArray[np.int8], NDArray[np.float64], NDArray[np.bool_], list[str]]:
    """Alleles, P(ALT) and imputed flag at the panel's sites, and Beagle's header
    line where it ran."""
    phased = parents.genotypes
    place = {key: row for row, key in enumerate(panel.keys)}
    rows = [place.get(key, -1) for key in keys_of(phased)]
    typed = np.array(rows, dtype=np.int64)
    inside = typed >= 0
    n_sites, n = len(panel.keys), len(phased.samples)
    genotyped = np.zeros(n_sites, dtype=bool)
    genotyped[typed[inside]] = True
    logger.info("%d of %d panel sites genotyped", genotyped.sum(), n_sites)
    alleles = np.zeros((n_sites, n, 2), dtype=np.int8)
    share = np.zeros((n_sites, n, 2))
    programs: list[str] = []
    if not genotyped.all():
        if len(np.unique(phased.pos_bp[inside])) < 2:
            raise InputError(
                f"{args.phased}: {inside.sum()} genotyped panel sites on {args.chrom};"
                " imputation needs two at least: check that the parents' data cover"
                " the chromosome, or leave it out of reference.chromosomes"
            )
        read_map(args.map, args.chrom)  # Beagle's own message hides the file's name
        with tempfile.TemporaryDirectory(dir=Path(args.output).parent) as folder:
            vcf = impute(args, Path(folder), parents.has_private)
            programs = program_lines(vcf)
            alleles, share, given = read_imputed(
                vcf, place, args.chrom, list(phased.samples)
            )
        lost = int((~given & ~genotyped).sum())
        if lost:
            raise InputError(f"{args.panel}: Beagle left out {lost} sites of the panel")
    alleles[typed[inside]] = phased.alleles[inside]
    doubt = FILLED_DOUBT * parents.filled[inside, :, None]
    frequency = panel.frequency[typed[inside], None, None]
    share[typed[inside]] = (1 - doubt) * phased.alleles[inside] + doubt * frequency
    return alleles, share, ~genotyped, programs


def as_one_x(
    args: argparse.Namespace,
    panel: PanelSites,
    alleles: NDArray[np.int8],
    share: NDArray[np.float64],
) -> None:
    """Make a male's two haplotypes, (L, 2), one where he has one X, in place: Beagle
    imputes them one by one."""
    pos_bp = np.array([key[0] for key in panel.keys], dtype=np.int64)
    where = args.panel, args.chrom, args.build
    single = single_sites.of_file(*where, pos_bp)
    share[single] = share[single].mean(axis=1, keepdims=True)
    alleles[single] = share[single] > 0.5


def work(args: argparse.Namespace) -> None:
    panel = read_panel_sites(args.panel, args.chrom)
    parents = read_phased(args.phased, args.chrom)
    phased = parents.genotypes
    check_phased(args.phased, phased)
    Path(args.output).parent.mkdir(parents=True, exist_ok=True)
    alleles, share, imputed, programs = fill(args, panel, parents)
    if args.father:
        male = phased.samples.index(args.father)
        as_one_x(args, panel, alleles[:, male], share[:, male])
    cells = [
        dosage_text.gt_ds_ap(alleles[:, i], share[:, i])
        for i in range(len(phased.samples))
    ]
    lines = (
        f"{args.chrom}\t{pos}\t{site}\t{ref}\t{alt}\t.\tPASS\t{info}"
        f"{';IMP' if is_imputed else ''}\tGT:DS:AP1:AP2\t" + "\t".join(row) + "\n"
        for (pos, ref, alt), site, info, is_imputed, *row in zip(
            panel.keys, panel.ids, panel.info, imputed.tolist(), *cells, strict=True
        )
    )
    made_by = "".join(f"{line}\n" for line in programs)
    header = made_by + dosage_text.contig_lines(args.panel) + HEADER
    dosage_text.write_bcf(args.output, header, phased.samples, lines)
    logger.info("%d sites imputed", imputed.sum())


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
