"""``POST /v1/recommend``: the best items to go with a basket, for a visitor without an id."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, Literal

from litestar import post
from litestar.openapi.spec import Example
from litestar.params import Body
from msgspec import Meta, Struct

from lfm_online.basket import recommend_for_basket
from lfm_online.ranking.scores import DEFAULT_C
from lfm_online.replica import Replica
from worker.api.answers import Answer, AtField, watermark_of
from worker.api.parameters import AnId, TheReplica, checked_id
from worker.api.problems import BODY_PROBLEMS, UNRANKED, BadFieldError
from worker.api.recommend import RecommendedItem, recommended_item

MOST_ITEMS: Final = 1000


class BasketRequest(Struct, forbid_unknown_fields=True):
    """What a visitor took, 1 to 1,000 items, and what to answer."""

    items: Annotated[
        list[AnId],
        Meta(
            description="What was taken, oldest first: the last five known ones tell what goes with them, "
            "none of them is recommended. Of one that repeats, the last place counts."
        ),
    ]
    n: Annotated[int, Meta(ge=1, le=1000, description="How many at most.")] = 10
    c: Annotated[
        float,
        Meta(ge=0, le=100, description="The weight of the rating that a newcomer would give."),
    ] = DEFAULT_C
    seen: Annotated[bool, Meta(description="Keep the items of the basket.")] = False

    def checked_items(self) -> list[str]:
        """The ids of the basket.

        Raises:
            BadFieldError: none or too many, or an id that none can be.
        """
        if not 1 <= len(self.items) <= MOST_ITEMS:
            raise BadFieldError("items", f"{len(self.items)} of them, allowed are 1 to {MOST_ITEMS}")
        return [checked_id(item, f"items[{j}]") for j, item in enumerate(self.items)]


class BasketAnswer(Answer, kw_only=True):
    """The best items to go with a basket, best first."""

    at_ms: AtField
    basis: Annotated[
        Literal["basket", "popularity"],
        Meta(
            description="What they rest on. `popularity`: the model knows none of the basket, and these are "
            "the items that are most taken and best liked by all.",
            examples=["basket"],
        ),
    ]
    basket: Annotated[
        list[str], Meta(description="Of the basket, what the model knows, oldest first.", examples=[["318"]])
    ]
    unknown: Annotated[
        list[str], Meta(description="Of the basket, what the model has never seen.", examples=[["no-such"]])
    ]
    items: list[RecommendedItem]


def basket_answer(replica: Replica, taken: Sequence[str], n: int, *, seen: bool, c: float) -> BasketAnswer:
    """A basket's recommendation as it is answered; see ``lfm_online.basket``."""
    basis, found = recommend_for_basket(replica, taken, n, seen=seen, c=c)
    return BasketAnswer(
        model=replica.name,
        watermark_ms=watermark_of(basis),
        at_ms=basis.at_ms,
        basis="basket" if found.known else "popularity",
        basket=found.known,
        unknown=found.unknown,
        items=[recommended_item(each) for each in found.items],
    )


@post(
    "/recommend",
    name="recommend_basket",
    summary="The best items to go with a basket",
    tags=["lookups"],
    status_code=200,
    responses={**BODY_PROBLEMS, **UNRANKED},
    sync_to_thread=True,
)
def recommend_basket(
    replica: TheReplica,
    data: Annotated[
        BasketRequest, Body(examples=[Example(summary="two items", value={"items": ["318", "50"], "n": 5})])
    ],
) -> BasketAnswer:
    """What a visitor without an id takes next, by the items taken so far, as a newcomer would like it.

    Ids that the model does not know are named; where it knows none, the answer is what is popular and liked.
    """
    return basket_answer(replica, data.checked_items(), data.n, seen=data.seen, c=data.c)
