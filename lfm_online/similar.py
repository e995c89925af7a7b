"""Neighbours of an item: what is rated alike, or what is taken together."""

from __future__ import annotations

import math
from typing import Any, Final, Literal, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from lfm_online.layout import Kind
from lfm_online.model import Model
from lfm_online.numba_flags import KERNEL
from lfm_online.predict import Basis, basis_of
from lfm_online.ranking.scores import head_of
from lfm_online.replica import Replica
from lfm_online.top import best

Near = Literal["taken-together", "taste"]

PRIOR_RATINGS: Final = 10
"""An item of that many ratings counts half of its cosine. The factors of one with few lie along those of the
few users who rated it, so that its plain cosine is high with whatever else they lie along
(docs/decisions/0036-similar-items.md)."""


class UnknownIdError(LookupError):
    """The model has never seen that id."""

    def __init__(self, kind: Kind, row_id: str) -> None:
        super().__init__(f"the model has no {kind} {row_id!r}")
        self.kind = kind


class Neighbour(NamedTuple):
    """An item near another."""

    item: str
    similarity: float
    ratings: int  # that its row was learned from


class Neighbours(NamedTuple):
    """The items nearest to one, nearest first."""

    items: list[Neighbour]
    by: Near
    item_ratings: int  # that the item's own row was learned from


@numba.njit(**KERNEL)
def cosines(factors: Any, target: Any, out: Any) -> None:
    """Fill ``out: float64[n]`` with ``q.t / (|q| |t|)`` for the first n rows of ``factors``; 0 for zeros."""
    length = 0.0
    for f in range(len(target)):
        length += np.float64(target[f]) * target[f]
    for i in range(len(out)):
        dot = np.float32(0)
        square = np.float32(0)
        for f in range(len(target)):
            dot += factors[i, f] * target[f]
            square += factors[i, f] * factors[i, f]
        product = math.sqrt(np.float64(square) * length)
        out[i] = dot / product if product > 0.0 else 0.0


def similarities(
    factors: NDArray[np.float32], ratings: NDArray[np.uint32], target: NDArray[np.float32]
) -> NDArray[np.float64]:
    """How near rows are to another: the cosine, times ``n/(n + PRIOR_RATINGS)``, from -1 to 1.

    Args:
        factors: ``float32[n_rows or more, k]``.
        ratings: ``uint32[n_rows]``, n: what each of the rows was learned from.
        target: ``float32[k]``, the other row's factors.
    """
    scores = np.empty(len(ratings))
    cosines(factors, target, scores)
    scores *= ratings / (ratings + PRIOR_RATINGS)
    return scores


def near_item(model: Model, number: int, by: Near, n_items: int) -> NDArray[np.float64]:
    """The similarity to an item of the first ``n_items``, ``float64[n_items]``, its own among them.

    Raises:
        NoRankingError: by taken-together, of a model without a ranking head.
    """
    if by == "taken-together":
        head_of(model)
    items = model.items
    factors = items.rows.factors if by == "taste" else items.rank_rows.factors
    return similarities(factors, items.rows.header["ratings"][:n_items], factors[number])


def similar(replica: Replica, item: str, n: int, *, by: Near | None = None) -> tuple[Basis, Neighbours]:
    """The ``n`` items with the highest similarity to an item, itself left out; see :func:`similarities`.

    Args:
        replica: Of the model.
        item: The item's id.
        n: How many.
        by: ``taken-together``, of the ranking head's y: who takes the one takes the other; or ``taste``, of
            the rule's factors: who likes the one likes the other. Taken together where not given and the
            model has a ranking head.

    Raises:
        UnknownIdError: no such item.
        NoRankingError: by taken-together, of a model without a ranking head.
        NotReadyError: the replica is not up to date.
    """
    with replica.reading() as loaded:
        model, items = loaded.model, loaded.model.items
        by = by or ("taste" if model.ranking is None else "taken-together")
        number = items.number(item)
        if number is None:
            raise UnknownIdError("item", item)
        scores = near_item(model, number, by, len(items))
        left_out = np.zeros(len(items), np.bool_)
        left_out[number] = True
        numbers = best(scores, left_out, n)
        counts = items.rows.header["ratings"][numbers]
        ids = [items.ids[near] for near in numbers]
        own = int(items.rows.header[number]["ratings"])
        basis = basis_of(model.globals, None)
    near = [
        Neighbour(row_id, float(similarity), int(count))
        for row_id, similarity, count in zip(ids, scores[numbers], counts, strict=True)
    ]
    return basis, Neighbours(near, by, own)
