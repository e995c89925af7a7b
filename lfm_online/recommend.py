"""The best items for a user: the top of one inner product over all items."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lfm_online.known import rated_items
from lfm_online.predict import Basis, basis_of, table_of
from lfm_online.replica import Replica
from lfm_online.top import best


class Recommended(NamedTuple):
    """One item of a recommendation."""

    item: str
    score: float  # before the link, so that ratings past the range's end still differ
    rating: float  # within the range
    ratings: int  # that the item's row was learned from


class Recommendation(NamedTuple):
    """The best items for a user, best first."""

    items: list[Recommended]
    user_ratings: int  # that the user's row was learned from; 0: these are best liked by all
    left_out: int  # items of the user's history


def recommend(
    replica: Replica, user: str, n: int, *, seen: bool = False, at: int | None = None
) -> tuple[Basis, Recommendation]:
    """The ``n`` items with the highest scores, exactly; of equal scores the one learned first goes first.

    To an unknown user these are the items that the model takes to be liked best.

    Args:
        replica: Of the model.
        user: The user's id.
        n: How many.
        seen: Keep the items of the user's history.
        at: The time to recommend for, Unix milliseconds; the newest rating's where not given.

    Raises:
        NotReadyError: the replica is not up to date.
        StoreAwayError: the store does not answer.
    """
    replica.check()
    stored = replica.read_user(user)
    with replica.reading() as loaded:
        model = loaded.model
        users = table_of("user", model, [user], [stored.row]).rows
        n_items = len(model.items)
        left_out = np.zeros(n_items, np.bool_)
        user_ratings = int(users.header[0]["ratings"])
        if not seen:
            left_out[rated_items(loaded, stored, user_ratings).items] = True
        basis = basis_of(model.globals, at)
        scores = np.empty(n_items)
        model.rule.score_items(
            users, 0, model.items.rows, model.globals, model.rule.hyper, basis.at_ms, scores
        )
        numbers = best(scores, left_out, n)
        counts = model.items.rows.header["ratings"][numbers]
        ids = [model.items.ids[number] for number in numbers]
    chosen = [
        Recommended(item, float(score), model.rule.rating_of(float(score)), int(ratings))
        for item, score, ratings in zip(ids, scores[numbers], counts, strict=True)
    ]
    return basis, Recommendation(chosen, user_ratings, int(left_out.sum()))
