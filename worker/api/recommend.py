"""``GET /v1/recommend``: the best items for a user."""

from __future__ import annotations

from typing import Annotated

from litestar import get
from litestar.params import QueryParameter
from msgspec import Meta, Struct

from lfm_online.ranking.scores import DEFAULT_C
from lfm_online.recommend import By, Recommended
from lfm_online.recommend import recommend as recommend_items
from lfm_online.replica import Replica
from worker.api.answers import (
    Answer,
    AtField,
    DeviationField,
    ItemField,
    ItemRatingsField,
    RatingField,
    UserField,
    UserRatingsField,
    watermark_of,
)
from worker.api.parameters import AtMs, HowMany, TheReplica, UserId, checked_id
from worker.api.problems import PROBLEMS, UNRANKED


class PullBody(Struct, kw_only=True):
    """An item that the user took lately."""

    item: ItemField
    pull: Annotated[float, Meta(description="What it adds to the personal part.", examples=[0.61])]


class RecommendedItem(Struct, kw_only=True):
    """An item, its score for the user, and what that rests on."""

    item: ItemField
    score: Annotated[
        float,
        Meta(
            description="What items are ranked by: the sum of `parts`, or the rating before the link.",
            examples=[-2.41],
        ),
    ]
    rating: RatingField
    deviation: DeviationField
    item_ratings: ItemRatingsField
    parts: Annotated[
        dict[str, float],
        Meta(
            description="By next, what the score is the sum of: what is personal, how popular the item is "
            "now (the log of its share of events), and c times the rating, in deviations from the mean.",
            examples=[{"personal": 1.9, "popular": -4.8, "rating": 0.49}],
        ),
    ]
    because: Annotated[
        list[PullBody],
        Meta(description="The user's latest items, and what each adds to `personal`, strongest first."),
    ]


class RecommendAnswer(Answer, kw_only=True):
    """The best items for a user, best first."""

    user: UserField
    at_ms: AtField
    known_user: Annotated[
        bool,
        Meta(
            description="False: the model has learned nothing of this user, and these are the items that it "
            "takes to be best for all.",
            examples=[True],
        ),
    ]
    by: Annotated[By, Meta(description="What the items were ranked by.")]
    user_ratings: UserRatingsField
    left_out: Annotated[
        int, Meta(description="Items left out because they are in the user's history.", examples=[130])
    ]
    items: list[RecommendedItem]


ByWhat = Annotated[
    By | None,
    QueryParameter(
        name="by",
        description="`next`: what the user takes next; `rating`: what the user would rate highest. Next "
        "where not given and the model has a ranking head (`LFM_RANKING`).",
    ),
]
Weight = Annotated[
    float,
    QueryParameter(
        name="c",
        ge=0,
        le=100,
        description="By next, the weight of the predicted rating: 0 is what is taken next, 1 as much that it "
        "is liked, 2 to 4 better liked and less often taken.",
    ),
]
Seen = Annotated[bool, QueryParameter(name="seen", description="Keep the items of the user's history.")]


def recommended_item(found: Recommended) -> RecommendedItem:
    """One item of a recommendation as it is answered."""
    return RecommendedItem(
        item=found.item,
        score=found.score,
        rating=found.rating,
        deviation=found.deviation,
        item_ratings=found.ratings,
        parts=found.parts,
        because=[PullBody(item=pull.item, pull=pull.pull) for pull in found.because],
    )


def recommend_answer(
    replica: Replica,
    user: str,
    n: int,
    *,
    seen: bool,
    at: int | None,
    by: By | None = None,
    c: float = DEFAULT_C,
) -> RecommendAnswer:
    """A recommendation as it is answered; see ``lfm_online.recommend``."""
    basis, found = recommend_items(replica, user, n, seen=seen, at=at, by=by, c=c)
    return RecommendAnswer(
        model=replica.name,
        watermark_ms=watermark_of(basis),
        at_ms=basis.at_ms,
        user=user,
        known_user=found.user_ratings > 0,
        by=found.by,
        user_ratings=found.user_ratings,
        left_out=found.left_out,
        items=[recommended_item(each) for each in found.items],
    )


@get(
    "/recommend",
    name="recommend",
    summary="The best items for a user",
    tags=["lookups"],
    responses={**PROBLEMS, **UNRANKED},
    sync_to_thread=True,
)
def recommend(
    replica: TheReplica,
    user: UserId,
    n: HowMany = 10,
    seen: Seen = False,
    at: AtMs = None,
    by: ByWhat = None,
    c: Weight = DEFAULT_C,
) -> RecommendAnswer:
    """The items with the highest scores, exactly, without those of the user's history.

    By rating they are ranked by the score before the link, since ratings at the range's end would tie. The
    history holds a user's latest ratings, as many as the model keeps (``history`` of ``/v1/model``).
    """
    return recommend_answer(replica, checked_id(user, "user"), n, seen=seen, at=at, by=by, c=c)
