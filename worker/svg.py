"""Line charts as SVG: a few series over one axis each, stacked in one file that any browser shows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
"""Told apart by the colour-blind too: Okabe and Ito (2008), "Color universal design"."""
WIDTH: Final = 720
HEIGHT: Final = 330
_LEFT: Final = 64
_RIGHT: Final = 36
_TOP: Final = 62
_BOTTOM: Final = 46
_TICKS: Final = 6
_STYLE: Final = 'font-family="sans-serif" font-size="12" fill="#222"'


@dataclass(frozen=True, slots=True)
class Series:
    """Some values, drawn as a line, as marks, or as both."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    line: bool = True
    marks: bool = False
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """Series over shared axes, their limits those of the values."""

    title: str
    x_label: str
    y_label: str
    series: Sequence[Series]
    names: Sequence[str] = ()
    """What stands below x = 0, 1, 2, …, in place of numbers."""


def draw(charts: Sequence[Chart]) -> str:
    """The charts, one below the other.

    Raises:
        ValueError: a chart without a point.
    """
    height = HEIGHT * len(charts)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" {_STYLE}>',
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
    ]
    for place, chart in enumerate(charts):
        parts += [f'<g transform="translate(0 {place * HEIGHT})">', *_chart(chart), "</g>"]
    return "\n".join([*parts, "</svg>", ""])


def ticks(low: float, high: float) -> list[float]:
    """About half a dozen round numbers from ``low`` to ``high``, steps of 1, 2 or 5 times a power of ten."""
    raw = (high - low) / _TICKS
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= raw * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(j * step, 12) for j in range(first, last + 1)]


def _limits(values: Sequence[float], margin: float) -> tuple[float, float]:
    low, high = min(values), max(values)
    if low == high:
        return low - 0.5, high + 0.5
    return low - margin * (high - low), high + margin * (high - low)


def _chart(chart: Chart) -> Iterator[str]:
    xs = [x for series in chart.series for x in series.x]
    ys = [y for series in chart.series for y in series.y]
    if not xs:
        raise ValueError(f"the chart {chart.title!r} has no point")
    x_low, x_high = (
        (-0.5, len(chart.names) - 0.5) if chart.names else _limits(xs, 0.0 if len(xs) > 1 else 0.5)
    )
    y_low, y_high = _limits(ys, 0.05)

    def across(x: float) -> float:
        return _LEFT + (x - x_low) / (x_high - x_low) * (WIDTH - _LEFT - _RIGHT)

    def down(y: float) -> float:
        return HEIGHT - _BOTTOM - (y - y_low) / (y_high - y_low) * (HEIGHT - _TOP - _BOTTOM)

    yield _text(_LEFT, 20, chart.title, 'font-size="14" font-weight="bold"')
    yield _text(_LEFT, _TOP - 8, chart.y_label, 'fill="#555"')
    yield _text((WIDTH + _LEFT) / 2, HEIGHT - 8, chart.x_label, 'fill="#555" text-anchor="middle"')
    for y in ticks(y_low, y_high):
        yield f'<path d="M{_LEFT} {down(y):.1f}H{WIDTH - _RIGHT}" stroke="#ddd"/>'
        yield _text(_LEFT - 6, down(y) + 4, f"{y:g}", 'text-anchor="end"')
    for x, name in enumerate(chart.names) if chart.names else ((x, f"{x:,g}") for x in ticks(x_low, x_high)):
        yield f'<path d="M{across(x):.1f} {HEIGHT - _BOTTOM}v4" stroke="#222"/>'
        yield _text(across(x), HEIGHT - _BOTTOM + 18, name, 'text-anchor="middle"')
    yield f'<path d="M{_LEFT} {HEIGHT - _BOTTOM}H{WIDTH - _RIGHT}" stroke="#222"/>'
    for place, series in enumerate(chart.series):
        colour = COLOURS[place % len(COLOURS)]
        at = [(across(x), down(y)) for x, y in zip(series.x, series.y, strict=True)]
        if series.line:
            dashes = ' stroke-dasharray="5 4"' if series.dashed else ""
            path = "L".join(f"{x:.1f} {y:.1f}" for x, y in at)
            yield f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="1.8"{dashes}/>'
        if series.marks:
            yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in at)
    yield from _legend(chart.series)


def _legend(series: Sequence[Series]) -> Iterator[str]:
    """Names in their lines' colours, above the chart on its right."""
    x = float(WIDTH - _RIGHT)
    for place in reversed(range(len(series))):
        colour = COLOURS[place % len(COLOURS)]
        yield _text(x, _TOP - 8, series[place].name, f'fill="{colour}" text-anchor="end" font-weight="bold"')
        x -= 7.6 * len(series[place].name) + 16


def _text(x: float, y: float, text: str, attributes: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {attributes}>{escape(text)}</text>'
