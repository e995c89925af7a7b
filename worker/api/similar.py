"""``/v1/similar``: the items nearest to an item."""

from __future__ import annotations

from typing import Annotated

from litestar import get
from litestar.params import QueryParameter
from msgspec import Meta, Struct

from lfm_online.replica import Replica
from lfm_online.similar import Near
from lfm_online.similar import similar as similar_items
from worker.api.answers import Answer, ItemField, ItemRatingsField, SimilarityField, watermark_of
from worker.api.parameters import HowMany, ItemId, TheReplica, checked_id
from worker.api.problems import PROBLEMS_OR_UNKNOWN, UNRANKED


class SimilarItem(Struct, kw_only=True):
    """An item near another."""

    item: ItemField
    similarity: SimilarityField
    item_ratings: ItemRatingsField


class SimilarAnswer(Answer, kw_only=True):
    """The items nearest to one, nearest first."""

    item: ItemField
    item_ratings: ItemRatingsField
    by: Annotated[Near, Meta(description="Which factors were compared.", examples=["taken-together"])]
    items: list[SimilarItem]


ByFactors = Annotated[
    Near | None,
    QueryParameter(
        name="by",
        description="`taken-together`, who takes the one takes the other, of a model with a ranking head "
        "(`LFM_RANKING`), where it is the default; `taste`: who likes the one likes the other.",
    ),
]


def similar_answer(replica: Replica, item: str, n: int, by: Near | None = None) -> SimilarAnswer:
    """An item's neighbours as they are answered; see ``lfm_online.similar``."""
    basis, found = similar_items(replica, item, n, by=by)
    return SimilarAnswer(
        model=replica.name,
        watermark_ms=watermark_of(basis),
        item=item,
        item_ratings=found.item_ratings,
        by=found.by,
        items=[
            SimilarItem(item=each.item, similarity=each.similarity, item_ratings=each.ratings)
            for each in found.items
        ],
    )


@get(
    "/similar",
    name="similar",
    summary="The items nearest to an item",
    tags=["lookups"],
    responses={**PROBLEMS_OR_UNKNOWN, **UNRANKED},
    sync_to_thread=True,
)
def similar(replica: TheReplica, item: ItemId, n: HowMany = 10, by: ByFactors = None) -> SimilarAnswer:
    """The items whose factors lie nearest to this one's, by similarity. An unknown item is 404.

    By taken-together the factors are those that say what is taken next; by taste those that ratings are
    predicted by.
    """
    return similar_answer(replica, checked_id(item, "item"), n, by)
