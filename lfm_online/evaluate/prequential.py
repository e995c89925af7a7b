"""Prequential evaluation: each rating is predicted before it is learned from, in one pass by time.

The same kernels on the same float32 rows as the learner's, without a log and a store.
Dawid (1984), "Statistical theory: the prequential approach", J. R. Statist. Soc. A 147(2).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lfm_online.batch import Outcome
from lfm_online.evaluate.measures import Errors, Uncertainty, errors, running_deviation, uncertainty
from lfm_online.evaluate.record import Record, counts_before
from lfm_online.evaluate.stream import Stream
from lfm_online.model import Model
from lfm_online.rules.rule import Rule

_CHUNK_EVENTS: Final = 8192
"""Events from one report of progress to the next; results don't depend on it."""

OnProgress = Callable[[int], None]
"""Called with the number of ratings done."""


class Scores(NamedTuple):
    """Errors of one predictor."""

    whole: Errors
    last_half: Errors


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How a rule did on a stream, beside the running mean and the bias-only guess."""

    events: int
    """Ratings learned."""
    refused: int
    """Ratings outside the range, and updates that were not finite."""
    model: Scores
    mean: Scores
    bias: Scores
    events_per_second: float
    """Of the kernel alone, compiled before, by the processor's time."""
    uncertainty: Uncertainty
    uncertainty_last_half: Uncertainty
    record: Record
    """The ratings learned, with what was predicted of them."""


class Learned(NamedTuple):
    """A stream learned by a model."""

    outcome: Outcome
    seconds: float
    """Processor's time of the kernel."""


def new_model(rule: Rule, factors: int, stream: Stream, *, ranking: bool = False) -> Model:
    """A model whose row numbers are the stream's, all rows at their start."""
    model = Model(rule, factors, ranking=ranking)
    model.users.start(model.users.numbers(stream.user_ids))
    model.items.start(model.items.numbers(stream.item_ids))
    return model


def learn(model: Model, stream: Stream, on_progress: OnProgress | None = None) -> Learned:
    """Predict, then learn, each rating of a stream whose numbers are the model's."""
    events = stream.batch()
    outcomes = []
    seconds = 0.0
    for start in range(0, len(stream), _CHUNK_EVENTS):
        stop = min(start + _CHUNK_EVENTS, len(stream))
        batch = type(events)._make(column[start:stop] for column in events)
        # This thread's own time: 100,000 ratings take 10 ms, and a pause by another process as long.
        began = time.thread_time()
        outcomes.append(model.learn(batch))
        seconds += time.thread_time() - began
        if on_progress is not None:
            on_progress(stop)
    joined: Any = map(np.concatenate, zip(*outcomes, strict=True))
    return Learned(Outcome._make(joined), seconds)


def evaluate(stream: Stream, rule: Rule, factors: int, on_progress: OnProgress | None = None) -> Evaluation:
    """Predict, then learn, each rating of the stream.

    Args:
        stream: The ratings.
        rule: The learning rule.
        factors: Latent factors of a row.
        on_progress: Called with the number of ratings done.

    Raises:
        ValueError: no rating was learned.
    """
    # Compiles, on rows of its own: what it costs must not count, nor what it learns.
    one = stream.part(slice(0, 1))
    learn(new_model(rule, factors, one), one)
    model = new_model(rule, factors, stream)
    before = Counts.of(model)
    outcome, seconds = learn(model, stream, on_progress)
    if outcome.refused.all():
        raise ValueError(f"none of the {len(stream)} ratings was learned: no update was finite")
    record = record_of(stream, outcome, before)
    half = len(record) // 2
    deviation = running_deviation(record.rating - record.bias, stream.low, stream.high)
    return Evaluation(
        len(record),
        stream.refused + len(stream) - len(record),
        _scores(record.rating, record.model, half),
        _scores(record.rating, record.mean, half),
        _scores(record.rating, record.bias, half),
        len(record) / seconds,
        uncertainty(record, deviation, slice(None)),
        uncertainty(record, deviation, slice(half, None)),
        record,
    )


class Counts(NamedTuple):
    """Ratings that the rows of a model have been learned from."""

    users: NDArray[np.int64]
    items: NDArray[np.int64]

    @classmethod
    def of(cls, model: Model) -> Counts:
        """Those of a model, as they are now."""
        tables = (model.users, model.items)
        return cls(*(table.rows.header["ratings"][: len(table)].astype(np.int64) for table in tables))


def record_of(stream: Stream, outcome: Outcome, before: Counts) -> Record:
    """The ratings of a stream that were learned, with what was predicted of them.

    Args:
        stream: The ratings.
        outcome: Of learning them.
        before: The counts when the stream began.
    """
    kept = ~outcome.refused
    user, item = stream.user[kept], stream.item[kept]
    return Record(
        stream.rating[kept],
        stream.time_ms[kept],
        before.users[user] + counts_before(user),
        before.items[item] + counts_before(item),
        outcome.model[kept],
        outcome.mean[kept],
        outcome.bias[kept],
        outcome.deviation[kept],
        outcome.bands[kept],
    )


def _scores(rating: NDArray[np.float64], guess: NDArray[np.float64], half: int) -> Scores:
    return Scores(errors(rating, guess), errors(rating[half:], guess[half:]))
