"""Who rates high, and what is liked beyond its popularity, with how sure that is.

A bias is ranked by the end of its 90% interval that lies nearer to zero: b - 1.645 sd for the highest, b +
1.645 sd for the lowest. So a row that rests on two ratings wins only if they leave no doubt. A rule without
variances (sgd) is ranked by the bias itself, which its fixed steps keep near zero while ratings are few.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from lfm_online.catalogue import EMPTY, Catalogue
from lfm_online.insight.units import Z90, units_of, variances_of
from lfm_online.layout import Kind
from lfm_online.model import Model
from lfm_online.top import best


class Bias(msgspec.Struct, frozen=True):
    """One row's bias, in the units of the score."""

    id: str
    title: str  # empty for a user, and where the catalogue has none
    genres: tuple[str, ...]
    ratings: int
    bias: float
    low: float | None  # of the 90% interval; None: the rule keeps no variances
    high: float | None


class Biases(msgspec.Struct, frozen=True):
    """Both ends of both kinds, the most extreme first."""

    rule: str
    units: str
    generous_users: list[Bias]
    strict_users: list[Bias]
    liked_items: list[Bias]
    disliked_items: list[Bias]


class Intervals(NamedTuple):
    """The biases of all rows of a kind, in the units of the score; each ``float64[n]``."""

    bias: NDArray[np.float64]
    low: NDArray[np.float64]  # of the 90% interval; the bias itself where the rule keeps no variances
    high: NDArray[np.float64]


def read_biases(model: Model, catalogue: Catalogue, n: int) -> Biases:
    """The ``n`` most and least generous users, and best and worst liked items, of a whole model.

    An item's bias is what it adds to a newcomer's score, without the part of popularity where the rule has
    one.
    """
    users, items = intervals_of(model, "user"), intervals_of(model, "item")
    return Biases(
        rule=model.rule.name,
        units=units_of(model).of,
        generous_users=_told(model, "user", users, highest(users.low, n), EMPTY),
        strict_users=_told(model, "user", users, highest(-users.high, n), EMPTY),
        liked_items=_told(model, "item", items, highest(items.low, n), catalogue),
        disliked_items=_told(model, "item", items, highest(-items.high, n), catalogue),
    )


def intervals_of(model: Model, kind: Kind) -> Intervals:
    """The biases of all rows of a kind with their 90% intervals."""
    table = model.users if kind == "user" else model.items
    units = units_of(model)
    unit = units.user_bias if kind == "user" else units.item_bias
    state = table.rows.state[: len(table)]
    bias = unit * state["b"].astype(np.float64)
    variances = variances_of(state)
    half = np.zeros(len(bias)) if variances is None else Z90 * abs(unit) * np.sqrt(variances.bias)
    return Intervals(bias, bias - half, bias + half)


def highest(values: NDArray[np.float64], n: int) -> NDArray[np.int64]:
    """The places of the ``n`` highest values, highest first; of equal ones the first goes first."""
    return best(np.ascontiguousarray(values), np.zeros(len(values), np.bool_), n)


def told_bias(model: Model, kind: Kind, intervals: Intervals, number: int, catalogue: Catalogue) -> Bias:
    """One row's bias in words and numbers."""
    table = model.users if kind == "user" else model.items
    told = catalogue.of(table.ids[number])
    sure = variances_of(table.rows.state[:1]) is not None
    return Bias(
        id=table.ids[number],
        title=told.title,
        genres=told.genres,
        ratings=int(table.rows.header["ratings"][number]),
        bias=float(intervals.bias[number]),
        low=float(intervals.low[number]) if sure else None,
        high=float(intervals.high[number]) if sure else None,
    )


def _told(
    model: Model, kind: Kind, intervals: Intervals, numbers: NDArray[np.int64], catalogue: Catalogue
) -> list[Bias]:
    return [told_bias(model, kind, intervals, number, catalogue) for number in numbers.tolist()]
