"""What the two parents' meioses give to a child, chromosome by chromosome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from morula import sex_chromosome
from morula.genetic_map import GeneticMap
from morula.simulation import sex_chromosomes
from morula.simulation.copies import Stretch
from morula.simulation.meiosis import Chromatid, Interference, choose, draw_tetrad
from morula.simulation.streams import stream

# By the way that it came into the zygote: `gamete` is the ordinary product; the others
# would come besides it, by nondisjunction in `meiosis_1` or `meiosis_2`, by copying the
# gamete's (`mitotic`), or by a second sperm (`dispermy`). None: not this chromosome
# (a sperm with an X has no Y).
Given = Mapping[str, tuple[Stretch, ...] | None]


@dataclass(frozen=True)
class Chromosome:
    """A chromosome and its meioses; maps and interference of mother and father."""

    name: str
    build: str
    length_bp: int
    centromere_bp: int
    maps: tuple[GeneticMap, GeneticMap]
    interference: tuple[Interference, Interference]

    @property
    def kind(self) -> str:
        """`X`, `Y`, or empty for an autosome."""
        return sex_chromosome.kind_of(self.name)


def sex_of_sperm(seed: int, sample: str, sex: str) -> tuple[str, str]:
    """Sex that the sperm gives, `female` or `male`, and that of a second sperm.

    sex: of the sample, `unknown` to draw it. A female comes of two sperm with an X.
    """
    rng = stream(seed, "sex", sample)
    drawn, second = (("female", "male")[i] for i in rng.integers(0, 2, 2).tolist())
    first = drawn if sex == "unknown" else sex
    return first, "female" if first == "female" else second


def transmit(
    seed: int, sample: str, chromosome: Chromosome, sexes: tuple[str, str]
) -> tuple[Given, Given]:
    """What the mother and the father give; sexes: as by `sex_of_sperm`."""
    if chromosome.kind == "Y":
        return {}, _y_given(chromosome, sexes)
    mother = _given(seed, sample, "mother", chromosome, sexes[0])
    father = dict(_given(seed, sample, "father", chromosome, sexes[0]))
    second = _given(seed, sample, "second sperm", chromosome, sexes[1])
    father["dispermy"] = second["gamete"]
    return mother, father


def _given(
    seed: int, sample: str, gamete: str, chromosome: Chromosome, sex: str
) -> Given:
    """What one egg or sperm holds of an autosome or of X, and might hold besides."""
    rng = stream(seed, "meiosis", sample, gamete, chromosome.name)
    parent = 0 if gamete == "mother" else 1
    build, length_bp = chromosome.build, chromosome.length_bp
    if chromosome.kind == "X" and parent == 1:
        tetrad = sex_chromosomes.draw_xy_tetrad(
            rng, chromosome.maps[1], build, length_bp
        )
        chosen = choose(rng, tetrad, 0 if sex == "female" else 1)
        given = {
            how: sex_chromosomes.stretches_on_x(one, build, length_bp)
            for how, one in chosen.items()
        }
    else:
        tetrad = draw_tetrad(
            rng,
            chromosome.maps[parent],
            length_bp,
            chromosome.centromere_bp,
            chromosome.interference[parent],
        )
        chosen = choose(rng, tetrad)
        given = {how: _whole(one, length_bp) for how, one in chosen.items()}
    return given | {"mitotic": given["gamete"]}


def _whole(chromatid: Chromatid, length_bp: int) -> tuple[Stretch, ...]:
    return tuple(Stretch(*part) for part in chromatid.segments(1, length_bp))


def _y_given(chromosome: Chromosome, sexes: tuple[str, str]) -> Given:
    """What the father gives of Y: all Y chromatids are alike."""
    y = sex_chromosomes.stretches_on_y(chromosome.build, chromosome.length_bp)
    own, other = (y, None) if sexes[0] == "male" else (None, y)
    return {
        "gamete": own,
        "mitotic": own,
        "meiosis_1": other,
        "meiosis_2": own,
        "dispermy": y if sexes[1] == "male" else None,
    }
