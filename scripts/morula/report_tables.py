"""The tables that a family's report is made from, read and checked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from morula.errors import InputError
from morula.override_table import EXPLANATIONS, KEPT, OVERRIDDEN
from morula.tables import read_tsv

QC_METRICS = (
    "depth breadth ado_rate imbalance error_rate error_rate_damage contamination"
    " foreign maternal_share relationship_mother relationship_father"
).split()
STATUSES = ("pass", "warn", "fail")
SCORE_NUMBERS = (
    "pgs pgs_sd z z_low z_high percentile prevalence risk risk_low risk_high"
    " liability_r2 family_mean sibling_sd sibling_percentile attainable_low"
    " attainable_high z_norm1 nearest_percentile"
).split()


@dataclass(frozen=True)
class Quality:
    """Quality control of one embryo; metrics by column name, None where empty."""

    embryo: str
    metrics: dict[str, float | None]
    flagged: str
    status: str
    reason: str


@dataclass(frozen=True)
class Segment:
    """A stretch (1-based, inclusive, bp) that one embryo has from one haplotype (1 or
    2) of one parent, with the posterior of that haplotype."""

    embryo: str
    parent: str
    chrom: str
    start: int
    end: int
    haplotype: int
    posterior: float


@dataclass(frozen=True)
class Placement:
    """Ancestry of one sample; components are PC1, PC2, ...; admixture by name, and
    standard errors by column of what they are of; between_parents: yes, no, empty."""

    sample: str
    role: str
    components: list[float]
    population: str
    population_probability: float | None
    superpopulation: str
    superpopulation_probability: float | None
    nearest_distance: float | None
    admixture: dict[str, float | None]
    standard_errors: dict[str, float | None]
    between_parents: str


@dataclass(frozen=True)
class PanelSample:
    """A sample of the panel in the space of the components."""

    population: str
    superpopulation: str
    components: list[float]


@dataclass(frozen=True)
class Score:
    """A sample's score for a trait; numbers by column name, None where empty."""

    sample: str
    role: str
    trait: str
    pgs_id: str
    variants_total: int
    variants_used: int
    weight_used: float | None
    numbers: dict[str, float | None]
    reference: str
    nearest_reference: str
    status: str
    reason: str
    risk_sex: str = ""


@dataclass(frozen=True)
class Ranked:
    """An embryo's place; every number is None where the embryo is not ranked."""

    embryo: str
    rank: int | None
    index: float | None
    index_low: float | None
    index_high: float | None
    probability_best: float | None
    expected_gain: float | None
    traits_in_index: str
    reason: str
    gain_low: float | None = None
    gain_high: float | None = None
    expected_loss: float | None = None
    within_noise: bool = False


@dataclass(frozen=True)
class MatchShare:
    """Variants of a scoring file with one outcome, and their share of the weight."""

    pgs_id: str
    reason: str
    variants: int
    weight_share: float | None


@dataclass(frozen=True)
class Contradiction:
    """A site where an embryo's reads contradict what it inherited: the likeliest
    explanation (override_table.EXPLANATIONS), and whether the genome follows them."""

    embryo: str
    explanation: str
    is_overridden: bool


class Row:
    """A row of a table whose cells are asked for by column and type."""

    def __init__(self, path: str | Path, line: int, cells: dict[str, str]) -> None:
        self._where = f"{path}, line {line}"
        self.cells = cells

    def text(self, column: str) -> str:
        """The cell as it is."""
        return self.cells[column]

    def number(self, column: str) -> float | None:
        """The cell as a number, None if empty; raises InputError for other text."""
        cell = self.cells[column]
        if not cell:
            return None
        try:
            return float(cell)
        except ValueError:
            raise InputError(
                f"{self._where}, column {column}: found {cell!r}; expected a number"
            ) from None

    def required(self, column: str) -> float:
        """The cell as a number; raises InputError also when it is empty."""
        value = self.number(column)
        if value is None:
            raise InputError(
                f"{self._where}, column {column}: empty; expected a number"
            )
        return value

    def one_of(self, column: str, words: Sequence[str]) -> str:
        """The cell, which must be one of `words`."""
        cell = self.cells[column]
        if cell not in words:
            raise InputError(
                f"{self._where}, column {column}: found {cell!r}; expected one of"
                f" {', '.join(words)}"
            )
        return cell

    def components(self) -> list[float]:
        """PC1, PC2, ... as far as the table has them."""
        values: list[float] = []
        while f"PC{len(values) + 1}" in self.cells:
            values.append(self.required(f"PC{len(values) + 1}"))
        return values


def _rows(path: str | Path, columns: Sequence[str]) -> Iterator[Row]:
    """Rows of a table that has at least `columns`."""
    rows = read_tsv(path)
    for line, cells in enumerate(rows, start=2):
        missing = [column for column in columns if column not in cells]
        if missing:
            raise InputError(
                f"{path}: no column {missing[0]!r}; found {', '.join(cells)}"
            )
        yield Row(path, line, cells)


def read_quality(path: str | Path) -> list[Quality]:
    """Rows of correct/{family}.qc.tsv."""
    columns = ["embryo", *QC_METRICS, "chromosomes_flagged", "status", "reason"]
    return [
        Quality(
            embryo=row.text("embryo"),
            metrics={name: row.number(name) for name in QC_METRICS},
            flagged=row.text("chromosomes_flagged"),
            status=row.one_of("status", STATUSES),
            reason=row.text("reason"),
        )
        for row in _rows(path, columns)
    ]


def read_segments(path: str | Path) -> list[Segment]:
    """Rows of correct/{family}.inheritance.tsv."""
    columns = "embryo parent chrom start end haplotype posterior".split()
    return [
        Segment(
            embryo=row.text("embryo"),
            parent=row.one_of("parent", ("mother", "father")),
            chrom=row.text("chrom"),
            start=int(row.required("start")),
            end=int(row.required("end")),
            haplotype=int(row.one_of("haplotype", ("1", "2"))),
            posterior=row.required("posterior"),
        )
        for row in _rows(path, columns)
    ]


def read_placements(path: str | Path) -> list[Placement]:
    """Rows of ancestry/{family}.tsv."""
    columns = (
        "sample role PC1 population population_probability superpopulation"
        " superpopulation_probability nearest_distance between_parents"
    ).split()
    prefix, error = "admixture_", "se_"
    return [
        Placement(
            sample=row.text("sample"),
            role=row.text("role"),
            components=row.components(),
            population=row.text("population"),
            population_probability=row.number("population_probability"),
            superpopulation=row.text("superpopulation"),
            superpopulation_probability=row.number("superpopulation_probability"),
            nearest_distance=row.number("nearest_distance"),
            admixture={
                name.removeprefix(prefix): row.number(name)
                for name in row.cells
                if name.startswith(prefix)
            },
            standard_errors={
                name.removeprefix(error): row.number(name)
                for name in row.cells
                if name.startswith(error)
            },
            between_parents=row.text("between_parents"),
        )
        for row in _rows(path, columns)
    ]


def read_panel(path: str | Path) -> list[PanelSample]:
    """Rows of ancestry/panel.tsv."""
    columns = "sample population superpopulation PC1".split()
    return [
        PanelSample(
            row.text("population"), row.text("superpopulation"), row.components()
        )
        for row in _rows(path, columns)
    ]


def read_scores(path: str | Path) -> list[Score]:
    """Rows of score/{family}.tsv."""
    columns = (
        "sample role trait pgs_id variants_total variants_used weight_used reference"
        " nearest_reference status reason"
    ).split()
    return [
        Score(
            sample=row.text("sample"),
            role=row.text("role"),
            trait=row.text("trait"),
            pgs_id=row.text("pgs_id"),
            variants_total=int(row.required("variants_total")),
            variants_used=int(row.required("variants_used")),
            weight_used=row.number("weight_used"),
            numbers={name: row.number(name) for name in SCORE_NUMBERS},
            reference=row.text("reference"),
            nearest_reference=row.text("nearest_reference"),
            status=row.text("status"),
            reason=row.text("reason"),
            risk_sex=row.text("risk_sex"),
        )
        for row in _rows(path, [*columns, *SCORE_NUMBERS, "risk_sex"])
    ]


def read_ranking(path: str | Path) -> list[Ranked]:
    """Rows of score/{family}.ranking.tsv, in the table's order."""
    columns = (
        "rank embryo index index_low index_high probability_best expected_gain gain_low"
        " gain_high expected_loss within_noise traits_in_index reason"
    ).split()
    return [
        Ranked(
            embryo=row.text("embryo"),
            rank=int(row.required("rank")) if row.text("rank") else None,
            index=row.number("index"),
            index_low=row.number("index_low"),
            index_high=row.number("index_high"),
            probability_best=row.number("probability_best"),
            expected_gain=row.number("expected_gain"),
            traits_in_index=row.text("traits_in_index"),
            reason=row.text("reason"),
            gain_low=row.number("gain_low"),
            gain_high=row.number("gain_high"),
            expected_loss=row.number("expected_loss"),
            within_noise=row.text("within_noise") == "yes",
        )
        for row in _rows(path, columns)
    ]


def read_matches(path: str | Path) -> list[MatchShare]:
    """Rows of score/{family}.match.tsv."""
    columns = "pgs_id reason variants weight_share".split()
    return [
        MatchShare(
            pgs_id=row.text("pgs_id"),
            reason=row.text("reason"),
            variants=int(row.required("variants")),
            weight_share=row.number("weight_share"),
        )
        for row in _rows(path, columns)
    ]


def read_contradictions(path: str | Path) -> list[Contradiction]:
    """Rows of impute/{family}.overrides.tsv."""
    verdicts = (OVERRIDDEN, KEPT)
    found = []
    for row in _rows(path, ["embryo", *EXPLANATIONS, "verdict"]):
        weights = {name: row.required(name) for name in EXPLANATIONS}
        found.append(
            Contradiction(
                embryo=row.text("embryo"),
                explanation=max(weights, key=weights.__getitem__),
                is_overridden=row.one_of("verdict", verdicts) == OVERRIDDEN,
            )
        )
    return found


def read_chromosome_lengths(path: str | Path) -> dict[str, int]:
    """Lengths in bp, in the order of a FASTA index (.fai)."""
    lengths = {}
    with Path(path).open() as handle:
        for number, text in enumerate(handle, start=1):
            cells = text.rstrip("\n").split("\t")
            if len(cells) < 2 or not cells[1].isdigit():
                raise InputError(f"{path}, line {number}: not a line of a FASTA index")
            lengths[cells[0]] = int(cells[1])
    return lengths
