"""A made-up family's result tables, in the formats that the report reads."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist

import numpy as np

from morula.tables import write_tsv

QC = (
    "embryo depth breadth ado_rate imbalance error_rate error_rate_damage"
    " contamination foreign maternal_share relationship_mother relationship_father"
    " chromosomes_flagged status reason"
).split()
INHERITANCE = "embryo parent chrom start end haplotype posterior".split()
ANCESTRY = (
    "sample role PC1 PC2 PC3 PC4 se_PC1 se_PC2 se_PC3 se_PC4 population"
    " population_probability superpopulation superpopulation_probability"
    " nearest_distance admixture_AFR admixture_EAS admixture_EUR se_admixture_AFR"
    " se_admixture_EAS se_admixture_EUR between_parents"
).split()
SCORE = (
    "sample role trait pgs_id variants_total variants_used weight_used pgs pgs_sd z"
    " z_low z_high percentile reference status reason prevalence risk risk_low"
    " risk_high risk_sex liability_r2 family_mean sibling_sd sibling_percentile"
    " attainable_low attainable_high z_norm1 nearest_percentile nearest_reference"
).split()
RANKING = (
    "rank embryo index index_low index_high probability_best expected_gain gain_low"
    " gain_high expected_loss within_noise traits_in_index reason"
).split()
OVERRIDES = "embryo artefact conversion mutation parents verdict".split()
MATCH = "pgs_id reason variants weight_share".split()
Rows = list[dict[str, object]]


@dataclass
class World:
    """Size and oddities of a made-up family.

    warned, failed: positions of embryos with that status; withheld: traits withheld
    for everybody; parents: roles that are there.
    """

    n_embryos: int = 4
    n_traits: int = 3
    n_chromosomes: int = 2
    n_panel: int = 90
    crossovers: float = 1.2
    parents: tuple[str, ...] = ("mother", "father")
    warned: tuple[int, ...] = (2,)
    failed: tuple[int, ...] = (3,)
    withheld: tuple[int, ...] = (1,)
    risks: bool = True
    ranked: bool = True
    name: str = "FAM1"
    prefix: str = "E"
    seed: int = 1
    length: int = 2_000_000

    def __post_init__(self) -> None:
        names = {"mother": "M1", "father": "P1"}
        self.roles = {names[role]: role for role in self.parents}
        self.embryos = [f"{self.prefix}{i + 1}" for i in range(self.n_embryos)]
        self.roles |= dict.fromkeys(self.embryos, "embryo")
        self.chromosomes = [f"chr{i + 1}" for i in range(self.n_chromosomes)]

    def status(self, i: int) -> str:
        return "fail" if i in self.failed else "warn" if i in self.warned else "pass"

    def quality(self) -> Rows:
        reasons = {
            "pass": "",
            "warn": "chr2: depth 1.31 of the other chromosomes'",
            "fail": "not shown to be an embryo of the father: relationship 0.06"
            " (a parent has 1, a stranger 0); check for swapped samples",
        }
        rng = self.rng
        return [
            {
                "embryo": name,
                "depth": rng.uniform(3, 12),
                "breadth": rng.uniform(0.7, 0.97),
                "ado_rate": rng.uniform(0.08, 0.3),
                "imbalance": rng.uniform(0.1, 0.4),
                "error_rate": rng.uniform(0.002, 0.006),
                "error_rate_damage": rng.uniform(0.003, 0.01),
                "contamination": None if i == 1 else rng.uniform(-0.002, 0.01),
                "foreign": None if i == 1 else rng.uniform(-0.002, 0.01),
                "maternal_share": rng.uniform(0.47, 0.53) if self.parents else None,
                "relationship_mother": rng.uniform(0.97, 1.03)
                if "mother" in self.parents
                else None,
                "relationship_father": rng.uniform(0.97, 1.03)
                if "father" in self.parents
                else None,
                "chromosomes_flagged": "chr2" if i in self.warned else "",
                "status": self.status(i),
                "reason": reasons[self.status(i)],
            }
            for i, name in enumerate(self.embryos)
        ]

    def inheritance(self) -> Rows:
        rows: Rows = []
        for parent in self.parents:
            for chrom in self.chromosomes:
                error = int(self.rng.integers(300_000, 1_700_000))
                for name in self.embryos:
                    rows += self._lane(name, parent, chrom, error)
        return rows

    def _lane(self, name: str, parent: str, chrom: str, error: int) -> Rows:
        n = int(self.rng.poisson(self.crossovers))
        cuts = sorted({*self.rng.integers(5_000, self.length, n).tolist(), error})
        haplotype = int(self.rng.integers(1, 3))
        rows: Rows = []
        start = 1_000
        for end in [*cuts, self.length - 500]:
            rows.append(
                {
                    "embryo": name,
                    "parent": parent,
                    "chrom": chrom,
                    "start": start,
                    "end": end,
                    "haplotype": haplotype,
                    "posterior": self.rng.choice([0.999, 0.995, 0.93, 0.8, 0.6]),
                }
            )
            start, haplotype = end + 1, 3 - haplotype
        return rows

    def _place(self, centre: np.ndarray, spread: float = 1.0) -> dict[str, object]:
        values = centre + spread * self.rng.normal(size=4)
        return {f"PC{i + 1}": float(value) for i, value in enumerate(values)}

    def panel(self) -> Rows:
        centres = {"AFR": [9, 0, 0, 0], "EUR": [-5, 6, 0, 0], "EAS": [-5, -6, 0, 0]}
        return [
            {
                "sample": f"S{i}",
                "population": name + "1",
                "superpopulation": name,
                **self._place(np.array(centre, dtype=float)),
            }
            for name, centre in centres.items()
            for i in range(self.n_panel // 3)
        ]

    def ancestry(self) -> Rows:
        return [
            {
                "sample": name,
                "role": role,
                **self._place(np.array([-5.0, 6.0, 0.0, 0.0]), 0.6),
                "population": "EUR1",
                "population_probability": 0.94,
                "superpopulation": "EUR",
                "superpopulation_probability": 0.9991,
                "nearest_distance": 1.37,
                "admixture_AFR": 0.01,
                "admixture_EAS": 0.08,
                "admixture_EUR": 0.91,
                **{f"se_PC{i + 1}": 0.1 for i in range(4)},
                **{f"se_admixture_{name}": 0.02 for name in ("AFR", "EAS", "EUR")},
                "between_parents": None if role in ("mother", "father") else True,
            }
            for name, role in self.roles.items()
        ]

    def scores(self) -> Rows:
        names = ["height", "type_1_diabetes", "breast_cancer"]
        names += [f"trait_{i + 1}" for i in range(3, self.n_traits)]
        return [
            self._score(name, role, i, trait)
            for i, trait in enumerate(names[: self.n_traits])
            for name, role in self.roles.items()
        ]

    def _score(self, name: str, role: str, i: int, trait: str) -> dict[str, object]:
        row: dict[str, object] = dict.fromkeys(SCORE)
        row |= {
            "sample": name,
            "role": role,
            "trait": trait,
            "pgs_id": f"PGS{i + 1:06d}",
            "variants_total": 1200 + i,
            "variants_used": 1100 - i,
            "weight_used": 0.41 if i in self.withheld else 0.9345,
            "status": "ok",
        }
        if i in self.withheld:
            reason = "variants with 0.41 of the weight were matched"
            return row | {"status": "withheld", "reason": reason}
        if role == "embryo" and self.status(self.embryos.index(name)) == "fail":
            return row | {"status": "withheld", "reason": "failed quality control"}
        z, sd = float(self.rng.normal(0.3, 0.8)), float(self.rng.uniform(0.03, 0.4))
        sd = 0.01 if role != "embryo" else sd
        row |= {
            "pgs": 12.3456 + z,
            "pgs_sd": sd,
            "z": z,
            "percentile": 100 * NormalDist().cdf(z),
        }
        row |= {"z_low": z - 1.96 * sd, "z_high": z + 1.96 * sd}
        row |= {"reference": "panel by PC1-4, n=50", "z_norm1": z * 1.1}
        row |= {"nearest_reference": "panel EUR, n=30", "nearest_percentile": 61.5}
        if self.risks and i % 3:
            row |= {"prevalence": 0.05, "risk": 0.06, "risk_low": 0.05}
            row |= {"risk_high": 0.0712, "liability_r2": 0.083}
        if role == "embryo" and len(self.parents) == 2:
            row |= {"family_mean": 0.21, "sibling_sd": 0.613, "attainable_low": -2.13}
            row |= {"attainable_high": 2.55, "sibling_percentile": 43.7}
        if role == "embryo" and self.status(self.embryos.index(name)) == "warn":
            row |= {"status": "flagged", "reason": "quality control: see there"}
        return row

    def ranking(self) -> Rows:
        rows: Rows = []
        usable = [n for i, n in enumerate(self.embryos) if i not in self.failed]
        if not self.ranked:
            usable = []
        chances = self.rng.dirichlet(np.ones(max(len(usable), 1)))
        order = np.argsort(-chances)
        for rank, at in enumerate(order[: len(usable)], start=1):
            index = 0.4 - 0.1 * rank
            rows.append(
                {
                    "rank": rank,
                    "embryo": usable[at],
                    "index": index,
                    "index_low": index - 0.11,
                    "index_high": index + 0.09,
                    "probability_best": chances[at],
                    "expected_gain": index - 0.2,
                    "gain_low": index - 0.27,
                    "gain_high": index - 0.12,
                    "expected_loss": 0.031 * rank,
                    "within_noise": "yes" if rank < 3 else "no",
                    "traits_in_index": "type_1_diabetes,breast_cancer",
                    "reason": "",
                }
            )
        for name in self.embryos:
            if name not in usable:
                empty: dict[str, object] = dict.fromkeys(RANKING)
                why = "embryo failed quality control" if self.ranked else "no index"
                rows.append(empty | {"embryo": name, "reason": why})
        return rows

    def match(self) -> Rows:
        shares = {"matched": 0.61, "matched_swapped": 0.3245, "not_in_panel": 0.0655}
        return [
            {
                "pgs_id": f"PGS{i + 1:06d}",
                "reason": reason,
                "variants": int(1200 * share),
                "weight_share": share,
            }
            for i in range(self.n_traits)
            for reason, share in shares.items()
        ]

    def settings(self) -> str:
        return json.dumps(
            {
                "members": [
                    {
                        "name": name,
                        "role": role,
                        "data": "fastq",
                        "cells": 5 if role == "embryo" else None,
                        "amplification": "MDA" if role == "embryo" else "",
                        "sex": "",
                    }
                    for name, role in self.roles.items()
                ],
                "trait_kinds": {
                    "height": "quantitative",
                    "type_1_diabetes": "disease",
                    "breast_cancer": "disease",
                },
                "values": {"seed": "1", "reference.build": "GRCh38"},
                "digest": "ab" * 32,
                "show_sex": False,
            }
        )

    def overrides(self) -> Rows:
        """Of each embryo an artefact, kept, and a conversion, followed."""
        kinds = ((0.9, 0.05, "kept"), (0.02, 0.95, "overridden"))
        return [
            dict(zip(OVERRIDES, (name, a, c, 0.01, 0.02, verdict), strict=True))
            for name in self.embryos
            for a, c, verdict in kinds
            if self.parents
        ]

    def write(self, folder: Path) -> list[str]:
        """Write all tables into `folder`; return the script's flags for them."""
        self.rng = np.random.default_rng(self.seed)
        tables = {
            "quality": (QC, self.quality()),
            "inheritance": (INHERITANCE, self.inheritance()),
            "ancestry": (ANCESTRY, self.ancestry()),
            "ancestry-panel": (
                "sample population superpopulation PC1 PC2 PC3 PC4".split(),
                self.panel(),
            ),
            "scores": (SCORE, self.scores()),
            "ranking": (RANKING, self.ranking()),
            "match": (MATCH, self.match()),
            "overrides": (OVERRIDES, self.overrides()),
        }
        flags = ["--family", self.name, "--settings", self.settings()]
        for table, (columns, rows) in tables.items():
            path = folder / f"{table}.tsv"
            write_tsv(path, columns, rows)
            flags += [f"--{table}", str(path)]
        index = folder / "genome.fa.fai"
        index.write_text(
            "".join(f"{c}\t{self.length}\t6\t60\t61\n" for c in self.chromosomes)
        )
        return [*flags, "--genome-index", str(index)]
