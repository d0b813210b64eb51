"""A family's report as one self-contained HTML page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

import morula
from morula import report_ancestry, report_chromosomes, report_scores, report_summary
from morula.override_table import EXPLANATIONS
from morula.report_family import Family
from morula.report_svg import MISSING, number, percent
from morula.report_tables import MatchShare, Quality, Score

# Columns of the quality table: column, heading, unit or range, kind of number.
QC_COLUMNS = (
    ("depth", "Depth", "reads a site", "number"),
    ("breadth", "Breadth", "sites with reads", "share"),
    ("ado_rate", "Allele dropout", "of het sites", "share"),
    ("imbalance", "Imbalance", "0: balanced", "number"),
    ("error_rate", "Error rate", "a read", "number"),
    ("error_rate_damage", "Error, C>T G>A", "a read", "number"),
    ("contamination", "Contamination", "maternal", "share"),
    ("foreign", "Other DNA", "not the family's", "share"),
    ("maternal_share", "Maternal share", "of the DNA", "share"),
    ("relationship_mother", "To mother", "relationship", "number"),
    ("relationship_father", "To father", "relationship", "number"),
)
LIGHTS = {"pass": ("●", "pass"), "warn": ("▲", "warning"), "fail": ("■", "fail")}


def _cell(value: float | None, kind: str) -> str:
    return percent(value) if kind == "share" else number(value)


def quality_rows(family: Family) -> list[dict[str, Any]]:
    """A row an embryo: its light, and its numbers with the width of their bars in
    percent of the largest of the family."""
    largest = {
        name: max([row.metrics[name] or 0.0 for row in family.quality], default=0.0)
        for name, *_ in QC_COLUMNS
    }
    members = {member.name: member for member in family.settings.members}

    def cells(row: Quality) -> list[tuple[str, float]]:
        return [
            (
                _cell(row.metrics[name], kind),
                100.0 * max(row.metrics[name] or 0.0, 0.0) / (largest[name] or 1.0),
            )
            for name, _, _, kind in QC_COLUMNS
        ]

    return [
        {
            "row": row,
            "member": members[row.embryo],
            "light": LIGHTS[row.status],
            "cells": cells(row),
        }
        for row in family.quality
    ]


def contradiction_rows(family: Family) -> list[dict[str, Any]]:
    """A row for each embryo with reads that did not fail: how many sites have which
    explanation, and at how many the genome follows the reads; none without parents."""
    if not family.parents():
        return []
    rows = []
    for embryo in family.embryos():
        if family.status(embryo.name) == "fail" or embryo.data == "vcf":
            continue
        own = [one for one in family.contradictions if one.embryo == embryo.name]
        by = Counter(one.explanation for one in own)
        followed = sum(one.is_overridden for one in own)
        counts = [len(own), *(by[name] for name in EXPLANATIONS), followed]
        rows.append({"embryo": embryo.name, "counts": counts})
    return rows


def chromosome_cards(family: Family) -> list[dict[str, Any]]:
    """A picture of every embryo that did not fail, with its counts of changes; none
    without parents, whose haplotypes they show."""
    if not family.parents():
        return []
    found = report_chromosomes.changes(family.segments)
    present = {segment.chrom for segment in family.segments}
    lengths = {c: n for c, n in family.chromosome_lengths.items() if c in present}
    shortest = report_chromosomes.drawn_from(family.segments)
    cards = []
    for embryo in family.embryos():
        own = [s for s in family.segments if s.embryo == embryo.name]
        if not own:
            cards.append({"member": embryo, "status": family.status(embryo.name)})
            continue
        drawn = [s for s in own if s.end - s.start + 1 >= shortest]
        mine = [change for change in found if change.embryo == embryo.name]
        cards.append(
            {
                "member": embryo,
                "status": family.status(embryo.name),
                "picture": report_chromosomes.draw_embryo(
                    embryo.name, drawn, [] if shortest else mine, lengths
                ),
                "counts": _change_counts(mine, {s.parent for s in own}),
                "covered": sum(s.end - s.start + 1 for s in own if s.posterior >= 0.99)
                / sum(s.end - s.start + 1 for s in own),
            }
        )
    return cards


def _change_counts(
    mine: list[report_chromosomes.Change], parents: set[str]
) -> list[tuple[str, int, int]]:
    """Parent, changes of this embryo's own, changes shared with most embryos."""
    return [
        (
            parent,
            sum(c.parent == parent and not c.is_shared for c in mine),
            sum(c.parent == parent and c.is_shared for c in mine),
        )
        for parent in ("mother", "father")
        if parent in parents
    ]


def haplotype_colours(family: Family) -> dict[tuple[str, int], str]:
    """Colour of each haplotype of the parents that are there."""
    roles = {parent.role for parent in family.parents()}
    colours = report_chromosomes.COLOURS
    return {key: colour for key, colour in colours.items() if key[0] in roles}


def ancestry_part(family: Family) -> dict[str, Any]:
    """Pictures and rows of the ancestry section."""
    placed = {p.sample: p for p in family.placements}
    members = [placed[m.name] for m in family.settings.members if m.name in placed]
    colours = report_ancestry.group_colours(family.panel)
    n_components = min((len(m.components) for m in members), default=0)
    pairs = (
        report_ancestry.component_pairs(family.panel, n_components)
        if family.panel and members
        else []
    )
    has_admixture = any(member.admixture for member in members)
    return {
        "members": members,
        "n_components": n_components,
        "groups": list(members[0].admixture) if members else [],
        "legend": [
            (name, colour, sum(s.superpopulation == name for s in family.panel))
            for name, colour in colours.items()
        ],
        "pictures": [
            report_ancestry.draw_components(family.panel, members, pair)
            for pair in pairs
        ],
        "admixture": report_ancestry.draw_admixture(members, colours)
        if has_admixture
        else Markup(""),
    }


def trait_parts(family: Family) -> list[dict[str, Any]]:
    """A part a trait: picture, rows, remarks, match of its scoring file."""
    order = {member.name: i for i, member in enumerate(family.settings.members)}
    by_trait: dict[str, list[Score]] = {}
    for score in family.scores:
        by_trait.setdefault(score.trait, []).append(score)
    parts = []
    for trait, scores in by_trait.items():
        scores.sort(key=lambda score: order[score.sample])
        is_given = any(score.numbers["z"] is not None for score in scores)
        parts.append(
            {
                "trait": trait,
                "kind": family.settings.trait_kinds.get(trait, ""),
                "first": scores[0],
                "scores": scores,
                "references": _distinct(s.reference or None for s in scores),
                "reasons": _distinct(s.reason or None for s in scores),
                "prevalence": scores[0].numbers["prevalence"],
                "has_risk": any(s.numbers["risk"] is not None for s in scores),
                "has_family": any(s.numbers["family_mean"] is not None for s in scores),
                "has_remarks": any(s.status != "ok" for s in scores),
                "risk_sex": next((s.risk_sex for s in scores if s.risk_sex), ""),
                "r2s": _distinct(s.numbers["liability_r2"] for s in scores),
                "nearest": _distinct(s.nearest_reference or None for s in scores),
                "facts": trait_facts(scores),
                "picture": report_scores.draw_trait(trait, scores) if is_given else "",
            }
        )
    return parts


def _distinct(values: Iterable[Any]) -> list[Any]:
    """Values that are there, each once, in their order."""
    return list(dict.fromkeys(value for value in values if value is not None))


def trait_facts(scores: list[Score]) -> str:
    """What holds for all rows of a trait's table, in words."""
    facts = []
    children = _distinct(
        (number(n["family_mean"]), number(n["sibling_sd"]))
        for n in (score.numbers for score in scores)
        if n["family_mean"] is not None
    )
    for mean, sd in children:
        spread = "" if sd == MISSING else f", SD {sd}"
        facts.append(f"Children of this couple: mean z {mean}{spread}")
    reached = _distinct(
        (number(n["attainable_low"]), number(n["attainable_high"]))
        for n in (score.numbers for score in scores)
        if n["attainable_low"] is not None
    )
    facts += [f"attainable z {low} to {high}" for low, high in reached]
    r2s = _distinct(score.numbers["liability_r2"] for score in scores)
    if len(r2s) == 1:
        facts.append(f"R² of the liability {percent(r2s[0])}")
    nearest = _distinct(score.nearest_reference or None for score in scores)
    if len(nearest) == 1:
        facts.append(f"nearest population: {nearest[0]}")
    return "; ".join(facts)


def ranked_traits(family: Family) -> list[str]:
    """The traits of the embryos' indices, by comma, each list of them once."""
    return _distinct(
        place.traits_in_index.replace(",", ", ") or None for place in family.ranking
    )


def match_parts(family: Family) -> list[dict[str, Any]]:
    """Rows of the match table by scoring file."""
    by_file: dict[str, list[MatchShare]] = {}
    for match in family.matches:
        by_file.setdefault(match.pgs_id, []).append(match)
    return [
        {
            "pgs_id": pgs_id,
            "rows": rows,
            "used": sum(
                row.weight_share or 0.0
                for row in rows
                if row.reason.startswith("matched")
            ),
        }
        for pgs_id, rows in by_file.items()
    ]


def _environment(folder: Path) -> Environment:
    """Jinja2 that escapes everything, and for which a missing name is an error."""
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "number": number,
        "percent": percent,
        "given": lambda value: MISSING if value in ("", None) else value,
        "reason_words": report_summary.reason_words,
    }
    return environment


def render(
    family: Family, versions: list[tuple[str, str]], template: Path, style: Path
) -> str:
    """The page; versions: name and version of every program to be named."""
    is_ranked = any(place.rank is not None for place in family.ranking)
    ranking_picture = report_scores.draw_ranking(family.ranking) if is_ranked else ""
    return (
        _environment(template.parent)
        .get_template(template.name)
        .render(
            family=family,
            settings=family.settings,
            style=Markup(style.read_text()),
            morula_version=morula.__version__,
            versions=versions,
            findings=report_summary.findings(family),
            qc_columns=QC_COLUMNS,
            quality=quality_rows(family),
            contradictions=contradiction_rows(family),
            cards=chromosome_cards(family),
            shortest_bp=report_chromosomes.drawn_from(family.segments),
            haplotype_colours=haplotype_colours(family),
            ancestry=ancestry_part(family),
            traits=trait_parts(family),
            matches=match_parts(family),
            ranked_traits=ranked_traits(family),
            ranking_picture=ranking_picture,
            ranking_words=report_summary.ranking_words(family.ranking),
        )
    )
