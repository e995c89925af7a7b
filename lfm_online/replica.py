"""A model's rows in this process's memory, held true by the feed.

All items and the globals are here; users are read when asked for, and the latest are kept.

Architecture invariant: a row here is never older than the head says. Two rules keep it so.

1. Rows are read after the feed entry that names them, so they may be newer than the head, and the
   entries still to come name them again; a user's row that was read *before* the head moved on is
   used for one answer and not kept.
2. A head that a read has seen must be among those that the feed then leads through. If it is not,
   the store fell back (restart, failover) to before that commit, and everything is read anew.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple

from lfm_online.hashing import id_hash
from lfm_online.model import Model
from lfm_online.replica_reads import Loaded, NotReadyError, read_changes, read_model
from lfm_online.shared_lock import SharedLock
from lfm_online.store.pool import ReadPool
from lfm_online.store.protocol import NO_HEAD, FeedEntry, Head, State, Store
from lfm_online.user_cache import UserCache

READERS: Final = 4
"""Connections that lookups read users with."""
STALE_SECONDS: Final = 5.0
"""A replica that was not seen at the head for that long answers no more."""


class UserRead(NamedTuple):
    """A user as the store holds it; None where it holds nothing."""

    row: bytes | None
    history: bytes | None  # full chunks; the rest lies behind the row


class Replica:
    """The model ``name`` of a store, for lookups.

    One thread calls :meth:`follow` again and again; any number of others read.
    """

    def __init__(
        self,
        open_store: Callable[[], Store],
        name: str,
        *,
        users: int,
        prepare: Callable[[Model], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is read yet.

        Args:
            open_store: Makes a connection to the model's store.
            name: The model's name.
            users: How many users' rows to keep.
            prepare: Called with a model before it serves, to compile kernels for it.
            clock: Seconds that only grow.
        """
        self.name = name
        self._store = open_store()
        self._pool = ReadPool(open_store, READERS)
        self._prepare = prepare
        self._clock = clock
        self._rows_lock = SharedLock()  # the rows and globals of _loaded
        self._lock = threading.Lock()  # the fields below; never held during a read from the store
        self._loaded: Loaded | None = None
        self._must_load = True
        self._head = NO_HEAD
        self._ahead: set[Head] = set()  # seen by reads; the feed must lead through each
        self._loads = 0
        self._users = UserCache(users)
        self._at_head = clock()
        self._problem: str | None = "the model is loading"

    # What the following thread does

    def follow(self, seconds: float) -> None:
        """Wait for a change up to that time, and take over what changed; load first where need be.

        Raises:
            StoreAwayError: the store does not answer; call again later.
            ModelMissingError: the store holds no such model; call again later.
            StoreBrokenError, FormatError, MetaMismatchError: what it holds is not this version's model.
        """
        try:
            if self._must_load:
                self._load()
            elif self._problem is None:
                self._store.wait_feed(self._head, seconds)
            self._catch_up()
        except Exception as error:
            self._problem = str(error)
            raise

    def close(self) -> None:
        """Drop the connections."""
        self._store.close()
        self._pool.close()

    def _load(self) -> None:
        """Read everything anew."""
        read = read_model(self._store, self.name)
        if self._prepare is not None:
            self._prepare(read.loaded.model)
        with self._rows_lock.writing(), self._lock:
            self._loaded = read.loaded
            self._head = read.head
            self._ahead = read.heads - {read.head}
            self._users.clear()
            self._loads += 1
            self._must_load = False

    def _catch_up(self) -> None:
        """Take over what was committed since the head."""
        with self._lock:
            ahead = set(self._ahead)
        asked = self._clock()
        feed = self._store.read_feed(self._head)
        heads = {entry.head for entry in feed.entries or ()}
        if feed.entries is None or not ahead <= heads or not self._apply(feed.head, feed.entries):
            self._lose()
            return
        with self._lock:
            # Some may have been seen since the first look; those past the head are for the next time.
            self._ahead -= heads
            linked = all(head.sequence > self._head.sequence for head in self._ahead)
        if not linked:
            self._lose()
            return
        self._at_head = asked
        self._problem = None

    def _lose(self) -> None:
        """Answer nothing until everything was read anew."""
        self._problem = "the feed does not link up with what was read: the model is being read anew"
        self._must_load = True

    def _apply(self, head: Head, entries: Sequence[FeedEntry]) -> bool:
        """Take over entries that lead to ``head``; False if they name an item that the store lacks."""
        if not entries:
            return True
        model = self.loaded.model
        changes = read_changes(self._store, model, entries)
        if changes is None:
            return False
        with self._rows_lock.writing(), self._lock:
            model.items.numbers(changes.new_items)
            model.items.load(changes.items, changes.rows)
            model.load_globals(changes.globals)
            model.items.priors = changes.priors
            for entry in entries:
                self._users.forget(entry.users.tolist())
            self._ahead |= changes.heads - {head}
            self._head = head
        return True

    # What lookups read

    @property
    def loaded(self) -> Loaded:
        """The model and its settings.

        Raises:
            NotReadyError: it was not loaded yet.
        """
        if self._loaded is None:
            raise NotReadyError(self._problem)
        return self._loaded

    @contextmanager
    def reading(self) -> Iterator[Loaded]:
        """The model, whose rows and globals stand still within the block; no reads from the store in it.

        Raises:
            NotReadyError: the rows may be out of date.
        """
        with self._rows_lock.reading():
            self.check()
            yield self.loaded

    def check(self) -> None:
        """See that lookups can be answered, before the store is asked for anything.

        Raises:
            NotReadyError: they can't; the message says why.
        """
        problem = self.problem()
        if problem is not None:
            raise NotReadyError(problem)

    def read_users(self, users: Sequence[str]) -> list[bytes | None]:
        """Rows of users, in their order; None where there is none. An unknown user leaves no trace.

        Raises:
            StoreAwayError: the store does not answer.
        """
        hashes = {user: id_hash("user", user.encode()) for user in users}
        with self._lock:
            rows = {user: self._users.get(user_hash, user) for user, user_hash in hashes.items()}
            loads = self._loads
        missing = [user for user, row in rows.items() if row is None]
        if missing:
            read = self._pool.read_rows(missing, [])
            with self._lock:
                keep = self._may_keep(read.head, loads)
                for user, row in zip(missing, read.users, strict=True):
                    rows[user] = row
                    if keep and row is not None:
                        self._users.put(hashes[user], user, row)
        return [rows[user] for user in users]

    def read_user(self, user: str) -> UserRead:
        """A user's row and history, as of one head.

        Raises:
            StoreAwayError: the store does not answer.
        """
        read = self._pool.read_rows([user], [], [user])
        return UserRead(read.users[0], read.histories[0])

    def read_state(self) -> State:
        """Head, globals and watermarks as the store holds them now.

        Raises:
            StoreAwayError: the store does not answer.
        """
        return self._pool.read_state()

    def _may_keep(self, head: Head, loads: int) -> bool:
        """Whether rows read at ``head`` will be forgotten when they change: see the invariant."""
        if loads != self._loads or (head != self._head and head.sequence <= self._head.sequence):
            return False
        if head != self._head:
            self._ahead.add(head)
        return True

    # What health and metrics ask

    def problem(self) -> str | None:
        """Why lookups can't be answered now; None if they can."""
        if self._problem is None and self.age_seconds() > STALE_SECONDS:
            return f"the replica was not seen at the model's head for {self.age_seconds():.0f} s"
        return self._problem

    def age_seconds(self) -> float:
        """Seconds since the rows were last known to be those of the model's head."""
        return self._clock() - self._at_head

    def row_counts(self) -> dict[str, int]:
        """Rows held in memory, by kind."""
        return {
            "user": len(self._users),
            "item": len(self._loaded.model.items) if self._loaded is not None else 0,
        }
