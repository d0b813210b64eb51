"""Small parts that the report's pictures are made of: SVG elements, scales, numbers.

Every text and attribute is escaped here, so that a name from a table can never become
markup. Coordinates are in pixels, y downwards.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup, escape

# Colours that stay apart for the colour-blind (Okabe and Ito 2008); the shapes and
# places that go with them say the same again for print in grey.
BLUE, SKY, GREEN, ORANGE = "#0072B2", "#56B4E9", "#009E73", "#E69F00"
VERMILLION, PURPLE, YELLOW, GREY = "#D55E00", "#CC79A7", "#B8A800", "#8A9099"
INK, SOFT, LINE, PAPER = "#1d2530", "#5b6573", "#d5dae1", "#eef1f5"

MISSING = "–"


def short(value: float) -> str:
    """A coordinate with at most one decimal, `-0` written as `0`."""
    text = f"{value:.1f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def element(tag: str, /, *children: str | Markup, **attributes: object) -> Markup:
    """An element; `stroke_width=2` becomes `stroke-width="2"`, None is left out, and a
    trailing underscore (`class_`) is dropped."""
    cells = []
    for name, value in attributes.items():
        if value is None:
            continue
        text = short(value) if isinstance(value, float) else str(value)
        cells.append(f' {name.rstrip("_").replace("_", "-")}="{escape(text)}"')
    inside = "".join(str(escape(child)) for child in children)
    opening = f"<{tag}{''.join(cells)}"
    return Markup(f"{opening}>{inside}</{tag}>" if inside else f"{opening}/>")


def group(children: Iterable[Markup], **attributes: object) -> Markup:
    """A `<g>` of elements."""
    return element("g", *children, **attributes)


def text(x: float, y: float, words: str, **attributes: object) -> Markup:
    """A line of text with its baseline at y."""
    return element("text", words, x=x, y=y, **attributes)


def line(x1: float, y1: float, x2: float, y2: float, **attributes: object) -> Markup:
    """A straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, **attributes)


def picture(
    width: float, height: float, label: str, parts: Iterable[Markup], class_: str = ""
) -> Markup:
    """An inline SVG that shrinks with the page; `label` is read to those who cannot
    see it."""
    return element(
        "svg",
        *parts,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {short(width)} {short(height)}",
        width=width,
        height=height,
        role="img",
        aria_label=label,
        class_=class_ or None,
    )


@dataclass(frozen=True)
class Scale:
    """A linear map of values [low, high] to pixels [start, end]."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Pixel of a value; values outside go to the nearer end."""
        share = (value - self.low) / (self.high - self.low)
        return self.start + min(max(share, 0.0), 1.0) * (self.end - self.start)


def spread_scale(values: Iterable[float], start: float, end: float) -> Scale:
    """A scale that holds all values with a margin; no or equal values get a unit."""
    known = list(values)
    low, high = (min(known), max(known)) if known else (0.0, 0.0)
    if high - low <= 1e-12 * max(1.0, abs(high)):
        low, high = low - 0.5, high + 0.5
    margin = 0.06 * (high - low)
    return Scale(low - margin, high + margin, start, end)


def ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Round values between low and high, about `wanted` of them."""
    step = 10.0 ** math.floor(math.log10((high - low) / wanted))
    for factor in (1.0, 2.0, 5.0, 10.0):
        if (high - low) / (step * factor) <= wanted:
            step *= factor
            break
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]


def tick_words(value: float) -> str:
    """A round value at an axis."""
    return f"{value:g}".replace("-", "−")


def number(value: float | None, digits: int = 3) -> str:
    """A number for reading, with that many significant digits; MISSING for None."""
    if value is None:
        return MISSING
    if value and not 1e-4 <= abs(value) < 1e6:
        return f"{value:.{digits - 1}e}".replace("-", "−")
    if value == 0.0:
        return "0"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:.{decimals}f}".replace("-", "−")


def percent(share: float | None, decimals: int = 1) -> str:
    """A share in [0, 1] as a percentage; MISSING for None."""
    if share is None:
        return MISSING
    rounded = f"{100.0 * share:.{decimals}f}"
    if float(rounded) == 0.0:
        rounded = rounded.lstrip("-")
    return f"{rounded} %".replace("-", "−")


def chance(probability: float | None) -> str:
    """A probability known from some hundred draws: never 0 nor 100 %."""
    if probability is None:
        return MISSING
    if probability < 0.01:
        return "< 1 %"
    return "> 99 %" if probability > 0.99 else percent(probability, 0)


def ordinal(percentile: float | None) -> str:
    """A percentile in words: `83rd`, `below 1st`, `above 99th`; MISSING for None."""
    if percentile is None:
        return MISSING
    if percentile < 1.0:
        return "below 1st"
    if percentile > 99.0:
        return "above 99th"
    whole = round(percentile)
    last = "th" if 10 <= whole % 100 <= 20 else ""
    return f"{whole}{last or {1: 'st', 2: 'nd', 3: 'rd'}.get(whole % 10, 'th')}"


def normal_cdf(z: float) -> float:
    """Share of a standard normal population below z."""
    return 0.5 * math.erfc(-z / math.sqrt(2.0))
