"""The parents' phase as it is given to Morula in place of an estimate: true, or true
with switches at a known rate. The file is like the phase stage's.

Shapes: L sites, N parents.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from morula import call_files
from morula.haplotypes import Genotypes
from morula.processes import Pipeline

FIELDS = ("GT", "FI", "FP", "SP")


def hets(genotypes: Genotypes) -> NDArray[np.bool_]:
    """Where each parent is heterozygous, (L, N)."""
    return genotypes.alleles[:, :, 0] != genotypes.alleles[:, :, 1]


def switched(truth: Genotypes, rate: float, rng: np.random.Generator) -> Genotypes:
    """True haplotypes with a switch between neighbouring hets at `rate`."""
    alleles = truth.alleles.copy()
    for column, het in enumerate(hets(truth).T):
        turns = np.zeros(len(alleles), dtype=np.int64)
        turns[het] = rng.random(int(het.sum())) < rate
        turned = np.cumsum(turns) % 2 == 1
        alleles[turned, column] = alleles[turned, column, ::-1]
    return replace(truth, alleles=alleles)


def phase_lines(given: Genotypes, rate: float) -> list[str]:
    """VCF lines; FP is 0, SP `rate` at a parent's hets but for the first one."""
    het = hets(given)
    switch = np.where(het & (np.cumsum(het, axis=0) > 1), rate, 0.0)
    lines = []
    sites = zip(given.pos_bp.tolist(), given.ref, given.alt, strict=True)
    for row, (pos_bp, ref, alt) in enumerate(sites):
        cells = [
            f"{first}|{second}:0:0:{one:g}"
            for (first, second), one in zip(
                given.alleles[row].tolist(), switch[row], strict=True
            )
        ]
        site = f"{given.chrom}\t{pos_bp}\t.\t{ref}\t{alt}\t.\tPASS\t."
        lines.append("\t".join((site, ":".join(FIELDS), *cells)) + "\n")
    return lines


def write_phase(path: Path, given: Genotypes, rate: float, fai: Path) -> None:
    """Write a given phase, whose switches have the known rate, as indexed BCF."""
    head = call_files.header(fai, FIELDS, given.samples)
    with call_files.work_folder(path) as folder, Pipeline() as pipeline:
        finished = folder / path.name
        with call_files.bcf_writer(pipeline, finished, head) as sink:
            for line in phase_lines(given, rate):
                sink.write(line.encode())
        call_files.publish(finished, path)
