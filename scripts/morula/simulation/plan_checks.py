"""Whether a config's `simulate` section can be done; it needs the standard library."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

# What is said of an abnormality, in the order of simulate_family.py --abnormality, and
# what stands for a field that does not apply.
FIELDS = ("kind", "chrom", "parent", "origin", "cells", "start", "end")
NOT_GIVEN = "."
# What an abnormality of each kind must say, and what it may.
MUST = {
    "monosomy": {"chrom", "parent"},
    "trisomy": {"chrom", "parent", "origin"},
    "segmental_loss": {"chrom", "parent", "start", "end"},
    "segmental_gain": {"chrom", "parent", "start", "end"},
    "uniparental_disomy": {"chrom", "parent", "origin"},
    "triploidy": {"parent", "origin"},
}
MAY = dict.fromkeys(
    ("monosomy", "trisomy", "segmental_loss", "segmental_gain"), {"cells"}
)
# How an extra copy can come about; of triploidy, by the parent who gives two sets.
ORIGINS = {
    "trisomy": {"meiosis_1", "meiosis_2", "mitotic"},
    "uniparental_disomy": {"meiosis_1", "meiosis_2", "mitotic"},
    "triploidy of the mother": {"meiosis_1", "meiosis_2"},
    "triploidy of the father": {"meiosis_1", "meiosis_2", "dispermy"},
}


def words_of(abnormality: Mapping[str, Any]) -> list[str]:
    """An item of the config's `abnormalities` as words of the flag."""
    return [str(abnormality.get(field, NOT_GIVEN)) for field in FIELDS]


Path = tuple[str | int, ...]
# Where in the section, and what is wrong there.
Mistake = tuple[Path, str]


def mistakes(
    section: Mapping[str, Any], sheet: Any, chromosomes: Sequence[str]
) -> list[Mistake]:
    """All mistakes; sheet: as `plan.Sheet`."""
    return [
        *_parents(section["parents"], sheet),
        *_abnormalities(section["abnormalities"], sheet, chromosomes),
        *_contamination(section, sheet),
        *_swaps(section["swaps"], sheet),
        *(
            (("depth", "samples", name), f"{name} is not in the sample sheet")
            for name in section["depth"]["samples"]
            if name not in sheet.samples
        ),
    ]


def _parents(founder_of: Mapping[str, str], sheet: Any) -> Iterator[Mistake]:
    for family in sheet.families:
        pair = (("mother", sheet.mother(family)), ("father", sheet.father(family)))
        for role, name in pair:
            if name is None:
                yield (
                    (),
                    f"family {family} has no {role}; expected both parents in the"
                    " sample sheet",
                )
            elif name not in founder_of:
                yield (
                    ("parents",),
                    f"no founder for {name}; expected a line `{name}: <founder>`",
                )


def _abnormalities(
    listed: Sequence[Mapping[str, Any]], sheet: Any, chromosomes: Sequence[str]
) -> Iterator[Mistake]:
    children = {name for family in sheet.families for name in sheet.embryos(family)}
    for number, one in enumerate(listed):
        where: Path = ("abnormalities", number)
        kind, given = one["kind"], set(one) - {"sample", "kind"}
        if one["sample"] not in children:
            yield (
                (*where, "sample"),
                f"{one['sample']} is no embryo or child of the sample sheet; expected"
                " one",
            )
        for name in sorted(MUST[kind] - given):
            yield where, f"a {kind} needs `{name}`"
        for name in sorted(given - MUST[kind] - MAY.get(kind, set())):
            yield (*where, name), f"a {kind} takes no `{name}`; take it out"
        if "chrom" in given and one["chrom"] not in chromosomes:
            yield (
                (*where, "chrom"),
                f"{one['chrom']!r} is not simulated; expected one of"
                f" {', '.join(chromosomes)}",
            )
        if {"start", "end"} <= given and one["start"] > one["end"]:
            message = f"start {one['start']} lies behind end {one['end']}"
            yield (*where, "start"), f"{message}; expected rising positions"
        name = f"{kind} of the {one.get('parent')}" if kind == "triploidy" else kind
        if "origin" in given and one["origin"] not in ORIGINS.get(
            name, {one["origin"]}
        ):
            yield (
                (*where, "origin"),
                f"a {name} cannot be of origin {one['origin']}; expected one of"
                f" {', '.join(sorted(ORIGINS[name]))}",
            )


def _contamination(section: Mapping[str, Any], sheet: Any) -> Iterator[Mistake]:
    listed = section["contamination"]
    children = {name for family in sheet.families for name in sheet.embryos(family)}
    for number, one in enumerate(listed):
        where: Path = ("contamination", number)
        if one["sample"] not in sheet.samples:
            yield (*where, "sample"), f"{one['sample']} is not in the sample sheet"
        elif section["mode"] == "counts" and one["sample"] not in children:
            yield (
                (*where, "sample"),
                "a parent's contamination needs `mode: reads`; in counts mode expected"
                " an embryo or child",
            )
        if one["sample"] == one["by"]:
            yield (*where, "by"), f"{one['by']} cannot contaminate itself"
    for name, count in Counter(one["sample"] for one in listed).items():
        if count > 1:
            yield ("contamination",), f"{name} is there {count} times; expected once"


def _swaps(pairs: Sequence[Sequence[str]], sheet: Any) -> Iterator[Mistake]:
    names = Counter(name for pair in pairs for name in pair)
    for name, count in names.items():
        if name not in sheet.samples:
            yield ("swaps",), f"{name} is not in the sample sheet"
        if count > 1:
            yield ("swaps",), f"{name} is there {count} times; expected once"
