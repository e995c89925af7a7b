"""Predictions from a replica. Unknown ids get rows of their own for one answer: nothing is added."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lfm_online.layout import BANDS, Globals, Kind, Rows
from lfm_online.model import Model
from lfm_online.replica import Replica
from lfm_online.rows import Table


class Basis(NamedTuple):
    """What an answer rests on."""

    newest_ms: int  # the newest rating that was learned, Unix milliseconds; 0: none
    at_ms: int  # the time that the answer is for


Source = Literal["ratings", "attributes", "mean"]
"""What a user or item is known by: its own ratings, a prior from its attributes, or nothing."""


class Prediction(NamedTuple):
    """What a user would rate an item."""

    rating: float  # within the range
    deviation: float  # rating units; 68.27% of such ratings lie within it
    bands: dict[str, tuple[float, float]]  # lowest and highest by level in percent, within the range
    score: float  # the rating before the link
    parts: dict[str, float]  # by Rule.part_names; they sum to the score
    user_ratings: int  # how many ratings the user's row was learned from
    item_ratings: int  # and the item's
    item_basis: Source


def table_of(kind: Kind, model: Model, ids: Sequence[str], stored: Sequence[bytes | None]) -> Table:
    """A table of its own for one answer; an id without a row starts as it would if it were learned."""
    table = Table(kind, model.rule, model.n_factors, history=model.history, ranking=model.ranking)
    table.load(table.numbers(ids), stored)
    return table


def items_of(model: Model, ids: Sequence[str]) -> Rows:
    """Copies of items' rows in that order; an unknown one as it would start."""
    table = Table("item", model.rule, model.n_factors)
    table.priors = model.items.priors
    places = table.numbers(ids)
    numbers = model.items.index.find(table.ids)
    new = numbers < 0
    table.start(places[new])
    ours: tuple[NDArray[Any], ...] = table.rows
    theirs: tuple[NDArray[Any], ...] = model.items.rows
    for own, held in zip(ours, theirs, strict=True):
        own[places[~new]] = held[numbers[~new]]
    return table.rows


def basis_of(globals_: Globals, at: int | None) -> Basis:
    """Now is the newest rating's time, so that a replay of old ratings behaves, unless ``at`` is given."""
    newest = int(globals_.shared[0]["newest_ms"])
    return Basis(newest, newest if at is None else at)


def predict(
    replica: Replica, pairs: Sequence[tuple[str, str]], at: int | None = None
) -> tuple[Basis, list[Prediction]]:
    """Predict the ratings of pairs of user and item, in their order.

    Args:
        replica: Of the model.
        pairs: Ids of users and items.
        at: The time to predict for, Unix milliseconds; the newest rating's where not given.

    Raises:
        NotReadyError: the replica is not up to date.
        StoreAwayError: the store does not answer.
    """
    replica.check()
    user_ids = list(dict.fromkeys(user for user, _ in pairs))
    item_ids = list(dict.fromkeys(item for _, item in pairs))
    stored = replica.read_users(user_ids)
    with replica.reading() as loaded:
        model = loaded.model
        items = items_of(model, item_ids)
        described = model.items.priors.has(items.hash)
        globals_ = model.globals
    users = table_of("user", model, user_ids, stored).rows
    basis = basis_of(globals_, at)
    user_places = {user: place for place, user in enumerate(user_ids)}
    item_places = {item: place for place, item in enumerate(item_ids)}
    rule = model.rule
    parts = np.empty(len(rule.part_names))
    answers = []
    for user, item in pairs:
        u, i = user_places[user], item_places[item]
        own = rule.parts(users, u, items, i, globals_, rule.hyper, basis.at_ms, parts)
        user_row, item_row = users.header[u], items.header[i]
        answers.append(_prediction(model, globals_, parts, own, user_row, item_row, described[i]))
    return basis, answers


def _prediction(
    model: Model,
    globals_: Globals,
    parts: NDArray[np.float64],
    own_deviation: float,
    user: Any,
    item: Any,
    described: bool,
) -> Prediction:
    values = (parts + 0.0).tolist()  # without -0.0
    score = sum(values)
    rating = model.rule.rating_of(score)
    low, high = model.rule.hyper.low, model.rule.hyper.high
    shared = globals_.shared[0]
    widths = (own_deviation * shared["band"]).tolist()
    return Prediction(
        rating=rating,
        deviation=float(own_deviation * shared["deviation"]),
        bands={
            band: (max(rating - width, low), min(rating + width, high))
            for band, width in zip(BANDS, widths, strict=True)
        },
        score=score,
        parts=dict(zip(model.rule.part_names, values, strict=True)),
        user_ratings=int(user["ratings"]),
        item_ratings=int(item["ratings"]),
        item_basis="ratings" if item["ratings"] else "attributes" if described else "mean",
    )
