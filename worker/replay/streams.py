"""A partition's events taken piece by piece, and those of many merged by time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from lfm_online.ids import Ids
from lfm_online.store.protocol import Range
from worker.decode import Decoder
from worker.events import Events, chain
from worker.source.records import Records


class Stream:
    """The events of one partition, in order."""

    def __init__(self, partition: int, first: int, records: Iterator[Records], decoder: Decoder) -> None:
        """From offset ``first`` on, of which ``records`` begins."""
        self.partition = partition
        self.at = first
        self._records = records
        self._decoder = decoder
        self._left: Events | None = None

    def piece(self, end: int) -> Events | None:
        """The next events below ``end``, some at a time; None if there are no more."""
        if self.at >= end:
            return None
        if self._left is None:
            records = next(self._records, None)
            if records is None:
                return None
            self._left = self._decoder.decode(records)
        (r,) = self._left.ranges
        if r.first >= end:  # what lies between holds no record
            return None
        stop = min(end, r.end)
        below = self._left.offset < stop
        taken = self._left.choose(below, [Range(r.partition, self.at, stop)])
        self._left = self._left.choose(~below, [r._replace(first=stop)]) if stop < r.end else None
        self.at = stop
        return taken

    def take(self, end: int) -> list[Events]:
        """All events below ``end``; their ranges reach there, whether or not records do."""
        parts = list(iter(lambda: self.piece(end), None))
        if self.at < end:
            parts.append(no_events([Range(self.partition, self.at, end)]))
            self.at = end
        return parts


def no_events(ranges: Sequence[Range]) -> Events:
    """Offsets that hold none."""
    none, places = np.zeros(0), np.zeros(0, np.int64)
    return Events(
        *(np.zeros(0, np.uint8), Ids.of([]), Ids.of([]), none, places, np.zeros(0, np.int32), places, places),
        letters=[],
        ranges=ranges,
    )


def by_time(streams: Mapping[int, Stream], ends: Mapping[int, int], at_once: int) -> Iterator[Events]:
    """The events below ``ends`` by the records' own time, then partition, then offset.

    A partition's events keep their order: a record that is older than one before it counts as old as that.

    Args:
        streams: By partition.
        ends: Per partition.
        at_once: Events of a part, at most.

    Yields:
        Parts whose ranges stand in their events' order; a partition may have many.
    """
    heads = {p: _Head(stream, ends[p]) for p, stream in streams.items()}
    reached = {p: stream.at for p, stream in streams.items()}
    while sum(head.fill() for head in heads.values()):
        # No event that is still to come stands before the earliest of the last that are there.
        horizon = min(((int(h.times[-1]), p) for p, h in heads.items() if h.more), default=None)
        taken = [head.before(horizon, p) for p, head in sorted(heads.items())]
        times = np.concatenate([each for _, each in taken])
        block = chain([events for events, _ in taken], [])
        order = np.lexsort((block.offset, block.partition, times))
        for start in range(0, len(order), at_once):
            part = order[start : start + at_once]
            yield block.choose(part, _runs(block.partition[part], block.offset[part], reached))
    tails = [Range(p, reached[p], end) for p, end in ends.items() if reached[p] < end]
    for stream in streams.values():
        stream.at = max(stream.at, ends[stream.partition])
    if tails:
        yield no_events(tails)


def _runs(partition: NDArray[np.int32], offset: NDArray[np.int64], reached: dict[int, int]) -> list[Range]:
    """The ranges of events in this order, each from where its partition was ``reached``; that is moved on."""
    last = np.flatnonzero(np.append(partition[1:] != partition[:-1], True))
    ranges = []
    for p, end in zip(partition[last].tolist(), (offset[last] + 1).tolist(), strict=True):
        ranges.append(Range(p, reached[p], end))
        reached[p] = end
    return ranges


class _Head:
    """The events of a partition that are next to be merged."""

    def __init__(self, stream: Stream, end: int) -> None:
        self._stream = stream
        self._end = end
        self._events = no_events([])
        self.times = np.zeros(0, np.int64)
        self.more = True
        self._newest = np.iinfo(np.int64).min

    def fill(self) -> bool:
        """See that there are some; False if there are no more."""
        while self.more and len(self._events) == 0:
            piece = self._stream.piece(self._end)
            if piece is None:
                self.more = False
            elif len(piece):
                self._events = piece
                self.times = np.maximum.accumulate(np.maximum(piece.record_ms, self._newest))
                self._newest = int(self.times[-1])
        return len(self._events) > 0

    def before(self, horizon: tuple[int, int] | None, partition: int) -> tuple[Events, NDArray[np.int64]]:
        """Take the events up to (time, partition), with their times; None: all."""
        n = len(self._events)
        if horizon is not None:
            side = "right" if partition <= horizon[1] else "left"
            n = int(np.searchsorted(self.times, horizon[0], side=side))  # type: ignore[call-overload]
        taken = self._events.choose(np.arange(n), []), self.times[:n]
        self._events = self._events.choose(np.arange(n, len(self._events)), [])
        self.times = self.times[n:]
        return taken
