"""Commits as a worker would send them, with made rows."""

import os
from collections.abc import Mapping, Sequence

import numpy as np

from lfm_online.hashing import id_hash
from lfm_online.store.protocol import Commit, FeedEntry, Head, HistoryRuns, Range, ValueBlock

WIDTH = 8
"""Bytes of a made row."""


def row(number: int) -> bytes:
    """A row that no other number has."""
    return number.to_bytes(WIDTH, "little")


def block(of: Mapping[str, bytes]) -> ValueBlock:
    """Rows of any length."""
    ids = [row_id.encode() for row_id in of]
    return ValueBlock(
        np.frombuffer(b"".join(ids), np.uint8),
        np.array([len(row_id) for row_id in ids], np.int64),
        np.frombuffer(b"".join(of.values()), np.uint8),
        np.array([len(value) for value in of.values()], np.int64),
    )


def runs_of(runs: Sequence[tuple[str, int, bytes]]) -> HistoryRuns:
    """Runs given as (user, offset, bytes)."""
    ids = [user.encode() for user, _, _ in runs]
    return HistoryRuns(
        np.frombuffer(b"".join(ids), np.uint8),
        np.array([len(row_id) for row_id in ids], np.int64),
        np.array([offset for _, offset, _ in runs], np.int64),
        np.cumsum([0, *(len(slots) for _, _, slots in runs)], dtype=np.int64),
        np.frombuffer(b"".join(slots for _, _, slots in runs), np.uint8),
    )


def commit_on(
    expected: Head,
    *,
    users: Mapping[str, bytes] | None = None,
    items: Mapping[str, bytes] | None = None,
    new_items: Sequence[str] = (),
    global_values: bytes = b"globals",
    ring: Sequence[tuple[int, bytes]] = (),
    watermarks: Mapping[str, int] | None = None,
    runs: Sequence[tuple[str, int, bytes]] = (),
    histories: Mapping[str, bytes] | None = None,
    forgotten: Sequence[str] = (),
    dead: Mapping[int, Mapping[int, bytes]] | None = None,
    feed_entries: int = 1000,
) -> Commit:
    """A commit that is valid on that head alone; its own head is random, as a worker's."""
    users, items = users or {}, items or {}
    return Commit(
        expected=expected,
        entry=FeedEntry(
            Head(os.urandom(16), expected.sequence + 1),
            expected,
            (Range(1, 5, 9), Range(3, 0, 2**40)),
            np.arange(len(items), dtype=np.uint32),
            np.array([id_hash("user", user.encode()) for user in users], np.uint64),
        ),
        globals=global_values,
        ring=ring,
        watermarks={"ratings-1": 9, "ratings-3": 2**40} if watermarks is None else watermarks,
        users=block(users),
        items=block(items),
        new_items=new_items,
        runs=runs_of(runs) if runs else None,
        histories=histories or {},
        forgotten=forgotten,
        dead=dead or {},
        feed_entries=feed_entries,
    )
