"""AlphaPeel: multi-locus iterative peeling of a pedigree, on the same counts.

Whalen et al. 2018, Genetics Selection Evolution, doi 10.1186/s12711-018-0438-2; files
and options as its manual (alphapeel.readthedocs.io, 1.4.0) has them. The embryos'
counts go in as a sequence file; the parents as external phased genotype probabilities,
the one way it has to be told a phase; the panel's frequencies as alternative allele
probabilities; the map as positions in proportion to the sex-averaged genetic ones (it
has one map for both sexes), with their length in Morgans. It compiles itself anew in
every process, half a minute whatever the size of the case: time it beside a case of few
sites, or give it many cases at once.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from bench.case import Case, Result
from bench.peers import ordered, parents
from morula.errors import InputError

# METHOD: tried at 30x, 1x and 0.1x on real couples: parents as genotypes, as counts, or
# phased; with and without frequencies and map; sequencing error 0.001 (its default),
# 0.005, 0.05, 0.2, or estimated; 5 cycles (its default) or 10. Phased parents were best
# at every depth; of the rest no choice was better at every depth than the defaults.
PARENT_ERROR = 1e-4
DIGITS = 6
# Positions are whole numbers for it.
POSITIONS_PER_CM = 1e6
FATHER, MOTHER = "father", "mother"


def program() -> Callable[[list[str]], None]:
    """AlphaPeel's entry point. Raises InputError where it is not installed."""
    try:
        from tinypeel.tinypeel import main
    except ModuleNotFoundError:
        raise InputError(
            "AlphaPeel is not installed; expected the Python parts of the benchmark:"
            " pip install --editable '.[bench]'"
        ) from None
    return cast(Callable[[list[str]], None], main)


def row_text(name: str, values: NDArray[np.generic], form: str) -> str:
    """A line of its formats: a name, then a value a site."""
    return f"{name} " + " ".join(form % value for value in values.tolist()) + "\n"


def name_of(embryo: int) -> str:
    """An embryo's name in AlphaPeel's files, which tell no embryo from a parent."""
    return f"embryo{embryo}"


def write_inputs(case: Case, folder: Path) -> float:
    """Write its files into `folder`; returns the map's length in Morgans."""
    names = [name_of(embryo) for embryo in range(len(case.embryos))]
    pedigree = [f"{FATHER} 0 0\n", f"{MOTHER} 0 0\n"]
    pedigree += [f"{name} {FATHER} {MOTHER}\n" for name in names]
    (folder / "pedigree.txt").write_text("".join(pedigree))
    with (folder / "counts.txt").open("w") as handle:
        for name, counts in zip(names, case.counts, strict=True):
            handle.writelines(row_text(name, counts[:, i], "%d") for i in (0, 1))
    with (folder / "parents.txt").open("w") as handle:
        # Its order of alleles is paternal, maternal; here haplotype 0, haplotype 1.
        for parent, name in ((0, MOTHER), (1, FATHER)):
            pairs = parents.haplotype_pairs(case, parent, PARENT_ERROR).reshape(-1, 4)
            handle.writelines(row_text(name, pairs[:, i], "%.6g") for i in range(4))
    frequency = parents.panel_frequency(case)
    (folder / "frequency.txt").write_text("".join(f"{f:.6f}\n" for f in frequency))
    cm = case.cm.mean(axis=0)
    places = np.rint((cm - cm[0]) * POSITIONS_PER_CM).astype(np.int64).tolist()
    lines = [f"1 site{row} {place}\n" for row, place in enumerate(places)]
    (folder / "map.txt").write_text("".join(lines))
    return float(cm[-1] - cm[0]) / 100.0


def peel(folder: Path, morgans: float, threads: int) -> None:
    """Run AlphaPeel on the files in `folder`; its words go to stderr."""
    files = {
        "ped_file": "pedigree.txt",
        "seq_file": "counts.txt",
        "phased_geno_prob_file": "parents.txt",
        "alt_allele_prob_file": "frequency.txt",
        "map_file": "map.txt",
        "out_file": "out",
    }
    words = ["-method", "multi", "-phased_geno_prob", "-seg_prob", "-no_dosage"]
    words += ["-out_digits", str(DIGITS), "-rec_length", f"{morgans:.6f}"]
    words += ["-n_thread_loci", str(threads)]
    for option, name in files.items():
        words += [f"-{option}", str(folder / name)]
    with contextlib.redirect_stdout(sys.stderr):
        program()(words)


def read_states(path: Path, case: Case) -> NDArray[np.float64]:
    """One of its outputs of four lines an individual, as (E, L, 4)."""
    rows: dict[str, list[NDArray[np.float64]]] = {}
    with path.open() as handle:
        for line in handle:
            name, values = line.split(maxsplit=1)
            rows.setdefault(name, []).append(np.array(values.split(), dtype=float))
    states = [np.stack(rows[name_of(e)], axis=1) for e in range(len(case.embryos))]
    found = np.stack(states)
    return np.asarray(found / found.sum(axis=2, keepdims=True))


def infer(case: Case, threads: int, folder: Path) -> Result:
    """Genotypes and haplotypes of every embryo; folder: for AlphaPeel's files.

    AlphaPeel orders states by the father first: 2 f + m and 2 b + a; the middle two
    change places.
    """
    peel(folder, write_inputs(case, folder), threads)
    mother_first = [0, 2, 1, 3]
    genotypes = read_states(folder / "out.phased_geno_prob.txt", case)
    vectors = read_states(folder / "out.seg_prob.txt", case)
    return ordered.result(
        f"AlphaPeel {metadata.version('AlphaPeel')}",
        genotypes[..., mother_first],
        vectors[..., mother_first],
    )
