"""A drawn family with what overrides inheritance, or looks so, planted in its embryos.

Shapes: L sites. Parents are known as well as parents at 30x: their phase has flips and
switches, their genotypes errors, at the rates that the estimate claims.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.drawn_family import (
    FLIP,
    GENOTYPE_ERROR,
    SWITCH,
    Drawn,
    Size,
    amplified,
    counts_of,
    draw_embryo,
    draw_parents,
    write_counts,
    write_parents,
)

# Hets of a planted tract are within this span at most for each of them.
SPAN_BP_A_HET = 400
# Nothing else is planted in the family within this distance.
APART_BP = 30_000
CONVERSION, ARTEFACT, MUTATION = "conversion", "artefact", "mutation"


@dataclass(frozen=True)
class Event:
    """What was planted in an embryo: kind; rows: of its sites, all hets of one parent
    in a conversion."""

    embryo: str
    kind: str
    rows: tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """conversions: number of hets of each tract; artefacts, mutations: how many of
    each, single sites; in every embryo."""

    conversions: tuple[int, ...] = ()
    artefacts: int = 0
    mutations: int = 0


def as_known(rng: np.random.Generator, drawn: Drawn) -> Drawn:
    """The parents as phase and genotypes at 30x have them."""
    alleles = drawn.alleles.copy()
    for one in alleles:
        is_het = one[:, 0] != one[:, 1]
        turned = np.cumsum(is_het & (rng.random(len(one)) < SWITCH)) % 2 == 1
        turned ^= is_het & (rng.random(len(one)) < FLIP)
        one[turned] = one[turned, ::-1]
        wrong = np.flatnonzero(rng.random(len(one)) < GENOTYPE_ERROR)
        one[wrong] = rng.integers(0, 2, (len(wrong), 2))
    return replace(drawn, alleles=alleles)


@dataclass(frozen=True)
class Planted:
    """drawn: the true parents; events: what was planted; alleles: (L, 2), the true ones
    of each member."""

    drawn: Drawn
    events: list[Event]
    alleles: dict[str, NDArray[np.int8]]


class Places:
    """Free places on the chromosome of a family."""

    def __init__(self, rng: np.random.Generator, drawn: Drawn) -> None:
        self.rng, self.drawn = rng, drawn
        self.free = np.ones(len(drawn.sites.pos_bp), dtype=bool)

    def take(self, rows: NDArray[np.int64]) -> tuple[int, ...]:
        """Rows, and nothing near them from now on."""
        pos_bp = self.drawn.sites.pos_bp
        near = pos_bp >= pos_bp[rows[0]] - APART_BP
        near &= pos_bp <= pos_bp[rows[-1]] + APART_BP
        self.free &= ~near
        return tuple(rows.tolist())

    def hets(self, side: int, number: int) -> tuple[int, ...]:
        """`number` neighbouring hets of a parent (0 mother, 1 father), near to each
        other."""
        one = self.drawn.alleles[side]
        hets = np.flatnonzero(one[:, 0] != one[:, 1])
        first, last = hets[: len(hets) - number + 1], hets[number - 1 :]
        pos_bp = self.drawn.sites.pos_bp
        near = pos_bp[last] - pos_bp[first] <= SPAN_BP_A_HET * number
        start = self.rng.choice(np.flatnonzero(near & self.free[first]))
        return self.take(hets[start : start + number])

    def single(self, copies: int | None = None) -> tuple[int, ...]:
        """A site; copies: at which both parents have so many of ALT."""
        fits = self.free
        if copies is not None:
            fits = fits & (self.drawn.alleles.sum(axis=2) == copies).all(axis=0)
        return self.take(self.rng.choice(np.flatnonzero(fits), 1))


def plant(
    places: Places, name: str, alleles: NDArray[np.int8], plan: Plan
) -> tuple[NDArray[np.int8], NDArray[np.int8], list[Event]]:
    """An embryo's true alleles, (L, 2), with the conversions and new mutations of
    `plan`; those that its DNA shows, with the artefacts, too; and what was planted."""
    rng, found, events = places.rng, alleles.copy(), []
    for number in plan.conversions:
        side = int(rng.integers(2))
        rows = places.hets(side, number)
        found[list(rows), side] ^= 1
        events.append(Event(name, CONVERSION, rows))
    for _ in range(plan.mutations):
        rows = places.single(0)
        found[rows[0], rng.integers(2)] ^= 1
        events.append(Event(name, MUTATION, rows))
    shown = found.copy()
    for _ in range(plan.artefacts):
        rows = places.single()
        shown[rows[0], rng.integers(2)] ^= 1
        events.append(Event(name, ARTEFACT, rows))
    return found, shown, events


def write_planted(
    rng: np.random.Generator,
    folder: Path,
    size: Size,
    children: list[str],
    embryos: list[str],
    plan: Plan,
) -> Planted:
    """All files of a family of born children, whose DNA is ordinary, and embryos."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = draw_parents(rng, size)
    result = Planted(drawn, [], {})
    write_parents(folder, size, as_known(rng, drawn))
    places = Places(rng, drawn)
    for name in (*children, *embryos):
        inherited = draw_embryo(rng, drawn)
        alleles, shown, events = plant(places, name, inherited, plan)
        amount = np.ones(alleles.shape)
        if name in embryos:
            amount = amplified(rng, size.span_bp, drawn.sites.pos_bp)
        counts = counts_of(rng, size.depth, shown, amount)
        path, fai = folder / f"{name}.counts.bcf", folder / "genome.fa.fai"
        write_counts(path, name, fai, size.chrom, drawn.sites, counts)
        result.events.extend(events)
        result.alleles[name] = alleles
    return result
