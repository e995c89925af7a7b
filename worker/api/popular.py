"""``/v1/popular``: the items that are taken most."""

from __future__ import annotations

from typing import Annotated

from litestar import get
from msgspec import Meta, Struct

from lfm_online.popular import popular as popular_items
from lfm_online.replica import Replica
from worker.api.answers import Answer, ItemField, ItemRatingsField, watermark_of
from worker.api.parameters import HowMany, TheReplica
from worker.api.problems import PROBLEMS, UNRANKED


class PopularItem(Struct, kw_only=True):
    """An item, and how much it is taken."""

    item: ItemField
    share: Annotated[
        float,
        Meta(
            description="The item's share of events: a mixture of recent and all-time counts, weighted as "
            "has foretold best, with a floor. Its log is the `popular` of a recommendation.",
            examples=[0.0061],
        ),
    ]
    item_ratings: ItemRatingsField


class PopularAnswer(Answer, kw_only=True):
    """The items that are taken most, most first."""

    items: list[PopularItem]


def popular_answer(replica: Replica, n: int) -> PopularAnswer:
    """The most popular items as they are answered; see ``lfm_online.popular``."""
    basis, found = popular_items(replica, n)
    return PopularAnswer(
        model=replica.name,
        watermark_ms=watermark_of(basis),
        items=[PopularItem(item=each.item, share=each.share, item_ratings=each.ratings) for each in found],
    )


@get(
    "/popular",
    name="popular",
    summary="The items that are taken most",
    tags=["lookups"],
    responses={**PROBLEMS, **UNRANKED},
    sync_to_thread=True,
)
def popular(replica: TheReplica, n: HowMany = 10) -> PopularAnswer:
    """The items with the highest share of events now, for no user in particular."""
    return popular_answer(replica, n)
