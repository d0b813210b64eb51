"""The page of a benchmark: its headline tables and figures, for people."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from bench import axes
from bench.intervals import Estimate
from bench.measured_words import definitions
from bench.phase_measures import PHASE_METHOD
from bench.summary import Scenario, Summary, is_ours, is_peer
from bench.tables_md import (
    decimals,
    kilobases,
    over_measures,
    over_scenarios,
    share,
    table,
    two_digits,
)
from bench.truth import PARENT_HET, SNVS

DEPTH = "depth"
# Axes by whose values calibration is shown.
CALIBRATED = (DEPTH, "plain", "true_phase", "mixed_depths")
Rows = Sequence[Mapping[str, str]]


@dataclass(frozen=True)
class Extras:
    """Tables that are not judged rows, each empty where it was not given: speed (of
    time_methods.py), resources (of gather_resources.py), protocols (of
    measure_protocols.py), chain (of scripts/evaluate_accuracy.py)."""

    speed: Rows
    resources: Rows
    protocols: Rows
    chain: Rows


def page(
    summary: Summary, extras: Extras, name: str, command: str, figures: Collection[str]
) -> str:
    """The whole page in Markdown. figures: names of those that were drawn."""
    depths = summary.along(DEPTH)
    parts = [_head(summary, name, command)]
    for title, words, tables, images in (
        *_accuracy(summary, depths),
        *(_axis(summary, axis) for axis in summary.axes() if axis != DEPTH),
        _others(summary),
        _calibration(summary),
        _dosage(summary, depths),
        _phase(summary, depths),
        _crossovers(summary, depths),
        _scores(summary, depths),
        _estimates(summary, depths),
        _failures(summary),
        _chain(extras),
        _speed(extras),
        _protocols(extras),
    ):
        shown = [f"![{title}]({one}.svg)" for one in images if one in figures]
        filled = [one for one in tables if one]
        if not shown and not filled:
            continue
        parts += [f"## {title}", words, *shown, *filled, f"From `{command}`."]
    parts += ["## What the measures mean", definitions()]
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(summary: Summary, name: str, command: str) -> str:
    couples = max((one.couples for one in summary.values.values()), default=0)
    methods = [f"- {method}" for method in summary.methods]
    return (
        f"# The {name} benchmark\n\nMade by `{command}`, which writes this page; all"
        " values are in [accuracy.tsv](accuracy.tsv), the curves of calibration in"
        " [reliability.tsv](reliability.tsv). In brackets: 95 % intervals over couples"
        f" (at most {couples} here; Student's t); a cell without them rests on one"
        f" couple. Worlds: {', '.join(summary.worlds)}. Methods, with their"
        " versions:\n\n" + "\n".join(methods)
    )


Section = tuple[str, str, list[str], list[str]]


def _accuracy(summary: Summary, depths: Sequence[Scenario]) -> list[Section]:
    """Accuracy by depth, and errors relative to each peer's."""
    heads = [axes.head(one) for one in depths]

    def accuracy(world: str, scenario: str, method: str) -> Estimate | None:
        return summary.get(world, scenario, method, "genotype_accuracy", PARENT_HET)

    peers = [one for one in summary.methods if is_peer(one)]
    return [
        (
            "Accuracy by depth",
            "Share of the embryos' genotypes whose best guess is right, at sites where"
            " a parent is heterozygous. A genotype that a method does not call counts"
            " as wrong. `panel_frequency` knows no reads: what is there for nothing.",
            [over_scenarios(summary, depths, heads, accuracy)],
            ["errors_by_depth"],
        ),
        _uncalled(summary, depths, heads),
        (
            "Morula's errors over each peer's",
            "Genotype errors at sites where a parent is heterozygous, Morula's divided"
            " by the peer's on the same couples (geometric mean): below one, Morula"
            " errs less.",
            [
                over_scenarios(
                    summary,
                    depths,
                    heads,
                    summary.errors_over_ours,
                    two_digits,
                    peers,
                )
            ],
            [],
        ),
    ]


def _uncalled(
    summary: Summary, depths: Sequence[Scenario], heads: Sequence[str]
) -> Section:
    """Of the methods that leave genotypes out somewhere."""
    partial = [
        method
        for method in summary.methods
        if any(
            key.method == method and found.value < 1.0
            for key, found in summary.values.items()
            if key.measure == "called_share"
        )
    ]
    columns = [
        ("called", "called_share", PARENT_HET, share),
        ("right of those", "called_accuracy", PARENT_HET, share),
        ("right, rest filled in", "filled_accuracy", PARENT_HET, share),
    ]
    return (
        "Methods that do not call everything",
        "At sites where a parent is heterozygous; filled in: by the most probable"
        " genotype at the panel's frequencies.",
        [over_measures(summary, depths, heads, columns, partial)],
        [],
    )


def _axis(summary: Summary, axis: str) -> Section:
    found = summary.along(axis)
    heads = [axes.head(one) for one in found]

    def accuracy(world: str, scenario: str, method: str) -> Estimate | None:
        return summary.get(world, scenario, method, "genotype_accuracy", PARENT_HET)

    name = axes.title(axis)
    return (
        f"Accuracy by {axis.replace('_', ' ')}",
        f"As above, by {name}.{_labels(found)}",
        [over_scenarios(summary, found, heads, accuracy)],
        [f"errors_by_{axis}"],
    )


def _labels(found: Sequence[Scenario]) -> str:
    """What the scenarios are, where their labels say more than their values."""
    says = [
        f"{axes.head(one)}: {one.label}"
        for one in found
        if one.label not in (one.name, one.value)
    ]
    return f" {'; '.join(says)}." if says else ""


def _others(summary: Summary) -> Section:
    found = [one for one in summary.scenarios if not one.axis and not one.fails]
    columns = [
        ("accuracy, parent het", "genotype_accuracy", PARENT_HET, share),
        ("called at >= 0.99", "gp99_share", PARENT_HET, share),
        ("right of those", "gp99_accuracy", PARENT_HET, share),
        ("calibration error", "ece", PARENT_HET, share),
        ("PGS error (sibling SD)", "pgs_rmse_sibling_sd", "all", decimals),
        ("embryos that pass QC", "qc_pass", "all", share),
        ("E1 passes", "qc_pass_first", "all", share),
    ]
    tables = [over_measures(summary, found, [one.label for one in found], columns)]
    return "Other scenarios", "", tables, []


def _calibration(summary: Summary) -> Section:
    wanted = [one for axis in CALIBRATED for one in summary.along(axis)]
    columns = [
        ("right, at SNVs", "genotype_accuracy", f"{SNVS}_{PARENT_HET}", share),
        ("right, indels too", "genotype_accuracy", PARENT_HET, share),
        ("calibration error", "ece", PARENT_HET, share),
        ("share called at >= 0.9", "gp90_share", PARENT_HET, share),
        ("right of those", "gp90_accuracy", PARENT_HET, share),
        ("share called at >= 0.99", "gp99_share", PARENT_HET, share),
        ("right of those", "gp99_accuracy", PARENT_HET, share),
    ]
    heads = [f"{one.axis.replace('_', ' ')} {axes.head(one)}" for one in wanted]
    return (
        "Calibration",
        "At sites where a parent is heterozygous. A probability of 0.99 should be right"
        " 99 times in 100. In the figure, points on the diagonal mean what they say;"
        " above it a method is too sure of itself. Hollow: no error seen, drawn at half"
        " an error.",
        [over_measures(summary, wanted, heads, columns)],
        ["calibration_by_depth"],
    )


def _dosage(summary: Summary, depths: Sequence[Scenario]) -> Section:
    columns = [
        ("dosage r2, all sites", "dosage_r2", "all", decimals),
        ("MAF below 1 %", "dosage_r2", "all_maf_below_1pct", decimals),
        ("1 to 5 %", "dosage_r2", "all_maf_1_to_5pct", decimals),
        ("5 to 50 %", "dosage_r2", "all_maf_5_to_50pct", decimals),
        ("non-reference concordance", "nonref_concordance", "all", share),
    ]
    heads = [axes.head(one) for one in depths]
    return (
        "Dosages and non-reference concordance",
        "Squared correlation of true and expected copies of the panel's minor allele,"
        " over sites and embryos at once, also by minor allele frequency (MAF) in the"
        " panel; and, of the genotypes in which the truth or the call has ALT, the"
        " share that are equal. The row `panel_frequency` shows how much of r2"
        " is nothing but the frequencies.",
        [over_measures(summary, depths, heads, columns)],
        [],
    )


def _phase(summary: Summary, depths: Sequence[Scenario]) -> Section:
    phase = [
        ("hets phased", "phased_het_share", "all", share),
        ("flips", "phase_flip_rate", "all", share),
        ("flips, MAF below 1 %", "phase_flip_rate", "all_maf_below_1pct", share),
        ("long switches", "phase_long_switch_rate", "all", share),
        ("switch error rate", "phase_switch_error_rate", "all", share),
    ]
    alleles = [
        ("maternal allele, mother het", "phased_allele_accuracy", "mother_het", share),
        ("paternal allele, father het", "phased_allele_accuracy", "father_het", share),
    ]
    given = [*depths[:1], *(one for one in summary.along("phase") if one.value)]
    heads = [one.label for one in given]
    return (
        "Phase",
        "First the parents' phase, which every method that uses the family starts from:"
        " single flipped hets, switches between the others, and all changes of"
        " orientation between neighbouring hets. Then the embryos' phased alleles.",
        [
            over_measures(summary, given, heads, phase, [PHASE_METHOD]),
            over_measures(summary, depths, [axes.head(one) for one in depths], alleles),
        ],
        [],
    )


def _crossovers(summary: Summary, depths: Sequence[Scenario]) -> Section:
    columns = [
        ("found within 100 kb", "crossover_recall_100kb", "all", share),
        ("within 500 kb", "crossover_recall_500kb", "all", share),
        ("true of those found, 100 kb", "crossover_precision_100kb", "all", share),
        ("500 kb", "crossover_precision_500kb", "all", share),
        ("position error (median)", "crossover_error_bp", "all", kilobases),
        ("found a meiosis", "crossovers_found", "all", decimals),
        ("true a meiosis", "crossovers_true", "all", decimals),
    ]
    heads = [axes.head(one) for one in depths]
    return (
        "Crossovers",
        "Of the methods that tell which haplotype an embryo carries. Haplotypes are put"
        " in terms of the true ones first: an error of the parents' phase is no"
        " crossover.",
        [over_measures(summary, depths, heads, columns)],
        ["crossovers_by_depth"],
    )


def _scores(summary: Summary, depths: Sequence[Scenario]) -> Section:
    columns = [
        ("error (sibling SD)", "pgs_rmse_sibling_sd", "all", decimals),
        ("within family", "pgs_rmse_within_family", "all", decimals),
        ("Spearman", "pgs_spearman", "all", decimals),
        ("best chosen", "pgs_best_chosen", "all", share),
        ("share of the gain lost", "pgs_gain_lost_share", "all", share),
        ("95 % interval covers", "pgs_coverage_95", "all", share),
    ]
    heads = [axes.head(one) for one in depths]
    return (
        "Polygenic scores",
        "Made-up scores of few and of many variants. Errors are in standard deviations"
        " among siblings: one SD is what embryos of a couple differ by.",
        [over_measures(summary, depths, heads, columns)],
        ["pgs_by_depth"],
    )


def _estimates(summary: Summary, depths: Sequence[Scenario]) -> Section:
    wanted = list(dict.fromkeys([*depths, *summary.along("dropout")]))
    columns = [
        (f"{name} {word}", f"{name}_{measure}", "all", share)
        for name in ("dropout", "error", "contamination")
        for word, measure in (("true", "true"), ("estimated", "estimated"))
    ]
    columns.append(("dropout RMSE", "dropout_rmse", "all", share))
    labels = [f"{one.axis} {axes.head(one)}" for one in wanted]
    return (
        "Estimated dropout, error and contamination",
        "Means over embryos of what was simulated, and of what the method says of it.",
        [over_measures(summary, wanted, labels, columns)],
        ["estimates"],
    )


def _failures(summary: Summary) -> Section:
    failing = [one for one in summary.scenarios if one.fails]
    columns = [
        ("accuracy, parent het", "genotype_accuracy", PARENT_HET, share),
        ("right of those >= 0.99", "gp99_accuracy", PARENT_HET, share),
        ("calibration error", "ece", PARENT_HET, share),
        ("PGS error (sibling SD)", "pgs_rmse_sibling_sd", "all", decimals),
        ("best chosen", "pgs_best_chosen", "all", share),
        ("embryos that pass QC", "qc_pass", "all", share),
    ]
    reasons = table(
        ["scenario", "why it fails"], [[one.label, one.fails] for one in failing]
    )
    ours = [one for one in summary.methods if is_ours(one)]
    shown = over_measures(
        summary, failing, [one.label for one in failing], columns, ours
    )
    return (
        "Where Morula fails",
        "Cases that the simulator makes and the method does not see through. In the"
        " figure each point is an embryo, the depths above for comparison.",
        [reasons, shown] if failing else [],
        ["failures"] if failing else [],
    )


def _chain(extras: Extras) -> Section:
    columns = ("measure", "method", "value", "low", "high", "n")
    rows = [
        {name: row[name] for name in columns}
        for row in extras.chain
        if row["sample"] == "embryos"
    ]
    return (
        "The whole chain, from reads",
        "A simulated family's reads through all of Morula's stages, as a user runs"
        " them. Intervals here are over stretches of the genome (block jackknife).",
        [plain_table(rows)],
        [],
    )


def _speed(extras: Extras) -> Section:
    return (
        "Speed and memory",
        "Methods by turns, on the same machine and data, one thread each; the ratio is"
        " Morula's time over the method's: below one, Morula is faster. AlphaPeel"
        " compiles itself in every process, about half a minute of its time whatever"
        " the data: its row on 300 sites, where there is one, shows that. Then all"
        " jobs of the run, by rule.",
        [plain_table(extras.speed), plain_table(extras.resources)],
        ["speed"],
    )


def _protocols(extras: Extras) -> Section:
    return (
        "What the simulator was asked for, and what came out",
        "Each published rate, measured on simulated counts as its paper defines it.",
        [plain_table(extras.protocols)],
        [],
    )


def plain_table(rows: Rows) -> str:
    """A table as it is, numbers to five digits; empty where there are no rows."""
    if not rows:
        return ""
    return table(list(rows[0]), [[_short(one) for one in row.values()] for row in rows])


def _short(text: str) -> str:
    try:
        number = float(text)
    except ValueError:
        return text
    return text if number.is_integer() else f"{number:.5g}"
