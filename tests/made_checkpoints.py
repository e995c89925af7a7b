"""Checkpoints on a store in memory that fails as it is told, and batches for them."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from lfm_online.batch import FORGET, RATING, RETRACTION
from lfm_online.ids import Ids
from lfm_online.layout import HEADER
from lfm_online.model import Model
from lfm_online.rules.registry import make_rule
from lfm_online.store.memory import MemoryServer, MemoryStore
from lfm_online.store.protocol import Commit, Range, Receipt, StoreAwayError
from worker.checkpoint import Checkpoint
from worker.dead_letters.letter import DeadLetter
from worker.events import Events
from worker.in_flight import Settled

_ids = itertools.count(1)
Made = tuple[str, str, float]  # user, item ("" is a tombstone), rating (0 is a retraction)


class FrailStore(MemoryStore):
    """Fails as it is told."""

    fails_at = ""

    def _fail(self, at: str) -> None:
        if self.fails_at == at:
            self.fails_at = ""
            self.close()
            raise StoreAwayError(at)

    def send_commit(self, commit: Commit) -> None:
        self._fail("send")
        super().send_commit(commit)

    def receive_commit(self) -> Receipt:
        self._fail("request lost")
        receipt = super().receive_commit()
        self._fail("reply lost")
        return receipt


def checkpoint(
    server: MemoryServer,
    *,
    history: int = 40,
    feed_entries: int = 1000,
    ranking: bool = True,
    user_rows: int | None = None,
) -> Checkpoint:
    """A worker's checkpoint, resynced."""
    made = Checkpoint(
        FrailStore(server),
        Model(make_rule("adaptive", 0.5, 5.0, 1), 4, history=history, ranking=ranking),
        "ratings",
        feed_entries=feed_entries,
        new_id=lambda: next(_ids).to_bytes(16, "little"),
        user_rows=user_rows,
    )
    made.resync()
    made.beginnings = dict.fromkeys(range(4), 0)
    return made


def batch(partition: int, first: int, made: Sequence[Made], letters: Sequence[int] = ()) -> Events:
    """Events at the offsets from ``first`` on that are not those of letters."""
    end = first + len(made) + len(letters)
    offsets = [offset for offset in range(first, end) if offset not in letters]
    n = len(made)
    what = [FORGET if not item else RATING if rating else RETRACTION for _, item, rating in made]
    return Events(
        np.array(what, np.uint8),
        Ids.of([user for user, _, _ in made]),
        Ids.of([item for _, item, _ in made]),
        np.array([rating or np.nan for _, _, rating in made]),
        np.array(offsets, np.int64) * 1000 + 10**12,
        np.full(n, partition, np.int32),
        np.array(offsets, np.int64),
        np.full(n, -1, np.int64),
        [letter(partition, offset) for offset in letters],
        [Range(partition, first, end)],
    )


def letter(partition: int, offset: int) -> DeadLetter:
    return DeadLetter(
        reason="type",
        detail="",
        topic="ratings",
        partition=partition,
        offset=offset,
        time_ms=0,
        key=None,
        value=b"",
        value_bytes=0,
        sha256="",
    )


def learn(worker: Checkpoint, events: Events) -> Settled:
    """As the pipeline does: a refused batch is learned again until it is through."""
    assert worker.begin(events).learned
    while True:
        settled = worker.settle()
        assert settled is not None
        if settled.receipt.committed:
            return settled
        worker.resync()
        assert worker.begin(events).learned


NAMES = ("rows", "globals", "ring", "items", "histories", "watermarks")


def state(server: MemoryServer) -> dict[str, object]:
    """All that depends on the events alone: not ids of commits, nor how they were batched."""
    return {name: getattr(server, name) for name in NAMES}


def straight(*batches: Events) -> dict[str, object]:
    """What the store holds after these, one after another."""
    server = MemoryServer()
    worker = checkpoint(server)
    for events in batches:
        learn(worker, events)
    return state(server)


def header(server: MemoryServer, user: str) -> Any:
    value = server.rows["user"][user]
    return np.frombuffer(value[: HEADER.itemsize], HEADER)[0]


FIRST = batch(0, 0, [("u", "i", 4.0), ("v", "i", 2.0), ("u", "j", 5.0)])
SECOND = batch(0, 3, [("u", "k", 1.0), ("w", "j", 3.0)])
OTHER = batch(1, 0, [("x", "j", 4.5), ("x", "new", 0.5), ("u", "i", 3.0)])
