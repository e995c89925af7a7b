"""The best items for a user, by what is taken next or by the predicted rating: the top of one pass."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lfm_online.known import rated_items
from lfm_online.model import Model
from lfm_online.predict import Basis, basis_of, table_of
from lfm_online.ranking.lookup import pulls
from lfm_online.ranking.scores import DEFAULT_C, Scores, next_scores
from lfm_online.replica import Replica
from lfm_online.rows import Table
from lfm_online.top import best

By = Literal["next", "rating"]


class Pull(NamedTuple):
    """An item that the user took lately, and what it adds to the personal part of another's score."""

    item: str
    pull: float


class Recommended(NamedTuple):
    """One item of a recommendation."""

    item: str
    score: float  # what it was ranked by; by rating, that before the link, so that those past the end differ
    rating: float  # predicted, within the range
    deviation: float  # standard deviation of the rating about it
    ratings: int  # that the item's row was learned from
    parts: dict[str, float]  # personal, popular, rating: they sum to the score; empty by rating
    because: list[Pull]  # that pull most, strongest first; empty by rating


class Recommendation(NamedTuple):
    """The best items for a user, best first."""

    items: list[Recommended]
    by: By
    user_ratings: int  # that the user's row was learned from; 0: these are best for all
    left_out: int  # items of the user's history


def recommend(
    replica: Replica,
    user: str,
    n: int,
    *,
    seen: bool = False,
    at: int | None = None,
    by: By | None = None,
    c: float = DEFAULT_C,
) -> tuple[Basis, Recommendation]:
    """The ``n`` items with the highest scores, exactly; of equal scores the one learned first goes first.

    Args:
        replica: Of the model.
        user: The user's id; to an unknown one these are the best for all.
        n: How many.
        seen: Keep the items of the user's history.
        at: The time to recommend for, Unix milliseconds; the newest rating's where not given.
        by: ``next``, what the user takes next, or ``rating``; next where not given and the model has a
            ranking head.
        c: By next, the weight of the predicted rating: ``ranking.scores``.

    Raises:
        NoRankingError: by next, of a model without a ranking head.
        NotReadyError: the replica is not up to date.
        StoreAwayError: the store does not answer.
    """
    replica.check()
    stored = replica.read_user(user)
    with replica.reading() as loaded:
        model = loaded.model
        by = by or ("rating" if model.ranking is None else "next")
        users = table_of("user", model, [user], [stored.row])
        left_out = np.zeros(len(model.items), np.bool_)
        user_ratings = int(users.rows.header[0]["ratings"])
        if not seen:
            left_out[rated_items(loaded, stored, user_ratings).items] = True
        basis = basis_of(model.globals, at)
        chosen = best_items(model, users, basis.at_ms, n, left_out, by, c)
    return basis, Recommendation(chosen, by, user_ratings, int(left_out.sum()))


def best_items(
    model: Model, users: Table, at_ms: int, n: int, left_out: NDArray[np.bool_], by: By, c: float
) -> list[Recommended]:
    """The ``n`` items with the highest scores for the first row of ``users``, best first.

    Args:
        model: Whose items they are.
        users: A table of its own; see ``predict.table_of``.
        at_ms: The time to recommend for, Unix milliseconds.
        n: How many.
        left_out: ``bool[items]``, which not to recommend.
        by: What to rank by.
        c: By next, the weight of the predicted rating.

    Raises:
        NoRankingError: by next, of a model without a ranking head.
    """
    rule = model.rule
    parts = next_scores(model, users, 0, at_ms) if by == "next" else None
    scores = np.empty(len(model.items))
    if parts is None:
        rule.score_items(users.rows, 0, model.items.rows, model.globals, rule.hyper, at_ms, scores)
    else:
        scores = parts.total(c)
    return [
        _recommended(model, users, at_ms, int(i), float(scores[i]), parts, c)
        for i in best(scores, left_out, n)
    ]


def _recommended(
    model: Model, users: Table, at_ms: int, i: int, score: float, parts: Scores | None, c: float
) -> Recommended:
    rule, items, ids = model.rule, model.items, model.items.ids
    terms = np.empty(len(rule.part_names))
    deviation = rule.parts(users.rows, 0, items.rows, i, model.globals, rule.hyper, at_ms, terms)
    shares: dict[str, float] = {}
    because: list[Pull] = []
    if parts is not None:
        shares = {
            "personal": float(parts.personal[i]),
            "popular": float(parts.popular[i]),
            "rating": float(c * parts.z[i]),
        }
        pulled: dict[str, float] = {}  # an item may stand in the context twice
        for near, pull in zip(parts.taste.items, pulls(parts.taste, items.rank_rows, i), strict=True):
            pulled[ids[near]] = pulled.get(ids[near], 0.0) + float(pull)
        because = [Pull(item, pull) for item, pull in sorted(pulled.items(), key=lambda each: -each[1])]
    return Recommended(
        item=ids[i],
        score=score,
        rating=rule.rating_of(float(terms.sum())),
        deviation=float(deviation * model.globals.shared[0]["deviation"]),
        ratings=int(items.rows.header["ratings"][i]),
        parts=shares,
        because=because,
    )
