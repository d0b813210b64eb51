"""What was learnt of one embryo's amplification, as results/correct/embryos keep it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from morula.amplification import Amplification
from morula.array_signal import ArraySignal
from morula.atomic import written_whole
from morula.errors import InputError


@dataclass(frozen=True)
class Record:
    """What was learnt of an embryo, as results/correct/embryos keep it.

    dropout: of all amplified sites, not only of those with reads as in `amplification`,
    NaN where it is taken from the preset (`of_preset_dropout`);
    imbalance: as `amplification.imbalance`, both from sites of different fragments;
    intervals: 95 % of each of amplification.measured, None where it is not in the
    model; converged, iterations: of EM; sites_informative: sites with reads that tell
    of the amplification, sites_used: of these and of others, those that were used.
    """

    embryo: str
    amplification: Amplification
    dropout: float
    imbalance: float
    intervals: dict[str, tuple[float, float] | None]
    converged: bool
    iterations: int
    sites_informative: int
    sites_used: int


def of_preset_dropout(record: Record, begin: Amplification) -> Record:
    """`record` of an embryo with an unknown parent, with the dropout of `begin`.

    # METHOD: an unknown parent's alleles are drawn by the panel's frequencies, site by
    # site. Linkage makes stretches without the embryo's other allele that are far too
    # long for that, and EM takes it for lost: 0.36 for 0.18 without parents; 0.37, and
    # 0.36 with the father alone, in a born child's ordinary DNA. So the ends of the
    # distribution of x stay at the published dropout; between them, where both alleles
    # show, it is learnt, as are amplicon length and errors.
    """
    learnt = record.amplification
    inner = learnt.share_prior[1:-1]
    ends = begin.share_prior[[0, -1]]
    share_prior = learnt.share_prior.copy()
    share_prior[[0, -1]] = ends
    share_prior[1:-1] = (1.0 - ends.sum()) * inner / inner.sum()
    return replace(
        record,
        amplification=replace(learnt, share_prior=share_prior),
        dropout=math.nan,
        intervals=record.intervals | {"dropout": None},
    )


def write_record(path: str | Path, record: Record) -> None:
    """Write `record` as JSON, whole or not at all."""
    learnt = record.amplification
    values = {
        "embryo": record.embryo,
        "shares": learnt.shares.tolist(),
        "share_prior": learnt.share_prior.tolist(),
        "is_array": learnt.is_array,
        **{name: getattr(learnt, name) for name in learnt.measured},
        "dropout": None if math.isnan(record.dropout) else record.dropout,
        "imbalance": record.imbalance,
        "converged": record.converged,
        "iterations": record.iterations,
        "sites_informative": record.sites_informative,
        "sites_used": record.sites_used,
        "intervals": record.intervals,
    }
    with written_whole(path) as partial:
        partial.write_text(json.dumps(values, indent=1) + "\n")


def read_record(path: str | Path) -> Record:
    """Read what `write_record` wrote; raises InputError for any other file."""
    try:
        data = json.loads(Path(path).read_text())
        kind = ArraySignal if data["is_array"] else Amplification
        learnt = kind(
            np.array(data["shares"], dtype=np.float64),
            np.array(data["share_prior"], dtype=np.float64),
            **{name: float(data[name]) for name in kind.measured[2:]},
        )
        return Record(
            str(data["embryo"]),
            learnt,
            math.nan if data["dropout"] is None else float(data["dropout"]),
            float(data["imbalance"]),
            {
                name: None if pair is None else (float(pair[0]), float(pair[1]))
                for name, pair in data["intervals"].items()
            },
            bool(data["converged"]),
            int(data["iterations"]),
            int(data["sites_informative"]),
            int(data["sites_used"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: {type(error).__name__} {error}; expected the JSON that"
            " learn_amplification.py writes: run that step again"
        ) from error


def read_learnt(path: str | Path) -> Amplification:
    """The amplification in the file that `write_record` wrote."""
    return read_record(path).amplification


def read_family(
    paths: Sequence[str | Path], embryos: Sequence[str]
) -> list[Amplification]:
    """The amplification of each of `embryos`, all on the grid of the first; raises
    InputError for the file of another embryo, or with another grid."""
    found: list[Amplification] = []
    for path, embryo in zip(paths, embryos, strict=True):
        record = read_record(path)
        if record.embryo != embryo:
            raise InputError(
                f"{path}: what was learnt of {record.embryo!r}; expected {embryo!r}:"
                " give the files in the order of --embryos"
            )
        found.append(record.amplification)
        if not np.array_equal(found[0].shares, found[-1].shares):
            raise InputError(
                f"{path}: another grid of shares ({len(found[-1].shares)} points) than"
                f" {paths[0]} ({len(found[0].shares)}); expected the same"
                " for a whole family: learn them again"
            )
    return found
