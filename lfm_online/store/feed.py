"""A feed entry as the fields of a stream entry, little-endian.

``c`` this commit's head and ``p`` the one before (24 bytes each), ``r`` its ranges (uint32
partition, uint64 first offset, uint64 end), ``i`` numbers of changed items (uint32), ``u`` hashes
of changed users (uint64). The stream id is the head's sequence, so that the entries after a head
are found by range, and link up only if the first names that very head as the one before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from lfm_online.store.protocol import FeedEntry, Head, Range

_RANGE: Final = np.dtype([("partition", "<u4"), ("first", "<u8"), ("end", "<u8")])


def to_fields(entry: FeedEntry) -> dict[bytes, bytes]:
    """The fields of the stream entry."""
    return {
        b"c": entry.head.to_bytes(),
        b"p": entry.previous.to_bytes(),
        b"r": np.array([tuple(r) for r in entry.ranges], _RANGE).tobytes(),
        b"i": entry.items.astype("<u4").tobytes(),
        b"u": entry.users.astype("<u8").tobytes(),
    }


def from_fields(fields: Mapping[bytes, bytes]) -> FeedEntry:
    """Read a stream entry back."""
    return FeedEntry(
        Head.from_bytes(fields[b"c"]),
        Head.from_bytes(fields[b"p"]),
        tuple(Range(int(r[0]), int(r[1]), int(r[2])) for r in np.frombuffer(fields[b"r"], _RANGE)),
        np.frombuffer(fields[b"i"], np.uint32),
        np.frombuffer(fields[b"u"], np.uint64),
    )


def linked(since: Head, entries: Sequence[FeedEntry], head: Head) -> Sequence[FeedEntry] | None:
    """``entries`` if they lead from ``since`` to ``head`` without a gap, else None."""
    at = since
    for entry in entries:
        if entry.previous != at:
            return None
        at = entry.head
    return entries if at == head else None
