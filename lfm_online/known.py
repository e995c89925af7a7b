"""What a model knows of one user or item, and a user's history."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from lfm_online import history
from lfm_online.layout import Kind, Rows
from lfm_online.model import Model
from lfm_online.predict import Basis, basis_of, items_of, table_of
from lfm_online.replica import Replica, UserRead
from lfm_online.replica_reads import Loaded
from lfm_online.similar import UnknownIdError, similarities


class Known(NamedTuple):
    """A row, in words."""

    ratings: int  # that it was learned from
    events: int  # valid events, refused updates and retractions included
    bias: float  # its part of a score
    last_ms: int | None  # its newest rating's time, Unix milliseconds; None: it has none
    factors: list[float]


class Rated(NamedTuple):
    """An item that a user has rated."""

    item: str
    rating: float


class Reason(NamedTuple):
    """A rated item that lies near to the one explained."""

    item: str
    rating: float
    similarity: float


def known_user(replica: Replica, user: str) -> tuple[Basis, Known]:
    """What is known of a user.

    Raises:
        UnknownIdError: no such user.
        NotReadyError: the replica is not up to date.
        StoreAwayError: the store does not answer.
    """
    replica.check()
    stored = replica.read_users([user])[0]
    if stored is None:
        raise UnknownIdError("user", user)
    with replica.reading() as loaded:
        model = loaded.model
        users = table_of("user", model, [user], [stored]).rows
        blank = table_of("item", model, [""], [None]).rows
        return basis_of(model.globals, None), _known(model, users, blank, "user")


def known_item(replica: Replica, item: str) -> tuple[Basis, Known]:
    """What is known of an item.

    Raises:
        UnknownIdError: no such item.
        NotReadyError: the replica is not up to date.
    """
    with replica.reading() as loaded:
        model = loaded.model
        if model.items.number(item) is None:
            raise UnknownIdError("item", item)
        blank = table_of("user", model, [""], [None]).rows
        return basis_of(model.globals, None), _known(model, blank, items_of(model, [item]), "item")


def _known(model: Model, users: Rows, items: Rows, kind: Kind) -> Known:
    """The first row of that kind; its bias comes from the rule's parts, in the score's units."""
    rule = model.rule
    parts = np.empty(len(rule.part_names))
    rule.parts(users, 0, items, 0, model.globals, rule.hyper, 0, parts)
    rows = users if kind == "user" else items
    header: Any = rows.header[0]
    return Known(
        ratings=int(header["ratings"]),
        events=int(header["events"]),
        bias=float(parts[rule.part_names.index(f"{kind}_bias")]),
        last_ms=int(header["time_ms"]) if header["ratings"] else None,
        factors=rows.factors[0].tolist(),
    )


def rated_by(replica: Replica, user: str) -> tuple[Basis, list[Rated]]:
    """A user's history, oldest first: the latest ratings, as many as the model keeps.

    Raises:
        UnknownIdError: no such user.
        NotReadyError: the replica is not up to date.
        StoreAwayError: the store does not answer.
    """
    replica.check()
    stored = replica.read_user(user)
    if stored.row is None:
        raise UnknownIdError("user", user)
    with replica.reading() as loaded:
        ids = loaded.model.items.ids
        rated = _history_of(loaded, user, stored)
        basis = basis_of(loaded.model.globals, None)
    return basis, [
        Rated(ids[item], rating)
        for item, rating in zip(rated.items.tolist(), rated.ratings.tolist(), strict=True)
    ]


def reasons(replica: Replica, user: str, item: str, n: int) -> list[Reason]:
    """The ``n`` items of a user's history that are nearest to an item by taste: ``similar.similarities``.

    A user or an item that the model does not know has none.

    Raises:
        NotReadyError: the replica is not up to date.
        StoreAwayError: the store does not answer.
    """
    replica.check()
    stored = replica.read_user(user)
    with replica.reading() as loaded:
        items = loaded.model.items
        number = items.number(item)
        if number is None or stored.row is None:
            return []
        rated = _history_of(loaded, user, stored)
        # Of several ratings of one item the last counts.
        latest = dict(zip(rated.items.tolist(), rated.ratings.tolist(), strict=True))
        latest.pop(number, None)
        numbers = np.fromiter(latest, np.int64, len(latest))
        ratings = items.rows.header["ratings"][numbers]
        near = similarities(items.rows.factors[numbers], ratings, items.rows.factors[number])
        order = np.lexsort((numbers, -near))[:n]
        return [Reason(items.ids[numbers[j]], latest[int(numbers[j])], float(near[j])) for j in order]


def rated_items(loaded: Loaded, stored: UserRead, user_ratings: int) -> history.History:
    """A user's history, ratings to the digits that are kept; an item not yet in the replica is left out.

    Args:
        loaded: The model.
        stored: The user as the store holds it.
        user_ratings: ``ratings`` of the row's header.
    """
    low, high = loaded.meta.low, loaded.meta.high
    recent = (stored.row or b"")[loaded.model.users.row_bytes :]
    rated = history.read(recent, stored.history, user_ratings, loaded.meta.history, low, high)
    here = rated.items < len(loaded.model.items)
    digits = math.floor(math.log10(history.FULL_SCALE / (high - low)))
    # A range may end between two such numbers: that from 1 to 100,000 is kept to tens.
    told = np.clip(np.round(rated.ratings[here], digits), low, high)
    return history.History(rated.items[here], told)


def _history_of(loaded: Loaded, user: str, stored: UserRead) -> history.History:
    row = table_of("user", loaded.model, [user], [stored.row]).rows.header[0]
    return rated_items(loaded, stored, int(row["ratings"]))
