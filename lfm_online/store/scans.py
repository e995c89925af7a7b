"""Going through all that a server holds of a model, a piece at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from lfm_online.store import feed
from lfm_online.store.fitness import Call
from lfm_online.store.protocol import FeedEntry

SCAN_COUNT: Final = 1000
FEED_READ: Final = 1000
"""Feed entries of one read: who follows it from further behind does better to read everything anew."""


def ids(call: Call, prefix: str) -> Iterator[list[str]]:
    """The ids behind a prefix of keys, some at a time, in no order; an id may come twice."""
    pattern = "".join(f"\\{c}" if c in "*?[]\\^" else c for c in prefix) + "*"
    start = len(prefix.encode())
    cursor: Any = b"0"
    while True:
        cursor, names = call("SCAN", cursor, "MATCH", pattern, "COUNT", SCAN_COUNT)
        if names:
            yield [name[start:].decode() for name in names]
        if int(cursor) == 0:
            return


def rows(call: Call, prefix: str) -> Iterator[tuple[str, bytes]]:
    """Ids and values behind a prefix of keys, in no order; a row may come twice."""
    for part in ids(call, prefix):
        values = call("MGET", *(prefix + row_id for row_id in part))
        for row_id, value in zip(part, values, strict=True):
            if value is not None:
                yield row_id, value


def feed_entries(call: Call, key: str) -> Iterator[FeedEntry]:
    """All that is kept of a feed, oldest first."""
    after = "-"
    while True:
        found = call("XRANGE", key, after, "+", "COUNT", FEED_READ)
        for _, fields in found:
            yield feed.from_fields(dict(zip(fields[::2], fields[1::2], strict=True)))
        if len(found) < FEED_READ:
            return
        after = f"({found[-1][0].decode()}"


def marks(fields: Sequence[bytes]) -> dict[str, int]:
    """Watermarks from the reply of HGETALL."""
    return {name.decode(): int(offset) for name, offset in zip(fields[::2], fields[1::2], strict=True)}
