"""A family's results as the report may show them: what is withheld is gone from here
on, so that no picture or table can show it by mistake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from morula import report_tables as tables
from morula.errors import InputError
from morula.report_settings import Member, Settings
from morula.report_tables import (
    Contradiction,
    MatchShare,
    PanelSample,
    Placement,
    Quality,
    Ranked,
    Score,
    Segment,
)
from morula.sex_chromosome import is_x

PARENTS = ("mother", "father")


@dataclass(frozen=True)
class Withheld:
    """One thing that is not shown, whose it is, and why."""

    what: str
    who: str
    why: str


@dataclass(frozen=True)
class Family:
    """All that a report shows of a family, and what is withheld from it."""

    name: str
    settings: Settings
    chromosome_lengths: dict[str, int]
    quality: list[Quality]
    segments: list[Segment]
    placements: list[Placement]
    panel: list[PanelSample]
    scores: list[Score]
    ranking: list[Ranked]
    matches: list[MatchShare]
    contradictions: list[Contradiction]
    withheld: list[Withheld]

    def parents(self) -> list[Member]:
        """Mother, father, as far as they are there."""
        return [m for m in self.settings.members if m.role in PARENTS]

    def embryos(self) -> list[Member]:
        """Embryos, then born children."""
        return [m for m in self.settings.members if m.role not in PARENTS]

    def status(self, embryo: str) -> str:
        """pass, warn, fail, or empty for who has no quality control."""
        return next((q.status for q in self.quality if q.embryo == embryo), "")

    def placement(self, sample: str) -> Placement | None:
        """Ancestry of a sample, None where it is not given."""
        return next((p for p in self.placements if p.sample == sample), None)


def read_family(
    name: str, settings: Settings, paths: Mapping[str, str | Path]
) -> Family:
    """Read the tables and take out what is to be withheld.

    paths: quality, inheritance, ancestry, ancestry_panel, scores, ranking, match,
    overrides, genome_index. Raises InputError for a table that does not fit the family.
    """
    family = Family(
        name=name,
        settings=settings,
        chromosome_lengths=tables.read_chromosome_lengths(paths["genome_index"]),
        quality=tables.read_quality(paths["quality"]),
        segments=tables.read_segments(paths["inheritance"]),
        placements=tables.read_placements(paths["ancestry"]),
        panel=tables.read_panel(paths["ancestry_panel"]),
        scores=tables.read_scores(paths["scores"]),
        ranking=tables.read_ranking(paths["ranking"]),
        matches=tables.read_matches(paths["match"]),
        contradictions=tables.read_contradictions(paths["overrides"]),
        withheld=[],
    )
    _check_names(family, paths)
    return _guarded(family)


def _check_names(family: Family, paths: Mapping[str, str | Path]) -> None:
    """Every name of a table is a member's, every embryo has quality control, every
    chromosome is in the index."""
    members = {member.name for member in family.settings.members}
    found = {
        "quality": {row.embryo for row in family.quality},
        "inheritance": {row.embryo for row in family.segments},
        "ancestry": {row.sample for row in family.placements},
        "scores": {row.sample for row in family.scores},
        "ranking": {row.embryo for row in family.ranking},
        "overrides": {row.embryo for row in family.contradictions},
    }
    for table, names in found.items():
        if strangers := sorted(names - members):
            raise InputError(
                f"{paths[table]}: {strangers[0]!r} is no member of family"
                f" {family.name}; expected {', '.join(sorted(members))}"
            )
    for embryo in family.embryos():
        if embryo.name not in found["quality"]:
            raise InputError(f"{paths['quality']}: no row for embryo {embryo.name!r}")
    for segment in family.segments:
        if segment.chrom not in family.chromosome_lengths:
            raise InputError(
                f"{paths['inheritance']}: chromosome {segment.chrom!r} is not in"
                f" {paths['genome_index']}"
            )


def _guarded(family: Family) -> Family:
    """The family without what must not be shown, and a list of that."""
    failed = {q.embryo: q.reason for q in family.quality if q.status == "fail"}
    withheld = [
        Withheld(
            "inheritance, ancestry, scores, rank, and reads against inheritance",
            embryo,
            f"failed quality control: {reason or 'no reason given'}",
        )
        for embryo, reason in failed.items()
    ]
    scores = [_guarded_score(score, failed) for score in family.scores]
    withheld += _score_groups(scores, failed)
    ranking = [_guarded_rank(place, failed) for place in family.ranking]
    withheld += [
        Withheld("rank", place.embryo, place.reason or "no reason given")
        for place in ranking
        if place.rank is None and place.embryo not in failed
    ]
    withheld += [
        Withheld("chromosomes flagged: read with care", row.embryo, row.flagged)
        for row in family.quality
        if row.flagged and row.embryo not in failed
    ]
    if not family.settings.show_sex and family.embryos():
        withheld.append(
            Withheld(
                "sex, and inheritance of X",
                "all embryos",
                "the settings have report.show_sex: false",
            )
        )
    return replace(
        family,
        segments=[s for s in family.segments if _is_shown(s, family, failed)],
        placements=[p for p in family.placements if p.sample not in failed],
        scores=scores,
        ranking=ranking,
        contradictions=[c for c in family.contradictions if c.embryo not in failed],
        withheld=withheld,
    )


def _is_shown(segment: Segment, family: Family, failed: Mapping[str, str]) -> bool:
    """Whether a segment may be drawn: on X it tells the sex."""
    is_open = family.settings.show_sex or not is_x(segment.chrom)
    return is_open and segment.embryo not in failed


def _guarded_score(score: Score, failed: Mapping[str, str]) -> Score:
    """A withheld score without its numbers, whoever withheld it."""
    if score.sample in failed:
        reason = score.reason or f"failed quality control: {failed[score.sample]}"
        score = replace(score, status="withheld", reason=reason)
    if score.status != "withheld":
        return score
    return replace(score, numbers=dict.fromkeys(score.numbers), reference="")


def _guarded_rank(place: Ranked, failed: Mapping[str, str]) -> Ranked:
    """A place without any number where the embryo failed or has no rank."""
    if place.rank is not None and place.embryo not in failed:
        return place
    return Ranked(
        embryo=place.embryo,
        rank=None,
        index=None,
        index_low=None,
        index_high=None,
        probability_best=None,
        expected_gain=None,
        traits_in_index="",
        reason=place.reason or failed.get(place.embryo, ""),
    )


def _score_groups(scores: Sequence[Score], failed: Mapping[str, str]) -> list[Withheld]:
    """Withheld scores, those of one trait and reason together."""
    by_reason: dict[tuple[str, str], list[str]] = {}
    for score in scores:
        if score.status == "withheld" and score.sample not in failed:
            by_reason.setdefault((score.trait, score.reason), []).append(score.sample)
    return [
        Withheld(f"score for {trait}", ", ".join(who), reason or "no reason given")
        for (trait, reason), who in by_reason.items()
    ]
