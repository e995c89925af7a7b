"""The bodies of requests and answers that several lookups share, each field with its meaning and unit."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from lfm_online.predict import Basis, Prediction, Source
from lfm_online.similar import PRIOR_RATINGS

ModelField = Annotated[str, Meta(description="The model that answered.", examples=["default"])]
WatermarkField = Annotated[
    int | None,
    Meta(
        description="Time of the newest rating that the model has learned, Unix milliseconds; "
        "null before the first.",
        examples=[964_982_703_000],
    ),
]
AtField = Annotated[
    int, Meta(description="The time that the answer is for, Unix milliseconds.", examples=[964_982_703_000])
]
UserField = Annotated[str, Meta(description="The user's id.", examples=["42"])]
ItemField = Annotated[str, Meta(description="The item's id.", examples=["318"])]
RatingField = Annotated[float, Meta(description="Within the model's range.", examples=[4.3])]
ScoreField = Annotated[
    float,
    Meta(description="The rating before the link that keeps it within the range.", examples=[4.31]),
]
KnownUserField = Annotated[
    bool, Meta(description="Whether the model has learned a rating of this user.", examples=[True])
]
KnownItemField = Annotated[
    bool, Meta(description="Whether the model has learned a rating of this item.", examples=[True])
]
UserRatingsField = Annotated[
    int, Meta(description="Ratings that the user's row was learned from.", examples=[130])
]
ItemRatingsField = Annotated[
    int, Meta(description="Ratings that the item's row was learned from.", examples=[317])
]
PartsField = Annotated[
    dict[str, float],
    Meta(
        description="What the score is the sum of: the mean, biases, and the rule's other terms, by name.",
        examples=[{"mean": 3.5, "user_bias": 0.2, "item_bias": 0.45, "factors": 0.16}],
    ),
]
DeviationField = Annotated[
    float,
    Meta(
        description="Standard deviation of the rating about the prediction, such that 68.27% of the "
        "ratings lie within theirs.",
        examples=[0.82],
    ),
]
SimilarityField = Annotated[
    float,
    Meta(
        description=f"Cosine of the two items' factors times n/(n + {PRIOR_RATINGS}), n the ratings "
        "of the one that is listed: -1 to 1.",
        examples=[0.83],
    ),
]


UserBasisField = Annotated[
    Literal["ratings", "mean"],
    Meta(description="What the user is known by: own ratings, or the mean of all.", examples=["ratings"]),
]
ItemBasisField = Annotated[
    Source,
    Meta(
        description="What the item is known by: own ratings, attributes (`lfm-online prior`), or the mean.",
        examples=["ratings"],
    ),
]


class Answer(Struct, kw_only=True):
    """What every answer says of the model behind it (``PredictAnswer`` too: a struct has one base)."""

    model: ModelField
    watermark_ms: WatermarkField


class PredictionBody(Struct, kw_only=True):
    """What a user would rate an item, and what that rests on."""

    user: UserField
    item: ItemField
    rating: RatingField
    deviation: DeviationField
    bands: Annotated[
        dict[str, tuple[float, float]],
        Meta(
            description="Lowest and highest rating of the bands that hold 50, 80 and 90% of the ratings; "
            "their widths follow how far recent ratings lay from their predictions.",
            examples=[{"50": [3.75, 4.85], "80": [3.2, 5.0], "90": [2.85, 5.0]}],
        ),
    ]
    score: ScoreField
    parts: PartsField
    known_user: KnownUserField
    known_item: KnownItemField
    user_ratings: UserRatingsField
    item_ratings: ItemRatingsField
    user_basis: UserBasisField
    item_basis: ItemBasisField


class PredictAnswer(PredictionBody, kw_only=True):
    """One prediction."""

    model: ModelField
    watermark_ms: WatermarkField
    at_ms: AtField


def watermark_of(basis: Basis) -> int | None:
    """The newest rating's time; None before the first."""
    return basis.newest_ms or None


def prediction_body(user: str, item: str, prediction: Prediction) -> PredictionBody:
    """A prediction as it is answered."""
    return PredictionBody(
        user=user,
        item=item,
        rating=prediction.rating,
        deviation=prediction.deviation,
        bands=prediction.bands,
        score=prediction.score,
        parts=prediction.parts,
        known_user=prediction.user_ratings > 0,
        known_item=prediction.item_ratings > 0,
        user_ratings=prediction.user_ratings,
        item_ratings=prediction.item_ratings,
        user_basis="ratings" if prediction.user_ratings else "mean",
        item_basis=prediction.item_basis,
    )
