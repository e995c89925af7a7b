"""One user or one item: counts, bias, the place on each axis, and who is near.

Near is whose tastes agree: the correlation of two users' predicted tastes over the items as they are rated,
which is the cosine of their places with each axis weighted by its strength; of two items, over the users.
"""

from __future__ import annotations

import msgspec
import numpy as np

from lfm_online.catalogue import EMPTY, Catalogue
from lfm_online.insight.axes import Axes, Floats, ratings_of
from lfm_online.insight.biases import Bias, intervals_of, told_bias
from lfm_online.insight.factors import Place, ends, place_items
from lfm_online.insight.units import Z90, units_of, variances_of
from lfm_online.layout import Kind
from lfm_online.model import Model
from lfm_online.similar import UnknownIdError, cosines
from lfm_online.top import best

SHOWN_ENDS = 3
"""Items that say what the end of an axis is about."""


class OnAxis(msgspec.Struct, frozen=True):
    """Where a user or an item stands on one axis."""

    axis: int  # from 1
    at: float  # of a user in deviations from the mean user, of an item in the units of the score
    low: float | None  # of the 90% interval; None: the rule keeps no variances
    high: float | None
    towards: list[Place]  # the items at the end that it leans to


class Near(msgspec.Struct, frozen=True):
    """A neighbour."""

    id: str
    title: str
    ratings: int
    agreement: float  # -1 to 1


class Profile(msgspec.Struct, frozen=True):
    """What the model knows of one user or item."""

    kind: Kind
    rule: str
    units: str
    bias: Bias
    axes: list[OnAxis]
    nearest: list[Near]


def read_profile(
    model: Model,
    axes: Axes,
    kind: Kind,
    row_id: str,
    catalogue: Catalogue,
    *,
    n_axes: int,
    n: int,
    least: int,
) -> Profile:
    """The profile of a user or an item of a whole model.

    Args:
        model: With all its rows.
        axes: Of the model.
        kind: Whether ``row_id`` is a user or an item.
        row_id: The id.
        catalogue: What items are called.
        n_axes: How many axes.
        n: How many neighbours at most.
        least: Ratings that a neighbour must have.

    Raises:
        UnknownIdError: the model has no such user or item.
    """
    table = model.users if kind == "user" else model.items
    number = table.number(row_id)
    if number is None:
        raise UnknownIdError(kind, row_id)
    return Profile(
        kind=kind,
        rule=model.rule.name,
        units=units_of(model).of,
        bias=told_bias(
            model, kind, intervals_of(model, kind), number, EMPTY if kind == "user" else catalogue
        ),
        axes=_on_axes(model, axes, kind, number, catalogue, n_axes),
        nearest=_nearest(model, axes, kind, number, catalogue, n, least),
    )


def _on_axes(
    model: Model, axes: Axes, kind: Kind, number: int, catalogue: Catalogue, n_axes: int
) -> list[OnAxis]:
    rows = (model.users if kind == "user" else model.items).rows
    side = axes.users if kind == "user" else axes.items
    at = side.places(rows.factors[number : number + 1])[0]
    variances = variances_of(rows.state[number : number + 1])
    half = None if variances is None else Z90 * side.deviations(variances.factor)[0]
    placed = place_items(model, axes)
    return [
        OnAxis(
            axis=j + 1,
            at=float(at[j]),
            low=None if half is None else float(at[j] - half[j]),
            high=None if half is None else float(at[j] + half[j]),
            towards=ends(model, placed, j, 1 if at[j] >= 0 else -1, catalogue, SHOWN_ENDS),
        )
        for j in range(min(n_axes, len(at)))
    ]


def _nearest(
    model: Model, axes: Axes, kind: Kind, number: int, catalogue: Catalogue, n: int, least: int
) -> list[Near]:
    table = model.users if kind == "user" else model.items
    # Items' places carry the strength of each axis already.
    strength = axes.strengths if kind == "user" else np.ones(len(axes.strengths))
    side = axes.users if kind == "user" else axes.items
    places: Floats = np.ascontiguousarray(side.places(table.rows.factors[: len(table)]) * strength)
    agreement = np.empty(len(table))
    cosines(places.astype(np.float32), places[number].astype(np.float32), agreement)
    left_out = ratings_of(table) < least
    left_out[number] = True
    return [
        Near(
            id=table.ids[near],
            title=catalogue.of(table.ids[near]).title if kind == "item" else "",
            ratings=int(table.rows.header["ratings"][near]),
            agreement=float(agreement[near]),
        )
        for near in best(agreement, left_out, n).tolist()
    ]
