"""A batch's part in its users' histories: what must be read before it, and what it sets."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lfm_online.batch import RATING, RETRACTION, Batch, Outcome
from lfm_online.history import Writes, append, rating_codes
from lfm_online.model import Model
from worker.events import Events


def rewriting_users(model: Model, events: Events) -> list[str]:
    """Users whose history is not only appended to by these events, each once."""
    if model.history == 0:
        return []
    return list(dict.fromkeys(events.users[int(j)] for j in np.flatnonzero(events.what != RATING)))


def history_writes(
    model: Model, events: Events, batch: Batch, outcome: Outcome, rings: Mapping[str, bytes | None]
) -> Writes | None:
    """What to set of the users' histories; None if there is nothing to keep.

    Args:
        model: After learning.
        events: What was learned.
        batch: The same by row numbers.
        outcome: What learning gave.
        rings: The stored history of each of :func:`rewriting_users`.
    """
    if model.history == 0 or len(events) == 0:
        return None
    hyper = model.rule.hyper
    codes = rating_codes(batch.rating, hyper.low, hyper.high)
    retracted = np.full(len(events), -1, np.int32)
    for j in np.flatnonzero(batch.what == RETRACTION):
        number = model.items.number(events.items[int(j)])
        retracted[j] = -1 if number is None else number
    return append(model.users, model.history, batch, outcome, codes, rings, retracted)
