"""``/v1/model``: the model's settings and how it fares."""

from __future__ import annotations

import math
from typing import Annotated, Any

from litestar import get
from msgspec import Meta, Struct

from lfm_online.layout import COHORTS, PREDICTORS
from lfm_online.model import Model
from lfm_online.store.protocol import State
from worker.api.answers import Answer
from worker.api.parameters import TheReplica
from worker.api.problems import PROBLEMS


class SettingsBody(Struct, kw_only=True):
    """What the model was started with."""

    rule: Annotated[str, Meta(examples=["adaptive"])]
    factors: Annotated[int, Meta(examples=[32])]
    rating_range: Annotated[
        tuple[float, float], Meta(description="Lowest and highest rating.", examples=[(0.5, 5.0)])
    ]
    seed: Annotated[int, Meta(description="Where new rows come from, with the id.", examples=[1])]
    history: Annotated[int, Meta(description="Ratings remembered of each user; 0: none.", examples=[1000])]
    topic: Annotated[str, Meta(examples=["ratings"])]
    options: Annotated[
        dict[str, float | str], Meta(description="Constants of the rule that differ from its defaults.")
    ]


class CountsBody(Struct, kw_only=True):
    """What the model has taken in."""

    ratings: Annotated[int, Meta(description="Ratings learned.", examples=[100_004])]
    events: Annotated[
        int, Meta(description="Valid events, refused and retracted ones included.", examples=[100_004])
    ]
    refused: Annotated[int, Meta(description="Updates refused for not being finite.", examples=[0])]
    items: Annotated[int, Meta(description="Items that the model has a number for.", examples=[9066])]


class RmseBody(Struct, kw_only=True):
    """Root mean squared error of predictions made before learning; null before the first of its kind."""

    all: float | None
    warm: Annotated[float | None, Meta(description="User and item both had a rating.")]
    cold: Annotated[float | None, Meta(description="The user's or the item's first.")]
    recent: Annotated[float | None, Meta(description="Of recent ratings, with a half-life of 10,000.")]


class HeadBody(Struct, kw_only=True):
    """The last commit."""

    id: Annotated[str, Meta(description="Hexadecimal.", examples=["9f0c7a5e1b2d4c3f8a6b5d4e3f2a1b0c"])]
    sequence: Annotated[int, Meta(description="How many commits there were.", examples=[812])]


class ModelAnswer(Answer, kw_only=True):
    """The model's settings, counts and errors, as the store holds them at this moment."""

    settings: SettingsBody
    counts: CountsBody
    mean_rating: Annotated[float, Meta(description="Mean of the ratings learned.", examples=[3.54])]
    rmse: Annotated[
        dict[str, RmseBody],
        Meta(description="By predictor: the model, the running mean, the bias-only guess."),
    ]
    watermarks: Annotated[
        dict[str, int],
        Meta(
            description="Per topic and partition the next offset to learn.", examples=[{"ratings-0": 25_001}]
        ),
    ]
    head: HeadBody


@get(
    "/model",
    name="model",
    summary="The model's settings, counts and errors",
    tags=["lookups"],
    responses=PROBLEMS,
    sync_to_thread=True,
)
def model(replica: TheReplica) -> ModelAnswer:
    """Settings, counts, RMSE, watermarks and head."""
    replica.check()
    loaded = replica.loaded
    state = replica.read_state()
    meta = loaded.meta
    shared = _shared(loaded.model, state)
    return ModelAnswer(
        model=replica.name,
        watermark_ms=int(shared["newest_ms"]) or None,
        settings=SettingsBody(
            rule=meta.rule,
            factors=meta.factors,
            rating_range=(meta.low, meta.high),
            seed=meta.seed,
            history=meta.history,
            topic=meta.topic,
            options=meta.options,
        ),
        counts=CountsBody(
            ratings=int(shared["n"]),
            events=int(shared["events"]),
            refused=int(shared["refused"]),
            items=state.n_items,
        ),
        mean_rating=float(shared["mean"]),
        rmse={name: _rmse(shared, place) for place, name in enumerate(PREDICTORS)},
        watermarks=state.watermarks,
        head=HeadBody(id=state.head.id.hex(), sequence=state.head.sequence),
    )


def _shared(model: Model, state: State) -> Any:
    read = Model(model.rule, model.n_factors, ranking=model.ranking is not None)
    read.load_globals(state.globals)
    return read.shared


def _rmse(shared: Any, predictor: int) -> RmseBody:
    sums = shared["squared_error"][predictor * len(COHORTS) : (predictor + 1) * len(COHORTS)]
    warm, cold = (
        _root(float(total), float(count)) for total, count in zip(sums, shared["scored"], strict=True)
    )
    return RmseBody(
        all=_root(float(sums.sum()), float(shared["scored"].sum())),
        warm=warm,
        cold=cold,
        recent=_root(float(shared["recent_squared_error"][predictor]), float(shared["recent_weight"])),
    )


def _root(total: float, count: float) -> float | None:
    return math.sqrt(total / count) if count > 0 else None
