"""A batch's ids to row numbers, and the rows that it touches to memory: step 2 of a checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lfm_online.batch import RATING, Batch
from lfm_online.distinct import distinct
from lfm_online.layout import CHUNK
from lfm_online.ledger import event_digests, topic_crc
from lfm_online.live_hits import Sample
from lfm_online.model import Model
from lfm_online.store.protocol import Head, Range, RowsRead, Store, StoreBrokenError
from worker.events import Events
from worker.history_writes import rewriting_users
from worker.row_budget import RowBudget


class HeadMovedError(Exception):
    """The store's rows are of another head than those in memory."""


class NotInMemoryError(Exception):
    """Rows would have to be read."""


class Resolved(NamedTuple):
    """A batch whose rows are in memory."""

    batch: Batch
    users: NDArray[np.int32]  # rows that it touches, as numbers
    items: NDArray[np.int32]
    histories: dict[str, bytes | None]  # stored ones, of users that rewrite theirs
    sample: Sample


class Numbered(NamedTuple):
    """A batch by row numbers."""

    ranges: Sequence[Range]
    batch: Batch
    rewriting: list[str]  # users whose stored histories it takes


class Asked(NamedTuple):
    """What was asked for ahead."""

    heads: frozenset[Head]
    n_items: int
    users: NDArray[np.int32]
    items: NDArray[np.int32]
    histories: list[str]


class BatchRows:
    """Resolves batches of one model."""

    def __init__(self, store: Store, model: Model, topic: str, user_rows: int | None) -> None:
        """Reads from ``store`` into ``model``.

        Args:
            store: Holds the model.
            model: Its rows in memory.
            topic: Goes into the events' digests.
            user_rows: Most rows of users in memory; None: all that were touched.
        """
        self._store = store
        self._model = model
        self._budget = None if user_rows is None else RowBudget(model.users, user_rows)
        self._crc = topic_crc(topic)
        self._asked: Asked | None = None
        self._numbered: Numbered | None = None  # the batch that it was asked for

    def ask(self, events: Events, heads: frozenset[Head], n_items: int, changing: NDArray[np.int32]) -> None:
        """Ask for what the batch that is learned next will want, while commits before it are under way.

        Args:
            events: That batch; all before it is learned.
            heads: Where the store may be when it reads, so many of those commits being done.
            n_items: Items in the store's list after them.
            changing: Users that they touch, as numbers: their histories are not yet what they will be.
        """
        if self._budget is not None and not self._budget.has_room(len(events)):
            return
        model, users, items = self._model, self._model.users, self._model.items
        self.drop_asked()
        numbered = self._numbered = self._number(events)
        batch = numbered.batch
        sampled = Sample(model, batch, n_items).places
        item = np.arange(len(items), dtype=np.int32) if len(sampled) else batch.item[batch.what == RATING]
        want_users, want_items = users.missing(batch.user), items.missing(item)
        histories = self._askable(numbered, sampled, changing) if model.history else []
        if len(want_users) or len(want_items) or histories:
            self._store.ask_rows(
                list(users.ids.take(want_users)), list(items.ids.take(want_items)), histories
            )
            self._asked = Asked(heads, n_items, want_users, want_items, histories)

    def _askable(
        self, numbered: Numbered, sampled: NDArray[np.int64], changing: NDArray[np.int32]
    ) -> list[str]:
        """The users whose stored histories the batch takes, as far as these are what they will be."""
        if not numbered.rewriting and not len(sampled):
            return []
        users = self._model.users
        own = distinct(numbered.batch.user[sampled])
        own = own[~users.loaded[own] | (users.rows.header["ratings"][own] >= CHUNK)]
        busy = set(changing.tolist())
        wanted = {user: users.number(user) for user in numbered.rewriting}
        wanted |= {users.ids[number]: number for number in own.tolist()}
        return [user for user, number in wanted.items() if number not in busy]

    def drop_asked(self) -> None:
        """Nothing that was asked for is right any more."""
        self._asked = self._numbered = None

    def _receive_asked(self) -> dict[str, bytes | None]:
        """Take over the rows that were asked for; the histories by user."""
        asked, self._asked = self._asked, None
        if asked is None:
            return {}
        read = self._store.receive_rows()
        if read.head not in asked.heads:
            return {}  # another worker's commit: what is under way will be refused
        self._load(read, asked.users, asked.items, asked.n_items)
        return dict(zip(asked.histories, read.histories, strict=True))

    def resolve(self, events: Events, head: Head | None, n_items: int) -> Resolved:
        """Have in memory what a batch touches; where reading is allowed, numbers of users may change.

        Args:
            events: The batch.
            head: That the rows in memory are of; None if nothing may be read but what was asked for.
            n_items: Items in the store's list then.

        Raises:
            HeadMovedError: the store is at another head.
            NotInMemoryError: something would have to be read, and may not.
            StoreBrokenError, FormatError: what lies in the store is not this model's.
            StoreAwayError: the store does not answer.
        """
        model, items = self._model, self._model.items
        histories = self._receive_asked()
        numbered, self._numbered = self._numbered, None
        if self._budget is not None and head is not None and self._budget.make_room(len(events)):
            numbered = None
        if numbered is None or numbered.ranges != events.ranges:
            numbered = self._number(events)
        batch, rewriting = numbered.batch, numbered.rewriting
        model.users.ask_for(batch.user)  # here, since a batch that was asked for has its numbers for long
        item = batch.item[batch.what == RATING]
        histories |= self._read_missing(batch.user, item, _others(rewriting, histories), head, n_items)
        touched_users, touched_items = model.touched(batch)
        sample = Sample(model, batch, n_items)
        needed = np.arange(len(items), dtype=np.int32) if len(sample.places) else touched_items
        own = _others(sample.histories, histories)
        histories |= self._read_missing(batch.user[:0], needed, own, head, n_items)
        sample.take([histories[user] for user in sample.histories])
        rings = {user: histories[user] for user in rewriting}
        return Resolved(batch, touched_users, touched_items, rings, sample)

    def _number(self, events: Events) -> Numbered:
        """Give ids their numbers."""
        users, items = self._model.users, self._model.items
        user = users.numbers(events.users)
        if self._budget is not None:
            self._budget.touch(user)
        item = np.full(len(events), -1, np.int32)
        rated = events.what == RATING
        if rated.all():
            item = items.numbers(events.items)
        else:
            chosen = np.flatnonzero(rated)
            item[chosen] = items.numbers(events.items.take(chosen))
        digests = event_digests(self._crc, events.partition, events.offset)
        batch = Batch(events.what, user, item, events.rating, events.time_ms, digests)
        return Numbered(events.ranges, batch, rewriting_users(self._model, events))

    def _read_missing(
        self,
        user: NDArray[np.int32],
        item: NDArray[np.int32],
        histories: list[str],
        head: Head | None,
        n_items: int,
    ) -> dict[str, bytes | None]:
        """Load what is not in memory; the histories by user."""
        users, items = self._model.users, self._model.items
        want_users = users.missing(user)
        want_items = items.missing(item)
        if not (len(want_users) or len(want_items) or histories):
            return {}
        if head is None:
            raise NotInMemoryError
        read = self._store.read_rows(
            list(users.ids.take(want_users)), list(items.ids.take(want_items)), histories
        )
        if read.head != head:
            raise HeadMovedError
        self._load(read, want_users, want_items, n_items)
        return dict(zip(histories, read.histories, strict=True))

    def _load(self, read: RowsRead, users: NDArray[np.int32], items: NDArray[np.int32], n_items: int) -> None:
        """Take rows over, given by number."""
        # An item that the list of this head doesn't hold has no row: what lies there is somebody else's.
        for number, row in zip(items.tolist(), read.items, strict=True):
            if number >= n_items and row is not None:
                raise StoreBrokenError(
                    f"item {self._model.items.ids[number]!r} has a row, but is not in the model's list of "
                    "items: the store was written to by something else. Restore it, or learn the model anew "
                    "under another name (LFM_MODEL)"
                )
        self._model.users.load(users, read.users)
        self._model.items.load(items, read.items)


def _others(users: list[str], known: dict[str, bytes | None]) -> list[str]:
    return [user for user in users if user not in known]
