"""The map of a model's items: the two main axes of taste, drawn as an SVG file of its own."""

from __future__ import annotations

from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

import numpy as np

from lfm_online.catalogue import Catalogue
from lfm_online.insight.axes import Axes, Floats, NoAxesError, ratings_of
from lfm_online.insight.biases import highest
from lfm_online.insight.factors import AxisReading, read_factors
from lfm_online.insight.labels import Box, place_labels
from lfm_online.insight.units import units_of
from lfm_online.model import Model

WIDTH: Final = 1200.0
HEIGHT: Final = 900.0
MARGIN: Final = 70.0
FONT: Final = 12.0
RADIUS: Final = 3.0
TITLE_CHARACTERS: Final = 40
GENRES: Final = 2
"""Genres that say what an end of an axis is about."""
GENRE_LEAST: Final = 0.1
"""A weaker correlation says nothing."""

_PLOT = Box(MARGIN, MARGIN, WIDTH - MARGIN, HEIGHT - MARGIN)
_LABELS = Box(2 * FONT, 0, WIDTH, HEIGHT - 2 * FONT)  # the rest is the axes' own


def draw_map(model: Model, axes: Axes, catalogue: Catalogue, n: int) -> str:
    """An SVG document: the ``n`` items with the most ratings as points, those named whose titles find room.

    Raises:
        NoAxesError: the model has fewer than two axes.
    """
    if len(axes.shares) < 2:
        raise NoAxesError("a map has two axes of taste, and the model's factors have one (LFM_FACTORS)")
    numbers = highest(ratings_of(model.items), n)
    places = axes.items.places(model.items.rows.factors[numbers])[:, :2]
    points = _on_paper(places)
    ids = [model.items.ids[number] for number in numbers.tolist()]
    titles = [_short(catalogue.of(item).title or item) for item in ids]
    svg = Element(
        "svg",
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {WIDTH:g} {HEIGHT:g}",
        width=f"{WIDTH:g}",
        height=f"{HEIGHT:g}",
    )
    svg.set("font-family", "Helvetica, Arial, sans-serif")
    svg.set("font-size", f"{FONT:g}")
    SubElement(svg, "title").text = "The two main axes of taste"
    SubElement(svg, "rect", width="100%", height="100%", fill="white")
    _draw_axes(svg, read_factors(model, axes, catalogue, 2, 1).axes, units_of(model).of, places)
    for (x, y), item, title in zip(points, ids, titles, strict=True):
        dot = SubElement(svg, "circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r=f"{RADIUS:g}", fill="#9db4c8")
        SubElement(dot, "title").text = f"{title} ({item})"  # what a browser shows under the mouse
    for label in place_labels(points, titles, FONT, RADIUS, _LABELS):
        x, y = points[label.number]
        SubElement(svg, "circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r=f"{RADIUS:g}", fill="#b03a2e")
        # Against its point: the box is rather too wide.
        side = {"text-anchor": "end"} if label.box.right < x else {}
        _write(
            svg,
            label.box.right if side else label.box.left,
            label.box.bottom - FONT * 0.2,
            titles[label.number],
            **side,
        )
    indent(svg)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(svg, encoding="unicode") + "\n"


def _on_paper(places: Floats) -> list[tuple[float, float]]:
    """Places as points of the drawing, each axis stretched to the plot; upwards is positive."""
    lowest, span = places.min(0), np.ptp(places, axis=0)
    share = (places - lowest) / np.where(span > 0, span, 1.0)
    x = _PLOT.left + share[:, 0] * (_PLOT.right - _PLOT.left)
    y = _PLOT.bottom - share[:, 1] * (_PLOT.bottom - _PLOT.top)
    return list(zip(x.tolist(), y.tolist(), strict=True))


def _draw_axes(svg: Element, readings: list[AxisReading], units: str, places: Floats) -> None:
    """A frame, and what each axis and its ends are about."""
    SubElement(
        svg,
        "rect",
        x=f"{_PLOT.left:g}",
        y=f"{_PLOT.top:g}",
        width=f"{_PLOT.right - _PLOT.left:g}",
        height=f"{_PLOT.bottom - _PLOT.top:g}",
        fill="none",
        stroke="#cccccc",
    )
    texts = [
        f"{_genres(reading, -1)}{low:+.2f}  \u2190  axis {reading.axis}: {reading.share:.0%} of the variance "
        f"of tastes, in {units}  \u2192  {high:+.2f}{_genres(reading, 1)}"
        for reading, low, high in zip(readings, places.min(0), places.max(0), strict=True)
    ]
    middle = {"text-anchor": "middle", "fill": "#555555"}
    _write(svg, WIDTH / 2, HEIGHT - FONT, texts[0], **middle)
    upright = {"transform": f"rotate(-90 {1.5 * FONT:g} {HEIGHT / 2:g})"}
    _write(svg, 1.5 * FONT, HEIGHT / 2, texts[1], **middle, **upright)


def _genres(reading: AxisReading, sign: int) -> str:
    """The genres that go with an end, in brackets; nothing where none does."""
    ends = [genre for genre, value in reading.genres.items() if value * sign > GENRE_LEAST][:GENRES]
    if not ends:
        return ""
    return f" ({', '.join(ends)})" if sign > 0 else f"({', '.join(ends)}) "


def _write(svg: Element, x: float, y: float, text: str, **attributes: str) -> None:
    SubElement(svg, "text", {"x": f"{x:.1f}", "y": f"{y:.1f}", **attributes}).text = text


def _short(title: str) -> str:
    if len(title) > TITLE_CHARACTERS:
        title = title.split(" (", maxsplit=1)[0]  # other titles, a year
    return title if len(title) <= TITLE_CHARACTERS else f"{title[: TITLE_CHARACTERS - 1]}\u2026"
