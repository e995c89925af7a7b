"""What is read of a model in Redis or Valkey."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from lfm_online.layout import Kind
from lfm_online.store import feed, resp, scans
from lfm_online.store.connection import Connection
from lfm_online.store.protocol import FeedEntry, FeedRead, Head, MarkedRows, RowsRead, State

READ_ITEMS: Final = 5000
"""Of the list of items, read at a time, so that the server is not blocked for long."""


class Reading(Connection):
    """The reads of ``protocol.Store``."""

    def __init__(self, url: str, model: str, **access: Any) -> None:
        """Connects on first use; ``access`` as in ``connection.connect``."""
        super().__init__(url, model, **access)
        self._asked: list[tuple[str, Sequence[str]]] = []  # rows: prefix and ids

    def close(self) -> None:
        """Drop the connection; the next call makes a new one."""
        self._asked = []
        super().close()

    def read_meta(self) -> bytes | None:
        """The model's settings as JSON; None if there is no such model."""
        meta: bytes | None = self._call("GET", self.keys.meta)
        return meta

    def read_state(self) -> State:
        """Head, globals, watermarks, count of items, and ring."""
        with self._conversation() as connection:
            head, values, watermarks, n_items, ring = self._transact(
                connection,
                [
                    ("GET", self.keys.head),
                    ("GET", self.keys.globals),
                    ("HGETALL", self.keys.watermarks),
                    ("LLEN", self.keys.items),
                    ("GET", self.keys.ring),
                ],
            )
            return State(Head.from_bytes(head), values, scans.marks(watermarks), n_items, ring)

    def read_items(self, start: int) -> list[str]:
        """Item ids from that number on."""
        ids: list[str] = []
        while True:
            first = start + len(ids)
            part = self._call("LRANGE", self.keys.items, first, first + READ_ITEMS - 1)
            ids += [row_id.decode() for row_id in part]
            if len(part) < READ_ITEMS:
                return ids

    def read_priors(self) -> bytes | None:
        """The item priors that were set last; None if there are none."""
        stored: bytes | None = self._call("GET", self.keys.priors)
        return stored

    def read_rows(
        self, users: Sequence[str], items: Sequence[str], histories: Sequence[str] = ()
    ) -> RowsRead:
        """Rows and histories with the head that they rest on."""
        self.ask_rows(users, items, histories)
        return self.receive_rows()

    def ask_rows(self, users: Sequence[str], items: Sequence[str], histories: Sequence[str] = ()) -> None:
        """Send what :meth:`receive_rows` takes the answer of."""
        if self._asked:
            self.receive_rows()
        keys = self.keys
        groups = [(keys.user_prefix, users), (keys.item_prefix, items), (keys.history_prefix, histories)]
        commands: list[tuple[Any, ...] | bytes] = [("GET", keys.head), ("GET", keys.globals)]
        commands += (part for prefix, ids in groups for part in _reads(prefix, ids))
        with self._conversation() as connection:
            self._send_transaction(connection, commands)
        self._asked = groups

    def receive_rows(self) -> RowsRead:
        """Wait for what was asked last."""
        groups, self._asked = self._asked, []
        with self._conversation() as connection:
            head, values, *replies = self._receive_transaction(connection)
        found = []
        for prefix, ids in groups:
            n = 2 * resp.commands_for(len(ids))
            found.append(self._values(prefix, ids, replies[:n]))
            del replies[:n]
        return RowsRead(Head.from_bytes(head), found[0], found[1], found[2], values)

    def _values(self, prefix: str, ids: Sequence[str], replies: Sequence[Any]) -> list[bytes | None]:
        """The values of :func:`_reads`; those that are not there must not be of a foreign type."""
        values: list[bytes | None] = [value for part in replies[::2] for value in part]
        if sum(replies[1::2]) != len(values) - values.count(None):
            for part in _parts(ids):
                self._check_types({prefix + row_id: "string" for row_id in part})
        return values

    def read_feed(self, since: Head) -> FeedRead:
        """What was committed after ``since``."""
        with self._conversation() as connection:
            stored, found = self._transact(
                connection,
                [
                    ("GET", self.keys.head),
                    ("XRANGE", self.keys.feed, f"{since.sequence + 1}-0", "+", "COUNT", scans.FEED_READ),
                ],
            )
        head = Head.from_bytes(stored)
        entries = [feed.from_fields(dict(zip(fields[::2], fields[1::2], strict=True))) for _, fields in found]
        return FeedRead(head, feed.linked(since, entries, head))

    def wait_feed(self, since: Head, seconds: float) -> None:
        """Return once the head may differ from ``since``, or after that time."""
        milliseconds = max(1, int(seconds * 1000))
        self._call(
            "XREAD", "COUNT", 1, "BLOCK", milliseconds, "STREAMS", self.keys.feed, f"{since.sequence}-0"
        )

    def scan_rows(self, kind: Kind) -> Iterator[tuple[str, bytes]]:
        """Every row of a kind, in no order; a row may come twice."""
        return scans.rows(self._call, self._prefix(kind))

    def scan_ids(self, kind: Kind) -> Iterator[list[str]]:
        """The ids of every row of a kind, some at a time, in no order; an id may come twice."""
        return scans.ids(self._call, self._prefix(kind))

    def read_marked_rows(self, kind: Kind, ids: Sequence[str]) -> MarkedRows:
        """Rows with the watermarks that they are as of."""
        commands: list[tuple[Any, ...] | bytes] = [("HGETALL", self.keys.watermarks)]
        with self._conversation() as connection:
            marks, *replies = self._transact(connection, [*commands, *_reads(self._prefix(kind), ids)])
        return MarkedRows(scans.marks(marks), self._values(self._prefix(kind), ids, replies))

    def scan_feed(self) -> Iterator[FeedEntry]:
        """All that is kept of the feed, oldest first."""
        return scans.feed_entries(self._call, self.keys.feed)

    def _prefix(self, kind: Kind) -> str:
        return self.keys.user_prefix if kind == "user" else self.keys.item_prefix


def _parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + resp.AT_ONCE] for start in range(0, len(ids), resp.AT_ONCE))


def _reads(prefix: str, ids: Sequence[str]) -> list[bytes]:
    """Two replies for each part: values, None for none or one of a foreign type; how many exist."""
    return [resp.of_keys(command, prefix, part) for part in _parts(ids) for command in ("MGET", "EXISTS")]
