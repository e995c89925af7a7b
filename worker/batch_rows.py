"""A batch's ids to row numbers, and the rows that it touches to memory: step 2 of a checkpoint."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lfm_online.batch import RATING, Batch
from lfm_online.ledger import event_digests, topic_crc
from lfm_online.live_hits import Sample
from lfm_online.model import Model
from lfm_online.store.protocol import Head, RowsRead, Store, StoreBrokenError
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

    def resolve(self, events: Events, head: Head | None, n_items: int) -> Resolved:
        """Have in memory what a batch touches; where reading is allowed, numbers of users may change.

        Args:
            events: The batch.
            head: That the rows in memory are of; None if nothing may be read.
            n_items: Items in the store's list then.

        Raises:
            HeadMovedError: the store is at another head.
            NotInMemoryError: something would have to be read, and may not.
            StoreBrokenError, FormatError: what lies in the store is not this model's.
            StoreAwayError: the store does not answer.
        """
        model, users, items = self._model, self._model.users, self._model.items
        if self._budget is not None and head is not None:
            self._budget.make_room(len(events))
        user = users.numbers(events.users)
        users.ask_for(user)
        if self._budget is not None:
            self._budget.touch(user)
        item = np.full(len(events), -1, np.int32)
        rated = events.what == RATING
        if rated.all():
            item = items.numbers(events.items)
        else:
            chosen = np.flatnonzero(rated)
            item[chosen] = items.numbers(events.items.take(chosen))
        rewriting = rewriting_users(model, events)
        read = self._read_missing(user, item[rated], rewriting, head, n_items)
        digests = event_digests(self._crc, events.partition, events.offset)
        batch = Batch(events.what, user, item, events.rating, events.time_ms, digests)
        touched_users, touched_items = model.touched(batch)
        sample = Sample(model, batch, n_items)
        needed = np.arange(len(items), dtype=np.int32) if len(sample.places) else touched_items
        more = self._read_missing(user[:0], needed, sample.histories, head, n_items)
        histories = dict(zip(rewriting, read.histories if read else (), strict=True))
        sample.take(more.histories if more else ())
        return Resolved(batch, touched_users, touched_items, histories, sample)

    def _read_missing(
        self,
        user: NDArray[np.int32],
        item: NDArray[np.int32],
        histories: list[str],
        head: Head | None,
        n_items: int,
    ) -> RowsRead | None:
        """Load what is not in memory."""
        users, items = self._model.users, self._model.items
        want_users = users.missing(user)
        want_items = items.missing(item)
        if not (len(want_users) or len(want_items) or histories):
            return None
        if head is None:
            raise NotInMemoryError
        read = self._store.read_rows(
            list(users.ids.take(want_users)), list(items.ids.take(want_items)), histories
        )
        if read.head != head:
            raise HeadMovedError
        # An item that the list of this head doesn't hold has no row: what lies there is somebody else's.
        for number, row in zip(want_items.tolist(), read.items, strict=True):
            if number >= n_items and row is not None:
                raise StoreBrokenError(
                    f"item {items.ids[number]!r} has a row, but is not in the model's list of items: the "
                    "store was written to by something else. Restore it, or learn the model anew under "
                    "another name (LFM_MODEL)"
                )
        users.load(want_users, read.users)
        items.load(want_items, read.items)
        return read
