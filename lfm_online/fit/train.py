"""A model learned from ratings that are all there.

1. The ratings are learned once, in the order of time, as a worker would have learned them from a topic:
   counts, times, mean, baselines and error sums are those of that stream. A rule of one pass is done.
2. The rows of a rule that may go on start anew, and go through ``epochs``, each in an order shuffled by the
   seed, with steps ``step / (1 + decay (epoch - 1))`` (Robbins and Monro 1951: they may fall like 1/t).
3. With ratings held out, the epoch that predicted them best wins, and ``patience`` epochs without a better
   one end it (Prechelt 1998).

The ledger counts events of a topic. These ratings are none: count and digest stay 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lfm_online.batch import Batch, Outcome, batch_of
from lfm_online.fit.frozen import predict_frozen, rmse_of
from lfm_online.model import Model
from lfm_online.rating_range import within
from lfm_online.ratings_file import RatingsTable
from lfm_online.rules.rule import Epochs, Rule


class FitError(ValueError):
    """What was asked for can't be fitted; the message says what to change."""


class Schedule(NamedTuple):
    """How often the ratings are gone through."""

    epochs: int
    patience: int = 3
    """Epochs without a better one on the ratings held out, before it ends."""
    decay: float = 0.0
    """Steps are divided by ``1 + decay (epoch - 1)``."""
    seed: int = 1
    """Of the order within each epoch."""


class Loss(NamedTuple):
    """What the textbook rule minimises, a rating; the parts sum to it. See ``rules.sgd_epochs``."""

    squared_error: float
    decay_biases: float
    decay_factors: float


class Epoch(NamedTuple):
    """How the model stood after an epoch."""

    epoch: int
    rmse: float
    """Over the ratings learned; of a rule of one pass, each predicted before it was learned."""
    rmse_held_out: float | None
    loss: Loss | None
    """None: a rule that goes down no loss."""


class Fitted(NamedTuple):
    """A model, and how it came about."""

    model: Model
    train: Batch
    outcome: Outcome
    """Of the first pass, in the order of time."""
    epochs: list[Epoch]
    best: int
    """The epoch whose rows the model has."""
    refused: int
    """Ratings that were not learned in the first pass, their updates not being finite."""


def started(
    ratings: RatingsTable, rule: Rule, factors: int, history: int = 0, *, ranking: bool = False
) -> tuple[Model, Batch]:
    """A model with a new row for each user and item, and the ratings within the range by time.

    Raises:
        NoRatingsError: there are none.
    """
    inside = within(ratings, rule.hyper.low, rule.hyper.high).sorted_by_time()
    model = Model(rule, factors, history=history, ranking=ranking)
    user = model.users.numbers(inside.users)
    item = model.items.numbers(inside.items)
    for table in (model.users, model.items):
        table.start(np.arange(len(table), dtype=np.int32))
    return model, batch_of(user, item, inside.ratings, inside.times_ms)


def held_out(batch: Batch, share: float, seed: int) -> tuple[Batch, Batch]:
    """Part the ratings at random: what to learn and what to hold out, both in their order.

    Raises:
        FitError: one of them would be empty.
    """
    n = len(batch.user)
    out = np.zeros(n, np.bool_)
    out[np.random.default_rng(seed).permutation(n)[: round(share * n)]] = True
    if out.all() or not out.any():
        raise FitError(f"{n} ratings are too few to hold {share:g} of them out (--hold-out)")
    return Batch._make(column[~out] for column in batch), Batch._make(column[out] for column in batch)


def fit_ratings(
    model: Model,
    train: Batch,
    schedule: Schedule,
    *,
    test: Batch | None = None,
    on_epoch: Callable[[Epoch], object] | None = None,
) -> Fitted:
    """Learn ratings, more than once if the rule may.

    Args:
        model: New, with its rows started, those of ``test`` included; it is changed.
        train: The ratings, in the order of time.
        schedule: How often.
        test: Ratings held out, of the same row numbers.
        on_epoch: Told of each epoch.

    Raises:
        FitError: more than one epoch of a rule that counts each event as evidence, or updates that were not
            finite.
    """
    rule = model.rule
    if rule.epochs is None and schedule.epochs != 1:
        raise FitError(
            f"rule {rule.name} learns {schedule.epochs} epochs (--epochs); allowed: 1, since it takes each "
            "rating as evidence, and ratings learned twice would count twice"
        )
    # 1. As the stream would have been learned.
    outcome = model.learn(train)
    refused = int(outcome.refused.sum())
    for table in (model.users, model.items):
        table.rows.header["events"] = 0
    model.shared["events"] = 0
    if rule.epochs is None:
        found = ~outcome.refused
        only = Epoch(
            1,
            rmse_of(train.rating[found], outcome.model[found]),
            None if test is None else rmse_of(test.rating, predict_frozen(model, test)),
            None,
        )
        if on_epoch is not None:
            on_epoch(only)
        return Fitted(model, train, outcome, [only], 1, refused)
    # 2., 3. Epochs.
    for table in (model.users, model.items):
        rule.start(table.kind, table.rows, np.arange(len(table), dtype=np.int32))
    epochs, best = _descend(model, rule.epochs, train, schedule, test, on_epoch)
    return Fitted(model, train, outcome, epochs, best, refused)


def _descend(
    model: Model,
    kernels: Epochs,
    train: Batch,
    schedule: Schedule,
    test: Batch | None,
    on_epoch: Callable[[Epoch], object] | None,
) -> tuple[list[Epoch], int]:
    """The epochs, and at which of them the rows are left: with ratings held out the best, else the last."""
    rows, hyper = (model.users.rows, model.items.rows), model.rule.hyper
    random = np.random.default_rng(schedule.seed)
    epochs: list[Epoch] = []
    best, kept = 0, _values(model)
    for number in range(1, schedule.epochs + 1):
        slower = 1 + schedule.decay * (number - 1)
        steps = hyper._replace(step_bias=hyper.step_bias / slower, step_factors=hyper.step_factors / slower)
        order = random.permutation(len(train.user))
        if refused := kernels.learn(train, order, *rows, model.globals, steps):
            raise FitError(
                f"{refused} updates of epoch {number} were not finite: the steps are too long "
                "(--sgd-step-bias, --sgd-step-factors)"
            )
        *parts, squares = np.array(kernels.losses(train, *rows, model.globals, hyper)) / len(train.user)
        outside = None
        if test is not None:
            squares_outside = kernels.losses(test, *rows, model.globals, hyper)[3]
            outside = float(np.sqrt(squares_outside / len(test.user)))
        epochs.append(Epoch(number, float(np.sqrt(squares)), outside, Loss(*map(float, parts))))
        if on_epoch is not None:
            on_epoch(epochs[-1])
        if outside is None or best == 0 or outside < (epochs[best - 1].rmse_held_out or 0.0):
            best = number
            if test is not None:
                kept = _values(model)
        elif number - best >= schedule.patience:
            break
    if best != len(epochs):
        for array, value in zip(_arrays(model), kept, strict=True):
            array[:] = value
    return epochs, best


def _arrays(model: Model) -> list[NDArray[np.generic]]:
    """What epochs change."""
    return [array for rows in (model.users.rows, model.items.rows) for array in (rows.state, rows.factors)]


def _values(model: Model) -> list[NDArray[np.generic]]:
    return [array.copy() for array in _arrays(model)]
