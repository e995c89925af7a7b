"""What the axes of taste are about: the items at both ends, and what goes with the items' places."""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec
import numpy as np

from lfm_online.catalogue import Catalogue
from lfm_online.insight.axes import Axes, Floats, ratings_of
from lfm_online.insight.biases import highest
from lfm_online.insight.units import Z90, units_of, variances_of
from lfm_online.model import Model

LEAST_ITEMS: Final = 5
"""A genre of fewer items goes with anything."""
_ROUNDING: Final = 1e-12
"""A variance this small beside the mean square is what rounding leaves of none."""


class Place(msgspec.Struct, frozen=True):
    """Where an item stands on an axis: what one deviation of a user along it adds to the item's score."""

    id: str
    title: str
    genres: tuple[str, ...]
    ratings: int
    at: float
    low: float | None  # of the 90% interval; None: the rule keeps no variances
    high: float | None


class AxisReading(msgspec.Struct, frozen=True):
    """One axis, in words and numbers. Correlations are over items, weighted by their ratings."""

    axis: int  # from 1
    share: float  # of the variance of tastes
    strength: float  # standard deviation of what it adds to a score
    popularity: float | None  # correlation with log(1 + ratings); None: it does not vary
    liking: float | None  # with the item's bias
    year: float | None
    genres: dict[str, float]  # the strongest first
    high: list[Place]
    low: list[Place]


class Factors(msgspec.Struct, frozen=True):
    """The principal axes of a model's tastes, the largest first."""

    rule: str
    units: str
    axes: list[AxisReading]


class Placed(NamedTuple):
    """All items on all axes, each ``float64[n_items, n_axes]``, in the units of the score."""

    at: Floats
    low: Floats  # of the 90% interval; the place itself where the rule keeps no variances
    high: Floats


def place_items(model: Model, axes: Axes) -> Placed:
    """Where each item of a model stands on each axis."""
    rows = model.items.rows
    count = len(model.items)
    at = axes.items.places(rows.factors[:count])
    variances = variances_of(rows.state[:count])
    half = np.zeros_like(at) if variances is None else Z90 * axes.items.deviations(variances.factor)
    return Placed(at, at - half, at + half)


def read_factors(model: Model, axes: Axes, catalogue: Catalogue, n_axes: int, n: int) -> Factors:
    """The first ``n_axes`` axes with ``n`` items at each end.

    An end's items are ranked by the end of their 90% interval that lies nearer to the middle.
    """
    placed = place_items(model, axes)
    attributes = _Attributes(model, catalogue)
    return Factors(
        model.rule.name,
        units_of(model).of,
        [
            AxisReading(
                axis=j + 1,
                share=float(axes.shares[j]),
                strength=float(axes.strengths[j]),
                popularity=attributes.goes_with(placed.at[:, j], attributes.popularity),
                liking=attributes.goes_with(placed.at[:, j], attributes.liking),
                year=attributes.goes_with(placed.at[:, j], attributes.year),
                genres=attributes.genres_with(placed.at[:, j]),
                high=ends(model, placed, j, 1, catalogue, n),
                low=ends(model, placed, j, -1, catalogue, n),
            )
            for j in range(min(n_axes, len(axes.shares)))
        ],
    )


def ends(model: Model, placed: Placed, axis: int, sign: int, catalogue: Catalogue, n: int) -> list[Place]:
    """The ``n`` items that stand most surely at the high (``sign`` 1) or low (-1) end of an axis.

    Only items that stand on that side even by the unfavourable end of their interval.
    """
    sure = placed.low[:, axis] if sign > 0 else -placed.high[:, axis]
    numbers = [number for number in highest(sure, n).tolist() if sure[number] > 0]
    return [told_place(model, placed, axis, number, catalogue) for number in numbers]


def told_place(model: Model, placed: Placed, axis: int, number: int, catalogue: Catalogue) -> Place:
    """One item on one axis, in words and numbers."""
    item = model.items.ids[number]
    told = catalogue.of(item)
    sure = variances_of(model.items.rows.state[:1]) is not None
    return Place(
        id=item,
        title=told.title,
        genres=told.genres,
        ratings=int(model.items.rows.header["ratings"][number]),
        at=float(placed.at[number, axis]),
        low=float(placed.low[number, axis]) if sure else None,
        high=float(placed.high[number, axis]) if sure else None,
    )


class _Attributes:
    """What is known of items beside their factors, NaN where it is not."""

    def __init__(self, model: Model, catalogue: Catalogue) -> None:
        told = [catalogue.of(item) for item in model.items.ids]
        self.weights = ratings_of(model.items)
        self.popularity = np.log1p(self.weights)
        self.liking = model.items.rows.state["b"][: len(model.items)].astype(np.float64)
        self.year = np.array([np.nan if each.year is None else each.year for each in told])
        known = np.array([item in catalogue for item in model.items.ids])
        self.genres = {
            genre: np.where(known, np.array([genre in each.genres for each in told], np.float64), np.nan)
            for genre in catalogue.genres
        }

    def goes_with(self, at: Floats, values: Floats) -> float | None:
        """Pearson's correlation, weighted by ratings; None where one of the two does not vary."""
        known = np.isfinite(values) & (self.weights > 0)
        if not known.any():
            return None
        both = np.cov(at[known], values[known], aweights=self.weights[known], ddof=0)
        squares = np.array([np.mean(at[known] ** 2), np.mean(values[known] ** 2)])
        if (np.diag(both) <= _ROUNDING * squares).any():
            return None
        return float(np.clip(both[0, 1] / np.sqrt(both[0, 0] * both[1, 1]), -1.0, 1.0))

    def genres_with(self, at: Floats) -> dict[str, float]:
        """The correlation with each genre that enough items have, the strongest first."""
        found = {
            genre: self.goes_with(at, values)
            for genre, values in self.genres.items()
            if np.nansum(values) >= LEAST_ITEMS
        }
        told = {genre: value for genre, value in found.items() if value is not None}
        return dict(sorted(told.items(), key=lambda each: -abs(each[1])))
