"""Scores on the population curve, and ranks as a forest plot."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from morula.report_svg import (
    BLUE,
    GREEN,
    INK,
    LINE,
    ORANGE,
    PAPER,
    SOFT,
    Scale,
    chance,
    element,
    line,
    normal_cdf,
    ordinal,
    percent,
    picture,
    short,
    spread_scale,
    text,
    tick_words,
    ticks,
)
from morula.report_tables import Ranked, Score

WIDTH, LABEL, PLOT_END = 1040.0, 150.0, 610.0
CURVE, HEADROOM, ROW = 66.0, 14.0, 22.0
PARENT_ROLES = ("mother", "father")


def draw_trait(trait: str, scores: Sequence[Score]) -> Markup:
    """One trait: the reference population's curve, then parents and embryos below it,
    each with its 95 % interval."""
    scale = Scale(*_range(scores), LABEL, PLOT_END)
    bottom = CURVE + 10.0 + ROW * len(scores)
    parts = [*_curve(scale), *_siblings(scale, scores, bottom)]
    parts += [*_grid(scale, bottom), *_expected(scale, scores, bottom)]
    for i, score in enumerate(scores):
        parts += _score_row(scale, score, CURVE + 10.0 + ROW * (i + 0.5))
    label = f"Scores for {trait} as standard deviations from the population's mean"
    return picture(WIDTH, bottom + 34.0, label, parts)


def _range(scores: Sequence[Score]) -> tuple[float, float]:
    """Limits in SD that hold every interval, at least -3.5 to 3.5, at most 8."""
    known = [
        abs(value)
        for score in scores
        for name in ("z", "z_low", "z_high")
        if (value := score.numbers[name]) is not None
    ]
    limit = min(8.0, max([3.5, *(value + 0.2 for value in known)]))
    return -limit, limit


def _curve(scale: Scale) -> list[Markup]:
    """The standard normal curve, with a darker middle half."""
    base, height = CURVE, CURVE - HEADROOM

    def outline(low: float, high: float) -> str:
        n = 60
        points = [low + (high - low) * i / n for i in range(n + 1)]
        ys = [base - height * math.exp(-0.5 * z * z) for z in points]
        path = "".join(
            f"L{short(scale.at(z))} {short(y)}" for z, y in zip(points, ys, strict=True)
        )
        start, end = short(scale.at(low)), short(scale.at(high))
        return f"M{start} {short(base)}{path}L{end} {short(base)}Z"

    quartile = 0.6745
    return [
        element("path", d=outline(scale.low, scale.high), fill="#dbe4ee"),
        element("path", d=outline(-quartile, quartile), fill="#c2d0df"),
        text(
            scale.at(0), base - 6, "half of people", class_="tiny", text_anchor="middle"
        ),
    ]


def _grid(scale: Scale, bottom: float) -> list[Markup]:
    """Lines at whole SDs, with the percentile that they stand for."""
    parts = []
    for z in range(math.ceil(scale.low), math.floor(scale.high) + 1):
        x = scale.at(float(z))
        dash = None if z == 0 else "2 3"
        parts.append(line(x, CURVE, x, bottom, stroke=LINE, stroke_dasharray=dash))
        words = "mean" if z == 0 else f"{z:+d} SD".replace("-", "−")
        parts.append(text(x, bottom + 14, words, class_="tiny", text_anchor="middle"))
        if abs(z) <= 2:
            share = f"{ordinal(100 * normal_cdf(z))} pct."
            parts.append(
                text(x, bottom + 27, share, class_="tiny", text_anchor="middle")
            )
    return parts


def expected_z(scores: Sequence[Score]) -> float | None:
    """Mean z of the couple's children, which is that of the parents on the children's
    scale; None where it is not known."""
    means = (score.numbers["family_mean"] for score in scores)
    return next((mean for mean in means if mean is not None), None)


def _expected(scale: Scale, scores: Sequence[Score], bottom: float) -> list[Markup]:
    middle = expected_z(scores)
    if middle is None:
        return []
    x = scale.at(middle)
    anchor = "start" if middle < 0 else "end"
    shift = 5.0 if middle < 0 else -5.0
    style = {"stroke": INK, "stroke_dasharray": "6 3", "stroke_width": 1}
    return [
        line(x, 3, x, bottom, **style),
        text(x + shift, 10, "mean of the children", class_="tiny", text_anchor=anchor),
    ]


def _siblings(scale: Scale, scores: Sequence[Score], bottom: float) -> list[Markup]:
    """A band that 95 % of the couple's children lie in."""
    for score in scores:
        mean, sd = score.numbers["family_mean"], score.numbers["sibling_sd"]
        if mean is not None and sd is not None:
            start, end = (scale.at(mean + sign * 1.96 * sd) for sign in (-1.0, 1.0))
            width = max(end - start, 0.0)
            size = {"y": CURVE, "width": width, "height": bottom - CURVE}
            return [element("rect", x=start, fill="#f3dcc0", **size)]
    return []


def _score_row(scale: Scale, score: Score, y: float) -> list[Markup]:
    """A sample's name, point, interval, and its place in words."""
    is_parent = score.role in PARENT_ROLES
    name = f"{score.sample} ({score.role})" if is_parent else score.sample
    parts = [text(LABEL - 14, y + 4, name, class_="name", text_anchor="end")]
    z = score.numbers["z"]
    if z is None:
        words = "withheld" if score.status == "withheld" else "no z score"
        parts.append(
            element(
                "rect", x=LABEL, y=y - 7, width=PLOT_END - LABEL, height=14, fill=PAPER
            )
        )
        middle = (LABEL + PLOT_END) / 2
        parts.append(text(middle, y + 4, words, fill=SOFT, text_anchor="middle"))
        return parts
    colour = BLUE if is_parent else GREEN if score.status == "ok" else ORANGE
    low, high = score.numbers["z_low"], score.numbers["z_high"]
    if low is not None and high is not None:
        parts.append(_interval(scale.at(low), scale.at(high), y, colour))
    parts.append(_marker(scale.at(z), y, colour, is_parent))
    parts.append(text(PLOT_END + 16, y + 4, _in_words(score), class_="place"))
    return parts


def _interval(start: float, end: float, y: float, colour: str) -> Markup:
    """A bar with ends."""
    d = (
        f"M{short(start)} {short(y - 4)}v8M{short(start)} {short(y)}"
        f"H{short(end)}M{short(end)} {short(y - 4)}v8"
    )
    return element("path", d=d, stroke=colour, stroke_width=2, fill="none")


def _marker(x: float, y: float, colour: str, is_parent: bool) -> Markup:
    """A diamond for a parent, a disc for an embryo."""
    if is_parent:
        d = f"M{short(x)} {short(y - 7)}l7 7l-7 7l-7-7Z"
        return element("path", d=d, fill=colour, stroke="#fff")
    return element("circle", cx=x, cy=y, r=5.5, fill=colour, stroke="#fff")


def _in_words(score: Score) -> str:
    """Percentile with its interval, and risk where there is one."""
    numbers = score.numbers
    words = f"{ordinal(numbers['percentile'])} percentile"
    low, high = numbers["z_low"], numbers["z_high"]
    if low is not None and high is not None:
        ends = [ordinal(100.0 * normal_cdf(value)) for value in (low, high)]
        if ends[0] != ends[1]:
            words += f" ({ends[0]} to {ends[1]})"
    if numbers["risk"] is not None:
        words += f" · risk {risk_words(score)}"
    return words


def risk_words(score: Score) -> str:
    """Absolute risk with its interval; `–` where there is none."""
    risk, low, high = (score.numbers[n] for n in ("risk", "risk_low", "risk_high"))
    if low is None or high is None:
        return percent(risk)
    ends = percent(low), percent(high)
    if ends[0] == ends[1]:
        return percent(risk)
    return f"{percent(risk)} ({ends[0]} to {ends[1]})"


def draw_ranking(ranking: Sequence[Ranked]) -> Markup:
    """Index of every ranked embryo with its interval, and the probability of being
    the best as a bar."""
    ranked = [place for place in ranking if place.index is not None]
    known = [
        value
        for place in ranked
        for value in (place.index, place.index_low, place.index_high, 0.0)
        if value is not None
    ]
    scale = spread_scale(known, LABEL, 600.0)
    share = Scale(0.0, 1.0, 690.0, 960.0)
    top, bottom = 26.0, 26.0 + ROW * len(ranked)
    parts = [
        text(LABEL, 14, "index with 95 % interval (healthy years)", class_="head"),
        text(share.start, 14, "probability of being the best", class_="head"),
    ]
    for value in ticks(scale.low, scale.high):
        x = scale.at(value)
        dash = None if value == 0.0 else "2 3"
        parts.append(line(x, top, x, bottom, stroke=LINE, stroke_dasharray=dash))
        words = tick_words(value)
        parts.append(text(x, bottom + 14, words, class_="tiny", text_anchor="middle"))
    for i, place in enumerate(ranked):
        parts += _rank_row(scale, share, place, top + ROW * (i + 0.5))
    label = "Index of each embryo with its interval and the probability of being best"
    return picture(WIDTH, bottom + 22.0, label, parts)


def _rank_row(scale: Scale, share: Scale, place: Ranked, y: float) -> list[Markup]:
    name = f"{place.rank}. {place.embryo}"
    parts = [text(LABEL - 14, y + 4, name, class_="name", text_anchor="end")]
    if place.index_low is not None and place.index_high is not None:
        ends = scale.at(place.index_low), scale.at(place.index_high)
        parts.append(_interval(*ends, y, GREEN))
    if place.index is not None:
        parts.append(_marker(scale.at(place.index), y, GREEN, is_parent=False))
    width = share.end - share.start
    parts.append(
        element("rect", x=share.start, y=y - 6, width=width, height=12, fill=PAPER)
    )
    if place.probability_best is not None:
        end = share.at(place.probability_best)
        parts.append(
            element(
                "rect",
                x=share.start,
                y=y - 6,
                width=end - share.start,
                height=12,
                fill=GREEN,
            )
        )
    words = chance(place.probability_best)
    parts.append(text(share.end + 10, y + 4, words, class_="place"))
    return parts
