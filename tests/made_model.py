"""A model that was learned through the real commit, for tests of what rests on a store."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lfm_online.batch import FORGET, RATING, RETRACTION
from lfm_online.ids import Ids
from lfm_online.meta import Meta
from lfm_online.model import Model
from lfm_online.store.protocol import Range, Store
from worker.checkpoint import Checkpoint
from worker.events import Events

TOPIC = "ratings"
# Ids that a path, a query or a terminal could trip over.
ODD_USERS = ["a/b", "with space", "é😀/ü", "100%&n=5#x", "+1"]
ODD_ITEMS = ["Alien (1979)/uncut", "☃ & co?", "tab-less + plus", "😀", "0"]


@dataclass(frozen=True)
class Event:
    """A rating; without one, and with an item, a retraction; without both a tombstone."""

    user: str
    item: str = ""
    rating: float | None = None
    time_ms: int = 0

    @property
    def what(self) -> int:
        if self.rating is not None:
            return RATING
        return RETRACTION if self.item else FORGET


def meta(rule: str = "adaptive", factors: int = 8, history: int = 20, ranking: bool = True) -> Meta:
    """Settings of a small model."""
    return Meta(
        rule=rule,
        factors=factors,
        low=0.5,
        high=5.0,
        seed=1,
        history=history,
        ranking=ranking,
        topic=TOPIC,
        topic_id="",
        user_field="user_id",
        item_field="item_id",
        rating_field="rating",
        time_field="timestamp",
        time_unit="milliseconds",
        record_max_bytes=65_536,
        future_tolerance_seconds=86_400,
    )


def random_ratings(n: int, *, users: int = 30, items: int = 60, seed: int = 7) -> list[Event]:
    """Ratings of plain and odd ids, an hour apart each, in half stars."""
    rng = np.random.default_rng(seed)
    user_ids = [*ODD_USERS, *(f"u{j}" for j in range(users - len(ODD_USERS)))]
    item_ids = [*ODD_ITEMS, *(f"i{j}" for j in range(items - len(ODD_ITEMS)))]
    taste, kind = rng.normal(size=(users, 2)), rng.normal(size=(items, 2))
    picks = zip(rng.integers(users, size=n), rng.integers(items, size=n), strict=True)
    start = 1_000_000_000_000
    return [
        Event(
            user_ids[u],
            item_ids[i],
            float(np.clip(np.rint(2 * (3.3 + taste[u] @ kind[i] * 0.7)) / 2, 0.5, 5.0)),
            start + j * 3_600_000,
        )
        for j, (u, i) in enumerate(picks)
    ]


@dataclass
class Learner:
    """Learns into a store as a worker does, one commit a call."""

    store: Store
    meta: Meta = field(default_factory=meta)

    def __post_init__(self) -> None:
        self.store.create(self.meta.to_bytes())
        ids = itertools.count(1)
        self.checkpoint = Checkpoint(
            self.store,
            self.meta.make_model(),
            TOPIC,
            feed_entries=1000,
            new_id=lambda: next(ids).to_bytes(16, "little"),
        )
        self.checkpoint.beginnings[0] = 0
        self.checkpoint.resync()

    @property
    def model(self) -> Model:
        """What it holds in memory."""
        return self.checkpoint.model

    def learn(self, events: Iterable[Event]) -> None:
        """Learn the next events of partition 0, in one commit."""
        batch = list(events)
        first = self.checkpoint.watermarks.get(0, 0)
        self.commit(
            Events(
                np.array([event.what for event in batch], np.uint8),
                Ids.of([event.user for event in batch]),
                Ids.of([event.item for event in batch]),
                np.array([np.nan if event.rating is None else event.rating for event in batch]),
                np.array([event.time_ms for event in batch], np.int64),
                np.zeros(len(batch), np.int32),
                np.arange(first, first + len(batch), dtype=np.int64),
                np.full(len(batch), -1, np.int64),
                [],
                [Range(0, first, first + len(batch))],
            )
        )

    def commit(self, events: Events) -> None:
        """Learn events in one commit."""
        self.checkpoint.begin(events)
        settled = self.checkpoint.settle()
        assert settled is not None
        assert settled.receipt.committed


def learn_in_commits(store: Store, events: list[Event], size: int = 200, **settings: Any) -> Learner:
    """A new model that has learned events, ``size`` a commit; settings as :func:`meta` takes them."""
    learner = Learner(store, meta(**settings))
    for start in range(0, len(events), size):
        learner.learn(events[start : start + size])
    return learner
