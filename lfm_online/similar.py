"""Neighbours of an item: what is rated alike, or what is taken together."""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple

import numba
import numpy as np

from lfm_online.layout import Kind
from lfm_online.numba_flags import KERNEL
from lfm_online.predict import Basis, basis_of
from lfm_online.ranking.scores import head_of
from lfm_online.replica import Replica
from lfm_online.top import best

Near = Literal["taste", "taken-together"]


class UnknownIdError(LookupError):
    """The model has never seen that id."""

    def __init__(self, kind: Kind, row_id: str) -> None:
        super().__init__(f"the model has no {kind} {row_id!r}")
        self.kind = kind


class Neighbour(NamedTuple):
    """An item near another."""

    item: str
    cosine: float
    ratings: int  # that its row was learned from


class Neighbours(NamedTuple):
    """The items nearest to one, nearest first."""

    items: list[Neighbour]
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


def similar(replica: Replica, item: str, n: int, *, by: Near = "taste") -> tuple[Basis, Neighbours]:
    """The ``n`` items with the highest cosine to an item, itself left out.

    Args:
        replica: Of the model.
        item: The item's id.
        n: How many.
        by: ``taste``, cosine of the rule's factors: who likes the one likes the other; or
            ``taken-together``, of the ranking head's y: who takes the one takes the other.

    Raises:
        UnknownIdError: no such item.
        NoRankingError: by taken-together, of a model without a ranking head.
        NotReadyError: the replica is not up to date.
    """
    with replica.reading() as loaded:
        items = loaded.model.items
        number = items.number(item)
        if number is None:
            raise UnknownIdError("item", item)
        if by == "taken-together":
            head_of(loaded.model)
        factors = items.rows.factors if by == "taste" else items.rank_rows.factors
        scores = np.empty(len(items))
        cosines(factors, factors[number], scores)
        left_out = np.zeros(len(items), np.bool_)
        left_out[number] = True
        numbers = best(scores, left_out, n)
        counts = items.rows.header["ratings"][numbers]
        ids = [items.ids[near] for near in numbers]
        own = int(items.rows.header[number]["ratings"])
        basis = basis_of(loaded.model.globals, None)
    near = [
        Neighbour(row_id, float(cosine), int(ratings))
        for row_id, cosine, ratings in zip(ids, scores[numbers], counts, strict=True)
    ]
    return basis, Neighbours(near, own)
