"""A model in this process's memory: for tests, simulations, and trying things out."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from lfm_online.layout import Kind
from lfm_online.store import feed
from lfm_online.store.protocol import (
    NO_HEAD,
    Claim,
    Commit,
    FeedEntry,
    FeedRead,
    Head,
    MarkedRows,
    Receipt,
    RowsRead,
    State,
    StoreAwayError,
    block_rows,
)


@dataclass
class MemoryServer:
    """What outlives a connection: the values of one model."""

    meta: bytes | None = None
    head: Head = NO_HEAD
    globals: bytes | None = None
    ring: bytes | None = None
    watermarks: dict[str, int] = field(default_factory=dict)
    priors: bytes | None = None
    items: list[str] = field(default_factory=list)
    rows: dict[Kind, dict[str, bytes]] = field(default_factory=lambda: {"user": {}, "item": {}})
    histories: dict[str, bytes] = field(default_factory=dict)
    feed: list[FeedEntry] = field(default_factory=list)
    dead: dict[int, dict[int, bytes]] = field(default_factory=dict)
    turn: tuple[bytes, float] = (b"", 0.0)
    """Whose it is, and until when by ``clock``."""
    clock: Callable[[], float] = time.monotonic
    step: ClassVar[threading.Lock] = threading.Lock()
    """Held by a commit, and by a read of values that must be of one head; one for all, so that they copy."""

    @property
    def holder(self) -> bytes:
        """Whose turn it is; empty: nobody's."""
        who, until = self.turn
        return who if until > self.clock() else b""

    def apply(self, commit: Commit) -> bool:
        """The commit's numbered steps; False if the head was another."""
        # 1. The head must be the expected one.
        if self.head != commit.expected:
            return False
        # 2. Rows, histories, globals, ring, items, watermarks, dead letters.
        self.rows["user"].update(block_rows(commit.users))
        self.rows["item"].update(block_rows(commit.items))
        for user in commit.forgotten:
            for values in (self.rows["user"], self.histories):
                values.pop(user, None)
        for user, value in commit.histories.items():
            if value:
                self.histories[user] = value
            else:
                self.histories.pop(user, None)
        self._apply_runs(commit)
        self.globals = commit.globals
        if commit.meta is not None:
            self.meta = commit.meta
        if commit.priors is not None:
            self.priors = commit.priors
        for offset, value in commit.ring:
            old = (self.ring or b"").ljust(offset, b"\0")
            self.ring = old[:offset] + value + old[offset + len(value) :]
        self.items += commit.new_items
        self.watermarks.update(commit.watermarks)
        for partition, letters in commit.dead.items():
            self.dead.setdefault(partition, {}).update(letters)
        # 3. Head and feed, the feed's entry as it would be read back.
        self.head = commit.head
        self.feed.append(feed.from_fields(feed.to_fields(commit.entry)))
        del self.feed[: -commit.feed_entries]
        if commit.ends_turn:
            self.turn = (b"", 0.0)
        return True

    def _apply_runs(self, commit: Commit) -> None:
        runs = commit.runs
        if runs is None:
            return
        id_at = 0
        for r, length in enumerate(runs.id_lengths):
            user = runs.ids[id_at : id_at + length].tobytes().decode()
            id_at += int(length)
            slots = runs.slots[runs.starts[r] : runs.starts[r + 1]].tobytes()
            offset = int(runs.offsets[r])
            old = self.histories.get(user, b"").ljust(offset, b"\0")
            self.histories[user] = old[:offset] + slots + old[offset + len(slots) :]


class MemoryStore:
    """One connection to a :class:`MemoryServer`."""

    def __init__(self, server: MemoryServer | None = None) -> None:
        """A connection to ``server``, or to a new one."""
        self.server = server if server is not None else MemoryServer()
        self._in_flight: Commit | None = None
        self._rows: RowsRead | None = None

    def read_meta(self) -> bytes | None:
        """The model's settings as JSON; None if there is no such model."""
        return self.server.meta

    def create(self, meta: bytes) -> bool:
        """Set the meta of a new model; False if another process was first."""
        if self.server.meta is not None:
            return False
        self.server.meta = meta
        return True

    def read_state(self) -> State:
        """Head, globals, watermarks, count of items, and ring."""
        s = self.server
        with s.step:
            return State(s.head, s.globals, dict(s.watermarks), len(s.items), s.ring)

    def read_items(self, start: int) -> list[str]:
        """Item ids from that number on."""
        return self.server.items[start:]

    def read_priors(self) -> bytes | None:
        """The item priors that were set last; None if there are none."""
        return self.server.priors

    def read_rows(
        self, users: Sequence[str], items: Sequence[str], histories: Sequence[str] = ()
    ) -> RowsRead:
        """Rows and histories with the head that they rest on."""
        rows = self.server.rows
        with self.server.step:
            return RowsRead(
                self.server.head,
                [rows["user"].get(user) for user in users],
                [rows["item"].get(item) for item in items],
                [self.server.histories.get(user) for user in histories],
                self.server.globals,
            )

    def ask_rows(self, users: Sequence[str], items: Sequence[str], histories: Sequence[str] = ()) -> None:
        """Read them at once, so as of the head before the commit in flight."""
        self._rows = self.read_rows(users, items, histories)

    def receive_rows(self) -> RowsRead:
        """What was read then."""
        read, self._rows = self._rows, None
        if read is None:
            raise StoreAwayError("no rows were asked for on this connection")
        return read

    def lay_out(self, commit: Commit) -> None:
        """Nothing to make ready."""

    def send_commit(self, commit: Commit) -> None:
        """Begin a commit; it is applied when it is received."""
        self._in_flight = commit

    def receive_commit(self) -> Receipt:
        """Apply the commit in flight."""
        commit, self._in_flight = self._in_flight, None
        with self.server.step:
            holder = self.server.holder
            committed = commit is not None and self.server.apply(commit)
            return Receipt(committed, 0.0, holder if committed else b"")

    def read_feed(self, since: Head) -> FeedRead:
        """What was committed after ``since``."""
        with self.server.step:
            entries = [entry for entry in self.server.feed if entry.head.sequence > since.sequence]
            return FeedRead(self.server.head, feed.linked(since, entries, self.server.head))

    def wait_feed(self, since: Head, seconds: float) -> None:
        """Return at once: nothing changes behind a caller's back in one thread."""

    def claim_turn(self, who: bytes, seconds: float) -> Claim:
        """Ask for the turn to commit."""
        server = self.server
        with server.step:
            if not server.holder:
                server.turn = (who, server.clock() + seconds)
            return Claim(server.holder == who, server.head)

    def end_turn(self) -> None:
        """Whoever asks next has the turn."""
        self.server.turn = (b"", 0.0)

    def read_dead(self, partition: int, limit: int) -> dict[int, bytes]:
        """Up to about ``limit`` dead letters of a partition's outbox, by offset."""
        letters = sorted(self.server.dead.get(partition, {}).items())
        return dict(letters[:limit])

    def drop_dead(self, partition: int, offsets: Sequence[int]) -> None:
        """Take forwarded letters out of the outbox."""
        for offset in offsets:
            self.server.dead.get(partition, {}).pop(offset, None)

    def count_dead(self, partition: int) -> int:
        """How many letters lie in a partition's outbox."""
        return len(self.server.dead.get(partition, {}))

    def scan_rows(self, kind: Kind) -> Iterator[tuple[str, bytes]]:
        """Every row of a kind, in no order; a row may come twice."""
        yield from list(self.server.rows[kind].items())

    def scan_ids(self, kind: Kind) -> Iterator[list[str]]:
        """The ids of every row of a kind."""
        if self.server.rows[kind]:
            yield list(self.server.rows[kind])

    def read_marked_rows(self, kind: Kind, ids: Sequence[str]) -> MarkedRows:
        """Rows with the watermarks that they are as of."""
        rows = self.server.rows[kind]
        with self.server.step:
            return MarkedRows(dict(self.server.watermarks), [rows.get(row_id) for row_id in ids])

    def scan_feed(self) -> Iterator[FeedEntry]:
        """All that is kept of the feed, oldest first."""
        yield from list(self.server.feed)

    def check(self) -> None:
        """Memory is always fit."""

    def close(self) -> None:
        """Forget the commit in flight, as a broken connection would."""
        self._in_flight = self._rows = None
