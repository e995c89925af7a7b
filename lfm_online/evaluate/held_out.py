"""Train on one part of a stream, then predict the other: frozen, and while learning on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lfm_online.evaluate.prequential import Counts, OnProgress, learn, new_model, record_of
from lfm_online.evaluate.record import Record, join
from lfm_online.evaluate.split import Split
from lfm_online.evaluate.stream import Stream
from lfm_online.model import Model
from lfm_online.rules.bookkeeping import BIAS_PRIOR, MEAN_PRIOR
from lfm_online.rules.rule import Rule


class HeldOut(NamedTuple):
    """What was predicted of the test ratings of one or more splits."""

    train: int
    """Ratings trained on, of all splits."""
    frozen: Record
    """By the model as training left it."""
    kept_learning: Record
    """By the model that learned each test rating after it was predicted."""


def hold_out(
    stream: Stream, splits: list[Split], rule: Rule, factors: int, on_progress: OnProgress | None = None
) -> HeldOut:
    """Train and test on each split, a model of its own each.

    Args:
        stream: The ratings.
        splits: Of the stream.
        rule: The learning rule.
        factors: Latent factors of a row.
        on_progress: Called with the number of test ratings done.
    """
    frozen, kept = [], []
    done = 0
    for train, test in splits:
        model = new_model(rule, factors, stream)
        learn(model, stream.part(train))
        held = stream.part(test)
        frozen.append(predict_frozen(model, held))
        before = Counts.of(model)
        kept.append(record_of(held, learn(model, held).outcome, before))
        done += len(held)
        if on_progress is not None:
            on_progress(done)
    return HeldOut(sum(len(train) for train, _ in splits), join(frozen), join(kept))


def predict_frozen(model: Model, stream: Stream) -> Record:
    """Predict each rating at its time; nothing is learned, and no row changes."""
    rule, shared = model.rule, model.shared
    users, items, low, high = model.users.rows, model.items.rows, stream.low, stream.high
    parts = np.empty(len(rule.part_names))
    guess, own = np.empty(len(stream)), np.empty(len(stream))  # the rule's own deviation
    events = zip(stream.user.tolist(), stream.item.tolist(), stream.time_ms.tolist(), strict=True)
    for j, (user, item, time_ms) in enumerate(events):
        own[j] = rule.parts(users, user, items, item, model.globals, rule.hyper, time_ms, parts)
        guess[j] = rule.rating_of(float(parts.sum()))
    c0 = (shared["n"] * shared["mean"] + MEAN_PRIOR * (low + high) / 2) / (shared["n"] + MEAN_PRIOR)
    counts = Counts.of(model)
    bias = np.clip(c0 + _bias(users.header[stream.user]) + _bias(items.header[stream.item]), low, high)
    return Record(
        stream.rating,
        stream.time_ms,
        counts.users[stream.user],
        counts.items[stream.item],
        guess,
        np.full(len(stream), c0),
        bias,
        own * shared["deviation"],
        own[:, None] * shared["band"],
    )


def _bias(headers: NDArray[np.void]) -> NDArray[np.float64]:
    """``bookkeeping.bias_of`` of many rows."""
    return headers["bias_sum"].astype(np.float64) / (headers["ratings"] + BIAS_PRIOR)
