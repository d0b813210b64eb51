"""X and Y: pseudo-autosomal regions, and what a father's meiosis makes of the pair.

A male's haplotype 0 on X is his X; his haplotype 1 there is what his Y has in the
pseudo-autosomal regions (PAR), and nothing elsewhere. On Y his haplotype 0 is his Y
outside the PARs: what it has within them is told on X, where its reads align.
"""

from __future__ import annotations

import numpy as np

from morula.genetic_map import GeneticMap
from morula.sex_chromosome import Span, kind_of, own_region
from morula.simulation.copies import Copy, Stretch, ordinary_pair
from morula.simulation.meiosis import Chromatid, resolve


def pseudo_autosomal(build: str, length_bp: int) -> list[Span]:
    """First and last position of the PARs of an X of this length."""
    start, end = own_region(build, "X", length_bp)
    return [(1, start - 1), *([(end + 1, length_bp)] if end < length_bp else [])]


def draw_xy_tetrad(
    rng: np.random.Generator, male_map: GeneticMap, build: str, length_bp: int
) -> tuple[Chromatid, ...]:
    """Chromatids of a father's X and Y, in coordinates of X; 0 and 1 are X at the
    centromere, 2 and 3 Y."""
    # METHOD: X and Y pair in PAR1 and have one chiasma there in every male meiosis
    # (Rouyer et al. 1986, Nature 319:291), so that PAR1 is 50 cM long in males; it is
    # put in proportion to the male map. Recombination in PAR2 is rare and left out.
    last = own_region(build, "X", length_bp)[0] - 1
    inside = (male_map.pos_bp > 1) & (male_map.pos_bp < last)
    grid_bp = np.concatenate([[1], male_map.pos_bp[inside], [last]])
    grid_cm = male_map.cm_at(grid_bp)
    if grid_cm[-1] <= grid_cm[0]:
        grid_cm = grid_bp.astype(np.float64)
    at_cm = rng.uniform(grid_cm[0], grid_cm[-1])
    chiasma_bp = np.interp([at_cm], grid_cm, grid_bp).astype(np.int64)
    return resolve(rng, chiasma_bp, length_bp)


def stretches_on_x(
    chromatid: Chromatid, build: str, length_bp: int
) -> tuple[Stretch, ...]:
    """What a sperm's chromatid of the pair holds in coordinates of X."""
    spans = [(1, length_bp)]
    if chromatid.centromere == 1:
        spans = pseudo_autosomal(build, length_bp)
    parts = [part for span in spans for part in chromatid.segments(*span)]
    return tuple(Stretch(*part) for part in parts)


def stretches_on_y(build: str, length_bp: int) -> tuple[Stretch, ...]:
    """What a Y holds in coordinates of Y."""
    return (Stretch(*own_region(build, "Y", length_bp), 0),)


def founder_copies(chrom: str, sex: str, build: str, length_bp: int) -> list[Copy]:
    """A founder's copies of a chromosome; sex: `female` or `male`."""
    kind = kind_of(chrom)
    if not kind or (kind == "X" and sex == "female"):
        return ordinary_pair(1, length_bp)
    if kind == "X":
        shared = pseudo_autosomal(build, length_bp)
        x = Copy("", (Stretch(1, length_bp, 0),))
        return [x, Copy("", tuple(Stretch(*span, 1) for span in shared))]
    return [Copy("", stretches_on_y(build, length_bp))] if sex == "male" else []
