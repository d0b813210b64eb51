"""What the report says in sentences: the main findings, and how sure they are."""

from __future__ import annotations

from collections.abc import Sequence

from morula.report_family import Family
from morula.report_svg import chance, number
from morula.report_tables import Ranked

# METHOD: an embryo cannot be told from the first-ranked one by these data if it is the
# best with at least this probability, or with at least this share of the first-ranked
# one's: among many embryos even equal ones have small probabilities each.
COULD_BE_BEST = 0.05
SHARE_OF_FIRST = 0.1
MOST_NAMES = 8

REASONS = {
    "matched": "used: same alleles",
    "matched_swapped": "used: effect allele is the reference allele",
    "matched_flipped": "used: other strand",
    "matched_flipped_swapped": "used: other strand, effect allele is the reference one",
    "matched_by_frequency": "used: A/T or C/G, strand told by frequency",
    "matched_by_strand": "used: A/T or C/G, on the strand of its file",
    "ambiguous": "lost: A/T or C/G, strand cannot be told",
    "alleles_differ": "lost: the panel has other alleles there",
    "not_in_panel": "lost: no such variant in the panel",
    "chromosome_not_analysed": "lost: chromosome is not in this run",
    "other_allele_unknown": "lost: the file names one allele, and several sites fit",
    "no_position": "lost: the file gives no position",
    "repeated": "not counted twice: repeated row",
    "conflicting_weights": "lost: one allele with two weights",
    "allele_not_acgt": "lost: allele is not a sequence",
    "hla_allele": "lost: HLA allele",
    "haplotype": "lost: haplotype effect",
    "diplotype": "lost: diplotype effect",
    "interaction": "lost: interaction",
    "dominant": "lost: dominant effect",
    "recessive": "lost: recessive effect",
    "dosage_weights": "lost: effect not proportional to copies",
}


def reason_words(reason: str) -> str:
    """A match reason in words; an unknown one as it is."""
    return REASONS.get(reason, reason.replace("_", " "))


def counted(n: int, one: str, many: str = "") -> str:
    """`1 embryo`, `2 embryos`."""
    return f"{n} {one if n == 1 else many or one + 's'}"


def listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def findings(family: Family) -> list[str]:
    """The page in a few sentences."""
    sentences = [_quality(family), _scores(family), ranking_words(family.ranking)]
    return [sentence for sentence in sentences if sentence]


def _quality(family: Family) -> str:
    if not family.quality:
        return "There is no embryo in this family."
    verbs = {
        "pass": "passed quality control",
        "warn": "passed with warnings",
        "fail": "failed",
    }
    counts = {s: sum(row.status == s for row in family.quality) for s in verbs}
    parts = [f"{counts[s]} {verb}" for s, verb in verbs.items() if counts[s]]
    words = f"{counted(len(family.quality), 'embryo')}: {listed(parts)}."
    if counts["fail"]:
        words += " Of a failed embryo nothing but its quality control is shown."
    return words + _absent_parents(family)


def _absent_parents(family: Family) -> str:
    """What is less certain, or not checked at all, for want of a parent's data."""
    if len(family.parents()) == 1:
        absent = "father" if family.parents()[0].role == "mother" else "mother"
        return (
            f" There are no data of the {absent}, so that the {absent}'s half of every"
            " embryo is less certain."
        )
    if not family.parents():
        return (
            " There are no data of any parent: the genomes rest on the embryos' own"
            " reads and the reference panel, and are much less certain. Nothing here"
            " checks whose embryos they are, whether they are siblings, or whether"
            " their DNA is contaminated."
        )
    return ""


def _scores(family: Family) -> str:
    traits = list(dict.fromkeys(score.trait for score in family.scores))
    if not traits:
        return "No score was asked for."
    given = {score.trait for score in family.scores if score.status != "withheld"}
    words = f"{len(given)} of {counted(len(traits), 'trait')} could be scored"
    if len(given) < len(traits):
        lost = [trait for trait in traits if trait not in given]
        shown = listed(lost) if len(lost) <= 5 else f"{len(lost)} of them"
        words += f"; withheld for everybody: {shown} (see “What is withheld”)"
    return words + "."


def rivals_of(first: Ranked, ranking: Sequence[Ranked]) -> list[str]:
    """Ranked embryos that cannot be told from the first-ranked one."""
    least = min(COULD_BE_BEST, SHARE_OF_FIRST * (first.probability_best or 0.0))
    others = [p for p in ranking if p.rank is not None and p is not first]
    return [p.embryo for p in others if (p.probability_best or 0.0) >= max(least, 1e-9)]


def ranking_words(ranking: Sequence[Ranked]) -> str:
    """What the ranking amounts to."""
    ranked = [place for place in ranking if place.rank is not None]
    if not ranked:
        why = listed(list(dict.fromkeys(place.reason for place in ranking)))
        return f"No embryo was ranked{': ' + why if why else ''}."
    first = min(ranked, key=lambda place: place.rank or 0)
    if len(ranked) == 1:
        return f"Only {first.embryo} could be ranked, so there is nothing to compare."
    words = (
        f"{first.embryo} has the highest index of {counted(len(ranked), 'embryo')};"
        f" the probability that it really is the highest is"
        f" {chance(first.probability_best)}"
    )
    if first.expected_gain is not None:
        words += (
            ", and the expected gain over a randomly chosen one is"
            f" {number(first.expected_gain, 2)} healthy years"
        )
    if first.gain_low is not None and first.gain_high is not None:
        words += (
            f" (95 % interval {number(first.gain_low, 2)} to"
            f" {number(first.gain_high, 2)})"
        )
    if first.expected_loss is not None:
        words += (
            f"; what the reads leave open costs {number(first.expected_loss, 2)} of the"
            " years that a choice with perfect genomes would add"
        )
    if first.within_noise:
        words += ". Its difference from the next is within the noise"
    if rivals := rivals_of(first, ranking):
        shown = rivals
        if len(rivals) > MOST_NAMES:
            shown = [
                *rivals[: MOST_NAMES - 1],
                f"{len(rivals) + 1 - MOST_NAMES} others",
            ]
        words += f". It cannot be told apart from {listed(shown)} by these data"
    return words + "."
