"""Charts as SVG."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.svg import HEIGHT, WIDTH, Chart, Series, draw, ticks

SVG = "{http://www.w3.org/2000/svg}"
VALUES = st.floats(-1e9, 1e9, allow_nan=False)


def parsed(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314 (our own text)


@given(low=VALUES, spread=st.floats(1e-3, 1e9))
def test_ticks_are_few_round_and_within_the_limits(low: float, spread: float) -> None:
    high = low + spread
    found = ticks(low, high)
    slack = 1e-6 * max(abs(low), abs(high), spread)
    assert 2 <= len(found) <= 8
    assert low - slack <= found[0] < found[-1] <= high + slack
    step = found[1] - found[0]
    assert (
        any(abs(step / 10**power - m) < 1e-2 * m for power in range(-5, 10) for m in (1, 2, 5)) or step == 0
    )


@given(points=st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=20))
def test_every_point_lies_within_its_chart(points: list[tuple[float, float]]) -> None:
    xs, ys = zip(*points, strict=True)
    text = draw([Chart("t", "x", "y", [Series("s", xs, ys, marks=True)])])
    circles = list(parsed(text).iter(f"{SVG}circle"))
    assert len(circles) == len(points)
    for circle in circles:
        assert 0 <= float(circle.attrib["cx"]) <= WIDTH
        assert 0 <= float(circle.attrib["cy"]) <= HEIGHT


def test_larger_values_lie_higher_and_further_right() -> None:
    text = draw([Chart("t", "x", "y", [Series("s", [0, 1, 2], [1.0, 3.0, 2.0], marks=True)])])
    across, down = zip(
        *((float(c.attrib["cx"]), float(c.attrib["cy"])) for c in parsed(text).iter(f"{SVG}circle")),
        strict=True,
    )
    assert across[0] < across[1] < across[2]
    assert down[1] < down[2] < down[0]


def test_names_stand_below_their_places_and_are_escaped() -> None:
    text = draw([Chart("a < b", "x", "y", [Series("&", [0, 1], [1, 2])], ["<1", "&2"])])
    texts = [element.text for element in parsed(text).iter(f"{SVG}text")]
    assert {"a < b", "&", "<1", "&2"} <= set(texts)


def test_charts_stand_one_below_the_other() -> None:
    chart = Chart("t", "x", "y", [Series("s", [0, 1], [1, 2])])
    root = parsed(draw([chart, chart, chart]))
    places = [re.findall(r"\d+", g.attrib["transform"])[1] for g in root.iter(f"{SVG}g")]
    assert places == ["0", str(HEIGHT), str(2 * HEIGHT)]
    assert root.attrib["viewBox"] == f"0 0 {WIDTH} {3 * HEIGHT}"


def test_a_chart_without_a_point_is_an_error() -> None:
    with pytest.raises(ValueError, match="'empty' has no point"):
        draw([Chart("empty", "x", "y", [Series("s", [], [])])])
