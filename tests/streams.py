"""Made streams of events, and models that learn them in this process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from lfm_online.batch import FORGET, RATING, RETRACTION, Outcome, batch_of
from lfm_online.evaluate.stream import Stream, stream_of
from lfm_online.model import Model
from lfm_online.ratings_file import RatingsTable
from lfm_online.rules.registry import make_rule
from tests.naive import Twin
from tests.naive_bytes import event_digest

LOW, HIGH = 0.5, 5.0


class Event(NamedTuple):
    what: int
    user: str
    item: str
    rating: float
    time_ms: int
    digest: int


def made_stream(seed: int, n: int, *, users: int = 7, items: int = 5, others: float = 0.08) -> list[Event]:
    """Events of few users and items, so that each comes again and again; times that now and then go back.

    ``others`` is the share of tombstones and retractions.
    """
    random = np.random.default_rng(seed)
    events = []
    now = 1_700_000_000_000
    for offset in range(n):
        now += int(random.choice([0, 250, 60_000, 86_400_000, -30_000]))
        what = int(random.choice([RATING, RETRACTION, FORGET], p=[1 - others, others / 2, others / 2]))
        user, item = f"user-{random.integers(users)}", f"item-{random.integers(items)}"
        rating = float(random.integers(1, 11)) / 2
        events.append(Event(what, user, item, rating, now, event_digest("ratings", 3, offset)))
    return events


def new_model(
    rule: str = "adaptive",
    factors: int = 8,
    seed: int = 1,
    history: int = 0,
    ranking: bool = False,
    **options: float | str,
) -> Model:
    return Model(make_rule(rule, LOW, HIGH, seed, **options), factors, history=history, ranking=ranking)


def learn(model: Model, events: Sequence[Event]) -> Outcome:
    """Learn the events as one batch; rows not seen before start as new."""
    rated = np.array([event.what == RATING for event in events], np.bool_)
    user = model.users.numbers([event.user for event in events])
    item = np.full(len(events), -1, np.int32)
    item[rated] = model.items.numbers([event.item for event in events if event.what == RATING])
    for table, numbers in ((model.users, user), (model.items, item[rated])):
        table.start(np.unique(numbers[~table.loaded[numbers]]))
    return model.learn(
        batch_of(
            user,
            item,
            [event.rating for event in events],
            [event.time_ms for event in events],
            what=[event.what for event in events],
            digest=np.array([event.digest for event in events], np.uint32),
        )
    )


def learn_slowly(twin: Twin, events: Sequence[Event]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """The same on a twin; the guesses of model, mean and bias, NaN for what isn't a rating."""
    guesses = np.full((len(events), 3), np.nan)
    for j, event in enumerate(events):
        if event.what == RATING:
            guesses[j] = twin.rate(event.user, event.item, event.rating, event.time_ms, event.digest)
        elif event.what == RETRACTION:
            twin.retract(event.user, event.digest)
        else:
            twin.forget(event.user)
    return guesses


def stored(model: Model) -> dict[str, bytes]:
    """Every row by kind and id, and the globals, as they would lie in the store."""
    rows = {"globals": model.globals_bytes()}
    for table in (model.users, model.items):
        block = table.block(np.arange(len(table), dtype=np.int32))
        rows |= {
            f"{table.kind} {row_id}": row.tobytes() for row_id, row in zip(table.ids, block, strict=True)
        }
    return rows


def rated_stream(events: Sequence[Event]) -> Stream:
    """The same as evaluations take it; all must be ratings."""
    ratings = RatingsTable(
        [event.user for event in events],
        [event.item for event in events],
        np.array([event.rating for event in events]),
        np.array([event.time_ms for event in events]),
    )
    return stream_of(ratings, LOW, HIGH)
