"""Genotypes with GT:DS:GP as VCF text, fast, and text into an indexed BCF.

Shapes: L sites. Ordered genotype probabilities: float (L, 4), P(2 m + f) with m the
maternal (first) and f the paternal (second) allele, 1 where ALT.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from morula.atomic import written_whole
from morula.errors import InputError

# GP has four decimals: calibration is asked at 0.99 and above.
STEPS = 10_000
FORMAT_LINES = (
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="Best-guess genotype">\n'
    '##FORMAT=<ID=DS,Number=1,Type=Float,Description="Expected copies of ALT">\n'
)
GP_LINE = (
    '##FORMAT=<ID=GP,Number=G,Type=Float,Description="Posterior of 0, 1, 2 copies'
    " (0, 1 of a male's X)\">\n"
)
PHASES = ("0|0", "0|1", "1|0", "1|1")


def independent(
    first: NDArray[np.floating[Any]], second: NDArray[np.floating[Any]]
) -> NDArray[np.float64]:
    """Ordered genotype probabilities of two independent haplotypes, each (L,)."""
    p, q = first.astype(np.float64), second.astype(np.float64)
    return np.stack([(1 - p) * (1 - q), (1 - p) * q, p * (1 - q), p * q], axis=1)


def gt_ds_gp(ordered: NDArray[np.floating[Any]]) -> NDArray[np.object_]:
    """Cells `GT:DS:GP` of one sample, object array of str (L,).

    GT is the most probable of the three genotypes, a het in its more probable order;
    GP sums to one exactly in the decimals written, and DS belongs to it.
    """
    one = ordered[:, 1] + ordered[:, 2]
    steps_one = np.rint(one * STEPS).astype(np.int64)
    steps_two = np.minimum(
        np.rint(ordered[:, 3] * STEPS).astype(np.int64), STEPS - steps_one
    )
    steps_none = STEPS - steps_one - steps_two
    best = np.stack([steps_none, steps_one, steps_two], axis=1).argmax(axis=1)
    het = np.where(ordered[:, 2] > ordered[:, 1], 2, 1)
    phase = np.choose(best, [np.zeros_like(het), het, np.full_like(het, 3)])
    key = (phase * (STEPS + 1) + steps_one) * (STEPS + 1) + steps_two
    return _cells(key, _gt_ds_gp_cell)


def _gt_ds_gp_cell(key: int) -> str:
    rest, two = divmod(key, STEPS + 1)
    phase, one = divmod(rest, STEPS + 1)
    none = STEPS - one - two
    dosage = (one + 2 * two) / STEPS
    gp = ",".join(f"{part / STEPS:.4g}" for part in (none, one, two))
    return f"{PHASES[phase]}:{dosage:.4f}:{gp}"


def gt_ds_gp_single(alt_share: NDArray[np.floating[Any]]) -> NDArray[np.object_]:
    """Cells `GT:DS:GP` of one copy that carries ALT with probability alt_share (L,)."""
    steps = np.rint(alt_share.astype(np.float64) * STEPS).astype(np.int64)
    return _cells(steps, _single_cell)


def _single_cell(steps: int) -> str:
    alt = steps / STEPS
    return f"{int(2 * steps > STEPS)}:{alt:.4f}:{1 - alt:.4g},{alt:.4g}"


def gt_ds_ap(
    alleles: NDArray[np.int8], alt_share: NDArray[np.float64]
) -> NDArray[np.object_]:
    """Cells `GT:DS:AP1:AP2` of one parent: alleles (L, 2), P(ALT) of each haplotype
    (L, 2), written with four decimals."""
    steps = np.rint(alt_share * STEPS).astype(np.int64)
    phase = 2 * alleles[:, 0].astype(np.int64) + alleles[:, 1]
    key = (phase * (STEPS + 1) + steps[:, 0]) * (STEPS + 1) + steps[:, 1]
    return _cells(key, _gt_ds_ap_cell)


def _gt_ds_ap_cell(key: int) -> str:
    rest, second = divmod(key, STEPS + 1)
    phase, first = divmod(rest, STEPS + 1)
    dosage = (first + second) / STEPS
    return f"{PHASES[phase]}:{dosage:.4f}:{first / STEPS:.4g}:{second / STEPS:.4g}"


def _cells(
    keys: NDArray[np.int64], text_of: Callable[[int], str]
) -> NDArray[np.object_]:
    """Text of every key; each distinct key is formatted once (most sites are alike)."""
    distinct, where = np.unique(keys, return_inverse=True)
    texts = np.array([text_of(int(key)) for key in distinct], dtype=object)
    return np.asarray(texts[where], dtype=object)


def contig_lines(path: str | Path) -> str:
    """The ##contig lines of a VCF/BCF's header."""
    shown = subprocess.run(
        ["bcftools", "view", "-h", str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [line for line in shown.stdout.splitlines() if line.startswith("##contig=")]
    return "".join(f"{line}\n" for line in lines)


def write_bcf(
    path: str | Path, header: str, samples: Iterable[str], lines: Iterable[str]
) -> None:
    """Write header, column line and record lines (with line ends) as BCF and its .csi,
    each whole or not at all.

    header: the ## lines after ##fileformat; lines without a sample end with INFO.
    Raises InputError when bcftools fails.
    """
    index = Path(f"{path}.csi")
    names = list(samples)
    columns = "#CHROM POS ID REF ALT QUAL FILTER INFO".split()
    columns += ["FORMAT", *names] if names else []
    with written_whole(path) as partial, written_whole(index) as partial_index:
        with subprocess.Popen(
            ["bcftools", "view", "--no-version", "-Ob", "-o", str(partial), "-"],
            stdin=subprocess.PIPE,
            text=True,
        ) as bcftools:
            assert bcftools.stdin is not None
            bcftools.stdin.write("##fileformat=VCFv4.2\n" + header)
            bcftools.stdin.write("\t".join(columns) + "\n")
            bcftools.stdin.writelines(lines)
            bcftools.stdin.close()
        if bcftools.returncode != 0:
            raise InputError(f"{path}: bcftools view ended with {bcftools.returncode}")
        subprocess.run(
            ["bcftools", "index", "-f", "-c", "-o", str(partial_index), str(partial)],
            check=True,
        )
