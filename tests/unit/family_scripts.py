"""The scripts from prepare_family to impute_family, as the tests run them on the files
of a small family (small_family.py).
"""

from __future__ import annotations

import cyvcf2
import numpy as np

import correct_family
import impute_family
import impute_parents
import prepare_family
from morula import amplification, amplification_record
from small_family import SmallFamily

NAMES = ("E1", "E2")
BOTH = ("--mother", "M", "--father", "P")
MODEL = (
    "--max-depth 50 --burn-in 3 --sweeps 30 --tolerance 0.0005 --samples 40"
    " --outlier 0.0001 --seed 1"
).split()
OUTPUTS = ("posterior.npz", "evidence.json", "inheritance.tsv", "parents.bcf")


# Where the phase that the scripts get switches in the mother.
SWITCH_AT = 1504
SINGLE_CELL = amplification.Preset(0.2, 2.0, 10_000.0)


def write_record(path, embryo, n_shares=9, preset=SINGLE_CELL):
    learnt = amplification.start(preset, 1, n_shares, 0.005, 0.005, 0.003, 0.0)
    intervals = dict.fromkeys(amplification.Amplification.measured)
    record = amplification_record.Record(
        embryo, learnt, 0.2, 0.3, intervals, True, 1, 1, 1
    )
    amplification_record.write_record(path, record)
    return path


def prepare(world, output, parents=BOTH, phased="given.bcf"):
    sources = f"--panel {world}/panel.bcf"
    if parents:
        sources = f"--genotypes {world}/call.bcf --imputed {world}/imputed.bcf"
        sources += f" --phased {world}/{phased}"
    return prepare_family.main(
        [
            *f"--sites {world}/sites.tsv.gz {sources}".split(),
            *f"--map-female {world}/chr21.map --map-male {world}/chr21.map".split(),
            *"--chrom chr21 --genotype-error 0.001".split(),
            *parents,
            *f"--output {output}".split(),
        ]
    )


def correct(world, out, names=NAMES, parents=BOTH, **files):
    """Run correct_family into the folder `out`; files: paths that replace others."""
    given = {
        "family_sites": world / "family.npz",
        "counts": [world / f"counts.{name}.bcf" for name in names],
        "amplification": [world / f"{name}.json" for name in names],
    } | files
    flags = ["--chrom", "chr21", *parents, "--embryos", *names, *MODEL]
    for name, value in given.items():
        paths = value if isinstance(value, list) else [value]
        flags += [f"--{name.replace('_', '-')}", *map(str, paths)]
    for name in OUTPUTS:
        flags += [f"--{name.split('.')[0]}", str(out / name)]
    return correct_family.main(flags)


def finish(world, out, parents=BOTH, prepared=None, overrides=None):
    sources = f"--panel {world}/panel.bcf"
    if parents:
        sources = f"--parents {world}/imputed.bcf --phased {world}/given.bcf"
    if overrides:
        sources += f" --overrides {overrides}"
    return impute_family.main(
        [
            *f"{sources} --map {world}/chr21.map --chrom chr21".split(),
            *"--genotype-error 0.001 --seed 1".split(),
            *parents,
            *f"--posterior {out}/posterior.npz --genomes {out}/genomes.bcf".split(),
            *f"--family-sites {prepared or world / 'family.npz'}".split(),
            *f"--samples {out}/genomes.npz".split(),
        ]
    )


def read_genomes(path):
    """Samples, GT alleles (L, N, 2), phased (L, N), GP (L, N, 3)."""
    reader = cyvcf2.VCF(str(path))
    rows = [(record.genotype.array(), record.format("GP")) for record in reader]
    genotype = np.stack([row[0] for row in rows])
    gp = np.stack([row[1] for row in rows])
    return reader.samples, genotype[..., :2], genotype[..., 2].astype(bool), gp


def write_phase(small, turned_from):
    """given.bcf: the true haplotypes, the mother's exchanged from a row on."""

    def cell(row):
        mother = small.mother[row][::-1] if row >= turned_from else small.mother[row]
        cells = []
        for one, two in (mother, small.father[row]):
            doubt = "0.01:0.002" if one != two else "0:0"
            cells.append(f"{one}|{two}:{doubt}")
        return cells

    rows = np.flatnonzero(small.is_snv)
    return small.write("given", ["M", "P"], rows, cell, fmt="GT:FP:SP")


def small_chain(folder):
    """A small family after every script has run in `folder`."""
    small = SmallFamily(folder)
    phased = write_phase(small, SWITCH_AT)
    flags = (
        f"--chrom chr21 --seed 1 --threads 1 --memory-mb 500 --map {folder}/chr21.map"
    )
    flags += f" --phased {phased} --panel {folder}/panel.bcf"
    flags += f" --output {folder}/imputed.bcf"
    assert impute_parents.main(flags.split()) == 0
    for name in NAMES:
        write_record(folder / f"{name}.json", name)
    assert prepare(folder, folder / "family.npz") == 0
    assert correct(folder, folder) == 0
    assert finish(folder, folder) == 0
    return small
