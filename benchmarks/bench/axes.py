"""How the axes that scenarios vary are called, and their values."""

from __future__ import annotations

from bench.summary import Scenario

# Axis: what it says beside a figure, and with what unit its values are shown.
TITLES = {
    "depth": ("embryos' depth (x)", "x"),
    "plain": ("embryos' depth, plain amplification (x)", "x"),
    "true_phase": ("embryos' depth, plain amplification, true phase (x)", "x"),
    "mixed_depths": ("embryo's depth in a family of mixed depths (x)", "x"),
    "dropout": ("allele dropout asked for (share of sites)", ""),
    "protocol": ("amplification", ""),
    "embryos": ("embryos of the family", ""),
    "parents_depth": ("parents' depth (x)", "x"),
    "panel": ("panel (samples)", ""),
    "phase": ("parents' phase (switches per het)", ""),
}
# Axes of many powers of ten.
LOGARITHMIC = {"depth", "plain", "true_phase", "mixed_depths", "parents_depth"}


def title(axis: str) -> str:
    """The axis's title with its unit."""
    return TITLES.get(axis, (axis.replace("_", " "), ""))[0]


def head(scenario: Scenario) -> str:
    """A scenario's value with its unit; its label where it has no value."""
    if not scenario.value:
        return scenario.label
    return scenario.value + TITLES.get(scenario.axis, ("", ""))[1]
