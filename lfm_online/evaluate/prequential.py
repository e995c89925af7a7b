"""Prequential evaluation: each rating is predicted before it is learned from, in one pass by time.

The same kernels on the same float32 rows as the learner's, without a log and a store.
Dawid (1984), "Statistical theory: the prequential approach", J. R. Statist. Soc. A 147(2).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lfm_online.batch import Batch, batch_of
from lfm_online.model import Model
from lfm_online.ratings_file import RatingsTable
from lfm_online.rules.rule import Rule

_CHUNK_EVENTS: Final = 8192
"""Events from one report of progress to the next; results don't depend on it."""


class Errors(NamedTuple):
    """Errors of one predictor over some ratings, in rating units."""

    rmse: float
    mae: float


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


def evaluate(
    ratings: RatingsTable,
    rule: Rule,
    factors: int,
    on_progress: Callable[[int], None] | None = None,
) -> Evaluation:
    """Predict, then learn, each rating in the order of time; those of one time in the file's order.

    Args:
        ratings: The stream.
        rule: The learning rule.
        factors: Latent factors of a row.
        on_progress: Called with the number of ratings done.

    Raises:
        ValueError: no rating was learned.
    """
    ratings = ratings.sorted_by_time()
    low, high = rule.hyper.low, rule.hyper.high
    inside = (ratings.ratings >= low) & (ratings.ratings <= high)
    model = Model(rule, factors)
    events = _loaded(model, ratings, np.flatnonzero(inside))
    # Compiles, on rows of its own: what it costs must not count, nor what it learns.
    _learn(Model(rule, factors), ratings, np.flatnonzero(inside)[:1])

    n = len(events.rating)
    guesses = np.empty((3, n))  # float64[predictor, event], in the order of layout.PREDICTORS
    refused = np.zeros(n, np.bool_)
    seconds = 0.0
    for start in range(0, n, _CHUNK_EVENTS):
        chunk = slice(start, start + _CHUNK_EVENTS)
        batch = Batch._make(column[chunk] for column in events)
        # This thread's own time: 100,000 ratings take 10 ms, and a pause by another process as long.
        began = time.thread_time()
        outcome = model.learn(batch)
        seconds += time.thread_time() - began
        guesses[:, chunk] = outcome.model, outcome.mean, outcome.bias
        refused[chunk] = outcome.refused
        if on_progress is not None:
            on_progress(min(chunk.stop, n))

    learned = int(n - refused.sum())
    if learned == 0:
        raise ValueError(
            f"none of the {len(ratings)} ratings was learned: the range is {low:g},{high:g} (--range)"
        )
    of_model, of_mean, of_bias = (_scores(events.rating[~refused] - guess[~refused]) for guess in guesses)
    return Evaluation(learned, len(ratings) - learned, of_model, of_mean, of_bias, learned / seconds)


def _loaded(model: Model, ratings: RatingsTable, chosen: NDArray[np.intp]) -> Batch:
    """The chosen ratings as one batch, its rows started."""
    places = chosen.tolist()
    user = model.users.numbers([ratings.users[place] for place in places])
    item = model.items.numbers([ratings.items[place] for place in places])
    model.users.start(np.arange(len(model.users), dtype=np.int32))
    model.items.start(np.arange(len(model.items), dtype=np.int32))
    return batch_of(user, item, ratings.ratings[chosen], ratings.times_ms[chosen])


def _learn(model: Model, ratings: RatingsTable, chosen: NDArray[np.intp]) -> None:
    model.learn(_loaded(model, ratings, chosen))


def _scores(errors: NDArray[np.float64]) -> Scores:
    return Scores(_errors(errors), _errors(errors[len(errors) // 2 :]))


def _errors(errors: NDArray[np.float64]) -> Errors:
    return Errors(float(np.sqrt(np.mean(errors**2))), float(np.mean(np.abs(errors))))
