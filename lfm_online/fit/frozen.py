"""A model that no longer learns, asked about ratings that it has not seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lfm_online.batch import Batch
from lfm_online.model import Model


def predict_frozen(model: Model, batch: Batch) -> NDArray[np.float64]:
    """What the model as it stands says of each rating, at that rating's time; nothing is learned.

    Args:
        model: Its rows of the batch are started: one that has learned nothing is a newcomer's.
        batch: Ratings.

    Returns:
        ``float64[n]``, within the range.
    """
    rule, users, items, globals_ = model.rule, model.users.rows, model.items.rows, model.globals
    parts = np.empty(len(rule.part_names))
    predictions = np.empty(len(batch.user))
    pairs = zip(batch.user.tolist(), batch.item.tolist(), batch.time_ms.tolist(), strict=True)
    for place, (u, i, time_ms) in enumerate(pairs):
        rule.parts(users, u, items, i, globals_, rule.hyper, time_ms, parts)
        predictions[place] = rule.rating_of(parts.sum())
    return predictions


def rmse_of(ratings: NDArray[np.float64], predictions: NDArray[np.float64]) -> float:
    """The root of the mean squared error, in rating units."""
    return float(np.sqrt(np.mean((ratings - predictions) ** 2)))
