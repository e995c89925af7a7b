"""``/v1/explain``: what a prediction is made of."""

from __future__ import annotations

from typing import Annotated

from litestar import get
from msgspec import Meta, Struct, structs

from lfm_online.known import reasons
from lfm_online.predict import predict
from lfm_online.replica import Replica
from worker.api.answers import (
    ItemField,
    PredictAnswer,
    RatingField,
    SimilarityField,
    prediction_body,
    watermark_of,
)
from worker.api.parameters import AtMs, HowMany, ItemId, TheReplica, UserId, checked_id
from worker.api.problems import PROBLEMS


class NearItem(Struct, kw_only=True):
    """An item that the user has rated."""

    item: ItemField
    rating: Annotated[RatingField, Meta(description="The user's latest rating of it.")]
    similarity: SimilarityField


class ExplainAnswer(PredictAnswer, kw_only=True):
    """A prediction, and the user's own ratings behind it."""

    nearest: Annotated[
        list[NearItem],
        Meta(description="Items of the user's history nearest to this one by taste, nearest first."),
    ]


def explain_answer(replica: Replica, user: str, item: str, n: int, at: int | None) -> ExplainAnswer:
    """A prediction explained, as it is answered; see ``lfm_online.known.reasons``."""
    basis, (prediction,) = predict(replica, [(user, item)], at)
    return ExplainAnswer(
        model=replica.name,
        watermark_ms=watermark_of(basis),
        at_ms=basis.at_ms,
        **structs.asdict(prediction_body(user, item, prediction)),
        nearest=[
            NearItem(item=each.item, rating=each.rating, similarity=each.similarity)
            for each in reasons(replica, user, item, n)
        ],
    )


@get(
    "/explain",
    name="explain",
    summary="What a prediction is made of",
    tags=["lookups"],
    responses=PROBLEMS,
    sync_to_thread=True,
)
def explain(
    replica: TheReplica, user: UserId, item: ItemId, n: HowMany = 10, at: AtMs = None
) -> ExplainAnswer:
    """The parts of the score, and the items that the user has rated and that are nearest to this one."""
    return explain_answer(replica, checked_id(user, "user"), checked_id(item, "item"), n, at)
