"""The model in memory and the store, kept in step: one commit after another, each event once.

A batch goes through these numbered steps:

1. Leave out what lies below the watermarks; what does not join up with them must be fetched again.
2. Ids to row numbers; rows that are not in memory are read in one step with the head. A head that
   is not the one expected means: follow the feed (:meth:`Checkpoint.resync`) and start over. With a
   ranking head the users' rows tell which other items' rows the batch touches: a second such step.
   Where the batch holds an event to rank, that step reads all items' rows and its user's history.
3. Learn, and rank the sampled events each before it is learned (``live_hits``).
4. Send the commit: rows, histories, globals, new items, watermarks, dead letters, head and feed,
   valid only on the head that the rows rest on.
5. Settle: the store says committed, or refused. Refused, or no answer: the rows that the batch
   touched are dropped from memory, the feed is followed, and the batch goes through 1 to 4 again;
   the watermarks then tell what of it is still to be learned.

While a commit is in flight the next batch is learned on top of it (:meth:`Checkpoint.learn_ahead`), if
all its rows are in memory: its commit goes out once that in flight is done, and falls with it. What the
batch after that will want is asked for before that commit goes out (:meth:`Checkpoint.ask_ahead`).

Architecture invariant: a row in memory is either as of ``head``, or touched by ``in_flight`` or ``learned``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from lfm_online.hash_search import rows_of
from lfm_online.item_priors import read_item_priors
from lfm_online.live_hits import learn_and_rank
from lfm_online.model import Model
from lfm_online.store.protocol import (
    NO_HEAD,
    Commit,
    FeedEntry,
    Head,
    State,
    Store,
    StoreAwayError,
)
from worker.batch_rows import BatchRows, HeadMovedError, NotInMemoryError, Resolved
from worker.commit_of import commit_of
from worker.events import Events
from worker.in_flight import Begun, InFlight, Settled


class Checkpoint:
    """Learns batches into one model, and commits each."""

    def __init__(
        self,
        store: Store,
        model: Model,
        topic: str,
        *,
        feed_entries: int,
        new_id: Callable[[], bytes],
        user_rows: int | None = None,
    ) -> None:
        """Starts without knowledge: call :meth:`resync` first.

        Args:
            store: Holds the model.
            model: Its rows in memory.
            topic: Names the watermarks' fields.
            feed_entries: How long the feed is kept.
            new_id: Gives 16 random bytes for each commit.
            user_rows: Most rows of users kept in memory; None: all that were touched.
        """
        self.store = store
        self.model = model
        self.topic = topic
        self.head: Head = NO_HEAD
        self.watermarks: dict[int, int] = {}
        self.beginnings: dict[int, int] = {}
        """Where the log of a partition without a watermark begins; the caller fills it in."""
        self.meta: bytes | None = None
        """Of a model without a commit: goes into the first, since the store may be emptied before it."""
        self.in_flight: InFlight | None = None
        self.learned: InFlight | None = None  # on top of that in flight if there is one; not sent yet
        self.followed = 0  # commits of others that memory was brought past
        self.rewinds = 0  # how often everything in memory had to go: the store's watermarks may be lower
        self._known = False  # whether anything in memory rests on ``head``
        self._n_items = 0  # items in the store's list as of ``head``
        self._rows = BatchRows(store, model, topic, user_rows)
        self._feed_entries = feed_entries
        self._new_id = new_id

    def begin(self, events: Events, *, ends_turn: bool = False) -> Begun:
        """:meth:`learn` and :meth:`send`."""
        begun = self.learn(events, ends_turn=ends_turn)
        self.send()
        return begun

    def learn(self, events: Events, *, ends_turn: bool = False) -> Begun:
        """Steps 1 to 3. No commit may be in flight.

        Args:
            events: The batch.
            ends_turn: Whether others may commit next (``worker/turns.py``).
        """
        while True:
            # 1. What the watermarks leave to learn.
            left, gaps = events.from_watermarks(self.beginnings | self.watermarks)
            if not left.ranges:
                return Begun(learned=False, gaps=gaps)
            # 2. Rows.
            try:
                resolved = self._rows.resolve(left, self.head, self._n_items)
            except HeadMovedError:
                known = self.head
                self.resync()
                if self.head == known:  # rows come from another server, which may go on for long
                    self.store.close()
                    raise StoreAwayError("the store's connections lead to different servers") from None
                continue
            # 3. Learn.
            self.learned = self._learn(left, resolved, ends_turn)
            return Begun(learned=True, gaps=gaps)

    def learn_ahead(self, events: Events, *, ends_turn: bool = False) -> bool:
        """Steps 1 to 3 on top of the commit in flight, where that takes nothing from the store.

        Args:
            events: The batch.
            ends_turn: As in :meth:`learn`.

        Returns:
            Whether it was learned; else settle first, then learn this very batch: its ids have their numbers.
        """
        flight = self.in_flight
        if flight is None or self.learned is not None or events.letters:  # letters: whether there is room
            return False
        ends = {r.partition: r.end for r in flight.events.ranges}
        left, gaps = events.from_watermarks(self.beginnings | self.watermarks | ends)
        if gaps or not left.ranges:
            return False
        try:
            resolved = self._rows.resolve(left, None, flight.n_items)
        except NotInMemoryError:
            return False
        self.learned = self._learn(left, resolved, ends_turn)
        self.store.lay_out(self.learned.commit)
        return True

    def ask_ahead(self, events: Events) -> None:
        """Ask for what the batch will want that is learned next."""
        under_way = [flight for flight in (self.in_flight, self.learned) if flight is not None]
        ends = {r.partition: r.end for flight in under_way for r in flight.events.ranges}
        left, gaps = events.from_watermarks(self.beginnings | self.watermarks | ends)
        if gaps or not left.ranges:
            return
        self._rows.ask(
            left,
            frozenset([self.head, *(flight.commit.head for flight in under_way)]),
            under_way[-1].n_items if under_way else self._n_items,
            np.concatenate([np.zeros(0, np.int32), *(flight.users for flight in under_way)]),
        )

    def send(self) -> None:
        """Step 4 of what was learned, if anything was; nothing may be in flight."""
        self.in_flight, self.learned = self.learned, None  # in flight from before the first byte is sent
        if self.in_flight is not None:
            self.store.send_commit(self.in_flight.commit)

    def _learn(self, events: Events, resolved: Resolved, ends_turn: bool) -> InFlight:
        """Step 3, and what step 4 is to send."""
        batch, users, items, rings, sample = resolved
        previous, n_items = self.head, self._n_items
        if self.in_flight is not None:
            previous, n_items = self.in_flight.commit.head, self.in_flight.n_items
        outcome, hits = learn_and_rank(self.model, batch, sample)
        commit = commit_of(
            self.model,
            events,
            batch,
            outcome,
            users,
            items,
            rings,
            topic=self.topic,
            previous=previous,
            head=Head(self._new_id(), previous.sequence + 1),
            n_items=n_items,
            feed_entries=self._feed_entries,
            meta=self.meta if previous == NO_HEAD else None,
            ends_turn=ends_turn,
        )
        return InFlight(events, batch, outcome, commit, users, items, len(self.model.items), hits)

    def settle(self) -> Settled | None:
        """Step 5, the store's answer; None if nothing is in flight.

        After a refusal, and after an exception from the store, call :meth:`resync`, then
        :meth:`begin` with the same events.
        """
        flight = self.in_flight
        if flight is None:
            return None
        receipt = self.store.receive_commit()
        if receipt.committed:
            self.in_flight = None
            self.head = flight.commit.head
            self._n_items = flight.n_items
            self.watermarks.update({r.partition: r.end for r in flight.events.ranges})
        return Settled(flight, receipt)

    def move(self, watermarks: Mapping[int, int], meta: bytes | None = None) -> bool:
        """Set watermarks apart from any event, where the log itself has changed. No commit may be in flight.

        Args:
            watermarks: By partition.
            meta: Of the model, if it changes too.

        Returns:
            Whether it was committed; if not, and after an exception, call :meth:`resync`.
        """
        nothing, no_ids = self.model.users.stored(np.zeros(0, np.int32)), np.zeros(0, np.uint32)
        entry = FeedEntry(
            Head(self._new_id(), self.head.sequence + 1), self.head, (), no_ids, np.zeros(0, np.uint64)
        )
        commit = Commit(
            expected=self.head,
            entry=entry,
            globals=self.model.globals_bytes(),
            watermarks={f"{self.topic}-{p}": offset for p, offset in watermarks.items()},
            users=nothing,
            items=nothing,
            feed_entries=self._feed_entries,
            meta=meta or (self.meta if self.head == NO_HEAD else None),
        )
        self.store.send_commit(commit)
        if not self.store.receive_commit().committed:
            return False
        self.head = commit.head
        self.watermarks.update(watermarks)
        return True

    def resync(self) -> None:
        """Bring memory to the store's head, whatever happened: step 5's second half.

        Rows touched by a commit in flight, and by what was learned and not sent, are dropped. If the feed
        leads from the head in memory to the store's, the rows that it names are dropped too; else all are.
        """
        self._rows.drop_asked()
        for flight in (self.in_flight, self.learned):
            if flight is not None:
                self.model.users.forget(flight.users)
                self.model.items.forget(flight.items)
        while True:
            entries = self.store.read_feed(self.head).entries if self._known else None
            state = self.store.read_state()
            if entries is None or (entries[-1].head if entries else self.head) != state.head:
                if entries is not None:
                    continue  # another commit got in between the two reads
                self._forget_everything()
            if entries:
                self._drop(entries)
                self.followed += len(entries)
            model = self.model
            priors = read_item_priors(self.store, state.globals, model.items.priors, model.n_factors)
            # Nothing was assigned so far, so an exception on the way here changes nothing.
            self._n_items = min(self._n_items, state.n_items)
            self.model.items.truncate(self._n_items)
            self.model.items.numbers(self.store.read_items(self._n_items)[: state.n_items - self._n_items])
            model.items.priors = priors  # newer than this head they teach nothing: its commits are refused
            self._take(state)
            return

    def _take(self, state: State) -> None:
        self.model.load_globals(state.globals, state.ring)
        prefix = f"{self.topic}-"
        self.watermarks = {
            int(name.removeprefix(prefix)): offset
            for name, offset in state.watermarks.items()
            if name.startswith(prefix)
        }
        self.head = state.head
        self._n_items = state.n_items
        self._known = True
        self.in_flight = self.learned = None

    def _forget_everything(self) -> None:
        self.rewinds += 1
        if self._known:
            self.beginnings = {}  # nothing may be learned before the caller has started anew
        self.model.users.forget_all()
        self.model.items.forget_all()
        self.model.items.truncate(0)  # a store that fell back may have given numbers anew
        self._n_items = 0

    def _drop(self, entries: Sequence[FeedEntry]) -> None:
        """Rows that other commits changed must be read again."""
        users, items = self.model.users, self.model.items
        changed = np.concatenate([entry.items for entry in entries])
        items.forget(changed[changed < len(items)])
        hashes = np.concatenate([entry.users for entry in entries])
        users.forget(rows_of(users.rows.hash[: len(users)], hashes))
