"""``/v1/user``, ``/v1/item`` and ``/v1/history``: what the model knows."""

from __future__ import annotations

from typing import Annotated

from litestar import get
from litestar.params import QueryParameter
from msgspec import Meta, Struct

from lfm_online.known import known_item, known_user, rated_by
from worker.api.answers import Answer, ItemField, RatingField, UserField, watermark_of
from worker.api.parameters import ItemId, TheReplica, UserId, checked_id
from worker.api.problems import PROBLEMS_OR_UNKNOWN


class KnownBody(Answer, kw_only=True):
    """What a row says."""

    ratings: Annotated[int, Meta(description="Ratings that the row was learned from.", examples=[130])]
    events: Annotated[
        int, Meta(description="Events counted, refused and retracted ones included.", examples=[130])
    ]
    bias: Annotated[
        float,
        Meta(description="Its bias, as a prediction's parts have it (user_bias, item_bias).", examples=[0.2]),
    ]
    last_event_ms: Annotated[
        int | None,
        Meta(
            description="Time of its newest rating, Unix milliseconds; null without one.",
            examples=[964_982_703_000],
        ),
    ]
    factors: Annotated[
        list[float] | None, Meta(description="The latent factors; null unless vector=true.")
    ] = None


class UserAnswer(KnownBody, kw_only=True):
    """What the model knows of a user."""

    user: UserField


class ItemAnswer(KnownBody, kw_only=True):
    """What the model knows of an item."""

    item: ItemField


class RatedItem(Struct, kw_only=True):
    """An item that a user has rated."""

    item: ItemField
    rating: RatingField


class HistoryAnswer(Answer, kw_only=True):
    """A user's latest ratings."""

    user: UserField
    size: Annotated[
        int, Meta(description="Ratings that the model remembers of each user; 0: none.", examples=[1000])
    ]
    ratings: Annotated[list[RatedItem], Meta(description="Oldest first, to the precision that is stored.")]


Vector = Annotated[bool, QueryParameter(name="vector", description="Add the factors.")]


@get(
    "/user",
    name="user",
    summary="What is known of a user",
    tags=["lookups"],
    responses=PROBLEMS_OR_UNKNOWN,
    sync_to_thread=True,
)
def user(replica: TheReplica, user: UserId, vector: Vector = False) -> UserAnswer:
    """Counts, bias and last event of a user. An unknown user is 404."""
    user = checked_id(user, "user")
    basis, known = known_user(replica, user)
    return UserAnswer(
        model=replica.name,
        watermark_ms=watermark_of(basis),
        user=user,
        ratings=known.ratings,
        events=known.events,
        bias=known.bias,
        last_event_ms=known.last_ms,
        factors=known.factors if vector else None,
    )


@get(
    "/item",
    name="item",
    summary="What is known of an item",
    tags=["lookups"],
    responses=PROBLEMS_OR_UNKNOWN,
    sync_to_thread=True,
)
def item(replica: TheReplica, item: ItemId, vector: Vector = False) -> ItemAnswer:
    """Counts, bias and last event of an item. An unknown item is 404."""
    item = checked_id(item, "item")
    basis, known = known_item(replica, item)
    return ItemAnswer(
        model=replica.name,
        watermark_ms=watermark_of(basis),
        item=item,
        ratings=known.ratings,
        events=known.events,
        bias=known.bias,
        last_event_ms=known.last_ms,
        factors=known.factors if vector else None,
    )


@get(
    "/history",
    name="history",
    summary="A user's latest ratings",
    tags=["lookups"],
    responses=PROBLEMS_OR_UNKNOWN,
    sync_to_thread=True,
)
def history(replica: TheReplica, user: UserId) -> HistoryAnswer:
    """The ratings that the model remembers of a user. An unknown user is 404."""
    user = checked_id(user, "user")
    basis, rated = rated_by(replica, user)
    return HistoryAnswer(
        model=replica.name,
        watermark_ms=watermark_of(basis),
        user=user,
        size=replica.loaded.meta.history,
        ratings=[RatedItem(item=each.item, rating=each.rating) for each in rated],
    )
