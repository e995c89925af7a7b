"""``/v1/predict``: what users would rate items."""

from __future__ import annotations

from typing import Annotated, Final

from litestar import get, post
from litestar.openapi.spec import Example
from litestar.params import Body
from msgspec import UNSET, Meta, Struct, UnsetType, structs

from lfm_online.predict import predict as predict_pairs
from lfm_online.replica import Replica
from worker.api.answers import Answer, AtField, PredictAnswer, PredictionBody, prediction_body, watermark_of
from worker.api.parameters import FROM_ZERO, AnId, AtMs, ItemId, TheReplica, UserId, checked_id
from worker.api.problems import BODY_PROBLEMS, PROBLEMS, BadFieldError
from worker.decode_one import NEWEST_MS

MOST_PAIRS: Final = 10_000
"""Pairs of one request: about 0.3 s of one core, and a body within the server's limit of 10 MB."""


class PredictManyAnswer(Answer, kw_only=True):
    """Predictions in the order in which they were asked for."""

    at_ms: AtField
    predictions: list[PredictionBody]


class Pair(Struct, forbid_unknown_fields=True):
    """A user and an item."""

    user: AnId
    item: AnId


class PredictRequest(Struct, forbid_unknown_fields=True):
    """Either ``pairs``, or ``user`` with ``items``; up to 10,000 of them."""

    pairs: Annotated[list[Pair], Meta(description="Users and items.")] | UnsetType = UNSET
    user: AnId | UnsetType = UNSET
    items: Annotated[list[AnId], Meta(description="Items, all for that one user.")] | UnsetType = UNSET
    at: (
        Annotated[
            int,
            Meta(
                ge=0,
                le=NEWEST_MS,
                description="The time to answer for, Unix ms; else the newest rating's.",
                extra_json_schema={"extra": FROM_ZERO},
            ),
        ]
        | None
    ) = None

    def checked_pairs(self) -> list[tuple[str, str]]:
        """The pairs asked for.

        Raises:
            BadFieldError: neither or both forms, too many, or an id that none can be.
        """
        if self.pairs is not UNSET:
            if self.user is not UNSET or self.items is not UNSET:
                raise BadFieldError("pairs", "give either pairs, or user and items")
            _check_count("pairs", len(self.pairs))
            return [
                (checked_id(pair.user, f"pairs[{j}].user"), checked_id(pair.item, f"pairs[{j}].item"))
                for j, pair in enumerate(self.pairs)
            ]
        if self.user is UNSET:
            raise BadFieldError("user", "missing: give either pairs, or user and items")
        if self.items is UNSET:
            raise BadFieldError("items", "missing: give either pairs, or user and items")
        _check_count("items", len(self.items))
        user = checked_id(self.user, "user")
        return [(user, checked_id(item, f"items[{j}]")) for j, item in enumerate(self.items)]


def _check_count(field: str, count: int) -> None:
    if not 1 <= count <= MOST_PAIRS:
        raise BadFieldError(field, f"{count} of them, allowed are 1 to {MOST_PAIRS}")


def predict_answer(replica: Replica, user: str, item: str, at: int | None) -> PredictAnswer:
    """One prediction as it is answered; see ``lfm_online.predict``."""
    basis, (prediction,) = predict_pairs(replica, [(user, item)], at)
    return PredictAnswer(
        model=replica.name,
        watermark_ms=watermark_of(basis),
        at_ms=basis.at_ms,
        **structs.asdict(prediction_body(user, item, prediction)),
    )


@get(
    "/predict",
    name="predict",
    summary="What a user would rate an item",
    tags=["lookups"],
    responses=PROBLEMS,
    sync_to_thread=True,
)
def predict(replica: TheReplica, user: UserId, item: ItemId, at: AtMs = None) -> PredictAnswer:
    """The rating, its standard deviation and bands, its parts, and what they rest on. Any id is answered for.

    For an unknown user or item the answer is what the model expects of a newcomer, and says so.
    """
    return predict_answer(replica, checked_id(user, "user"), checked_id(item, "item"), at)


@post(
    "/predict",
    name="predict_many",
    summary="What users would rate items",
    tags=["lookups"],
    status_code=200,
    responses=BODY_PROBLEMS,
    sync_to_thread=True,
)
def predict_many(
    replica: TheReplica,
    data: Annotated[
        PredictRequest,
        Body(
            examples=[
                Example(summary="pairs", value={"pairs": [{"user": "42", "item": "318"}]}),
                Example(summary="one user, many items", value={"user": "42", "items": ["318", "50"]}),
            ]
        ),
    ],
) -> PredictManyAnswer:
    """The same as ``GET /v1/predict`` for a list of pairs, or for one user and many items."""
    pairs = data.checked_pairs()
    basis, predictions = predict_pairs(replica, pairs, data.at)
    return PredictManyAnswer(
        model=replica.name,
        watermark_ms=watermark_of(basis),
        at_ms=basis.at_ms,
        predictions=[
            prediction_body(user, item, prediction)
            for (user, item), prediction in zip(pairs, predictions, strict=True)
        ],
    )
