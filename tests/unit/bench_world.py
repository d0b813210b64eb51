"""Cases and results of the benchmark with known properties, made without simulator."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from bench import case as bench_case
from bench.case import Case, Result, plain_result

SITE_BP = 2000


def make_case(
    seed: int = 1, n_sites: int = 1500, n_embryos: int = 4, cm_per_mb: float = 20.0
) -> Case:
    """A couple with random haplotypes, true phase given, and embryos by Haldane's
    model. The map is steep, so that a few Mb have crossovers."""
    rng = np.random.default_rng(seed)
    pos_bp = SITE_BP * np.arange(1, n_sites + 1)
    frequency = np.clip(rng.beta(0.5, 0.5, n_sites), 0.005, 0.995)
    parents = (rng.random((2, n_sites, 2)) < frequency[None, :, None]).astype(np.int8)
    cm = np.stack([pos_bp * cm_per_mb / 1e6, pos_bp * 0.6 * cm_per_mb / 1e6])
    transmitted = np.stack(
        [np.stack([gamete(rng, cm[side]) for side in (0, 1)]) for _ in range(n_embryos)]
    )
    alleles = np.stack(
        [
            [parents[side, np.arange(n_sites), one[side]] for side in (0, 1)]
            for one in transmitted
        ]
    ).transpose(0, 2, 1)
    return Case(
        chrom="chr20",
        pos_bp=pos_bp.astype(np.int64),
        ref=np.full(n_sites, "A"),
        alt=np.full(n_sites, "C"),
        embryos=np.array([f"E{k + 1}" for k in range(n_embryos)]),
        alt_frequency=frequency,
        counts=np.zeros((n_embryos, n_sites, 2), dtype=np.int32),
        is_snv=np.arange(n_sites) % 10 > 0,
        cm=cm,
        parent_pl=np.zeros((2, n_sites, 3), dtype=np.int32),
        phased=parents.copy(),
        parents=parents,
        alleles=alleles.astype(np.int8),
        transmitted=transmitted.astype(np.int8),
        true_dropout=rng.uniform(0.1, 0.4, n_embryos),
        true_contamination=np.zeros(n_embryos),
        true_error=np.full(n_embryos, 0.005),
    )


def gamete(rng: np.random.Generator, cm: np.ndarray) -> np.ndarray:
    """Haplotype (0, 1) that a gamete has at each site, by Haldane's model."""
    odd = (1.0 - np.exp(-2.0 * np.diff(cm) / 100.0)) / 2.0
    turns = rng.random(len(odd)) < odd
    return (int(rng.integers(2)) + np.concatenate([[0], np.cumsum(turns)])) % 2


def turned(case: Case, side: int, where: slice | list[int]) -> Case:
    """The case with a parent's phase turned at some sites: a switch error at each end
    of a stretch, a flip at a single het."""
    phased = case.phased.copy()
    phased[side, where] = phased[side, where][:, ::-1]
    return replace(case, phased=phased)


def true_result(case: Case, method: str = "morula 1") -> Result:
    """Everything right and sure."""
    copies = case.alleles.sum(axis=2)
    gp = np.eye(3)[copies]
    agrees = case.phased[:, :, 0] == case.parents[:, :, 0]
    haplotype = np.where(agrees[None], case.transmitted, 1 - case.transmitted)
    return replace(
        plain_result(method, gp),
        haplotype=haplotype.astype(np.float32),
        phased=case.alleles,
        dropout=case.true_dropout,
        draws=np.packbits(case.alleles.transpose(0, 2, 1), axis=2)[:, :, None],
    )


def noisy_result(case: Case, method: str, error: float, seed: int = 1) -> Result:
    """Genotypes read with an error, turned into probabilities by Bayes' rule with the
    panel's frequencies as prior; haplotypes right but less sure, draws of the genotype
    probabilities."""
    rng = np.random.default_rng(seed)
    true = case.alleles.sum(axis=2)
    wrong = rng.random(true.shape) < error
    seen = np.where(wrong, (true + rng.integers(1, 3, true.shape)) % 3, true)
    likelihood = np.where(np.eye(3)[seen] > 0, 1.0 - error, error / 2.0)
    p = case.alt_frequency[:, None]
    gp = likelihood * np.concatenate([(1 - p) ** 2, 2 * p * (1 - p), p**2], axis=1)
    gp /= gp.sum(axis=2, keepdims=True)
    best = true_result(case, method)
    return replace(
        best,
        gp=gp.astype(np.float32),
        haplotype=np.clip(best.haplotype, error / 4, 1 - error / 4).astype(np.float32),
        phased=np.where(wrong[:, :, None], 1 - case.alleles, case.alleles),
        dropout=case.true_dropout + rng.normal(0.0, 0.02, len(true)),
        status=np.where(np.arange(len(true)) % 3 == 2, "warn", "pass"),
        draws=_draws(rng, gp),
    )


def _draws(rng: np.random.Generator, gp: np.ndarray, n_draws: int = 50) -> np.ndarray:
    """Independent draws of the genotypes, packed."""
    uniform = rng.random((len(gp), n_draws, gp.shape[1]))
    copies = (uniform > gp[:, None, :, 0]).astype(int)
    copies += uniform > gp[:, None, :, 0] + gp[:, None, :, 1]
    alleles = np.stack([copies > 0, copies > 1], axis=1)
    return np.packbits(alleles, axis=3)


def sparse_weights(case: Case, n_scores: int = 10, seed: int = 5) -> np.ndarray:
    """Weights (L, K) of scores of 100 variants."""
    rng = np.random.default_rng(seed)
    weights = np.zeros((len(case.pos_bp), n_scores))
    for column in range(n_scores):
        rows = rng.choice(len(weights), 100, replace=False)
        weights[rows, column] = rng.normal(size=100)
    return weights


def write_case(folder: Path, case: Case, results: list[Result]) -> list[str]:
    """Flags of judge_case.py for a case written to `folder`."""
    folder.mkdir(parents=True)
    bench_case.save(folder / "case.npz", case)
    paths = [str(folder / f"result{k}.npz") for k in range(len(results))]
    for path, result in zip(paths, results, strict=True):
        bench_case.save(path, result)
    with (folder / "scores.npz").open("wb") as handle:
        np.savez(handle, weights=sparse_weights(case))
    flags = ["--case", str(folder / "case.npz"), "--results", *paths]
    return [*flags, "--weights", str(folder / "scores.npz")]
