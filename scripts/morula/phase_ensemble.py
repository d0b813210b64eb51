"""Many phasings of a family's parents: SHAPEIT4 with several seeds, and Beagle.

Shapes: U sites whose order or genotype is open in a parent, D phasings.
"""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from morula import phase_graph
from morula.genetic_map import GeneticMap
from morula.haplotypes import read_genotypes
from morula.processes import Job, Pipeline, ToolError

logger = logging.getLogger("phase_ensemble")

Key = tuple[int, str, str]
NOTHING = 9


@dataclass(frozen=True)
class Phasings:
    """Phasings of one parent. rows: int64 (U,), rows of the sites that the parents'
    calls share with the panel; is_missing: bool (U,), genotype open, too; alleles:
    uint8 (U, D, 2), of both haplotypes in each phasing, NOTHING where it has none."""

    rows: NDArray[np.int64]
    is_missing: NDArray[np.bool_]
    alleles: NDArray[np.uint8]


@dataclass(frozen=True)
class Inputs:
    """target: BCF to be phased; panel: phased BCF; chrom; map_file: as SHAPEIT4 wants
    it (write_map), plink_map: as Beagle does; folder: for what the programs write;
    about: what a user should look at when they find nothing to phase."""

    target: Path
    panel: str
    chrom: str
    map_file: Path
    plink_map: str
    folder: Path
    about: str


def write_map(genetic_map: GeneticMap, chrom: str, path: Path) -> None:
    """A genetic map in SHAPEIT4's form: pos, chr, cM, with a header."""
    rows = zip(genetic_map.pos_bp.tolist(), genetic_map.cm.tolist(), strict=True)
    lines = [f"{pos_bp}\t{chrom}\t{cm:.8f}\n" for pos_bp, cm in rows]
    path.write_text("pos\tchr\tcM\n" + "".join(lines))


def _start_shapeit(
    pipeline: Pipeline, inputs: Inputs, iterations: str, seed: int, stem: Path
) -> Job:
    """METHOD: one thread a run, since with more the random numbers reach the samples
    in another order every time; --sequencing is SHAPEIT4's setting for genome-wide
    density."""
    command = ["shapeit4", "--input", str(inputs.target), "--reference", inputs.panel]
    command += ["--map", str(inputs.map_file), "--region", inputs.chrom, "--sequencing"]
    command += ["--seed", str(seed), "--mcmc-iterations", iterations, "--thread", "1"]
    command += ["--output", f"{stem}.bcf", "--bingraph", f"{stem}.graph"]
    # Its log holds what its output does, without the bars of progress.
    return pipeline.start(
        [*command, "--log", f"{stem}.log"], about="", stdout=subprocess.DEVNULL
    )


def _finish_shapeit(job: Job, inputs: Inputs, stem: Path, show: bool) -> None:
    """Wait for a run; show its own words if wanted, or if it failed."""
    status = job.process.wait()
    words = Path(f"{stem}.log")
    if (status or show) and words.is_file():
        sys.stderr.write(words.read_text())
    if status:
        raise ToolError(
            f"SHAPEIT4 ended with status {status} on {inputs.chrom} (its own words"
            f" stand above); expected at least two genotyped sites that {inputs.about}"
            f" shares with {inputs.panel}: are both of one build, and do the parents'"
            " reads or VCF cover this chromosome?"
        )


def run_shapeit(
    pipeline: Pipeline, inputs: Inputs, iterations: str, seeds: Sequence[int], jobs: int
) -> list[Path]:
    """A run with each seed, `jobs` at a time; returns the paths without suffix of what
    they wrote: .bcf, .graph. The words of the first stand in the log."""
    stems = [inputs.folder / f"run{number}" for number in range(len(seeds))]
    running: list[tuple[Job, int]] = []

    def finish() -> None:
        job, number = running.pop(0)
        _finish_shapeit(job, inputs, stems[number], show=number == 0)
        logger.info("SHAPEIT4: run %d of %d is done", number + 1, len(seeds))

    for number, seed in enumerate(seeds):
        if len(running) == jobs:
            finish()
        job = _start_shapeit(pipeline, inputs, iterations, seed, stems[number])
        running.append((job, number))
    while running:
        finish()
    return stems


def draw(
    stems: Sequence[Path], parents: Sequence[str], n_draws: int, seed: int
) -> tuple[list[Key], dict[str, Phasings]]:
    """The sites of SHAPEIT4's runs, and n_draws phasings from each run's graph."""
    sites: list[Key] = []
    parts: dict[str, list[NDArray[np.uint8]]] = {name: [] for name in parents}
    found = {}
    for number, stem in enumerate(stems):
        graph = phase_graph.read_graph(f"{stem}.graph")
        sites = graph.sites
        for column, name in enumerate(parents):
            rng = np.random.default_rng([seed, number, column])
            sample = found[name] = graph.samples[name]
            parts[name].append(phase_graph.draw_haplotypes(sample, n_draws, rng))
    return sites, {
        name: Phasings(
            found[name].rows,
            found[name].code == phase_graph.MISSING,
            np.concatenate(parts[name], axis=1),
        )
        for name in parents
    }


def run_beagle(
    pipeline: Pipeline, inputs: Inputs, seeds: Sequence[int], heap_mb: int
) -> list[Path]:
    """Phase the target with Beagle, once a seed, in one thread; returns its VCFs."""
    as_vcf = {"gt": str(inputs.target), "ref": inputs.panel}
    flags = []
    for flag, source in as_vcf.items():
        vcf = inputs.folder / f"{flag}.vcf.gz"
        view = ["bcftools", "view", "-r", inputs.chrom, "-Oz1", "-o", str(vcf), source]
        pipeline.wait([pipeline.start(view, about=f"reading {source}")])
        flags.append(f"{flag}={vcf}")
    flags += [f"map={inputs.plink_map}", f"chrom={inputs.chrom}", "impute=false"]
    java = f"-Xmx{heap_mb}m -Djava.io.tmpdir={inputs.folder} -XX:-UsePerfData"
    results = []
    for number, seed in enumerate(seeds):
        prefix = inputs.folder / f"beagle{number}"
        command = ["beagle", *flags, f"out={prefix}", f"seed={seed}"]
        job = pipeline.start(
            [*command, "nthreads=1"],
            about="",
            stdout=subprocess.DEVNULL,
            variables={"JAVA_TOOL_OPTIONS": java},
        )
        if job.process.wait() or not Path(f"{prefix}.vcf.gz").is_file():
            raise ToolError(
                f"Beagle could not phase {inputs.chrom} (its own words stand above);"
                " with OutOfMemoryError, raise mem_mb of rule phase_parents"
            )
        logger.info("Beagle: run %d of %d is done", number + 1, len(seeds))
        # Without an index htslib warns of the contig, which Beagle's header lacks.
        index = ["bcftools", "index", "-t", f"{prefix}.vcf.gz"]
        pipeline.wait([pipeline.start(index, about="indexing Beagle's output")])
        results.append(Path(f"{prefix}.vcf.gz"))
    return results


def with_beagle(
    phasings: dict[str, Phasings],
    sites: Sequence[Key],
    paths: Sequence[Path],
    chrom: str,
    weight: int,
) -> dict[str, Phasings]:
    """The phasings and those of Beagle, each as `weight` of them; of sites that Beagle
    leaves out (it keeps one record a position) its phasings say nothing.

    METHOD: SHAPEIT4's runs share what its model gets wrong; Beagle's errors are others.
    """
    result = dict(phasings)
    for path in paths:
        found = read_genotypes(path, chrom, list(phasings))
        keys = zip(found.pos_bp.tolist(), found.ref, found.alt, strict=True)
        place = {key: row for row, key in enumerate(keys)}
        for column, (name, own) in enumerate(result.items()):
            rows = np.array([place.get(sites[row], -1) for row in own.rows.tolist()])
            alleles = found.alleles[rows, column].astype(np.uint8)
            alleles[rows < 0] = NOTHING
            many = alleles[:, None].repeat(weight, axis=1)
            many = np.concatenate([own.alleles, many], axis=1)
            result[name] = Phasings(own.rows, own.is_missing, many)
    return result
