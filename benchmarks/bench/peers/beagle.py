"""Beagle on called genotypes, with the panel as reference.

The genotypes are the single-sample calls (bench.peers.single_sample) of which the reads
are sure; the others are missing, and Beagle phases and imputes all embryos of the case
in one run (Browning, Zhou & Browning 2018, AJHG 103:338). It knows no family.
"""

from __future__ import annotations

import argparse
import subprocess
from pathlib import Path

import cyvcf2
import numpy as np
from numpy.typing import NDArray

import impute_parents
from bench.case import Case, Result, plain_result
from bench.peers import parents, single_sample
from morula.errors import InputError
from morula.provenance import program_lines

GENOTYPES = ("0/0", "0/1", "1/1")
GT_LINE = '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n'


def write_target(case: Case, genotype: NDArray[np.int8], path: Path) -> int:
    """Write the genotypes (E, L), -1 missing, as VCF; returns the number of sites.

    Sites at which no embryo has a genotype are left out: Beagle imputes them.
    """
    rows = np.flatnonzero((genotype >= 0).any(axis=0)).tolist()
    lines = []
    for row in rows:
        cells = (GENOTYPES[g] if g >= 0 else "./." for g in genotype[:, row])
        site = single_sample.site_fields(case, row)
        lines.append(f"{site}\t.\tPASS\t.\tGT\t" + "\t".join(cells) + "\n")
    text = single_sample.header(case, GT_LINE, "\t".join(case.embryos))
    subprocess.run(
        ["bcftools", "view", "--no-version", "-Oz", "-o", str(path), "-"],
        input=text + "".join(lines),
        text=True,
        check=True,
    )
    return len(rows)


def read_gp(case: Case, path: Path) -> NDArray[np.float64]:
    """GP of Beagle's output at the sites of the case, (E, L, 3); where every site was
    called in some embryo it imputes none and writes GT alone, which then counts whole.

    Raises InputError when Beagle left out a site.
    """
    keys = zip(case.pos_bp.tolist(), case.ref, case.alt, strict=True)
    row_of = {key: row for row, key in enumerate(keys)}
    gp = np.full((len(case.embryos), len(row_of), 3), np.nan)
    reader = cyvcf2.VCF(str(path))
    for record in reader:
        row = row_of.get((record.POS, record.REF, record.ALT[0]))
        if row is not None:
            if "GP" in record.FORMAT:
                gp[:, row] = record.format("GP")
            else:
                gp[:, row] = np.eye(3)[record.genotype.array()[:, :2].sum(axis=1)]
    reader.close()
    lost = int(np.isnan(gp).any(axis=(0, 2)).sum())
    if lost:
        raise InputError(f"{path}: {lost} sites of the case are not in the panel")
    return gp / gp.sum(axis=2, keepdims=True)


def version_of(path: Path) -> str:
    """`Beagle 22Jul22.46e`, from the header of its output."""
    (line,) = (line for line in program_lines(path) if line.startswith("##source="))
    name = line.split("=", 1)[1].strip('"').removesuffix(".jar")
    return f"Beagle {name.removeprefix('beagle.')}"


def infer(
    case: Case,
    args: argparse.Namespace,
    min_quality: float,
    read_error: float,
    folder: Path,
) -> Result:
    """Genotypes of every embryo.

    args: what impute_parents.py needs to run Beagle: panel (phased BCF), map
    (sex-averaged, PLINK format), seed, threads, memory_mb. min_quality: Phred, see
    single_sample.Calls; folder: for Beagle's files.
    """
    calls = single_sample.call(case, read_error)
    genotype = np.where(calls.quality >= min_quality, calls.genotype, -1)
    target = folder / "called.vcf.gz"
    if write_target(case, genotype, target) < 2:
        prior = parents.hardy_weinberg(parents.panel_frequency(case))
        shape = (len(case.embryos), *prior.shape)
        return plain_result("Beagle, nothing called", np.broadcast_to(prior, shape))
    wanted = argparse.Namespace(**vars(args), phased=str(target), chrom=case.chrom)
    imputed = impute_parents.impute(wanted, folder, has_private=False)
    return plain_result(version_of(imputed), read_gp(case, imputed))
