import pytest
from markupsafe import Markup

from morula import report_svg as svg


class TestElement:
    def test_escapes_text_and_attributes(self):
        made = svg.element("text", "<b>&", class_='"><i>', stroke_width=2)
        assert made == (
            '<text class="&#34;&gt;&lt;i&gt;" stroke-width="2">&lt;b&gt;&amp;</text>'
        )

    def test_keeps_elements_inside_and_leaves_out_none(self):
        made = svg.element("g", svg.element("path", d="M0 0"), fill=None)
        assert made == Markup('<g><path d="M0 0"/></g>')

    @pytest.mark.parametrize(
        ("value", "expected"), [(1.0, "1"), (0.04, "0"), (-0.04, "0"), (-2.25, "-2.2")]
    )
    def test_short(self, value, expected):
        assert svg.short(value) == expected


class TestScale:
    def test_linear_and_clamped(self):
        scale = svg.Scale(0.0, 10.0, 100.0, 200.0)
        assert [scale.at(v) for v in (0, 5, 10, 99, -1)] == [100, 150, 200, 200, 100]

    def test_downwards(self):
        assert svg.Scale(0.0, 1.0, 80.0, 0.0).at(0.25) == 60.0

    @pytest.mark.parametrize("values", [[], [3.0], [3.0, 3.0], [1.0, 4.0]])
    def test_spread_scale_holds_its_values(self, values):
        scale = svg.spread_scale(values, 0.0, 10.0)
        assert scale.low < scale.high
        assert all(0.0 < scale.at(v) < 10.0 for v in values)

    @pytest.mark.parametrize(
        ("low", "high"), [(-3.7, 4.1), (0.0, 1e-4), (-2e6, 5e6), (0.1234, 0.1239)]
    )
    def test_ticks_are_inside_and_few(self, low, high):
        found = svg.ticks(low, high)
        assert 2 <= len(found) <= 7
        assert all(low - 1e-9 <= t <= high + 1e-9 for t in found)
        assert found == sorted(found)


class TestWords:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            (None, "–"),
            (0.0, "0"),
            (1.0, "1.00"),
            (-0.01234, "−0.0123"),
            (123.456, "123"),
            (0.000012345, "1.23e−05"),
            (12345678.0, "1.23e+07"),
        ],
    )
    def test_number(self, value, expected):
        assert svg.number(value) == expected

    def test_percent(self):
        assert svg.percent(0.0512) == "5.1 %"
        assert svg.percent(-0.004) == "−0.4 %"
        assert svg.percent(-0.0001) == "0.0 %"
        assert svg.percent(None) == "–"

    def test_chance_is_never_certain(self):
        chances = [svg.chance(p) for p in (None, 0.0, 0.014, 0.86, 1.0)]
        assert chances == ["–", "< 1 %", "1 %", "86 %", "> 99 %"]

    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            (None, "–"),
            (0.4, "below 1st"),
            (1.0, "1st"),
            (11.0, "11th"),
            (12.4, "12th"),
            (22.0, "22nd"),
            (83.2, "83rd"),
            (99.0, "99th"),
            (99.7, "above 99th"),
        ],
    )
    def test_ordinal(self, value, expected):
        assert svg.ordinal(value) == expected

    def test_normal_cdf(self):
        assert svg.normal_cdf(0.0) == 0.5
        assert svg.normal_cdf(1.959964) == pytest.approx(0.975, abs=1e-6)
        assert svg.normal_cdf(-9.0) == pytest.approx(1.13e-19, rel=1e-2)
