"""Records of one partition as columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Parts(NamedTuple):
    """A key or a value of each record: ``data[begin[j]:begin[j] + length[j]]``."""

    begin: NDArray[np.int64]  # int64[n]
    length: NDArray[np.int64]  # int64[n], bytes; -1 is a null


class Records(NamedTuple):
    """Records of one partition, in order, as they lie in the log; all columns have one length."""

    partition: int
    first: int  # the position they were fetched from; offsets below the first record's are holes
    offsets: NDArray[np.int64]
    times_ms: NDArray[np.int64]  # the record's own time, -1 where it has none
    data: NDArray[np.uint8]  # uint8[n_bytes], where keys and values lie
    keys: Parts
    values: Parts
    upto: int = 0  # the position behind them, where that is more than the last offset says
    fault: str = ""  # not empty: one batch that can't be decoded, its bytes as one value; why

    @property
    def end(self) -> int:
        """The position behind them."""
        return max(self.upto, int(self.offsets[-1]) + 1 if len(self.offsets) else 0)

    def part(self, parts: Parts, place: int) -> bytes | None:
        """One key or value."""
        begin, length = int(parts.begin[place]), int(parts.length[place])
        return None if length < 0 else self.data[begin : begin + length].tobytes()

    def before(self, end: int) -> Records:
        """Those of an offset below ``end``."""
        n = int(np.searchsorted(self.offsets, end))
        return self.cut(0, n)

    def cut(self, start: int, stop: int) -> Records:
        """Some of them; the data stays one."""
        own = slice(start, stop)
        return self._replace(
            offsets=self.offsets[own],
            times_ms=self.times_ms[own],
            keys=Parts(*(column[own] for column in self.keys)),
            values=Parts(*(column[own] for column in self.values)),
            upto=self.upto if stop >= len(self.offsets) else 0,
        )


def records_of(
    partition: int,
    first: int,
    offsets: Sequence[int],
    times_ms: Sequence[int],
    keys: Sequence[bytes | None],
    values: Sequence[bytes | None],
) -> Records:
    """Records given one by one."""
    pieces = [*keys, *values]
    length = np.array([-1 if piece is None else len(piece) for piece in pieces], np.int64)
    begin = np.cumsum(np.maximum(length, 0)) - np.maximum(length, 0)
    n = len(offsets)
    return Records(
        partition,
        first,
        np.array(offsets, np.int64),
        np.array(times_ms, np.int64),
        np.frombuffer(bytearray().join(filter(None, pieces)), np.uint8),  # writable, see lfm_online.ids.Ids
        Parts(begin[:n], length[:n]),
        Parts(begin[n:], length[n:]),
    )


def undecodable(partition: int, first: int, end: int, data: bytes, fault: str) -> Records:
    """A batch that can't be decoded: all offsets from ``first`` to before ``end``."""
    return records_of(partition, first, [first], [-1], [None], [data])._replace(upto=end, fault=fault)


def holes(partition: int, first: int, end: int) -> Records:
    """Offsets that hold no record for a reader: markers of transactions, what compaction took."""
    return records_of(partition, first, [], [], [], [])._replace(upto=end)


def join_records(partition: int, first: int, parts: Sequence[Records]) -> Records:
    """Records that follow each other as one."""
    if len(parts) == 1:
        return parts[0]._replace(partition=partition, first=first)
    shifts = np.cumsum([0, *(len(part.data) for part in parts)])

    def joined(which: str) -> Parts:
        columns: list[Parts] = [getattr(part, which) for part in parts]
        return Parts(
            np.concatenate([each.begin + shift for each, shift in zip(columns, shifts, strict=False)]),
            np.concatenate([each.length for each in columns]),
        )

    return Records(
        partition,
        first,
        np.concatenate([part.offsets for part in parts]),
        np.concatenate([part.times_ms for part in parts]),
        np.concatenate([part.data for part in parts]),
        joined("keys"),
        joined("values"),
        parts[-1].upto,
    )
