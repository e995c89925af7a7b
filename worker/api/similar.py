"""``/v1/similar``: the items nearest to an item."""

from __future__ import annotations

from typing import Annotated

from litestar import get
from litestar.params import QueryParameter
from msgspec import Meta, Struct

from lfm_online.replica import Replica
from lfm_online.similar import Near
from lfm_online.similar import similar as similar_items
from worker.api.answers import Answer, CosineField, ItemField, ItemRatingsField, watermark_of
from worker.api.parameters import HowMany, ItemId, TheReplica, checked_id
from worker.api.problems import PROBLEMS_OR_UNKNOWN, UNRANKED


class SimilarItem(Struct, kw_only=True):
    """An item near another."""

    item: ItemField
    cosine: CosineField
    item_ratings: ItemRatingsField


class SimilarAnswer(Answer, kw_only=True):
    """The items nearest to one, nearest first."""

    item: ItemField
    item_ratings: ItemRatingsField
    by: Annotated[Near, Meta(description="Which factors were compared.", examples=["taste"])]
    items: list[SimilarItem]


ByFactors = Annotated[
    Near,
    QueryParameter(
        name="by",
        description="`taste`: who likes the one likes the other; `taken-together`: who takes the one takes "
        "the other, of a model with a ranking head (`LFM_RANKING`).",
    ),
]


def similar_answer(replica: Replica, item: str, n: int, by: Near = "taste") -> SimilarAnswer:
    """An item's neighbours as they are answered; see ``lfm_online.similar``."""
    basis, found = similar_items(replica, item, n, by=by)
    return SimilarAnswer(
        model=replica.name,
        watermark_ms=watermark_of(basis),
        item=item,
        item_ratings=found.item_ratings,
        by=by,
        items=[
            SimilarItem(item=each.item, cosine=each.cosine, item_ratings=each.ratings) for each in found.items
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
def similar(replica: TheReplica, item: ItemId, n: HowMany = 10, by: ByFactors = "taste") -> SimilarAnswer:
    """The items whose factors have the highest cosine with this one's. An unknown item is 404.

    By taste the factors are those that ratings are predicted by; by taken-together those that say what is
    taken next.
    """
    return similar_answer(replica, checked_id(item, "item"), n, by)
