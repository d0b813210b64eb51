"""Single-sample calls by `bcftools call` from an embryo's own reads.

Genotype likelihoods are those of independent reads with a constant error, as `bcftools
mpileup` makes them of bases of one quality. A site without reads is not called. The
caller's prior is its default; the panel's frequencies as prior (`--prior-freqs`) were
tried on real couples and were no better at 30x, 1x or 0.1x.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bench.case import Case, Result, plain_result
from bench.peers import parents
from morula.errors import InputError

# What mpileup caps PL at.
MAX_PL = 255
HEADER = (
    '##INFO=<ID=QS,Number=R,Type=Float,Description="Share of the base qualities">\n'
    '##FORMAT=<ID=PL,Number=G,Type=Integer,Description="Likelihoods, Phred">\n'
)
COLUMNS = ("#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT")


@dataclass(frozen=True)
class Calls:
    """Calls of E embryos at L sites. genotype: int8 (E, L), ALT copies, -1 where not
    called; gp: float64 (E, L, 3), NaN where not called; quality: float64 (E, L), how
    far the reads put the next genotype behind the called one, Phred; 0 where not
    called."""

    genotype: NDArray[np.int8]
    gp: NDArray[np.float64]
    quality: NDArray[np.float64]


def phred_likelihoods(
    reads: NDArray[np.int32], read_error: float
) -> NDArray[np.float64]:
    """PL of 0, 1, 2 ALT copies, (L, 3), best 0; reads: (L, 2), showing REF and ALT."""
    shows_alt = np.array([read_error, 0.5, 1.0 - read_error])
    ln = reads[:, :1] * np.log(1.0 - shows_alt) + reads[:, 1:] * np.log(shows_alt)
    phred = -10.0 / np.log(10.0) * (ln - ln.max(axis=1, keepdims=True))
    return np.asarray(np.minimum(np.rint(phred), MAX_PL))


def header(case: Case, more: str, samples: str) -> str:
    """A VCF's header with the chromosome of the case."""
    length = int(case.pos_bp[-1]) + 1
    contig = f"##contig=<ID={case.chrom},length={length}>\n"
    columns = "\t".join((*COLUMNS, samples))
    return f"##fileformat=VCFv4.2\n{contig}{more}{columns}\n"


def site_fields(case: Case, row: int) -> str:
    """CHROM to ALT of a site; its ID is its row in the case."""
    fields = (case.chrom, case.pos_bp[row], row, case.ref[row], case.alt[row])
    return "\t".join(map(str, fields))


def call_embryo(
    case: Case, pl: NDArray[np.float64], reads: NDArray[np.int32]
) -> list[list[str]]:
    """Fields of the lines that bcftools writes of one embryo, at its sites with reads.

    Raises InputError when bcftools fails.
    """
    depth = reads.sum(axis=1)
    lines = []
    for row in np.flatnonzero(depth).tolist():
        ref_share = reads[row, 0] / depth[row]
        likelihoods = ",".join(str(int(value)) for value in pl[row])
        lines.append(
            f"{site_fields(case, row)}\t.\t.\tQS={ref_share:.4g},{1 - ref_share:.4g}"
            f"\tPL\t{likelihoods}\n"
        )
    done = subprocess.run(
        ["bcftools", "call", "--no-version", "-m", "-A", "-a", "GP", "-Ov", "-"],
        input=header(case, HEADER, "embryo") + "".join(lines),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise InputError(f"bcftools call ended with {done.returncode}: {done.stderr}")
    text = done.stdout.splitlines()
    return [line.split("\t") for line in text if not line.startswith("#")]


def hom_ref(quality: float, pl: NDArray[np.float64]) -> NDArray[np.float64]:
    """GP of a site that is called hom-ref, for which bcftools gives none.

    quality: QUAL, which then is Phred-scaled P(the site varies), as for a site without
    ALT (VCF specification 4.2, section 1.4.1); het and hom-alt share it as the
    likelihoods have it.
    """
    varies = min(10.0 ** (-0.1 * quality), 0.5)
    others = 10.0 ** (-0.1 * pl[1:])
    return np.array([1.0 - varies, *(varies * others / others.sum())])


def call(case: Case, read_error: float) -> Calls:
    """Call every embryo by itself."""
    shape = case.counts.shape[:2]
    calls = Calls(
        np.full(shape, -1, dtype=np.int8), np.full((*shape, 3), np.nan), np.zeros(shape)
    )
    for embryo, reads in enumerate(case.counts):
        pl = phred_likelihoods(reads, read_error)
        for fields in call_embryo(case, pl, reads):
            row = int(fields[2])
            values = dict(zip(fields[8].split(":"), fields[9].split(":"), strict=True))
            if "." in values["GT"]:
                continue
            copies = values["GT"].count("1")
            calls.genotype[embryo, row] = copies
            if "GP" in values:
                gp = np.array([float(value) for value in values["GP"].split(",")])
            else:
                gp = hom_ref(float(fields[5]), pl[row])
            calls.gp[embryo, row] = gp / gp.sum()
            next_best = np.delete(pl[row], copies).min()
            calls.quality[embryo, row] = max(next_best - pl[row, copies], 0.0)
    return calls


def version() -> str:
    """`bcftools 1.16`."""
    shown = subprocess.run(
        ["bcftools", "--version"], capture_output=True, text=True, check=True
    )
    return shown.stdout.splitlines()[0]


def infer(case: Case, read_error: float) -> Result:
    """Calls as a Result. Where there is none, gp is 1 for what a user would fill in:
    the genotype that is most probable by the panel's frequency."""
    calls = call(case, read_error)
    called = calls.genotype >= 0
    prior = parents.hardy_weinberg(parents.panel_frequency(case))
    filled = np.eye(3)[prior.argmax(axis=1)]
    gp = np.where(called[:, :, None], calls.gp, filled)
    return replace(plain_result(f"{version()} call", gp), called=called)
