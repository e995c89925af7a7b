"""What the topic says of each row, and what the store does: columns, without an object for a row.

A row costs 26 bytes, beside those of its id in the index.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from lfm_online.id_index import IdIndex
from lfm_online.ids import Ids
from lfm_online.layout import HEADER
from lfm_online.ledger import NOWHERE, SEVERAL, enter_events
from lfm_online.store.protocol import MarkedRows

COLUMNS: Final = {
    "events": np.uint32,  # by the topic, up to the row's cut
    "digest": np.uint32,
    "found_events": np.uint32,  # by the store
    "found_digest": np.uint32,
    "cut": np.int32,  # which watermarks the store's row is as of; -1: not read yet
    "owner": np.int32,  # the partition of its events (lfm_online.ledger: NOWHERE, SEVERAL)
    "forgotten": np.bool_,  # a tombstone came
    "present": np.bool_,  # the store has the row
}
_HEADER_BYTES: Final = HEADER.itemsize


class Cuts:
    """Watermarks that rows were read at, as a table: ``marks[cut, partition]``."""

    def __init__(self, topic: str) -> None:
        """None yet; those of ``topic`` count."""
        self._prefix = f"{topic}-"
        self._last: dict[str, int] | None = None
        self._n = 0
        self._marks = np.zeros((16, 1), np.int64)

    def add(self, watermarks: dict[str, int]) -> int:
        """Its number; watermarks that did not move since the last have that one's."""
        if watermarks == self._last:
            return self._n - 1
        own = {
            int(name.removeprefix(self._prefix)): offset
            for name, offset in watermarks.items()
            if name.startswith(self._prefix)
        }
        rows, width = self._marks.shape
        if self._n == rows or max(own, default=0) >= width:
            wider = np.zeros((max(rows, 2 * self._n), max(width, *own, 0) + 1), np.int64)
            wider[: self._n, :width] = self._marks[: self._n]
            self._marks = wider
        for partition, offset in own.items():
            self._marks[self._n, partition] = offset
        self._last = watermarks
        self._n += 1
        return self._n - 1

    def until(self, partition: int) -> NDArray[np.int64]:
        """Of each cut the first offset of a partition that was not learned, ``int64[n_cuts]``."""
        if partition >= self._marks.shape[1]:
            return np.zeros(self._n, np.int64)
        return np.ascontiguousarray(self._marks[: self._n, partition])

    def least(self) -> dict[int, int]:
        """Per partition, what every row that was read so far had learned."""
        return dict(enumerate(self._marks[: self._n].min(axis=0).tolist()))

    def most(self) -> dict[int, int]:
        """Per partition, what some row that was read so far had learned."""
        return dict(enumerate(self._marks[: self._n].max(axis=0).tolist()))


class Tally:
    """Rows of one kind; each column of :data:`COLUMNS` is an attribute."""

    events: NDArray[np.uint32]
    digest: NDArray[np.uint32]
    found_events: NDArray[np.uint32]
    found_digest: NDArray[np.uint32]
    cut: NDArray[np.int32]
    owner: NDArray[np.int32]
    forgotten: NDArray[np.bool_]
    present: NDArray[np.bool_]

    def __init__(self) -> None:
        """Without a row."""
        self.index = IdIndex()
        for name, dtype in COLUMNS.items():
            setattr(self, name, np.zeros(0, dtype))

    def __len__(self) -> int:
        """How many rows."""
        return len(self.index)

    def numbers(self, ids: Ids) -> NDArray[np.int32]:
        """Their row numbers; those not seen before get the next ones."""
        found = self.index.numbers(ids)
        room = len(self.events)
        if len(self) > room:
            more = max(len(self), 2 * room, 1024) - room
            for name, dtype in COLUMNS.items():
                start = {"cut": -1, "owner": NOWHERE}.get(name, 0)
                grown = np.concatenate([getattr(self, name), np.full(more, start, dtype)])
                setattr(self, name, grown)
        return found

    def found(self, numbers: NDArray[np.int32], read: MarkedRows, cuts: Cuts) -> None:
        """Take over what the store has of rows; a value that is no row counts as none."""
        whole = [b"" if value is None else value[:_HEADER_BYTES] for value in read.values]
        there = np.array([len(value) == _HEADER_BYTES for value in whole], np.bool_)
        header = np.zeros(len(whole), HEADER)
        header[there] = np.frombuffer(
            b"".join(value for value in whole if len(value) == _HEADER_BYTES), HEADER
        )
        self.present[numbers] = there
        self.found_events[numbers] = header["events"]
        self.found_digest[numbers] = header["digest"]
        self.cut[numbers] = cuts.add(read.watermarks)

    def enter(
        self,
        what: NDArray[np.uint8],
        numbers: NDArray[np.int32],
        partition: int,
        offset: NDArray[np.int64],
        digest: NDArray[np.uint32],
        until: NDArray[np.int64],
    ) -> None:
        """Count events of one partition; see :func:`lfm_online.ledger.enter_events`."""
        enter_events(
            *(what, numbers, partition, offset, digest, until),
            *(self.cut, self.events, self.digest, self.owner, self.forgotten),
        )

    def unread(self) -> NDArray[np.int32]:
        """Rows that the store was not asked for yet."""
        return np.flatnonzero(self.cut[: len(self)] < 0).astype(np.int32)

    def unproven(self) -> NDArray[np.bool_]:
        """Forgotten in one partition and rated in another: the topic alone can't tell what came first."""
        n = len(self)
        both: NDArray[np.bool_] = (self.owner[:n] == SEVERAL) & self.forgotten[:n]
        return both

    def differing(self) -> NDArray[np.int64]:
        """Rows of which topic and store say different things."""
        n = len(self)
        same = (self.events[:n] == self.found_events[:n]) & (self.digest[:n] == self.found_digest[:n])
        return np.flatnonzero(~same & ~self.unproven())

    def known(self) -> NDArray[np.bool_]:
        """Rows that the topic knows."""
        known: NDArray[np.bool_] = self.owner[: len(self)] != NOWHERE
        return known
