"""``/v1/recommend`` and ``/v1/similar``: the best items for a user, the nearest to an item."""

from __future__ import annotations

from typing import Annotated

from litestar import get
from litestar.params import QueryParameter
from msgspec import Meta, Struct

from lfm_online.recommend import recommend as recommend_items
from lfm_online.replica import Replica
from lfm_online.similar import similar as similar_items
from worker.api.answers import (
    Answer,
    AtField,
    CosineField,
    ItemField,
    ItemRatingsField,
    RatingField,
    ScoreField,
    UserField,
    UserRatingsField,
    watermark_of,
)
from worker.api.parameters import AtMs, HowMany, ItemId, TheReplica, UserId, checked_id
from worker.api.problems import PROBLEMS, PROBLEMS_OR_UNKNOWN


class RecommendedItem(Struct, kw_only=True):
    """An item, its score for the user, and what that rests on."""

    item: ItemField
    score: ScoreField
    rating: RatingField
    item_ratings: ItemRatingsField


class RecommendAnswer(Answer, kw_only=True):
    """The best items for a user, best first."""

    user: UserField
    at_ms: AtField
    known_user: Annotated[
        bool,
        Meta(
            description="False: the model has learned nothing of this user, and these are the items that it "
            "takes to be liked best.",
            examples=[True],
        ),
    ]
    user_ratings: UserRatingsField
    left_out: Annotated[
        int, Meta(description="Items left out because they are in the user's history.", examples=[130])
    ]
    items: list[RecommendedItem]


class SimilarItem(Struct, kw_only=True):
    """An item near another."""

    item: ItemField
    cosine: CosineField
    item_ratings: ItemRatingsField


class SimilarAnswer(Answer, kw_only=True):
    """The items nearest to one, nearest first."""

    item: ItemField
    item_ratings: ItemRatingsField
    items: list[SimilarItem]


Seen = Annotated[bool, QueryParameter(name="seen", description="Keep the items of the user's history.")]


def recommend_answer(replica: Replica, user: str, n: int, *, seen: bool, at: int | None) -> RecommendAnswer:
    """A recommendation as it is answered; see ``lfm_online.recommend``."""
    basis, found = recommend_items(replica, user, n, seen=seen, at=at)
    return RecommendAnswer(
        model=replica.name,
        watermark_ms=watermark_of(basis),
        at_ms=basis.at_ms,
        user=user,
        known_user=found.user_ratings > 0,
        user_ratings=found.user_ratings,
        left_out=found.left_out,
        items=[
            RecommendedItem(item=each.item, score=each.score, rating=each.rating, item_ratings=each.ratings)
            for each in found.items
        ],
    )


def similar_answer(replica: Replica, item: str, n: int) -> SimilarAnswer:
    """An item's neighbours as they are answered; see ``lfm_online.similar``."""
    basis, found = similar_items(replica, item, n)
    return SimilarAnswer(
        model=replica.name,
        watermark_ms=watermark_of(basis),
        item=item,
        item_ratings=found.item_ratings,
        items=[
            SimilarItem(item=each.item, cosine=each.cosine, item_ratings=each.ratings) for each in found.items
        ],
    )


@get(
    "/recommend",
    name="recommend",
    summary="The best items for a user",
    tags=["lookups"],
    responses=PROBLEMS,
    sync_to_thread=True,
)
def recommend(
    replica: TheReplica, user: UserId, n: HowMany = 10, seen: Seen = False, at: AtMs = None
) -> RecommendAnswer:
    """The items with the highest scores, exactly, without those of the user's history.

    Ranked by the score before the link, since ratings at the range's end would tie. The history holds a
    user's latest ratings, as many as the model keeps (``history`` of ``/v1/model``).
    """
    return recommend_answer(replica, checked_id(user, "user"), n, seen=seen, at=at)


@get(
    "/similar",
    name="similar",
    summary="The items nearest to an item",
    tags=["lookups"],
    responses=PROBLEMS_OR_UNKNOWN,
    sync_to_thread=True,
)
def similar(replica: TheReplica, item: ItemId, n: HowMany = 10) -> SimilarAnswer:
    """The items whose factors have the highest cosine with this one's. An unknown item is 404."""
    return similar_answer(replica, checked_id(item, "item"), n)
