"""Recommendations for a basket: a visitor without an id, who took some items just now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from lfm_online.predict import Basis, basis_of, table_of
from lfm_online.ranking.lookup import basket
from lfm_online.ranking.scores import DEFAULT_C
from lfm_online.recommend import Recommended, best_items
from lfm_online.replica import Replica


class ForBasket(NamedTuple):
    """The best items to go with a basket, best first."""

    items: list[Recommended]
    known: list[str]  # of the basket, each once, oldest first; where there are none, these are best for all
    unknown: list[str]  # of the basket, likewise


def recommend_for_basket(
    replica: Replica, taken: Sequence[str], n: int, *, seen: bool = False, c: float = DEFAULT_C
) -> tuple[Basis, ForBasket]:
    """The ``n`` items with the highest scores for who took these: the context alone, as of a newcomer.

    Args:
        replica: Of the model.
        taken: Ids of items, oldest first; of one that repeats, the last place counts.
        n: How many.
        seen: Keep the basket's own items.
        c: The weight of the rating that a newcomer would give: ``ranking.scores``.

    Raises:
        NoRankingError: the model has no ranking head.
        NotReadyError: the replica is not up to date.
    """
    ids = list(dict.fromkeys(reversed(taken)))[::-1]
    with replica.reading() as loaded:
        model = loaded.model
        numbers = {item: model.items.number(item) for item in ids}
        held = [number for number in numbers.values() if number is not None]
        users = table_of("user", model, [""], [None])
        if model.ranking is not None:
            users.rank_rows.state[:1] = basket(held, [True] * len(held), model.n_factors).state
        left_out = np.zeros(len(model.items), np.bool_)
        if not seen:
            left_out[held] = True
        basis = basis_of(model.globals, None)
        chosen = best_items(model, users, basis.at_ms, n, left_out, "next", c)
    return basis, ForBasket(
        chosen,
        [item for item in ids if numbers[item] is not None],
        [item for item in ids if numbers[item] is None],
    )
